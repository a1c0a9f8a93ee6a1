"""One-off runs: start, wait, follow (docs/semantics.md#one-off-runs, docs/semantics.md#costly-calls).

Starting a run costs money, so it follows the rule of creates. Waiting only reads: it survives polls that fail, and
stopping it loses nothing, since the run continues.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Final

from halo_iac.api.decode_runs import parse_event
from halo_iac.api.pagination import Cursor
from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader
from halo_iac.errors import Delivery, PlatformError, UnknownOutcome
from halo_iac.hints import Command, Hint
from halo_iac.model.runs import RunDetails, RunEvent, StartedRun
from halo_iac.workers import Task, run_concurrently

_MAX_PAUSE_SECONDS: Final = 60.0
_MAX_FAILED_POLLS: Final = 3
"""Failed polls in a row after which the events of a run that is over are given up."""

_MAX_WATCHED: Final = 64
_EVENTS: Final = "haloRun.getEvents"


# Start --------------------------------------------------------------------------------------------------------------


def start(attempt: Callable[[], StartedRun], retry: Retry, *, what: str, check: Command) -> StartedRun:
    """Return the run that a costly call started; it is repeated only if it certainly did nothing.

    If its answer was lost, :class:`~halo_iac.errors.UnknownOutcome` names ``what`` may have been started and
    ``check``, the command that shows it.
    """
    try:
        return retry(lambda _: attempt(), creates=True)
    except PlatformError as error:
        if error.delivery is not Delivery.AMBIGUOUS:
            raise
        raise UnknownOutcome(
            f"{what} may or may not have been started, and was not retried because it costs money: {error.message}",
            hint=Hint("run `{}` to check before you try again", check),
        ) from None


# Wait ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Polling:
    """How often a run is polled, in seconds: every ``interval``, for ``timeout`` at most.

    ``pause`` waits and may return early; once ``stop`` is set no request is sent.
    """

    interval: float = 5.0
    timeout: float = 1800.0
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = monotonic
    pause: Callable[[float], object] | None = None

    def wait(self, seconds: float) -> None:
        """Wait that long, or until ``stop`` is set."""
        (self.pause or self.stop.wait)(seconds)


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """The result of one poll: ``details`` are the last known, ``events`` those not seen before.

    ``read_error`` is why this poll failed. A final snapshot is the run's last: it is over, or polling cannot succeed
    (``read_error``), or the time is up (neither).
    """

    run_id: str
    details: RunDetails | None = None
    events: tuple[RunEvent, ...] = ()
    read_error: PlatformError | None = None
    is_final: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether the run has ended, in whatever way."""
        return self.details is not None and self.details.run.is_over

    @property
    def status(self) -> str:
        """Return the run's status as the platform names it; ``unknown`` before the first successful poll."""
        return self.details.run.status if self.details is not None else "unknown"


def wait(
    reader: RunReader, run_ids: Sequence[str], polling: Polling | None = None, *, with_events: bool = False
) -> Iterator[RunSnapshot]:
    """Watch runs side by side; yields what changed, and one final snapshot for each run unless stopped before.

    ``reader`` should make one attempt a call, since a failed poll is repeated by the next one.
    """
    polling = polling or Polling()
    tasks = [Task(partial(poll, reader, run_id, polling, with_events=with_events)) for run_id in run_ids]
    return run_concurrently(tasks, min(len(tasks), _MAX_WATCHED))


def poll(reader: RunReader, run_id: str, polling: Polling, *, with_events: bool = False) -> Iterator[RunSnapshot]:
    """Watch one run until it is over, polling cannot succeed, the time is up or ``polling`` is stopped."""
    deadline = polling.clock() + polling.timeout
    poller = _RunPoller(reader, run_id, polling.interval, with_events=with_events)
    previous: RunSnapshot | None = None
    while not polling.stop.is_set():
        snapshot, delay = poller.poll()
        left = deadline - polling.clock()
        snapshot = snapshot if left > 0 else replace(snapshot, is_final=True)
        if snapshot.is_final or _has_news(snapshot, previous):
            yield snapshot
        if snapshot.is_final:
            return
        previous = snapshot
        polling.wait(min(delay, left))


def _has_news(snapshot: RunSnapshot, previous: RunSnapshot | None) -> bool:
    if previous is None or snapshot.events or snapshot.status != previous.status:
        return True
    return str(snapshot.read_error) != str(previous.read_error)


class _RunPoller:
    """Polls one run, and remembers its last details and how many polls have failed in a row."""

    def __init__(self, reader: RunReader, run_id: str, interval: float, *, with_events: bool) -> None:
        self._reader = reader
        self._run_id = run_id
        self._interval = interval
        self._events = _EventCursor(reader, run_id) if with_events else None
        self._details: RunDetails | None = None
        self._failures = 0

    def poll(self) -> tuple[RunSnapshot, float]:
        """Return the run as it is now, and the seconds until the next poll.

        The run is read before its events, so that the events of a run that is over are all there.
        """
        try:
            self._details = self._reader.run(self._run_id)
        except PlatformError as error:
            return self._fail(error, is_final=not error.is_transient)
        is_over = self._details.run.is_over
        try:
            events = self._events.read() if self._events is not None else ()
        except PlatformError as error:
            return self._fail(
                error, is_final=is_over and (not error.is_transient or self._failures >= _MAX_FAILED_POLLS)
            )
        self._failures = 0
        return RunSnapshot(self._run_id, self._details, events, is_final=is_over), self._interval

    def _fail(self, error: PlatformError, *, is_final: bool) -> tuple[RunSnapshot, float]:
        self._failures += 1
        backed_off = min(self._interval * 2.0**self._failures, max(_MAX_PAUSE_SECONDS, self._interval))
        snapshot = RunSnapshot(self._run_id, self._details, (), error, is_final=is_final)
        return snapshot, max(backed_off, error.retry_after or 0.0)


class _EventCursor:
    """Reads the new events of a run.

    The platform does not document what a cursor counts. So the last page is read again, and known events are skipped by
    their number.
    """

    def __init__(self, reader: RunReader, run_id: str) -> None:
        self._reader = reader
        self._run_id = run_id
        self._cursor: Cursor | None = None
        self._seen: set[int] = set()
        self._unread: list[RunEvent] = []

    def read(self) -> tuple[RunEvent, ...]:
        """Return the new events, in order; after an error the next call returns those found before it as well."""
        while True:
            page = self._reader.events_page(self._run_id, self._cursor)
            events = [parse_event(row, _EVENTS) for row in page.rows]
            self._unread += [event for event in events if event.sequence not in self._seen]
            self._seen.update(event.sequence for event in events)
            if not events or page.next_cursor in (None, self._cursor):
                found, self._unread = self._unread, []
                return tuple(sorted(found, key=lambda event: event.sequence))
            self._cursor = page.next_cursor
