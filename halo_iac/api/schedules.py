"""The platform's procedures for schedules, one typed method each: ``Reader`` only reads, ``Writer`` changes.

See docs/cli.md#commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from halo_iac.api.auth import AuthContext, read_auth_context
from halo_iac.api.decode import parse_agent, parse_list, parse_schedule
from halo_iac.api.pagination import PROCEDURE, Cursor, Listing, read_listing
from halo_iac.api.retry import Retry
from halo_iac.api.trpc import Json, RpcClient
from halo_iac.model.remote import Agent, RemoteSchedule, to_wire
from halo_iac.model.schedule import Spec

MAX_AGENT_RANGE: Final = "90d"
"""The longest time range in which the platform looks for agents; names are resolved over it.

See docs/semantics.md#agent-names.
"""

_AGENTS: Final = "agent.listForProject"
_SCHEDULE: Final = "haloSchedule.getById"
_MODELS: Final = "haloSchedule.listEligibleModels"
_SUMMARIZATION_MODELS: Final = "haloSchedule.listEligibleSummarizationModels"
_AUTH: Final = "project.getAuthContext"
_PROJECTS: Final = "project.getProjects"


class Reader:
    """Reads from the platform; queries are retried by :class:`~halo_iac.api.retry.Retry`."""

    def __init__(self, caller: RpcClient, retry: Retry | None = None) -> None:
        self._caller = caller
        self._retry = retry or Retry()

    def agents(self, project_id: str, time_range: str = MAX_AGENT_RANGE) -> tuple[Agent, ...]:
        """Return the agents seen in the window (``1h`` … ``90d``), in the platform's order."""
        return tuple(parse_agent(value, _AGENTS) for value in self.raw_agents(project_id, time_range))

    def raw_agents(self, project_id: str, time_range: str = MAX_AGENT_RANGE) -> list[Any]:
        """Return the same in the platform's own field names, for ``--json``."""
        return parse_list(self._read(_AGENTS, {"projectId": project_id, "timeRange": time_range}), _AGENTS)

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
        return parse_schedule(self._read(_SCHEDULE, {"id": schedule_id}, deadline), _SCHEDULE, schedule_id)

    def eligible_models(self) -> list[Any]:
        """Return the models a schedule may name, as sent: their shape is not documented."""
        return parse_list(self._read(_MODELS), _MODELS)

    def eligible_summarization_models(self) -> list[Any]:
        """Return the models that ``summarization_model_id`` may name, as sent."""
        return parse_list(self._read(_SUMMARIZATION_MODELS), _SUMMARIZATION_MODELS)

    def auth_context(self) -> AuthContext:
        """Return what the platform knows about the key."""
        return read_auth_context(self._read(_AUTH), _AUTH)

    def projects(self) -> Json:
        """Return the projects as sent: their shape was never observed."""
        return self._read(_PROJECTS)

    def cancel(self) -> None:
        """Stop retrying: waits end, and the next failure is final."""
        self._retry.stop.set()

    def _read(self, procedure: str, query: dict[str, Any] | None = None, deadline: float | None = None) -> Json:
        return self._retry(lambda latest: self._caller.call(procedure, "query", query, deadline=deadline or latest))


_CREATE: Final = "haloSchedule.create"
_UPDATE: Final = "haloSchedule.update"
_ARCHIVE: Final = "haloSchedule.archive"
_UNARCHIVE: Final = "haloSchedule.unarchive"


def create_input(project_id: str, spec: Spec) -> dict[str, Any]:
    """Return what creates this schedule: every field, as the official client sends it.

    Where the platform chooses the analysis model, ``modelId`` is null, while ``summarizationModelId`` is left out; a
    schedule whose ``enabled`` is left to the operator starts enabled (docs/semantics.md#left-out).
    """
    return {"projectId": project_id, "modelId": None, "enabled": True, **to_wire(spec)}


class Writer:
    """Changes schedules; made only for an apply. The answers are the schedules as the platform now has them.

    ``deadline`` is an instant of :func:`time.monotonic`; default: 120 s from now.
    """

    def __init__(self, caller: RpcClient) -> None:
        self._caller = caller

    def create(self, fields: Mapping[str, Any], *, deadline: float | None = None) -> RemoteSchedule:
        """Create a schedule from what :func:`create_input` returned; never to be repeated blindly.

        See docs/semantics.md#creates.
        """
        return parse_schedule(self._caller.call(_CREATE, "mutation", dict(fields), deadline=deadline), _CREATE)

    def update(self, schedule_id: str, fields: Mapping[str, Any], *, deadline: float | None = None) -> RemoteSchedule:
        """Set some fields, named as the platform names them."""
        return self._change(_UPDATE, {"id": schedule_id, **fields}, deadline)

    def archive(self, schedule_id: str, *, deadline: float | None = None) -> RemoteSchedule:
        """Archive a schedule; harmless when repeated."""
        return self._change(_ARCHIVE, {"id": schedule_id}, deadline)

    def unarchive(self, schedule_id: str, *, deadline: float | None = None) -> RemoteSchedule:
        """Bring an archived schedule back; harmless when repeated."""
        return self._change(_UNARCHIVE, {"id": schedule_id}, deadline)

    def _change(self, procedure: str, fields: dict[str, Any], deadline: float | None) -> RemoteSchedule:
        answer = self._caller.call(procedure, "mutation", fields, deadline=deadline)
        return parse_schedule(answer, procedure, fields["id"])
