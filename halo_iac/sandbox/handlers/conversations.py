"""``haloConversation.*``: conversations, which hold reports and answers to follow-ups.

Not documented, and chosen here: each run that a person or a schedule starts begins a conversation, to which its retries
and follow-ups belong. Its title is the schedule's title at that time, or the first line of the prompt. Lists are newest
first. Messages are numbered from 1; a retry adds no question, and a run without a result adds no answer.
"""

from __future__ import annotations

from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure, find_conversation
from halo_iac.sandbox.handlers.datasets import serialize_dataset, serialize_run, write_answer
from halo_iac.sandbox.protocol import RequestRefused, encode_json
from halo_iac.sandbox.run_state import RunState, run_state
from halo_iac.sandbox.store.runs import ConversationRow
from halo_iac.sandbox.validation import BY_ID, Shape, nullable, optional, required

_DEFAULT_LIMIT: Final = 50
_NEWEST: Final = ("~", 0)
"""A position after all instants, which begin with a digit."""

_LIST: Final[Shape] = {
    "projectId": required(rules.identifier),
    "limit": optional(rules.integer(1, 100)),
    "cursor": nullable(rules.text),
    "agentUuid": optional(rules.uuid),
    "scheduleId": optional(rules.identifier),
}


def list_for_project(call: Call) -> bytes:
    """Return a page of conversations, newest first, each with its latest run."""
    wanted = call.read_project_input(_LIST)
    size = wanted.get("limit", _DEFAULT_LIMIT)
    rows = call.tables.runs.conversations(
        wanted["projectId"],
        before=_parse_cursor(wanted.get("cursor")),
        limit=size + 1,
        agent_id=wanted.get("agentUuid"),
        schedule_id=wanted.get("scheduleId"),
    )
    page = rows[:size]
    cursor = f"before-{page[-1][1].created_at}-{page[-1][0]}" if len(rows) > size else None
    return encode_json({"conversations": [_listed(call, row) for _, row in page], "nextCursor": cursor})


def get_by_id(call: Call) -> bytes:
    """Return one conversation."""
    return encode_json(_listed(call, find_conversation(call, call.read_input(BY_ID)["id"])))


def get_details(call: Call) -> bytes:
    """Return a conversation with its messages, runs and datasets."""
    row = find_conversation(call, call.read_input(BY_ID)["id"])
    states = [run_state(run, call.now) for run in call.tables.runs.of_conversation(row.id)]
    datasets = {state.row.dataset_id: state for state in reversed(states)}
    return encode_json(
        {
            "conversation": _wire(row, states[-1]),
            "messages": _messages(call, row, states),
            "runs": [serialize_run(state) for state in states],
            "haloExportDatasets": [serialize_dataset(state) for state in reversed(datasets.values())],
        }
    )


def _listed(call: Call, row: ConversationRow) -> dict[str, Any]:
    latest = call.tables.runs.latest_of(row.id)
    assert latest is not None  # noqa: S101 (a conversation begins with a run, in one transaction)
    state = run_state(latest, call.now)
    return {**_wire(row, state), "latestRun": serialize_run(state)}


def _wire(row: ConversationRow, latest: RunState) -> dict[str, Any]:
    return {
        "id": row.id,
        "projectId": row.project_id,
        "agentUuid": row.agent_id,
        "scheduleId": row.schedule_id,
        "title": row.title,
        "latestRunId": latest.row.id,
        "createdAt": row.created_at,
        "updatedAt": latest.updated_at,
    }


def _messages(call: Call, conversation: ConversationRow, states: list[RunState]) -> list[dict[str, Any]]:
    said: list[tuple[str, str, str, str]] = []
    for state in states:
        row = state.row
        if row.asked["retryOfRunId"] is None:
            said.append((row.id, "user", row.asked["prompt"], row.created_at))
        if state.status == "completed":
            said.append((row.id, "assistant", _answer(call, conversation, state), state.updated_at))
    return [
        {
            "id": f"{run_id}-{role}",
            "sequence": sequence,
            "role": role,
            "content": content,
            "runId": run_id,
            "metadata": None,
            "createdAt": at,
        }
        for sequence, (run_id, role, content, at) in enumerate(said, 1)
    ]


def _answer(call: Call, conversation: ConversationRow, state: RunState) -> str:
    """Return the answer of a run; it is computed when first requested, and stored."""
    if state.row.answer is not None:
        return state.row.answer
    agents = call.tables.agent_row_ids(conversation.project_id).values()  # deleted ones included
    agent = next(row_id for row_id, agent_id in agents if agent_id == conversation.agent_id)
    answer = write_answer(call.tables, state.row, agent)
    call.tables.runs.keep_answer(state.row.id, answer)
    return answer


def _parse_cursor(cursor: str | None) -> tuple[str, int]:
    if cursor is None:
        return _NEWEST
    head, _, row_id = cursor.rpartition("-")
    if not head.startswith("before-") or not row_id.isdecimal() or len(row_id) > 18:
        raise RequestRefused("BAD_REQUEST", "cursor was not returned by this list.")
    return head.removeprefix("before-"), int(row_id)


PROCEDURES: Final = {
    "haloConversation.listForProject": Procedure(Kind.QUERY, list_for_project),
    "haloConversation.getById": Procedure(Kind.QUERY, get_by_id),
    "haloConversation.getDetails": Procedure(Kind.QUERY, get_details, is_recording=True),
}
