"""Listing conversations, as ``halo conversation list`` and ``halo report list`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from halo_iac.api.decode_runs import parse_conversation
from halo_iac.cli.agents import find_agent_id, read_agent_names
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import read_schedule_names, require_schedule_id
from halo_iac.errors import PlatformError
from halo_iac.model.project import Project
from halo_iac.model.runs import Conversation, RunDetails
from halo_iac.render.json import document
from halo_iac.render.text.table import table
from halo_iac.workers import Task, run_concurrently

_LIST: Final = "haloConversation.listForProject"
_MAX_CONCURRENT_READS: Final = 8
"""The most runs that are read at the same time, as in ``report pull``."""

Found = Sequence[Conversation]
_Rows = Callable[[Connection, Project | None, Found], list[Sequence[str]]]


def list_conversation_rows(context: CommandContext, limit: int | None, agent: str | None, schedule: str | None) -> int:
    """List conversations with their latest run; ``agent`` and ``schedule`` are named as in the project file."""

    def rows(_connection: Connection, _project: Project | None, found: Found) -> list[Sequence[str]]:
        return [(each.updated_at or "", each.title, each.id, each.latest_run_id or "") for each in found]

    return _list(context, limit, agent, schedule, rows, ("UPDATED", "TITLE", "CONVERSATION", "LATEST RUN"))


def list_report_rows(context: CommandContext, limit: int | None, agent: str | None, schedule: str | None) -> int:
    """List conversations as reports: schedule, agent and status of the latest run.

    If the platform lists conversations without run and agent, the latest run of each is read.
    """

    def rows(connection: Connection, project: Project | None, found: Found) -> list[Sequence[str]]:
        latest = _latest_runs(connection, found)
        agent_ids = [each.agent_id or _agent_id(latest.get(each.id)) or "" for each in found]
        schedule_ids = [each.schedule_id or _schedule_id(latest.get(each.id)) or "" for each in found]
        agents = read_agent_names(context, connection, agent_ids)
        schedules = read_schedule_names(context, connection, project, schedule_ids)
        return [
            (
                each.updated_at or "",
                each.title,
                schedules.get(schedule_id, schedule_id),
                agents.get(agent_id, agent_id),
                latest[each.id].run.status if each.id in latest else "",
                each.id,
            )
            for each, agent_id, schedule_id in zip(found, agent_ids, schedule_ids, strict=True)
        ]

    headers = ("UPDATED", "TITLE", "SCHEDULE", "AGENT", "STATUS", "CONVERSATION")
    return _list(context, limit, agent, schedule, rows, headers)


def _list(
    context: CommandContext,
    limit: int | None,
    agent: str | None,
    schedule: str | None,
    rows: _Rows,
    headers: Sequence[str],
) -> int:
    console, project = context.console, context.project_if_any()
    connection = context.connect_for_reading(project)
    agent_id = None if agent is None else find_agent_id(connection, project, agent)
    schedule_id = None if schedule is None else require_schedule_id(connection, project, schedule)
    page = connection.run_reader.conversations(connection.project.id, limit=limit, agent=agent_id, schedule=schedule_id)
    if console.wants_json:
        console.print(document({"conversations": list(page.rows), "nextCursor": page.next_cursor}))
        return 0
    cells = rows(connection, project, [parse_conversation(row, _LIST) for row in page.rows])
    console.print(table(headers, cells, console.out_style, uncut={"STATUS", "CONVERSATION", "LATEST RUN"}))
    if page.next_cursor is not None:
        console.log("There are more; use --limit to show them.")
    return 0


def _latest_runs(connection: Connection, found: Found) -> Mapping[str, RunDetails]:
    """Return the latest run of each conversation by the conversation's id; one that cannot be read is left out."""
    known = {
        each.id: RunDetails({}, each.latest_run) for each in found if each.latest_run is not None and each.agent_id
    }
    reader = connection.run_reader

    def read(conversation: str, run: str) -> Iterator[tuple[str, RunDetails]]:
        with suppress(PlatformError):
            yield conversation, reader.run(run)

    missing = [
        Task(partial(read, each.id, each.latest_run_id))
        for each in found
        if each.id not in known and each.latest_run_id
    ]
    return known | dict(run_concurrently(missing, _MAX_CONCURRENT_READS))


def _agent_id(details: RunDetails | None) -> str | None:
    return details.dataset.agent_id if details is not None and details.dataset is not None else None


def _schedule_id(details: RunDetails | None) -> str | None:
    return details.run.schedule_id if details is not None else None
