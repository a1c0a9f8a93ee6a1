"""Shell completion, as the function that ``halo --install-completion`` writes for a shell asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def completed(folder: Path, line: str) -> list[str]:
    """Return what bash would offer at the end of a command line."""
    words = line.split(" ")
    asked = {"_HALO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    ended = subprocess.run(
        [sys.executable, "-m", "halo_iac"],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("halo pl", ["plan"]),
        ("halo plan --det", ["--detailed-exitcode"]),
        ("halo schedule li", ["list"]),
        ("halo nonsense --det", []),
    ],
)
def test_commands_and_options_are_completed(tmp_path: Path, line: str, offered: list[str]) -> None:
    assert completed(tmp_path, line) == offered
