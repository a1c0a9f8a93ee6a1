"""Decides where a command may write: over a file that halo wrote, and never through a link out of the checkout.

A branch decides what a checkout contains. A committed link at a path that a pipeline writes would make it write
somewhere else, and an existing file may be the only copy of its content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from halo_iac.checkout import find_checkout
from halo_iac.errors import FileError
from halo_iac.paths import resolve_path
from halo_iac.storage.atomic import not_a_file_error, read_start, write_atomically

_ELSEWHERE: Final = "use another file name"
PLAN_STARTS: Final = (
    b'{\n  "host": {\n    "base_url": "',
    b'{\n  "version": 1,\n  "projects": [\n    {\n      "host": {\n        "base_url": "',
)
"""How a saved plan begins."""
DOCUMENT_STARTS: Final = (
    *PLAN_STARTS,
    b'{\n  "plan": {\n    "host": {\n      "base_url": "',
    b'{\n  "problems": [],\n  "findings": [',
    b'{\n  "problems": [\n    {\n      "path": "',
    b'{\n  "version": 1,\n  "projects": [\n    {\n      "file": "',
    b'{\n  "drift": {\n    "changed": ',
    b'{\n  "error": {\n    "code": "',
)
"""How the documents of ``--also json=`` begin; other programs use their first keys too."""
_STANDARD: Final = {1: "standard output", 2: "standard error"}


def check_links(path: Path, cwd: Path) -> None:
    """Raise if a path in the checkout or the working directory leads out of it, into ``.git``, or nowhere."""
    folder = find_checkout(cwd / "any") or resolve_path(cwd)
    written, real = Path(os.path.abspath(cwd / path)), resolve_path(cwd / path)  # noqa: PTH100 - the path as typed
    if written.is_symlink() and not written.exists():
        raise FileError(f"{path}: a link whose target does not exist; it was not overwritten", hint=_ELSEWHERE)
    if not written.is_relative_to(folder):
        return
    if not real.is_relative_to(folder):
        raise FileError(f"{path}: a link leads out of {folder}", hint="use the path of the target, or remove the link")
    if ".git" in real.relative_to(folder).parts:
        raise FileError(f"{path}: inside the folder .git", hint=_ELSEWHERE)


def check_output(path: Path, cwd: Path, what: str, starts: tuple[bytes, ...]) -> None:
    """Raise unless a file is new, empty, or begins with one of ``starts``, as halo's own files of this kind do.

    ``what`` names the kind of file in the message.
    """
    check_links(path, cwd)
    try:
        found = path.stat()
    except OSError:  # it does not exist, or writing reports the reason better
        return
    if not stat.S_ISREG(found.st_mode):
        raise not_a_file_error(path)
    for descriptor, name in _STANDARD.items():
        with suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):
                raise FileError(f"{path} is already used as {name}", hint=_ELSEWHERE)
    start = read_start(path, max(map(len, starts), default=1))
    if start and not (starts and start.startswith(starts)):
        hint = _ELSEWHERE if starts else "remove it, or use another file name"
        message = f"{path} exists and is {what}" if starts else f"{path} already exists"
        raise FileError(f"{message}; it was not overwritten", hint=hint)


def write_output(path: Path, cwd: Path, what: str, starts: tuple[bytes, ...], text: str | Iterable[str]) -> None:
    """Write a whole file that still passes :func:`check_output`, readable by its owner only: it may hold prompts."""
    check_output(path, cwd, what, starts)
    write_atomically(path, text, mode=0o600)
