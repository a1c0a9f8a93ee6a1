"""The writes of a receipt by schedule: its state before the run, and the states it may have after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from halo_iac.errors import DocumentError
from halo_iac.model.plan import Action
from halo_iac.model.receipt import Receipt, Result, Write, WriteIntent
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import FIELDS, Spec

MAX_WRITES: Final = 50
"""The most writes of one schedule in a run, with repetitions; halo itself stays far below."""


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule at one moment of the run; ``None`` stands for a schedule that did not exist."""

    spec: Spec
    is_archived: bool

    def matches(self, remote: RemoteSchedule, spec: Spec, names: Sequence[str]) -> bool:
        """Return whether the platform shows it in the fields ``names``; ``spec`` is the schedule's comparable form."""
        wanted = self.spec.filled_from(spec)
        return self.is_archived != remote.is_active and all(
            getattr(wanted, name) == getattr(spec, name) for name in names
        )


@dataclass(frozen=True, slots=True)
class History:
    """All writes of a run, done or possible, to one schedule; ``id`` is ``None`` if no answer returned it."""

    id: str | None
    writes: tuple[Write, ...]

    @property
    def origin(self) -> ScheduleState | None:
        """Return what it was before the run."""
        first = self.writes[0].intent
        return None if first.before is None else ScheduleState(first.before, first.is_archived)

    @property
    def has_no_effect(self) -> bool:
        """Return whether none of its writes was done, so that the run has not changed the schedule."""
        return all(write.result is Result.NOT_DONE for write in self.writes)

    @property
    def may_have_unknown_id(self) -> bool:
        """Return whether the id is of a create that the platform answered, but whose schedule it could not find."""
        return self.origin is None and self.writes[0].result is Result.UNKNOWN

    @property
    def compared(self) -> tuple[str, ...]:
        """Return the fields that decide whether a schedule is as the run left it.

        If it was only paused or resumed, only `enabled`: its prompt may have been corrected meanwhile.
        """
        return ("enabled",) if all(_is_only_pausing(write.intent) for write in self.writes) else FIELDS

    @property
    def ends(self) -> tuple[ScheduleState | None, ...]:
        """Return the states that the run may have left it in; several if an outcome is unknown."""
        states = [self.origin]
        for write in self.writes:
            if write.result is Result.NOT_DONE:
                continue
            made = [_state_after(write.intent, state) for state in states]
            states = [*dict.fromkeys(made if write.result is Result.DONE else [*states, *made])]
        return tuple(states)

    def is_undone(self, remote: RemoteSchedule, spec: Spec) -> bool:
        """Return whether a schedule is as it was before the run; a schedule that the run created is archived then."""
        origin = self.origin
        if origin is None:
            return not remote.is_active
        if origin.is_archived == remote.is_active:
            return False
        return any(_has_former_values(spec, origin, end, self.compared) for end in self.ends if end is not None)

    def end(self, remote: RemoteSchedule, spec: Spec) -> ScheduleState | None:
        """Return which of its ends the platform shows, if any."""
        return next((end for end in self.ends if end is not None and end.matches(remote, spec, self.compared)), None)


def _has_former_values(spec: Spec, origin: ScheduleState, end: ScheduleState, names: Sequence[str]) -> bool:
    """Return whether all fields of ``names`` are as before, except those that ``end`` does not manage."""
    return all(getattr(end.spec, name) is None or getattr(spec, name) == getattr(origin.spec, name) for name in names)


def _is_only_pausing(intent: WriteIntent) -> bool:
    before, after = intent.before, intent.after
    if intent.action is not Action.UPDATE or before is None or after is None:
        return False
    return (
        after.enabled is not None
        and after.enabled is not before.enabled
        and replace(after, enabled=before.enabled) == before
    )


def histories(receipt: Receipt) -> list[History]:
    """Return the schedules of a receipt in the order of their first write; creates that were refused made none."""
    found: dict[tuple[str | None, int], list[Write]] = {}
    for write in receipt.writes:
        if write.id is not None:
            found.setdefault((write.id, 0), []).append(write)
        elif write.result is Result.UNKNOWN:
            found.setdefault((None, write.intent.number), []).append(write)
    if any(len(writes) > MAX_WRITES for writes in found.values()):
        message = f"{receipt.name}: the receipt writes one schedule more than {MAX_WRITES} times, which halo never does"
        raise DocumentError(message)
    return [History(id_, tuple(writes)) for (id_, _), writes in found.items()]


def _state_after(intent: WriteIntent, state: ScheduleState | None) -> ScheduleState | None:
    if intent.action is Action.CREATE:
        return None if intent.after is None else ScheduleState(intent.after, is_archived=False)
    if state is None:
        return None
    if intent.action is Action.UPDATE:
        return state if intent.after is None else replace(state, spec=intent.after)
    return replace(state, is_archived=intent.action is Action.ARCHIVE)
