"""``halo sandbox serve`` as a process of its own, and what it exports."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forked import HaloProcess


@contextmanager
def serve_process(folder: Path, *argv: str, before: str = "", **given: str) -> Iterator[HaloProcess]:
    """Run ``halo sandbox serve`` on a free port, ``before`` that some code; ended by Ctrl-C if it still runs."""
    names = [name for name in os.environ if not name.startswith(("INF_", "HALO_"))]
    env = {**{name: os.environ[name] for name in names}, **given}
    with HaloProcess("sandbox", "serve", "--port", "0", *argv, cwd=folder, env=env, before=before) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
                running.wait(10)


def exported_variables(running: HaloProcess) -> dict[str, str]:
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(3)]
    assert all(line.startswith("export ") for line in lines), lines
    pairs = (line.removeprefix("export ").strip().split("=") for line in lines)
    return {name: value for name, value in pairs}  # noqa: C416 - says what the pairs are
