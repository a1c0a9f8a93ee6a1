"""The order of a run: renames, creates, updates, unarchives, and archives only when all of that is done (design §6)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from halo_iac.api.reader import Reader
from halo_iac.api.retry import Retry
from halo_iac.api.writer import Writer
from halo_iac.apply.creates import LOOKS, Creates
from halo_iac.apply.crew import GRACE, Crew, Job
from halo_iac.apply.steps import Desk, carry_out
from halo_iac.model.change import Action, Change, Plan
from halo_iac.model.outcome import Event, Status

CONCURRENCY: Final = 8
"""How many changes are under way at a time unless ``--concurrency`` says otherwise."""


def apply(
    plan: Plan,
    reader: Reader,
    writer: Writer,
    *,
    stop: threading.Event,
    retry: Retry,
    concurrency: int = CONCURRENCY,
    looks: Sequence[float] = LOOKS,
    grace: float = GRACE,
) -> Iterator[Event]:
    """Carry out a plan and yield every event; :func:`~halo_iac.model.outcome.summarize` folds them.

    Setting ``stop`` starts nothing new and ends the iterator within ``grace`` seconds. A change without a final event
    was not started. No failure of the platform is raised: each is the event of its change.
    """
    crew = Crew(concurrency, stop, grace=grace)
    desk = Desk(reader, writer, retry, crew.halt)
    last: dict[int, Event] = {}

    def noted(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            last[id(event.change)] = event
            yield event

    def existing(changes: Sequence[Change]) -> Iterator[Event]:
        return crew.run([Job(change, partial(carry_out, change, desk)) for change in changes])

    for wave in _waves(plan.changes):
        yield from noted(existing(wave))
    creates = Creates(desk, crew, stop, plan.host.project_id, looks)
    yield from noted(creates.run(_having(plan.changes, lambda change: change.action is Action.CREATE)))
    yield from noted(existing(_having(plan.changes, _is_plain_update)))
    yield from noted(existing(_having(plan.changes, lambda change: change.action is Action.UNARCHIVE)))
    archives = _having(plan.changes, lambda change: change.action is Action.ARCHIVE)
    before = [change for change in plan.changes if change.action is not Action.ARCHIVE]
    if all(_is_done(last.get(id(change))) for change in before):
        yield from noted(existing(archives))
        return
    message = "archives run last, and only when everything before them is done"
    yield from (Event(change, Status.NOT_STARTED, change.id, message) for change in archives)


def _waves(changes: Sequence[Change]) -> Iterator[list[Change]]:
    renames = sorted(_having(changes, _is_rename), key=lambda change: change.wave)
    for _, wave in groupby(renames, key=lambda change: change.wave):
        yield list(wave)


def _having(changes: Sequence[Change], test: Callable[[Change], bool]) -> list[Change]:
    return [change for change in changes if test(change)]


def _is_rename(change: Change) -> bool:
    return change.action is Action.UPDATE and change.is_rename


def _is_plain_update(change: Change) -> bool:
    return change.action is Action.UPDATE and not change.is_rename


def _is_done(event: Event | None) -> bool:
    return event is not None and event.status in {Status.DONE, Status.ALREADY}
