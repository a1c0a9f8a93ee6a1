from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_calls import PROJECT, Caller, Clock, error

from halo_iac.sandbox import demo
from halo_iac.sandbox.call import Ending
from halo_iac.sandbox.demo_traces import demo_spans
from halo_iac.sandbox.instants import nanoseconds
from halo_iac.sandbox.platform import Sandbox

WINDOW = {"windowStartAt": "2026-11-01T12:00:00.000Z", "windowEndAt": "2026-11-02T12:00:00.000Z"}
WANTED: dict[str, Any] = {"projectId": PROJECT, "agentUuid": demo.CHECKOUT_ID, "prompt": "Look.\nClosely.", **WINDOW}
NOWHERE = "5a4db0c5-ffff-4000-8000-000000000001"
COURSE = ["pending_export", "exporting_traces", "queued", "starting", "running", "completed"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caller(clock: Clock) -> Iterator[Caller]:
    with Sandbox.open(None, clock=clock) as opened:
        yield Caller(opened)


def start(caller: Caller, **fields: object) -> dict[str, Any]:
    started: dict[str, Any] = caller.do("haloRun.create", {**WANTED, **fields})
    return started


def run_of(caller: Caller, started: dict[str, Any]) -> dict[str, Any]:
    run: dict[str, Any] = caller.get("haloRun.getById", {"id": started["runId"]})["run"]
    return run


def statuses(caller: Caller, clock: Clock, started: dict[str, Any]) -> list[str]:
    """Watch a run for two minutes, and return the statuses it had, one after the other."""
    seen: list[str] = []
    for _ in range(600):
        status = run_of(caller, started)["status"]
        if [status] != seen[-1:]:
            seen.append(status)
        clock.advance(seconds=0.2)
    return seen


# --- from its start to its end


def test_a_run_is_created_with_a_conversation_and_a_dataset(caller: Caller) -> None:
    started = start(caller)
    ids = {started.pop(name) for name in ("runId", "conversationId", "haloExportDatasetId")}
    assert len(ids) == 3
    assert started == {"agentUuid": demo.CHECKOUT_ID, **WINDOW}


def test_a_run_walks_through_the_platforms_statuses(caller: Caller, clock: Clock) -> None:
    assert statuses(caller, clock, start(caller)) == COURSE


def test_a_run_says_what_was_asked_and_what_became_of_it(caller: Caller, clock: Clock) -> None:
    started = start(caller)
    before = run_of(caller, started)
    clock.advance(seconds=60)
    answered = caller.get("haloRun.getById", {"id": started["runId"]})
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
        "retryOfRunId": None,
        "haloExportDatasetId": started["haloExportDatasetId"],
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": WANTED["prompt"],
        **WINDOW,
        "modelId": demo.DEFAULT_MODEL_ID,
        "subagentModelId": None,
        "summarizationModelId": None,
        "spanLimit": 10_000,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
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
        "spanCount": sum(1 for _ in demo_spans(nanoseconds(WINDOW["windowEndAt"]), "checkout", days=1)),
        **WINDOW,
        "createdAt": times["createdAt"],
    }


def test_limits_are_kept_as_asked(caller: Caller) -> None:
    limits = {"spanLimit": 500, "maxSubagentDepth": 4, "maxTurns": 60, "reasoningEffort": "high", "debug": True}
    models = {"modelId": "halo-small", "subagentModelId": "halo-medium", "summarizationModelId": "halo-brief"}
    run = run_of(caller, start(caller, **limits, **models))
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
def test_a_run_can_be_told_to_come_to_nothing(caller: Caller, clock: Clock, status: str, course: list[str]) -> None:
    caller.sandbox.end_next_runs(Ending(status, "So it goes."))
    started = start(caller)
    assert statuses(caller, clock, started) == course
    assert run_of(caller, started)["errorMessage"] == "So it goes."
    assert statuses(caller, clock, start(caller)) == COURSE


def test_a_window_without_traces_ends_as_such(caller: Caller, clock: Clock) -> None:
    started = start(caller, windowStartAt="2020-01-01T00:00:00Z", windowEndAt="2020-01-02T00:00:00Z")
    assert statuses(caller, clock, started) == [*COURSE[:2], "no_traces"]
    answered = caller.get("haloRun.getById", {"id": started["runId"]})
    assert answered["run"]["errorMessage"] == "The agent has no traces in this window."
    assert (answered["haloExportDataset"]["lifecycleStatus"], answered["haloExportDataset"]["spanCount"]) == (
        "empty",
        0,
    )


def test_a_sandbox_can_be_quick() -> None:
    with Sandbox.open(None, pace=0) as sandbox:
        caller = Caller(sandbox)
        assert run_of(caller, start(caller))["status"] == "completed"


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
        ("windowEndAt", "2026-13-03T00:00:00Z", "windowEndAt must be an instant that there is."),
        ("windowEndAt", 1, "windowEndAt must be a string."),
    ],
)
def test_a_bad_choice_is_refused(caller: Caller, field: str, value: object, message: str) -> None:
    answer = caller.tell("haloRun.create", {**WANTED, field: value})
    assert error(answer) == (400, -32600, "BAD_REQUEST", message)


def test_a_window_in_the_future_is_refused(caller: Caller) -> None:
    future = {"windowStartAt": "2026-11-02T12:00:00Z", "windowEndAt": "2026-11-03T12:00:00Z"}
    answer = caller.tell("haloRun.create", {**WANTED, **future})
    assert error(answer) == (400, -32600, "BAD_REQUEST", "windowStartAt must be in the past.")


def test_an_unknown_agent_is_refused(caller: Caller) -> None:
    answer = caller.tell("haloRun.create", {**WANTED, "agentUuid": NOWHERE})
    assert error(answer) == (404, -32004, "NOT_FOUND", f"Agent {NOWHERE} was not found in project {PROJECT}.")
