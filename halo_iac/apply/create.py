"""Creates: the protocol that never creates a schedule twice (docs/semantics.md#creates).

The platform has no idempotency key, so a create whose answer is lost may or may not have happened. It is never
repeated; the list of schedules is searched for it. Since two runs may race, all creates are checked again at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial

from halo_iac.api.pagination import PROCEDURE, Listing
from halo_iac.api.schedules import create_input
from halo_iac.apply.confirm_creates import Confirmation, created_elsewhere, project_elsewhere
from halo_iac.apply.context import ApplyContext
from halo_iac.apply.modify import mismatch_of
from halo_iac.apply.worker_pool import ChangeTask, EventSink, ShutdownTimeoutError, WorkerPool
from halo_iac.errors import Delivery, FileError, PlatformError, Unreadable, Unsent
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import Action, Change
from halo_iac.model.receipt import Result, WriteIntent, WriteOutcome
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec
from halo_iac.workers import StopSignal


class Creates:
    """One run's creates; ``project_id`` is where they go.

    ``check_after`` are the seconds, ascending, after which the list is read again for lost and unlisted creates.
    """

    def __init__(
        self,
        context: ApplyContext,
        pool: WorkerPool,
        stop_signal: StopSignal,
        project_id: str,
        check_after: Sequence[float],
    ) -> None:
        self._context = context
        self._pool = pool
        self._stop_signal = stop_signal
        self._project_id = project_id
        self._check_after = check_after
        self._intents: dict[int, WriteIntent] = {}
        """The recorded intent of each create, by the identity of its change."""
        self._lost: list[Change] = []
        self._created_events: dict[str, Event] = {}
        self._answers: dict[str, RemoteSchedule] = {}
        """The answer to each create that was answered, by the schedule's id."""

    def run(self, changes: Sequence[Change]) -> Iterator[Event]:
        """List, create, search for lost creates, check that all are listed, and archive duplicates.

        Yields events and never raises a platform's failure.
        """
        if not changes or self._pool.is_stopping:
            return
        try:
            listing = self._list_schedules()
        except (ShutdownTimeoutError, Unsent):
            return
        except PlatformError as error:
            yield from self._fail_all(changes, error)
            return
        taken = {remote.title: remote.id for remote in listing.schedules if remote.is_active}
        yield from (_already_exists_event(change, taken[change.title]) for change in changes if change.title in taken)
        yield from self._create_all([change for change in changes if change.title not in taken])
        yield from self._find_lost(frozenset(remote.id for remote in listing.schedules))
        yield from self._confirm()

    def _list_schedules(self) -> Listing:
        """Return every schedule; raises for an incomplete listing, which permits no create and no archive.

        See docs/security.md#listings.
        """
        listing = self._pool.run_one(
            lambda: self._context.retry(lambda _: self._context.reader.schedules(self._project_id))
        )
        if listing.gap is None:
            return listing
        raise Unreadable(
            f"the list of schedules is incomplete: {listing.gap}",
            procedure=PROCEDURE,
            delivery=Delivery.AMBIGUOUS,
            hint="run again",
        )

    def _fail_all(self, changes: Sequence[Change], error: PlatformError) -> Iterator[Event]:
        self._context.note_failure(error)
        message = f"nothing was created, because the schedules could not be listed first: {error.message}"
        yield from (Event(change, Status.FAILED, None, message, error.hint) for change in changes)

    # Creates ---------------------------------------------------------------------------------------------------------

    def _create_all(self, changes: Sequence[Change]) -> Iterator[Event]:
        """Record all intents at once, then create: syncing one line takes as long as syncing a thousand."""
        if not changes:
            return
        for change in changes:
            self._intents[id(change)] = self._context.intent(change, Action.CREATE, after=_declared_spec(change))
        try:
            self._pool.run_one(lambda: self._context.recorder.record_intent([*self._intents.values()]))
        except ShutdownTimeoutError:
            return
        except FileError as error:
            self._context.stop()
            message = f"it was not sent: {error.message}"
            yield from (Event(change, Status.FAILED, None, message, error.hint) for change in changes)
            return
        begun = set[int]()
        for event in self._pool.run([ChangeTask(change, partial(self._create, change)) for change in changes]):
            begun.add(id(event.change))
            yield event
        for number in (intent.number for change_id, intent in self._intents.items() if change_id not in begun):
            self._context.recorder.record_outcome(
                WriteOutcome(number=number, result=Result.NOT_DONE, message="it was not started")
            )

    def _create(self, change: Change, emit: EventSink) -> Event:
        fields = create_input(self._project_id, _declared_spec(change))
        retry = self._context.retry_for(change, emit)

        def attempts() -> RemoteSchedule:
            return retry(lambda deadline: self._context.writer.create(fields, deadline=deadline), creates=True)

        try:
            answer = self._context.write(self._intents[id(change)], attempts)
        except Unsent:
            return Event(change, Status.NOT_STARTED)
        except PlatformError as error:
            self._context.note_failure(error)
            if error.delivery is not Delivery.AMBIGUOUS:
                return Event(change, Status.FAILED, None, error.message, error.hint)
            self._lost.append(change)
            return Event(change, Status.RETRYING, None, f"{error.message}; checking whether it was created")
        other_project = project_elsewhere(answer, self._project_id)
        if other_project is not None:
            return created_elsewhere(Event(change, Status.FAILED, answer.id), other_project)
        event = _created_event(change, answer)
        self._created_events[answer.id], self._answers[answer.id] = event, answer
        return event

    # Lost answers ---------------------------------------------------------------------------------------------------

    def _find_lost(self, known: Collection[str]) -> Iterator[Event]:
        elapsed, why_lost = 0.0, "it has not appeared"
        for seconds in self._check_after:
            if not self._lost:
                return
            self._stop_signal.pause(seconds - elapsed)
            elapsed = seconds
            try:
                schedules = self._list_schedules().schedules
            except ShutdownTimeoutError:
                break
            except PlatformError as error:
                why_lost = f"the search for it failed ({error.message})"
                if error.ends_the_run:
                    break
                continue  # the next search may succeed; if none does, the outcome stays unknown
            why_lost = "it has not appeared"
            yield from self._recognize_lost(schedules, known)
            if self._stop_signal.interrupted.is_set():
                break
        hint = "plan again in a minute: it will be matched by its title if it was created"
        message = f"the answer was lost and {why_lost}; it may still be created"
        yield from (Event(change, Status.UNKNOWN, None, message, hint) for change in self._lost)

    def _recognize_lost(self, schedules: Sequence[RemoteSchedule], known: Collection[str]) -> Iterator[Event]:
        for change in tuple(self._lost):
            event = self._recognize(change, schedules, known)
            if event is not None:
                self._lost.remove(change)
                yield event

    def _recognize(self, change: Change, schedules: Sequence[RemoteSchedule], known: Collection[str]) -> Event | None:
        """Return the event of a lost create if it is found: the only new schedule with its title and values."""
        spec = _declared_spec(change)
        ours = [
            remote
            for remote in schedules
            if remote.title == change.title and remote.id not in known and mismatch_of(spec, remote) is None
        ]
        if not ours:
            return None
        if len(ours) > 1:
            ids = ", ".join(remote.id for remote in ours)
            hint = "pin the right one with `id:` and archive the other"
            return Event(change, Status.CONFLICT, None, f"{len(ours)} new schedules match it: {ids}", hint)
        event = Event(change, Status.DONE, ours[0].id, "the answer was lost, but it was created")
        number = self._intents[id(change)].number
        self._context.recorder.record_outcome(
            WriteOutcome(number=number, result=Result.DONE, id=event.id, message=event.message)
        )
        self._created_events[ours[0].id] = event
        return event

    # What was made --------------------------------------------------------------------------------------------------

    def _confirm(self) -> Iterator[Event]:
        """Check that this run's schedules are listed, and archive those whose title another run created first."""
        if not self._created_events or self._stop_signal.interrupted.is_set():
            return
        confirmation = Confirmation(
            self._context, self._pool, self._stop_signal, self._project_id, self._check_after, self._list_schedules
        )
        try:
            for event in confirmation.run(self._created_events, self._answers):
                if event.status is Status.UNKNOWN:
                    self._record_unknown(event)
                yield event
        except (ShutdownTimeoutError, Unsent):
            return
        yield from self._pool.run(
            [self._archive_task(duplicate, first) for duplicate, first in self._duplicates(confirmation.schedules)]
        )

    def _record_unknown(self, event: Event) -> None:
        """Record that a create was answered, but its schedule cannot be found."""
        number = self._intents[id(event.change)].number
        self._context.recorder.record_outcome(
            WriteOutcome(number=number, result=Result.UNKNOWN, id=event.id, message=event.message)
        )

    def _duplicates(self, schedules: Iterable[RemoteSchedule]) -> Iterator[tuple[str, str]]:
        """Yield the id of each schedule of this run whose title an older schedule has, and the older one's id."""
        first: dict[str, str] = {}
        for remote in sorted(
            filter(lambda remote: remote.is_active, schedules), key=lambda remote: remote.creation_order
        ):
            older = first.setdefault(remote.title, remote.id)
            if older != remote.id and remote.id in self._created_events:
                yield remote.id, older

    def _archive_task(self, duplicate: str, first: str) -> ChangeTask:
        change = self._created_events[duplicate].change
        return ChangeTask(change, partial(self._archive_duplicate, change, duplicate, first))

    def _archive_duplicate(self, change: Change, duplicate: str, first: str, emit: EventSink) -> Event:
        what, hint = f"this run's, {duplicate}, was archived", "plan again: the first one is matched by its title"
        intent = self._context.intent(change, Action.ARCHIVE, id=duplicate, before=_declared_spec(change))
        retry = self._context.retry_for(change, emit)

        def attempts() -> RemoteSchedule:
            return retry(lambda deadline: self._context.writer.archive(duplicate, deadline=deadline))

        try:
            self._context.recorder.record_intent([intent])
            self._context.write(intent, attempts)
        except (PlatformError, FileError) as error:
            if isinstance(error, FileError) or error.ends_the_run:
                self._context.stop()
            what, hint = (
                f"this run's, {duplicate}, could not be archived: {error.message}",
                f"archive {duplicate}, then plan again",
            )
        message = f"another run created {first} with this title first; {what}"
        return Event(change, Status.CONFLICT, duplicate, message, hint, is_partial=True)


def _declared_spec(change: Change) -> Spec:
    assert change.after is not None  # noqa: S101 - a create always has one
    return change.after


def _created_event(change: Change, answer: RemoteSchedule) -> Event:
    mismatch = mismatch_of(_declared_spec(change), answer) or (None if answer.is_active else "it is archived")
    if mismatch is None:
        return Event(change, Status.DONE, answer.id)
    message = f"it was created, but {mismatch}"
    return Event(change, Status.FAILED, answer.id, message, "plan again to see what it is now", is_partial=True)


def _already_exists_event(change: Change, id_: str) -> Event:
    message = f"a schedule with this title has appeared since the plan was made: {id_}"
    return Event(change, Status.CONFLICT, id_, message, "plan again: it will be matched by its title")
