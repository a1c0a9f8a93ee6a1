"""Many reads at once, their results as they come: threads, because each keeps a connection of its own.

Where the system has fewer threads to give, those that there are do it all; without any, the caller's does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeAlias, TypeVar

from halo_iac.threads import start_thread

T = TypeVar("T")

_TICK: Final = 0.1
"""Seconds after which a signal is noticed at the latest."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """Work that yields results, and further jobs to be done by whoever is free."""

    work: Callable[[], Iterable[T | Job[T]]]


_Told: TypeAlias = T | Job[T] | BaseException | None
"""A result, a further job, an error that ends everything, or the end of one job."""


def abreast(jobs: Iterable[Job[T]], at_once: int) -> Iterator[T]:
    """Yield the results of all jobs, ``at_once`` of them under way; the first error ends it and is raised here."""
    todo: SimpleQueue[Job[T] | None] = SimpleQueue()
    told: SimpleQueue[_Told[T]] = SimpleQueue()
    left = 0
    threads = 0

    def add(job: Job[T]) -> None:
        nonlocal left, threads
        left += 1
        todo.put(job)
        if threads < min(at_once, left):
            threads += start_thread(partial(_work, todo, told)) is not None

    try:
        for job in jobs:
            add(job)
        while left:
            if not threads and told.empty():
                _do(todo.get(), told)
            result = _next(told)
            if result is None:
                left -= 1
            elif isinstance(result, Job):
                add(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        for _ in range(threads):
            todo.put(None)


def _next(told: SimpleQueue[_Told[T]]) -> _Told[T]:
    """Wait in short turns: nothing wakes a thread that waits for ever on every system, Ctrl-C least of all."""
    while True:
        with suppress(Empty):
            return told.get(timeout=_TICK)


def _work(todo: SimpleQueue[Job[T] | None], told: SimpleQueue[_Told[T]]) -> None:
    while (job := todo.get()) is not None:
        _do(job, told)


def _do(job: Job[T] | None, told: SimpleQueue[_Told[T]]) -> None:
    try:
        for result in job.work() if job else ():
            told.put(result)
    except BaseException as error:  # noqa: BLE001 - it is raised again where the results are read
        told.put(error)
    told.put(None)
