from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from command_line import NOW, CommandLine, schedules
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_calls import NOON, PROJECT, Caller, Clock, start_run
from trace_file_samples import json_lines

from halo_iac.sandbox import demo
from halo_iac.sandbox import ingest as loading
from halo_iac.sandbox.analyst.spans import attribute_agents
from halo_iac.sandbox.ingest import Loaded, read_spans
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import SandboxError
from halo_iac.sandbox.store import Store, Tables
from halo_iac.sandbox.trace_files import BadLine

SECOND = 10**9
MORNING = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp())


@pytest.fixture
def caller() -> Iterator[Caller]:
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        yield Caller(sandbox)


def span(trace: str, number: int, parent: int | None = None, *, at: int = 0, **attributes: object) -> dict[str, Any]:
    """Return one exported span, some seconds after nine in the morning."""
    start = datetime.fromtimestamp(MORNING + at, UTC)
    return {
        "trace_id": trace,
        "span_id": f"{trace}-{number}",
        "parent_span_id": "" if parent is None else f"{trace}-{parent}",
        "name": f"step {number}",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start:%Y-%m-%dT%H:%M:%S}.5Z",
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "resource": {"attributes": {}},
        "scope": {"name": "s", "version": "1"},
        "attributes": attributes,
    }


def file_with_spans(spans: Iterable[object]) -> BinaryIO:
    return BytesIO(json_lines(*spans))


def load_spans(
    sandbox: Sandbox, spans: Iterable[object], on_bad: Callable[[BadLine], bool] = lambda _: True, to: str = PROJECT
) -> Loaded:
    return sandbox.load(to, read_spans(file_with_spans(spans)), on_bad)


def counts(caller: Caller, time_range: str = "1d") -> dict[str, int]:
    """Return how often each agent but those of the demo was at work."""
    listed = caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": time_range})
    ours = [agent for agent in listed if agent["id"] not in demo.MINUTES_PER_TRACE]
    return {agent["identityValue"]: agent["stats"]["executionCount"] for agent in ours}


def agent_id(loaded: Loaded, name: str) -> str:
    return next(found for (_, value), found in loaded.agents.items() if value == name)


def spans_read(caller: Caller, agent: str, **fields: object) -> int:
    """Return how many spans of an agent a run reads."""
    run_id = start_run(caller, agentUuid=agent, **fields)["runId"]
    count: int = caller.query("haloRun.getById", {"id": run_id})["haloExportDataset"]["spanCount"]
    return count


# --- agents


def test_agents_appear_as_the_platform_finds_them(caller: Caller) -> None:
    loaded = load_spans(
        caller.sandbox,
        [
            span("a", 1, **{"agent.id": "planner", "agent.name": "Planner"}),
            span("b", 1, **{"agent.name": "writer"}),
            span("c", 1, **{"inference.agent_name": "reader"}),
            span("d", 1),
        ],
    )
    known = {("agent_id", "planner"), ("agent_name", "writer"), ("agent_name", "reader")}
    assert (set(loaded.agents), loaded.spans, loaded.added, loaded.bad) == (known, 4, 4, 0)
    listed = caller.query("agent.listForProject", {"projectId": PROJECT})[3:]
    assert listed == [
        {"id": found, "identitySource": source, "identityValue": value, "stats": {"executionCount": 1}}
        for (source, value), found in loaded.agents.items()
    ]


def test_an_agent_has_the_same_id_wherever_it_is_loaded(caller: Caller) -> None:
    spans = [span("a", 1, **{"agent.name": "writer"})]
    with Sandbox.open(None) as other:
        assert load_spans(other, spans, to="project-1").agents == load_spans(caller.sandbox, spans).agents


def test_traces_of_a_known_agent_are_its_own(caller: Caller) -> None:
    assert load_spans(caller.sandbox, [span("a", 1, **{"agent.id": "checkout"})]).agents == {
        ("agent_id", "checkout"): demo.CHECKOUT_ID
    }
    [checkout, *_] = caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": "1d"})
    assert checkout["stats"] == {"executionCount": 49}


