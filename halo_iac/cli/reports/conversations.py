"""Listing conversations, as ``halo conversation list`` and ``halo report list`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from halo_iac.api.decode_runs import parse_conversation
from halo_iac.cli.agents import agent_names
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import require_schedule_id, schedule_names
from halo_iac.cli.runs.request import agent_id_of
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


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations to list: the most, and their agent and schedule, named as in the project file."""

    limit: int | None
    agent: str | None
    schedule: str | None


def list_conversations_of(context: CommandContext, wanted: ConversationFilter) -> int:
    """List conversations with their latest run."""

    def rows(_connection: Connection, _project: Project | None, found: Found) -> list[Sequence[str]]:
        return [(each.updated_at or "", each.title, each.id, each.latest_run_id or "") for each in found]

    return _list(context, wanted, rows, ("UPDATED", "TITLE", "CONVERSATION", "LATEST RUN"))


def list_reports_of(context: CommandContext, wanted: ConversationFilter) -> int:
    """List conversations as reports: schedule, agent and status of the latest run.

    If the platform lists conversations without run and agent, the latest run of each is read.
    """

    def rows(connection: Connection, project: Project | None, found: Found) -> list[Sequence[str]]:
        latest = _latest_runs(connection, found)
        of_agent = {each.id: each.agent_id or _agent_of(latest.get(each.id)) or "" for each in found}
        of_schedule = {each.id: each.schedule_id or _schedule_of(latest.get(each.id)) or "" for each in found}
        agents = agent_names(context, connection, of_agent.values())
        schedules = schedule_names(context, connection, project, of_schedule.values())
        return [
            (
                each.updated_at or "",
                each.title,
                schedules.get(of_schedule[each.id], of_schedule[each.id]),
                agents.get(of_agent[each.id], of_agent[each.id]),
                latest[each.id].run.status if each.id in latest else "",
                each.id,
            )
            for each in found
        ]

    return _list(context, wanted, rows, ("UPDATED", "TITLE", "SCHEDULE", "AGENT", "STATUS", "CONVERSATION"))


def _list(context: CommandContext, wanted: ConversationFilter, rows: _Rows, headers: Sequence[str]) -> int:
    console, project = context.console, context.project_if_any()
    connection = context.connect_for_reading(project)
    agent = None if wanted.agent is None else agent_id_of(connection, project, wanted.agent)
    schedule = None if wanted.schedule is None else require_schedule_id(connection, project, wanted.schedule)
    page = connection.run_reader.conversations(
        connection.project.id, limit=wanted.limit, agent=agent, schedule=schedule
    )
    if console.wants_json:
        console.print(document({"conversations": list(page.rows), "nextCursor": page.next_cursor}))
        return 0
    cells = rows(connection, project, [parse_conversation(row, _LIST) for row in page.rows])
    console.print(table(headers, cells, console.out_style, whole={"STATUS", "CONVERSATION", "LATEST RUN"}))
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


def _agent_of(details: RunDetails | None) -> str | None:
    return details.dataset.agent_id if details is not None and details.dataset is not None else None


def _schedule_of(details: RunDetails | None) -> str | None:
    return details.run.schedule_id if details is not None else None
