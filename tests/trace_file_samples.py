"""Traces as other tools write them, made up for the tests: one agent's failed call of a tool, in each format."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

TRACE = "5b8efff798038103d269b633813fc60c"
ROOT, CALL = "eee19b7ec3c1b174", "eee19b7ec3c1b173"
START = 1_776_922_320_000_000_001


def otlp_pairs(**held: object) -> list[Json]:
    """Return attributes as OTLP has them; a dot in a key is written ``__``."""
    names = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue", dict: "kvlistValue"}

    def value(found: object) -> Json:
        if isinstance(found, list):
            return {"arrayValue": {"values": [value(each) for each in found]}}
        if isinstance(found, dict):
            return {"kvlistValue": {"values": otlp_pairs(**found)}}
        return {names[type(found)]: str(found) if type(found) is int else found}

    return [{"key": key.replace("__", "."), "value": value(found)} for key, found in held.items()]


def otlp_span(**changes: object) -> Json:
    """Return a failed call of a tool as OTLP has it."""
    return {
        "traceId": TRACE,
        "spanId": CALL,
        "parentSpanId": ROOT,
        "traceState": "v=1",
        "name": "execute_tool lookup",
        "kind": 1,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 10**9),
        "attributes": otlp_pairs(
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="lookup",
            gen_ai__tool__call__arguments='{"sku": "A-1"}',
            retries=2,
            share=0.5,
            is_cached=False,
            labels=["a", "b"],
            limits={"rows": 3},
        ),
        "status": {"code": 2},
        "events": [
            {
                "timeUnixNano": str(START + 5 * 10**8),
                "name": "exception",
                "attributes": otlp_pairs(exception__type="Timeout", exception__message="no answer"),
            }
        ],
        "links": [{"traceId": TRACE, "spanId": ROOT, "attributes": otlp_pairs(why="retry")}],
        **changes,
    }


def otlp_root(**changes: object) -> Json:
    """Return the agent's span above it."""
    return {
        "traceId": TRACE,
        "spanId": ROOT,
        "name": "invoke_agent",
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 2 * 10**9),
        "attributes": otlp_pairs(gen_ai__operation__name="invoke_agent", gen_ai__agent__name="shop"),
        "status": {},
        **changes,
    }


def otlp_request(*spans: Json) -> Json:
    """Return a request of some spans, of the two above if none are given."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": otlp_pairs(service__name="shop-api")},
                "scopeSpans": [
                    {
                        "scope": {"name": "shop.tracing", "version": "2"},
                        "spans": list(spans or (otlp_root(), otlp_span())),
                    }
                ],
            }
        ]
    }


def halo_span(**changes: object) -> Json:
    """Return the failed call as HALO has it, as far as OTLP says the same."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lookup",
        "gen_ai.tool.call.arguments": '{"sku": "A-1"}',
        "retries": 2,
        "share": 0.5,
        "is_cached": False,
        "labels": ["a", "b"],
        "limits": {"rows": 3},
        "tool.name": "lookup",
        "input.value": '{"sku": "A-1"}',
        "openinference.span.kind": "TOOL",
    }
    return {
        "trace_id": TRACE,
        "span_id": CALL,
        "parent_span_id": ROOT,
        "trace_state": "v=1",
        "name": "execute_tool lookup",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-23T05:32:00.000000001Z",
        "end_time": "2026-04-23T05:32:01.000000001Z",
        "status": {"code": "STATUS_CODE_ERROR", "message": "no answer"},
        "resource": {"attributes": {"service.name": "shop-api"}},
        "scope": {"name": "shop.tracing", "version": "2"},
        "attributes": attributes,
        "events": [
            {
                "name": "exception",
                "timestamp": "2026-04-23T05:32:00.500000001Z",
                "attributes": {"exception.type": "Timeout", "exception.message": "no answer"},
            }
        ],
        "links": [{"trace_id": TRACE, "span_id": ROOT, "attributes": {"why": "retry"}}],
        **changes,
    }


def halo_root() -> Json:
    """Return the agent's span as HALO has it."""
    return {
        "trace_id": TRACE,
        "span_id": ROOT,
        "parent_span_id": "",
        "trace_state": "",
        "name": "invoke_agent",
        "kind": "SPAN_KIND_UNSPECIFIED",
        "start_time": "2026-04-23T05:32:00.000000001Z",
        "end_time": "2026-04-23T05:32:02.000000001Z",
        "status": {"code": "STATUS_CODE_UNSET", "message": ""},
        "resource": {"attributes": {"service.name": "shop-api"}},
        "scope": {"name": "shop.tracing", "version": "2"},
        "attributes": {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "shop",
            "agent.name": "shop",
            "openinference.span.kind": "AGENT",
        },
    }


def json_lines(*values: object) -> bytes:
    """Return JSON lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in values)
