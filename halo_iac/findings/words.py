"""How findings speak of time, of names and of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

LISTED: Final = 5
"""How many names, or anything else, a sentence lists."""

_DAY: Final = 24 * 60


def lasting(minutes: int) -> str:
    """Return a length of time as people say it: ``4 days``, ``25 hours``, ``1 hour 30 minutes``."""
    if minutes % _DAY == 0 and minutes > _DAY:
        return counted(minutes // _DAY, "day")
    hours, rest = divmod(minutes, 60)
    parts = [*([counted(hours, "hour")] if hours else ()), *([counted(rest, "minute")] if rest else ())]
    return " ".join(parts)


def hours_of(minutes: int) -> int:
    """Return how many whole hours it takes to cover some minutes."""
    return -(-minutes // 60)


def lookback(hours: int) -> str:
    """Return the line that gives an entry a look-back."""
    return f"`lookback: {hours // 24}d`" if hours % 24 == 0 and hours > 24 else f"`lookback_hours: {hours}`"


def listed(keys: Iterable[str]) -> str:
    """Return keys of entries as a sentence lists them, sorted, those beyond the first few counted."""
    names = [f"`{key}`" for key in sorted(keys)]
    shown, rest = names[:LISTED], len(names) - LISTED
    if rest > 0:
        shown.append(f"{rest:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def series(parts: Sequence[str]) -> str:
    """Return parts of a sentence that may hold an "and" themselves as one: ``a and b, c, and d``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def times(count: int) -> str:
    """Return how often something happens that happens more than once: ``twice``, ``3 times``."""
    return "twice" if count == 2 else f"{count:,} times"


def counted(count: int, unit: str) -> str:
    """Return a number of things: ``1 hour``, ``2,000 hours``."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
