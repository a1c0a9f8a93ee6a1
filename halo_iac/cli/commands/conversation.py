"""``halo conversation``: the threads that runs write to, as ``inf halo conversation`` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli import options as run_options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.conversations import list_conversation_rows
from halo_iac.cli.reports.output import format_fields, runs_table
from halo_iac.render.json import document
from halo_iac.render.report import neutralize_markdown
from halo_iac.render.text.table import record
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.model.runs import ConversationDetails
    from halo_iac.render.style import Style

_HELP = """List and show conversations: reports and follow-ups.

\b
Examples:
  halo conversation list --limit 20
  halo conversation get d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f
"""

group = typer.Typer(name="conversation", help=_HELP, rich_markup_mode=None)
alias = typer.Typer(name="conv", help=_HELP, rich_markup_mode=None)


@platform_command
def list_conversations(
    context: CommandContext,
    limit: run_options.Limit = None,
    agent_uuid: Annotated[
        str | None,
        typer.Option("--agent-uuid", "--agent", metavar="AGENT", help="Only conversations about this agent."),
    ] = None,
    schedule_id: Annotated[
        str | None,
        typer.Option("--schedule-id", "--schedule", metavar="ID|KEY", help="Only conversations of this schedule."),
    ] = None,
) -> int:
    """List conversations, newest first, with their latest run.

    \b
    Examples:
      halo conversation list --limit 20
      halo conversation list --schedule checkout-daily --json
    """
    return list_conversation_rows(context, limit, agent_uuid, schedule_id)


@platform_command
def get_conversation(
    context: CommandContext,
    conversation_id: Annotated[str, typer.Argument(metavar="ID", help="The conversation's id.")],
) -> int:
    """Show a conversation: its messages, its runs and their traces.

    \b
    Examples:
      halo conversation get d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f
      halo conv get d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f --json
    """
    console = context.console
    thread = context.connect_for_reading().run_reader.conversation(conversation_id)
    console.print(document(thread.wire) if console.wants_json else _text(thread, console.out_style))
    return 0


def _text(thread: ConversationDetails, style: Style) -> str:
    parts = [record(format_fields(thread.conversation.wire), style)]
    for message in thread.messages:
        head = style.paint(f"[{message.sequence}] {style.safe(message.role)}", "bold")
        parts.append(f"{head}\n{neutralize_markdown(message.content, style)}\n")
    runs = runs_table(thread.runs, style)
    return "\n".join([*parts, f"{style.paint(counted(len(thread.runs), 'run'), 'bold')}\n{runs}"])


for each in (group, alias):
    each.command("list")(list_conversations)
    each.command("ls", hidden=True)(list_conversations)
    each.command("get")(get_conversation)
