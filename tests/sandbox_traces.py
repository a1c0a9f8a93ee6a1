"""Traces to load into a sandbox, for the tests of how it serves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO

from sandbox_calls import PROJECT, Caller, Json, error_of
from trace_file_samples import json_lines

from halo_iac.sandbox.ingest import read_spans
from halo_iac.sandbox.platform import Sandbox

BEGIN = datetime(2026, 10, 1, 9, tzinfo=UTC)
"""Before the demo agents were at work."""
RANGE = {"startDate": "2026-10-01T00:00:00.000Z", "endDate": "2026-10-02T00:00:00.000Z"}
SCOPE = {"projectId": PROJECT, "teamId": "any"}
LINK = {"trace_id": "a", "span_id": "a-1", "attributes": {}}


def span(
    trace: str, number: int, parent: int | None = None, *, at: float = 0, lasts: float = 1, **changes: Json
) -> dict[str, Json]:
    """Return a span whose kind, status, resource and attributes may be given."""
    start, end = (BEGIN + timedelta(seconds=seconds) for seconds in (at, at + lasts))
    kind, status = changes.pop("kind", "SPAN"), changes.pop("status", "OK")
    return {
        "trace_id": trace,
        "span_id": f"{trace}-{number}",
        "parent_span_id": "" if parent is None else f"{trace}-{parent}",
        "name": changes.pop("name", f"step {number}"),
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": start.isoformat(),
        "end_time": end.isoformat(),
        "status": {"code": f"STATUS_CODE_{status}", "message": changes.pop("message", "")},
        "resource": {"attributes": changes.pop("resource", {})},
        "scope": {"name": "library", "version": "1"},
        "attributes": {"openinference.span.kind": kind, **changes.pop("attributes", {})},
        **changes,
    }


def model_call(
    trace: str, number: int, parent: int, model: str, tokens: int, cost: str, **more: Json
) -> dict[str, Json]:
    attributes = {
        "llm.provider": "openai",
        "llm.model_name": model,
        "llm.token_count.prompt": tokens,
        "llm.token_count.completion": 10,
        "llm.token_count.prompt_details.cache_read": 5,
        "inference.llm.cost.total": cost,
    }
    return span(trace, number, parent, kind="LLM", attributes={**attributes, **more.pop("attributes", {})}, **more)


SPANS = [
    # A checkout that fails: its tool's message is the evidence.
    span(
        "a",
        1,
        kind="AGENT",
        lasts=9,
        attributes={"agent.id": "checkout", "agent.name": "Checkout"},
        resource={"service.name": "shop", "deployment.environment": "production"},
        status="ERROR",
    ),
    model_call("a", 2, 1, "gpt-4o", 100, "0.01", at=1),
    span(
        "a",
        3,
        1,
        kind="TOOL",
        name="charge_card",
        at=3,
        lasts=5,
        status="ERROR",
        message="timed out",
        attributes={"tool.name": "charge_card", "input.value": '{"amount": "4.90"}', "user.id": "u-1", "tries": 3},
    ),
    # Another agent's, without failure, in a session.
    span(
        "b",
        1,
        kind="AGENT",
        at=60,
        lasts=2,
        attributes={"agent.name": "research", "session.id": "s-1"},
        resource={"service.name": "web"},
    ),
    model_call("b", 2, 1, "o3", 300, "0.2", at=60.5, attributes={"session.id": "s-1"}),
    # Without an agent: begins on the day before and ends in the range.
    span("c", 1, at=-9 * 3600 - 5, lasts=10, name="nightly import"),
    # Ends as the range does: belongs to the next one.
    span("d", 1, at=15 * 3600 - 1, lasts=1),
]


def refusal_of(caller: Caller, procedure: str, **given: Json) -> tuple[int, str]:
    """Return status and message of a refused query."""
    status, _, _, message = error_of(caller.send_query(procedure, {**SCOPE, **given}))
    return status, message


def load_spans(sandbox: Sandbox, spans: list[dict[str, Json]]) -> None:
    assert sandbox.load(PROJECT, read_spans(BytesIO(json_lines(*spans))), lambda _: False).bad == 0
