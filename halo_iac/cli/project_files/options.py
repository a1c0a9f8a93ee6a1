"""``-f``: one project file, or a list of them (docs/semantics.md#several-project-files)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from halo_iac.errors import UsageError
from halo_iac.paths import path_exists

MAX_CONCURRENT_PROJECTS: Final = 16
"""The most projects of a list that are read at the same time."""

_WILDCARD: Final = re.compile(r"[*?\[]")


def is_glob(word: str) -> bool:
    """Return whether an argument of ``-f`` is a glob.

    Only its characters count: a branch must not be able to turn a glob into a path by adding a file of that name.
    """
    return _WILDCARD.search(word) is not None


def split_files(words: Sequence[str] | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the only project file and no list, or no file and the words of a list: several words, or a glob."""
    named = tuple(words or ())
    if len(named) > 1 or any(map(is_glob, named)):
        return None, named
    return (named[0] if named else None), ()


def check_single_file(word: str, cwd: Path) -> None:
    """Raise if the project file of a command is empty, or a glob that is not the name of a file."""
    if not word.strip():
        raise UsageError("--file is empty", hint="give it a path, or remove it")
    if is_glob(word) and not path_exists(cwd / word):
        hint = "name one file; validate, plan, drift, preview, page and apply take several"
        raise UsageError(f"--file {word}: a glob may name several files, and this command takes one", hint=hint)
