"""The order of a run: renames, creates, updates, unarchives, and archives only when all of that is done.

See docs/semantics.md#apply-order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from halo_iac.api.limits import DEFAULT
from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.apply.context import ApplyContext, NullRecorder, Recorder
from halo_iac.apply.create import Creates
from halo_iac.apply.modify import apply_change
from halo_iac.apply.worker_pool import GRACE_SECONDS, ChangeTask, WorkerPool
from halo_iac.errors import HaloError
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import Action, Change, Plan
from halo_iac.workers import StopSignal

_MORE_THREADS: Final = "raise the limit on processes (`ulimit -u`, or that of the container) or on memory"


def apply(  # noqa: PLR0913 - all that a run is given; tests do not wait
    plan: Plan,
    reader: Reader,
    writer: Writer,
    *,
    stop_signal: StopSignal,
    retry: Retry,
    concurrency: int,
    recorder: Recorder | None = None,
    check_after: Sequence[float] = DEFAULT.check_after,
    grace: float = GRACE_SECONDS,
    begun: Callable[[Change], None] = lambda _: None,
) -> Iterator[Event]:
    """Carry out a plan and yield every event; :func:`~halo_iac.model.apply_result.summarize` folds them.

    Once ``stop_signal`` is set, nothing new is started; if that interrupts the run, the iterator ends within ``grace``
    seconds. A change without an event was not started; one without a final event was still under way then. No failure
    of the platform is raised: each is the event of its change. Every write is given to ``recorder`` before it is sent,
    and not sent if that fails. ``begun`` is called with each change that is begun, since an interrupt may come before
    its event. :class:`~halo_iac.errors.HaloError`, before anything is begun, where the system does not permit a single
    thread.
    """
    pool = WorkerPool(concurrency, stop_signal, grace=grace, begun=begun)
    context = ApplyContext(reader, writer, retry, stop_signal.stop, recorder or NullRecorder())
    try:
        if plan.changes and not pool.start(len(plan.changes)):
            raise HaloError("the system permits no more threads; nothing was started", hint=_MORE_THREADS)
        yield from _Run(plan, pool, context).phases(stop_signal, check_after)
    finally:
        pool.shutdown()


class _Run:
    """The phases of one run; later phases depend on the results of earlier ones."""

    def __init__(self, plan: Plan, pool: WorkerPool, context: ApplyContext) -> None:
        self._plan = plan
        self._pool = pool
        self._context = context
        self._last_events: dict[int, Event] = {}
        self._renames_by_title = {
            change.before.title: change for change in plan.changes if _is_rename(change) and change.before
        }

    def phases(self, stop_signal: StopSignal, check_after: Sequence[float]) -> Iterator[Event]:
        """Run the phases in order, and yield their events."""
        changes = self._plan.changes
        for wave in _group_renames(changes):
            yield from self._track(self._run_existing(wave))
        creates = Creates(self._context, self._pool, stop_signal, self._plan.host.project_id, check_after)
        yield from self._track(
            self._run_unblocked(_matching(changes, lambda change: change.action is Action.CREATE), creates.run)
        )
        yield from self._track(self._run_existing(_matching(changes, _is_plain_update)))
        yield from self._track(self._run_existing(_matching(changes, lambda change: change.action is Action.UNARCHIVE)))
        archives = _matching(changes, lambda change: change.action is Action.ARCHIVE)
        if all(map(self._is_done, _matching(changes, lambda change: change.action is not Action.ARCHIVE))):
            yield from self._run_existing(archives)
            return
        message = "archives run last, and only if everything before them succeeded"
        yield from (Event(change, Status.NOT_STARTED, change.id, message) for change in archives)

    def _track(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self._last_events[id(event.change)] = event
            yield event

    def _is_done(self, change: Change) -> bool:
        event = self._last_events.get(id(change))
        return event is not None and event.status.is_success

    def _run_existing(self, changes: Sequence[Change]) -> Iterator[Event]:
        return self._run_unblocked(
            changes, lambda free: self._pool.run([_build_task(change, self._context) for change in free])
        )

    def _run_unblocked(
        self, changes: Sequence[Change], run: Callable[[Sequence[Change]], Iterator[Event]]
    ) -> Iterator[Event]:
        """Run the changes except those whose title is still used because a rename failed."""
        blocked = {id(change): rename for change in changes if (rename := self._find_title_owner(change)) is not None}
        for change in changes:
            if id(change) in blocked:
                message = f"its title is still used by {blocked[id(change)].name}, whose rename did not succeed"
                yield Event(change, Status.NOT_STARTED, change.id, message)
        yield from run([change for change in changes if id(change) not in blocked])

    def _find_title_owner(self, change: Change) -> Change | None:
        """Return the failed rename that should have freed the title of a change; within a cycle no rename waits."""
        rename = self._renames_by_title.get(change.title)
        if rename is None or not change.takes_title or self._is_done(rename):
            return None
        return None if _is_rename(change) and rename.wave >= change.wave else rename


def _group_renames(changes: Sequence[Change]) -> Iterator[list[Change]]:
    renames = sorted(_matching(changes, _is_rename), key=lambda change: change.wave)
    for _, wave in groupby(renames, key=lambda change: change.wave):
        yield list(wave)


def _matching(changes: Sequence[Change], test: Callable[[Change], bool]) -> list[Change]:
    return [change for change in changes if test(change)]


def _is_rename(change: Change) -> bool:
    return change.action is Action.UPDATE and change.is_rename


def _is_plain_update(change: Change) -> bool:
    return change.action is Action.UPDATE and not change.is_rename


def _build_task(change: Change, context: ApplyContext) -> ChangeTask:
    return ChangeTask(change, partial(apply_change, change, context))
