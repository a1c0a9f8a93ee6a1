"""Listing conversations, as ``halo conversation list`` and ``halo report list`` do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halo_iac.api.decode import parse_conversation
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.entry_lookup import require_schedule_id
from halo_iac.cli.run_request import agent_id_of
from halo_iac.render.json import document
from halo_iac.render.text.table import table


def list_found(context: CommandContext, limit: int | None, agent: str | None, schedule: str | None) -> int:
    """List the conversations of the project, or of an agent or a schedule, which may be named as in the file."""
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    agent_id = None if agent is None else agent_id_of(connection, project, agent)
    schedule_id = None if schedule is None else require_schedule_id(connection, project, schedule)
    found = connection.run_reader.conversations(
        connection.project.id, limit=limit, agent=agent_id, schedule=schedule_id
    )
    _show_conversations(context.console, found.rows, found.next_cursor)
    return 0


def _show_conversations(console: Console, rows: Sequence[Any], next_cursor: str | int | None) -> None:
    if console.wants_json:
        console.out(document({"conversations": list(rows), "nextCursor": next_cursor}))
        return
    found = [parse_conversation(row, "haloConversation.listForProject") for row in rows]
    cells = [(each.updated_at or "", each.title, each.id, each.latest_run_id or "") for each in found]
    headers = ("UPDATED", "TITLE", "CONVERSATION", "LATEST RUN")
    console.out(table(headers, cells, console.out_style, whole={"CONVERSATION", "LATEST RUN"}))
    if next_cursor is not None:
        console.say("There are more; use --limit to show them.")
