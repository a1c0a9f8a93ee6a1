"""The demo agents' traces: their flaws are found, and no others."""

from __future__ import annotations

import json
from functools import lru_cache

import pytest
from analyst_spans import analyse, analyst_view
from golden_files import assert_golden
from sandbox_calls import PROJECT, Caller, Clock

from halo_iac.sandbox import demo
from halo_iac.sandbox.analyst.analysis import render_report
from halo_iac.sandbox.analyst.figures import Figures, FixKind, Window
from halo_iac.sandbox.analyst.spans import AgentIdentity, Span, attribute_agents
from halo_iac.sandbox.demo.traces import TRACED_AGENTS, spans_between
from halo_iac.sandbox.instants import HOUR, parse_nanoseconds
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.span_record import SpanRecord, to_record

NOON = parse_nanoseconds("2026-11-02T12:34:00Z")
DAY = 24 * HOUR

FLAWS = {
    "checkout": {(FixKind.ERROR, "Failing: `charge_card`"), (FixKind.REPEAT, "Asked again: `lookup_inventory`")},
    "support-bot": {
        (FixKind.RETRY, "Retried unchanged: `create_ticket`"),
        (FixKind.SKIPPED, "Left out: `search_help_center`"),
    },
    "research": {(FixKind.SLOW, "Slow: `fetch_page`"), (FixKind.COST, "Costly: `claude-opus-4-5`")},
}


@lru_cache(len(TRACED_AGENTS))
def records_of(agent: str, anchor: int = NOON, days: int = 7) -> list[SpanRecord]:
    return [to_record(json.loads(json.dumps(each))) for each in spans_between(anchor - days * DAY, anchor, agent)]


@lru_cache(len(TRACED_AGENTS))
def spans_of(agent: str, anchor: int = NOON, days: int = 7) -> list[Span]:
    return list(map(analyst_view, records_of(agent, anchor, days)))


def analysed(agent: str, anchor: int, span: int) -> Figures:
    window = Window(anchor - span, anchor)
    spans = spans_of(agent, anchor, min(span // DAY + 1, 7))  # no trace lasts longer than a day
    return analyse([each for each in spans if each.start >= window.start], window, "What fails, and why?")


@pytest.mark.parametrize("days", [1, 2, 7])
@pytest.mark.parametrize("agent", TRACED_AGENTS)
def test_exactly_the_planted_flaws_are_found(agent: str, days: int) -> None:
    found = analysed(agent, NOON, days * DAY)
    assert {(fix.kind, fix.subject) for fix in found.fixes} == FLAWS[agent]
    assert all(fix.traces for fix in found.fixes)


@pytest.mark.parametrize("hours", [1, 5, 8, 13, 27, 1000, 9999])
@pytest.mark.parametrize("agent", TRACED_AGENTS)
def test_the_flaws_are_found_at_any_time(agent: str, hours: int) -> None:
    found = analysed(agent, NOON + hours * HOUR, DAY)
    assert {(fix.kind, fix.subject) for fix in found.fixes} == FLAWS[agent]


def test_payments_of_checkout_time_out_at_the_documented_rate() -> None:
    (group, _) = analysed("checkout", NOON, 7 * DAY).errors
    assert group.message == "timed out after <*> ms waiting for payments.internal (request <*>)"
    assert 0.115 < group.count / group.calls < 0.125


@pytest.mark.parametrize("agent", TRACED_AGENTS)
def test_the_report_matches_its_golden_file(agent: str) -> None:
    assert_golden(f"analyst/{agent}.md", render_report(analysed(agent, NOON, DAY)))


@pytest.mark.parametrize("agent", TRACED_AGENTS)
def test_demo_traces_are_the_same_whenever_they_are_made(agent: str) -> None:
    assert list(spans_between(NOON - DAY, NOON, agent)) == list(spans_between(NOON - DAY, NOON, agent))
    later = {each.span_id: each for each in spans_of(agent, NOON + DAY)}
    shared = [each for each in spans_of(agent) if each.start >= NOON + 2 * HOUR - 6 * DAY]
    assert shared
    assert [later[each.span_id] for each in shared] == shared


@pytest.mark.parametrize("agent", TRACED_AGENTS)
def test_demo_traces_lie_in_the_week_before_the_anchor(agent: str) -> None:
    spans = spans_of(agent)
    assert min(each.start for each in spans) >= NOON - 7 * DAY
    assert max(each.end for each in spans) <= NOON
    assert len({each.span_id for each in spans}) == len(spans)


@pytest.mark.parametrize("hour", range(3))
def test_an_hour_holds_traces_of_the_busy_agents(hour: int) -> None:
    anchor = NOON + hour * HOUR
    for agent in ("checkout", "support-bot"):
        assert any(each.start >= anchor - HOUR for each in spans_of(agent, anchor))


@pytest.mark.parametrize("agent", demo.AGENTS, ids=lambda agent: str(agent["identityValue"]))
def test_every_span_belongs_to_the_agent_that_the_sandbox_lists(agent: dict[str, str]) -> None:
    traces: dict[str, list[SpanRecord]] = {}
    for each in records_of(agent["identityValue"]):
        traces.setdefault(each.trace_id, []).append(each)
    owners = {owner for spans in traces.values() for owner in attribute_agents(spans).values()}
    assert owners == {AgentIdentity(agent["identitySource"], agent["identityValue"])}  # type: ignore[arg-type]


@pytest.mark.parametrize("minute", [0, 1, 3, 6, 31])
def test_an_agent_that_was_renamed_is_listed_and_leaves_no_more_traces(minute: int) -> None:
    """Right after a slot has begun as well, while its trace may not be there yet."""
    clock = Clock()
    clock.advance(minutes=minute)
    with Sandbox.open(None, clock=clock) as sandbox:
        sandbox.add_agent(PROJECT, {**demo.AGENTS[0], "identityValue": "till"})
        caller = Caller(sandbox)
        listed = caller.query("agent.listForProject", {"projectId": PROJECT})
        assert {each["identityValue"] for each in listed} == {"till", "support-bot", "research"}
        window = {"startDate": "2026-11-02T00:00:00.000Z", "endDate": "2026-11-03T00:00:00.000Z"}
        asked = {"teamId": demo.DEMO_TEAM_ID, "projectId": PROJECT, "limit": 100, "filters": window}
        traces = caller.query("traces.list", asked)["traces"]
        assert {each["agentName"] for each in traces} == {"support-bot", "research"}


def test_a_trace_that_is_there_is_read_without_the_rest_of_its_month() -> None:
    with Sandbox.open(None, clock=Clock()) as sandbox:
        caller, scope = Caller(sandbox), {"teamId": demo.DEMO_TEAM_ID, "projectId": PROJECT}
        window = {"startDate": "2026-11-02T00:00:00.000Z", "endDate": "2026-11-02T01:00:00.000Z"}
        [trace, *_] = caller.query("traces.list", {**scope, "filters": window})["traces"]
        with sandbox._store.reading() as tables:  # noqa: SLF001 - what is written, whatever a list shows
            before = tables.spans.last_row_id("traces")
        assert caller.query("traces.get", {**scope, "traceId": trace["traceId"]})["traceId"] == trace["traceId"]
        assert caller.query("spans.list", {**scope, "filters": {"traceId": trace["traceId"]}})["spans"]
        with sandbox._store.reading() as tables:  # noqa: SLF001 - likewise
            assert tables.spans.last_row_id("traces") == before
