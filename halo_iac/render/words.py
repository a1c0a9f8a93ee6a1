"""Counts in words, the same in every rendering."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 line`` or ``2,000 lines``; ``plural`` where it takes more than an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
