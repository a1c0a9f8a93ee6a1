"""Traces and spans in the wire format (docs/protocol.md#trace-fields)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from halo_iac.sandbox.instants import format_nanoseconds
from halo_iac.sandbox.span_messages import documents, messages
from halo_iac.sandbox.store.span_bodies import text_of
from halo_iac.sandbox.store.trace_queries import SpanRow, TraceRow

Json = dict[str, Any]

_STATUS = {"OK": "STATUS_CODE_OK", "ERROR": "STATUS_CODE_ERROR", "UNSET": "STATUS_CODE_UNSET"}


def trace_wire(row: TraceRow) -> Json:
    """Return a trace in the wire format."""
    return {
        "traceId": row.trace_id,
        "startTime": format_nanoseconds(row.started),
        "endTime": format_nanoseconds(row.ended),
        "durationNs": row.ended - row.started,
        "rootSpanName": row.root_name,
        "rootObservationKind": row.root_kind,
        "serviceName": row.service,
        "deploymentEnvironment": row.environment,
        "agentName": row.agent,
        "spanCount": row.spans,
        "llmSpanCount": row.llm_spans,
        "errorSpanCount": row.failed,
        "inputTokens": row.prompt_tokens,
        "cacheReadTokens": row.cached_tokens,
        "outputTokens": row.completion_tokens,
        "totalTokens": row.total_tokens,
        "totalCost": row.cost,
        "hasError": row.failed > 0,
    }


def span_wire(row: SpanRow) -> Json:
    """Return a span in the wire format, without input and output."""
    return {
        "traceId": row.trace_id,
        "spanId": row.span_id,
        "parentSpanId": row.parent_id or "",
        "spanName": row.name,
        "observationKind": row.kind,
        "startTime": format_nanoseconds(row.started),
        "endTime": format_nanoseconds(row.ended),
        "durationNs": row.ended - row.started,
        "statusCode": _STATUS[row.status],
        "statusMessage": row.message,
        "serviceName": row.service,
        "deploymentEnvironment": row.environment,
        "agentName": row.agent,
        "llmProvider": row.provider,
        "llmModelName": row.model,
        "userId": row.user or "",
        "sessionId": row.session or "",
        "inputTokens": row.prompt_tokens,
        "cacheReadTokens": row.cached_tokens,
        "outputTokens": row.completion_tokens,
        "totalTokens": row.total_tokens,
        "costTotal": row.cost,
    }


def span_with_bodies(row: SpanRow) -> Json:
    """Return a span in the wire format, with input and output."""
    body = from_json(row.body)
    return {**span_wire(row), "scopeName": _scope(body), **_bodies(body["attributes"])}


def bodies_of(row: SpanRow) -> dict[str, str]:
    """Return a span's input and output as text, empty if missing."""
    return _bodies(from_json(row.body)["attributes"])


def span_detail(row: SpanRow) -> Json:
    """Return a span with every field, attribute, event and link."""
    body = from_json(row.body)
    scope = body.get("scope") or {}
    return {
        **span_wire(row),
        "kind": body.get("kind"),
        "traceState": body.get("trace_state") or "",
        "scopeName": _scope(body),
        "scopeVersion": scope.get("version") or "",
        **_bodies(body["attributes"]),
        "events": body.get("events") or [],
        "links": body.get("links") or [],
        **_by_type("spanAttributes", body["attributes"]),
        **_by_type("resourceAttributes", body["resource"]["attributes"]),
    }


def _bodies(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {
        "input": _text(attributes.get("input.value")),
        "output": _text(attributes.get("output.value")),
        "inputMessages": messages(attributes, "input"),
        "outputMessages": messages(attributes, "output"),
        "retrievalDocuments": documents(attributes),
    }


def _by_type(name: str, attributes: Mapping[str, Any]) -> Json:
    """Return attributes by type, as the platform does: integers, other numbers, and all others as text."""
    whole = {key: value for key, value in attributes.items() if isinstance(value, int) and not isinstance(value, bool)}
    other = {key: value for key, value in attributes.items() if isinstance(value, float)}
    texts = {key: text_of(value) for key, value in attributes.items() if key not in whole and key not in other}
    return {
        name: {key: value for key, value in texts.items() if attributes[key] is not None},
        f"{name}Int": whole,
        f"{name}Double": other,
    }


def _scope(body: Mapping[str, Any]) -> str:
    name = (body.get("scope") or {}).get("name")
    return name if isinstance(name, str) else ""


def _text(value: object) -> str:
    return "" if value is None else text_of(value)
