"""``halo trace`` and ``halo span`` as their user meets them, against a platform with a few traces and a long one."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from loopback import Recorder, Reply, Request, failure, result, serving

from halo_iac.api.pagination import Page
from halo_iac.api.trpc import Json
from halo_iac.cli.traces.lists import PageStream
from halo_iac.model.traces import OBSERVATION_KINDS

TRACE = "84559aaf5d124026b1da35a7a66d9e94"
OTHER = "d1c160a28f2041918075678c90d47e83"
HOSTILE = "\x1b[2J::error::x\r\n##[group]"


def trace_row(id_: str = TRACE, **fields: Json) -> dict[str, Any]:
    known = {
        "startTime": "2026-11-02T09:00:00.000Z",
        "rootSpanName": "turn",
        "spanCount": 3,
        "durationNs": "1500000000",
    }
    return {"traceId": id_, **known, "agentName": "checkout", "totalTokens": 10, "totalCost": "0.02", **fields}


def span_row(number: int, **fields: Json) -> dict[str, Any]:
    parent = f"{0:016x}" if number else ""
    known = {"traceId": TRACE, "spanId": f"{number:016x}", "parentSpanId": parent, "spanName": f"step {number}"}
    return {**known, "startTime": "2026-11-02T09:00:00.000Z", "durationNs": 1000, **fields}


class Platform:
    """Two traces, of which one has so many spans, in pages of any size."""

    def __init__(self, *traces: dict[str, Any], spans: int = 3, padding: str = "") -> None:
        self.traces = traces or (trace_row(), trace_row(OTHER, rootSpanName="search"))
        self.spans = spans
        self.padding = padding

    def answer(self, request: Request) -> Reply:
        fields = request.input
        known = {each["traceId"]: each for each in self.traces}
        match request.path:
            case "/traces.list":
                return self._page("traces", self.traces, fields, totalCount=len(self.traces))
            case "/spans.list":
                return self._page("spans", [span_row(number) for number in range(self.spans)], fields)
            case "/traces.get":
                return result(known.get(fields["traceId"]))
            case "/traces.getSpans":
                return self._spans(fields) if fields["traceId"] in known else failure(404, "no such trace", "NOT_FOUND")
            case "/spans.get":
                number = int(fields["spanId"], 16) if fields["spanId"].isdecimal() else self.spans
                return result(span_row(number) if number < self.spans else None)
            case _:
                return result({})

    def _page(self, name: str, rows: Any, fields: Json, **more: Json) -> Reply:  # noqa: ANN401 - rows of any kind
        first = int(fields["cursor"] or 0)
        last = first + fields["limit"]
        return result({name: rows[first:last], "nextCursor": str(last) if last < len(rows) else None, **more})

    def _spans(self, fields: Json) -> Reply:
        first = int(fields["cursor"] or 0)
        last = min(first + fields["limit"], self.spans)
        rows = [span_row(number, input=self.padding) for number in range(first, last)]
        return result({"spans": rows, "nextCursor": str(last) if last < self.spans else None})


On = Callable[[Platform], tuple[CommandLine, Recorder]]


@pytest.fixture
def halo_on(halo: CommandLine) -> Iterator[On]:
    """Return what makes the command line talk to a platform."""
    opened = []

    def on(platform: Platform) -> tuple[CommandLine, Recorder]:
        serve = serving(platform.answer)
        opened.append(serve)
        recorder = serve.__enter__()
        env = {"INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "project-1", "INF_TEAM_ID": "team-1"}
        return CommandLine({**halo.env, **env, "INF_API_URL": recorder.url}), recorder

    yield on
    for serve in opened:
        serve.__exit__(None, None, None)


# Lists --------------------------------------------------------------------------------------------------------------


def test_a_list_shows_full_ids_and_escapes_untrusted_text(halo_on: On) -> None:
    halo, _ = halo_on(Platform(trace_row(agentName=HOSTILE, hasError=True, totalCost=None, durationNs=None)))
    head, row = halo("trace", "list").out.splitlines()
    assert " ".join(head.split()) == "TRACE START DURATION STATUS SPANS TOKENS COST AGENT ROOT SPAN"
    shown = "␛[2J::error::x␍␊##\\[group]"
    assert " ".join(row.split()) == f"{TRACE} 2026-11-02T09:00:00Z - error 3 10 - {shown} turn"
    for columns in ("40", "80", "100"):
        shown = halo("trace", "list", is_terminal=True, COLUMNS=columns).out
        assert TRACE in shown


@pytest.mark.parametrize("kind", ["trace", "span"])
def test_a_limit_above_a_page_follows_cursors(halo_on: On, kind: str) -> None:
    rows = [trace_row(f"{number:032x}") for number in range(250)]
    halo, recorder = halo_on(Platform(*rows, spans=250))
    document = halo(kind, "list", "--limit", "230", "--json").json
    assert [(each.input["limit"], each.input["cursor"]) for each in recorder.requests] == [
        (100, None),
        (100, "100"),
        (30, "200"),
    ]
    assert len(document[f"{kind}s"]) == 230
    assert (document["nextCursor"], document.get("totalCount")) == ("230", 250 if kind == "trace" else None)


def test_a_list_that_was_cut_says_how_to_go_on(halo_on: On) -> None:
    halo, _ = halo_on(Platform(*(trace_row(f"{number:032x}") for number in range(30))))
    ended = halo("traces", "ls")
    assert (len(ended.out.splitlines()), ended.err) == (
        26,
        "25 of 30 traces are shown; use --limit to show more.\n",
    )


# Windows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "2026-11-01"), "--from was given without --to"),
        (("--to", "2026-11-01"), "--to was given without --from"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from is not before --to, so nothing can match"),
        (("--from", "x", "--to", "2026-11-01"), "--from: 'x' is not an ISO 8601 instant"),
        (
            ("--range", "1d", "--from", "2026-11-01", "--to", "2026-11-02"),
            "--range and --from with --to were both given",
        ),
        (("--kind", "LLN"), f"--kind: `LLN` is not one of {', '.join(OBSERVATION_KINDS)}"),
        (("--user", ""), "--user is empty"),
        (("--model", ","), "--model is empty"),
        (("--status", "warn"), "Invalid value for '--status': 'warn' is not one of 'ok', 'error'"),
    ],
)
def test_contradictory_options_are_wrong_usage(halo_on: On, options: tuple[str, ...], message: str) -> None:
    halo, recorder = halo_on(Platform())
    ended = halo("trace", "list", *options)
    assert (ended.code, ended.err.splitlines()[0]) == (64, f"error: {message}")
    assert recorder.requests == []


# One trace ----------------------------------------------------------------------------------------------------------


def test_a_trace_as_json_is_the_document_of_the_official_client(halo_on: On) -> None:
    halo, _ = halo_on(Platform(spans=250))
    for argv in (("--json",), ("--view", "raw")):
        document = halo("trace", "get", TRACE, "--limit", "150", "--page-size", "70", *argv).json
        assert [each["spanId"] for each in document.pop("spans")] == [f"{number:016x}" for number in range(150)]
        assert document == {
            "trace": trace_row(),
            "nextCursor": "150",
            "hasMoreSpans": True,
            "spanCount": 3,
            "loadedSpanCount": 150,
            "pageCount": 3,
            "pageSize": 70,
            "requestedLimit": 150,
        }
    document = halo("trace", "get", TRACE, "--all", "--json").json
    assert (len(document["spans"]), document["requestedLimit"], document["hasMoreSpans"]) == (250, None, False)


def test_a_trace_is_written_to_a_new_file_alone(halo_on: On, folder: Path) -> None:
    halo, recorder = halo_on(Platform())
    ended = halo("trace", "get", TRACE, "--output", "out/trace.json")
    assert (ended.out, ended.err) == ("", "Wrote out/trace.json\n")
    path = folder / "out" / "trace.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == halo("trace", "get", TRACE, "--json").json
    asked = len(recorder.requests)
    again = halo("trace", "get", TRACE, "--output", "out/trace.json")
    assert (again.code, again.err.splitlines()[0]) == (
        1,
        "error: out/trace.json already exists; it was not overwritten",
    )
    assert len(recorder.requests) == asked


@pytest.mark.parametrize("view", ["summary", "tree", "timeline", "thread", "spans"])
def test_every_view_shows_the_steps(halo_on: On, view: str) -> None:
    halo, _ = halo_on(Platform())
    ended = halo("trace", "show", TRACE, "--view", view)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


@pytest.mark.parametrize("view", ["thread", "spans"])
def test_a_view_that_was_cut_says_so(halo_on: On, view: str) -> None:
    halo, _ = halo_on(Platform())
    ended = halo("trace", "get", TRACE, "--limit", "2", "--view", view)
    assert ended.err == f"Only 2 spans were read; `halo trace get {TRACE} --view {view} --all` reads them all.\n"


@pytest.mark.parametrize("options", [("--json",), ("--view", "spans")])
def test_a_long_trace_takes_the_memory_of_some_pages(halo_on: On, folder: Path, options: tuple[str, ...]) -> None:
    halo, _ = halo_on(Platform(spans=1_500, padding="x" * 20_000))
    tracemalloc.start()
    try:
        with (folder / "out").open("w", encoding="utf-8") as stream:
            assert halo.run(("trace", "get", TRACE, "--all", *options), stream, stream, stream, {}) == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 1024 * 1024, peak  # of 30 MB


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (("trace", "get", TRACE[:10]), f"did you mean {TRACE}? If not, "),
        (("trace", "get", f"{TRACE[:-1]}0"), f"did you mean {TRACE}? If not, "),
        (("trace", "get", "zzzz"), ""),
        (("span", "get", f"{TRACE[:-1]}0", f"{1:016x}"), f"did you mean {TRACE}? If not, "),
    ],
)
def test_an_unknown_trace_names_the_one_that_is_near(halo_on: On, argv: tuple[str, ...], near: str) -> None:
    platform = Platform()
    halo, _ = halo_on(platform)
    if argv[0] == "span":
        platform.spans = 0
    ended = halo(*argv)
    assert ended.code == 1
    assert f"hint: {near}run `halo trace list --range 7d` to see the ids" in ended.err


@pytest.mark.parametrize(
    ("span", "near"),
    [("step 2", f"did you mean {2:016x}? If not, "), (f"{1:015x}2", f"did you mean {2:016x}? If not, "), ("z", "")],
)
def test_an_unknown_span_names_the_one_that_is_near(halo_on: On, span: str, near: str) -> None:
    halo, _ = halo_on(Platform())
    ended = halo("span", "get", TRACE, span)
    assert ended.err.splitlines() == [
        f"error: spans.get (HTTP 404): trace {TRACE} has no span {span}",
        f"hint: {near}run `halo trace get {TRACE} --view spans` to see its spans",
    ]


def test_no_trace_is_suggested_unless_the_id_is_unknown(halo_on: On) -> None:
    class Forbidding(Platform):
        def answer(self, request: Request) -> Reply:
            return failure(403, "not yours", "FORBIDDEN") if request.path == "/traces.get" else super().answer(request)

    halo, recorder = halo_on(Forbidding())
    ended = halo("trace", "get", TRACE)
    assert (ended.code, [each.path for each in recorder.requests]) == (1, ["/traces.get"])


# Choosing one -------------------------------------------------------------------------------------------------------


def test_without_an_id_one_is_chosen_from_the_latest(halo_on: On) -> None:
    halo, recorder = halo_on(Platform())
    ended = halo("trace", "get", "--view", "raw", answer="sear\nsearch\n")
    assert ended.code == 0
    assert [each.input.get("traceId") for each in recorder.requests] == [None, OTHER, OTHER]
    assert "Which trace (number, name or id)? " in ended.err
    assert f"\n1  2026-11-02T09:00:00Z  ok      turn       {TRACE}" in ended.err


def test_a_single_trace_is_shown_without_a_question(halo_on: On) -> None:
    halo, _ = halo_on(Platform(trace_row(OTHER)))
    ended = halo("trace", "get", "--view", "raw", answer="")
    assert (ended.code, "Which" in ended.err) == (0, False)


@pytest.mark.parametrize(
    ("answer", "message"), [(None, "no trace was given"), ("", "no trace was chosen"), ("9\n", "no trace was chosen")]
)
def test_without_an_id_and_a_choice_nothing_is_shown(halo_on: On, answer: str | None, message: str) -> None:
    halo, _ = halo_on(Platform())
    ended = halo("trace", "get", answer=answer)
    assert (ended.code, message in ended.err, ended.out) == (64, True, "")


# Search and facets --------------------------------------------------------------------------------------------------


def test_facets_are_a_table(halo: CommandLine) -> None:
    answer = {
        "categorical": {"status": [{"value": "error", "count": 3}], "service_name": [{"value": HOSTILE, "count": 1}]},
        "numeric": {"duration_ns": {"min": 1, "max": 2_000_000}, "cost_total": {"min": 0.5, "max": 2}, "spans": None},
        "attributeKeys": {"span": [{"value": "tool.name", "count": 12}], "resource": []},
        "attributeValues": {"span": [{"value": "search", "count": 4}]},
    }
    with serving(lambda _: result(answer)) as recorder:
        env = {"INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p", "INF_TEAM_ID": "t"}
        ended = halo("trace", "facets", INF_API_URL=recorder.url, **env)
        assert halo("span", "facets", "--json", INF_API_URL=recorder.url, **env).json == answer
    assert [line.split() for line in ended.out.splitlines()] == [
        ["FACET", "VALUE", "COUNT"],
        ["status", "error", "3"],
        ["service_name", "␛[2J::error::x␍␊##\\[group]", "1"],
        ["duration_ns", "1", "ns", "to", "2.00", "ms"],
        ["cost_total", "$0.50", "to", "$2.00"],
        ["span_attributes", "tool.name", "12"],
        ["span", "attribute", "search", "4"],
    ]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("facets", "--facet", "model"), "--facet: `model` is not one of observation_kind, status, "),
        (("facets", "--search", "status"), "--search `status` is not FACET=TEXT"),
        (("facets", "--search", "foo=x"), "--search: `foo` is not one of "),
        (("facets", "--attribute-key", "span:"), "--attribute-key `span:` is neither span:KEY nor resource:KEY"),
        (("search",), "no search text was given"),
        (("search", "a", "--query", "b"), "TEXT and --query were both given"),
        (("search", "a", "--filters", "[1]"), "--filters has the wrong JSON type"),
        (("search", "a", "--filters", "{}", "--agent", "x"), "--filters cannot be combined with other filter options"),
        (
            ("get-bodies", "--trace-id", "t", "--span-ids", "a"),
            "--span-ids is not valid JSON: Expecting value: line 1 column 1",
        ),
    ],
)
def test_invalid_filters_are_reported_before_any_request(halo_on: On, argv: tuple[str, ...], message: str) -> None:
    halo, recorder = halo_on(Platform())
    ended = halo("trace", *argv)
    assert (ended.code, message in ended.err) == (64, True), ended.err
    assert recorder.requests == []


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (
            {
                "hits": [{"traceId": TRACE, "matches": [{"spanId": "s-1", "excerpt": HOSTILE}]}, {"traceId": OTHER}],
                "nextCursor": "c",
            },
            [
                "TRACE START STATUS ROOT SPAN SPAN FOUND",
                f"{TRACE} - ok - s-1 ␛[2J::error::x␍␊##\\[group]",
                f"{OTHER} - ok -",
            ],
        ),
        ([{"id": "a", "rank": 2}, {"id": "b"}], ["id a", "rank 2", "", "id b"]),
        ({"count": 0, "note": "none"}, ["count 0", "note none"]),
        ({"traces": []}, ["TRACE START STATUS ROOT SPAN SPAN FOUND"]),
        (None, ["null"]),
    ],
)
def test_search_results_of_any_shape_are_shown(halo_on: On, found: Json, lines: list[str]) -> None:
    platform = Platform()
    platform.answer = lambda _: result(found)  # type: ignore[method-assign]
    halo, _ = halo_on(platform)
    assert halo("trace", "search", "declined", "--json").json == found
    assert [" ".join(line.split()) for line in halo("trace", "search", "declined").out.splitlines()] == lines


def test_pages_are_released_while_further_ones_are_read() -> None:
    """Commands run without a collector of garbage, and an answer of the sandbox refers to itself."""
    gc.disable()
    try:
        PageStream(iter([Page((), None)]))
        assert gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "No span was found in the last day; --range 7d looks further back.\n"),
        (("--range", "7d"), "No span was found.\n"),
    ],
)
def test_nothing_found_says_where_to_look(halo_on: On, options: tuple[str, ...], said: str) -> None:
    halo, _ = halo_on(Platform(spans=0))
    assert halo("span", "list", *options).err == said
