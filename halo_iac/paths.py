"""Paths on this machine: links resolved, as messages show them, and the private folder ``.halo``."""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

PRIVATE_FOLDER: Final = ".halo"
SANDBOX_FILE: Final = Path(PRIVATE_FOLDER) / "sandbox.db"
"""The default file of a sandbox, relative to the folder of the project file."""

_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_WINDOWS_INVALID_NAME: Final = 123
"""The error of a name that no file can have, such as a glob."""


def make_private_folder(folder: Path) -> None:
    """Create the folder with mode 0700, or restrict an existing one; raises :class:`OSError`.

    Links are refused: a hostile checkout could use one to point outside the folder.
    """
    reject_symlink(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    restrict_permissions(folder, 0o700)
    ignored = folder / ".gitignore"
    try:
        file = ignored.open("x", encoding="ascii")
    except FileExistsError:
        return
    try:
        with file:
            file.write("*\n")
    except OSError:  # a full disk: an empty file would stay, and ignore nothing
        ignored.unlink(missing_ok=True)
        raise


def reject_symlink(path: Path) -> None:
    """Raise :class:`OSError` if a path is a symbolic link."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link; remove it", str(path))


def restrict_permissions(path: Path, mode: int) -> None:
    """Remove other users' permissions from an existing file of halo."""
    if path.stat().st_mode & 0o077:
        path.chmod(mode)


def path_exists(path: Path) -> bool:
    """Return whether a path exists; raises :class:`OSError` if the system cannot tell.

    From Python 3.14 on, :meth:`pathlib.Path.exists` returns false for a name that is too long or a folder without
    access.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno in _ABSENT or getattr(error, "winerror", None) == _WINDOWS_INVALID_NAME:
            return False
        raise
    except ValueError:  # a zero byte
        return False
    return True


def resolve_path(path: Path) -> Path:
    """Return a path without links and dots; for a loop of links, up to the loop.

    Before Python 3.13, :meth:`pathlib.Path.resolve` raises a ``RuntimeError`` there; opening the file then reports it.
    """
    return Path(os.path.realpath(path))


def display_path(path: Path | str, cwd: Path | str) -> str:
    """Return a path as messages show it: relative to the working directory, with ``/``, the same on every system."""
    folder, name = os.path.split(path)
    if name in {"", ".", ".."} or not os.path.isabs(folder):  # noqa: PTH117 - a Path takes several times as long
        return _relative(str(path), str(cwd))
    shown = _relative_folder(folder, str(cwd))
    if shown.startswith(".."):  # the path may be the working directory itself, or a folder above it
        return _relative(str(path), str(cwd))
    return name if shown == "." else f"{shown.removesuffix('/')}/{name}"


def _relative(path: str, cwd: str) -> str:
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:  # another drive
        relative = path
    return relative.replace(os.sep, "/")


_relative_folder = lru_cache(maxsize=1_000)(_relative)
"""Cached, because a project may have a thousand files in one folder."""
