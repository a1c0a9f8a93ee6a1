"""Title globs, the same in ``protect:`` and on the command line: ``*`` is anything, and nothing else is special."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import translate
from re import compile as compiled
from typing import Final

_ONCE_SPECIAL: Final = frozenset("?[")
"""What meant something in globs before: a title that ``protect:`` covered stays covered."""


def is_covered(title: str, glob: str) -> bool:
    """Say whether a glob means a title; takes time in proportion to both."""
    first, *others = glob.split("*")
    if not others:
        return title == glob
    if len(title) < len(glob) - len(others) or not (title.startswith(first) and title.endswith(others[-1])):
        return False
    place, end = len(first), len(title) - len(others[-1])
    for part in others[:-1]:
        place = title.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end


class Protection:
    """The globs of ``protect:`` and ``--protect``, ready to be asked about many titles."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = globs = tuple(dict.fromkeys(globs))
        self._literal = frozenset(glob for glob in globs if "*" not in glob)
        self._open = tuple(glob for glob in globs if "*" in glob)
        self._former = {glob: compiled(translate(glob)).match for glob in globs if not _ONCE_SPECIAL.isdisjoint(glob)}

    def covering(self, title: str) -> Iterator[str]:
        """Yield the globs that cover a title."""
        if title in self._literal:
            yield title
        yield from (glob for glob in self._open if is_covered(title, glob))
        yield from (glob for glob, match in self._former.items() if match(title) and not is_covered(title, glob))

    def unused(self, titles: Iterable[str]) -> list[str]:
        """Return the globs that cover none of some titles, in their order."""
        left = set(self._globs)
        for title in titles:
            if not left:
                break
            for glob in self.covering(title):
                left.discard(glob)
        return [glob for glob in self._globs if glob in left]
