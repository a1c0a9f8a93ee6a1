"""``halo run``: runs as ``inf halo run`` shows and starts them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from halo_iac.api.runs import RunWriter
from halo_iac.cli import options as run_options
from halo_iac.cli.agents import build_agent_requests
from halo_iac.cli.command import platform_command
from halo_iac.cli.commands.run_watch import poll_runs, show_events
from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import TimeRange
from halo_iac.cli.reports.output import format_fields
from halo_iac.cli.runs.request import RunOptions, build_request
from halo_iac.cli.runs.session import RunSession, show_started, start_one
from halo_iac.cli.runs.started import CostlyCall, creation_call
from halo_iac.errors import InterruptedRun, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.render.text.table import record

_HELP = """Start and watch runs; each analyses an agent's traces once.

\b
Examples:
  halo run create --agent-uuid checkout --lookback-hours 24
  halo run poll c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
"""

group = typer.Typer(name="run", help=_HELP, rich_markup_mode=None)


@group.command("create")
@platform_command
def create_run(
    context: CommandContext,
    agent_uuid: Annotated[
        list[str] | None,
        typer.Option(
            "--agent-uuid",
            "--agent",
            metavar="AGENT",
            help="An alias, a name or a UUID; if none is given, choose from a list.",
        ),
    ] = None,
    run: RunOptions = RunOptions(),
    agent_time_range: run_options.AgentTimeRange = TimeRange.MONTH,
) -> int:
    """Start a run and print its ids.

    To wait for the report too, use `halo report run`. Costs money: a run is never started twice automatically. Exit
    code 5: it is unknown whether the run was started.

    \b
    Examples:
      halo run create --agent-uuid checkout
      halo run create --agent-uuid checkout --lookback-hours 168 --json
    """
    if agent_uuid and len(agent_uuid) > 1:
        start = Command("report", "run", *agent_uuid, "--no-wait")
        hint = Hint("run `{}` to start one for each", start)
        raise UsageError(f"this starts one run, but {len(agent_uuid)} agents were given", hint=hint)
    request = build_request(run, context.now)
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    (request,) = build_agent_requests(context, connection, project, agent_uuid or (), request, agent_time_range)
    project_id = connection.project.id
    session = RunSession(context, connection)
    return show_started(
        context, start_one(session, lambda writer: writer.create(project_id, request), creation_call(request))
    )


@group.command("get")
@platform_command
def get_run(context: CommandContext, run_id: run_options.RunId) -> int:
    """Show a run and the traces it was given.

    \b
    Examples:
      halo run get c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
      halo run get c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b --json
    """
    console = context.console
    details = context.connect_for_reading().run_reader.run(run_id)
    dataset = {} if details.dataset is None else {f"traces.{name}": v for name, v in details.dataset.wire.items()}
    shown = {**details.run.wire, **dataset}
    console.print(document(details.wire) if console.wants_json else record(format_fields(shown), console.out_style))
    return 0


group.command("events")(show_events)
group.command("poll")(poll_runs)


@group.command("logs")
@platform_command
def show_logs(
    context: CommandContext,
    run_id: run_options.RunId,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Maximum number of logs; default: the platform's.")
    ] = None,
    offset: Annotated[int | None, typer.Option("--offset", metavar="N", min=0, help="Number of logs to skip.")] = None,
    log_level: Annotated[
        str | None,
        typer.Option("--log-level", metavar="LEVEL", help="Only logs of this level, as the platform names it."),
    ] = None,
) -> int:
    """Show a run's logs.

    \b
    Examples:
      halo run logs c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b --limit 50
    """
    console = context.console
    reader = context.connect_for_reading().run_reader
    logs = reader.logs(run_id, limit=limit, offset=offset, log_level=log_level)
    if console.wants_json:
        console.print(document(logs))
        return 0
    lines = [console.out_style.safe(_format_log(log)) for log in _list_logs(logs)]
    console.print("\n".join(lines))
    if not lines:
        console.log(f"Run {run_id} has no matching logs.")
    shown = (offset or 0) + len(lines)
    if lines and (len(lines) == limit or _count_logs(logs) > shown):
        console.log(f"There may be more; use --offset {shown} to show them.")
    return 0


@group.command("cancel")
@platform_command
def cancel_run(
    context: CommandContext,
    run_id: run_options.RunId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "user-cancelled",
) -> int:
    """Request the cancellation of a run.

    \b
    Examples:
      halo run cancel c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
    """
    console = context.console
    connection = context.connect_for_reading()
    if not console.wants_json:
        run = connection.run_reader.run(run_id).run
        if run.is_over:
            console.print(
                console.out_style.safe(f"Run {run_id} has already ended ({run.status}); there is nothing to cancel.")
            )
            return 0
    session, writer = RunSession(context, connection), RunWriter(connection.transport)
    what, check = f"the cancellation of run {run_id}", Command("run", "get", run_id)
    session.started_runs.interrupt_error = InterruptedRun(
        f"interrupted while requesting {what}; it may or may not have been requested",
        hint=Hint("run `{}` to check", check),
    )
    answer = connection.retry()(lambda _: writer.cancel(run_id, reason))
    session.started_runs.interrupt_error = InterruptedRun(f"interrupted; {what} was requested")
    if console.wants_json:
        console.print(document(answer))
    else:
        console.print(f"Cancellation of run {console.out_style.safe(run_id)} was requested.")
    return 0


@group.command("retry")
@platform_command
def retry_run(context: CommandContext, run_id: run_options.RunId) -> int:
    """Start a failed run again and print the new ids.

    Costs money, like `run create`.

    \b
    Examples:
      halo run retry c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b
    """
    connection = context.connect_for_reading()
    conversation = connection.run_reader.run(run_id).run.conversation_id
    check = Command("conversation", "get", conversation) if conversation else Command("report", "list")
    call = CostlyCall(f"the retry of run {run_id}", check)
    session = RunSession(context, connection)
    return show_started(context, start_one(session, lambda writer: writer.retry(run_id), call))


def _list_logs(answer: Any) -> list[Any]:  # noqa: ANN401 - its shape was never observed
    """Return the logs in a response: the response itself if it is a list, else the first list in it."""
    if isinstance(answer, dict):
        return next((value for value in answer.values() if isinstance(value, list)), [answer])
    return answer if isinstance(answer, list) else [answer]


def _count_logs(answer: Any) -> int:  # noqa: ANN401
    """Return the total number of logs, or 0 if the response does not have it."""
    total = answer.get("total") if isinstance(answer, dict) else None
    return total if isinstance(total, int) else 0


def _format_log(log: Any) -> str:  # noqa: ANN401
    """Return a log as one line: time, level and message if it has OpenTelemetry's fields, else as JSON."""
    if isinstance(log, dict):
        body = log.get("body", log.get("message"))
        if isinstance(body, str):
            when, level = (log.get("timestamp"), log.get("severityText", log.get("logLevel", log.get("level"))))
            return "  ".join(str(part) for part in (when, level, body) if part)
    return log if isinstance(log, str) else json.dumps(log, ensure_ascii=False)
