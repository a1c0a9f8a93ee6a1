"""``halo report``: analyses of traces, to read and to collect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli import options as run_options
from halo_iac.cli.command import platform_command
from halo_iac.cli.commands.report_diff import diff_reports
from halo_iac.cli.commands.report_pull import pull_reports
from halo_iac.cli.commands.report_run import run_reports
from halo_iac.cli.commands.report_traces import report_traces
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import looks_like_key
from halo_iac.cli.reports.brief import MaxChars, make_brief
from halo_iac.cli.reports.conversations import list_report_rows
from halo_iac.cli.reports.lookup import find_report
from halo_iac.cli.reports.output import NamedReport, ReportSink, report_fields, section, show
from halo_iac.cli.runs.session import RunSession, RunStarter, unfinished_reason, wait_for_runs
from halo_iac.cli.runs.started import CostlyCall
from halo_iac.errors import HaloError, NoReport, PlatformError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.runs.evidence import citations_in
from halo_iac.runs.reports import missing_report_reason
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.console import Console
    from halo_iac.model.project import Project
    from halo_iac.model.runs import ConversationDetails, Report, StartedRun

_HELP = """Run, read and download reports on an agent's traces.

\b
Examples:
  halo report run checkout
  halo report get checkout-daily > report.md
  halo report pull --dir reports
"""

group = typer.Typer(name="report", help=_HELP, rich_markup_mode=None)
group.command("run")(run_reports)
group.command("pull")(pull_reports)
group.command("traces")(report_traces)
group.command("diff")(diff_reports)


@group.command("get")
@platform_command
def get_report(
    context: CommandContext,
    id_: run_options.ReportReference,
    all_: Annotated[
        bool, typer.Option("--all", help="Print the whole conversation, with questions and answers.")
    ] = False,
    for_agent: Annotated[
        bool, typer.Option("--for-agent", help="Print a document for a coding agent: the report and its evidence.")
    ] = False,
    max_chars: MaxChars = None,
    output: run_options.Output = None,
    raw: run_options.Raw = False,
) -> int:
    """Print a report; for a schedule, that of its latest completed run.

    A file or pipe receives it exactly as it is stored on the platform. With --for-agent it is fenced as data, between
    instructions what to do and how to verify, with the traces that it cites, failed ones first.

    \b
    Examples:
      halo report get checkout-daily
      halo report get d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f > report.md
      halo report get checkout-daily --all --json
      halo report get checkout-daily --for-agent | claude -p
    """
    console = context.console
    if all_ and for_agent:
        raise UsageError("--all and --for-agent were both given", hint="remove one of them")
    if max_chars is not None and not for_agent:
        raise UsageError("--max-chars requires --for-agent", hint="add --for-agent, or remove --max-chars")
    sink = ReportSink(console, output, is_raw=raw or for_agent)
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    report, key = find_report(connection, project, id_)
    markdown, extra = report.markdown, {}
    if for_agent:
        markdown = make_brief(context, connection, report, id_, key, max_chars)
        extra = {"brief": markdown}
    elif all_:
        messages = report.thread.messages
        markdown = "\n".join(section(each.role, each.content) for each in messages if each.content)
        extra = {"messages": report.thread.wire["messages"]}
    if output is not None or not console.wants_json:
        shown = replace(report, markdown=markdown)
        sink.write([NamedReport(key or report.conversation.title or "report", shown)], key)
    if console.wants_json:
        console.print(document({**report_fields(report), **extra}))
    elif output is None and console.out_is_terminal and not for_agent:
        _print_next_commands(console, report, id_)
    return 0


@group.command("list")
@group.command("ls", hidden=True)
@platform_command
def list_reports(
    context: CommandContext,
    agent: Annotated[
        str | None, typer.Option("--agent", "--agent-uuid", metavar="AGENT", help="Only reports about this agent.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", "--schedule-id", metavar="KEY|ID", help="Only reports of this schedule.")
    ] = None,
    limit: run_options.Limit = None,
) -> int:
    """List the conversations that contain reports, newest first.

    Shows the schedule, the agent and the status of the latest run of each.

    \b
    Examples:
      halo report list
      halo report list --schedule checkout-daily --limit 5 --json
    """
    return list_report_rows(context, limit, agent, schedule)


@group.command("ask")
@platform_command
def follow_up(
    context: CommandContext,
    conversation: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION", help="The conversation's id, or anything that `halo report get` accepts."
        ),
    ],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question about its report.")],
    waiting: run_options.WaitOptions = run_options.WaitOptions(),
    no_wait: run_options.NoWait = False,
    raw: run_options.Raw = False,
) -> int:
    """Ask a question about a report, wait, and print only the answer.

    Costs money, as a run does.

    \b
    Examples:
      halo report ask d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f "Why?"
      halo report ask checkout-daily "Which of these errors are new?"
    """
    console = context.console
    if not question.strip():
        raise HaloError("the question is empty", hint="type a question; nothing was sent")
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    session = RunSession(context, connection)
    before = _read_thread(connection, project, conversation)
    started = _ask(session, before.conversation.id, question)
    if no_wait:
        console.print(document(started.wire) if console.wants_json else console.out_style.safe(started.run_id))
        return 0
    answer = _wait_for_answer(session, before, started, waiting)
    if console.wants_json:
        console.print(document({**started.wire, "answer": answer}))
    else:
        show(console, answer, is_raw=raw)
    return 0


def _read_thread(connection: Connection, project: Project | None, reference: str) -> ConversationDetails:
    """Return the conversation with this id, or the one of the referenced report."""
    if project is not None and looks_like_key(project, reference):
        return find_report(connection, project, reference)[0].thread
    try:
        return connection.run_reader.conversation(reference)
    except PlatformError as error:
        if error.status != 404:
            raise
    return find_report(connection, project, reference)[0].thread


def _print_next_commands(console: Console, report: Report, reference: str) -> None:
    count = len(citations_in(report).traces)
    if count:
        cites = f"It cites {counted(count, 'trace')}. To show {'it' if count == 1 else 'them'} and what failed"
        console.log(Hint("\n{}: {}", cites, Command("report", "traces", reference)))


def _ask(session: RunSession, conversation_id: str, question: str) -> StartedRun:
    check = Command("conversation", "get", conversation_id)
    call = CostlyCall("the follow-up", check, lambda _: check)
    with RunStarter(session) as starter:
        return starter.start(lambda writer: writer.follow_up(conversation_id, question), call)


def _wait_for_answer(
    session: RunSession, before: ConversationDetails, started: StartedRun, waiting: run_options.WaitOptions
) -> str:
    """Wait for a follow-up run and return the new messages."""
    seen = wait_for_runs(session, {started.run_id: "answer"}, waiting)[started.run_id]
    if seen.details is None or not seen.is_over:
        raise unfinished_reason(seen, "the question")
    if not seen.details.run.is_completed:
        raise missing_report_reason(seen.details.run, seen.details.dataset)
    last = max((message.sequence for message in before.messages), default=-1)
    now = session.connection.run_reader.conversation(before.conversation.id)
    answers = [message.content for message in now.answers if message.sequence > last]
    if not answers:
        hint = Hint("run `{}` to check again", Command("conversation", "get", before.conversation.id))
        raise NoReport(f"run {started.run_id} completed without an answer", hint=hint)
    return "\n\n".join(answers)
