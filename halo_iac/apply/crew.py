"""The crew: threads that carry out independent changes side by side and report in events.

Threads are daemons, because an interrupted run gives what is in flight five seconds and not a socket's thirty (design
§6).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Final

from halo_iac.model.change import Change
from halo_iac.model.outcome import Event, Status

GRACE: Final = 5.0
"""Seconds that what is in flight is given after Ctrl-C."""

_TICK: Final = 0.1
"""Seconds between looks at the stop signal while nothing is reported."""

Report = Callable[[Event], None]
Work = Callable[[Report], Event]


@dataclass(frozen=True, slots=True)
class Job:
    """A change and the function that carries it out; it returns the last event and reports any before."""

    change: Change
    work: Work


@dataclass(frozen=True, slots=True)
class _Ended:
    """A job is over; ``event`` is ``None`` if it was never started."""

    job: Job
    event: Event | None


class Crew:
    """Up to ``size`` threads that live as long as the run, so that each keeps its connection.

    Nothing new is started once ``stop`` is set by a signal, or once :meth:`halt` is called because nothing can succeed.
    """

    def __init__(self, size: int, stop: threading.Event, *, grace: float = GRACE) -> None:
        self._size = size
        self._stop = stop
        self._grace = grace
        self._halted = threading.Event()
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._reports: SimpleQueue[Event | _Ended] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def is_stopping(self) -> bool:
        """Say whether nothing new may be started."""
        return self._stop.is_set() or self._halted.is_set()

    def halt(self) -> None:
        """Start nothing new: no other change can succeed either."""
        self._halted.set()

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Carry out the jobs and yield their events; ends when all have ended or the grace is over.

        A job that is still under way then has no final event, and its outcome is unknown.
        """
        for job in jobs:
            self._jobs.put(job)
        self._hire(len(jobs))
        waiting, deadline = len(jobs), None
        while waiting:
            if deadline is None and self._stop.is_set():
                deadline = time.monotonic() + self._grace
            if deadline is not None and time.monotonic() > deadline:
                break
            try:
                report = self._reports.get(timeout=_TICK)
            except Empty:
                continue
            if isinstance(report, _Ended):
                waiting -= 1
                if report.event is not None:
                    yield report.event
            else:
                yield report

    def _hire(self, jobs: int) -> None:
        for _ in range(min(self._size, jobs) - len(self._threads)):
            thread = threading.Thread(target=self._serve, name="halo-apply", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            if self.is_stopping:
                self._reports.put(_Ended(job, None))
                continue
            self._reports.put(Event(job.change, Status.STARTED, job.change.id))
            began = time.monotonic()
            event = self._carry_out(job)
            self._reports.put(_Ended(job, replace(event, elapsed=time.monotonic() - began)))

    def _carry_out(self, job: Job) -> Event:
        try:
            return job.work(self._reports.put)
        except Exception as error:  # noqa: BLE001 - a dead thread would leave the run waiting for ever
            message = f"halo itself failed ({type(error).__name__}) while this was under way; please report it"
            return Event(job.change, Status.UNKNOWN, job.change.id, message)
