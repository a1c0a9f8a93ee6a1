"""Agents on a command line: their names for lists, and the question which one is meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from halo_iac.errors import PlatformError

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.cli.context import CommandContext


def agent_names(context: CommandContext, connection: Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of these agents by id, with the platform asked once, and not at all where there are no ids.

    An agent that was not seen for long has none; where the platform refuses the list, that is said and none has one.
    """
    if not any(ids):
        return {}
    try:
        agents = connection.reader.agents(connection.project.id)
    except PlatformError as error:
        context.console.say(context.console.err_style.safe(f"Agents are shown by id: {error.message}"))
        return {}
    return {agent.id: agent.identity for agent in agents if agent.identity}
