"""``halo agent``: the agents that schedules can name."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import TimeRange
from halo_iac.render.json import document
from halo_iac.render.text.table import table

_HELP = """List the agents seen in the project's traces.

\b
Example:
  halo agent list
"""

group = typer.Typer(name="agent", help=_HELP, rich_markup_mode=None)


@group.command("list")
@group.command("ls", hidden=True)
@platform_command
def list_agents(
    context: CommandContext,
    time_range: Annotated[
        TimeRange, typer.Option("--time-range", metavar="RANGE", help="1h, 6h, 12h, 1d, 3d, 7d, 14d, 30d or 90d.")
    ] = TimeRange.MONTH,
) -> int:
    """List the agents seen in recent traces, and their UUIDs.

    `agent:` in a project file accepts a name or a UUID from this list.

    \b
    Examples:
      halo agent list
      halo agent list --time-range 90d --json
    """
    console = context.console
    connection = context.connect_for_reading()
    if console.wants_json:
        console.print(document(connection.reader.raw_agents(connection.project.id, time_range.value)))
        return 0
    agents = connection.reader.agents(connection.project.id, time_range.value)
    rows = [
        (agent.identity or "", agent.source or "", agent.id, "" if agent.executions is None else str(agent.executions))
        for agent in agents
    ]
    console.print(table(("NAME", "SOURCE", "UUID", "EXECUTIONS"), rows, console.out_style, uncut={"NAME", "UUID"}))
    if not rows:
        console.log(f"No agent was seen in the last {time_range.value}; try a longer --time-range.")
    return 0
