"""Which files a glob names below a folder: in order of name, on every system alike.

Not the standard library's: that one follows links around in circles below ``**``, and ignores case where the file
system does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_MAGIC: Final = re.compile(r"[*?\[]")

Look = Callable[[int], None]
"""Told how many names each look into a folder found; what it raises ends the walk."""

Step = tuple[Path, int]
"""A path, and how many of the pattern's parts have led to it."""


def matches(folder: Path, pattern: str, look: Look) -> Iterator[Path]:
    """Yield each path once that exists under a relative pattern of ``*``, ``?``, ``[…]`` and ``**``.

    Hidden names never match. Several ``**`` lead to one folder on many ways: no step is taken twice.
    """
    parts = [part for part in pattern.split("/") if part]
    seen: set[Step] = set()
    waiting: list[Step] = [(folder, 0)]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        path, count = step
        if count == len(parts):
            yield path
        else:
            waiting.extend(reversed(_next(path, count, parts[count], look)))


def _next(folder: Path, count: int, part: str, look: Look) -> list[Step]:
    """Return the steps that one part of a pattern allows from a folder, in order of name."""
    if part == "**":
        below = [child for child in _children(folder, look) if _is_own_folder(child)]
        return [(folder, count + 1), *((child, count) for child in below)]
    if not _MAGIC.search(part):
        return [(folder / part, count + 1)] if _exists(folder / part) else []
    return [(child, count + 1) for child in _children(folder, look) if fnmatchcase(child.name, part)]


def _children(folder: Path, look: Look) -> list[Path]:
    """Return what is in a folder; nothing where it is none, or cannot be read."""
    try:
        visible = [child for child in folder.iterdir() if not child.name.startswith(".")]
    except OSError:
        visible = []
    look(len(visible))
    return sorted(visible, key=lambda child: child.name)


def _is_own_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink()
    except OSError:  # a name or path longer than the system allows, or a folder that may not be looked into
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
