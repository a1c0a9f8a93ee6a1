"""Calls of procedures, their declaration, and the rows that they look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store import AgentRow, Key, Tables
from halo_iac.sandbox.store.runs import ConversationRow, RunRow
from halo_iac.sandbox.validation import Shape, check_fields


class Kind(StrEnum):
    """Whether a procedure reads or writes."""

    QUERY = "query"
    MUTATION = "mutation"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a sandbox; see :meth:`halo_iac.sandbox.platform.Sandbox.open`."""

    page_size: int
    updates_archived: bool
    any_project: bool
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a procedure in a transaction: tables, key, input and time (``now``, with milliseconds and ``Z``)."""

    tables: Tables
    key: Key
    input: Mapping[str, Any]
    now: str
    new_id: Callable[[], str]
    settings: Settings

    def read_input(self, shape: Shape) -> dict[str, Any]:
        """Return the validated fields of the input; raises BAD_REQUEST that names everything wrong with them."""
        return check_fields(self.input, shape)

    def read_project_input(self, shape: Shape) -> dict[str, Any]:
        """Return the validated input of a procedure on a project.

        Raises FORBIDDEN if the key does not cover the project, whether or not it exists.
        """
        wanted = check_fields(self.input, shape)
        if not self.tables.covers(self.key, wanted["projectId"]):
            raise RequestRefused("FORBIDDEN", f"This key has no access to project {wanted['projectId']}.")
        return wanted


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure; ``run`` reads or changes the tables and returns the answer as JSON."""

    kind: Kind
    run: Callable[[Call], bytes]
    is_recording: bool = False
    """Whether a query stores its result."""
    shows_traces: bool = False
    """Whether it reads traces of a time range (``filters``): those of the demo agents have to be stored first."""


def find_agent(call: Call, project_id: str, agent_id: str) -> AgentRow:
    """Return an agent; raises NOT_FOUND if the project has none with this id."""
    agent = call.tables.agent(project_id, agent_id)
    if agent is None:
        raise RequestRefused("NOT_FOUND", f"Agent {agent_id} was not found in project {project_id}.")
    return agent


def find_conversation(call: Call, conversation_id: str) -> ConversationRow:
    """Return a conversation; raises NOT_FOUND if there is none in the projects that the key covers."""
    row = call.tables.runs.conversation(conversation_id)
    if row is None or not call.tables.covers(call.key, row.project_id):
        raise RequestRefused("NOT_FOUND", f"Conversation {conversation_id} was not found.")
    return row


def find_run(call: Call, run_id: str) -> RunRow:
    """Return a run; raises NOT_FOUND if there is none in the projects that the key covers."""
    row = call.tables.runs.run(run_id)
    if row is None or not is_covered(call, row):
        raise RequestRefused("NOT_FOUND", f"Run {run_id} was not found.")
    return row


def is_covered(call: Call, row: RunRow) -> bool:
    """Return whether a key covers a run's project."""
    conversation = call.tables.runs.conversation(row.conversation_id)
    return conversation is not None and call.tables.covers(call.key, conversation.project_id)


def parse_offset(cursor: str | None) -> int:
    """Return the offset in a cursor of the form ``after-OFFSET``, 0 without a cursor; raises BAD_REQUEST for others."""
    if cursor is None:
        return 0
    head, _, offset = cursor.partition("-")
    if head != "after" or not offset.isdecimal() or len(offset) > 18:
        raise RequestRefused("BAD_REQUEST", "cursor was not returned by this list.")
    return int(offset)
