"""Files of traces loaded into the sandbox: how fast, in how much memory, and how large the database is.

Each format has a goal of its own beside a process that only parses its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from goals import Bench, Line
from measure import Cost, run, take_medians
from trace_formats import write_langfuse, write_otlp
from traces import write_traces

MAX_MIB: Final = 80
MAX_STORED: Final = 1.5
"""Times the size of the file."""

_PARSE: Final = "import sys, json\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
_Write = Callable[[Path, int], None]


class _Loaded(NamedTuple):
    cost: Cost
    parsed: Cost
    size: float
    stored: float
    """MiB, like the size of the file."""


def measure_load(goal: str, name: str, write: _Write, bound: float) -> Callable[[Bench], Iterator[Line]]:
    """Return what measures one format. A load is bounded if a tenth of the file takes as much memory."""

    def measure(bench: Bench) -> Iterator[Line]:
        count = 100_000 if bench.is_quick else 1_000_000
        part, whole = (_loaded(bench, write, spans) for spans in (count // 10, count))
        wall, parsed = whole.cost.wall, whole.parsed.wall
        detail = f"{count / wall:,.0f} spans/s, {whole.size / wall:.0f} MiB/s; {wall:.2f} s / {parsed:.2f} s"
        yield Line(
            goal, f"sandbox load of {count:,} spans of {name} / json.loads of each line", wall / parsed, bound, detail
        )
        detail = f"{part.cost.peak:.1f} MiB for {count // 10:,}"
        yield Line(goal, "the same, peak memory", whole.cost.peak, MAX_MIB, detail, " MiB")
        detail = f"{whole.stored:.0f} MiB / {whole.size:.0f} MiB"
        yield Line(goal, "the same, the database / the file", whole.stored / whole.size, MAX_STORED, detail)

    return measure


def _loaded(bench: Bench, write: _Write, count: int) -> _Loaded:
    """Return what loading and parsing cost; a million spans take 0.9 GB."""
    path = bench.folder / "traces.jsonl"
    sandbox = bench.folder / f"sandbox-{count}.db"
    flags = ("--file", str(bench.project(0)), "--sandbox-file", str(sandbox))
    try:
        write(path, count)
        parsing = bench.python("-c", _PARSE, str(path))
        # Before and after: the machine's speed changes within the minute that a load takes.
        before, cost, after = run(parsing), run(bench.halo("sandbox", "load", str(path), *flags)), run(parsing)
        size, stored = (each.stat().st_size / 1024**2 for each in (path, sandbox))
        return _Loaded(cost, take_medians((before, after)), size, stored)
    finally:
        for left in (path, *bench.folder.glob(f"{sandbox.name}*")):
            left.unlink(missing_ok=True)


GOALS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {
    "T1": measure_load("T1", "HALO", write_traces, 6),
    "T2": measure_load("T2", "OTLP", write_otlp, 8),
    "T3": measure_load("T3", "Langfuse", write_langfuse, 8),
}
