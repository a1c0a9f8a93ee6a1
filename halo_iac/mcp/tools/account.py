"""whoami and list_agents: the key, its project, and the project's agents."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from halo_iac.api.auth import AccessibleProject
from halo_iac.errors import HaloError
from halo_iac.mcp.arguments import Arguments, Paged
from halo_iac.mcp.pagination import collect_all
from halo_iac.mcp.tool import Answer, Call, Line, Result, Tool, Total
from halo_iac.model.remote import Agent
from halo_iac.text import counted
from halo_iac.version import full_version

_MAX_PROJECTS: Final = 50
_MAX_PERMISSIONS: Final = 10


class AProject(Result):
    """A project that the key belongs to."""

    project_id: Annotated[str, Field(description="Its id; pass it as `project`.")]
    name: Annotated[Line | None, Field(description="Its name.")] = None
    permissions: Annotated[list[Line], Field(description="Permissions of the key there: read, write.")]


class Account(Result):
    """The answer of whoami."""

    project_id: Annotated[str | None, Field(description="The project used by calls without `project`.")] = None
    project_origin: Annotated[Line | None, Field(description="Where the project is set.")] = None
    platform: Annotated[Line, Field(description="The platform's URL, or the sandbox.")]
    is_sandbox: Annotated[bool, Field(description="Whether it is a sandbox on this machine, where calls are free.")]
    team_id: Annotated[Line | None, Field(description="The team of the key.")] = None
    key_origin: Annotated[
        Line | None, Field(description="Where the key comes from; the key itself is never shown.")
    ] = None
    projects: Annotated[list[AProject], Field(description="The projects that the key belongs to.")]
    can_start_runs: Annotated[bool, Field(description="Whether this server offers the tools that cost money.")]
    version: Annotated[str, Field(description="The version of halo.")]


def whoami(call: Call[Arguments]) -> Answer:
    """Return project, platform and permissions; if no project is named, the projects to choose from."""
    session = call.session
    platform, settings = session.platform, session.platform.settings
    access = platform.reader.auth_context()
    project_id, origin, summary = None, None, "The project and the key behind this server."
    try:
        project_id, origin = platform.project.id, platform.project.origin
    except HaloError:
        summary = "No project is named yet: pass `project`, one of those listed, to every tool."
    known = access.scoped or ((access.resolved,) if access.resolved is not None else ())
    data = Account(
        project_id=project_id,
        project_origin=origin,
        platform=platform.base_url,
        is_sandbox=platform.is_sandbox,
        team_id=access.team_id or (settings.team.value if settings.team else None),
        key_origin=settings.key.origin if settings.key else None,
        projects=[_project(each) for each in known[:_MAX_PROJECTS]],
        can_start_runs=session.allows_runs,
        version=full_version(),
    )
    return Answer(data, summary)


def _project(found: AccessibleProject) -> AProject:
    return AProject(project_id=found.id, name=found.name, permissions=[*found.permissions][:_MAX_PERMISSIONS])


class ListAgents(Paged):
    """The arguments of list_agents."""

    time_range: Annotated[
        Literal["1h", "6h", "12h", "1d", "3d", "7d", "14d", "30d", "90d"],
        Field(description="How far back to look for traces."),
    ] = "30d"


class AgentRow(Result):
    """An agent."""

    agent_id: Annotated[str, Field(description="Its UUID.")]
    agent: Annotated[Line | None, Field(description="Its name; pass it as `agent`.")] = None
    source: Annotated[Line | None, Field(description="The trace attribute that identifies it.")] = None
    executions: Annotated[int | None, Field(description="Number of executions in this time range.")] = None


class Agents(Result):
    """The answer of list_agents."""

    agents: Annotated[list[AgentRow], Field(description="In the platform's order.")]
    total: Total


def list_agents(call: Call[ListAgents]) -> Answer:
    """Return the agents seen in recent traces."""
    session, wanted, start = call
    platform = session.platform
    found = platform.reader.agents(platform.project.id, wanted.time_range)
    rows, rest = collect_all(found, _agent_row, start, wanted.limit)
    summary = f"{len(rows)} of {counted(len(found), 'agent')} seen in the last {wanted.time_range}."
    return Answer(Agents(agents=rows, total=len(found)), summary, rest)


def _agent_row(found: Agent) -> AgentRow:
    return AgentRow(agent_id=found.id, agent=found.identity, source=found.source, executions=found.executions)


WHOAMI: Final = Tool(
    "whoami",
    "Show project and key",
    "Shows the project, team and platform that the other tools use, the permissions of the key, and its projects. Use "
    "it first when a call fails because of the key or project, or to find ids for `project`.",
    Arguments,
    Account,
    whoami,
)
LIST_AGENTS: Final = Tool(
    "list_agents",
    "List agents",
    "Lists the agents seen in the project's recent traces, by name and UUID. Use it to find what to pass as `agent`.",
    ListAgents,
    Agents,
    list_agents,
)
