"""Splits long texts into parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from halo_iac.mcp.tool import Position


def excerpt(text: str, start: int, size: int) -> tuple[str, int | None]:
    """Return at most ``size`` characters of a text from ``start``, and where the rest begins, ``None`` at its end.

    It ends at the end of a line if one is near.
    """
    if len(text) - start <= size:
        return text[start:], None
    end = text.rfind("\n", start + size // 2, start + size) + 1 or start + size
    return text[start:end], end


class Part(NamedTuple):
    """One of several texts, or a part of one."""

    number: int
    """Which of them, from 0."""
    text: str
    is_continued: bool
    """Whether its beginning was in the answer before."""
    is_cut: bool
    """Whether its end is in the next answer."""


def parts(texts: Sequence[str], start: Position, size: int) -> tuple[list[Part], Position | None]:
    """Return texts from a position on, ``size`` characters in all, and the position of the rest."""
    first, offset = int(start[0] or 0), start[1]
    found: list[Part] = []
    for index, text in enumerate(texts[first:], first):
        if size <= 0:
            return found, (index, 0)
        begin = offset if index == first else 0
        part, end = excerpt(text, begin, size)
        found.append(Part(index, part, is_continued=begin > 0, is_cut=end is not None))
        if end is not None:
            return found, (index, end)
        size -= len(part)
    return found, None
