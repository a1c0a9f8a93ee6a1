"""Steps: one change of one existing schedule, read before every write (docs/semantics.md#existing-schedules).

The platform has no preconditions, so each attempt reads first: already as desired → done; as it was in the plan →
write; anything else is a conflict and is left alone. Reading first is also what makes a repeated attempt safe after a
lost answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from halo_iac.api.retry import Retry
from halo_iac.apply.context import ApplyContext, is_refusal
from halo_iac.apply.worker_pool import EventSink
from halo_iac.errors import Delivery, FileError, PlatformError, Unsent
from halo_iac.hints import Command, Hint
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import PAUSING, Action, Cause, Change
from halo_iac.model.receipt import WriteIntent
from halo_iac.model.remote import RemoteSchedule, UnreadableSchedule, to_wire
from halo_iac.model.schedule import FIELDS, Spec

_PLAN_AGAIN: Final = "plan again to see what it is now"


class ConflictError(Exception):
    """The platform shows neither what was planned from nor what is desired."""


class VerificationError(Exception):
    """The platform's answer is not what was sent."""


def apply_change(change: Change, context: ApplyContext, emit: EventSink) -> Event:
    """Update, unarchive or archive one schedule and return how it ended; never raises a platform's failure."""
    step = _Step(change, context)
    retry = context.retrying(change, emit)
    try:
        status = _attempt_change(step, retry)
    except ConflictError as clash:
        return step.event(Status.CONFLICT, str(clash), _PLAN_AGAIN)
    except VerificationError as mismatch:
        return step.revert_unarchive(step.event(Status.FAILED, str(mismatch), _PLAN_AGAIN), retry)
    except PlatformError as error:
        context.note_failure(error)
        return step.revert_unarchive(step.failed(error), retry)
    except FileError as error:
        context.stop()
        return step.revert_unarchive(step.event(Status.FAILED, f"it was not sent: {error.message}", error.hint), retry)
    context.note_success()
    return Event(change, status, change.id)


def _attempt_change(step: _Step, retry: Retry) -> Status:
    """Attempt until something comes of it; what has been begun is ended, although the run is over by now."""
    try:
        return retry(step.attempt)
    except Unsent:
        if not step.is_under_way:
            raise
        return retry(step.attempt)  # only a request that was waiting when the run ended is not sent


