"""Which files a glob names below a folder: in order of name, on every system alike.

Not the standard library's: that one follows links around in circles below ``**``, and ignores case where the file
system does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from halo_iac.load.tree import Tree, folder_of, joined

_MAGIC: Final = re.compile(r"[*?\[]")

Children = Callable[[str], list[tuple[str, bool]]]
"""Lists a folder's names that are not hidden, in order, each with whether it is a folder itself."""

Step = tuple[str, int]
"""A path, and how many of the pattern's parts have led to it."""


def matches(folder: str, pattern: str, tree: Tree, children: Children) -> Iterator[str]:
    """Yield each path once that exists under a relative pattern of ``*``, ``?``, ``[…]``, ``**`` and ``..``.

    Hidden names match only where they are written. Several ``**`` lead to one folder on many ways: no step is taken
    twice.
    """
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
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
            waiting.extend(reversed(_next(path, count, parts[count], tree, children)))


def _next(folder: str, count: int, part: str, tree: Tree, children: Children) -> list[Step]:
    """Return the steps that one part of a pattern allows from a folder, in order of name."""
    if part == "..":
        return [(_above(folder, tree), count + 1)]
    if part == "**":
        below = [(joined(folder, name), count) for name, is_folder in children(folder) if is_folder]
        return [(folder, count + 1), *below]
    if not _MAGIC.search(part):
        return [(joined(folder, part), count + 1)] if tree.exists(joined(folder, part)) else []
    names = [name for name, _ in children(folder) if fnmatchcase(name, part)]
    return [(joined(folder, name), count + 1) for name in names]


def _above(folder: str, tree: Tree) -> str:
    """Return the folder above one, without ``..`` in its path: above where a link leads, as the system has it."""
    above, written = folder_of(tree.real(folder)), folder_of(folder)
    return written if tree.real(written) == above else above