def test_a_forgotten_agent_is_back_once_it_is_seen(caller: Caller) -> None:
    loaded = load_spans(caller.sandbox, [span("a", 1, **{"agent.name": "writer"})])
    caller.sandbox.forget_agent(PROJECT, agent_id(loaded, "writer"))
    assert counts(caller) == {}
    load_spans(caller.sandbox, [span("b", 1, **{"agent.name": "writer"})])
    assert counts(caller) == {"writer": 2}


def test_an_execution_is_a_trace_that_ended_within_the_range(caller: Caller) -> None:
    writer = {"agent.name": "writer"}
    hours = (2, 4, 20, 50, 24 * 20)  # before noon
    load_spans(caller.sandbox, [span(f"t{h}", 1, at=3 * 3600 - h * 3600, **writer) for h in hours])
    load_spans(caller.sandbox, [span("late", 1, at=4 * 3600, **writer)])  # the platform's clock is behind this one
    found = {name: counts(caller, name) for name in ("1h", "3d", "6h", "12h", "1d", "30d")}
    expected = {"1h": 0, "6h": 2, "12h": 2, "1d": 3, "3d": 4, "30d": 5}
    assert found == {name: {"writer": count} if count else {} for name, count in expected.items()}


def test_a_trace_counts_for_every_agent_in_it_and_ends_when_its_last_span_does(caller: Caller) -> None:
    both = [
        span("a", 1, at=-3600 * 20, **{"agent.name": "planner"}),
        span("a", 2, 1, at=-3600 * 4, **{"agent.name": "writer"}),
        span("a", 3, 2, at=-3600 * 18),
    ]
    loaded = load_spans(caller.sandbox, both)
    assert (counts(caller, "12h"), counts(caller, "6h")) == ({"planner": 1, "writer": 1}, {})
    assert [spans_read(caller, agent_id(loaded, name)) for name in ("planner", "writer")] == [1, 2]


def test_projects_keep_their_traces_apart(caller: Caller) -> None:
    load_spans(caller.sandbox, [span("a", 1, **{"agent.name": "writer"})], to="project-1")
    assert counts(caller) == {}
    listed = caller.query("agent.listForProject", {"projectId": "project-1"})
    assert [agent["identityValue"] for agent in listed][3:] == ["writer"]


# --- the same file again, files in pieces, and what is no span


def test_a_file_may_be_loaded_again(caller: Caller) -> None:
    spans = [span("a", 1, **{"agent.name": "writer"}), span("a", 2, 1)]
    first = load_spans(caller.sandbox, spans)
    again = load_spans(caller.sandbox, [*spans, *spans])
    assert ((first.spans, first.added), (again.spans, again.added)) == ((2, 2), (4, 0))
    assert counts(caller) == {"writer": 1}
    assert spans_read(caller, agent_id(first, "writer")) == 2


@pytest.mark.parametrize("trace", ["a", "a\0b", "a'b"])
def test_of_many_spans_those_that_are_new_are_added(caller: Caller, trace: str) -> None:
    spans = [span(trace, number, **{"agent.name": "writer"}) for number in range(130)]
    assert load_spans(caller.sandbox, [span("a", 0)]).added == 1
    assert load_spans(caller.sandbox, spans[:60]).added == 60 - (trace == "a")
    again = load_spans(caller.sandbox, [*spans[20:], *spans])
    assert (again.spans, again.added) == (240, 70)
    assert spans_read(caller, agent_id(again, "writer"), spanLimit=1000) == 130


def test_a_line_that_is_no_span_is_reported_and_skipped(caller: Caller) -> None:
    bad: list[BadLine] = []
    spans = [span("a", 1, **{"agent.name": "writer"}), {"not": "a span"}, span("a", 2, 1)]
    loaded = load_spans(caller.sandbox, spans, lambda line: bad.append(line) or True)  # type: ignore[func-returns-value]
    assert [line.number for line in bad] == [2]
    assert (loaded.spans, loaded.added, loaded.bad) == (2, 2, 1)


