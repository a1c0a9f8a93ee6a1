"""``halo report run``: start one-off analyses, wait for them, show their reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from halo_iac.cli import options as run_options
from halo_iac.cli.agents import build_agent_requests, find_agent_id
from halo_iac.cli.command import platform_command
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import TimeRange
from halo_iac.cli.project_files.entries import declared_spec, find_schedule_id, get_entry
from halo_iac.cli.reports.compared import compare_reports
from halo_iac.cli.reports.output import NamedReport, ReportSink
from halo_iac.cli.runs.request import RunOptions, build_request
from halo_iac.cli.runs.results import Comparison, RunResult, write_results
from halo_iac.cli.runs.session import RunSession, RunStarter, unfinished_reason, wait_for_runs
from halo_iac.cli.runs.started import creation_call
from halo_iac.errors import HaloError, NoReport, PlatformError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.runs import WITH_REPORT, RunRequest
from halo_iac.render.text.report_diff import report_diff_text
from halo_iac.runs.reports import fetch_of_run, fetch_of_schedule, missing_report_reason


@platform_command
def run_reports(
    context: CommandContext,
    agents: Annotated[
        list[str] | None,
        typer.Argument(metavar="AGENT", help="Aliases, names or UUIDs; if none is given, choose from a list."),
    ] = None,
    agent_uuid: run_options.AgentUuid = None,
    schedule: run_options.ScheduleKey = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="With --schedule, also show how the report differs from the last scheduled one."
        ),
    ] = False,
    run: RunOptions = RunOptions(),
    agent_time_range: run_options.AgentTimeRange = TimeRange.MONTH,
    waiting: run_options.WaitOptions = run_options.WaitOptions(),
    no_wait: run_options.NoWait = False,
    output: run_options.Output = None,
    raw: run_options.Raw = False,
) -> int:
    """Analyse agents' traces once, wait, and print the reports.

    Costs money: a run is never started twice automatically. Ctrl-C stops waiting, but the runs continue, and it prints
    how to resume; on a terminal, a second Ctrl-C cancels them. Exit codes: 0 every run completed, 1 a run did not
    complete, 5 it is unknown whether a run was started.

    \b
    Examples:
      halo report run checkout
      halo report run checkout support --lookback-hours 168 --output reports/
      halo report run --schedule checkout-daily --compare
    """
    if compare and schedule is None:
        raise UsageError("--compare requires --schedule", hint="add --schedule KEY, or remove --compare")
    sink = ReportSink(context.console, output, is_raw=raw)
    references = [*(agents or ()), *(agent_uuid or ())]
    connection, requests = _prepare_requests(context, references, schedule, run, agent_time_range)
    session = RunSession(context, connection)
    compared = _read_earlier_report(context, connection, schedule) if compare and schedule is not None else None
    sink.prepare_folder()
    outcomes = _start(session, requests)
    if no_wait:
        _print_wait_command(context, outcomes)
    else:
        outcomes = _wait(session, outcomes, waiting)
        if compared is not None and (new := outcomes[0]).report is not None:
            found = compare_reports(context.console, new.request.name, compared.earlier, new.report)
            compared = compared._replace(found=found)
        if not context.console.wants_json or output is not None:
            reports = [NamedReport(each.request.name, each.report) for each in outcomes if each.report is not None]
            sink.write(reports, schedule)
        if compared is not None and compared.found is not None and not context.console.wants_json:
            context.console.print(f"\n{report_diff_text(compared.found, context.console.out_style)}")
    return write_results(context, outcomes, compared, is_waiting=not no_wait)


# Preparation --------------------------------------------------------------------------------------------------------


def _prepare_requests(
    context: CommandContext, references: Sequence[str], schedule: str | None, given: RunOptions, time_range: TimeRange
) -> tuple[Connection, tuple[RunRequest, ...]]:
    """Return a connection, and the request of each agent, or that of the schedule."""
    if schedule is None:
        request = build_request(given, context.now)
        project = context.project_if_any()
        connection = context.connect_for_reading(project)
        return connection, build_agent_requests(context, connection, project, references, request, time_range)
    if references:
        raise UsageError("an agent and --schedule were both given", hint="remove the agent; the schedule names its own")
    project = context.load()
    spec = declared_spec(get_entry(project, schedule))
    request = build_request(given, context.now, spec)
    connection = context.connect_for_reading(project)
    agent = find_agent_id(connection, project, spec.agent)
    return connection, (replace(request, agent=agent, name=schedule),)


def _read_earlier_report(context: CommandContext, connection: Connection, schedule: str) -> Comparison | None:
    """Return the last scheduled report, read before a run is paid for; prints a note and continues if there is none."""
    try:
        schedule_id = find_schedule_id(connection, context.load(), schedule)
        return Comparison(fetch_of_schedule(connection.run_reader, schedule_id, is_scheduled=True))
    except PlatformError:
        raise
    except HaloError as error:
        why = Hint("{} ({})", error.message, error.hint) if error.hint else error.message
        context.console.log(f"Nothing to compare with: {context.console.err_style.safe(why)}")
        return None


# The runs -----------------------------------------------------------------------------------------------------------


def _start(session: RunSession, requests: Sequence[RunRequest]) -> list[RunResult]:
    outcomes: list[RunResult] = []
    stopper: HaloError | None = None
    with RunStarter(session) as starter:
        for request in requests:
            outcome = _start_one(session, starter, request) if stopper is None else RunResult(request, error=stopper)
            outcomes.append(outcome)
            if starter.is_stopped:
                break
            if isinstance(outcome.error, PlatformError) and outcome.error.ends_the_run:
                stopper = outcome.error
    return outcomes


def _print_wait_command(context: CommandContext, outcomes: Sequence[RunResult]) -> None:
    run_ids = [each.started.run_id for each in outcomes if each.started is not None]
    if run_ids:
        what = "it" if len(run_ids) == 1 else "them"
        context.console.log(Hint("Wait for {}: {}", what, Command("run", "poll", *run_ids)))


def _start_one(session: RunSession, starter: RunStarter, request: RunRequest) -> RunResult:
    context, project = session.context, session.connection.project.id
    try:
        started = starter.start(lambda writer: writer.create(project, request), creation_call(request))
    except HaloError as error:
        return RunResult(request, error=error)
    context.console.log(context.console.err_style.safe(f"Started run {started.run_id} of {request.name}"))
    return RunResult(request, started)


def _wait(session: RunSession, outcomes: Sequence[RunResult], waiting: run_options.WaitOptions) -> list[RunResult]:
    names = {each.started.run_id: each.request.name for each in outcomes if each.started is not None}
    snapshots = wait_for_runs(session, names, waiting) if names else {}
    return [
        each if each.started is None else _read_report(session, replace(each, snapshot=snapshots[each.started.run_id]))
        for each in outcomes
    ]


def _read_report(session: RunSession, outcome: RunResult) -> RunResult:
    """Return the result with its report, or with the reason why it has none."""
    seen = outcome.snapshot
    assert seen is not None  # noqa: S101 - every started run has a last snapshot
    if seen.details is None or not seen.is_over:
        return replace(outcome, error=unfinished_reason(seen, outcome.request.name))
    run = seen.details.run
    if run.status not in WITH_REPORT:
        return replace(outcome, error=missing_report_reason(run, seen.details.dataset, outcome.request.name))
    try:
        report = fetch_of_run(session.connection.run_reader, run.id)
    except (NoReport, PlatformError) as error:
        return replace(outcome, error=error)
    incomplete = None if run.is_completed else NoReport(f"the report of {outcome.request.name} is {run.status}")
    return replace(outcome, report=report, error=incomplete)
