"""Makers of spans and lines for the tests of the analyst and of what reads traces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import Any

from halo_iac.sandbox.analyst.analysis import analyse_traces
from halo_iac.sandbox.analyst.figures import Figures, Window
from halo_iac.sandbox.analyst.spans import Span
from halo_iac.sandbox.analyst.traces import Trace
from halo_iac.sandbox.span_record import SpanRecord, to_analyst_span

Json = dict[str, Any]
Field = Any

MS = 1_000_000
SECOND = 1000 * MS
WINDOW = Window(0, 3600 * SECOND)

_ids = count(1)

PLAIN = Span(
    trace_id="t1",
    span_id="",
    parent_id=None,
    name="step",
    kind="CHAIN",
    start=0,
    end=1000 * MS,
    status="OK",
    message="",
    model=None,
    prompt_tokens=None,
    completion_tokens=None,
    total_tokens=None,
    tool=None,
    input_digest=None,
    input_excerpt=None,
    output_digest=None,
    output_excerpt=None,
    output_length=None,
    cost=None,
)


def span(name: str = "step", kind: str = "CHAIN", at: int = 0, took: int = 1000, **fields: Field) -> Span:
    """Return a span; ``at`` and ``took`` are milliseconds, a ``message`` makes it a failed one."""
    status = "ERROR" if "message" in fields else "OK"
    made = {"span_id": f"s{next(_ids)}", "name": name, "kind": kind, "start": at * MS, "end": (at + took) * MS}
    return PLAIN._replace(**{**made, "status": status, **fields})


def call(tool: str, arguments: str | None, at: int = 0, took: int = 100, **fields: Field) -> Span:
    """Return a call of a tool; ``output`` is what it answered."""
    output = fields.pop("output", None)
    answer = {"output_digest": output, "output_excerpt": output, "output_length": output and len(output)}
    asked = {"tool": tool, "input_digest": arguments, "input_excerpt": arguments}
    return span(**{"name": f"function.{tool}", "kind": "TOOL", "at": at, "took": took, **asked, **answer, **fields})


def model_call(model: str | None, prompt: int, completion: int, cost: str | None = None, **fields: Field) -> Span:
    """Return a model call."""
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    price = None if cost is None else Decimal(cost)
    return span(**{"name": "chat", "kind": "LLM", "model": model, "cost": price, **tokens, **fields})


def analyse(spans: Iterable[Span], window: Window, prompt: str = "", *, left_out: int = 0) -> Figures:
    """Return the figures of spans in any order, as :func:`analyse_traces` does of traces."""
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return analyse_traces(map(Trace, traces.values()), window, prompt, left_out=left_out)


def figures(spans: Iterable[Span]) -> Figures:
    """Return the figures of some spans."""
    return analyse(spans, WINDOW)


def analyst_view(record: SpanRecord) -> Span:
    """Return what the analyst sees of a span that was read, by way of the store."""
    labels, counts, outcome = record.labels, record.counts, record.outcome
    place = (record.trace_id, record.span_id, record.parent_id, record.name, labels.kind, record.start, record.end)
    said = (labels.status, outcome.message, labels.model or None)
    used = (counts.prompt, counts.completion, counts.total, outcome.tool)
    held = (outcome.input_digest, None, outcome.output_digest, None, outcome.output_length, counts.cost, record.body)
    return to_analyst_span((*place, *said, *used, *held))


def line(**changes: Field) -> bytes:
    """Return a line of HALO's format, as small as it may be; a change to ``None`` takes a key away."""
    return json.dumps(parsed(**changes)).encode()


def parsed(**changes: Field) -> Json:
    """Return what :func:`line` holds."""
    whole: Json = {
        "trace_id": "t1",
        "span_id": "s1",
        "name": "step",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-23T05:32:00.000000001Z",
        "end_time": "2026-04-23T05:32:01.5Z",
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "resource": {"attributes": {}},
        "scope": {"name": "tests", "version": "1"},
        "attributes": {},
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}
