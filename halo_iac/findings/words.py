"""How findings speak of time, of names and of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_LISTED: Final = 5
_DAY: Final = 24 * 60


def lasting(minutes: int) -> str:
    """Return a length of time as people say it: ``4 days``, ``25 hours``, ``1 hour 30 minutes``."""
    if minutes % _DAY == 0 and minutes > _DAY:
        return _counted(minutes // _DAY, "day")
    hours, rest = divmod(minutes, 60)
    parts = [*([_counted(hours, "hour")] if hours else ()), *([_counted(rest, "minute")] if rest else ())]
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
    shown, rest = names[:_LISTED], len(names) - _LISTED
    if rest > 0:
        shown.append(f"{rest:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def times(count: int) -> str:
    """Return how often something happens that happens more than once: ``twice``, ``3 times``."""
    return "twice" if count == 2 else f"{count:,} times"


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
