"""Threads: bounded, stoppable, with their results in order."""

from __future__ import annotations

import _thread
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeAlias, TypeVar

_POLL_SECONDS: Final = 0.1
"""Seconds between checks whether a thread has ended, or whether a signal has come."""

T = TypeVar("T")


class Thread:
    """A started thread.

    :meth:`threading.Thread.start` waits until the thread reports that it runs, which never happens if there is too
    little memory for that. This class does not wait, and notices the end of a thread that has reported nothing.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        life = _Life()
        self._life = weakref.ref(life)
        self._over = threading.Event()
        _thread.start_new_thread(_run, (work, self._over, life))

    def is_alive(self) -> bool:
        """Return whether the thread has not ended yet."""
        return not self._over.is_set() and self._life() is not None

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, at most ``timeout`` seconds."""
        latest = None if timeout is None else time.monotonic() + timeout
        while self.is_alive():
            left = _POLL_SECONDS if latest is None else latest - time.monotonic()
            if left <= 0:
                return
            self._over.wait(min(left, _POLL_SECONDS))


class _Life:
    """An object that only a thread refers to, so that it is deleted however the thread ends."""


def _run(work: Callable[[], object], over: threading.Event, _life: _Life) -> None:
    with suppress(BaseException):  # the waiting thread checks whether there is a result
        work()
    over.set()


def start_thread(work: Callable[[], object]) -> Thread | None:
    """Start a thread and return it, or ``None`` if the system permits no more.

    A limit on processes or memory raises RuntimeError or MemoryError; the work is then done without the thread.
    """
    try:
        return Thread(work)
    except (RuntimeError, MemoryError):
        return None


class Future(Generic[T]):
    """A function's result, computed by a daemon thread: unlike an executor's, it never keeps Ctrl-C waiting.

    Where the system has no thread to give, it is computed at once, before the constructor returns.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self.error: BaseException | None = None
        self._thread = start_thread(self._run)
        if self._thread is None:
            self._run()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is computed, at most ``timeout`` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
        if timeout is None and not self._results and self.error is None:
            self._run()  # the thread had too little memory to begin

    def result(self) -> T:
        """Wait for the result and return it; raises the function's error."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            self.error = error


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """Work that yields results, and further tasks for any free thread."""

    work: Callable[[], Iterable[T | Task[T]]]


_Result: TypeAlias = T | Task[T] | BaseException | None
"""A result, a further task, an error that ends everything, or the end of one task."""


def run_concurrently(tasks: Iterable[Task[T]], at_once: int) -> Iterator[T]:
    """Yield the results of all tasks, at most ``at_once`` at a time; the first error ends them and is raised here."""
    todo: SimpleQueue[Task[T] | None] = SimpleQueue()
    results: SimpleQueue[_Result[T]] = SimpleQueue()
    left = 0
    threads = 0

    def add(task: Task[T]) -> None:
        nonlocal left, threads
        left += 1
        todo.put(task)
        if threads < min(at_once, left):
            threads += start_thread(partial(_work, todo, results)) is not None

    try:
        for task in tasks:
            add(task)
        while left:
            if not threads and results.empty():
                _do(todo.get(), results)
            result = _next(results)
            if result is None:
                left -= 1
            elif isinstance(result, Task):
                add(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        for _ in range(threads):
            todo.put(None)


def _next(results: SimpleQueue[_Result[T]]) -> _Result[T]:
    """Return the next result, waiting in short turns: on some systems Ctrl-C does not wake a thread that waits."""
    while True:
        with suppress(Empty):
            return results.get(timeout=_POLL_SECONDS)


def _work(todo: SimpleQueue[Task[T] | None], results: SimpleQueue[_Result[T]]) -> None:
    while (job := todo.get()) is not None:
        _do(job, results)


def _do(job: Task[T] | None, results: SimpleQueue[_Result[T]]) -> None:
    try:
        for result in job.work() if job else ():
            results.put(result)
    except BaseException as error:  # noqa: BLE001 - it is raised again where the results are read
        results.put(error)
    results.put(None)


class StopSignal:
    """Tells every thread of a run to start nothing new; safe to set from a signal handler.

    ``interrupted`` is set by :meth:`interrupt`, ``stopping`` by that and by :meth:`stop`.

    To wait for an event takes its lock for a moment. A handler that interrupts its thread in that moment, and sets the
    event, would wait for the lock for ever. So the thread that handles signals waits with :meth:`pause`.
    """

    def __init__(self) -> None:
        self.interrupted = threading.Event()
        self.stopping = threading.Event()
        self._is_interrupted = False

    def interrupt(self) -> None:
        """Start nothing new, and wait for nothing that takes long."""
        if self._is_interrupted:  # two signals may come so close that one handler interrupts the other
            return
        self._is_interrupted = True
        self.interrupted.set()
        self.stopping.set()

    def stop(self) -> None:
        """Start nothing new, since further requests cannot succeed."""
        self.stopping.set()

    def pause(self, seconds: float) -> None:
        """Wait for an interrupt, at most ``seconds``."""
        latest = time.monotonic() + seconds
        while not self._is_interrupted and (left := latest - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))