class _Step:
    """The attempts at one change of one schedule, and what is known of it in between."""

    def __init__(self, change: Change, context: ApplyContext) -> None:
        self._change = change
        self._id = change.id or ""
        self._context = context
        self._deadline: float | None = None
        """When the attempt that is under way has to end."""
        self._seen: RemoteSchedule | None = None
        """What the platform last showed of it."""
        self._has_written = False
        """A write was answered, or may have happened."""
        self._is_open = False
        """A write's answer was lost, and no read has settled it since."""
        self._is_exposed = False
        """It was unarchived, or may have been, and has not got its new values yet."""

    @property
    def is_under_way(self) -> bool:
        """Return whether a write was answered, or may have happened."""
        return self._has_written

    def attempt(self, deadline: float) -> Status:
        """Read, compare, and write if needed."""
        self._deadline = deadline
        match self._change.action:
            case Action.UPDATE:
                return self._update()
            case Action.UNARCHIVE:
                return self._unarchive()
            case _:
                return self._archive()

    def event(self, status: Status, message: str, hint: str | None) -> Event:
        """Return the event of a change that is not done."""
        return Event(self._change, status, self._id, message, hint, is_partial=self._has_written)

    def failed(self, error: PlatformError) -> Event:
        """Return what the last failure means: unknown where a write may have happened."""
        if isinstance(error, Unsent) and not self._has_written:
            return Event(self._change, Status.NOT_STARTED, self._change.id)
        if not self._is_open:
            return self.event(Status.FAILED, error.message, error.hint)
        look = Command("schedule", "get", self._id)
        again = "the command can be run again" if self._change.cause in PAUSING else "the next apply repeats the change"
        hint = Hint("run `{}` to see its state; {} if needed", look, again)
        return self.event(Status.UNKNOWN, error.message, hint)

    def revert_unarchive(self, outcome: Event, retry: Retry) -> Event:
        """Archive again what is active without its new values: it must not fire with the old ones."""
        if not self._is_exposed:
            return outcome
        try:
            replace(retry, gate=None)(self._archive_again)  # nor does it wait for what may last for minutes
        except (PlatformError, FileError) as error:
            status = Status.UNKNOWN if self._is_open else outcome.status
            trouble = f"it may fire with its old values, because archiving it again failed: {error.message}"
            return outcome._replace(
                status=status,
                message=f"{outcome.message}; {trouble}",
                hint="archive it by hand, or plan and apply again soon",
            )
        return outcome._replace(status=Status.FAILED, message=f"{outcome.message}; it was archived again")

    def _archive_again(self, deadline: float) -> RemoteSchedule:
        self._deadline = deadline  # a new operation, since the first may have used up its time
        return self._write(Action.ARCHIVE, self._context.writer.archive)

    def _update(self) -> Status:
        remote = self._read()
        if not remote.is_active:
            raise ConflictError("it has been archived since the plan was made")
        if self._shows_desired(remote):
            return self._verify()
        self._write_fields()
        return Status.DONE

    def _archive(self) -> Status:
        """Archive, then restore the values from before an undone unarchive: in this order the schedule never fires."""
        remote = self._read()
        if remote.is_active:
            self._refuse_changed(remote)
            remote = self._write(Action.ARCHIVE, self._context.writer.archive)
            if remote.is_active:
                raise VerificationError("the platform answered, but the schedule is not archived")
        if self._change.after is not None and not self._shows_desired(remote):
            self._write_fields()
        return self._verify()

    def _refuse_changed(self, remote: RemoteSchedule) -> None:
        """Raise if a schedule has changed so that archiving it may not be intended.

        A user who retires a schedule names it by title. An undeclared schedule, or one that an undo archives, was not
        named: an edit to it means that it is in use, and may have moved it out of the scope.
        """
        before = self._change.before
        if before is None:
            return
        if remote.title != before.title:
            raise ConflictError(f"its title is now {remote.title!r}")
        if self._change.cause in {Cause.UNDECLARED, Cause.UNDONE}:
            moved = differing_fields(before, _readable(remote))
            if moved:
                raise ConflictError(_changed_message(moved))

    def _unarchive(self) -> Status:
        """Update first, so that no stale cadence fires; the other way round where the platform insists."""
        remote = self._read()
        is_pending = not self._shows_desired(remote)
        if remote.is_active and not self._has_written:
            if is_pending:
                raise ConflictError("it has been unarchived since the plan was made")
            return Status.ALREADY
        if is_pending and not remote.is_active:
            is_pending = not self._has_updated_archived()
        if not remote.is_active:
            self._write_unarchive(is_pending=is_pending)
        if is_pending:
            self._write_fields()
        self._is_exposed = False
        return Status.DONE

    def _has_updated_archived(self) -> bool:
        """Update while archived; ``False`` where the platform refuses that, which the protocol does not document."""
        try:
            self._write_fields()
        except PlatformError as error:
            if is_refusal(error) and not error.is_transient and not error.ends_the_run:
                return False
            raise
        return True

    def _write_unarchive(self, *, is_pending: bool) -> None:
        try:
            answer = self._write(Action.UNARCHIVE, self._context.writer.unarchive)
        except PlatformError:
            self._is_exposed = is_pending and self._is_open
            raise
        self._is_exposed = is_pending
        if not answer.is_active:
            raise VerificationError("the platform answered, but the schedule is still archived")

    def _write_fields(self) -> None:
        after = self._desired
        names = [field.field for field in self._change.fields]
        answer = self._write(Action.UPDATE, self._context.writer.update, to_wire(after, names))
        mismatch = mismatch_of(after, answer)
        if mismatch is not None:
            raise VerificationError(mismatch)

    @property
    def _desired(self) -> Spec:
        """Return what it is to be; a pause and a resume leave everything else as it is now, changed since or not."""
        after = self._change.after
        assert after is not None  # noqa: S101 - only an archive may have none
        seen = self._seen.spec() if self._seen is not None and self._change.cause in PAUSING else None
        return replace(seen, enabled=after.enabled) if isinstance(seen, Spec) else after

    def _read(self) -> RemoteSchedule:
        remote = self._context.reader.schedule(self._id, deadline=self._deadline)
        self._context.note_response()
        self._is_open = False
        self._seen = remote
        return remote

    def _write(self, action: Action, call: Callable[..., RemoteSchedule], *fields: Mapping[str, Any]) -> RemoteSchedule:
        intent = self._intent(action)
        self._context.recorder.record_intent([intent])
        try:
            answer = self._context.write(intent, lambda: call(self._id, *fields, deadline=self._deadline))
        except PlatformError as error:
            self._is_open = error.delivery is Delivery.AMBIGUOUS and not is_refusal(error)
            self._has_written |= self._is_open
            raise
        self._has_written = True
        self._seen = answer
        return answer

    def _intent(self, action: Action) -> WriteIntent:
        assert self._seen is not None  # noqa: S101 - every write comes after a read
        seen = self._seen.spec()
        before = self._change.before if isinstance(seen, UnreadableSchedule) else seen
        if before is None:
            raise ConflictError("it can no longer be read")
        return self._context.intent(
            self._change,
            action,
            id=self._id,
            is_archived=not self._seen.is_active,
            before=before,
            after=self._desired if action is Action.UPDATE else None,
        )

    def _verify(self) -> Status:
        return Status.DONE if self._has_written else Status.ALREADY

    def _shows_desired(self, remote: RemoteSchedule) -> bool:
        """Return whether the managed fields are as desired; raise where they are not as planned either."""
        spec = _readable(remote)
        if self._desired.filled_from(spec) == spec:
            return True
        moved = self._changed_since_plan(spec)
        if moved:
            raise ConflictError(_changed_message(moved))
        return False

    def _changed_since_plan(self, spec: Spec) -> tuple[str, ...]:
        """Return the managed fields that are neither as planned nor as desired; unmanaged ones may move freely."""
        before, after = self._change.before, self._desired.filled_from(spec)
        if before is None:
            return ()
        return tuple(
            name
            for name in differing_fields(before, spec)
            if getattr(self._desired, name) is not None and getattr(after, name) != getattr(spec, name)
        )


def _readable(remote: RemoteSchedule) -> Spec:
    spec = remote.spec()
    if isinstance(spec, UnreadableSchedule):
        raise ConflictError(f"it can no longer be read: {spec.reason}")
    return spec


def _changed_message(names: Iterable[str]) -> str:
    return f"{', '.join(names)} changed on the platform since the plan was made"


def mismatch_of(sent: Spec, answer: RemoteSchedule) -> str | None:
    """Return in what the platform's answer is not what was sent; ``None`` where it is."""
    if answer.matches(sent):
        return None
    spec = answer.spec()
    if isinstance(spec, UnreadableSchedule):
        return f"the platform's answer cannot be read: {spec.reason}"
    differing = differing_fields(sent.filled_from(spec), spec)
    return f"the platform answered with another {', '.join(differing)} than was sent" if differing else None


def differing_fields(one: Spec, other: Spec) -> tuple[str, ...]:
    """Return the names of the fields in which two specs differ, in the order of the file."""
    if one == other:
        return ()
    return tuple(name for name in FIELDS if getattr(one, name) != getattr(other, name))
