"""Fires schedules, the only background work of the sandbox: the state of a run follows from its row.

Not documented, and chosen here:

- A fire is a run of the fire's own instant, over the look-back window that ends there, whenever it is made up for.
- The sandbox works only while it is called. Of the fires that were missed in between, a schedule
  makes up for the latest alone, like systemd's and Kubernetes' timers; ``halo sandbox tick`` leaves none out.
- A schedule that was changed, enabled or unarchived fires from then on, not for the time before.
- A schedule whose agent is gone when it is to fire is disabled, with ``autoPausedAt`` and ``agent_not_found``, and
  fires again once it is enabled or given an agent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from halo_iac.sandbox.call import Settings
from halo_iac.sandbox.handlers import schedules as cadences
from halo_iac.sandbox.instants import EPOCH, format_instant
from halo_iac.sandbox.protocol import SandboxError
from halo_iac.sandbox.run_starter import RunOrder, RunStarter
from halo_iac.sandbox.store import AgentRow, ScheduleRow, Store, Tables

_FIRES_PER_TRANSACTION: Final = 200
"""Fires in one transaction, so that others need not wait for a thousand."""
_LEASE_LENGTH: Final = timedelta(seconds=30)
_POLL_SECONDS: Final = 0.1
_LIMITS: Final = ("modelId", "summarizationModelId", "spanLimit", "maxSubagentDepth", "maxTurns")


@dataclass(frozen=True, slots=True)
class Fire:
    """What a schedule did at an instant: it started a run, or was paused (``run_id`` is ``None``)."""

    schedule_id: str
    title: str
    at: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Firing:
    """Fires due schedules; a lease makes sure that only one process that has the file open does so at a time."""

    store: Store
    settings: Settings
    new_id: Callable[[], str]
    clock: Callable[[], datetime]
    """The real clock, which leases run by."""
    wait: Callable[[float], object]

    @property
    def lease_holder(self) -> str:
        """Return the name under which this sandbox takes the lease, unique among processes and sandboxes."""
        return f"{os.getpid()}/{id(self.store)}"

    def advance(self, now: datetime) -> list[Fire]:
        """Fire every due schedule for its latest instant; does nothing while another process has the lease."""
        fires: list[Fire] = []
        while True:
            with self.store.writing() as tables:
                real = self.clock()
                if not tables.take_lease(self.lease_holder, format_instant(real), format_instant(real + _LEASE_LENGTH)):
                    return fires
                due = tables.due_schedules(format_instant(now), _FIRES_PER_TRANSACTION)
                fires += [fire for row in due if (fire := self._fire(tables, row, now)) is not None]
                if len(due) < _FIRES_PER_TRANSACTION:
                    tables.end_lease(self.lease_holder)
                    return fires

    def advance_to(self, until: datetime, now: datetime) -> list[Fire]:
        """Advance the sandbox's clock from ``now`` to an instant, and fire the schedules due in between."""
        fires: list[Fire] = []
        before, waits = None, 0
        while (next_at := self._next_at()) is not None and next_at <= format_instant(until):
            if next_at == before:  # another process holds the lease
                waits += 1
                self._wait(waits)
            before = next_at
            now = datetime.fromisoformat(next_at) if next_at else now
            self._set_clock(now)
            fires += self.advance(now)
        self._set_clock(until)
        return fires

    def _next_at(self) -> str | None:
        with self.store.reading() as tables:
            return tables.clock().next_at

    def _wait(self, waits: int) -> None:
        if waits * _POLL_SECONDS > 2 * _LEASE_LENGTH.total_seconds():
            raise SandboxError("Another process is firing this sandbox's schedules; try again when it has finished.")
        self.wait(_POLL_SECONDS)

    def _set_clock(self, now: datetime) -> None:
        with self.store.writing() as tables:
            ahead = (now - self.clock()).total_seconds()
            if ahead > tables.clock().ahead:
                tables.set_clock_offset(ahead)

    def _fire(self, tables: Tables, row: ScheduleRow, now: datetime) -> Fire | None:
        upcoming = cadences.next_fire(row.wire, now)
        tables.set_next_fire(row.id, None if upcoming is None else format_instant(upcoming))
        if not row.next_at or not _can_fire(row.wire):
            return None
        at = cadences.last_fire(row.wire, datetime.fromisoformat(row.next_at), now)
        if tables.runs.has_fired(row.id, format_instant(at)):
            return None
        agent = tables.agent(row.project_id, row.wire["agentUuid"])
        if agent is None:
            _pause(tables, row, format_instant(at))
            return Fire(row.id, row.wire["title"], format_instant(at), None)
        start = max(EPOCH, at - timedelta(hours=min(row.wire["lookbackHours"], (at - EPOCH) // timedelta(hours=1))))
        order = order_for_schedule(row, agent, (start, at), origin="scheduled", created_at=format_instant(at))
        run = RunStarter(tables, self.new_id, self.settings).start(order)
        return Fire(row.id, row.wire["title"], format_instant(at), run.id)


def order_for_schedule(
    row: ScheduleRow, agent: AgentRow, window: tuple[datetime, datetime], *, origin: str, created_at: str
) -> RunOrder:
    """Return the order for a run of a schedule over a window; a fire has its instant as ``scheduled_for``."""
    return RunOrder(
        project_id=row.project_id,
        agent=agent,
        prompt=row.wire["prompt"],
        start=window[0],
        end=window[1],
        limits={name: row.wire.get(name) for name in _LIMITS},
        origin=origin,
        created_at=created_at,
        schedule_id=row.id,
        scheduled_for=created_at if origin == "scheduled" else None,
        title=row.wire["title"],
    )


def _pause(tables: Tables, row: ScheduleRow, at: str) -> None:
    paused = {"enabled": False, "autoPausedAt": at, "autoPauseReason": "agent_not_found", "updatedAt": at}
    tables.put_schedule(ScheduleRow(row.id, row.project_id, row.asked_model_id, {**row.wire, **paused}))


def _can_fire(wire: dict[str, Any]) -> bool:
    """Return whether a schedule can fire; only seeded schedules can be incomplete."""
    texts = all(isinstance(wire.get(name), str) and wire[name].strip() for name in ("title", "prompt", "agentUuid"))
    return texts and isinstance(wire.get("lookbackHours"), int)
