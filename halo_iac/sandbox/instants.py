"""Instants of spans: ISO 8601 on the wire, whole nanoseconds since 1970 UTC inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
_LATEST: Final = 2**63 // SECOND
"""Seconds; later instants do not fit into SQLite's integers. That is the year 2262."""

_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def nanoseconds(text: str) -> int:
    """Return an instant such as ``2026-04-23T05:32:00.100000000Z`` as nanoseconds; raise ``ValueError`` for no instant.

    An instant without a zone is none: nobody knows which hour it means.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    minute, second, fraction, zone = found.groups()
    seconds = _minute(minute, zone) + int(second)
    if int(second) > 60 or not 0 <= seconds < _LATEST:
        raise ValueError(text)
    return seconds * SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=4096)
def _minute(text: str, zone: str) -> int:
    """Return a minute's first second. Spans come in bursts, so most minutes were just seen."""
    return int(datetime.fromisoformat(text + ("+00:00" if zone in "Zz" else zone)).timestamp())


def iso(instant: int) -> str:
    """Return an instant as HALO writes it, with all nine digits."""
    whole, fraction = divmod(instant, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
