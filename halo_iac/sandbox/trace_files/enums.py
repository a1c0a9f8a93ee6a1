"""Kinds and status codes of spans, which exporters write as numbers, as names, and as names with a prefix."""

from __future__ import annotations

from typing import Final

from halo_iac.sandbox.trace_files.problems import NotASpanError

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


def span_kind(value: object) -> str | None:
    """Return ``SPAN_KIND_…`` for a kind; ``None`` for a text that is not one of OpenTelemetry's kinds."""
    found = _look_up(_KIND_OF, value)
    if found is None and not isinstance(value, str):
        raise NotASpanError("has a kind that is neither a name nor a number of OpenTelemetry's")
    return found or (value if isinstance(value, str) and value.startswith("SPAN_KIND_") else None)


def status_code(value: object) -> str:
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
