"""Steps: one change of one existing schedule, read before every write (design §6, Existing schedules).

The platform has no preconditions, so each attempt reads first: already as desired → done; as it was in the plan →
write; anything else is a conflict and is left alone. Reading first is also what makes a repeated attempt safe after a
lost answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from halo_iac.api.reader import Reader
from halo_iac.api.retry import Retry
from halo_iac.api.writer import Writer
from halo_iac.apply.crew import Report
from halo_iac.errors import Delivery, PlatformError
from halo_iac.model.change import Action, Change
from halo_iac.model.outcome import Event, Status
from halo_iac.model.remote import Opaque, RemoteSchedule, to_wire
from halo_iac.model.schedule import FIELDS, Spec


@dataclass(frozen=True, slots=True)
class Desk:
    """What every step works with; the reader makes single attempts, since ``retry`` repeats it with its write."""

    reader: Reader
    writer: Writer
    retry: Retry
    halt: Callable[[], None]

    def retrying(self, change: Change, report: Report) -> Retry:
        """Return the retry policy, telling of each wait as an event of this change."""

        def narrate(error: PlatformError, wait: float, _attempt: int) -> None:
            report(Event(change, Status.RETRYING, change.id, f"{error.message}; again in {wait:.1f} s"))

        return replace(self.retry, on_retry=narrate)


class _Clash(Exception):  # noqa: N818 - ends one step, never leaves this module
    """The platform shows neither what was planned from nor what is desired."""


class _Mismatch(Exception):  # noqa: N818 - likewise
    """The platform's answer is not what was sent."""


class _Attempt(Protocol):
    def __call__(self) -> Status: ...


def carry_out(change: Change, desk: Desk, report: Report) -> Event:
    """Update, unarchive or archive one schedule and return how it ended; never raises a platform's failure."""
    step = _Step(change, desk)

    try:
        status = desk.retrying(change, report)(step.attempt)
    except _Clash as clash:
        return Event(change, Status.CONFLICT, change.id, str(clash), "plan again to see what it is now")
    except _Mismatch as mismatch:
        return Event(change, Status.FAILED, change.id, str(mismatch), "plan again to see what it is now")
    except PlatformError as error:
        return _failure(change, error, desk, is_open=step.is_open)
    return Event(change, status, change.id)


def _failure(change: Change, error: PlatformError, desk: Desk, *, is_open: bool) -> Event:
    if error.ends_the_run:
        desk.halt()
    if is_open:
        hint = f"`halo schedule get {change.id}` shows what became of it; the next apply repeats it if need be"
        return Event(change, Status.UNKNOWN, change.id, error.message, hint)
    return Event(change, Status.FAILED, change.id, error.message, error.hint)


class _Step:
    """The attempts at one change; ``is_open`` while a write's answer was lost and no read has settled it since."""

    def __init__(self, change: Change, desk: Desk) -> None:
        self._change = change
        self._id = change.id or ""
        self._desk = desk
        self._has_written = False
        self._has_unarchived = False
        self.is_open = False
        self.attempt: _Attempt = {
            Action.UPDATE: self._update,
            Action.UNARCHIVE: self._unarchive,
            Action.ARCHIVE: self._archive,
        }[change.action]

    def _update(self) -> Status:
        remote = self._read()
        if not remote.is_active:
            raise _Clash("it has been archived since the plan was made")
        if self._shows_desired(remote):
            return self._settled()
        self._write_fields()
        return Status.DONE

    def _archive(self) -> Status:
        remote = self._read()
        if not remote.is_active:
            return self._settled()
        before = self._change.before
        if before is not None and remote.title != before.title:
            raise _Clash(f"its title is now {remote.title!r}")
        answer = self._write(self._desk.writer.archive)
        if answer.is_active:
            raise _Mismatch("the platform answered, but the schedule is not archived")
        return Status.DONE

    def _unarchive(self) -> Status:
        """Update first, so that no stale cadence fires; the other way round where the platform insists."""
        remote = self._read()
        if remote.is_active and not self._has_unarchived and not self._has_written:
            if self._shows_desired(remote):
                return Status.ALREADY
            raise _Clash("it has been unarchived since the plan was made")
        is_pending = not self._shows_desired(remote)
        if is_pending and not remote.is_active:
            is_pending = not self._has_updated_archived()
        if not remote.is_active:
            self._write_unarchive()
        if is_pending:
            self._write_fields_or_rearchive()
        return Status.DONE

    def _has_updated_archived(self) -> bool:
        """Update while archived; ``False`` where the platform refuses that, which wire.md does not document."""
        try:
            self._write_fields()
        except PlatformError as error:
            if error.delivery is Delivery.REFUSED and not error.is_transient and not error.ends_the_run:
                return False
            raise
        return True

    def _write_fields_or_rearchive(self) -> None:
        try:
            self._write_fields()
        except PlatformError as error:
            if error.delivery is Delivery.REFUSED and not error.is_transient:
                self._write(self._desk.writer.archive)  # it must not fire with the values it had
            raise

    def _write_unarchive(self) -> None:
        answer = self._write(self._desk.writer.unarchive)
        self._has_unarchived = True
        if not answer.is_active:
            raise _Mismatch("the platform answered, but the schedule is still archived")

    def _write_fields(self) -> None:
        after = self._desired
        names = [field.field for field in self._change.fields]
        answer = self._write(lambda id_: self._desk.writer.update(id_, to_wire(after, names)))
        spec = answer.spec()
        if isinstance(spec, Opaque):
            raise _Mismatch(f"the platform's answer cannot be read: {spec.reason}")
        differing = differing_fields(after.over(spec), spec)
        if differing:
            raise _Mismatch(f"the platform answered with another {', '.join(differing)} than was sent")

    @property
    def _desired(self) -> Spec:
        assert self._change.after is not None  # noqa: S101 - only an archive has none
        return self._change.after

    def _read(self) -> RemoteSchedule:
        remote = self._desk.reader.schedule(self._id)
        self.is_open = False
        return remote

    def _write(self, call: Callable[[str], RemoteSchedule]) -> RemoteSchedule:
        try:
            answer = call(self._id)
        except PlatformError as error:
            self.is_open = error.delivery is Delivery.AMBIGUOUS
            self._has_written |= self.is_open
            raise
        self._has_written = True
        return answer

    def _settled(self) -> Status:
        return Status.DONE if self._has_written else Status.ALREADY

    def _shows_desired(self, remote: RemoteSchedule) -> bool:
        """Say whether the managed fields are as desired; raise where they are not as planned either."""
        spec = remote.spec()
        if isinstance(spec, Opaque):
            raise _Clash(f"it can no longer be read: {spec.reason}")
        if self._desired.over(spec) == spec:
            return True
        moved = self._moved(spec)
        if moved:
            raise _Clash(f"{', '.join(moved)} changed on the platform since the plan was made")
        return False

    def _moved(self, spec: Spec) -> tuple[str, ...]:
        """Return the managed fields that are neither as planned nor as desired; unmanaged ones may move freely."""
        before, after = self._change.before, self._desired.over(spec)
        if before is None:
            return ()
        return tuple(
            name
            for name in differing_fields(before, spec)
            if getattr(self._desired, name) is not None and getattr(after, name) != getattr(spec, name)
        )


def differing_fields(one: Spec, other: Spec) -> tuple[str, ...]:
    """Return the names of the fields in which two specs differ, in the order of the file."""
    if one == other:
        return ()
    return tuple(name for name in FIELDS if getattr(one, name) != getattr(other, name))
