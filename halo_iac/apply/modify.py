"""Changes one existing schedule, which is read before every write (docs/semantics.md#existing-schedules).

The platform has no preconditions, so each attempt reads first: a schedule that is as desired is done, one that is as in
the plan is written, and anything else is a conflict. Reading first also makes it safe to repeat an attempt whose answer
was lost.
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
    """The schedule is neither as it was in the plan nor as desired."""


class VerificationError(Exception):
    """The platform's answer differs from what was sent."""


def apply_change(change: Change, context: ApplyContext, emit: EventSink) -> Event:
    """Update, unarchive or archive one schedule and return how it ended; never raises a platform's failure."""
    step = _Step(change, context)
    retry = context.retry_for(change, emit)
    try:
        status = _attempt_change(step, retry)
    except ConflictError as conflict:
        return step.unsuccessful_event(Status.CONFLICT, str(conflict), _PLAN_AGAIN)
    except VerificationError as mismatch:
        return step.revert_unarchive(step.unsuccessful_event(Status.FAILED, str(mismatch), _PLAN_AGAIN), retry)
    except PlatformError as error:
        context.note_failure(error)
        return step.revert_unarchive(step.failed_event(error), retry)
    except FileError as error:
        context.stop()
        return step.revert_unarchive(
            step.unsuccessful_event(Status.FAILED, f"it was not sent: {error.message}", error.hint), retry
        )
    context.note_success()
    return Event(change, status, change.id)


def _attempt_change(step: _Step, retry: Retry) -> Status:
    """Attempt the change with retries; a change that has sent a write is finished even if the run was stopped."""
    try:
        return retry(step.attempt)
    except Unsent:
        if not step.is_under_way:
            raise
        return retry(step.attempt)  # only a request that was waiting when the run ended is not sent


