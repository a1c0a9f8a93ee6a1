"""The benchmarks run, and what they count rather than time holds (docs/performance.md#goals)."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_a_plan_and_a_pull_ask_for_nothing_twice() -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "R1", "R2"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    figures = {" ".join(line.split()[:2]) for line in ran.stdout.splitlines() if line.startswith("R")}
    assert figures == {"R1 0.00", "R2 0.00", "R3 0.00"}
