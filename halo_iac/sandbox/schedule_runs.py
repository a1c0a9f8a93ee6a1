"""``haloSchedule.listRuns`` and ``.fireNow``: a schedule's runs, apart from what plans need of schedules.

Not documented, and chosen here: an archived schedule cannot be fired by hand, one that is not enabled can.
"""

from __future__ import annotations

from typing import Final

from halo_iac.sandbox import rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.firing import order_of
from halo_iac.sandbox.life import life
from halo_iac.sandbox.lookup import agent_of
from halo_iac.sandbox.protocol import Refusal, encoded
from halo_iac.sandbox.rules import Shape, optional, required
from halo_iac.sandbox.runs import check_window
from halo_iac.sandbox.schedules import found
from halo_iac.sandbox.starting import Starter, started
from halo_iac.sandbox.wires import run_wire

_USUAL_LIMIT: Final = 50
_BY_ID: Final[Shape] = {"id": required(rules.identifier)}
_RUNS: Final[Shape] = {**_BY_ID, "limit": optional(rules.whole(1, 100))}
_FIRE: Final[Shape] = {
    **_BY_ID,
    "windowStartAt": required(rules.moment),
    "windowEndAt": required(rules.moment),
}


def list_runs(call: Call) -> bytes:
    """Return the schedule's runs, newest first."""
    row = found(call, _RUNS)
    limit = rules.checked(call.input, _RUNS).get("limit", _USUAL_LIMIT)
    return encoded([run_wire(life(run, call.now)) for run in call.tables.runs.of_schedule(row.id, limit)])


def fire_now(call: Call) -> bytes:
    """Start a run of a schedule, enabled or not, over a window of the caller's."""
    wanted = rules.checked(call.input, _FIRE)
    row = found(call, _FIRE)
    if row.wire.get("archivedAt") is not None:
        raise Refusal("PRECONDITION_FAILED", f"Schedule {row.id} is archived.")
    check_window(wanted, call.now)
    window = (wanted["windowStartAt"], wanted["windowEndAt"])
    agent = agent_of(call, row.project_id, row.wire["agentUuid"])
    order = order_of(row, agent, window, origin="manual_schedule", created_at=call.now)
    return started(Starter(call.tables, call.new_id, call.settings).start(order))


PROCEDURES: Final = {
    "haloSchedule.listRuns": Procedure(Kind.QUERY, list_runs),
    "haloSchedule.fireNow": Procedure(Kind.MUTATION, fire_now),
}
