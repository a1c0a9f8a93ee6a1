"""``halo sandbox serve`` as a process of its own, and what it exports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def served(folder: Path, *argv: str, before: str = "", **given: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``halo sandbox serve`` on a free port, ``before`` that some code; ended by Ctrl-C if it still runs."""
    code = f"{before}\nfrom halo_iac.cli.main import run\nrun()"
    command = [sys.executable, "-c", code, "sandbox", "serve", "--port", "0", *argv]
    names = [name for name in os.environ if not name.startswith(("INF_", "HALO_"))]
    env = {**{name: os.environ[name] for name in names}, "PYTHONPATH": str(ROOT), **given}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=env, text=True, **pipes) as running:  # type: ignore[call-overload]
        try:
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
                running.wait(10)


def exports(running: subprocess.Popen[str]) -> dict[str, str]:
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(3)]
    assert all(line.startswith("export ") for line in lines), lines
    pairs = (line.removeprefix("export ").strip().split("=") for line in lines)
    return {name: value for name, value in pairs}  # noqa: C416 - says what the pairs are
