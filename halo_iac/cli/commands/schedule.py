"""``halo schedule``: schedules on the platform; they are changed by project files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.api.pagination import MAX_PAGE_SIZE
from halo_iac.api.runs import DEFAULT_ROWS
from halo_iac.cli import options as run_options
from halo_iac.cli.agents import read_agent_names
from halo_iac.cli.command import platform_command
from halo_iac.cli.commands.schedule_edit import add_to
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import connect_to_schedule
from halo_iac.cli.reports.output import format_fields, runs_table
from halo_iac.cli.runs.request import find_lookback_hours, format_given_instant, resolve_window
from halo_iac.cli.runs.session import RunSession, show_started, start_one
from halo_iac.cli.runs.started import CostlyCall
from halo_iac.errors import HaloError
from halo_iac.fire_times import describe
from halo_iac.hints import Command, Hint
from halo_iac.model.schedule import Spec
from halo_iac.render.json import document
from halo_iac.render.text.table import record, table

if TYPE_CHECKING:
    from halo_iac.model.remote import RemoteSchedule

_HELP = """List, show and fire the platform's schedules.

To change them, edit the project file.

\b
Examples:
  halo schedule list
  halo schedule get 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01
"""

group = typer.Typer(name="schedule", help=_HELP, rich_markup_mode=None)
add_to(group)
ScheduleReference = Annotated[str, typer.Argument(metavar="ID|KEY", help="The schedule's id, or its key in the file.")]


@group.command("list")
@group.command("ls", hidden=True)
@platform_command
def list_schedules(
    context: CommandContext,
    include_archived: Annotated[bool, typer.Option("--include-archived", help="Also list archived schedules.")] = False,
) -> int:
    """List the schedules of the project, declared or not.

    With --json, `schedules` holds them as the platform sent them, and `nextCursor` is null.

    \b
    Examples:
      halo schedule list
      halo schedule list --include-archived --json
    """
    console = context.console
    connection = context.connect_for_reading()
    listing = connection.reader.schedules(connection.project.id, include_archived=include_archived)
    if console.wants_json:
        console.print(document({"schedules": [remote.wire for remote in listing.schedules], "nextCursor": None}))
    else:
        names = read_agent_names(context, connection, (remote.agent_id or "" for remote in listing.schedules))
        rows = [_row(remote, names) for remote in listing.schedules]
        console.print(table(("TITLE", "STATE", "WHEN", "AGENT", "ID"), rows, console.out_style, uncut={"AGENT", "ID"}))
        if not rows:
            kind = "schedule" if include_archived else "active schedule"
            console.log(console.err_style.safe(f"Project {connection.project.id} has no {kind}."))
    if listing.gap is not None:
        raise HaloError(f"this list is incomplete: {listing.gap}", hint="run again; nothing was changed")
    return 0


@group.command("get")
@platform_command
def get_schedule(context: CommandContext, schedule_id: ScheduleReference) -> int:
    """Show every field of a schedule.

    Fields have the platform's names. Run `halo schedule list` to see the ids.

    \b
    Examples:
      halo schedule get checkout-daily
      halo schedule get 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01 --json
    """
    console = context.console
    connection, found = connect_to_schedule(context, schedule_id)
    wire = connection.reader.schedule(found).wire
    console.print(document(wire) if console.wants_json else record(format_fields(wire), console.out_style))
    return 0


@group.command("runs")
@platform_command
def list_runs(
    context: CommandContext,
    schedule_id: ScheduleReference,
    limit: run_options.Limit = DEFAULT_ROWS,
) -> int:
    """List the most recent runs of a schedule.

    \b
    Examples:
      halo schedule runs checkout-daily
      halo schedule runs 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01 --limit 3 --json
    """
    console = context.console
    connection, found = connect_to_schedule(context, schedule_id)
    limit = limit or DEFAULT_ROWS
    runs = connection.run_reader.schedule_runs(found, limit)
    console.print(document([run.wire for run in runs]) if console.wants_json else runs_table(runs, console.out_style))
    if not runs:
        console.log(f"Schedule {console.err_style.safe(found)} has no runs yet.")
    elif len(runs) == MAX_PAGE_SIZE < limit:
        reports = Command("report", "list", "--schedule", schedule_id, "--limit", str(limit))
        console.warn(
            f"these are the {len(runs)} most recent runs; the platform may hold more",
            Hint("run `{}` to see their reports", reports),
        )
    elif len(runs) >= limit:
        console.log(f"These are the {len(runs)} most recent runs; use --limit to show more.")
    return 0


@group.command("fire")
@platform_command
def fire(
    context: CommandContext,
    schedule_id: ScheduleReference,
    window_start_at: run_options.WindowStartAt = None,
    window_end_at: run_options.WindowEndAt = None,
    lookback_hours: run_options.LookbackHours = None,
) -> int:
    """Fire a schedule now and print the run's ids.

    Costs money: a schedule is never fired twice automatically. It fires with the values on the platform;
    `halo report run --schedule` uses the values in the file.

    \b
    Examples:
      halo schedule fire checkout-daily
      halo schedule fire checkout-daily --window-start-at 2026-11-01
    """
    now = context.now
    resolve_window(window_start_at, window_end_at, lookback_hours or 1, now)
    connection, found = connect_to_schedule(context, schedule_id)
    if lookback_hours is None and window_start_at is None:
        lookback_hours = find_lookback_hours(connection.reader.schedule(found))
    asked = resolve_window(window_start_at, window_end_at, lookback_hours or 1, now)
    start = format_given_instant(window_start_at, asked.start)
    end = format_given_instant(window_end_at, asked.end)
    call = CostlyCall(f"a run of schedule {schedule_id}", Command("schedule", "runs", found))
    session = RunSession(context, connection)
    return show_started(context, start_one(session, lambda writer: writer.fire(found, start, end), call))


def _row(remote: RemoteSchedule, names: Mapping[str, str]) -> tuple[str, ...]:
    spec = remote.spec()
    when = describe(spec.cadence) if isinstance(spec, Spec) else spec.reason
    agent = remote.agent_id or ""
    return (remote.title, remote.state, when, names.get(agent, agent), remote.id)
