from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sandbox_calls import PROJECT, WANTED, WINDOW, Caller, Clock, error_of, start_run

from halo_iac.sandbox import demo
from halo_iac.sandbox.demo.traces import spans_between
from halo_iac.sandbox.instants import format_instant, parse_nanoseconds
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.store import Key
from halo_iac.sandbox.store.runs import OnFinish

NOWHERE = "5a4db0c5-ffff-4000-8000-000000000001"
COURSE = ["pending_export", "exporting_traces", "queued", "starting", "running", "completed"]


def run_of(caller: Caller, started: dict[str, Any]) -> dict[str, Any]:
    run: dict[str, Any] = caller.query("haloRun.getById", {"id": started["runId"]})["run"]
    return run


def statuses(caller: Caller, clock: Clock, started: dict[str, Any]) -> list[str]:
    """Watch a run until it is over, and once more two minutes later; return its statuses, one after the other."""
    seen: list[str] = []
    for _ in range(600):
        run = run_of(caller, started)
        if [run["status"]] != seen[-1:]:
            seen.append(run["status"])
        if run["completedAt"] is not None:
            clock.advance(minutes=2)
            later = run_of(caller, started)["status"]
            return seen if later == seen[-1] else [*seen, later]
        clock.advance(seconds=0.2)
    return seen


# --- from its start to its end


def test_a_run_is_created_with_a_conversation_and_a_dataset(caller: Caller) -> None:
    started = start_run(caller)
    ids = {started.pop(name) for name in ("runId", "conversationId", "haloExportDatasetId")}
    assert len(ids) == 3
    assert started == {"agentUuid": demo.CHECKOUT_ID, **WINDOW}


def test_a_run_walks_through_the_platforms_statuses(caller: Caller, clock: Clock) -> None:
    assert statuses(caller, clock, start_run(caller)) == COURSE


