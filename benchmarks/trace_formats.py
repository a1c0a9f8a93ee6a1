"""The spans of :mod:`traces` as other tools export them: a trace on each line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from traces import SPANS, trace_lines

Json = dict[str, Any]

_KINDS: Final = ("SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT")
_CODES: Final = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
_TOKENS: Final = {"input": "prompt", "output": "completion", "total": "total"}
_EMPTY: Final = ("completionStartTime", "modelParameters", "version", "promptId", "promptName", "promptVersion")


def write_otlp(path: Path, spans: int) -> None:
    """Write so many spans as OTLP, a request on each line."""
    _write(path, spans, _request)


def write_langfuse(path: Path, spans: int) -> None:
    """Write so many spans as observations of Langfuse, a trace on each line."""
    _write(path, spans, _trace)


def _write(path: Path, spans: int, form: Callable[[list[Json]], Json]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(spans // SPANS):
            found = form([json.loads(line) for line in trace_lines(number)])
            file.write(json.dumps(found, separators=(",", ":")) + "\n")


def _request(spans: list[Json]) -> Json:
    resource = {"attributes": _pairs(spans[0]["resource"]["attributes"])}
    scoped = {"scope": spans[0]["scope"], "spans": [_otlp(span) for span in spans]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}


def _otlp(span: Json) -> Json:
    return {
        "traceId": span["trace_id"],
        "spanId": span["span_id"],
        "parentSpanId": span["parent_span_id"],
        "name": span["name"],
        "kind": _KINDS.index(span["kind"]),
        "startTimeUnixNano": _nanoseconds(span["start_time"]),
        "endTimeUnixNano": _nanoseconds(span["end_time"]),
        "attributes": _pairs(span["attributes"]),
        "status": {"code": _CODES.index(span["status"]["code"]), "message": span["status"]["message"]},
    }


def _pairs(attributes: Json) -> list[Json]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]


def _nanoseconds(instant: str) -> str:
    seconds, _, fraction = instant.removesuffix("Z").partition(".")
    return f"{int(datetime.fromisoformat(f'{seconds}+00:00').timestamp())}{fraction}"


def _trace(spans: list[Json]) -> Json:
    top = spans[-1]
    about = {"sessionId": "session", "userId": "user", "tags": [], "metadata": {}, "projectId": "bench"}
    observations = [_observation(span) for span in spans]
    return {"id": top["trace_id"], "timestamp": top["start_time"], **about, "observations": observations}


def _observation(span: Json) -> Json:
    """Return a span with the keys that Langfuse's API answers with, the empty ones included."""
    attributes = span["attributes"]
    kind, has_failed = attributes["openinference.span.kind"], span["status"]["code"] == "STATUS_CODE_ERROR"
    is_call = kind == "LLM"
    tokens = {key: attributes[f"llm.token_count.{name}"] for key, name in _TOKENS.items()} if is_call else {}
    cost = {"total": float(attributes["inference.llm.cost.total"])} if is_call else {}
    return {
        "id": span["span_id"],
        "traceId": span["trace_id"],
        "type": "GENERATION" if is_call else kind,
        "name": span["name"],
        "startTime": span["start_time"],
        "endTime": span["end_time"],
        "model": attributes.get("llm.model_name"),
        "input": attributes.get("input.value"),
        "output": attributes.get("output.value"),
        "metadata": {"provider": "openai"},
        "level": "ERROR" if has_failed else "DEFAULT",
        "statusMessage": span["status"]["message"] or None,
        "parentObservationId": span["parent_span_id"] or None,
        "usageDetails": tokens,
        "costDetails": cost,
        "environment": "bench",
        "projectId": "bench",
        "createdAt": span["start_time"],
        "updatedAt": span["end_time"],
        "latency": 0.45,
        **dict.fromkeys(_EMPTY),
    }
