"""What a caller names has to be there, and in a project that the key covers; anything else is NOT_FOUND alike."""

from __future__ import annotations

from halo_iac.sandbox.call import Call
from halo_iac.sandbox.protocol import Refusal
from halo_iac.sandbox.store import AgentRow
from halo_iac.sandbox.store.runs import ConversationRow, RunRow


def agent_of(call: Call, project_id: str, agent_id: str) -> AgentRow:
    """Return an agent, or refuse."""
    agent = call.tables.agent(project_id, agent_id)
    if agent is None:
        raise Refusal("NOT_FOUND", f"Agent {agent_id} was not found in project {project_id}.")
    return agent


def conversation_of(call: Call, conversation_id: str) -> ConversationRow:
    """Return a conversation that the key covers, or refuse."""
    row = call.tables.runs.conversation(conversation_id)
    if row is None or not call.tables.covers(call.key, row.project_id):
        raise Refusal("NOT_FOUND", f"Conversation {conversation_id} was not found.")
    return row


def run_of(call: Call, run_id: str) -> RunRow:
    """Return a run that the key covers, or refuse."""
    row = call.tables.runs.run(run_id)
    if row is None or not is_covered(call, row):
        raise Refusal("NOT_FOUND", f"Run {run_id} was not found.")
    return row


def is_covered(call: Call, row: RunRow) -> bool:
    """Say whether a run is of a project that the key is for."""
    conversation = call.tables.runs.conversation(row.conversation_id)
    return conversation is not None and call.tables.covers(call.key, conversation.project_id)
