from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sandbox_calls import PROJECT, WANTED, WINDOW, Caller, Clock, error_of, start_run

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.store.runs import OnFinish


def ask_follow_up(caller: Caller, started: dict[str, Any], prompt: str) -> dict[str, Any]:
    given = {"conversationId": started["conversationId"], "prompt": prompt}
    asked: dict[str, Any] = caller.mutate("haloRun.createFollowUp", given)
    return asked


def details(caller: Caller, started: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = caller.query("haloConversation.getDetails", {"id": started["conversationId"]})
    return found


def thread(caller: Caller, started: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return number, role and first line of every message."""
    messages = details(caller, started)["messages"]
    return [(each["sequence"], each["role"], each["content"].splitlines()[0]) for each in messages]


def listed_titles(caller: Caller, **fields: object) -> list[str]:
    """Return the titles of every conversation of a list, all pages joined."""
    titles: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = caller.query("haloConversation.listForProject", {"projectId": PROJECT, **fields, **cursor})
        titles += [each["title"] for each in page["conversations"]]
        if page["nextCursor"] is None:
            return titles
        cursor = {"cursor": page["nextCursor"]}


# --- messages


def test_a_report_is_the_first_assistant_message_once_the_run_is_completed(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(seconds=2.9)
    assert thread(caller, started) == [(1, "user", "Look.")]
    clock.advance(seconds=0.1)
    assert thread(caller, started) == [(1, "user", "Look."), (2, "assistant", "# What the traces show")]
    user, assistant = details(caller, started)["messages"]
    assert user == {
        "id": f"{started['runId']}-user",
        "sequence": 1,
        "role": "user",
        "content": WANTED["prompt"],
        "runId": started["runId"],
        "metadata": None,
        "createdAt": "2026-11-02T12:00:00.000Z",
    }
    assert (assistant["runId"], assistant["createdAt"]) == (started["runId"], "2026-11-02T12:00:03.000Z")
    assert "Failing: `charge_card`" in assistant["content"]


def test_a_report_stays_as_it_was_written(tmp_path: Path) -> None:
    clock = Clock()
    with Sandbox.open(tmp_path / "sandbox.db", clock=clock, pace=0) as sandbox:
        started = start_run(Caller(sandbox))
        before = details(Caller(sandbox), started)
    with Sandbox.open(tmp_path / "sandbox.db", clock=clock) as sandbox:
        sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
        assert details(Caller(sandbox), started) == before


def test_a_report_can_be_read_for_the_first_time_when_its_agent_is_gone(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    caller.sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
    clock.advance(minutes=1)
    assert thread(caller, started)[1:] == [(2, "assistant", "# What the traces show")]


def test_a_key_that_only_reads_gets_the_report(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    assert len(thread(Caller(caller.sandbox, demo.DEMO_READ_KEY), started)) == 2


def test_a_run_that_came_to_nothing_says_nothing(caller: Caller, clock: Clock) -> None:
    caller.sandbox.end_next_runs(OnFinish("failed"))
    started = start_run(caller)
    clock.advance(minutes=1)
    assert thread(caller, started) == [(1, "user", "Look.")]
    caller.mutate("haloRun.retry", {"id": started["runId"]})
    clock.advance(minutes=1)
    assert thread(caller, started) == [(1, "user", "Look."), (2, "assistant", "# What the traces show")]


def test_follow_ups_are_answered_in_the_thread(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    report = details(caller, started)["messages"][1]
    ask_follow_up(caller, started, "Which errors are there?")
    assert thread(caller, started)[2:] == [(3, "user", "Which errors are there?")]
    clock.advance(minutes=1)
    ask_follow_up(caller, started, "What is the meaning of life?")
    clock.advance(minutes=1)
    found = details(caller, started)
    assert [(each["sequence"], each["role"]) for each in found["messages"]] == [
        *((1, "user"), (2, "assistant"), (3, "user"), (4, "assistant"), (5, "user"), (6, "assistant")),
    ]
    assert found["messages"][1] == report
    assert "charge_card" in found["messages"][3]["content"]
    assert "charge_card" not in found["messages"][5]["content"]
    assert found["conversation"]["latestRunId"] == found["runs"][-1]["id"]


def test_a_conversation_has_its_runs_and_every_dataset_once(caller: Caller, clock: Clock) -> None:
    caller.sandbox.end_next_runs(OnFinish("failed"))
    started = start_run(caller)
    clock.advance(minutes=1)
    again = caller.mutate("haloRun.retry", {"id": started["runId"]})
    clock.advance(minutes=1)
    asked = ask_follow_up(caller, started, "What is slow?")
    found = details(caller, started)
    assert [run["id"] for run in found["runs"]] == [each["runId"] for each in (started, again, asked)]
    datasets = [started["haloExportDatasetId"], again["haloExportDatasetId"]]
    assert [each["id"] for each in found["haloExportDatasets"]] == datasets
    assert {each["lifecycleStatus"] for each in found["haloExportDatasets"]} == {"ready"}


# --- what a conversation looks like


def test_a_conversation_says_what_it_is_about(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    conversation = {
        "id": started["conversationId"],
        "projectId": PROJECT,
        "agentUuid": demo.CHECKOUT_ID,
        "scheduleId": None,
        "title": "Look.",
        "latestRunId": started["runId"],
        "createdAt": "2026-11-02T12:00:00.000Z",
        "updatedAt": "2026-11-02T12:00:03.000Z",
    }
    run = caller.query("haloRun.getById", {"id": started["runId"]})["run"]
    whole = {**conversation, "latestRun": run}
    assert details(caller, started)["conversation"] == conversation
    assert caller.query("haloConversation.getById", {"id": started["conversationId"]}) == whole
    page = caller.query("haloConversation.listForProject", {"projectId": PROJECT})
    assert page == {"conversations": [whole], "nextCursor": None}


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("One line", "One line"),
        ("\n\n  First\nSecond", "First"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_a_conversation_is_called_what_its_prompt_begins_with(caller: Caller, prompt: str, title: str) -> None:
    start_run(caller, prompt=prompt)
    assert listed_titles(caller) == [title]


@pytest.mark.parametrize("procedure", ["getById", "getDetails"])
def test_a_conversation_that_is_not_there_cannot_be_read(caller: Caller, procedure: str) -> None:
    answer = caller.send_query(f"haloConversation.{procedure}", {"id": "x"})
    assert error_of(answer) == (404, -32004, "NOT_FOUND", "Conversation x was not found.")


# --- lists


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_conversations_are_listed_newest_first_page_by_page(caller: Caller, clock: Clock, limit: int) -> None:
    for number in range(7):
        start_run(caller, prompt=f"Number {number}")
        clock.advance(seconds=number % 2)  # some are of one instant
    assert listed_titles(caller, limit=limit) == [f"Number {number}" for number in reversed(range(7))]


def test_a_cursor_holds_while_conversations_are_added(caller: Caller, clock: Clock) -> None:
    for number in range(4):
        start_run(caller, prompt=f"Number {number}")
    page = caller.query("haloConversation.listForProject", {"projectId": PROJECT, "limit": 2})
    clock.advance(seconds=1)
    start_run(caller, prompt="Late")
    assert listed_titles(caller, limit=2, cursor=page["nextCursor"]) == ["Number 1", "Number 0"]


def test_a_list_is_narrowed_to_an_agent_or_a_schedule(caller: Caller, clock: Clock) -> None:
    start_run(caller, prompt="By hand")
    clock.advance(seconds=1)
    start_run(caller, prompt="Research", agentUuid=demo.RESEARCH_ID)
    clock.advance(seconds=1)
    schedule = caller.create()
    caller.mutate("haloSchedule.fireNow", {"id": schedule["id"], **WINDOW})
    assert listed_titles(caller, agentUuid=demo.CHECKOUT_ID) == ["Daily review", "By hand"]
    assert listed_titles(caller, agentUuid=demo.RESEARCH_ID, limit=1) == ["Research"]
    assert listed_titles(caller, scheduleId=schedule["id"]) == ["Daily review"]
    assert listed_titles(caller, scheduleId="another") == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("limit", 0, "limit must be from 1 to 100."),
        ("limit", 101, "limit must be from 1 to 100."),
        ("agentUuid", "checkout", "agentUuid must be a UUID."),
        ("scheduleId", "", "scheduleId must not be blank."),
        *(
            ("cursor", cursor, "cursor was not returned by this list.")
            for cursor in ("", "x", "before-", "before-2026", "after-1", "before-2026-11-02T12:00:00.000Z-x")
        ),
    ],
)
def test_a_list_refuses_bad_choices(caller: Caller, field: str, value: object, message: str) -> None:
    answer = caller.send_query("haloConversation.listForProject", {"projectId": PROJECT, field: value})
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", message)
