"""Instants of the sandbox: texts of the platform, and nanoseconds since 1970, as spans have them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
MAX_NANOSECONDS: Final = 2**63 - 1
"""The latest instant that fits into SQLite's integers, in the year 2262."""
_UNITS: Final[tuple[int, ...]] = tuple(10 ** (9 - digits) for digits in range(10))
"""By the number of digits of a fraction of a second: the nanoseconds of its last digit."""

_MINUTE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII | re.IGNORECASE)
_AFTER_MINUTE: Final = re.compile(r":(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def format_instant(moment: datetime) -> str:
    """Return a moment as the platform writes it: ISO 8601 in UTC, with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_nanoseconds(moment: datetime) -> int:
    """Return a moment in nanoseconds since 1970, at least 0 and at most :data:`MAX_NANOSECONDS`."""
    return min(max(0, (moment - EPOCH) // timedelta(microseconds=1) * 1000), MAX_NANOSECONDS)


@lru_cache(maxsize=4096)  # one span ends when another begins
def parse_nanoseconds(text: str) -> int:
    """Return an instant such as ``2026-04-23T05:32:00.100000000Z`` as nanoseconds since 1970.

    Raises ``ValueError`` for a text that is not an instant, and for one without a zone, which is ambiguous.
    """
    fraction = text[20:-1]
    if text[-1:] == "Z" and text[19:20] == "." and fraction.isdecimal() and fraction.isascii() and len(fraction) <= 9:
        instant = _second(text[:19]) + int(fraction) * _UNITS[len(fraction)]
    else:
        instant = _instant(text)
    if not 0 <= instant <= MAX_NANOSECONDS:
        raise ValueError(text)
    return instant


@lru_cache(maxsize=4096)
def _second(text: str) -> int:
    """Return when a second of UTC begins, in nanoseconds. Spans come in bursts, so most seconds were just seen."""
    second = text[17:]
    if text[16] == ":" and second.isdecimal() and second.isascii() and second < "60":
        return _minute(text[:16], "Z") + int(second) * SECOND
    return _instant(f"{text}Z")


def _instant(text: str) -> int:
    found = _AFTER_MINUTE.fullmatch(text, 16)
    if found is None:
        raise ValueError(text)
    second, fraction, zone = found.groups("")
    if second > "60":
        raise ValueError(text)
    return _minute(text[:16], zone) + int(second + fraction.ljust(9, "0"))


@lru_cache(maxsize=4096)
def _minute(text: str, zone: str) -> int:
    """Return when a minute begins, in nanoseconds."""
    if _MINUTE.fullmatch(text) is None:
        raise ValueError(text)
    return int(datetime.fromisoformat(text + ("+00:00" if zone in "Zz" else zone)).timestamp()) * SECOND


def format_nanoseconds(instant: int) -> str:
    """Return an instant as HALO writes it, with all nine digits."""
    whole, fraction = divmod(instant, SECOND)
    minute, second = divmod(whole, 60)
    return f"{_minute_text(minute)}{second:02d}.{fraction:09d}Z"


@lru_cache(maxsize=4096)
def _minute_text(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%dT%H:%M:}"
