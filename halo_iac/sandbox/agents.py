"""``agent.*``: the agents that a project's traces were found to come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from halo_iac.sandbox import demo_history, rules
from halo_iac.sandbox.call import Call, Kind, Procedure, instant, nanoseconds
from halo_iac.sandbox.protocol import encoded
from halo_iac.sandbox.store import AgentRow

_HOURS: Final = {
    "1h": 1,
    "6h": 6,
    "12h": 12,
    "1d": 24,
    "3d": 72,
    "7d": 168,
    "14d": 336,
    "30d": 720,
    "90d": 2160,
}
# Left out, the window is what `inf` sends when its user names none; the platform's own default is not documented.
_USUAL_RANGE: Final = "30d"

_LIST: Final = {
    "projectId": rules.required(rules.identifier),
    "timeRange": rules.optional(rules.one_of(_HOURS)),
}


def list_for_project(call: Call) -> bytes:
    """Return the agents seen within the time range, and how many of their traces began within it."""
    wanted = rules.checked(call.input, _LIST)
    project_id = wanted["projectId"]
    call.check_project(project_id)
    now = datetime.fromisoformat(call.now)
    since = now - timedelta(hours=_HOURS[wanted.get("timeRange", _USUAL_RANGE)])
    counts = _counts(call, project_id, since, now)
    listed = (_wire(agent, counts, instant(since)) for agent in call.tables.agents(project_id))
    return encoded([wire for wire in listed if wire is not None])


def _counts(call: Call, project_id: str, since: datetime, now: datetime) -> dict[int, int]:
    window = nanoseconds(since), nanoseconds(now)
    counts = call.tables.spans.execution_counts(*window)
    for agent in call.tables.agents(project_id):
        counts[agent.place] += demo_history.count(call.tables, project_id, agent, *window)
    return counts


def _wire(agent: AgentRow, counts: Mapping[int, int], since: str) -> dict[str, Any] | None:
    """Return an agent as it is listed, or ``None`` where it was not seen; one that was put in by hand says itself."""
    if agent.is_counted:
        count = counts[agent.place]
        return {**agent.wire, "stats": {"executionCount": count}} if count else None
    return agent.wire if agent.last_seen_at is None or agent.last_seen_at >= since else None


PROCEDURES: Final = {"agent.listForProject": Procedure(Kind.QUERY, list_for_project)}
