"""Runs, and the schedules that start them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field

from halo_iac.api.decode_runs import parse_conversation
from halo_iac.api.pagination import MAX_PAGE_SIZE, Cursor, Page
from halo_iac.api.runs import RunReader
from halo_iac.errors import PlatformError
from halo_iac.fire_times import describe
from halo_iac.mcp.arguments import Agent, Paged, Schedule
from halo_iac.mcp.pagination import collect, collect_all
from halo_iac.mcp.session import Session
from halo_iac.mcp.tool import Answer, Call, Line, Result, Tool, Total
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.runs import Conversation, Run
from halo_iac.model.schedule import Spec
from halo_iac.text import counted
from halo_iac.workers import Task, run_concurrently

CONVERSATION_LIST: Final = "haloConversation.listForProject"
_MAX_CONCURRENT_READS: Final = 8


class RunRow(Result):
    """A run."""

    run_id: Annotated[str, Field(description="Its id.")]
    status: Annotated[Line, Field(description="Its status; completed and incomplete runs may have a report.")]
    is_over: Annotated[bool, Field(description="Whether it has ended.")]
    conversation_id: Annotated[str | None, Field(description="The conversation of its report.")] = None
    schedule_id: Annotated[str | None, Field(description="The schedule that started it.")] = None
    origin: Annotated[Line | None, Field(description="What started it.")] = None
    scheduled_for: Annotated[str | None, Field(description="The time for which it was scheduled.")] = None
    created_at: Annotated[str | None, Field(description="When it was created.")] = None
    error: Annotated[Line | None, Field(description="The platform's error message.")] = None

    @classmethod
    def of(cls, run: Run) -> RunRow:
        """Return a run as a row."""
        return cls(
            run_id=run.id,
            status=run.status,
            is_over=run.is_over,
            conversation_id=run.conversation_id,
            schedule_id=run.schedule_id,
            origin=_text(run.wire, "origin"),
            scheduled_for=_text(run.wire, "scheduledForAt"),
            created_at=_text(run.wire, "createdAt"),
            error=run.error,
        )


class ListRuns(Paged):
    """The arguments of list_halo_runs."""

    schedule: Schedule = None
    agent: Agent = None


class Runs(Result):
    """The answer of list_halo_runs."""

    runs: Annotated[list[RunRow], Field(description="Newest first.")]


def list_runs(call: Call[ListRuns]) -> Answer:
    """Return the runs of a schedule; or the latest run of each conversation, of one agent or of all."""
    session, wanted, start = call
    if wanted.schedule is not None and wanted.agent is None:
        found = session.platform.run_reader.schedule_runs(session.schedule_id(wanted.schedule), MAX_PAGE_SIZE)
        latest = sorted(found, key=lambda run: run.creation_order, reverse=True)
        rows, rest = collect_all(latest, RunRow.of, start, wanted.limit)
        summary = f"{counted(len(rows), 'run')} of the schedule, newest first."
        if rest is None and len(found) >= MAX_PAGE_SIZE:
            summary += " The platform may hold older ones; list_halo_conversations lists their reports."
        return Answer(Runs(runs=rows), summary, rest)
    read_conversations = conversation_pages(session, wanted.agent, wanted.schedule, wanted.limit)
    runs: dict[str, Run] = {}

    def read_page(cursor: Cursor | None) -> Page:
        page = read_conversations(cursor)
        found = [parse_conversation(row, CONVERSATION_LIST) for row in page.rows]
        runs.update(_latest_runs(session.platform.run_reader, found))
        return page

    def make(row: object) -> RunRow | None:
        run = runs.get(parse_conversation(row, CONVERSATION_LIST).id)
        return None if run is None else RunRow.of(run)

    rows, rest = collect(read_page, make, start, wanted.limit)
    return Answer(Runs(runs=rows), f"The latest run of {counted(len(rows), 'conversation')}, newest first.", rest)


def conversation_pages(
    session: Session, agent: str | None, schedule: str | None, limit: int
) -> Callable[[Cursor | None], Page]:
    """Return a function that reads a page of conversations: of the project, or of one agent or schedule."""
    agent_id = None if agent is None else session.agent_id(agent)
    schedule_id = None if schedule is None else session.schedule_id(schedule)
    reader, project = session.platform.run_reader, session.platform.project.id
    return lambda cursor: reader.conversations_page(
        project, cursor, agent=agent_id, schedule=schedule_id, page_size=limit
    )


def _latest_runs(reader: RunReader, found: Sequence[Conversation]) -> Mapping[str, Run]:
    """Return the latest run of each conversation by the conversation's id, read where the list does not hold it."""
    known = {each.id: each.latest_run for each in found if each.latest_run is not None}

    def read(conversation: str, run: str) -> Iterator[tuple[str, Run]]:
        with suppress(PlatformError):
            yield conversation, reader.run(run).run

    missing = [
        Task(partial(read, each.id, each.latest_run_id))
        for each in found
        if each.id not in known and each.latest_run_id
    ]
    return known | dict(run_concurrently(missing, _MAX_CONCURRENT_READS))


