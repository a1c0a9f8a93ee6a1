"""Which files a glob names below a folder: in order of name, on every system alike.

Not the standard library's: that one follows links around in circles below ``**``, and ignores case where the file
system does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_MAGIC: Final = re.compile(r"[*?\[]")


def matches(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield what exists under a relative pattern of ``*``, ``?``, ``[…]`` and ``**``; hidden names never match."""
    parts = [part for part in pattern.split("/") if part]
    once = [part for part, before in zip(parts, ["", *parts], strict=False) if part != "**" or before != "**"]
    yield from _below(folder, once)


def _below(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, *rest = parts
    if part == "**":
        yield from _below(folder, rest)
        for child in _children(folder):
            if child.is_dir() and not child.is_symlink():
                yield from _below(child, parts)
    elif not _MAGIC.search(part):
        if (folder / part).exists():
            yield from _below(folder / part, rest)
    else:
        for child in _children(folder):
            if fnmatchcase(child.name, part):
                yield from _below(child, rest)


def _children(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing where it is none, or cannot be read."""
    try:
        return sorted(child for child in folder.iterdir() if not child.name.startswith("."))
    except OSError:
        return []
