"""``haloRun.*``: runs as documented, and our choices where the platform is undocumented.

Not documented, and chosen here:

- A run of a project that the key does not cover is NOT_FOUND, like one that does not exist.
- A window has to begin in the past and to end after it begins; it may end in the future, which holds no traces yet.
- A run whose window holds no span of the agent ends as ``no_traces``, unless another ending was asked for.
- Cancelling takes effect at once; a run that is over stays as it is, and cancelling it is no error.
- Every run that did not complete may be retried, in its conversation; it reads the traces that its window has by then.
- A conversation has at most one run in flight; a follow-up requires a report.
- Events are numbered from 1, and the cursor is the number of the last event returned. The event types and the logs are
  invented.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure, find_agent, find_conversation, find_run
from halo_iac.sandbox.firing import order_for_schedule
from halo_iac.sandbox.handlers.datasets import serialize_dataset, serialize_run
from halo_iac.sandbox.handlers.schedules import MODEL, SUMMARIZATION_MODEL, find_schedule
from halo_iac.sandbox.protocol import RequestRefused, encode_json
from halo_iac.sandbox.run_starter import RunOrder, RunStarter, encode_started_run
from halo_iac.sandbox.run_state import run_state
from halo_iac.sandbox.validation import BY_ID, Shape, nullable, optional, required

_DEFAULT_LIMIT: Final = 50
_LEVELS: Final = ("debug", "info", "warn", "error")
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")

_CREATE: Final[Shape] = {
    "projectId": required(rules.identifier),
    "agentUuid": required(rules.uuid),
    "prompt": required(rules.non_empty),
    "windowStartAt": required(rules.instant),
    "windowEndAt": required(rules.instant),
    "modelId": nullable(MODEL),
    "subagentModelId": nullable(MODEL),
    "summarizationModelId": nullable(SUMMARIZATION_MODEL),
    "spanLimit": optional(rules.integer(1)),
    "maxSubagentDepth": optional(rules.integer(1, 5)),
    "maxTurns": optional(rules.integer(1, 100)),
    "reasoningEffort": optional(rules.one_of(_EFFORTS)),
    "debug": optional(rules.boolean),
}
_CANCEL: Final[Shape] = {**BY_ID, "reason": nullable(rules.text)}
_EVENTS: Final[Shape] = {
    "runId": required(rules.identifier),
    "limit": required(rules.integer(1, 500)),
    "cursor": nullable(rules.integer(0)),
}
_LOGS: Final[Shape] = {
    "runId": required(rules.identifier),
    "limit": optional(rules.integer(1, 1000)),
    "offset": optional(rules.integer(0)),
    "logLevel": optional(rules.one_of(_LEVELS)),
}
_FOLLOW_UP: Final[Shape] = {"conversationId": required(rules.identifier), "prompt": required(rules.non_empty)}
_RUNS: Final[Shape] = {**BY_ID, "limit": optional(rules.integer(1, 100))}
_FIRE: Final[Shape] = {
    **BY_ID,
    "windowStartAt": required(rules.instant),
    "windowEndAt": required(rules.instant),
}


def create(call: Call) -> bytes:
    """Start a run; two equal calls start two runs, since there is no idempotency key."""
    wanted = call.read_project_input(_CREATE)
    _check_window(wanted, call.now)
    order = RunOrder(
        project_id=wanted["projectId"],
        agent=find_agent(call, wanted["projectId"], wanted["agentUuid"]),
        prompt=wanted["prompt"],
        start=wanted["windowStartAt"],
        end=wanted["windowEndAt"],
        limits=wanted,
        origin="manual",
        created_at=call.now,
    )
    return encode_started_run(_starter(call).start(order))


def get_by_id(call: Call) -> bytes:
    """Return a run and its exported dataset."""
    row = find_run(call, call.read_input(BY_ID)["id"])
    state = run_state(row, call.now)
    return encode_json({"run": serialize_run(state), "haloExportDataset": serialize_dataset(state)})


def get_events(call: Call) -> bytes:
    """Return a page of a run's events so far; ``nextCursor`` is null if there are no more yet."""
    wanted = call.read_input(_EVENTS)
    past = [each for each in run_state(find_run(call, wanted["runId"]), call.now).past if each[1].level != "debug"]
    first = wanted.get("cursor") or 0
    last = min(first + wanted["limit"], len(past))
    events = [
        {
            "eventId": f"{wanted['runId']}-{sequence}",
            "sequence": sequence,
            "eventType": moment.event,
            "createdAt": at,
            "payload": moment.payload,
        }
        for sequence, (at, moment) in enumerate(past[first:last], first + 1)
    ]
    return encode_json({"events": events, "nextCursor": last if last < len(past) else None})


def get_logs(call: Call) -> bytes:
    """Return a page of a run's log entries of a level and above."""
    wanted = call.read_input(_LOGS)
    row = find_run(call, wanted["runId"])
    least = _LEVELS.index(wanted.get("logLevel", "debug"))
    lines = [
        {"timestamp": at, "level": moment.level, "message": moment.event, "attributes": moment.payload}
        for at, moment in run_state(row, call.now).past
        if _LEVELS.index(moment.level) >= least
    ]
    offset = wanted.get("offset", 0)
    page = lines[offset : offset + wanted.get("limit", 100)]
    return encode_json({"logs": page, "total": len(lines)})


