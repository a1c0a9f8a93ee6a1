"""Traces and spans as the sandbox serves them: ``traces.*`` and ``spans.*``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandbox_calls import PROJECT, Caller, Clock, Json, error_of
from sandbox_traces import BEGIN, LINK, RANGE, SCOPE, SPANS, load_spans, model_call, refusal_of, span

from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.store.schema import MIGRATIONS


@pytest.fixture(scope="module")
def loaded() -> Iterator[Caller]:
    """A sandbox with these traces, to be read only."""
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        load_spans(sandbox, SPANS)
        yield Caller(sandbox)


@pytest.fixture
def caller() -> Iterator[Caller]:
    """An empty sandbox, to be loaded."""
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        yield Caller(sandbox)


def traces(caller: Caller, **given: Json) -> Json:
    filters = {**RANGE, **given.pop("filters", {})}
    return caller.query("traces.list", {**SCOPE, "filters": filters, "cursor": None, **given})


def trace_ids(caller: Caller, **filters: Json) -> str:
    page = traces(caller, filters=filters)
    assert page["totalCount"] == len(page["traces"])
    return "".join(each["traceId"] for each in page["traces"])


def span_ids(caller: Caller, **filters: Json) -> list[str]:
    page = caller.query("spans.list", {**SCOPE, "filters": {**RANGE, **filters}, "sortOrder": "asc"})
    return [each["spanId"] for each in page["spans"]]


# --- a trace


def test_a_trace_is_summed_up_from_its_spans(loaded: Caller) -> None:
    assert loaded.query("traces.get", {**SCOPE, "traceId": "a"}) == {
        "traceId": "a",
        "startTime": "2026-10-01T09:00:00.000000000Z",
        "endTime": "2026-10-01T09:00:09.000000000Z",
        "durationNs": 9_000_000_000,
        "rootSpanName": "step 1",
        "rootObservationKind": "AGENT",
        "serviceName": "shop",
        "deploymentEnvironment": "production",
        "agentName": "Checkout",
        "spanCount": 3,
        "llmSpanCount": 1,
        "errorSpanCount": 2,
        "inputTokens": 100,
        "cacheReadTokens": 5,
        "outputTokens": 10,
        "totalTokens": 110,
        "totalCost": "0.01",
        "hasError": True,
    }


@pytest.mark.parametrize(
    ("spans", "root"),
    [
        ([span("t", 2, at=5), span("t", 1, at=9)], "step 2"),  # two roots: the first
        ([span("t", 2, 1, at=5), span("t", 3, 2, at=1)], "step 2"),  # none: the first whose parent is missing
        ([span("t", 1, 2, at=5), span("t", 2, 1, at=4)], "step 2"),  # a circle: the first of all
        ([span("t", 1, 1)], "step 1"),
        ([span("t", 2, 1, at=1), span("t", 1, at=3)], "step 1"),  # clocks that disagree
    ],
)
def test_a_trace_has_a_root_whatever_its_shape(spans: list[dict[str, Json]], root: str) -> None:
    for order in (spans, spans[::-1]):
        with Sandbox.open(None, clock=Clock()) as sandbox:
            for each in order:
                load_spans(sandbox, [each])  # in pieces: it is summed up anew
            found = Caller(sandbox).query("traces.get", {**SCOPE, "traceId": "t"})
            assert (found["rootSpanName"], found["spanCount"]) == (root, len(spans))


def test_a_span_that_ends_before_it_starts_is_kept_as_it_is(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("t", 1, lasts=4), span("t", 2, 1, at=2, lasts=-7)])
    assert caller.query("traces.get", {**SCOPE, "traceId": "t"})["durationNs"] == 4 * 10**9
    [_, second] = caller.query("traces.getSpans", {**SCOPE, "traceId": "t"})["spans"]
    assert second["durationNs"] == -7 * 10**9


def test_tokens_of_agents_that_sum_up_theirs_are_not_counted_twice(caller: Caller) -> None:
    sums = {"llm.token_count.total": 110, "inference.llm.cost.total": "0.01"}
    wrapper = model_call("t", 2, 1, "m", 100, "0.01")
    load_spans(
        caller.sandbox, [span("t", 1, kind="AGENT", attributes=sums), wrapper, model_call("t", 3, 2, "m", 100, "0.01")]
    )
    found = caller.query("traces.get", {**SCOPE, "traceId": "t"})
    assert (found["totalTokens"], found["totalCost"], found["llmSpanCount"]) == (110, "0.01", 2)


# --- lists


def test_a_trace_belongs_to_the_range_in_which_it_ends(loaded: Caller) -> None:
    assert trace_ids(loaded) == "bac"  # newest first
    following = {"startDate": RANGE["endDate"], "endDate": "2026-10-03T00:00:00.000Z"}
    assert trace_ids(loaded, **following) == "d"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"observationKinds": ["TOOL", "CHAIN"]}, "a"),
        ({"llmProviders": ["openai"]}, "ba"),
        ({"llmModelNames": ["o3", "x"]}, "b"),
        ({"serviceNames": ["shop"], "deploymentEnvironments": ["production"]}, "a"),
        ({"userIds": ["u-1"]}, "a"),
        ({"sessionIds": ["s-1"]}, "b"),
        ({"agents": ["checkout"]}, "a"),
        ({"agents": ["Checkout", "research"]}, "ba"),
        ({"status": "error"}, "a"),
        ({"status": "ok"}, "bc"),
        ({"status": "ok", "llmModelNames": ["gpt-4o"]}, ""),
        ({"traceId": "b"}, "b"),
        ({"freeText": "TIMED OUT"}, "a"),
        ({"freeText": '"amount"'}, "a"),
        ({"freeText": "openinference.span.kind"}, ""),  # names of attributes are not text
    ],
)
def test_traces_are_listed_that_have_such_spans(loaded: Caller, filters: dict[str, Json], expected: str) -> None:
    assert trace_ids(loaded, **filters) == expected


@pytest.mark.parametrize(
    ("field", "op", "values", "expected"),
    [
        ("duration_ns", "gt", [9e9], "c"),
        ("duration_ns", "gte", [9e9], "ac"),
        ("total_tokens", "lt", [200], "a"),
        ("input_tokens", "lte", [300], "ba"),
        ("cache_read_tokens", "eq", [5], "ba"),
        ("output_tokens", "neq", [10], ""),  # what is not recorded matches nothing
        ("cost_total", "between", [0.1, 0.3], "b"),
        ("span_count", "gt", [2], "a"),
        ("llm_span_count", "eq", [0], "c"),
    ],
)
def test_traces_are_listed_by_numbers(loaded: Caller, field: str, op: str, values: list[float], expected: str) -> None:
    named = dict(zip(("value", "secondValue"), values, strict=False))
    assert trace_ids(loaded, numericFilters=[{"field": field, "op": op, **named}]) == expected


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("span_name", "contains", "CHARGE", "a"),
        ("span_name", "does_not_contain", "step", "c"),  # none of its spans does
        ("span_name", "eq", "nightly import", "c"),
        ("user_id", "is_empty", None, "bc"),
        ("session_id", "is_not_empty", None, "b"),
        ("agent_name", "neq", "research", "ac"),
        ("agent_name", "is_empty", None, "c"),
        ("llm_model_name", "not_in", ["o3", "gpt-4o"], "c"),
        ("llm_model_name", "in", ["o3", "gpt-4o"], "ba"),
        ("observation_kind", "eq", "TOOL", "a"),
        ("status", "eq", "error", "a"),
        ("status", "neq", "error", "bc"),
        ("trace_id", "neq", "a", "bc"),
        ("span_id", "eq", "b-2", "b"),
        ("trace_import_id", "is_empty", None, "bac"),
    ],
)
def test_traces_are_listed_by_texts(loaded: Caller, field: str, op: str, value: Json, expected: str) -> None:
    named = {"values" if isinstance(value, list) else "value": value} if value is not None else {}
    found = trace_ids(loaded, stringFilters=[{"field": field, "op": op, **named}])
    assert "".join(sorted(found)) == "".join(sorted(expected))


@pytest.mark.parametrize(
    ("scope", "key", "op", "value", "expected"),
    [
        ("span", "tool.name", "eq", "charge_card", "a"),
        ("span", "tries", "eq", "3", "a"),
        ("span", "tool.name", "contains", "CARD", "a"),
        ("span", "tool.name", "is_empty", None, "bc"),
        ("resource", "service.name", "neq", "shop", "bc"),
        ("resource", "service.name", "is_not_empty", None, "ba"),
        ("resource", "tool.name", "is_not_empty", None, ""),
    ],
)
def test_traces_are_found_by_attributes(
    loaded: Caller, scope: str, key: str, op: str, value: str | None, expected: str
) -> None:
    named = {} if value is None else {"value": value}
    assert trace_ids(loaded, metadataFilters=[{"scope": scope, "key": key, "op": op, **named}]) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"traceId": "a"}, ["a-1", "a-2", "a-3"]),
        ({"scope": "root"}, ["c-1", "a-1", "b-1"]),
        ({"scope": "entrypoint"}, ["c-1", "a-1", "a-2", "a-3", "b-1", "b-2"]),  # only the roots name a service
        ({"agents": ["checkout"], "observationKinds": ["TOOL"]}, ["a-3"]),  # it is its ancestor's
        ({"status": "error", "freeText": "4.90"}, ["a-3"]),
        ({"traceId": "nowhere"}, []),
        ({"numericFilters": [{"field": "total_tokens", "op": "gt", "value": 200}]}, ["b-2"]),
        ({"stringFilters": [{"field": "user_id", "op": "neq", "value": "u-1"}], "traceId": "a"}, ["a-1", "a-2"]),
        ({"metadataFilters": [{"scope": "span", "key": "tries", "op": "eq", "value": "3"}]}, ["a-3"]),
    ],
)
def test_spans_are_listed_that_pass_every_filter(loaded: Caller, filters: dict[str, Json], expected: list[str]) -> None:
    assert span_ids(loaded, **filters) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("start_time", "bac"),
        ("duration", "cab"),
        ("total_cost", "bac"),
        ("total_tokens", "bac"),
        ("span_count", "abc"),
        ("llm_span_count", "bac"),
    ],
)
def test_traces_are_sorted_and_paged_either_way(loaded: Caller, by: str, expected: str) -> None:
    for order, wanted in (("desc", expected), ("asc", expected[::-1])):
        found, cursor = "", None
        while True:
            page = traces(loaded, sortBy=by, sortOrder=order, limit=1, cursor=cursor)
            found, cursor = found + page["traces"][0]["traceId"], page["nextCursor"]
            assert page["totalCount"] == 3
            if cursor is None:
                break
        assert found == wanted


def test_a_cursor_is_good_for_its_own_query_only(loaded: Caller) -> None:
    cursor = traces(loaded, limit=1)["nextCursor"]
    later = {"startDate": "2026-10-01T00:00:09.000Z", "endDate": "2026-10-02T00:00:09.000Z"}
    assert [each["traceId"] for each in traces(loaded, cursor=cursor, filters=later)["traces"]] == ["a", "c"]
    others: list[tuple[str, dict[str, Json]]] = [
        ("traces.list", {"filters": {**RANGE, "status": "ok"}}),
        ("traces.list", {"filters": RANGE, "sortBy": "duration"}),
        ("traces.list", {"filters": {**RANGE, "startDate": "2026-09-30T00:00:00.000Z"}}),
        ("traces.list", {"filters": {"startDate": "2026-10-03T00:00:00.000Z", "endDate": "2026-10-04T00:00:00.000Z"}}),
        ("spans.list", {"filters": RANGE}),
        ("traces.getSpans", {"traceId": "a"}),
    ]
    for procedure, given in others:
        expected = (400, "cursor belongs to another query; repeat the query that returned it.")
        assert refusal_of(loaded, procedure, cursor=cursor, **given) == expected
    for odd in ("CUR", "", "é", "WzFd"):
        assert refusal_of(loaded, "traces.list", cursor=odd, filters=RANGE) == (
            400,
            "cursor was not returned by this list.",
        )


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"stauts": "error"}, "filters.stauts is not a filter of traces; the filters are startDate, endDate, observ"),
        ({"scope": "root"}, "filters.scope is not a filter of traces; the filters are startDate, "),
        ({"startDate": RANGE["startDate"]}, "filters.endDate is missing: a time range has both ends."),
        ({**RANGE, "endDate": "2026-09-01T00:00:00Z"}, "filters.endDate must not be before filters.startDate."),
        ({**RANGE, "endDate": "today"}, "filters.endDate must be an ISO 8601 instant with a zone"),
        ({"status": "bad"}, "filters.status must be one of ok, error."),
        ({"observationKinds": ["LLM", "X"]}, "filters.observationKinds must be of LLM, TOOL, "),
        ({"agents": "checkout"}, "filters.agents must be a list of strings."),
        ({"numericFilters": [{}]}, "filters.numericFilters[0].field must be one of duration_ns, total_tokens, "),
        ({"numericFilters": [{"field": "span_count", "op": "eq", "value": "3"}]}, "filters.numericFilters[0].value "),
        (
            {"numericFilters": [{"field": "span_count", "op": "between", "value": 3}]},
            "filters.numericFilters[0].secondValue must be a number.",
        ),
        ({"stringFilters": [{"field": "agent_id", "op": "eq", "value": ""}]}, "filters.stringFilters[0].field must be"),
        ({"stringFilters": [{"field": "span_id", "op": "like", "value": ""}]}, "filters.stringFilters[0].op must be "),
        ({"stringFilters": [{"field": "span_id", "op": "in", "value": ""}]}, "filters.stringFilters[0].values must be"),
        ({"metadataFilters": [{"op": "in"}]}, "filters.metadataFilters[0].key must be a string; filters.metadataF"),
        ({"metadataFilters": "x"}, "filters.metadataFilters must be a list of objects."),
    ],
)
def test_a_filter_that_is_wrong_is_named(loaded: Caller, filters: dict[str, Json], message: str) -> None:
    status, said = refusal_of(loaded, "traces.list", filters=filters)
    assert (status, said[: len(message)]) == (400, message)


# --- one span, and pages of spans


def test_every_field_of_a_span_round_trips(caller: Caller) -> None:
    attributes = {"n": 3, "x": 0.5, "yes": True, "list": ["a", 1], "none": None, "input.value": "é\n"}
    events = [{"name": "retry", "timestamp": "2026-10-01T09:00:01Z", "attributes": {"n": 1}}]
    resource = {"service.name": "shop", "pid": 7, "load": 0.25}
    load_spans(
        caller.sandbox,
        [span("t", 1, attributes=attributes, events=events, links=[LINK], resource=resource, more=1)],
    )
    found = caller.query("spans.get", {**SCOPE, "traceId": "t", "spanId": "t-1"})
    assert {name: found[name] for name in ("input", "events", "links", "scopeName", "scopeVersion")} == {
        "input": "é\n",
        "events": events,
        "links": [LINK],
        "scopeName": "library",
        "scopeVersion": "1",
    }
    assert (found["spanAttributesInt"], found["spanAttributesDouble"]) == ({"n": 3}, {"x": 0.5})
    assert found["spanAttributes"] == {
        "openinference.span.kind": "SPAN",
        "yes": "true",
        "list": '["a",1]',
        "input.value": "é\n",
    }
    assert (found["resourceAttributes"], found["resourceAttributesInt"], found["resourceAttributesDouble"]) == (
        {"service.name": "shop"},
        {"pid": 7},
        {"load": 0.25},
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {
                "llm.input_messages.0.message.role": "system",
                "llm.input_messages.0.message.content": "Be brief.",
                "llm.input_messages.1.message.role": "user",
                "llm.input_messages.1.message.contents.0.message_content.type": "text",
                "llm.input_messages.1.message.contents.0.message_content.text": "Hi",
            },
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        ),
        (
            {
                "llm.input_messages.10.message.role": "user",
                "llm.input_messages.2.message.role": "assistant",
                "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "f",
                "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": "{}",
            },
            [
                {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
                {"role": "user"},
            ],
        ),
        ({"gen_ai.input.messages": '[{"role": "user", "content": "x"}]'}, [{"role": "user", "content": "x"}]),
        ({"input.value": '{"messages": [{"role": "user", "content": "x"}]}'}, [{"role": "user", "content": "x"}]),
        ({"input.value": '{"amount": 3}'}, None),
        ({"input.value": "[1"}, None),
    ],
)
def test_messages_are_found_in_every_form(caller: Caller, attributes: dict[str, Json], expected: Json) -> None:
    load_spans(caller.sandbox, [span("t", 1, kind="LLM", attributes=attributes)])
    [found] = caller.query("traces.getSpans", {**SCOPE, "traceId": "t"})["spans"]
    assert (json.loads(found["inputMessages"]) if found["inputMessages"] else None) == expected
    assert found["outputMessages"] == ""


def test_the_spans_of_a_trace_come_in_pages_in_the_order_they_began(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("t", number, at=-number) for number in range(25)])
    found: list[str] = []
    cursor = None
    while len(found) < 25:
        page = caller.query("traces.getSpans", {**SCOPE, "traceId": "t", "limit": 10, "cursor": cursor})
        found += [each["spanId"] for each in page["spans"]]
        cursor = page["nextCursor"]
    assert (found, cursor) == ([f"t-{number}" for number in reversed(range(25))], None)


def test_spans_of_a_trace_may_be_filtered(loaded: Caller) -> None:
    found = loaded.query("traces.getSpans", {**SCOPE, "traceId": "a", "filters": {"status": "error"}})
    assert [each["spanId"] for each in found["spans"]] == ["a-1", "a-3"]


def test_a_page_of_long_spans_ends_early_and_continues(caller: Caller) -> None:
    load_spans(
        caller.sandbox,
        [span("t", number, at=number, attributes={"output.value": "x" * 3_000_000}) for number in (1, 2)],
    )
    page = caller.query("traces.getSpans", {**SCOPE, "traceId": "t"})
    assert [len(each["output"]) for each in page["spans"]] == [3_000_000]
    page = caller.query("traces.getSpans", {**SCOPE, "traceId": "t", "cursor": page["nextCursor"]})
    assert ([each["spanId"] for each in page["spans"]], page["nextCursor"]) == (["t-2"], None)


def test_missing_traces_name_similar_ids(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("4bf92f3577b34da6", 1), span("a", 1)])
    for procedure in ("traces.get", "traces.getSpans"):
        assert refusal_of(caller, procedure, traceId="4bf92f3577b34daX") == (
            404,
            f"Trace 4bf92f3577b34daX was not found in project {PROJECT}. Trace ids that begin alike: 4bf92f3577b34da6.",
        )
    assert refusal_of(caller, "spans.get", traceId="a", spanId="b-1") == (404, "Span b-1 was not found in trace a.")
    assert refusal_of(caller, "spans.get", traceId="zz", spanId="b-1")[0] == 404
    assert refusal_of(caller, "traces.get", traceId="")[0] == 400


def test_traces_of_another_project_are_not_shown(loaded: Caller) -> None:
    other = {"projectId": "project-1", "teamId": "any"}
    assert loaded.query("traces.list", {**other, "filters": RANGE})["traces"] == []
    assert loaded.query("spans.list", {**other, "filters": RANGE})["spans"] == []
    assert error_of(loaded.send_query("traces.get", {**other, "traceId": "a"}))[0] == 404


LAST_DAY = {"startDate": "2026-11-01T12:00:00.000Z", "endDate": "2026-11-02T12:00:00.000Z"}
NO_TICKET = {"field": "span_name", "op": "does_not_contain", "value": "create_ticket"}


def test_demo_traces_are_there_to_be_read(caller: Caller) -> None:
    page = caller.query("traces.list", {**SCOPE, "filters": {**LAST_DAY, "agents": ["checkout"]}, "limit": 100})
    assert page["totalCount"] == 48
    failed = caller.query(
        "spans.list", {**SCOPE, "filters": {**LAST_DAY, "status": "error", "observationKinds": ["TOOL"]}}
    )
    row = next(each for each in failed["spans"] if each["spanName"] == "charge_card")
    detail = caller.query("spans.get", {**SCOPE, "traceId": row["traceId"], "spanId": row["spanId"]})
    assert sorted(json.loads(detail["input"])) == ["amount", "order"]
    [event] = detail["events"]
    assert (event["name"], event["attributes"]["exception.message"]) == ("exception", row["statusMessage"])


def test_demo_traces_have_messages_and_sessions(caller: Caller) -> None:
    filters = {**LAST_DAY, "agents": ["support-bot"], "stringFilters": [NO_TICKET]}
    newest = caller.query("traces.list", {**SCOPE, "filters": filters, "limit": 1})["traces"][0]
    spans = caller.query("traces.getSpans", {**SCOPE, "traceId": newest["traceId"]})["spans"]
    last = [each for each in spans if each["observationKind"] == "LLM"][-1]
    said = json.loads(last["inputMessages"])
    assert [each["role"] for each in said] == ["system", "user", "assistant", "tool"]
    assert said[2]["tool_calls"][0]["function"]["name"] == said[3]["name"] == "lookup_account"
    [answer] = json.loads(last["outputMessages"])
    assert answer == {"role": "assistant", "content": spans[0]["output"]}
    sessions = caller.query("traces.listSessions", {**SCOPE, "agentIdentity": "support-bot", "filters": LAST_DAY})
    assert [each["traceCount"] for each in sessions["sessions"]][1:-1] == [4] * 4


# --- files of older versions


NOTHING = (None,) * 6


def test_spans_of_an_older_version_are_served_as_far_as_it_kept_them(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for step in MIGRATIONS[:4]:
            connection.executescript(step)
        connection.execute("PRAGMA user_version = 4")
        connection.execute("INSERT INTO projects VALUES (?, 'Sandbox', '2026-11-01T00:00:00.000Z')", (PROJECT,))
        agent = json.dumps({"id": "g", "identitySource": "agent_name", "identityValue": "writer"})
        connection.execute(
            "INSERT INTO agents (project_id, id, wire, is_counted) VALUES (?, 'g', ?, 1)", (PROJECT, agent)
        )
        connection.execute("INSERT INTO traces VALUES (1, ?, 't', 1)", (PROJECT,))
        connection.execute("INSERT INTO executions VALUES (1, 1790000000000000000, 1, 2, 0)")
        start = int(BEGIN.timestamp()) * 10**9
        fields = """trace, agent, span_id, parent_id, name, kind, started, ended, status, message, agent_source,
            agent_value, service, model, prompt_tokens, tool, input_digest, input_excerpt, cost"""
        rows = [
            (1, 1, "s1", None, "top", "AGENT", start, start + 5, "OK", "", "agent_name", "writer", "shop", *NOTHING),
            (
                1,
                1,
                "s2",
                "s1",
                "call",
                "TOOL",
                start + 1,
                start + 4,
                "ERROR",
                "no",
                *NOTHING[:4],
                3,
                "grep",
                "0a",
                "{}",
                "0.5",
            ),
        ]
        marks = ", ".join("?" * 19)
        connection.executemany(f"INSERT INTO spans ({fields}) VALUES ({marks})", rows)
    with Sandbox.open(path, clock=Clock(), pace=0) as sandbox:
        caller = Caller(sandbox)
        found = traces(caller)["traces"][0]
        assert (found["traceId"], found["rootSpanName"], found["agentName"], found["errorSpanCount"]) == (
            "t",
            "top",
            "writer",
            1,
        )
        detail = caller.query("spans.get", {**SCOPE, "traceId": "t", "spanId": "s2"})
        assert (detail["input"], detail["statusMessage"], detail["startTime"], detail["costTotal"]) == (
            "{}",
            "no",
            "2026-10-01T09:00:00.000000001Z",
            "0.5",
        )
        assert detail["spanAttributes"]["tool.name"] == "grep"
        window = {"windowStartAt": RANGE["startDate"], "windowEndAt": RANGE["endDate"]}
        wanted = {"projectId": PROJECT, "agentUuid": "00000000-0000-4000-8000-000000000000", "prompt": "P", **window}
        assert error_of(caller.send_mutation("haloRun.create", wanted))[0] == 404
        load_spans(sandbox, [span("t", 3)])
        assert caller.query("traces.get", {**SCOPE, "traceId": "t"})["spanCount"] == 3
