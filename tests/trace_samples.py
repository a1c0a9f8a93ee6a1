"""Spans to render: an agent that asks a model and calls tools, one of which fails, and unusual traces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from halo_iac.model.traces import Span, SpanDetail, Trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MILLISECOND = 10**6
SECOND = 10**9


def span_id(number: int) -> str:
    return f"{0x53995C3F42CD8A00 + number:016x}"


def span(number: int, parent: int | None = None, name: str = "step", kind: str = "CHAIN", **more: Any) -> Span:  # noqa: ANN401
    """Return a span; ``at`` and ``took`` are milliseconds, other keywords are the platform's names."""
    at, took = more.pop("at", 0), more.pop("took", 1000)
    minutes, seconds = divmod(at / 1000, 60)
    wire = {
        "traceId": TRACE,
        "spanId": span_id(number),
        "parentSpanId": "" if parent is None else span_id(parent),
        "spanName": name,
        "observationKind": kind,
        "startTime": f"2026-11-23T09:{int(minutes):02}:{seconds:09.6f}000Z",
        "durationNs": str(int(took * MILLISECOND)),
        "statusCode": "STATUS_CODE_ERROR" if more.pop("failed", False) else "STATUS_CODE_OK",
        "serviceName": "checkout",
    }
    return Span(wire | more)


def trace(spans: Iterable[Span], **more: Any) -> Trace:  # noqa: ANN401
    """Return the trace that some spans belong to."""
    found = list(spans)
    wire = {
        "traceId": TRACE,
        "startTime": "2026-11-23T09:00:00.000000000Z",
        "rootSpanName": "checkout.assistant",
        "rootObservationKind": "AGENT",
        "serviceName": "checkout",
        "deploymentEnvironment": "production",
        "agentName": "checkout",
        "spanCount": len(found),
        "llmSpanCount": sum(each.kind == "LLM" for each in found),
        "durationNs": str(9_400 * MILLISECOND),
        "totalTokens": 9_131,
        "cacheReadTokens": 4_096,
        "totalCost": "0.0412",
        "hasError": any(each.is_error for each in found),
    }
    return Trace(wire | more)


MODEL = {"llmProvider": "openai", "llmModelName": "gpt-5.1", "inputTokens": 1_484, "outputTokens": 171}
CHECKOUT = (
    span(2, 1, "chat", "LLM", at=4, took=2_090, costTotal=0.0062, totalTokens=1_655, **MODEL),
    span(1, None, "checkout.assistant", "AGENT", at=0, took=9_400),
    span(3, 1, "lookup_order", "TOOL", at=2_100, took=123.4),
    span(4, 1, "payments.agent", "AGENT", at=2_300, took=6_800, failed=True, statusMessage="a step failed"),
    span(5, 4, "chat", "LLM", at=2_310, took=1_440, costTotal="0.0051", **MODEL),
    span(
        6,
        4,
        "refund_payment",
        "TOOL",
        at=3_800,
        took=5_002.61,
        input='{"payment": "p_2", "amount": 59.9}',
        failed=True,
        statusMessage="payment gateway timed out after 5 s",
    ),
    span(7, 4, "chat", "LLM", at=8_900, took=190, costTotal=0.0004, **MODEL),
    span(8, 1, "render", "CHAIN", at=9_200, took=0),
    span(9, 1, "audit", "SPAN", at=9_201, took=0.0021),
)
"""Nine spans, out of order: a payment fails, and the agent below which it failed."""


def trace_of_turns(count: int, failing: int) -> list[Span]:
    """Return an agent of so many turns, each a model call and a tool call, one of which fails."""
    spans = [span(0, None, "support.agent", "AGENT", took=count * 1_000)]
    for turn in range(count):
        first = 3 * turn + 1
        spans += (
            span(first, 0, f"turn {turn + 1}", at=turn * 1_000),
            span(first + 1, first, "chat", "LLM", at=turn * 1_000 + 1, took=800, **MODEL),
            span(first + 2, first, "lookup", "TOOL", at=turn * 1_000 + 802, took=150, failed=turn == failing),
        )
    return spans


def trace_of_chain(count: int) -> list[Span]:
    """Return spans each below the one before, the last of which fails."""
    return [
        span(number, number - 1 if number else None, at=number, failed=number == count - 1) for number in range(count)
    ]


