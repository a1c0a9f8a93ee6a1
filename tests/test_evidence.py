"""The traces that a report cites, looked up on a platform: found, missing, ambiguous, unreadable, in its order."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from golden_files import assert_golden

from halo_iac.api.retry import Retry
from halo_iac.api.traces import TraceReader, TraceScope
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Delivery, Rejected
from halo_iac.model.evidence import Evidence
from halo_iac.model.runs import Conversation, ConversationDetails, Dataset, Report, Run
from halo_iac.render.style import Style
from halo_iac.render.text.evidence import evidence_text
from halo_iac.runs.evidence import citations_in, find_evidence

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
A, B = "329ccea6c6f9491eeae2da1e8bf949ee", "494c16299cc913ae9378a1ad65c2fea2"
UUID = "1f2e3d4c-5b6a-4798-8f0e-123456789abc"
AGENT = "0a9b8c7d-0000-4000-8000-000000000001"


def rejected_with(status: int) -> Rejected:
    return Rejected("no", procedure="traces.get", status=status, delivery=Delivery.REFUSED)


@dataclass
class Platform:
    """Traces by id, those in ``failing`` with a failed step under a failed agent; refuses ``refused`` with a status."""

    ids: list[str]
    failing: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    wanted: list[Json] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del deadline
        assert kind == "query"
        with self.lock:
            self.asked[procedure] += 1
        return {"traces.get": self._get, "traces.list": self._list, "spans.list": self._spans}[procedure](value)

    def _get(self, value: Json) -> Json:
        id_ = value["traceId"]
        if id_ in self.refused:
            raise rejected_with(self.refused[id_])
        return self._trace(id_) if id_ in self.ids else None

    def _list(self, value: Json) -> Json:
        self.wanted.append(value["filters"])
        [wanted] = value["filters"]["stringFilters"]
        assert (wanted["field"], wanted["op"]) == ("trace_id", "contains")
        found = [id_ for id_ in self.ids if wanted["value"] in id_]
        at = int(value["cursor"] or 0)
        return {
            "traces": [self._trace(id_) for id_ in found[at : at + 2]],
            "nextCursor": at + 2 if at + 2 < len(found) else None,
        }

    def _trace(self, id_: str) -> Json:
        facts = {
            "startTime": "2026-11-23T08:00:00.000Z",
            "durationNs": "1500000000",
            "spanCount": 3,
            "totalCost": "0.02",
        }
        return {"traceId": id_, "agentName": "checkout", "hasError": id_ in self.failing, **facts}

    def _spans(self, value: Json) -> Json:
        refused = self.refused.get(f"spans of {value['filters']['traceId']}")
        if refused is not None:
            raise rejected_with(refused)
        assert value["filters"]["status"] == "error"
        row = {"traceId": value["filters"]["traceId"], "statusCode": "STATUS_CODE_ERROR"}
        step = {
            **row,
            "spanId": "s-2",
            "parentSpanId": "s-1",
            "spanName": "charge_card",
            "statusMessage": "timed\x1b[2J out",
        }
        return {"spans": [{**row, "spanId": "s-1", "parentSpanId": "", "spanName": "agent"}, step], "nextCursor": None}


def report(markdown: str) -> Report:
    run = Run({"id": UUID})
    window = {"windowStartAt": "2026-11-22T00:00:00.000Z", "windowEndAt": "2026-11-23T09:00:00.000Z"}
    dataset = Dataset({"agentUuid": AGENT, **window})
    return Report(markdown, ConversationDetails({}, Conversation({"id": "c-1"}), (), (run,)), run, dataset)


def find(platform: Platform, markdown: str, limit: int = 50) -> list[Evidence]:
    reader = TraceReader(platform, TraceScope("t", "p"), Retry(attempts=1))
    return find_evidence(reader, report(markdown), NOW, limit=limit)


def found_ids(evidence: list[Evidence]) -> list[str]:
    return [f"{each.trace.id if each.trace else each.citation.id} {bool(each.trace)}" for each in evidence]


@pytest.mark.parametrize(
    ("there", "markdown", "expected"),
    [
        ([A, B], f"{B} and {A}, again {B}", [f"{B} True", f"{A} True"]),
        ([A], f"{B} then {A}", [f"{B} False", f"{A} True"]),
        ([A, B], f"{B[:5]}… then `{A[:8]}`", [f"{B} True", f"{A} True"]),
        ([A], f"…{A[-5:]} is {A[:4]}…", [f"{A} True"]),
        ([A, f"{A[:6]}{B[6:]}"], f"{A[:6]}…", [f"{A[:6]}… False"]),
        ([UUID.replace("-", "1")], "ff01…", ["ff01… False"]),
        ([AGENT.replace("-", "")], f"trace {AGENT}", []),
        ([UUID[:-1].replace("-", "") + "d"], f"trace {UUID[:-1]}d", [UUID[:-1].replace("-", "") + "d True"]),
        (["t-aaaa"], "traces `t-aaaa` and `t-bbbb`", ["t-aaaa True"]),
        ([A], f"request {B}, request {A}", [f"{A} True"]),
        ([], f"run `{UUID}`, trace `{UUID}`", []),
    ],
)
def test_cited_traces_are_in_the_order_of_the_report(there: list[str], markdown: str, expected: list[str]) -> None:
    assert found_ids(find(Platform(there), markdown)) == expected


def test_a_truncated_id_is_searched_in_the_window_first() -> None:
    platform = Platform([A])
    assert found_ids(find(platform, f"{B[:6]}… and {A[:6]}…")) == [f"{B[:6]}… False", f"{A} True"]
    starts = Counter(each["startDate"][:4] for each in platform.wanted)
    assert starts == {"2026": 2, "1970": 1}
    assert {each["startDate"] for each in platform.wanted} == {"2026-11-21T00:00:00.000Z", "1970-01-01T00:00:00.000Z"}


def test_an_ambiguous_id_names_its_candidates() -> None:
    ids = [f"{A[:6]}{number:026x}" for number in range(9)]
    [one] = find(Platform(ids), f"{A[:6]}…")
    assert (one.trace, one.alike) == (None, tuple(ids[:6]))


def test_no_more_than_the_limit_is_asked_for_and_guesses_come_last() -> None:
    platform = Platform([A, B])
    evidence = find(platform, f"request {A}; {B}; {UUID[:-1]}0", limit=2)
    assert [each.is_unread for each in evidence] == [False, False]
    assert platform.asked["traces.get"] == 3
    assert [each.is_unread for each in find(platform, f"{A} {B}", limit=1)] == [False, True]


def test_unreadable_traces_are_reported_and_fatal_errors_raised() -> None:
    evidence = find(Platform([A, B], refused={A: 500}), f"{A} {B}")
    assert [(bool(each.trace), each.read_error is not None) for each in evidence] == [(False, True), (True, False)]
    with pytest.raises(Rejected):
        find(Platform([A], refused={A: 401}), A)


def test_a_trace_is_shown_though_what_failed_in_it_cannot_be_read() -> None:
    [one] = evidence = find(Platform([A], failing={A}, refused={f"spans of {A}": 500}), A)
    assert (one.trace is not None, one.failed, one.read_error is not None) == (True, (), True)
    assert f"{A}: what failed in it could not be read: " in evidence_text(evidence, (), Style())


def test_the_steps_that_made_a_trace_fail_are_those_with_no_failed_one_below() -> None:
    [one] = find(Platform([A], failing={A}), A)
    assert [span.id for span in one.failed] == ["s-2"]


def test_ids_of_the_report_s_own_run_and_agent_are_no_citations() -> None:
    assert citations_in(report(f"{UUID} {AGENT} c-1")).traces == ()


def test_the_table_says_where_each_is_cited_and_what_is_not_there() -> None:
    markdown = f"# Errors\n{A}\n## Slow\n{B} `{A[:5]}…`\n91bc…, span `00f067aa0ba902b7`\n{A}"
    ids = [A, "91bc" + "0" * 28, "91bc" + "1" * 28]
    of = report(markdown)
    evidence = find(Platform(ids, failing={A}), markdown)
    text = evidence_text(evidence, citations_in(of).spans, Style(format_command=lambda command: f"{command} --sandbox"))
    assert_golden("render/evidence.txt", text)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_id_is_broken_and_each_trace_has_a_line_where_a_screen_has_room(width: int) -> None:
    evidence = find(Platform([A], failing={A}), f"# A long heading of a section of a report\n{A} {B}")
    text = evidence_text(evidence, (), Style(width=width, unicode=False))
    assert (text.count(A), text.count(B), text.isascii()) == (2, 2, True)
    assert f"\n  halo span get {A} s-2\n" in text
    if width > 60:
        assert len([line for line in text.splitlines() if line.startswith((A, B))]) == 2
        assert max(map(len, text.split("\n\n")[0].splitlines())) <= width


def test_a_report_that_cites_nothing_says_so() -> None:
    assert evidence_text([], (), Style()) == "The report cites no trace.\n"