def test_a_load_can_be_stopped_at_what_is_no_span(caller: Caller) -> None:
    loaded = load_spans(caller.sandbox, [span("a", 1), 7, span("b", 1)], lambda _: False)
    assert (loaded.spans, loaded.added, loaded.bad) == (1, 1, 1)


def test_a_load_that_is_cut_off_can_be_continued(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MAX_BATCH_SPANS", 2)
    spans = [span("a", 3, 1), span("a", 2, 1), span("a", 1, **{"agent.name": "writer"}), span("b", 1)]

    def cut_off() -> Iterator[Any]:
        yield from read_spans(file_with_spans(spans[:3]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        caller.sandbox.load(PROJECT, cut_off(), lambda _: True)
    assert counts(caller) == {}
    loaded = load_spans(caller.sandbox, spans)
    assert (loaded.added, counts(caller)) == (2, {"writer": 1})
    assert spans_read(caller, agent_id(loaded, "writer")) == 3


@contextmanager
def at_each_commit(happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen before each write transaction is committed."""
    writing = Store.writing

    @contextmanager
    def late(store: Store) -> Iterator[Tables]:
        with writing(store) as tables:
            yield tables
            happens()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "writing", late)
        yield


def test_spans_are_read_while_those_before_are_committed(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MAX_BATCH_SPANS", 1)
    read, in_time = threading.Event(), []

    def found() -> Iterator[Any]:
        first, second = read_spans(file_with_spans([span("a", 1), span("b", 1)]))
        yield first
        read.set()
        yield second

    with at_each_commit(lambda: in_time.append(read.wait(10))):
        assert caller.sandbox.load(PROJECT, found(), lambda _: True).added == 2
    assert all(in_time)


@pytest.mark.parametrize("spans", [1, 2, 3])
def test_a_commit_that_fails_ends_the_load(caller: Caller, monkeypatch: pytest.MonkeyPatch, spans: int) -> None:
    monkeypatch.setattr(loading, "_MAX_BATCH_SPANS", 1)
    full = iter([SandboxError("disk full")])

    def fail() -> None:
        for error in full:
            raise error

    found = read_spans(file_with_spans([span("a", number) for number in range(spans)]))
    with at_each_commit(fail), pytest.raises(SandboxError, match="disk full"):
        caller.sandbox.load(PROJECT, found, lambda _: True)
    assert load_spans(caller.sandbox, [span("a", number) for number in range(3)]).added == 3


def test_large_spans_are_taken_in_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MAX_BATCH_BYTES", 5000)
    found = read_spans(file_with_spans([span("a", number, text="x" * 2000) for number in range(8)]))
    sizes = [len(batch) for batch in iter(lambda: loading._batch(found), [])]  # type: ignore[arg-type]  # noqa: SLF001
    assert sizes == [3, 3, 2]


@st.composite
def forests(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the spans of a few traces whose steps name one of three agents, or none, in any order."""
    spans = []
    for trace in "abc"[: draw(st.integers(1, 3))]:
        for number in range(draw(st.integers(1, 6))):
            parent = None if number == 0 else draw(st.one_of(st.none(), st.integers(0, number - 1)))
            names = draw(st.sampled_from([{}, {}, {"agent.id": "x"}, {"agent.name": "x"}, {"agent.name": "y"}]))
            spans.append(span(trace, number, parent, at=draw(st.integers(0, 60)), **names))
    return draw(st.permutations(spans))


@settings(max_examples=60, deadline=None)
@given(forests(), st.integers(1, 4), st.integers(0, 99))
def test_a_load_in_pieces_attributes_the_same_spans(spans: list[dict[str, Any]], batch: int, seed: int) -> None:
    parsed = [each for each in read_spans(file_with_spans(spans)) if not isinstance(each, BadLine)]
    expected: dict[tuple[str, str], list[int]] = {}
    for trace in {each.trace_id for each in parsed}:
        owners = list(attribute_agents(record for record in parsed if record.trace_id == trace).values())
        for agent in {owner for owner in owners if owner is not None}:
            expected.setdefault(agent, []).append(owners.count(agent))
    pieces = [parsed[start : start + batch] for start in range(0, len(parsed), batch)]
    random.Random(seed).shuffle(pieces)
    with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
        caller = Caller(sandbox)
        agents: dict[tuple[str, str], str] = {}
        for piece in pieces:
            agents |= sandbox.load(PROJECT, piece, lambda _: True).agents
        listed = caller.query("agent.listForProject", {"projectId": PROJECT})[3:]
        found = {agent["id"]: agent["stats"]["executionCount"] for agent in listed}
        assert found == {agents[agent]: len(each) for agent, each in expected.items()}
        read = {agent: spans_read(caller, agents[agent]) for agent in expected}
        assert read == {agent: sum(each) for agent, each in expected.items()}


# --- what a run takes of it


def test_a_run_takes_the_latest_traces_that_fit_its_span_limit(caller: Caller) -> None:
    spans = [span(f"t{number}", step, at=number * 60) for number in range(5) for step in range(4)]
    for each in spans:
        each["attributes"] = {"agent.name": "writer"}
    writer = agent_id(load_spans(caller.sandbox, spans), "writer")
    limits = {1: 1, 3: 3, 4: 4, 7: 4, 8: 8, 20: 20, 100: 20}
    assert {limit: spans_read(caller, writer, spanLimit=limit) for limit in limits} == limits
    details = _details(caller, writer, spanLimit=8)
    assert "2 traces, 8 spans" in details
    assert "The span limit left out 12 more spans of this window." in details


def test_later_spans_are_not_part_of_an_earlier_run(caller: Caller) -> None:
    writer = {"agent.name": "writer"}
    found = agent_id(load_spans(caller.sandbox, [span("a", 1, **writer)]), "writer")
    started = start_run(caller, agentUuid=found)
    load_spans(caller.sandbox, [span("a", 2, 1, **writer), span("b", 1, **writer)])
    [_, report] = caller.query("haloConversation.getDetails", {"id": started["conversationId"]})["messages"]
    assert "1 trace, 1 span:" in report["content"]
    assert spans_read(caller, found) == 3


def test_a_window_takes_the_traces_that_end_in_it(caller: Caller) -> None:
    writer = {"agent.name": "writer"}
    edges = [span(f"t{at}", 1, at=at, **writer) for at in (-1, 0, 58, 59, 60)]  # each ends half a second later
    found = agent_id(load_spans(caller.sandbox, edges), "writer")
    window = {"windowStartAt": "2026-11-02T09:00:00.5Z", "windowEndAt": "2026-11-02T09:00:59.5Z"}
    assert spans_read(caller, found, **window) == 2


def _details(caller: Caller, agent: str, **fields: object) -> str:
    started = start_run(caller, agentUuid=agent, **fields)
    report: str = caller.query("haloConversation.getDetails", {"id": started["conversationId"]})["messages"][1][
        "content"
    ]
    return report


# --- the demo agents


def test_demo_traces_do_not_depend_on_the_first_reader() -> None:
    def reports(order: Iterable[str], *, first: str) -> dict[str, str]:
        with Sandbox.open(None, clock=Clock(), pace=0) as sandbox:
            caller = Caller(sandbox)
            _details(caller, first, windowStartAt="2026-10-30T03:00:00Z", windowEndAt="2026-11-01T15:00:00Z")
            return {agent: _details(caller, agent) for agent in order}

    agents = list(demo.MINUTES_PER_TRACE)
    assert reports(agents, first=agents[0]) == reports(reversed(agents), first=agents[2])


def test_demo_traces_go_on_for_as_long_as_the_clock_does() -> None:
    clock = Clock()
    with Sandbox.open(None, clock=clock, pace=0) as sandbox:
        caller = Caller(sandbox)
        before = spans_read(caller, demo.SUPPORT_BOT_ID)
        clock.advance(days=20)
        now = clock.now.isoformat()
        later = {"windowStartAt": NOON.isoformat(), "windowEndAt": now}
        assert spans_read(caller, demo.SUPPORT_BOT_ID, **later) > 15 * before
        assert caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": "90d"})[1]["stats"] == {
            "executionCount": 24 * (20 + 30) + 12
        }


@pytest.mark.parametrize("agent", demo.MINUTES_PER_TRACE)
def test_demo_traces_written_bit_by_bit_are_those_written_at_once(agent: str) -> None:
    def traces(*steps: float) -> list[dict[str, Any]]:
        clock = Clock()
        with Sandbox.open(None, clock=clock, pace=0) as sandbox:
            caller = Caller(sandbox)
            for hours in steps:
                clock.advance(hours=hours)
                window = {"windowStartAt": "2026-11-01T00:00:00Z", "windowEndAt": format_instant(clock.now)}
                wanted = {"projectId": PROJECT, "agentUuid": agent, "prompt": "P", **window}
                dataset_id = caller.mutate("haloRun.create", wanted)["haloExportDatasetId"]
            found: list[dict[str, Any]] = caller.query(
                "haloExportDataset.listTraces", {"id": dataset_id, "limit": 100}
            )["traces"]
            return found

    steps = (0, 0.1, 0.02, 0.3, 0.08, 1.5, 0.05, 3, 4.95, 0.1, 1.9)
    assert traces(*steps) == traces(sum(steps))


def test_demo_traces_are_counted_without_being_written() -> None:
    with Sandbox.open(None, clock=Clock()) as sandbox:
        Caller(sandbox).query("agent.listForProject", {"projectId": PROJECT, "timeRange": "90d"})
        with sandbox._store.reading() as tables:  # noqa: SLF001 (nothing of it shows outside)
            assert tables.spans.last_row_id("spans") == 0


# --- the command


def test_load_says_what_a_file_held_and_whose(halo: CommandLine, folder: Path) -> None:
    spans = [span("a", 1, **{"agent.name": "writer"}), "no span", span("b", 1, at=61, **{"agent.name": "\x1b[31m"})]
    (folder / "t.jsonl").write_bytes(json_lines(*spans))
    ended = halo("sandbox", "load", "t.jsonl")
    assert (ended.code, ended.err.splitlines()[1:]) == (
        0,
        ["t.jsonl:2: is not a JSON object; skipped"],
    )
    loaded = halo("sandbox", "load", "t.jsonl", "--json").json
    first, second = loaded[0]["agents"]
    assert ended.out == (
        "t.jsonl: 2 spans, 1 skipped\n"
        "  from 2026-11-02T09:00:00Z to 2026-11-02T09:01:01Z\n"
        f"  {first['id']}  ␛[31m\n"
        f"  {second['id']}  writer\n"
    )
    assert loaded == [
        {
            "file": "t.jsonl",
            "spans": 2,
            "added": 0,
            "skipped": 1,
            "agents": [first, second],
            "problems": [{"line": 2, "count": 1, "reason": "is not a JSON object"}],
        }
    ]


def test_load_says_how_to_analyse_an_agent_that_no_list_has(halo: CommandLine, folder: Path) -> None:
    old = span("a", 1, at=-100 * 86_400, **{"agent.name": "old"})
    spans = [old, span("b", 1, **{"agent.name": "new"})]
    (folder / "t.jsonl").write_bytes(json_lines(*spans))
    ended = halo("sandbox", "load", "t.jsonl")
    _, said = ended.err.splitlines()
    who, _, command = said.partition(", so `halo agent list` does not show it. To analyse it: halo ")
    assert who == "old was last seen over 90 days ago"
    window = "--window-start-at 2026-07-25T09:00:00Z --window-end-at 2026-07-25T09:00:01Z --sandbox"
    assert command.startswith("report run ")
    assert command.endswith(window)
    assert halo(*command.split(), "--no-wait").code == 0


def test_strict_stops_at_the_first_bad_line(halo: CommandLine, folder: Path) -> None:
    (folder / "t.jsonl").write_bytes(json_lines(span("a", 1), 7, span("b", 1), 8))
    ended = halo("sandbox", "load", "t.jsonl", "--strict")
    assert (ended.code, ended.out.splitlines()[0]) == (1, "t.jsonl: 1 span, 1 skipped")
    assert "error: t.jsonl:2: is not a JSON object" in ended.err
    assert halo("sandbox", "load", "t.jsonl").out.startswith("t.jsonl: 2 spans, 1 of them already loaded, 2 skipped\n")


def test_a_file_of_another_kind_is_an_error_that_ends(halo: CommandLine, folder: Path) -> None:
    (folder / "t.txt").write_text("word\n" * 1000)
    ended = halo("sandbox", "load", "t.txt")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[1:] == [
        "error: t.txt:1: is not valid JSON",
        "hint: see `halo sandbox load --help` for the formats that are read",
    ]


@pytest.mark.parametrize("name", ["nothing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_an_error(halo: CommandLine, name: str) -> None:
    ended = halo("sandbox", "load", name)
    assert ended.code == 1
    assert f"error: {name}: " in ended.err


def test_tick_fires_and_says_so(halo: CommandLine, folder: Path) -> None:
    daily = "{title: Daily, agent: checkout, frequency: daily, at: '09:00'}"
    (folder / "halo.yaml").write_text(f"version: 1\nschedules:\n  daily: {daily}\n")
    assert halo("apply", "--sandbox", "--yes").code == 0
    [schedule] = schedules(halo)
    until = datetime.now(UTC) + timedelta(days=3)
    fires = halo("sandbox", "tick", "--until", until.isoformat(), "--json").json
    assert [(fire["scheduleId"], fire["title"]) for fire in fires] == [(schedule["id"], "Daily")] * 3
    again = halo("sandbox", "tick")
    assert (again.code, again.out) == (0, "")
    assert again.err.splitlines()[1].startswith("0 fired. The sandbox's clock is at ")
    runs = halo("schedule", "runs", schedule["id"], "--sandbox", "--json").json
    assert [run["scheduledForAt"] for run in runs] == [fire["scheduledForAt"] for fire in reversed(fires)]


def test_a_run_after_a_tick_looks_back_from_the_clock_of_the_sandbox(halo: CommandLine, folder: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=100)
    assert halo("sandbox", "tick", "--until", until.isoformat()).code == 0
    started = halo("run", "create", "--agent", "checkout", "--sandbox", "--json").json
    with Sandbox.open(folder / ".halo" / "sandbox.db") as sandbox:
        assert started["windowEndAt"] == format_instant(NOW + sandbox.clock_offset)


@pytest.mark.parametrize(
    ("until", "code", "said"),
    [
        ("morrow", 64, "error: --until: 'morrow' is not an ISO 8601 instant\n"),
        ("2020-01-01", 3, "The sandbox's clock is already at "),
        ("2020-01-01T00:00:00Z", 3, "The sandbox's clock is already at "),
        ("9999-12-31T00:00:00Z", 3, "it can be moved forward by at most a year.\n"),
    ],
)
def test_tick_refuses_an_instant_it_cannot_go_to(halo: CommandLine, until: str, code: int, said: str) -> None:
    ended = halo("sandbox", "tick", "--until", until)
    assert ended.code == code
    assert said in ended.err


def test_a_report_sees_the_spans_of_other_agents_beneath_its_agents_own(caller: Caller) -> None:
    failed = {"code": "STATUS_CODE_ERROR", "message": "refused"}
    outer = span("a", 1, **{"agent.name": "outer"}) | {"status": failed, "end_time": "2026-11-02T09:00:02Z"}
    inner = span("a", 2, 1, **{"agent.name": "inner"}) | {"status": failed}
    agent = agent_id(load_spans(caller.sandbox, [outer, inner]), "outer")
    started = start_run(caller, agentUuid=agent)
    _, report = caller.query("haloConversation.getDetails", {"id": started["conversationId"]})["messages"]
    assert "1 trace, 1 span: 1 `SPAN`." in report["content"]
    assert "| `step 1` `SPAN` | `refused` | 1 (†1) |" in report["content"]
    assert "| 2.00 s | 1.50 s (100 %) | `a` |" in report["content"]
