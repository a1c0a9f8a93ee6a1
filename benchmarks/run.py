"""The measurements behind every figure this project quotes: ``python benchmarks/run.py [--quick] [GOAL …]``."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from goals import GOALS as SPEED
from goals import Bench, Line
from load_goals import GOALS as LOAD
from load_trace_goals import GOALS as LOAD_TRACES
from mcp_goals import GOALS as MCP
from page_goals import GOALS as PAGES
from report_goals import GOALS as REPORTS
from trace_goals import GOALS as TRACES

GOALS = {**SPEED, **MCP, **REPORTS, **LOAD, **LOAD_TRACES, **PAGES, **TRACES}

PAIRS = 7
FEWEST = 3


def main() -> None:
    """Measure the named goals, or all of them, and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goals", nargs="*", metavar="GOAL", help=f"of {', '.join(GOALS)}; default: all")
    parser.add_argument("--quick", action="store_true", help=f"{FEWEST} pairs instead of {PAIRS}: a first impression")
    options = parser.parse_args()
    unknown = [goal for goal in options.goals if goal not in GOALS]
    if unknown:
        parser.error(f"no such goal: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="halo-bench-") as folder:
        bench = Bench(Path(folder), FEWEST if options.quick else PAIRS, options.quick)
        _measure(bench, options.goals or list(GOALS))
    print(f"{os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f} at the end, about 1 of it our own")


def _measure(bench: Bench, goals: list[str]) -> None:
    print(f"{'':4}{'measured':>10}  {'bound':>6}  what")
    for goal in goals:
        found = False
        for line in GOALS[goal](bench):
            found = True
            print(_text(line), flush=True)
        if not found:
            print(f"{goal:4}{'-':>10}  {'':6}  not measured: what it needs is not installed, see benchmarks/README.md")


def _text(line: Line) -> str:
    verdict = "reached" if line.measured <= line.bound else "MISSED"
    figures = f"{line.goal:4}{f'{line.measured:.2f}':>10}  {line.bound:>6g}"
    return f"{figures}  {line.what}{line.unit and f' ({line.unit.strip()})'}: {verdict} [{line.detail}]"


if __name__ == "__main__":
    main()