ODD = (
    span(1, 3, "first of a cycle", at=10),
    span(2, 1, "second of a cycle", at=20),
    span(3, 2, "third of a cycle", at=30),
    span(4, 4, "below itself", at=40),
    span(5, 77, "parent missing", at=50),
    span(6, None, "one root", at=60, took=-1_000),
    span(7, None, "another root", startTime=None, durationNs=None),
    span(8, 6, "after what it is part of", at=5_000, took=2_000),
    span(8, 7, "an id twice", at=70),
    span(9, 8, "日本語のスパン名前と絵文字🎉", "RETRIEVER", at=80, durationNs=1.5e9),
    span(10, 8, "", at=90, durationNs="no number", observationKind=None),
)
"""Everything that a trace should not be."""

# A conversation -----------------------------------------------------------------------------------------------------

SYSTEM = {"role": "system", "content": "You help with payments. Be brief."}
ASKED = {"role": "user", "content": "Please refund order 1234: the customer was charged twice."}
LOOKS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "function": {"name": "lookup_order", "arguments": '{"order": "1234"}'}}],
}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": '{"order": "1234", "payments": ["p_1", "p_2"]}'}
REFUNDS = {
    "role": "assistant",
    "content": "Two payments; I refund the second.",
    "tool_calls": [
        {"id": "c2", "function": {"name": "refund_payment", "arguments": '{"payment":"p_2","amount":59.9}'}}
    ],
}
FAILED = {"role": "tool", "tool_call_id": "c2", "content": "the gateway timed out"}
ANSWERS = {"role": "assistant", "content": "I could not refund it.\n\n" + " ".join(["The gateway is silent."] * 200)}


def _call(number: int, at: int, took: int, given: list[dict[str, Any]], came: dict[str, Any]) -> Span:
    messages = {"inputMessages": json.dumps(given), "outputMessages": json.dumps([came])}
    return span(number, 1, "chat", "LLM", at=at, took=took, **messages, **MODEL)


CONVERSATION = (
    span(1, None, "checkout.assistant", "AGENT", took=9_400, input=ASKED["content"], output=ANSWERS["content"]),
    _call(2, 4, 2_090, [SYSTEM, ASKED], LOOKS),
    span(3, 1, "lookup_order", "TOOL", at=2_094, took=123, input='{"order":"1234"}', output=FOUND["content"]),
    _call(4, 2_217, 1_000, [SYSTEM, ASKED, LOOKS, FOUND], REFUNDS),
    span(
        5,
        1,
        "refund_payment",
        "TOOL",
        at=3_217,
        took=5_002,
        failed=True,
        input='{"amount": 59.9, "payment": "p_2"}',
        output=FAILED["content"],
        statusMessage="deadline exceeded",
    ),
    _call(6, 8_219, 1_000, [SYSTEM, ASKED, LOOKS, FOUND, REFUNDS, FAILED], ANSWERS),
    span(7, 1, "state", "CHAIN", at=9_300, input='{"step": 3}', output='{"step": 4}'),
)
"""A refund that fails: each model call repeats all that was said before it."""

DETAIL = SpanDetail(
    {
        **CONVERSATION[4].wire,
        "deploymentEnvironment": "production",
        "scopeName": "openinference.instrumentation.openai",
        "agentName": "checkout",
        "sessionId": "session-17",
        "spanAttributes": {"tool.name": "refund_payment", "input.value": '{"amount": 59.9, "payment": "p_2"}'},
        "spanAttributesInt": {"retry.count": 2},
        "spanAttributesDouble": {"retry.backoff": 0.5},
        "resourceAttributes": {"service.name": "checkout"},
        "resourceAttributesInt": {"process.pid": 17},
        "resourceAttributesDouble": {},
        "events": [
            {"name": "retry", "timestamp": "2026-11-23T09:00:05.717000000Z", "attributes": {"attempt": 2}},
            {
                "name": "exception",
                "timeUnixNano": "1795424408219000000",
                "attributes": {
                    "exception.type": "GatewayTimeout",
                    "exception.message": "no answer after 5 s",
                    "exception.stacktrace": "Traceback:\n  line 7\nGatewayTimeout",
                },
            },
        ],
        "links": [{"traceId": "a" * 32, "spanId": "b" * 16, "attributes": {"why": "the order's first attempt"}}],
    }
)
"""The failed refund, with all that a platform may hold of a span."""