class ListSchedules(Paged):
    """The arguments of list_halo_schedules."""

    agent: Agent = None
    include_archived: Annotated[bool, Field(description="Whether to also list archived schedules.")] = False


class ScheduleRow(Result):
    """A schedule."""

    schedule_id: Annotated[str, Field(description="Its id.")]
    schedule: Annotated[Line | None, Field(description="Its key, if the project file declares it.")] = None
    title: Annotated[Line, Field(description="Its title.")]
    state: Annotated[Line, Field(description="active, paused or archived.")]
    cadence: Annotated[Line, Field(description="When it fires, in words.")]
    agent_id: Annotated[str | None, Field(description="UUID of the agent that it analyses.")] = None
    lookback_hours: Annotated[int | None, Field(description="How far back each run looks.")] = None


class Schedules(Result):
    """The answer of list_halo_schedules."""

    schedules: Annotated[list[ScheduleRow], Field(description="In the platform's order.")]
    total: Total


def list_schedules(call: Call[ListSchedules]) -> Answer:
    """Return the schedules of the project, declared or not."""
    session, wanted, start = call
    platform = session.platform
    agent = None if wanted.agent is None else session.agent_id(wanted.agent)
    listing = platform.reader.schedules(platform.project.id, include_archived=wanted.include_archived, agent=agent)
    keys = session.keys_of(listing.schedules)
    rows, rest = collect_all(listing.schedules, partial(_schedule_row, keys), start, wanted.limit)
    summary = (
        f"{len(rows)} of {counted(len(listing.schedules), 'schedule')}. get_halo_report has the latest report of one."
    )
    if listing.gap is not None:
        summary += " The list is incomplete: call again."
    return Answer(Schedules(schedules=rows, total=len(listing.schedules)), summary, rest)


def _schedule_row(keys: Mapping[str, str], remote: RemoteSchedule) -> ScheduleRow:
    spec = remote.spec()
    hours = remote.wire.get("lookbackHours")
    return ScheduleRow(
        schedule_id=remote.id,
        schedule=keys.get(remote.id),
        title=remote.title,
        state=remote.state,
        cadence=describe(spec.cadence) if isinstance(spec, Spec) else f"unknown: {spec.reason}",
        agent_id=remote.agent_id,
        lookback_hours=hours if isinstance(hours, int) else None,
    )


def _text(wire: Mapping[str, Any], name: str) -> str | None:
    value = wire.get(name)
    return value if isinstance(value, str) and value else None


LIST_RUNS: Final = Tool(
    "list_halo_runs",
    "List HALO runs",
    "Lists runs, newest first, with their status and why they failed: those of a schedule, or the latest run of each "
    "conversation, of one agent or of all. Use it to see whether analyses work; for what they found use "
    "get_halo_report.",
    ListRuns,
    Runs,
    list_runs,
)
LIST_SCHEDULES: Final = Tool(
    "list_halo_schedules",
    "List HALO schedules",
    "Lists the schedules of the project: key, title, state, cadence and agent. Use it to find the schedule whose "
    "report is wanted; to change schedules, edit the project file and call plan_project.",
    ListSchedules,
    Schedules,
    list_schedules,
)