def test_a_run_says_what_was_asked_and_what_became_of_it(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    before = run_of(caller, started)
    clock.advance(seconds=60)
    answered = caller.query("haloRun.getById", {"id": started["runId"]})
    times = {
        "createdAt": "2026-11-02T12:00:00.000Z",
        "startedAt": "2026-11-02T12:00:01.600Z",
        "completedAt": "2026-11-02T12:00:03.000Z",
        "updatedAt": "2026-11-02T12:00:03.000Z",
    }
    run = {
        "id": started["runId"],
        "conversationId": started["conversationId"],
        "status": "completed",
        "origin": "manual",
        "scheduleId": None,
        "scheduledForAt": None,
        "kind": "agent",
        "rootRunId": started["runId"],
        "retriedFromRunId": None,
        "runAttempt": 1,
        "inputPreviousRunId": None,
        "promptMessageId": f"{started['runId']}-user",
        "resultMessageId": f"{started['runId']}-assistant",
        "githubRepositoryFullName": None,
        "githubRepositoryBranch": None,
        "githubRepositoryCommitSha": None,
        "githubRepositorySubpath": None,
        "haloExportDatasetId": started["haloExportDatasetId"],
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": WANTED["prompt"],
        **WINDOW,
        "modelId": demo.DEFAULT_MODEL_ID,
        "subagentModelId": None,
        "summarizationModelId": None,
        "spanLimit": 10_000,
        "maxSubagentDepth": 1,
        "maxTurns": 20,
        "reasoningEffort": "medium",
        "debug": False,
        "resolvedRouteId": "sandbox",
        "errorMessage": None,
        "resultR2Key": f"halo/{started['runId']}.md",
        **times,
    }
    assert answered["run"] == run
    unfinished = ("status", "startedAt", "completedAt", "resolvedRouteId", "resultR2Key")
    assert [before[name] for name in unfinished] == ["pending_export", None, None, None, None]
    assert answered["haloExportDataset"] == {
        "id": started["haloExportDatasetId"],
        "lifecycleStatus": "ready",
        "agentUuid": demo.CHECKOUT_ID,
        "spanCount": sum(1 for _ in spans_between(*map(parse_nanoseconds, WINDOW.values()), "checkout")),
        "traceCount": 48,
        "droppedSpanCount": 0,
        "droppedTraceCount": 0,
        **WINDOW,
        "createdAt": times["createdAt"],
    }


def test_limits_are_kept_as_asked(caller: Caller) -> None:
    limits = {"spanLimit": 500, "maxSubagentDepth": 4, "maxTurns": 60, "reasoningEffort": "high", "debug": True}
    models = {"modelId": "halo-small", "subagentModelId": "halo-medium", "summarizationModelId": "halo-brief"}
    run = run_of(caller, start_run(caller, **limits, **models))
    assert {name: run[name] for name in limits | models} == limits | models


@pytest.mark.parametrize(
    ("status", "course"),
    [
        ("incomplete", [*COURSE[:5], "incomplete"]),
        ("failed", [*COURSE[:5], "failed"]),
        ("timed_out", [*COURSE[:5], "timed_out"]),
        ("export_failed", [*COURSE[:2], "export_failed"]),
        ("no_traces", [*COURSE[:2], "no_traces"]),
    ],
)
def test_a_run_can_be_set_to_fail(caller: Caller, clock: Clock, status: str, course: list[str]) -> None:
    caller.sandbox.end_next_runs(OnFinish(status, "So it goes."))
    started = start_run(caller)
    assert statuses(caller, clock, started) == course
    assert run_of(caller, started)["errorMessage"] == "So it goes."
    assert statuses(caller, clock, start_run(caller)) == COURSE


LENGTHS = [("failed", 10.0), ("timed_out", 10.0), ("export_failed", 5.0), ("cancelled", 600.0), ("completed", 30.0)]


@pytest.mark.parametrize(("status", "after"), LENGTHS)
def test_a_run_ends_with_the_set_status_and_time(caller: Caller, clock: Clock, status: str, after: float) -> None:
    caller.sandbox.end_next_runs(OnFinish(status, after=after), times=2)
    for _ in range(2):
        started = start_run(caller)
        clock.advance(seconds=after - 0.001)
        assert run_of(caller, started)["completedAt"] is None
        clock.advance(seconds=0.001)
        assert run_of(caller, started)["status"] == status
    assert caller.sandbox.next_endings == []
    assert statuses(caller, clock, start_run(caller)) == COURSE


def test_an_ending_that_was_asked_for_needs_no_traces_unless_the_run_is_to_complete(caller: Caller) -> None:
    window = {"windowStartAt": "2020-01-01T00:00:00Z", "windowEndAt": "2020-01-02T00:00:00Z"}
    caller.sandbox.end_next_runs(*(OnFinish(status, after=0) for status in ("failed", "completed")))
    runs = [run_of(caller, start_run(caller, **window)) for _ in range(2)]
    assert [run["status"] for run in runs] == ["failed", "no_traces"]


def test_an_ending_is_that_of_the_next_run_of_whichever_process_and_can_be_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox.open(path, pace=0) as one, Sandbox.open(path, pace=0) as other:
        one.end_next_runs(OnFinish("failed"), times=9)
        one.end_next_runs(OnFinish("incomplete"))
        caller = Caller(other)
        assert run_of(caller, start_run(caller))["status"] == "failed"
        assert one.next_endings == [(OnFinish("failed"), 8), (OnFinish("incomplete"), 1)]
        one.clear_next_endings()
        assert run_of(caller, start_run(caller))["status"] == "completed"


@pytest.mark.parametrize(
    ("status", "seconds", "steps", "beats"),
    [
        ("completed", 3, 5, 4),
        ("completed", 3000, 5, 46),
        ("incomplete", 3, 7, 4),
        ("timed_out", 3, 5, 4),
        ("export_failed", 3, 0, 0),
    ],
)
def test_a_run_shows_that_it_lives_and_what_its_agent_does(
    caller: Caller, clock: Clock, status: str, seconds: float, steps: int, beats: int
) -> None:
    caller.sandbox.end_next_runs(OnFinish(status, after=seconds))
    started = start_run(caller, maxTurns=7)
    clock.advance(seconds=seconds)
    events = caller.query("haloRun.getEvents", {"runId": started["runId"], "limit": 500})["events"]
    taken = [event["payload"] for event in events if event["eventType"] == "agent.step"]
    assert [(step["turn"], step["maxTurns"]) for step in taken] == [(turn, 7) for turn in range(1, steps + 1)]
    assert sum(event["eventType"] == "run.heartbeat" for event in events) == beats
    assert [event["createdAt"] for event in events] == sorted(event["createdAt"] for event in events)
    assert len({event["eventId"] for event in events}) == len(events)


def test_a_window_without_traces_ends_as_such(caller: Caller, clock: Clock) -> None:
    started = start_run(caller, windowStartAt="2020-01-01T00:00:00Z", windowEndAt="2020-01-02T00:00:00Z")
    assert statuses(caller, clock, started) == [*COURSE[:2], "no_traces"]
    answered = caller.query("haloRun.getById", {"id": started["runId"]})
    assert answered["run"]["errorMessage"] == "The agent has no traces in this window."
    assert (answered["haloExportDataset"]["lifecycleStatus"], answered["haloExportDataset"]["spanCount"]) == (
        "ready",
        0,
    )


def test_a_sandbox_can_be_quick() -> None:
    with Sandbox.open(None, pace=0) as sandbox:
        caller = Caller(sandbox)
        assert run_of(caller, start_run(caller))["status"] == "completed"


# --- what is refused


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("agentUuid", "checkout", "agentUuid must be a UUID."),
        ("prompt", " ", "prompt must not be blank."),
        ("spanLimit", 0, "spanLimit must be at least 1."),
        ("spanLimit", None, "spanLimit must be an integer."),
        ("maxTurns", 101, "maxTurns must be from 1 to 100."),
        ("maxSubagentDepth", 6, "maxSubagentDepth must be from 1 to 5."),
        ("debug", "true", "debug must be true or false."),
        ("modelId", "gpt", "modelId must be one of halo-large, halo-medium, halo-small."),
        ("reasoningEffort", "much", "reasoningEffort must be one of none, minimal, low, medium, high, xhigh."),
        ("windowEndAt", "2026-11-01T12:00:00Z", "windowEndAt must be after windowStartAt."),
        ("windowStartAt", "2026-11-02T12:00:00Z", "windowEndAt must be after windowStartAt."),
        *(
            (
                "windowEndAt",
                value,
                "windowEndAt must be an ISO 8601 instant with a zone, such as 2026-11-01T00:00:00.000Z.",
            )
            for value in ("2026-11-03", "2026-11-03T00:00:00", "tomorrow", "2026-11-03 00:00:00Z")
        ),
        ("windowEndAt", "2026-13-03T00:00:00Z", "windowEndAt must be an instant that exists."),
        ("windowEndAt", 1, "windowEndAt must be a string."),
    ],
)
def test_a_bad_choice_is_refused(caller: Caller, field: str, value: object, message: str) -> None:
    answer = caller.send_mutation("haloRun.create", {**WANTED, field: value})
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", message)


