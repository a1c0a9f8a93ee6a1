"""Limits the size of the answers to one query: bytes as received, and memory once decoded.

A page of brackets takes thirty times its bytes in memory, and cursors can go on forever. So both are counted while
answers arrive, over all pages of a list, and an answer that is too large is never decoded.
"""

import re
import threading
from typing import Final, Self

_STRUCTURE: Final = b"[{:,"
_BYTES_PER_VALUE: Final = 88
"""Bytes of memory, at most, that come with each of these characters: a list, an entry of a mapping, an element."""
_BEYOND_16_BITS: Final = re.compile(rb"[\xf0-\xf7]|\\u[dD][89abAB]")

_local = threading.local()
"""The ``budget`` to which this thread's answers are added."""


class MemoryBudget:
    """Bytes read so far; within its ``with`` block, the answers to this thread's calls are added to it."""

    def __init__(self) -> None:
        self.sent = 0
        self.held = 0
        self._outer: MemoryBudget | None = None

    def __enter__(self) -> Self:
        self._outer, _local.budget = getattr(_local, "budget", None), self
        return self

    def __exit__(self, *_: object) -> None:
        _local.budget = self._outer


def current_budget() -> MemoryBudget:
    """Return the budget of the list that this thread reads, or a new one for a single answer."""
    budget: MemoryBudget | None = getattr(_local, "budget", None)
    return budget or MemoryBudget()


def estimated_memory(part: bytes) -> int:
    """Estimate how many bytes of memory a part of a JSON text takes once it is decoded; rather too many than too few.

    Python keeps a text with one character beyond Latin-1 in two bytes a character, with an emoji in four.
    """
    structure = len(part) - len(part.translate(None, _STRUCTURE))
    is_plain = part.isascii() and not (b"\\" in part and b"\\u" in part)
    width = 1 if is_plain else 4 if _BEYOND_16_BITS.search(part) else 2
    return len(part) * width + structure * _BYTES_PER_VALUE
