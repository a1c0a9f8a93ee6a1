"""Reading and starting runs: fields that halo needs are checked, others pass, cursors are followed to a limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader, RunWriter
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Delivery, Unreadable
from halo_iac.model.instants import format_instant
from halo_iac.model.runs import TERMINAL, Dataset, Message, Run, StartedRun

RUN = {"id": "r-1", "conversationId": "c-1", "status": "running", "tomorrow": [1]}
DATASET = {"id": "d-1", "agentUuid": "a-1", "windowStartAt": "2026-11-01T00:00:00.000Z", "windowEndAt": None}


class Answering:
    """A platform that answers with the same value, or page by page, and notes what it was asked."""

    def __init__(self, *answers: Json) -> None:
        self.answers = list(answers)
        self.asked: list[Json] = []

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del procedure, kind, deadline
        self.asked.append(value)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_terminal_status_ends_a_run(status: str) -> None:
    assert Run({"id": "r", "status": status}).is_over


@pytest.mark.parametrize("status", ["pending_export", "exporting_traces", "queued", "starting", "running", "dreaming"])
def test_every_other_status_is_in_flight_and_shown_as_it_is(status: str) -> None:
    run = Run({"id": "r", "status": status})
    assert (run.is_over, run.is_completed, run.status) == (False, False, status)


def test_fields_that_the_platform_omits_are_none() -> None:
    run = Run({"id": "r"})
    assert (run.status, run.conversation_id, run.schedule_id, run.error, run.model_id) == ("unknown", *[None] * 4)
    assert run.is_scheduled is False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 11, 1, 9, 0, 0, 209_999, tzinfo=UTC), "2026-11-01T09:00:00.209Z"),
        (datetime(2026, 11, 1, 9, 0, tzinfo=timezone(timedelta(hours=2))), "2026-11-01T07:00:00.000Z"),
    ],
)
def test_instants_are_sent_in_utc_with_milliseconds(value: datetime, text: str) -> None:
    assert format_instant(value) == text


# Answers ------------------------------------------------------------------------------------------------------------


def test_a_run_comes_with_its_traces_and_everything_else_as_sent() -> None:
    answer = {"run": RUN, "haloExportDataset": DATASET, "more": 1}
    details = RunReader(Answering(answer)).run("r-1")
    assert (details.wire, details.run, details.dataset) == (answer, Run(RUN), Dataset(DATASET))


def test_a_run_may_have_no_traces_yet() -> None:
    assert RunReader(Answering({"run": RUN, "haloExportDataset": None})).run("r-1").dataset is None


def test_a_conversation_is_in_order_and_answers_are_the_assistants() -> None:
    answer = {
        "conversation": {"id": "c-1", "title": "T"},
        "messages": [
            {"sequence": 3, "role": "assistant", "content": "later"},
            {"sequence": 0, "role": "user", "content": "asked"},
            {"sequence": 1, "role": "assistant", "content": ""},
            {"sequence": 2, "role": "assistant", "content": "# first"},
        ],
        "runs": [RUN | {"id": "b", "createdAt": "2026-11-02"}, RUN | {"id": "a", "createdAt": "2026-11-01"}],
        "traceDatasets": [DATASET],
    }
    thread = RunReader(Answering(answer)).conversation("c-1")
    assert thread.answers == (Message(2, "assistant", "# first"), Message(3, "assistant", "later"))
    assert [run.id for run in thread.runs] == ["a", "b"]
    assert thread.datasets == (Dataset(DATASET),)


@pytest.mark.parametrize(
    ("answer", "ask"),
    [
        (None, lambda reader: reader.run("r")),
        ({"run": {"id": ""}}, lambda reader: reader.run("r")),
        ({"run": {}}, lambda reader: reader.run("r")),
        ([], lambda reader: reader.conversation("c")),
        ({"conversation": {"id": "c"}, "messages": [{"role": "user"}]}, lambda reader: reader.conversation("c")),
        ({"conversation": {}, "messages": []}, lambda reader: reader.conversation("c")),
        ({}, lambda reader: reader.schedule_runs("s")),
        ([{}], lambda reader: reader.schedule_runs("s")),
        ({"events": {}}, lambda reader: reader.events("r")),
        ({"conversations": [], "nextCursor": True}, lambda reader: reader.conversations("p")),
    ],
)
def test_an_answer_that_cannot_be_relied_on_is_unreadable(answer: Json, ask: Callable[[RunReader], object]) -> None:
    with pytest.raises(Unreadable, match="answered with"):
        ask(RunReader(Answering(answer), Retry(attempts=1)))


# Cursors ------------------------------------------------------------------------------------------------------------


def conversations(*ids: str, cursor: str | None) -> Json:
    return {"conversations": [{"id": each} for each in ids], "nextCursor": cursor}


def test_cursors_are_followed_until_there_are_enough() -> None:
    platform = Answering(conversations("1", "2", cursor="x"), conversations("3", "4", cursor="y"))
    found = RunReader(platform).conversations("p", limit=3)
    assert ([row["id"] for row in found.rows], found.next_cursor) == (["1", "2", "3"], "y")
    assert platform.asked == [{"projectId": "p", "limit": 3}, {"projectId": "p", "limit": 3, "cursor": "x"}]


def test_a_limit_above_the_largest_page_is_asked_for_in_pages() -> None:
    platform = Answering(conversations("1", cursor=None))
    RunReader(platform).conversations("p", limit=1000, agent="a", schedule="s")
    assert platform.asked == [{"projectId": "p", "limit": 100, "agentUuid": "a", "scheduleId": "s"}]


def test_events_follow_integer_cursors() -> None:
    first = {"events": [{"sequence": 1}], "nextCursor": 1}
    platform = Answering(first, {"events": [{"sequence": 2}], "nextCursor": None})
    assert [event["sequence"] for event in RunReader(platform).events("r", 10).rows] == [1, 2]
    assert platform.asked == [{"runId": "r", "limit": 10}, {"runId": "r", "limit": 10, "cursor": 1}]


def test_a_cursor_that_comes_again_ends_in_an_error_not_in_a_loop() -> None:
    platform = Answering(conversations("1", cursor="x"))
    with pytest.raises(Unreadable, match="repeated a cursor"):
        RunReader(platform).conversations("p", limit=50)


def test_cursors_without_end_end_in_an_error() -> None:
    class Endless:
        def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
            del procedure, kind, deadline
            return conversations(cursor=str(int(value.get("cursor", 0)) + 1))

    with pytest.raises(Unreadable, match="gave cursors without end"):
        list(RunReader(Endless()).conversation_pages("p"))


# Costly calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        {"runId": "r-2", "conversationId": "c-2"},
        {"id": "r-2", "conversationId": "c-2", "status": "queued"},
        {"run": {"id": "r-2", "conversationId": "c-2"}, "haloExportDataset": None},
    ],
)
def test_a_started_run_is_recognised_in_every_likely_form(answer: Json) -> None:
    assert RunWriter(Answering(answer)).retry("r-1") == StartedRun(answer, "r-2", "c-2")


@pytest.mark.parametrize("answer", [None, [], {}, {"runId": 7}, {"ok": True}])
def test_an_answer_without_a_run_leaves_open_what_happened(answer: Json) -> None:
    with pytest.raises(Unreadable, match="answered without a run's id") as raised:
        RunWriter(Answering(answer)).follow_up("c", "Why?")
    assert raised.value.delivery is Delivery.AMBIGUOUS