def test_a_window_in_the_future_is_refused(caller: Caller) -> None:
    future = {"windowStartAt": "2026-11-02T12:00:00Z", "windowEndAt": "2026-11-03T12:00:00Z"}
    answer = caller.send_mutation("haloRun.create", {**WANTED, **future})
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", "windowStartAt must be in the past.")


def test_an_unknown_agent_is_refused(caller: Caller) -> None:
    answer = caller.send_mutation("haloRun.create", {**WANTED, "agentUuid": NOWHERE})
    assert error_of(answer) == (404, -32004, "NOT_FOUND", f"Agent {NOWHERE} was not found in project {PROJECT}.")


@pytest.mark.parametrize("procedure", ["getById", "getEvents", "getLogs"])
def test_a_run_that_is_not_there_cannot_be_read(caller: Caller, procedure: str) -> None:
    answer = caller.send_query(f"haloRun.{procedure}", {"id": "x", "runId": "x", "limit": 1})
    assert error_of(answer) == (404, -32004, "NOT_FOUND", "Run x was not found.")


def test_a_run_of_another_project_is_not_there(caller: Caller) -> None:
    started = start_run(caller)
    caller.sandbox.ensure_project("project-1")
    caller.sandbox.add_key(Key("sk-inference-n"), ["project-1"])
    stranger = Caller(caller.sandbox, "sk-inference-n")
    run_id, conversation_id = started["runId"], started["conversationId"]
    asked = [
        stranger.send_query("haloRun.getById", {"id": run_id}),
        stranger.send_query("haloRun.getEvents", {"runId": run_id, "limit": 1}),
        stranger.send_query("haloRun.getLogs", {"runId": run_id}),
        stranger.send_mutation("haloRun.cancel", {"id": run_id}),
        stranger.send_mutation("haloRun.retry", {"id": run_id}),
        stranger.send_mutation("haloRun.createFollowUp", {"conversationId": conversation_id, "prompt": "P"}),
        stranger.send_query("haloConversation.getById", {"id": conversation_id}),
        stranger.send_query("haloConversation.getDetails", {"id": conversation_id}),
        stranger.send_query("haloExportDataset.getById", {"id": started["haloExportDatasetId"]}),
        stranger.send_query("haloExportDataset.listTraces", {"id": started["haloExportDatasetId"]}),
    ]
    assert [error_of(answer)[2] for answer in asked] == ["NOT_FOUND"] * len(asked)
    assert error_of(stranger.send_mutation("haloRun.create", WANTED))[2] == "FORBIDDEN"


