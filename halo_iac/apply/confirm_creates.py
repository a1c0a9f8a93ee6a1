"""Confirm: what the platform answered that it has created is sought, until it is listed (docs/semantics.md#creates).

An answer is a promise. A platform may not keep it, or list what it made only seconds later: until then the next run
would not see it, and create it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from halo_iac.api.pagination import Listing
from halo_iac.apply.context import ApplyContext
from halo_iac.apply.modify import mismatch_of
from halo_iac.apply.worker_pool import ShutdownTimeoutError, WorkerPool
from halo_iac.errors import PlatformError, Unsent
from halo_iac.hints import Command, Hint, joined
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.remote import RemoteSchedule
from halo_iac.workers import StopSignal

_PLAN_AGAIN = "plan again in a minute: it will be matched by its title if it was created"


@dataclass
class Confirmation:
    """One run's look at what it has created; ``read`` lists all schedules, ``looks`` are seconds after the first.

    Afterwards ``schedules`` holds what was seen at last, and ``trouble`` why the list could not be read, if it could
    not.
    """

    context: ApplyContext
    pool: WorkerPool
    stop_signal: StopSignal
    project_id: str
    looks: Sequence[float]
    read: Callable[[], Listing]
    schedules: list[RemoteSchedule] = field(default_factory=list)
    trouble: PlatformError | None = None

    def run(self, made: Mapping[str, Event]) -> Iterator[Event]:
        """Look for what was ``made``, by id, and yield what is to be said of what is not listed at once.

        Raises what ends the run where not even the first look is possible.
        """
        missing = self._missing(made)
        late = missing if self.looks and self.trouble is None else ()
        yield from (self._sought(made[id_]) for id_ in late)
        elapsed = 0.0
        for look in self.looks if late else ():
            self.stop_signal.interrupted.wait(look - elapsed)
            elapsed = look
            try:
                missing = self._missing(made)
            except (ShutdownTimeoutError, Unsent):
                break
            if not missing or self.trouble is not None or self.stop_signal.interrupted.is_set():
                break
        yield from (made[id_] for id_ in late if id_ not in missing)
        yield from self._asked_for({id_: made[id_] for id_ in missing})

    def _missing(self, made: Mapping[str, Event]) -> list[str]:
        """Return which of what was made the list does not have as it was sent; all of it where it cannot be read."""
        try:
            self.schedules = [*self.read().schedules]
        except (ShutdownTimeoutError, Unsent):
            raise
        except PlatformError as error:
            self.trouble = error
            return [*made]
        listed = {remote.id: remote for remote in self.schedules}
        return [id_ for id_, event in made.items() if not self._is_kept(event, listed.get(id_))]

    def _is_kept(self, event: Event, listed: RemoteSchedule | None) -> bool:
        """Return whether what is listed is what was made; of what has failed anyway, whether it is listed at all."""
        return listed is not None and (not event.status.is_success or self._otherwise(event, listed) is None)

    def _sought(self, event: Event) -> Event:
        is_listed = any(remote.id == event.id for remote in self.schedules)
        return event._replace(status=Status.RETRYING, message=_OTHERWISE if is_listed else _LATE)

    def _asked_for(self, missing: Mapping[str, Event]) -> Iterator[Event]:
        """Ask for each by itself, until that fails as well: what is not told then stays unknown."""
        failure = self.trouble if self.trouble is not None and self.trouble.ends_the_run else None
        for id_, event in missing.items():
            try:
                found = self._found(id_) if failure is None else None
            except (ShutdownTimeoutError, Unsent):
                return
            except PlatformError as error:
                if error.status == 404:
                    yield _unknown(event, f"the platform answered that it created {id_}, but cannot find it")
                    continue
                failure, found = error, None
            if found is not None:
                self.schedules.append(found)
                yield self._told(event, found)
            elif failure is not None:
                yield self._untold(event, failure)

    def _found(self, id_: str) -> RemoteSchedule:
        retry, reader = self.context.retry, self.context.reader
        return self.pool.run_one(lambda: retry(lambda deadline: reader.schedule(id_, deadline=deadline)))

    def _told(self, event: Event, found: RemoteSchedule) -> Event:
        """Return what the schedule itself says of how its create ended."""
        otherwise = self._otherwise(event, found)
        if otherwise is not None:
            return otherwise
        message = self._not_looked if self.trouble is not None else _NOT_LISTED
        return event._replace(message=joined("; ", (event.message, message)))

    def _otherwise(self, event: Event, found: RemoteSchedule) -> Event | None:
        """Return how a create ended that is not there as it was sent; ``None`` where it is."""
        elsewhere = project_elsewhere(found, self.project_id)
        if elsewhere is not None:
            return misplaced(event, elsewhere)
        change, hint = event.change, Hint("run `{}` to see it", Command("schedule", "get", found.id))
        if found.title != change.title or not found.is_active:
            message = f"its title is now {found.title!r}" if found.is_active else "it is now archived"
            return event._replace(status=Status.CONFLICT, message=message, hint=hint, is_partial=True)
        mismatch = None if change.after is None else mismatch_of(change.after, found)
        if mismatch is None:
            return None
        message = f"it was created, but {mismatch}"
        return event._replace(status=Status.FAILED, message=message, hint="plan again", is_partial=True)

    def _untold(self, event: Event, failure: PlatformError) -> Event:
        if self.trouble is None:
            return _unknown(event, f"it is not listed, and could not be read: {failure.message}")
        return event._replace(message="; ".join(filter(None, (event.message, self._not_looked))))

    @property
    def _not_looked(self) -> str:
        why = "" if self.trouble is None else self.trouble.message
        return f"could not check whether another run created the same schedule: {why}"


_LATE = "it was created, but is not listed yet; checking again"
_OTHERWISE = "it was created, but is listed with other values than were sent; checking again"
_NOT_LISTED = Hint(
    "it exists, but is not listed yet; wait until `{}` shows it before the next apply", Command("schedule", "list")
)


def _unknown(event: Event, message: str) -> Event:
    return event._replace(status=Status.UNKNOWN, message=message, hint=_PLAN_AGAIN)


def project_elsewhere(remote: RemoteSchedule, project_id: str) -> str | None:
    """Return the project that a schedule says it is in, where that is another."""
    held = remote.wire.get("projectId")
    return held if isinstance(held, str) and held.casefold() != project_id.casefold() else None


def misplaced(event: Event, project_id: str) -> Event:
    """Return the event of a create that came to be in another project."""
    message = f"it was created in another project, {project_id}"
    hint = Hint(
        "archive {} there, and run `{}` to see which projects the key is for", event.id or "", Command("doctor")
    )
    return event._replace(status=Status.FAILED, message=message, hint=hint, is_partial=True)
