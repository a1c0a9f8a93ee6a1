"""Values as exporters write them: instants, kinds and status codes of spans, and keys in camelCase or snake_case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from halo_iac.sandbox.instants import SECOND, format_nanoseconds
from halo_iac.sandbox.trace_files.problems import NotASpanError

# Instants ------------------------------------------------------------------------------------------------------------

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


# Kinds and status codes ----------------------------------------------------------------------------------------------

_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
"""The names of the numbers from 0 (opentelemetry.proto.trace.v1.Span.SpanKind)."""
_CODES: Final = ("UNSET", "OK", "ERROR")
"""The same for opentelemetry.proto.trace.v1.Status.StatusCode."""
EXACT_CODES: Final = frozenset(f"STATUS_CODE_{name}" for name in _CODES)


def _spellings(names: tuple[str, ...], prefix: str, of: str) -> dict[object, str]:
    """Return the name for each number and each spelling; a number may be a text."""
    found: dict[object, str] = {None: prefix + names[0]}
    for number, name in enumerate(names):
        found |= dict.fromkeys((number, str(number), name, of + name, prefix + name), prefix + name)
    return found


_KIND_OF: Final = _spellings(_KINDS, "SPAN_KIND_", "SPANKIND.")
_CODE_OF: Final = _spellings(_CODES, "STATUS_CODE_", "STATUSCODE.")


def read_span_kind(value: object) -> str | None:
    """Return ``SPAN_KIND_…`` for a kind; ``None`` for a text that is not one of OpenTelemetry's kinds."""
    found = _look_up(_KIND_OF, value)
    if found is None and not isinstance(value, str):
        raise NotASpanError("has a kind that is neither a name nor a number of OpenTelemetry's")
    return found or (value if isinstance(value, str) and value.startswith("SPAN_KIND_") else None)


def read_status_code(value: object) -> str:
    """Return ``STATUS_CODE_…`` for a status code; a missing one is unset."""
    found = _look_up(_CODE_OF, value)
    if found is None:
        raise NotASpanError("has a status other than UNSET, OK and ERROR")
    return found


def _look_up(spellings: dict[object, str], value: object) -> str | None:
    if isinstance(value, str):
        return spellings.get(value) or spellings.get(value.upper())
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return spellings.get(value)
    return None


# Keys ----------------------------------------------------------------------------------------------------------------

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class CamelCase:
    """Converts objects that have one of the keys in snake_case; others are returned unchanged."""

    def __init__(self, keys: Iterable[str]) -> None:
        snake = {_HUMP.sub("_", key).lower(): key for key in keys}
        self._camel: Mapping[str, str] = {key: camel for key, camel in snake.items() if key != camel}
        self._snake = frozenset(self._camel)

    def __call__(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return an object with the keys in camelCase."""
        if self._snake.isdisjoint(found):
            return found
        return dict(zip(self.convert_keys(found), found.values(), strict=True))

    def convert_keys(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return keys in camelCase."""
        return tuple(self._camel.get(key, key) for key in keys)
