"""``-f``: one project file, or a list of them (docs/semantics.md#several-project-files)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from halo_iac.errors import UsageError
from halo_iac.paths import is_there

MAX_CONCURRENT_PROJECTS: Final = 16
"""How many projects of a list are looked at at once."""

_WILDCARD: Final = re.compile(r"[*?\[]")


def is_glob(word: str) -> bool:
    """Return whether an argument of ``-f`` is a glob.

    By its characters alone: a branch must not be able to make a glob mean one file by adding a file of that name.
    """
    return _WILDCARD.search(word) is not None


def split_files(words: Sequence[str] | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the one project file that is named, or all words where they name a list: several, or a glob."""
    named = tuple(words or ())
    if len(named) > 1 or any(map(is_glob, named)):
        return None, named
    return (named[0] if named else None), ()


def check_single_file(word: str, cwd: Path) -> None:
    """Raise where the one project file of a command is empty, or a glob that no file has for its name."""
    if not word.strip():
        raise UsageError("--file is empty", hint="give it a path, or remove it")
    if is_glob(word) and not is_there(cwd / word):
        hint = "name one file; validate, plan, drift, preview, page and apply take several"
        raise UsageError(f"--file {word}: a glob may name several files, and this command takes one", hint=hint)
