"""The platform's queries, one typed method each; there is nothing here that could change anything.

See docs/cli.md#commands.
"""

from __future__ import annotations

from typing import Any, Final

from halo_iac.api.access import AuthContext, read_auth_context
from halo_iac.api.answers import agent_of, list_of, schedule_of
from halo_iac.api.caller import Caller, Json
from halo_iac.api.listing import PROCEDURE, Listing, read_listing
from halo_iac.api.paging import Cursor
from halo_iac.api.retry import Retry
from halo_iac.model.remote import Agent, RemoteSchedule

WIDEST_WINDOW: Final = "90d"
"""The longest time range in which the platform looks for agents; names are resolved over it.

See docs/semantics.md#agent-names.
"""

_AGENTS: Final = "agent.listForProject"
_SCHEDULE: Final = "haloSchedule.getById"
_MODELS: Final = "haloSchedule.listEligibleModels"
_AUTH: Final = "project.getAuthContext"
_PROJECTS: Final = "project.getProjects"


class Reader:
    """Reads from the platform; every query is repeated as :class:`~halo_iac.api.retry.Retry` says."""

    def __init__(self, caller: Caller, retry: Retry | None = None) -> None:
        self._caller = caller
        self._retry = retry or Retry()

    def agents(self, project_id: str, time_range: str = WIDEST_WINDOW) -> tuple[Agent, ...]:
        """Return the agents seen in the window (``1h`` … ``90d``), in the platform's order."""
        return tuple(agent_of(value, _AGENTS) for value in self.agents_as_sent(project_id, time_range))

    def agents_as_sent(self, project_id: str, time_range: str = WIDEST_WINDOW) -> list[Any]:
        """Return the same in the platform's own field names, for ``--json``."""
        return list_of(self._read(_AGENTS, {"projectId": project_id, "timeRange": time_range}), _AGENTS)

    def schedules(self, project_id: str, *, include_archived: bool = True, agent: str | None = None) -> Listing:
        """Return every schedule, all cursors followed; ``agent`` is a UUID. Each one's ``wire`` is as sent."""
        query: dict[str, Any] = {"projectId": project_id, "includeArchived": include_archived}
        if agent is not None:
            query["agentUuid"] = agent

        def read_page(cursor: Cursor | None) -> Json:
            return self._read(PROCEDURE, query if cursor is None else {**query, "cursor": cursor})

        return read_listing(project_id, read_page)

    def schedule(self, schedule_id: str, *, deadline: float | None = None) -> RemoteSchedule:
        """Return one schedule; ``Rejected`` with 404 if there is none.

        ``deadline`` is an instant of :func:`time.monotonic`, for a read that is part of a longer operation.
        """
        return schedule_of(self._read(_SCHEDULE, {"id": schedule_id}, deadline), _SCHEDULE, schedule_id)

    def eligible_models(self) -> list[Any]:
        """Return the models a schedule may name, as sent: their shape is not documented."""
        return list_of(self._read(_MODELS), _MODELS)

    def auth_context(self) -> AuthContext:
        """Return what the platform takes the key for."""
        return read_auth_context(self._read(_AUTH), _AUTH)

    def projects(self) -> Json:
        """Return the projects as sent: their shape was never observed."""
        return self._read(_PROJECTS)

    def give_up(self) -> None:
        """Repeat nothing any more: waits end, and what fails from now on has failed."""
        self._retry.stop.set()

    def _read(self, procedure: str, query: dict[str, Any] | None = None, deadline: float | None = None) -> Json:
        return self._retry(lambda latest: self._caller.call(procedure, "query", query, deadline=deadline or latest))
