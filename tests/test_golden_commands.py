"""What the commands of a pull request print, as their users meet it; ``HALO_UPDATE_GOLDEN=1`` writes it anew.

In a pipe, on screens of three widths, without colour, and where only ASCII can be shown. Ids, instants and places are
replaced, and what a live display has drawn and wiped out is left out: the rest is the same every time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, with_fixed_folder
from golden_files import assert_golden
from project_files import write_project
from repositories import repository

TITLE = "Übersicht: checkout | daily"
ENTRY = f"""\
  daily:
    title: "{TITLE}"
    agent: checkout
    frequency: daily
    at: "09:00"
    prompt: What went wrong, and where?
"""

LOOKS: dict[str, dict[str, Any]] = {
    "pipe": {},
    "narrow": {"is_terminal": True, "COLUMNS": "40"},
    "screen": {"is_terminal": True, "COLUMNS": "80"},
    "wide": {"is_terminal": True, "COLUMNS": "160"},
    "plain": {"is_terminal": True, "COLUMNS": "80", "NO_COLOR": "1"},
    "ascii": {"encoding": "ascii"},
}

Prepare = Callable[[CommandLine, Path], list[str]]


def undo_words(halo: CommandLine, folder: Path) -> list[str]:
    write_project(folder, ENTRY)
    halo("apply", "--sandbox", "--yes")
    write_project(folder, ENTRY.replace("09:00", "10:00"))
    halo("apply", "--sandbox", "--yes", "--receipt", "receipt.jsonl")
    return ["undo", "receipt.jsonl", "--sandbox", "--yes"]


def rename_words(_halo: CommandLine, folder: Path) -> list[str]:
    write_project(folder, ENTRY)
    return ["rename", "daily", "Übersicht: checkout"]


def import_words(halo: CommandLine, folder: Path) -> list[str]:
    write_project(folder, ENTRY)
    halo("apply", "--sandbox", "--yes")
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}  # none yet\n")
    return ["import", "--sandbox"]


def plan_against_base(halo: CommandLine, folder: Path) -> list[str]:
    git = repository(folder)
    (folder / ".gitignore").write_text(".halo/\n")
    write_project(folder, ENTRY, protect="[A]")
    halo("apply", "--sandbox", "--yes")
    git.commit()
    write_project(folder, ENTRY.replace("09:00", "10:00"))
    return ["plan", "--sandbox", "--base", "main"]


def plan_with_findings(_halo: CommandLine, folder: Path) -> list[str]:
    write_project(folder, ENTRY.replace("frequency: daily", "frequency: monthly\n    days_of_month: [31]"))
    return ["validate"]


COMMANDS: dict[str, Prepare] = {
    "undo": undo_words,
    "rename": rename_words,
    "import": import_words,
    "plan-base": plan_against_base,
    "validate": plan_with_findings,
}


def with_fixed_values(text: str, folder: Path) -> str:
    """Return an output without what differs from run to run."""
    text = re.sub(r"\x1b\[\?25l.*\x1b\[\?25h(?:\r|\x1b\[1A|\x1b\[2K)*", "", text, flags=re.DOTALL)
    text = with_fixed_folder(text, folder)
    for found, instead in (
        (r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "ID"),
        (r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}", "INSTANT"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT"),
        (r"\(\d+\.\d\d s\)", "(0.02 s)"),
        (r"\b[0-9a-f]{12}\b", "COMMIT"),
    ):
        text = re.sub(found, instead, text)
    return text


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_output_of_a_command_matches_its_golden_file(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, look: str
) -> None:
    words = COMMANDS[command](halo, folder)
    how = dict(LOOKS[look])
    monkeypatch.setenv("COLUMNS", how.pop("COLUMNS", "80"))
    ended = halo(*words, **how)
    shown = with_fixed_values(f"{ended.out}--- standard error, exit code {ended.code}\n{ended.err}", folder)
    assert_golden(f"commands/{command}-{look}.txt", shown)
