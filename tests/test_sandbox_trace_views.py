"""Facets, searches, drawings and sessions of traces, as the sandbox serves them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sandbox_calls import PROJECT, Caller, Clock, Json
from sandbox_traces import BEGIN, RANGE, SCOPE, SPANS, load_spans, refusal_of, span

from halo_iac.sandbox.platform import Sandbox

TURNS = [
    span("e", 1, at=600, attributes={"agent.name": "research", "session.id": "s-1"}),
    span("f", 1, at=900, status="ERROR", attributes={"agent.name": "research", "session.id": "s-2"}),
    span("g", 1, at=950, attributes={"agent.name": "other", "session.id": "s-2"}),
]
"""More turns of the sessions."""


@pytest.fixture(scope="module")
def loaded() -> Iterator[Caller]:
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        load_spans(sandbox, [*SPANS, *TURNS])
        yield Caller(sandbox)


def query(caller: Caller, procedure: str, **given: Json) -> Json:
    return caller.query(procedure, {**SCOPE, **given})


def counts_by_value(listed: list[dict[str, Json]]) -> dict[str, int]:
    return {each["value"]: each["count"] for each in listed}


# --- facets


def test_facets_count_traces_by_what_their_spans_have(loaded: Caller) -> None:
    found = query(loaded, "traces.facets", filters=RANGE)
    assert {facet: counts_by_value(listed) for facet, listed in found["categorical"].items()} == {
        "observation_kind": {"SPAN": 4, "AGENT": 2, "LLM": 2, "TOOL": 1},
        "status": {"ok": 4, "error": 2},
        "service_name": {"shop": 1, "web": 1},
        "deployment_environment": {"production": 1},
        "agent_name": {"research": 3, "Checkout": 1, "other": 1},
        "agent_id": {"checkout": 1},
        "llm_provider": {"openai": 2},
        "llm_model_name": {"gpt-4o": 1, "o3": 1},
        "user_id": {"u-1": 1},
        "session_id": {"s-1": 2, "s-2": 2},
    }
    assert found["numeric"] == {
        "duration_ns": {"min": 10**9, "max": 10 * 10**9},
        "total_tokens": {"min": 110, "max": 310},
        "input_tokens": {"min": 100, "max": 300},
        "cache_read_tokens": {"min": 5, "max": 5},
        "output_tokens": {"min": 10, "max": 10},
        "cost_total": {"min": 0.01, "max": 0.2},
        "span_count": {"min": 1, "max": 3},
        "llm_span_count": {"min": 0, "max": 1},
    }
    assert (counts_by_value(found["attributeKeys"]["span"])["tool.name"], found["attributeValues"]) == (1, {})
    assert counts_by_value(found["attributeKeys"]["resource"]) == {"service.name": 2, "deployment.environment": 1}


def test_facets_count_spans(loaded: Caller) -> None:
    found = query(loaded, "spans.facets", filters={**RANGE, "traceId": "a"})
    assert counts_by_value(found["categorical"]["observation_kind"]) == {"AGENT": 1, "LLM": 1, "TOOL": 1}
    assert counts_by_value(found["categorical"]["agent_id"]) == {"checkout": 3}
    assert counts_by_value(found["categorical"]["user_id"]) == {"u-1": 1}
    assert found["numeric"]["duration_ns"] == {"min": 10**9, "max": 9 * 10**9}
    assert found["numeric"]["span_count"] is None
    assert counts_by_value(found["attributeKeys"]["span"])["openinference.span.kind"] == 3


def test_every_facet_counts_what_the_filter_of_its_name_lists(loaded: Caller) -> None:
    for of, listing in (("traces.facets", "traces.list"), ("spans.facets", "spans.list")):
        for facet, listed in query(loaded, of, filters=RANGE)["categorical"].items():
            for each in listed if facet != "agent_id" else ():
                named = {"field": facet, "op": "eq", "value": each["value"]}
                page = query(loaded, listing, filters={**RANGE, "stringFilters": [named]}, limit=1000)
                assert len(page[listing.split(".")[0]]) == each["count"], (of, facet, each)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"facetIds": ["status"]}, {"status": {"ok": 4, "error": 2}}),
        ({"facetIds": ["agent_name"], "limit": 1}, {"agent_name": {"research": 3}}),
        ({"facetIds": ["agent_name"], "facetSearch": {"agent_name": "CHECK"}}, {"agent_name": {"Checkout": 1}}),
        ({"facetIds": ["llm_model_name"], "filters": {**RANGE, "status": "error"}}, {"llm_model_name": {"gpt-4o": 1}}),
        ({"facetIds": ["session_id"], "filters": {**RANGE, "agents": ["other"]}}, {"session_id": {"s-2": 1}}),
        ({"facetIds": ["duration_ns"]}, {}),
    ],
)
def test_facets_may_be_chosen_searched_and_filtered(loaded: Caller, given: Json, expected: Json) -> None:
    found = query(loaded, "traces.facets", **{"filters": RANGE, **given})["categorical"]
    assert {facet: counts_by_value(listed) for facet, listed in found.items()} == expected


def test_values_of_one_attribute_are_counted(loaded: Caller) -> None:
    for procedure, count in (("traces.facets", 2), ("spans.facets", 3)):
        key = {"scope": "span", "key": "session.id"}
        found = query(loaded, procedure, filters=RANGE, facetIds=["status"], attributeKey=key)
        assert counts_by_value(found["attributeValues"]["span"])["s-1"] == count
    found = query(loaded, "spans.facets", filters=RANGE, attributeKey={"scope": "resource", "key": "service.name"})
    assert counts_by_value(found["attributeValues"]["resource"]) == {"shop": 1, "web": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"facetIds": ["colour"]}, "facetIds must be one of observation_kind, status, "),
        ({"facetSearch": {"colour": "x"}}, "facetSearch must be one of observation_kind, "),
        ({"attributeKey": {"scope": "event", "key": "k"}}, "attributeKey: scope must be one of span, resource."),
        ({"attributeKey": "k"}, "attributeKey: The input must be a JSON object."),
        ({"filters": {"scope": "root"}}, "filters.scope is not a filter of traces"),
    ],
)
def test_an_unknown_facet_is_refused(loaded: Caller, given: Json, message: str) -> None:
    status, said = refusal_of(loaded, "traces.facets", **given)
    assert (status, said[: len(message)]) == (400, message)


def test_spans_are_counted_alike_by_the_block_and_one_by_one(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("t", number, at=number, lasts=number % 7) for number in range(4200)])
    always = {"field": "duration_ns", "op": "gte", "value": -1}
    for first, last in ((0, 9000), (100, 4150), (4100, 4199), (5000, 6000)):
        start, end = (f"{BEGIN + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}" for at in (first, last))
        kept, counted_anew = (
            query(caller, "spans.facets", filters={"startDate": start, "endDate": end, "numericFilters": filters})
            for filters in ([], [always])
        )
        assert kept == counted_anew


# --- search


def test_a_search_says_where_it_found_a_text(loaded: Caller) -> None:
    found = query(loaded, "traces.search", query="TIMED", filters=RANGE)
    [trace] = found["traces"]
    assert (trace["traceId"], trace["hasError"], found["nextCursor"]) == ("a", True, None)
    assert trace["matches"] == [
        {
            "spanId": "a-3",
            "spanName": "charge_card",
            "observationKind": "TOOL",
            "statusCode": "STATUS_CODE_ERROR",
            "field": "status.message",
            "excerpt": "timed out",
        }
    ]
    assert query(loaded, "traces.search", query="no such text", filters=RANGE)["traces"] == []


def test_a_search_accepts_half_open_ranges_and_pages(loaded: Caller) -> None:
    wanted = {"query": "research", "filters": {"endDate": RANGE["endDate"]}, "limit": 2}
    page = query(loaded, "traces.search", **wanted)
    assert [each["traceId"] for each in page["traces"]] == ["f", "e"]
    page = query(loaded, "traces.search", **wanted, cursor=page["nextCursor"])
    assert ([each["traceId"] for each in page["traces"]], page["nextCursor"]) == (["b"], None)


def test_a_search_finds_text_however_it_is_escaped(caller: Caller) -> None:
    load_spans(
        caller.sandbox, [span("t", 1, attributes={"input.value": 'é "x" \\ tab\t', "nested": {"deep": ["Ärger"]}})]
    )
    for text in ("É", '"x"', "\\ tab", "ärger", "tab\t"):
        found = query(caller, "traces.search", query=text, filters=RANGE)["traces"]
        assert [each["traceId"] for each in found] == ["t"], text


@pytest.fixture
def caller() -> Iterator[Caller]:
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        yield Caller(sandbox)


# --- one trace, drawn


def test_a_tree_has_the_trace_and_its_spans_without_their_texts(loaded: Caller) -> None:
    found = query(loaded, "traces.getTree", traceId="a")
    assert found["trace"] == query(loaded, "traces.get", traceId="a")
    assert [each["spanId"] for each in found["spans"]] == ["a-1", "a-2", "a-3"]
    assert ("input" in found["spans"][0], found["nextCursor"]) == (False, None)
    only = query(loaded, "traces.getTree", traceId="a", filters={"status": "error"})
    assert [each["spanId"] for each in only["spans"]] == ["a-1", "a-3"]


def test_details_are_those_of_every_span(loaded: Caller) -> None:
    found = query(loaded, "traces.getDetail", traceId="a")
    assert found["spans"] == [query(loaded, "spans.get", traceId="a", spanId=each) for each in ("a-1", "a-2", "a-3")]


def test_a_trace_that_does_not_fit_is_continued_by_its_spans(loaded: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_iac.sandbox.handlers.trace_views._MAX_SPANS", 2)
    for procedure in ("traces.getTree", "traces.getDetail"):
        found = query(loaded, procedure, traceId="a")
        assert [each["spanId"] for each in found["spans"]] == ["a-1", "a-2"]
        rest = query(loaded, "traces.getSpans", traceId="a", cursor=found["nextCursor"])
        assert [each["spanId"] for each in rest["spans"]] == ["a-3"]


def test_bodies_are_cut_and_say_so(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("t", 1, attributes={"input.value": "x" * 5000}), span("t", 2, 1)])
    found = query(caller, "traces.getBodies", traceId="t", spanIds=["t-2", "t-1"])["bodies"]
    assert [(each["spanId"], len(each["input"]), each["isTruncated"]) for each in found] == [
        ("t-2", 0, False),
        ("t-1", 4000, True),
    ]
    assert refusal_of(caller, "traces.getBodies", traceId="t", spanIds=["t-1", "t-9", "t-8"]) == (
        404,
        "Span t-9, t-8 were not found in trace t.",
    )
    assert refusal_of(caller, "traces.getBodies", traceId="t", spanIds=[])[0] == 400
    assert refusal_of(caller, "traces.getTree", traceId="nowhere")[0] == 404


# --- sessions


def test_sessions_of_an_agent_are_summed_up_the_latest_first(loaded: Caller) -> None:
    wanted = {"agentIdentity": "research", "filters": RANGE, "limit": 1}
    page = query(loaded, "traces.listSessions", **wanted)
    assert page["sessions"] == [
        {
            "sessionId": "s-2",
            "agentIdentity": "research",
            "startTime": "2026-10-01T09:15:00.000000000Z",
            "endTime": "2026-10-01T09:15:01.000000000Z",
            "durationNs": 10**9,
            "traceCount": 1,
            "spanCount": 1,
            "errorTraceCount": 1,
            "totalTokens": None,
            "totalCost": None,
            "hasError": True,
        }
    ]
    page = query(loaded, "traces.listSessions", **wanted, cursor=page["nextCursor"])
    [session] = page["sessions"]
    assert (session["sessionId"], session["traceCount"], session["totalTokens"], page["nextCursor"]) == (
        "s-1",
        2,
        310,
        None,
    )
    found = query(loaded, "traces.listSessions", agentIdentity="research", query="S-1")["sessions"]
    assert [each["sessionId"] for each in found] == ["s-1"]


def test_the_traces_of_a_session_come_in_the_order_they_began(loaded: Caller) -> None:
    wanted = {"agentIdentity": "research", "sessionId": "s-1"}
    page = query(loaded, "traces.listSessionTraces", **wanted, limit=1)
    assert [each["traceId"] for each in page["traces"]] == ["b"]
    page = query(loaded, "traces.listSessionTraces", **wanted, limit=1, cursor=page["nextCursor"])
    assert ([each["traceId"] for each in page["traces"]], page["nextCursor"]) == (["e"], None)
    tree = query(loaded, "traces.getSessionTree", **wanted, focusTraceId="e")
    assert [(each["trace"]["traceId"], len(each["spans"])) for each in tree["traces"]] == [("b", 2), ("e", 1)]


@pytest.mark.parametrize(
    ("procedure", "given", "message"),
    [
        ("traces.listSessions", {"agentIdentity": "x"}, f"Agent x was not found in project {PROJECT}."),
        (
            "traces.listSessionTraces",
            {"agentIdentity": "research", "sessionId": "s-9"},
            "Session s-9 was not found among the traces of agent research.",
        ),
        (
            "traces.getSessionTree",
            {"agentIdentity": "research", "sessionId": "s-1", "focusTraceId": "a"},
            "Trace a was not found in session s-1.",
        ),
    ],
)
def test_a_missing_session_is_reported(loaded: Caller, procedure: str, given: Json, message: str) -> None:
    assert refusal_of(loaded, procedure, **given) == (404, message)


@pytest.mark.parametrize("name", ["traces.exports.list", "traces.exports.create", "traces.imports.create"])
def test_unserved_procedures_name_the_alternative(loaded: Caller, name: str) -> None:
    status, said = refusal_of(loaded, name)
    assert (status, said.partition(":")[0]) == (501, f"The sandbox does not serve {name}")
