"""``haloRun.*``: what is known about runs, and what is chosen where nothing is.

Not documented, and chosen here:

- A run of a project that the key does not cover is NOT_FOUND, like one that does not exist.
- A window has to begin in the past and to end after it begins; it may end in the future, which holds no traces yet.
- A run whose window holds no span of the agent ends as ``no_traces``, whatever else was to become of it.
- Cancelling takes effect at once; a run that is over stays as it is, and cancelling it is no error.
- Whatever did not complete may be retried, in its conversation, and reads the traces that its window has by then.
- One run at a time is in flight in a conversation; a follow-up needs a report to ask about.
- Events are numbered from 1, and the cursor is the number of the last one seen. The event types, and all of the logs,
  are the sandbox's own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from halo_iac.sandbox import demo, rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.life import life
from halo_iac.sandbox.lookup import agent_of, conversation_of, run_of
from halo_iac.sandbox.protocol import Refusal, encoded
from halo_iac.sandbox.rules import Shape, nullable, optional, required
from halo_iac.sandbox.starting import Order, Starter, started
from halo_iac.sandbox.wires import dataset_wire, run_wire

_LEVELS: Final = ("debug", "info", "warn", "error")
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")
_eligible: Final = rules.one_of([str(model["id"]) for model in demo.MODELS])
_eligible_to_sum_up: Final = rules.one_of([str(model["id"]) for model in demo.SUMMARIZATION_MODELS])

_CREATE: Final[Shape] = {
    "projectId": required(rules.identifier),
    "agentUuid": required(rules.uuid),
    "prompt": required(rules.filled),
    "windowStartAt": required(rules.moment),
    "windowEndAt": required(rules.moment),
    "modelId": nullable(_eligible),
    "subagentModelId": nullable(_eligible),
    "summarizationModelId": nullable(_eligible_to_sum_up),
    "spanLimit": optional(rules.whole(1)),
    "maxSubagentDepth": optional(rules.whole(1, 5)),
    "maxTurns": optional(rules.whole(1, 100)),
    "reasoningEffort": optional(rules.one_of(_EFFORTS)),
    "debug": optional(rules.boolean),
}
_BY_ID: Final[Shape] = {"id": required(rules.identifier)}
_CANCEL: Final[Shape] = {**_BY_ID, "reason": nullable(rules.text)}
_EVENTS: Final[Shape] = {
    "runId": required(rules.identifier),
    "limit": required(rules.whole(1, 500)),
    "cursor": nullable(rules.whole(0)),
}
_LOGS: Final[Shape] = {
    "runId": required(rules.identifier),
    "limit": optional(rules.whole(1, 1000)),
    "offset": optional(rules.whole(0)),
    "logLevel": optional(rules.one_of(_LEVELS)),
}
_FOLLOW_UP: Final[Shape] = {"conversationId": required(rules.identifier), "prompt": required(rules.filled)}


def create(call: Call) -> bytes:
    """Start a run; two calls alike start two, for there is no idempotency key."""
    wanted = rules.checked(call.input, _CREATE)
    call.check_project(wanted["projectId"])
    check_window(wanted, call.now)
    order = Order(
        project_id=wanted["projectId"],
        agent=agent_of(call, wanted["projectId"], wanted["agentUuid"]),
        prompt=wanted["prompt"],
        start=wanted["windowStartAt"],
        end=wanted["windowEndAt"],
        limits=wanted,
        origin="manual",
        created_at=call.now,
    )
    return started(_starter(call).start(order))


def get_by_id(call: Call) -> bytes:
    """Return a run and the dataset that was exported for it."""
    row = run_of(call, rules.checked(call.input, _BY_ID)["id"])
    standing = life(row, call.now)
    return encoded({"run": run_wire(standing), "haloExportDataset": dataset_wire(standing)})


def get_events(call: Call) -> bytes:
    """Return a page of what has happened so far; ``nextCursor`` is null at its end, for the time being."""
    wanted = rules.checked(call.input, _EVENTS)
    past = [each for each in life(run_of(call, wanted["runId"]), call.now).past if each[1].level != "debug"]
    first = wanted.get("cursor") or 0
    last = min(first + wanted["limit"], len(past))
    events = [
        {"sequence": sequence, "eventType": moment.event, "createdAt": at, "payload": moment.payload}
        for sequence, (at, moment) in enumerate(past[first:last], first + 1)
    ]
    return encoded({"events": events, "nextCursor": last if last < len(past) else None})


def get_logs(call: Call) -> bytes:
    """Return a page of the run's log, of this level and above."""
    wanted = rules.checked(call.input, _LOGS)
    row = run_of(call, wanted["runId"])
    least = _LEVELS.index(wanted.get("logLevel", "debug"))
    lines = [
        {"timestamp": at, "level": moment.level, "message": moment.event, "attributes": moment.payload}
        for at, moment in life(row, call.now).past
        if _LEVELS.index(moment.level) >= least
    ]
    offset = wanted.get("offset", 0)
    page = lines[offset : offset + wanted.get("limit", 100)]
    return encoded({"logs": page, "total": len(lines)})


