"""Confirms creates: checks that the schedules that the platform reported as created are listed.

See docs/semantics.md#creates. A platform may fail to store what it has acknowledged, or list it only seconds later.
Until it is listed, the next run would not see it and create it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from halo_iac.api.pagination import Listing
from halo_iac.apply.context import ApplyContext
from halo_iac.apply.modify import mismatch_of
from halo_iac.apply.worker_pool import ShutdownTimeoutError, WorkerPool
from halo_iac.errors import PlatformError, Unsent
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.remote import RemoteSchedule
from halo_iac.workers import StopSignal

_PLAN_AGAIN = "plan again in a minute: it will be matched by its title if it was created"


@dataclass
class Confirmation:
    """Checks what one run has created; ``read`` lists all schedules, ``check_after`` are seconds after the first check.

    Afterwards ``schedules`` is the last list, and ``read_error`` the error if it could not be read.
    """

    context: ApplyContext
    pool: WorkerPool
    stop_signal: StopSignal
    project_id: str
    check_after: Sequence[float]
    read: Callable[[], Listing]
    schedules: list[RemoteSchedule] = field(default_factory=list)
    read_error: PlatformError | None = None

    def run(self, created: Mapping[str, Event], answers: Mapping[str, RemoteSchedule]) -> Iterator[Event]:
        """Check that ``created``, events by schedule id, are listed; yield events for those the first check misses.

        ``answers`` are the platform's answers to them, if there was one. Raises an error that ends the run if the first
        check fails.
        """
        missing = self._missing(created, answers)
        unlisted = missing if self.check_after and self.read_error is None else ()
        yield from (self._checking_event(created[id_]) for id_ in unlisted)
        elapsed = 0.0
        for check_at in self.check_after if unlisted else ():
            self.stop_signal.pause(check_at - elapsed)
            elapsed = check_at
            try:
                missing = self._missing(created, answers)
            except (ShutdownTimeoutError, Unsent):
                break
            if not missing or self.read_error is not None or self.stop_signal.interrupted.is_set():
                break
        yield from (created[id_] for id_ in unlisted if id_ not in missing)
        yield from self._confirm_each({id_: created[id_] for id_ in missing})

    def _missing(self, created: Mapping[str, Event], answers: Mapping[str, RemoteSchedule]) -> list[str]:
        """Return the ids that are not listed as sent; all of them if the list cannot be read."""
        try:
            self.schedules = [*self.read().schedules]
        except (ShutdownTimeoutError, Unsent):
            raise
        except PlatformError as error:
            self.read_error = error
            return [*created]
        listed = {remote.id: remote for remote in self.schedules}
        return [
            id_
            for id_, event in created.items()
            if not self._is_listed_as_sent(event, listed.get(id_), answers.get(id_))
        ]

    def _is_listed_as_sent(self, event: Event, listed: RemoteSchedule | None, answer: RemoteSchedule | None) -> bool:
        """Return whether a create is listed with the sent values; for a failed one, whether it is listed."""
        if listed is None:
            return False
        # The answer was compared already, and comparing the listed schedule with it takes a tenth of the time.
        return listed == answer or not event.status.is_success or self._mismatch_event(event, listed) is None

    def _checking_event(self, event: Event) -> Event:
        is_listed = any(remote.id == event.id for remote in self.schedules)
        return event._replace(status=Status.RETRYING, message=_LISTED_DIFFERENTLY if is_listed else _NOT_LISTED_YET)

    def _confirm_each(self, missing: Mapping[str, Event]) -> Iterator[Event]:
        """Read each schedule by id; after a read that fails, the others stay unknown."""
        failure = self.read_error if self.read_error is not None and self.read_error.ends_the_run else None
        for id_, event in missing.items():
            try:
                found = self._read_schedule(id_) if failure is None else None
            except (ShutdownTimeoutError, Unsent):
                return
            except PlatformError as error:
                if error.status == 404:
                    yield _unknown(event, f"the platform answered that it created {id_}, but cannot find it")
                    continue
                failure, found = error, None
            if found is not None:
                self.schedules.append(found)
                yield self._outcome_event(event, found)
            elif failure is not None:
                yield self._unreadable_event(event, failure)

    def _read_schedule(self, id_: str) -> RemoteSchedule:
        retry, reader = self.context.retry, self.context.reader
        return self.pool.run_one(lambda: retry(lambda deadline: reader.schedule(id_, deadline=deadline)))

    def _outcome_event(self, event: Event, found: RemoteSchedule) -> Event:
        mismatch = self._mismatch_event(event, found)
        if mismatch is not None:
            return mismatch
        message = self._unchecked_message if self.read_error is not None else _NOT_LISTED
        return event._replace(message=join_hints("; ", (event.message, message)))

    def _mismatch_event(self, event: Event, found: RemoteSchedule) -> Event | None:
        """Return the event for a schedule that differs from what was sent; ``None`` if it does not."""
        other_project = project_elsewhere(found, self.project_id)
        if other_project is not None:
            return created_elsewhere(event, other_project)
        change = event.change
        if found.title != change.title or not found.is_active:
            hint = Hint("run `{}` to see it", Command("schedule", "get", found.id))
            message = f"its title is now {found.title!r}" if found.is_active else "it is now archived"
            return event._replace(status=Status.CONFLICT, message=message, hint=hint, is_partial=True)
        mismatch = None if change.after is None else mismatch_of(change.after, found)
        if mismatch is None:
            return None
        message = f"it was created, but {mismatch}"
        return event._replace(status=Status.FAILED, message=message, hint="plan again", is_partial=True)

    def _unreadable_event(self, event: Event, failure: PlatformError) -> Event:
        if self.read_error is None:
            return _unknown(event, f"it is not listed, and could not be read: {failure.message}")
        return event._replace(message="; ".join(filter(None, (event.message, self._unchecked_message))))

    @property
    def _unchecked_message(self) -> str:
        why = "" if self.read_error is None else self.read_error.message
        return f"could not check whether another run created the same schedule: {why}"


_NOT_LISTED_YET = "it was created, but is not listed yet; checking again"
_LISTED_DIFFERENTLY = "it was created, but is listed with other values than were sent; checking again"
_NOT_LISTED = Hint(
    "it exists, but is not listed yet; wait until `{}` shows it before the next apply", Command("schedule", "list")
)


def _unknown(event: Event, message: str) -> Event:
    return event._replace(status=Status.UNKNOWN, message=message, hint=_PLAN_AGAIN)


def project_elsewhere(remote: RemoteSchedule, project_id: str) -> str | None:
    """Return the project of a schedule if it is not the expected one."""
    held = remote.wire.get("projectId")
    return held if isinstance(held, str) and held.casefold() != project_id.casefold() else None


def created_elsewhere(event: Event, project_id: str) -> Event:
    """Return the event of a create that ended up in another project."""
    message = f"it was created in another project, {project_id}"
    hint = Hint(
        "archive {} there, and run `{}` to see which projects the key is for", event.id or "", Command("doctor")
    )
    return event._replace(status=Status.FAILED, message=message, hint=hint, is_partial=True)