class _Step:
    """The attempts at one change of one schedule, and its state between them."""

    def __init__(self, change: Change, context: ApplyContext) -> None:
        self._change = change
        self._id = change.id or ""
        self._context = context
        self._deadline: float | None = None
        """The deadline of the current attempt."""
        self._last_known: RemoteSchedule | None = None
        """The schedule as the platform last returned it."""
        self._has_written = False
        """Whether a write was answered, or may have happened."""
        self._is_outcome_unclear = False
        """Whether a write's answer was lost and the schedule has not been read since."""
        self._is_active_with_old_values = False
        """Whether it was, or may have been, unarchived before it had its new values."""

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

    def unsuccessful_event(self, status: Status, message: str, hint: str | None) -> Event:
        """Return the event of a change that is not done."""
        return Event(self._change, status, self._id, message, hint, is_partial=self._has_written)

    def failed_event(self, error: PlatformError) -> Event:
        """Return the event of a final failure; its outcome is unknown if a write may have happened."""
        if isinstance(error, Unsent) and not self._has_written:
            return Event(self._change, Status.NOT_STARTED, self._change.id)
        if not self._is_outcome_unclear:
            return self.unsuccessful_event(Status.FAILED, error.message, error.hint)
        command = Command("schedule", "get", self._id)
        repetition = (
            "the command can be run again" if self._change.cause in PAUSING else "the next apply repeats the change"
        )
        hint = Hint("run `{}` to see its state; {} if needed", command, repetition)
        return self.unsuccessful_event(Status.UNKNOWN, error.message, hint)

    def revert_unarchive(self, outcome: Event, retry: Retry) -> Event:
        """Archive a schedule again that is active with its old values, since it must not fire with them."""
        if not self._is_active_with_old_values:
            return outcome
        try:
            replace(retry, gate=None)(self._rearchive)  # nor does it wait for what may last for minutes
        except (PlatformError, FileError) as error:
            status = Status.UNKNOWN if self._is_outcome_unclear else outcome.status
            warning = f"it may fire with its old values, because archiving it again failed: {error.message}"
            return outcome._replace(
                status=status,
                message=f"{outcome.message}; {warning}",
                hint="archive it by hand, or plan and apply again soon",
            )
        return outcome._replace(status=Status.FAILED, message=f"{outcome.message}; it was archived again")

    def _rearchive(self, deadline: float) -> RemoteSchedule:
        self._deadline = deadline  # a new operation, since the first may have used up its time
        return self._write(Action.ARCHIVE, self._context.writer.archive)

    def _update(self) -> Status:
        remote = self._read()
        if not remote.is_active:
            raise ConflictError("it has been archived since the plan was made")
        if self._is_as_desired(remote):
            return self._success_status()
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
        if self._change.after is not None and not self._is_as_desired(remote):
            self._write_fields()
        return self._success_status()

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
            changed = differing_fields(before, _read_spec(remote))
            if changed:
                raise ConflictError(_changed_message(changed))

    def _unarchive(self) -> Status:
        """Update first, so that no old cadence fires; if the platform refuses that, unarchive first."""
        remote = self._read()
        is_pending = not self._is_as_desired(remote)
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
        self._is_active_with_old_values = False
        return Status.DONE

    def _has_updated_archived(self) -> bool:
        """Update while archived; returns false if the platform refuses that, which the protocol does not document."""
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
            self._is_active_with_old_values = is_pending and self._is_outcome_unclear
            raise
        self._is_active_with_old_values = is_pending
        if not answer.is_active:
            raise VerificationError("the platform answered, but the schedule is still archived")

    def _write_fields(self) -> None:
        after = self._desired_spec
        names = [field.field for field in self._change.fields]
        answer = self._write(Action.UPDATE, self._context.writer.update, to_wire(after, names))
        mismatch = mismatch_of(after, answer)
        if mismatch is not None:
            raise VerificationError(mismatch)

    @property
    def _desired_spec(self) -> Spec:
        """Return the desired values; for a pause or a resume, the current ones except ``enabled``."""
        after = self._change.after
        assert after is not None  # noqa: S101 - only an archive may have none
        current = self._last_known.spec() if self._last_known is not None and self._change.cause in PAUSING else None
        return replace(current, enabled=after.enabled) if isinstance(current, Spec) else after

    def _read(self) -> RemoteSchedule:
        remote = self._context.reader.schedule(self._id, deadline=self._deadline)
        self._context.note_response()
        self._is_outcome_unclear = False
        self._last_known = remote
        return remote

    def _write(self, action: Action, call: Callable[..., RemoteSchedule], *fields: Mapping[str, Any]) -> RemoteSchedule:
        intent = self._intent(action)
        self._context.recorder.record_intent([intent])
        try:
            answer = self._context.write(intent, lambda: call(self._id, *fields, deadline=self._deadline))
        except PlatformError as error:
            self._is_outcome_unclear = error.delivery is Delivery.AMBIGUOUS and not is_refusal(error)
            self._has_written |= self._is_outcome_unclear
            raise
        self._has_written = True
        self._last_known = answer
        return answer

    def _intent(self, action: Action) -> WriteIntent:
        assert self._last_known is not None  # noqa: S101 - every write comes after a read
        current = self._last_known.spec()
        before = self._change.before if isinstance(current, UnreadableSchedule) else current
        if before is None:
            raise ConflictError("it can no longer be read")
        return self._context.intent(
            self._change,
            action,
            id=self._id,
            is_archived=not self._last_known.is_active,
            before=before,
            after=self._desired_spec if action is Action.UPDATE else None,
        )

    def _success_status(self) -> Status:
        return Status.DONE if self._has_written else Status.ALREADY

    def _is_as_desired(self, remote: RemoteSchedule) -> bool:
        """Return whether the managed fields are as desired; raises if they are not as in the plan either."""
        spec = _read_spec(remote)
        if self._desired_spec.filled_from(spec) == spec:
            return True
        changed = self._changed_since_plan(spec)
        if changed:
            raise ConflictError(_changed_message(changed))
        return False

    def _changed_since_plan(self, spec: Spec) -> tuple[str, ...]:
        """Return the managed fields that are neither as in the plan nor as desired; unmanaged fields may change."""
        before, after = self._change.before, self._desired_spec.filled_from(spec)
        if before is None:
            return ()
        return tuple(
            name
            for name in differing_fields(before, spec)
            if getattr(self._desired_spec, name) is not None and getattr(after, name) != getattr(spec, name)
        )


def _read_spec(remote: RemoteSchedule) -> Spec:
    spec = remote.spec()
    if isinstance(spec, UnreadableSchedule):
        raise ConflictError(f"it can no longer be read: {spec.reason}")
    return spec


def _changed_message(names: Iterable[str]) -> str:
    return f"{', '.join(names)} changed on the platform since the plan was made"


def mismatch_of(sent: Spec, answer: RemoteSchedule) -> str | None:
    """Return how the platform's answer differs from what was sent; ``None`` if it does not."""
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