def cancel(call: Call) -> bytes:
    """Cancel a run that is in flight; one that is over stays as it is."""
    wanted = rules.checked(call.input, _CANCEL)
    row = run_of(call, wanted["id"])
    if not life(row, call.now).is_over:
        call.tables.runs.cancel(row.id, call.now, wanted.get("reason"))
    return encoded(run_wire(life(run_of(call, row.id), call.now)))


def retry(call: Call) -> bytes:
    """Start a run again that came to nothing."""
    row = run_of(call, rules.checked(call.input, _BY_ID)["id"])
    standing = life(row, call.now)
    if not standing.is_over or standing.status == "completed":
        raise Refusal("PRECONDITION_FAILED", f"Run {row.id} is {standing.status}; only one that failed is retried.")
    conversation = conversation_of(call, row.conversation_id)
    _check_idle(call, conversation.id)
    if row.asked["origin"] == "follow_up":
        return started(_starter(call).follow_up(row, row.asked["prompt"], call.now, is_retry=True))
    order = Order(
        project_id=conversation.project_id,
        agent=agent_of(call, conversation.project_id, conversation.agent_id),
        prompt=row.asked["prompt"],
        start=datetime.fromisoformat(row.asked["windowStartAt"]),
        end=datetime.fromisoformat(row.asked["windowEndAt"]),
        limits=row.asked,
        origin=row.asked["origin"],
        created_at=call.now,
        schedule_id=row.schedule_id,
    )
    return started(_starter(call).retry(row, order))


def create_follow_up(call: Call) -> bytes:
    """Start a run that answers a question about a conversation's report."""
    wanted = rules.checked(call.input, _FOLLOW_UP)
    conversation = conversation_of(call, wanted["conversationId"])
    _check_idle(call, conversation.id)
    rows = call.tables.runs.of_conversation(conversation.id)
    row = next((row for row in rows if life(row, call.now).status == "completed"), None)
    if row is None:
        raise Refusal("PRECONDITION_FAILED", f"Conversation {conversation.id} has no report to ask about.")
    return started(_starter(call).follow_up(row, wanted["prompt"], call.now))


def check_window(wanted: dict[str, Any], now: str) -> None:
    """Refuse a window that ends before it starts, or that starts in the future."""
    if wanted["windowEndAt"] <= wanted["windowStartAt"]:
        raise Refusal("BAD_REQUEST", "windowEndAt must be after windowStartAt.")
    if wanted["windowStartAt"] >= datetime.fromisoformat(now):
        raise Refusal("BAD_REQUEST", "windowStartAt must be in the past.")


def _check_idle(call: Call, conversation_id: str) -> None:
    latest = call.tables.runs.latest_of(conversation_id)
    if latest is not None and not life(latest, call.now).is_over:
        raise Refusal("CONFLICT", f"Run {latest.id} of this conversation is still in flight.")


def _starter(call: Call) -> Starter:
    return Starter(call.tables, call.new_id, call.settings)


PROCEDURES: Final = {
    "haloRun.create": Procedure(Kind.MUTATION, create),
    "haloRun.getById": Procedure(Kind.QUERY, get_by_id),
    "haloRun.getEvents": Procedure(Kind.QUERY, get_events),
    "haloRun.getLogs": Procedure(Kind.QUERY, get_logs),
    "haloRun.cancel": Procedure(Kind.MUTATION, cancel),
    "haloRun.retry": Procedure(Kind.MUTATION, retry),
    "haloRun.createFollowUp": Procedure(Kind.MUTATION, create_follow_up),
}
