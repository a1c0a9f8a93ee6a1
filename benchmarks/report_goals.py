"""Reports: how fast they are pulled.

docs/performance.md#goals sets no goals here: the bounds are fences around what was reached, so that a step back shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from goals import LATENCY, Bench, Line
from measure import Command, Cost, Server, run, serving, take_medians

SCHEDULES: Final = 20
REPORTS: Final = 50
"""Of each schedule: a thousand in all."""


def measure_pull(goal: str, concurrency: int, bound: float) -> Callable[[Bench], Iterator[Line]]:
    """L2, L3: a first pull, its start included, beside what the latency of its requests alone allows."""

    def measure(bench: Bench) -> Iterator[Line]:
        with _serving(LATENCY) as server:
            costs = [
                _pulled(bench, bench.folder / f"{goal}-{number}", server, concurrency)
                for number in range(max(3, bench.pairs // 2))
            ]
            requests = sum(server.counts().values()) / len(costs)
        cost = take_medians(costs)
        limit = requests / concurrency * LATENCY
        detail = f"{cost.wall:.3f} s / ({requests:,.0f} ÷ {concurrency} × {LATENCY} s); cpu {cost.cpu:.2f} s"
        what = f"report pull of {SCHEDULES * REPORTS:,} at {LATENCY * 1000:.0f} ms, {concurrency} at once / the limit"
        yield Line(goal, what, cost.wall / limit, bound, detail)

    return measure


def count_requests(bench: Bench) -> Iterator[Line]:
    """R2, R3: a pull asks for each report once, and again for nothing that is there.

    Besides, it lists the schedules, and of each schedule the conversations and, where one is missing, the runs.
    """
    folder = bench.folder / "pulled"
    with _serving() as server:
        server.counts()
        _pulled(bench, folder, server)
        first = server.counts()
        before = _files(folder)
        run(_pull(bench, folder, server))
        second = server.counts()
    wanted = {"haloSchedule.listForProject": 1, "haloConversation.listForProject": SCHEDULES}
    fetched = {"haloSchedule.listRuns": SCHEDULES, "haloConversation.getDetails": SCHEDULES * REPORTS}
    yield _excess("R2", f"requests of a pull of {SCHEDULES * REPORTS:,}", first, {**wanted, **fetched})
    yield _excess("R3", "requests of a second pull", second, wanted)
    changed = len(before ^ _files(folder))
    yield Line("R3", "files that a second pull wrote or touched", changed, 0, f"{len(before):,} were there")


def _serving(latency: float = 0.0) -> AbstractContextManager[Server]:
    return serving(SCHEDULES, reports=REPORTS, latency=latency)


def _pull(bench: Bench, folder: Path, server: Server, concurrency: int = 8) -> Command:
    flags = ("--dir", str(folder), "--concurrency", str(concurrency))
    return bench.halo("report", "pull", "--file", str(bench.project(SCHEDULES)), *flags, server=server)


def _pulled(bench: Bench, folder: Path, server: Server, concurrency: int = 8) -> Cost:
    """Pull into a folder that is not there yet; a pull that leaves some out ends the measurements."""
    cost = run(_pull(bench, folder, server, concurrency))
    written = len(_files(folder))
    if written != SCHEDULES * REPORTS:
        sys.exit(f"report pull wrote {written:,} reports of {SCHEDULES * REPORTS:,}")
    return cost


def _files(folder: Path) -> set[tuple[str, int, int, int]]:
    """Return the reports of a folder, with what tells whether one was written again; indexes are written anew."""
    found = ((path.name, path.stat()) for path in folder.rglob("*.md") if path.name != "index.md")
    return {(name, status.st_ino, status.st_mtime_ns, status.st_size) for name, status in found}


def _excess(goal: str, what: str, counts: dict[str, int], wanted: dict[str, int]) -> Line:
    detail = ", ".join(f"{procedure} {times:,}" for procedure, times in sorted(counts.items()))
    excess = sum(abs(counts.get(name, 0) - wanted.get(name, 0)) for name in counts.keys() | wanted.keys())
    return Line(goal, f"{what} other than {sum(wanted.values()):,}", excess, 0, detail)


GOALS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {
    "L2": measure_pull("L2", 8, 1.2),
    "L3": measure_pull("L3", 32, 1.5),
    "R2": count_requests,
}
