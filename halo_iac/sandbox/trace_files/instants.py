"""Instants in the notations of exporters: ISO 8601, or a number since 1970."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from halo_iac.sandbox.instants import SECOND, format_nanoseconds
from halo_iac.sandbox.trace_files.problems import NotASpanError

_UNITS: Final = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63, 1))
"""Upper limits, and the nanoseconds per unit below each: seconds up to the year 5138, then ms, µs and ns."""
_LENGTH, _LATEST = 19, str(2**63)
"""The number of digits of nanoseconds since 1970, from 2001 to 2286, and the last that SQLite can store."""
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


def read_instant(value: object, key: str, *, is_utc: bool = False) -> str:
    """Return an instant in HALO's format; ``is_utc`` says that one without a zone is in UTC.

    Whether a text is a valid instant is checked by the reader of the span.
    """
    if isinstance(value, str):
        if value.endswith("Z"):
            return value
        if len(value) == _LENGTH and value.isdecimal() and value.isascii() and value < _LATEST:
            return f"{_second(value[:10])}.{value[10:]}Z"
        if not _NUMBER.fullmatch(value):
            return value if not is_utc or _ZONE.search(value) else f"{value}Z"
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return _refuse(key)
    return format_nanoseconds(_epoch(value, key))


@lru_cache(maxsize=4096)
def _second(number: str) -> str:
    """Return a second since 1970 as the beginning of an instant; cached, since spans come in bursts."""
    return format_nanoseconds(int(number) * SECOND)[:19]


def _epoch(value: str | float, key: str) -> int:
    try:
        number = Decimal(str(value))
        unit = next(unit for below, unit in _UNITS if 0 <= number < below)
    except (InvalidOperation, StopIteration):
        return int(_refuse(key))
    return int(number * unit)


def _refuse(key: str) -> str:
    raise NotASpanError(f"has a {key} that is neither ISO 8601 nor a number since 1970")
