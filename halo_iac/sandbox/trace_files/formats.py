"""Detects the format of a value by its keys, and names values that have no spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from halo_iac.sandbox.trace_files import langfuse, otlp, single
from halo_iac.sandbox.trace_files.problems import NotASpanError

Json = dict[str, Any]

_LIST_KEYS: Final = ("data", "traces", "spans", "observations", "items")
"""Keys under which the APIs of other platforms return lists."""
_WITHOUT_SPANS: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"resourceMetrics"}), "OTLP metrics"),
    (frozenset({"resource_metrics"}), "OTLP metrics"),
    (frozenset({"resourceLogs"}), "OTLP logs"),
    (frozenset({"resource_logs"}), "OTLP logs"),
    (frozenset({"traceId", "value", "source"}), "Langfuse scores"),
    (frozenset({"trace_id", "value", "source"}), "Langfuse scores"),
    (frozenset({"traceId", "value", "dataType"}), "Langfuse scores"),
    (frozenset({"trace_id", "value", "data_type"}), "Langfuse scores"),
    (frozenset({"id", "expectedOutput"}), "Langfuse dataset items"),
    (frozenset({"id", "projectId", "createdAt"}), "Langfuse sessions without their traces"),
    (frozenset({"traceID", "spanID"}), "Jaeger's JSON, which is not read; export OTLP as JSON"),
    (frozenset({"run_type", "dotted_order"}), "LangSmith runs, which are not read; export OTLP as JSON"),
    (frozenset({"traceId", "localEndpoint"}), "Zipkin's JSON, which is not read; export OTLP as JSON"),
)


def convert_spans(value: object) -> Iterator[Json | NotASpanError]:
    """Yield the spans of a value in HALO's format; raise or yield :class:`NotASpanError` for anything else."""
    if not isinstance(value, dict):
        raise NotASpanError("is not a JSON object")
    if single.is_span(value):
        yield single.convert_span(value)
    elif any(key in value for key in (*otlp.GROUPS, *otlp.SCOPES)):
        yield from otlp.convert_request(value)
    elif langfuse.is_observation(value):
        yield langfuse.convert_observation(value)
    elif langfuse.is_trace(value):
        yield from langfuse.convert_trace(value)
    else:
        raise NotASpanError(_describe(value))


def list_elements(value: object, deep: int = 3) -> Iterator[object]:
    """Yield the elements of a list or of a list response; any other value itself."""
    listed = value if isinstance(value, list) else _find_list(value)
    if listed is None or not deep:
        yield value
    else:
        for each in listed:
            yield from list_elements(each, deep - 1)


def _find_list(value: object) -> list[Any] | None:
    if isinstance(value, dict) and not langfuse.is_trace(value) and not single.is_span(value):
        for key in _LIST_KEYS:
            if isinstance(value.get(key), list):
                listed: list[Any] = value[key]
                return listed
    return None


def _describe(value: Json) -> str:
    for keys, what in _WITHOUT_SPANS:
        if keys <= value.keys():
            return what if "," in what else f"{what}: no spans in them"
    return "is not a span in a known format"
