"""``agent.*``, ``project.*`` and ``user.*``: the agents that sent a project's traces, and what a key may do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from halo_iac.sandbox import demo
from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.demo import history as demo_history
from halo_iac.sandbox.instants import format_instant, to_nanoseconds
from halo_iac.sandbox.protocol import encode_json
from halo_iac.sandbox.store import AgentRow

_HOURS: Final = {"1h": 1, "6h": 6, "12h": 12, "1d": 24, "3d": 72, "7d": 168, "14d": 336, "30d": 720, "90d": 2160}
# The default range is the one that `inf` sends; the platform's own default is not documented.
_DEFAULT_RANGE: Final = "30d"

_LIST: Final = {
    "projectId": rules.required(rules.identifier),
    "timeRange": rules.optional(rules.one_of(_HOURS)),
}
_GET: Final = {"projectId": rules.required(rules.identifier)}


def list_for_project(call: Call) -> bytes:
    """Return the agents seen in the time range, each with the number of its traces that began in it."""
    wanted = call.read_project_input(_LIST)
    project_id = wanted["projectId"]
    now = datetime.fromisoformat(call.now)
    since = now - timedelta(hours=_HOURS[wanted.get("timeRange", _DEFAULT_RANGE)])
    counts = _counts(call, project_id, since, now)
    listed = (_wire(agent, counts, format_instant(since)) for agent in call.tables.agents(project_id))
    return encode_json([wire for wire in listed if wire is not None])


def _counts(call: Call, project_id: str, since: datetime, now: datetime) -> dict[int, int]:
    window = to_nanoseconds(since), to_nanoseconds(now)
    counts = call.tables.spans.execution_counts(*window)
    for agent in call.tables.agents(project_id):
        counts[agent.row_id] += demo_history.count_traces(call.tables, project_id, agent, *window)
    return counts


def _wire(agent: AgentRow, counts: Mapping[int, int], since: str) -> dict[str, Any] | None:
    """Return an agent in the wire format, or ``None`` if it was not seen; one added by hand is returned unchanged."""
    if agent.is_counted:
        count = counts[agent.row_id]
        return {**agent.wire, "stats": {"executionCount": count}} if count else None
    return agent.wire if agent.last_seen_at is None or agent.last_seen_at >= since else None


def get_auth_context(call: Call) -> bytes:
    """Return the permissions and projects of the key; ``resolvedProject`` is null unless it has exactly one project."""
    granted = (("read", call.key.can_read), ("write", call.key.can_write))
    permissions = [name for name, is_granted in granted if is_granted]
    projects = [{"id": each["id"], "name": each["name"]} for each in call.tables.projects(call.key)]
    return encode_json(
        {
            "authMethod": "api-key",
            "teamId": demo.DEMO_TEAM_ID,
            "resolvedProject": projects[0] if len(projects) == 1 else None,
            "scopedProjects": [{**each, "permissions": permissions} for each in projects],
        }
    )


def get_projects(call: Call) -> bytes:
    """Return the projects that the key covers."""
    return encode_json([_project_wire(each) for each in call.tables.projects(call.key)])


def get_project(call: Call) -> bytes:
    """Return one project."""
    project_id = call.read_project_input(_GET)["projectId"]
    return encode_json(next(_project_wire(each) for each in call.tables.projects() if each["id"] == project_id))


def get_profile(_call: Call) -> bytes:
    """Return the only user of a sandbox, which `inf auth` asks for."""
    user = {"id": demo.DEMO_USER_ID, "email": "sandbox@localhost", "name": "Sandbox"}
    return encode_json({"session": {"user": user}})


def _project_wire(project: dict[str, str]) -> dict[str, Any]:
    return {**project, "teamId": demo.DEMO_TEAM_ID}


PROCEDURES: Final = {
    "agent.listForProject": Procedure(Kind.QUERY, list_for_project),
    "project.getAuthContext": Procedure(Kind.QUERY, get_auth_context),
    "project.getProjects": Procedure(Kind.QUERY, get_projects),
    "project.getProject": Procedure(Kind.QUERY, get_project),
    "user.getProfile": Procedure(Kind.QUERY, get_profile),
}