def cancel(call: Call) -> bytes:
    """Cancel a run that is in flight; one that has ended is not changed."""
    wanted = call.read_input(_CANCEL)
    row = find_run(call, wanted["id"])
    if not run_state(row, call.now).is_over:
        call.tables.runs.cancel(row.id, call.now, wanted.get("reason"))
    return encode_json(serialize_run(run_state(find_run(call, row.id), call.now)))


def retry(call: Call) -> bytes:
    """Start a run that did not complete again."""
    row = find_run(call, call.read_input(BY_ID)["id"])
    state = run_state(row, call.now)
    if not state.is_over or state.status == "completed":
        raise RequestRefused(
            "PRECONDITION_FAILED", f"Run {row.id} is {state.status}; only a failed run can be retried."
        )
    conversation = find_conversation(call, row.conversation_id)
    _check_idle(call, conversation.id)
    if row.asked["origin"] == "follow_up":
        return encode_started_run(_starter(call).follow_up(row, row.asked["prompt"], call.now, is_retry=True))
    order = RunOrder(
        project_id=conversation.project_id,
        agent=find_agent(call, conversation.project_id, conversation.agent_id),
        prompt=row.asked["prompt"],
        start=datetime.fromisoformat(row.asked["windowStartAt"]),
        end=datetime.fromisoformat(row.asked["windowEndAt"]),
        limits=row.asked,
        origin=row.asked["origin"],
        created_at=call.now,
        schedule_id=row.schedule_id,
    )
    return encode_started_run(_starter(call).retry(row, order))


def create_follow_up(call: Call) -> bytes:
    """Start a run that answers a question about a conversation's report."""
    wanted = call.read_input(_FOLLOW_UP)
    conversation = find_conversation(call, wanted["conversationId"])
    _check_idle(call, conversation.id)
    rows = call.tables.runs.of_conversation(conversation.id)
    row = next((row for row in rows if run_state(row, call.now).status == "completed"), None)
    if row is None:
        raise RequestRefused("PRECONDITION_FAILED", f"Conversation {conversation.id} has no report to ask about.")
    return encode_started_run(_starter(call).follow_up(row, wanted["prompt"], call.now))


def _check_window(wanted: dict[str, Any], now: str) -> None:
    """Refuse a window that ends before it starts, or that starts in the future."""
    if wanted["windowEndAt"] <= wanted["windowStartAt"]:
        raise RequestRefused("BAD_REQUEST", "windowEndAt must be after windowStartAt.")
    if wanted["windowStartAt"] >= datetime.fromisoformat(now):
        raise RequestRefused("BAD_REQUEST", "windowStartAt must be in the past.")


def _check_idle(call: Call, conversation_id: str) -> None:
    latest = call.tables.runs.latest_of(conversation_id)
    if latest is not None and not run_state(latest, call.now).is_over:
        raise RequestRefused("CONFLICT", f"Run {latest.id} of this conversation is still in flight.")


def _starter(call: Call) -> RunStarter:
    return RunStarter(call.tables, call.new_id, call.settings)


def list_runs(call: Call) -> bytes:
    """Return the schedule's runs, newest first."""
    wanted = call.read_input(_RUNS)
    row = find_schedule(call, wanted["id"])
    runs = call.tables.runs.of_schedule(row.id, wanted.get("limit", _DEFAULT_LIMIT))
    return encode_json([serialize_run(run_state(run, call.now)) for run in runs])


def fire_now(call: Call) -> bytes:
    """Start a run of a schedule, enabled or not, over the window in the input."""
    wanted = call.read_input(_FIRE)
    row = find_schedule(call, wanted["id"])
    if row.wire.get("archivedAt") is not None:
        raise RequestRefused("PRECONDITION_FAILED", f"Schedule {row.id} is archived.")
    _check_window(wanted, call.now)
    window = (wanted["windowStartAt"], wanted["windowEndAt"])
    agent = find_agent(call, row.project_id, row.wire["agentUuid"])
    order = order_for_schedule(row, agent, window, origin="manual_schedule", created_at=call.now)
    return encode_started_run(_starter(call).start(order))


PROCEDURES: Final = {
    "haloRun.create": Procedure(Kind.MUTATION, create),
    "haloRun.getById": Procedure(Kind.QUERY, get_by_id),
    "haloRun.getEvents": Procedure(Kind.QUERY, get_events),
    "haloRun.getLogs": Procedure(Kind.QUERY, get_logs),
    "haloRun.cancel": Procedure(Kind.MUTATION, cancel),
    "haloRun.retry": Procedure(Kind.MUTATION, retry),
    "haloRun.createFollowUp": Procedure(Kind.MUTATION, create_follow_up),
    "haloSchedule.listRuns": Procedure(Kind.QUERY, list_runs),
    "haloSchedule.fireNow": Procedure(Kind.MUTATION, fire_now),
}
