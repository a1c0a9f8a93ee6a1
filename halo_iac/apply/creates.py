"""Creates: the protocol that never makes a schedule twice (design §6, Creates).

The platform has no idempotency key, so a create whose answer is lost may or may not have happened. It is never
repeated; it is looked for. And since two runs may race, what was made is looked at once more at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from halo_iac.api.listing import Listing
from halo_iac.api.writer import create_input
from halo_iac.apply.crew import Crew, Job, Report
from halo_iac.apply.steps import Desk, differing_fields
from halo_iac.errors import Delivery, PlatformError
from halo_iac.model.change import Change
from halo_iac.model.outcome import Event, Status
from halo_iac.model.remote import Opaque, RemoteSchedule
from halo_iac.model.schedule import Spec

LOOKS: Final = (2.0, 8.0, 20.0)
"""Seconds after the last create at which one whose answer was lost is looked for."""


class Creates:
    """One run's creates; ``project_id`` is where they go, ``looks`` when lost ones are looked for (seconds, rising)."""

    def __init__(
        self,
        desk: Desk,
        crew: Crew,
        stop: threading.Event,
        project_id: str,
        looks: Sequence[float] = LOOKS,
    ) -> None:
        self._desk = desk
        self._crew = crew
        self._stop = stop
        self._project_id = project_id
        self._looks = looks
        self._lost: list[Change] = []
        self._made: dict[str, Change] = {}

    def run(self, changes: Sequence[Change]) -> Iterator[Event]:
        """List, create, look for what was lost, look for twins; yields events and never raises a platform's failure."""
        if not changes or self._crew.is_stopping:
            return
        try:
            listing = self._list()
        except PlatformError as error:
            yield from self._give_up(changes, error)
            return
        taken = {remote.title: remote.id for remote in listing.schedules if remote.is_active}
        known = frozenset(remote.id for remote in listing.schedules)
        if listing.gap is not None:
            message = f"the list of schedules is not whole ({listing.gap}), so nothing is created"
            yield from (Event(change, Status.FAILED, None, message, "run again") for change in changes)
            return
        yield from (_present(change, taken[change.title]) for change in changes if change.title in taken)
        jobs = [Job(change, partial(self._create, change)) for change in changes if change.title not in taken]
        yield from self._crew.run(jobs)
        yield from self._find_lost(known)
        yield from self._retire_twins(known)

    def _list(self) -> Listing:
        return self._desk.retry(lambda: self._desk.reader.schedules(self._project_id))

    def _give_up(self, changes: Sequence[Change], error: PlatformError) -> Iterator[Event]:
        if error.ends_the_run:
            self._desk.halt()
        message = f"nothing was created, because the schedules could not be listed first: {error.message}"
        yield from (Event(change, Status.FAILED, None, message, error.hint) for change in changes)

    # One create -----------------------------------------------------------------------------------------------------

    def _create(self, change: Change, report: Report) -> Event:
        spec = _declared(change)
        fields = create_input(self._project_id, spec)
        retry = self._desk.retrying(change, report)
        try:
            answer = retry(lambda: self._desk.writer.create(fields), creates=True)
        except PlatformError as error:
            if error.ends_the_run:
                self._desk.halt()
            if error.delivery is not Delivery.AMBIGUOUS:
                return Event(change, Status.FAILED, None, error.message, error.hint)
            self._lost.append(change)
            return Event(change, Status.RETRYING, None, f"{error.message}; looking whether it happened")
        self._made[answer.id] = change
        differing = _differing(spec, answer)
        if differing:
            message = f"it was created, but the platform answered with another {', '.join(differing)} than was sent"
            return Event(change, Status.FAILED, answer.id, message, "plan again to see what it is now")
        return Event(change, Status.DONE, answer.id)

    # Lost answers ---------------------------------------------------------------------------------------------------

    def _find_lost(self, known: Collection[str]) -> Iterator[Event]:
        elapsed = 0.0
        for look in self._looks:
            if not self._lost:
                return
            self._stop.wait(look - elapsed)
            elapsed = look
            try:
                listing = self._list()
            except PlatformError:
                continue  # the next look may succeed; if none does, the outcome stays unknown
            for change in tuple(self._lost):
                event = self._recognise(change, listing.schedules, known)
                if event is not None:
                    self._lost.remove(change)
                    yield event
            if self._stop.is_set():
                break
        for change in self._lost:
            message = "its answer was lost and it has not appeared; it may still"
            hint = "plan again in a minute: it will be matched by its title if it was created"
            yield Event(change, Status.UNKNOWN, None, message, hint)

    def _recognise(self, change: Change, schedules: Sequence[RemoteSchedule], known: Collection[str]) -> Event | None:
        """Return how a lost create ended: the one new schedule with its title and every value sent is ours."""
        spec = _declared(change)
        ours = [
            remote
            for remote in schedules
            if remote.title == change.title and remote.id not in known and not _differing(spec, remote)
        ]
        if not ours:
            return None
        if len(ours) > 1:
            ids = ", ".join(remote.id for remote in ours)
            hint = "pin the right one with `id:` and archive the other"
            return Event(change, Status.CONFLICT, None, f"{len(ours)} new schedules match it: {ids}", hint)
        self._made[ours[0].id] = change
        return Event(change, Status.DONE, ours[0].id, "its answer was lost, but it was created")

    # Twins ----------------------------------------------------------------------------------------------------------

    def _retire_twins(self, known: Collection[str]) -> Iterator[Event]:
        """Archive what this run made where another run made the same title first."""
        if not self._made or self._stop.is_set():
            return
        try:
            schedules = self._list().schedules
        except PlatformError as error:
            message = f"created, but nobody could look whether another run created the same: {error.message}"
            yield from (Event(change, Status.DONE, id_, message) for id_, change in self._made.items())
            return
        new = [remote for remote in schedules if remote.is_active and remote.id not in known]
        by_title: dict[str, list[RemoteSchedule]] = {}
        for remote in sorted(new, key=lambda remote: remote.age):
            by_title.setdefault(remote.title, []).append(remote)
        for twins in by_title.values():
            for later in twins[1:]:
                if later.id in self._made:
                    yield self._retire(later, twins[0], self._made)

    def _retire(self, later: RemoteSchedule, first: RemoteSchedule, made: Mapping[str, Change]) -> Event:
        change = made[later.id]
        message = f"another run created {first.id} with this title first; ours, {later.id}, was archived"
        try:
            self._desk.retry(lambda: self._desk.writer.archive(later.id))
        except PlatformError as error:
            message = f"another run created {first.id} with this title first; archive ours, {later.id}: {error.message}"
        return Event(change, Status.CONFLICT, later.id, message, "plan again: the first one is matched by its title")


def _declared(change: Change) -> Spec:
    assert change.after is not None  # noqa: S101 - a create always has one
    return change.after


def _present(change: Change, id_: str) -> Event:
    message = f"a schedule with this title has appeared since the plan was made: {id_}"
    return Event(change, Status.CONFLICT, id_, message, "plan again: it will be matched by its title")


def _differing(spec: Spec, remote: RemoteSchedule) -> tuple[str, ...]:
    actual = remote.spec()
    return ("form",) if isinstance(actual, Opaque) else differing_fields(spec.over(actual), actual)