def test_procedures_that_cost_money_need_a_key_with_write_permission(caller: Caller) -> None:
    started = start_run(caller)
    reader = Caller(caller.sandbox, demo.DEMO_READ_KEY)
    costly = {
        "create": WANTED,
        "retry": {"id": started["runId"]},
        "cancel": {"id": started["runId"]},
        "createFollowUp": {"conversationId": started["conversationId"], "prompt": "P"},
    }
    answers = [reader.send_mutation(f"haloRun.{name}", given) for name, given in costly.items()]
    assert [error_of(answer)[2] for answer in answers] == ["FORBIDDEN"] * len(costly)
    assert run_of(reader, started)["status"] == "pending_export"


# --- events and logs


def test_events_come_as_they_happen(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    seen: list[tuple[int, str, str]] = []
    for _ in range(12):
        page = caller.query("haloRun.getEvents", {"runId": started["runId"], "limit": 100, "cursor": len(seen)})
        assert page["nextCursor"] is None
        seen += [(event["sequence"], event["eventType"], event["createdAt"]) for event in page["events"]]
        clock.advance(seconds=0.5)
    names = ["run.created", "export.started", "export.completed", "run.queued", "run.starting", "run.started"]
    meanwhile = ["agent.step", "run.heartbeat"] * 4 + ["agent.step"]
    assert [(number, name) for number, name, _ in seen] == list(enumerate([*names, *meanwhile, "run.completed"], 1))
    assert (seen[0][2], seen[-1][2]) == ("2026-11-02T12:00:00.000Z", "2026-11-02T12:00:03.000Z")


@pytest.mark.parametrize("limit", [1, 3, 7, 8, 100])
def test_pages_of_events_joined_are_the_whole(caller: Caller, clock: Clock, limit: int) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    cursor: int | None = None
    numbers: list[int] = []
    while True:
        page = caller.query("haloRun.getEvents", {"runId": started["runId"], "limit": limit, "cursor": cursor})
        numbers += [event["sequence"] for event in page["events"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
        assert cursor == numbers[-1]
    assert numbers == list(range(1, 17))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("limit", 0, "limit must be from 1 to 500."),
        ("limit", None, "limit must be an integer."),
        ("cursor", "1", "cursor must be an integer."),
        ("cursor", -1, "cursor must be at least 0."),
    ],
)
def test_a_page_of_events_refuses_bad_choices(caller: Caller, field: str, value: object, message: str) -> None:
    answer = caller.send_query("haloRun.getEvents", {"runId": "x", "limit": 1, field: value})
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", message)


def test_a_cursor_past_the_end_has_nothing(caller: Caller) -> None:
    given = {"runId": start_run(caller)["runId"], "limit": 5, "cursor": 500}
    assert caller.query("haloRun.getEvents", given) == {"events": [], "nextCursor": None}


def test_logs_are_filtered_by_level_and_page(caller: Caller, clock: Clock) -> None:
    caller.sandbox.end_next_runs(OnFinish("failed"))
    run_id = start_run(caller, debug=True)["runId"]
    clock.advance(minutes=1)

    def event_types(**choice: object) -> list[str]:
        page = caller.query("haloRun.getLogs", {"runId": run_id, **choice})
        return [line["message"] for line in page["logs"]]

    everything = event_types()
    assert [len(everything), everything[-1]] == [17, "run.failed"]
    assert event_types(logLevel="info") == [line for line in everything if line != "analysis.debug"]
    assert event_types(logLevel="error") == ["run.failed"]
    assert event_types(limit=2, offset=3) == everything[3:5]


# --- cancelled, tried again, asked about


def cancel(caller: Caller, started: dict[str, Any], **fields: object) -> dict[str, Any]:
    run: dict[str, Any] = caller.mutate("haloRun.cancel", {"id": started["runId"], **fields})
    return run


@pytest.mark.parametrize("after", [0, 0.5, 1, 1.5, 2.9])
def test_a_run_in_flight_is_cancelled_at_once(caller: Caller, clock: Clock, after: float) -> None:
    started = start_run(caller)
    clock.advance(seconds=after)
    run = cancel(caller, started, reason="user-cancelled")
    ended = (run["status"], run["completedAt"], run["errorMessage"])
    assert ended == ("cancelled", format_instant(clock.now), "Cancelled: user-cancelled.")
    clock.advance(minutes=1)
    assert run_of(caller, started) == run
    last = caller.query("haloRun.getEvents", {"runId": run["id"], "limit": 100})["events"][-1]
    assert (last["eventType"], last["payload"]) == ("run.cancelled", {"reason": "user-cancelled"})


def test_a_run_that_is_over_stays_as_it_is(caller: Caller, clock: Clock) -> None:
    done, gone = start_run(caller), start_run(caller)
    before = cancel(caller, gone)
    clock.advance(minutes=1)
    assert (cancel(caller, done)["status"], before["errorMessage"]) == ("completed", "Cancelled.")
    assert cancel(caller, gone, reason="again") == before


@pytest.mark.parametrize("status", ["failed", "incomplete", "timed_out", "export_failed", "cancelled"])
def test_a_failed_run_is_retried_in_its_conversation(caller: Caller, clock: Clock, status: str) -> None:
    caller.sandbox.end_next_runs(OnFinish(status if status != "cancelled" else "completed"))
    first = start_run(caller, spanLimit=300, modelId="halo-small")
    if status == "cancelled":
        cancel(caller, first)
    clock.advance(minutes=2)
    again = caller.mutate("haloRun.retry", {"id": first["runId"]})
    assert again["conversationId"] == first["conversationId"]
    assert len({again["runId"], again["haloExportDatasetId"], first["runId"], first["haloExportDatasetId"]}) == 4
    assert statuses(caller, clock, again) == COURSE
    before, after = run_of(caller, first), run_of(caller, again)
    assert (before["status"], after["retriedFromRunId"], after["runAttempt"]) == (status, first["runId"], 2)
    same = ("prompt", "agentUuid", "spanLimit", "modelId", "origin", *WINDOW)
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_a_retry_finds_the_traces_that_have_come(caller: Caller, clock: Clock) -> None:
    window = {"windowStartAt": "2026-11-02T11:40:00Z", "windowEndAt": "2026-11-02T12:20:00Z"}
    started = start_run(caller, **window)
    clock.advance(hours=1)
    assert run_of(caller, started)["status"] == "no_traces"
    again = caller.mutate("haloRun.retry", {"id": started["runId"]})
    assert statuses(caller, clock, again) == COURSE


def test_only_a_failed_run_can_be_retried(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    for status in ("pending_export", "completed"):
        answer = caller.send_mutation("haloRun.retry", {"id": started["runId"]})
        message = f"Run {started['runId']} is {status}; only a failed run can be retried."
        assert error_of(answer)[2:] == ("PRECONDITION_FAILED", message)
        clock.advance(minutes=1)


def test_one_run_at_a_time_is_in_flight_in_a_conversation(caller: Caller, clock: Clock) -> None:
    caller.sandbox.end_next_runs(OnFinish("failed"))
    started = start_run(caller)
    clock.advance(minutes=1)
    again = caller.mutate("haloRun.retry", {"id": started["runId"]})
    refused = (409, -32009, "CONFLICT", f"Run {again['runId']} of this conversation is still in flight.")
    assert error_of(caller.send_mutation("haloRun.retry", {"id": started["runId"]})) == refused
    follow_up = {"conversationId": started["conversationId"], "prompt": "Why?"}
    assert error_of(caller.send_mutation("haloRun.createFollowUp", follow_up)) == refused


def test_a_follow_up_exports_nothing_and_reads_what_the_report_read(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    asked = caller.mutate(
        "haloRun.createFollowUp", {"conversationId": started["conversationId"], "prompt": "What is slow?"}
    )
    assert {**asked, "runId": None} == {**started, "runId": None}
    assert statuses(caller, clock, asked) == ["queued", "starting", "running", "completed"]
    run = run_of(caller, asked)
    assert (run["origin"], run["prompt"], run["scheduleId"]) == ("follow_up", "What is slow?", None)


def test_a_follow_up_that_failed_can_be_tried_again(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    clock.advance(minutes=1)
    caller.sandbox.end_next_runs(OnFinish("failed"))
    wanted = {"conversationId": started["conversationId"], "prompt": "What is slow?"}
    asked = caller.mutate("haloRun.createFollowUp", wanted)
    clock.advance(minutes=1)
    again = caller.mutate("haloRun.retry", {"id": asked["runId"]})
    clock.advance(minutes=1)
    run = run_of(caller, again)
    assert (run["status"], run["retriedFromRunId"], run["prompt"]) == ("completed", asked["runId"], "What is slow?")
    assert (run["rootRunId"], run["runAttempt"], run["inputPreviousRunId"]) == (asked["runId"], 2, started["runId"])


def test_a_follow_up_needs_a_report(caller: Caller, clock: Clock) -> None:
    caller.sandbox.end_next_runs(OnFinish("failed"))
    conversation_id = start_run(caller)["conversationId"]
    clock.advance(minutes=1)
    answer = caller.send_mutation("haloRun.createFollowUp", {"conversationId": conversation_id, "prompt": "Why?"})
    message = f"Conversation {conversation_id} has no report to ask about."
    assert error_of(answer) == (412, -32012, "PRECONDITION_FAILED", message)
    unknown = caller.send_mutation("haloRun.createFollowUp", {"conversationId": "x", "prompt": "Why?"})
    assert error_of(unknown)[2:] == ("NOT_FOUND", "Conversation x was not found.")


# --- datasets


def test_a_dataset_is_counted_once_it_is_exported(caller: Caller, clock: Clock) -> None:
    started = start_run(caller)
    given = {"id": started["haloExportDatasetId"]}

    def dataset() -> tuple[str, int | None, int]:
        found = caller.query("haloExportDataset.getById", given)
        traces = caller.query("haloExportDataset.listTraces", given)["traces"]
        return found["lifecycleStatus"], found["spanCount"], len(traces)

    before = dataset()
    clock.advance(minutes=1)
    status, spans, traces = dataset()
    assert (before, status, traces) == (("pending", None, 0), "ready", 48)
    pages = caller.query("haloExportDataset.listTraces", {**given, "limit": 30})
    rest = caller.query("haloExportDataset.listTraces", {**given, "limit": 30, "cursor": pages["nextCursor"]})
    every = pages["traces"] + rest["traces"]
    assert (rest["nextCursor"], sum(trace["spanCount"] for trace in every)) == (None, spans)
    assert [trace["startedAt"] for trace in every] == sorted(trace["startedAt"] for trace in every)
    assert all(WINDOW["windowStartAt"] <= trace["startedAt"] < trace["endedAt"] for trace in every)


@pytest.mark.parametrize(
    ("status", "lifecycle"), [("export_failed", "failed"), ("no_traces", "ready"), ("cancelled", "failed")]
)
def test_a_dataset_that_came_to_nothing_says_so(caller: Caller, clock: Clock, status: str, lifecycle: str) -> None:
    caller.sandbox.end_next_runs(OnFinish(status if status != "cancelled" else "completed"))
    started = start_run(caller)
    if status == "cancelled":
        cancel(caller, started)
    clock.advance(minutes=1)
    dataset = caller.query("haloExportDataset.getById", {"id": started["haloExportDatasetId"]})
    assert (dataset["lifecycleStatus"], dataset["spanCount"], dataset["traceCount"]) == (lifecycle, 0, 0)
    unknown = caller.send_query("haloExportDataset.getById", {"id": "x"})
    assert error_of(unknown)[2:] == ("NOT_FOUND", "Export dataset x was not found.")


@pytest.mark.parametrize("cursor", ["", "x", "after-", "after--1", "1"])
def test_a_cursor_of_traces_from_elsewhere_is_refused(caller: Caller, cursor: str) -> None:
    given = {"id": start_run(caller)["haloExportDatasetId"], "cursor": cursor}
    answer = caller.send_query("haloExportDataset.listTraces", given)
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", "cursor was not returned by this list.")
