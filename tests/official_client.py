"""The official client, for the tests that drive it: where it is, what it says, and which commands it has.

It is a test dependency only, and talks to loopback only. ``make conformance`` installs it; HALO_TEST_INF names it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INF = os.environ.get("HALO_TEST_INF") or shutil.which("inf")

needs_inf = pytest.mark.skipif(
    INF is None, reason="the official client is not installed: run `make conformance`, or name it in HALO_TEST_INF"
)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"^  ([a-z][a-z-]*)(?:\|\S+)?(.*)$")


@dataclass(frozen=True)
class InfResult:
    """How a command of the official client ended, and what it said, without colours."""

    code: int
    out: str
    err: str


def run_inf(command: str, env: Mapping[str, str], folder: Path) -> InfResult:
    """Run a command line of the official client, signed in by ``env`` alone; ``folder`` holds its configuration."""
    assert INF is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INF_", "HALO_"))}
    own = {"INF_CONFIG_DIR": str(folder), "NO_COLOR": "1", **env}
    ended = subprocess.run(
        [INF, *shlex.split(command)],
        env={**kept, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return InfResult(ended.returncode, _COLOUR.sub("", ended.stdout), _COLOUR.sub("", ended.stderr))


def commands(env: Mapping[str, str], folder: Path, group: str) -> Iterator[str]:
    """Yield every command of a group, as its own help lists them; a group has neither options nor arguments."""
    for name, takes in _listed(run_inf(f"{group} --help", env, folder).out):
        command = f"{group} {name}".strip()
        is_leaf = takes.startswith((" [", " <")) or not (below := list(commands(env, folder, command)))
        yield from [command] if is_leaf else below


def _listed(help_text: str) -> Iterator[tuple[str, str]]:
    """Yield the names of the commands that a help text lists, each with what follows it on the line."""
    _, _, listing = help_text.partition("\nCommands:\n")
    for line in listing.split("\n\n")[0].splitlines():
        found = _COMMAND.match(line)
        if found is not None and found[1] != "help":
            yield found[1], found[2]


def refusal_message(said: InfResult) -> str:
    """Return what a command refused with: JSON where it was asked for, but for what its parser says."""
    last = said.err.strip().splitlines()[-1]
    error: Any = json.loads(last)["error"] if last.startswith("{") else last
    return str(error)
