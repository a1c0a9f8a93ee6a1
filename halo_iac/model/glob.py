"""Title globs, which mean the same in ``protect:`` and on the command line (design §2)."""

from __future__ import annotations

from fnmatch import fnmatchcase


def is_covered(title: str, glob: str) -> bool:
    """Say whether a glob means a title; written out it always does, brackets or not."""
    return title == glob or fnmatchcase(title, glob)
