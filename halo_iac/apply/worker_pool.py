"""A pool of threads that run independent changes concurrently and report them as events.

Threads are daemons, because an interrupted run waits five seconds for changes in progress, not a socket's thirty
(docs/semantics.md#interruption).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import Change
from halo_iac.workers import StopSignal, Thread, start_thread

T = TypeVar("T")

GRACE_SECONDS: Final = 5.0
"""Seconds that changes in progress are given after Ctrl-C."""

_POLL_SECONDS: Final = 0.1
"""Seconds between looks at the stop signal while nothing is reported."""

_GATHER_SECONDS: Final = 0.01
"""Seconds between reading reports while many tasks wait: reading each at once would stop the other threads."""

EventSink = Callable[[Event], None]
Work = Callable[[EventSink], Event]


class ShutdownTimeoutError(Exception):
    """The run was stopped, and a result that it waited for did not arrive within the grace period."""


@dataclass(frozen=True, slots=True)
class ChangeTask:
    """A change and the function that carries it out; it returns the last event and reports any before."""

    change: Change
    work: Work


@dataclass(frozen=True, slots=True)
class _TaskDone:
    """A task has ended; ``event`` is ``None`` if it was never started."""

    event: Event | None


class WorkerPool:
    """Up to ``size`` threads that live until :meth:`shutdown`, so that each keeps its connection.

    If the system permits fewer, those do all the work; :meth:`start` returns whether there is at least one. Nothing new
    is started once the stop signal is set. Changes in progress at an interrupt get ``grace`` seconds in total. A pool
    may be used by one thread only. ``begun`` is called with each change by the thread that begins it, before its first
    event.
    """

    def __init__(
        self,
        size: int,
        stop_signal: StopSignal,
        *,
        grace: float = GRACE_SECONDS,
        begun: Callable[[Change], None] = lambda _: None,
    ) -> None:
        self._begun = begun
        self._size = size
        self._stop_signal = stop_signal
        self._grace = grace
        self._deadline: float | None = None
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._reports: SimpleQueue[Event | _TaskDone] = SimpleQueue()
        self._threads: list[Thread] = []

    @property
    def is_stopping(self) -> bool:
        """Return whether nothing new may be started."""
        return self._stop_signal.stopping.is_set()

    def start(self, tasks: int) -> bool:
        """Start the threads for so many tasks, and return whether there is at least one."""
        self._start_workers(tasks)
        return bool(self._threads)

    def shutdown(self) -> None:
        """Let every thread end after its current task."""
        for _ in self._threads:
            self._tasks.put(None)

    def run(self, tasks: Sequence[ChangeTask]) -> Iterator[Event]:
        """Run the tasks and yield their events; ends when all have ended or the grace period is over.

        A task without an event was not started; one without a final event is still under way, its outcome unknown.
        """
        if self.is_stopping:
            return
        for task in tasks:
            self._tasks.put(partial(self._run_task, task))
        self._start_workers(len(tasks))
        waiting = len(tasks)
        while waiting:
            try:
                if waiting > self._size and self._reports.empty():
                    time.sleep(_GATHER_SECONDS)
                report = self._reports.get(timeout=_POLL_SECONDS)
            except Empty:
                if self._is_grace_over() or not self._is_alive():
                    return
                continue
            except KeyboardInterrupt:
                yield from self._drain_reports()
                raise
            event = report.event if isinstance(report, _TaskDone) else report
            waiting -= isinstance(report, _TaskDone)
            if event is not None:
                yield event

    def _drain_reports(self) -> Iterator[Event]:
        with suppress(Empty):
            while True:
                report = self._reports.get_nowait()
                event = report.event if isinstance(report, _TaskDone) else report
                if event is not None:
                    yield event

    def run_one(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, or raise what it raises; a worker of the pool calls it.

        Raises :class:`ShutdownTimeoutError` once the grace period is over, instead of waiting for a socket's time-out.
        """
        future: Future[T] = Future()
        self._tasks.put(partial(_complete, future, call))
        self._start_workers(1)
        while not self._is_grace_over() and self._is_alive():
            with suppress(TimeoutError):
                return future.result(timeout=_POLL_SECONDS)
        raise ShutdownTimeoutError

    def _is_alive(self) -> bool:
        """Return whether a thread is alive, and stop the run if none is: without memory, threads may end silently."""
        if any(thread.is_alive() for thread in self._threads):
            return True
        self._stop_signal.stop()
        return False

    def _is_grace_over(self) -> bool:
        if not self._stop_signal.interrupted.is_set():
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
        return time.monotonic() >= self._deadline

    def _start_workers(self, tasks: int) -> None:
        for _ in range(min(self._size, tasks) - len(self._threads)):
            thread = start_thread(self._serve)
            if thread is None:
                return
            self._threads.append(thread)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            with suppress(MemoryError):  # of telling how it ended, which is unknown then
                task()

    def _run_task(self, task: ChangeTask) -> None:
        done = _TaskDone(None)
        try:
            if self.is_stopping:
                return
            self._begun(task.change)
            self._reports.put(Event(task.change, Status.STARTED, task.change.id))
            began = time.monotonic()
            event = self._run_change(task)
            done = _TaskDone(event._replace(elapsed=time.monotonic() - began))
        finally:
            self._reports.put(done)  # else the run would wait for ever

    def _run_change(self, task: ChangeTask) -> Event:
        try:
            return task.work(self._reports.put)
        except Exception as error:  # noqa: BLE001 - a dead thread would leave the run waiting for ever
            message = f"internal error ({type(error).__name__}) while this was in progress; please report it"
            if isinstance(error, MemoryError):
                message = "out of memory while this was in progress"
            return Event(task.change, Status.UNKNOWN, task.change.id, message)


def _complete(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
        future.set_exception(error)
