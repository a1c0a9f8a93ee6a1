"""Agents on a command line: their names for lists, and the question which one is meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from halo_iac.errors import HaloError, PlatformError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.render.text.table import table
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.cli.console import Console
    from halo_iac.cli.context import CommandContext
    from halo_iac.cli.options import TimeRange
    from halo_iac.model.remote import Agent

_AROUND: Final = 5
"""Lines of a terminal that the list of agents leaves to its header, to what follows it and to the question."""
_FEWEST: Final = 5
"""How many agents are listed at least, however low the terminal is."""

Numbered = Sequence[tuple[int, "Agent"]]
"""Agents with the numbers that stand for them, however the list is filtered."""


def agent_names(context: CommandContext, connection: Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of these agents by id, with the platform asked once, and not at all where there are no ids.

    An agent that was not seen for long has none; where the platform refuses the list, that is said and none has one.
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
    """Ask on the terminal which agent is meant, until the answer is one; without a terminal that is an error."""
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
    """List agents and ask which one is meant, until the answer is one; ``None`` at the end of input."""
    numbered = tuple(enumerate(agents, 1))
    _list(console, numbered)
    while (answer := console.read_answer(question)) is not None:
        found = _matching(numbered, answer)
        if len(found) == 1 and _is_exact(found[0], answer):
            return found[0][1]
        if found:
            _list(console, found)
        else:
            console.print_error_text(console.err_style.safe(f"No agent has the number or name {answer!r}."))
    console.print_error_text("\n")
    return None


def _matching(agents: Numbered, answer: str) -> Numbered:
    """Return the agent with this number, else those with this name or id, else those with it in their names."""
    words = answer.casefold()
    if not words:
        return agents
    return (
        [each for each in agents if answer == str(each[0])]
        or [each for each in agents if answer in {each[1].identity, each[1].id}]
        or [each for each in agents if words == _name(each[1]).casefold()]
        or [each for each in agents if words in _name(each[1]).casefold()]
    )


def _is_exact(found: tuple[int, Agent], answer: str) -> bool:
    """Say whether an answer is all that an agent goes by: a run costs money, and a part of a name may be a slip."""
    number, agent = found
    return answer in {str(number), agent.id} or answer.casefold() == _name(agent).casefold()


def _name(agent: Agent) -> str:
    return agent.identity or agent.id


def _list(console: Console, agents: Numbered) -> None:
    """List as many agents as the terminal has lines for, and say how to find the others."""
    room = max(console.height - _AROUND, _FEWEST)
    rows = [
        (str(number), _name(agent), "" if agent.executions is None else str(agent.executions), agent.id)
        for number, agent in agents[:room]
    ]
    console.print_error_text(table(("#", "NAME", "EXECUTIONS", "UUID"), rows, console.err_style, whole={"NAME"}))
    if len(agents) > room:
        console.print_error_text(f"{counted(len(agents) - room, 'more agent')}; type a part of a name to filter.")
