"""Agents on the command line: their names in lists, and choosing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from halo_iac.cli.picker import Choice, Picker
from halo_iac.errors import HaloError, PlatformError, UsageError
from halo_iac.hints import Command, Hint

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.cli.console import Console
    from halo_iac.cli.context import CommandContext
    from halo_iac.cli.options import TimeRange
    from halo_iac.model.remote import Agent


def agent_names(context: CommandContext, connection: Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of agents by id; the platform is read once, or not at all without ids.

    An agent that was not seen in the last 90 days has no name. If the list cannot be read, that is logged, and no agent
    has a name.
    """
    if not any(ids):
        return {}
    try:
        agents = connection.reader.agents(connection.project.id)
    except PlatformError as error:
        context.console.log(context.console.err_style.safe(f"Agents are shown by id: {error.message}"))
        return {}
    return {agent.id: agent.identity for agent in agents if agent.identity}


def choose_agent(context: CommandContext, connection: Connection, time_range: TimeRange) -> Agent:
    """Ask on the terminal for an agent until the answer names one; without a terminal that is an error."""
    console = context.console
    if not console.is_interactive or console.wants_json:
        raise UsageError(
            "no agent was given", hint=Hint("name one or more; run `{}` to see them", Command("agent", "list"))
        )
    agents = connection.reader.agents(connection.project.id, time_range.value)
    if not agents:
        hint = "try a longer --agent-time-range"
        raise HaloError(f"no agent was seen in the last {time_range.value}", hint=hint)
    chosen = ask_agent(console, agents, "Which agent (number, name or part of a name)? ")
    if chosen is None:
        hint = "answer with a number or a name from the list"
        raise UsageError("no agent was chosen, so nothing was started", hint=hint)
    return chosen


def ask_agent(console: Console, agents: Sequence[Agent], question: str) -> Agent | None:
    """List agents and ask for one until the answer names one; ``None`` at the end of input."""
    picker = Picker("agent", ("NAME", "EXECUTIONS", "UUID"), frozenset({"NAME"}), question)
    return picker.ask(console, [_choice(agent) for agent in agents])


def _choice(agent: Agent) -> Choice[Agent]:
    name = agent.identity or agent.id
    return Choice(agent, name, agent.id, (name, "" if agent.executions is None else str(agent.executions), agent.id))
