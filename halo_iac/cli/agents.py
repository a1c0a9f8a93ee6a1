"""Agents on the command line: their names in lists, finding them by name, and choosing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from halo_iac.cli.picker import Choice, Picker
from halo_iac.errors import HaloError, PlatformError, UsageError
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.model.ids import is_uuid
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState
from halo_iac.resolve import Catalog, Unresolved

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.cli.console import Console
    from halo_iac.cli.context import CommandContext
    from halo_iac.cli.options import TimeRange
    from halo_iac.model.remote import Agent
    from halo_iac.model.runs import RunRequest


def read_agent_names(context: CommandContext, connection: Connection, ids: Iterable[str]) -> Mapping[str, str]:
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


def build_agent_requests(
    context: CommandContext,
    connection: Connection,
    project: Project | None,
    references: Sequence[str],
    request: RunRequest,
    time_range: TimeRange,
) -> tuple[RunRequest, ...]:
    """Return the request once for each agent, given by alias, name or UUID; without any, ask on the terminal for one.

    An unknown agent is an error; the agents to choose from were seen in the ``time_range``.
    """
    if not references:
        agent = _choose_agent(context, connection, time_range)
        return (replace(request, agent=agent.id, name=agent.identity or agent.id),)
    ids = _agent_ids(connection, project, references)
    return tuple(replace(request, agent=id_, name=reference) for reference, id_ in ids.items())


def find_agent_id(connection: Connection, project: Project | None, reference: str) -> str:
    """Return the UUID of an agent given by alias, name or UUID; an unknown agent is an error."""
    return _agent_ids(connection, project, [reference])[reference]


def _agent_ids(connection: Connection, project: Project | None, references: Sequence[str]) -> dict[str, str]:
    """Return the UUID of each agent, given by alias, name or UUID; all unknown agents are in one error."""
    aliases = project.aliases if project is not None else {}
    must_ask = any(reference in aliases or not is_uuid(reference) for reference in references)
    agents = connection.reader.agents(connection.project.id) if must_ask else ()
    catalog = Catalog(project or Project("", ()), PlatformState(schedules=(), agents=agents))
    found = {reference: catalog.find(reference) for reference in references}
    missing = [outcome for outcome in found.values() if isinstance(outcome, Unresolved)]
    if missing:
        hints = dict.fromkeys(each.hint for each in missing)
        raise HaloError("\n".join(each.reason for each in missing), hint=join_hints("\n", hints))
    return {reference: outcome for reference, outcome in found.items() if isinstance(outcome, str)}


def _choose_agent(context: CommandContext, connection: Connection, time_range: TimeRange) -> Agent:
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
    choices = []
    for agent in agents:
        name, executions = agent.identity or agent.id, "" if agent.executions is None else str(agent.executions)
        choices.append(Choice(agent, name, agent.id, (name, executions, agent.id)))
    return picker.ask(console, choices)
