"""``halo run poll`` and ``halo run events``: wait for runs, and show their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_iac.api.decode_runs import parse_event
from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader
from halo_iac.cli import options as run_options
from halo_iac.cli.command import platform_command
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.runs.session import RunSession, unfinished_reason, wait_for_runs
from halo_iac.errors import HaloError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.render.text.table import table
from halo_iac.runs.polling import Polling, poll
from halo_iac.runs.reports import missing_report_reason

if TYPE_CHECKING:
    from halo_iac.model.runs import RunEvent
    from halo_iac.runs.polling import RunSnapshot


@platform_command
def poll_runs(
    context: CommandContext,
    run_ids: Annotated[list[str], typer.Argument(metavar="ID", help="The runs' ids.")],
    waiting: run_options.WaitOptions = run_options.WaitOptions(),
) -> int:
    """Wait until runs end.

    Any final status ends the wait; a failed poll is retried. Exit codes: 0 every run completed, 1 a run did not
    complete or the timeout passed, 130 interrupted (the runs continue).

    \b
    Examples:
      halo run poll c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
      halo run poll c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b --timeout 3600
    """
    console = context.console
    session = RunSession(context, context.connect_for_reading())
    wanted = dict.fromkeys(run_ids)
    seen = wait_for_runs(session, dict.fromkeys(wanted, "run"), waiting)
    if console.wants_json:
        answers = [None if each.details is None else each.details.wire for each in map(seen.__getitem__, wanted)]
        console.print(document(answers[0] if len(answers) == 1 else answers))
    errors = [error for run_id in wanted if (error := _report_end(context, seen[run_id])) is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise HaloError("\n".join(each.message for each in errors), hint=errors[0].hint)
    return 0


def _report_end(context: CommandContext, seen: RunSnapshot) -> HaloError | None:
    """Print that a run has completed, or return an error that says why it has not."""
    console = context.console
    if seen.details is None or not seen.is_over:
        return unfinished_reason(seen)
    run = seen.details.run
    if not run.is_completed:
        return missing_report_reason(run, seen.details.dataset)
    if not console.wants_json:
        console.print(f"Run {console.out_style.safe(run.id)} completed.")
        console.log(Hint("Its report: {}", Command("report", "get", run.id)))
    return None


@platform_command
def show_events(
    context: CommandContext,
    run_id: run_options.RunId,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of events.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", help="Keep showing new events until the run ends.")] = False,
    waiting: run_options.WaitOptions = run_options.WaitOptions(),
) -> int:
    """Show what happened in a run, in order.

    \b
    Examples:
      halo run events c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
      halo run events c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b --follow
    """
    console = context.console
    connection = context.connect_for_reading()
    if follow:
        return _follow(context, connection, run_id, waiting)
    found = connection.run_reader.events(run_id, limit)
    if console.wants_json:
        console.print(document({"events": list(found.rows), "nextCursor": found.next_cursor}))
        return 0
    events = [parse_event(row, "haloRun.getEvents") for row in found.rows]
    console.print(table(("SEQ", "TYPE", "CREATED"), [_cells(event) for event in events], console.out_style))
    if found.next_cursor is not None:
        console.log("There are more; use --limit to show them.")
    return 0


def _follow(context: CommandContext, connection: Connection, run_id: str, waiting: run_options.WaitOptions) -> int:
    """Show events as they occur; as JSON, all of them at the end."""
    console, seen = context.console, None
    events: list[Any] = []
    pace = Polling(*waiting, pause=console.retry_policy.sleep)
    for seen in poll(RunReader(connection.transport, Retry(attempts=1)), run_id, pace, with_events=True):
        events += (event.wire for event in seen.events)
        if seen.read_error is not None and not seen.is_final:
            console.log(f"{console.err_style.safe(seen.read_error.message)}; retrying")
        if not console.wants_json and seen.events:
            console.print("\n".join(console.out_style.safe("  ".join(_cells(event))) for event in seen.events))
    if console.wants_json:
        console.print(document({"events": events, "nextCursor": None}))
    if seen is not None and not seen.is_over:
        raise unfinished_reason(seen)
    return 0


def _cells(event: RunEvent) -> Sequence[str]:
    return (str(event.sequence), event.kind, event.created_at)
