"""Whole processes, measured from outside: wall time, processor time and peak memory, two commands in turn.

Machines that are shared drift by half between one minute and the next, so a figure is the ratio of two commands that
ran right after each other, and the median of several such pairs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from urllib.request import urlopen

from loopback import COUNTS, SEEN

HERE: Final = Path(__file__).parent

_KIB_PER_UNIT: Final = 1 / 1024 if sys.platform == "darwin" else 1
"""``ru_maxrss`` counts bytes on macOS and KiB elsewhere."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, the whole environment it runs in, and the file that is its standard input, if any."""

    argv: list[str]
    env: Mapping[str, str]
    given: Path | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: ``wall`` and ``cpu`` (user and system) in seconds, ``peak`` resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The medians of two commands in turn, and of what the first takes relative to the second."""

    first: Cost
    second: Cost
    wall: float
    cpu: float


def run(command: Command, *, codes: Collection[int] = (0,)) -> Cost:
    """Run a command to its end; one that ends with none of ``codes`` ends the measurements, since failing is fast."""
    with tempfile.TemporaryFile() as output:
        redirected: list[tuple[object, ...]] = [
            (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
        ]
        if command.given is not None:
            redirected.append((os.POSIX_SPAWN_OPEN, 0, str(command.given), os.O_RDONLY, 0))
        began = time.perf_counter()
        child = os.posix_spawn(command.argv[0], command.argv, command.env, file_actions=redirected)
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status) not in codes:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            sys.exit(f"{' '.join(command.argv)}\nended with {os.waitstatus_to_exitcode(status)}:\n{said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB_PER_UNIT / 1024)


def compare(first: Command, second: Command, pairs: int) -> Comparison:
    """Run two commands in turn, each once before it counts, so that files are cached and modules compiled."""
    run(first), run(second)
    costs = [(run(first), run(second)) for _ in range(pairs)]
    return Comparison(
        first=take_medians(one for one, _ in costs),
        second=take_medians(other for _, other in costs),
        wall=median(one.wall / other.wall for one, other in costs),
        cpu=median(one.cpu / other.cpu for one, other in costs),
    )


def take_medians(costs: Iterable[Cost]) -> Cost:
    """Return the medians of several runs of one command."""
    runs = list(costs)
    return Cost(
        median(cost.wall for cost in runs), median(cost.cpu for cost in runs), median(cost.peak for cost in runs)
    )


@dataclass(frozen=True, slots=True)
class Server:
    """A platform on loopback, in a process of its own."""

    url: str

    def counts(self) -> dict[str, int]:
        """Return what it was asked since the last time, by procedure."""
        with urlopen(f"{self.url}/{COUNTS}") as answer:
            counts: dict[str, int] = json.load(answer)
            return counts

    def seen(self) -> Seen:
        """Return what it saw from the start."""
        with urlopen(f"{self.url}/{SEEN}") as answer:
            return Seen(**json.load(answer))


@dataclass(frozen=True, slots=True)
class Seen:
    """When each request came (seconds), how often each title was written, and how many schedules bear each."""

    instants: list[float]
    writes: dict[str, int]
    held: dict[str, int]

    @property
    def busiest_second(self) -> int:
        """Return how many requests came within any one second."""
        most, first = 0, 0
        for last, instant in enumerate(self.instants):
            while instant - self.instants[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
        return most


@contextmanager
def serving(schedules: int, **options: float) -> Iterator[Server]:
    """Serve so many schedules until the block ends; ``options`` are those of ``loopback.py``."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    argv = [sys.executable, str(HERE / "loopback.py"), str(schedules), *flags]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            yield Server(f"http://127.0.0.1:{port}")
        finally:
            process.stdin.close()
