"""``agent.*``: the agents that a project's traces were found to come from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from halo_iac.sandbox import rules
from halo_iac.sandbox.call import Call, Kind, Procedure, instant

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
    """Return the agents seen within the time range.

    ``stats.executionCount`` is what the store says whatever the range: nobody documents whether the platform counts
    within it.
    """
    wanted = rules.checked(call.input, _LIST)
    call.check_project(wanted["projectId"])
    back = timedelta(hours=_HOURS[wanted.get("timeRange", _USUAL_RANGE)])
    return call.tables.agents(wanted["projectId"], instant(datetime.fromisoformat(call.now) - back))


PROCEDURES: Final = {"agent.listForProject": Procedure(Kind.QUERY, list_for_project)}
