"""What tests share: a command line in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory; the search for a project file ends above it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def halo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Return the command line in an empty folder, signed in nowhere, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine({"INF_CONFIG_DIR": str(folder.parent / "inf"), "TERM": "xterm"})
