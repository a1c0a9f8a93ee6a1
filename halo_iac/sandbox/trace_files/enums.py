"""Kinds and states of spans, which exporters write as numbers, as names, and as names with what they are names of."""

from __future__ import annotations

from typing import Final

from halo_iac.sandbox.trace_files.problems import NotASpanError

KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
"""What the numbers from 0 mean (opentelemetry.proto.trace.v1.Span.SpanKind)."""
CODES: Final = ("UNSET", "OK", "ERROR")
"""Likewise (opentelemetry.proto.trace.v1.Status.StatusCode)."""
EXACT_CODES: Final = frozenset(f"STATUS_CODE_{name}" for name in CODES)


def span_kind(value: object) -> str | None:
    """Return ``SPAN_KIND_…`` of a kind; ``None`` for a text that is no kind of OpenTelemetry's."""
    if isinstance(value, str) and value.startswith("SPAN_KIND_"):
        return value
    name = _name(value if value is not None else 0, KINDS, "SPAN_KIND_", "SPANKIND.")
    if name is None and not isinstance(value, str):
        raise NotASpanError("has a kind that is neither a name nor a number of OpenTelemetry's")
    return name and f"SPAN_KIND_{name}"


def status_code(value: object) -> str:
    """Return ``STATUS_CODE_…`` of a status; one that is absent is not set."""
    name = _name(value if value is not None else 0, CODES, "STATUS_CODE_", "STATUSCODE.")
    if name is None:
        raise NotASpanError("has a status other than UNSET, OK and ERROR")
    return f"STATUS_CODE_{name}"


def _name(value: object, names: tuple[str, ...], *prefixes: str) -> str | None:
    if isinstance(value, str):
        if not value.isdecimal():
            name = value.upper()
            for prefix in prefixes:
                name = name.removeprefix(prefix)
            return name if name in names else None
        value = int(value[:9])
    if isinstance(value, int | float) and not isinstance(value, bool) and value in range(len(names)):
        return names[int(value)]
    return None
