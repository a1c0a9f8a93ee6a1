"""``halo import``: a project file for what exists, whose plan shows no change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import CommandLine, tree
from sandbox_calls import Caller

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox

SANDBOX = Path(".halo") / "sandbox.db"


def existing(folder: Path, *schedules: dict[str, object], project: str = demo.DEMO_PROJECT_ID) -> list[str]:
    """Put schedules into the sandbox of a folder and return their ids."""
    with Sandbox.open(folder / SANDBOX) as sandbox:
        return [Caller(sandbox).create(**{"projectId": project, **fields})["id"] for fields in schedules]


def test_what_exists_becomes_a_file_whose_plan_shows_no_change(halo: CommandLine, folder: Path) -> None:
    weekly = {"title": "Weekly", "frequency": "weekly", "daysOfWeek": [1, 4], "lookbackHours": 168, "enabled": False}
    existing(folder, {"title": "Daily review", "maxTurns": 50, "maxSubagentDepth": 3}, weekly)
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err) == (0, "Wrote halo.yaml with 2 schedules.\n")
    assert "No changes. 2 schedules are as declared." in ended.out
    assert (folder / "halo.yaml").read_text() == (
        "# yaml-language-server: $schema=./halo.schema.json\n"
        "# Written by `halo import`; left out is what equals the documented default.\n"
        "version: 1\n"
        "undeclared: report\n"
        "\n"
        "schedules:\n"
        "  daily-review:\n"
        "    title: Daily review\n"
        "    agent: checkout\n"
        "    frequency: daily\n"
        "    hours: [9]\n"
        "    minutes: [0]\n"
        "    prompt: |\n"
        "      Look.\n"
        "\n"
        "  weekly:\n"
        "    title: Weekly\n"
        "    agent: checkout\n"
        "    frequency: weekly\n"
        "    days_of_week: [mon, thu]\n"
        "    hours: [9]\n"
        "    minutes: [0]\n"
        "    prompt: |\n"
        "      Look.\n"
        "    lookback_hours: 168\n"
        "    enabled: false\n"
    )
    assert (folder / "halo.schema.json").read_text() == halo("schema").out
    assert halo("validate").code == 0
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_titles_that_cannot_be_declared_are_pinned(halo: CommandLine, folder: Path) -> None:
    ids = existing(folder, {"title": "Twice"}, {"title": "Twice"}, {"title": " odd\u200b "})
    ended = halo("import", "--sandbox")
    assert ended.code == 0
    assert "No changes. 3 schedules are as declared." in ended.out
    written = (folder / "halo.yaml").read_text()
    assert [written.count(f"id: {id_}\n") for id_ in ids] == [1, 1, 1]


def test_an_empty_project_is_a_file_without_schedules(halo: CommandLine, folder: Path) -> None:
    ended = halo("import", "--sandbox", "--json")
    assert (ended.code, ended.err, ended.json["changes"]) == (0, "", [])
    assert "schedules: {}" in (folder / "halo.yaml").read_text()


@pytest.mark.parametrize("named", [[], ["--file", "halo.yaml"]])
def test_an_existing_file_is_never_overwritten(halo: CommandLine, folder: Path, named: list[str]) -> None:
    for make in (lambda path: path.write_text("mine"), lambda path: path.symlink_to("gone.yaml")):
        path = folder / "halo.yaml"
        path.unlink(missing_ok=True)
        make(path)
        before = os.readlink(path) if path.is_symlink() else path.read_text()  # noqa: PTH115 - its text
        ended = halo("import", "--sandbox", *named)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == "error: halo.yaml exists and is left as it is\nhint: name a new file with --file\n"
        assert before == (os.readlink(path) if path.is_symlink() else path.read_text())  # noqa: PTH115


def test_a_named_project_is_written_down(halo: CommandLine, folder: Path) -> None:
    existing(folder, {"title": "There"}, project="other")
    ended = halo("import", "--sandbox", "--project", "other", "--file", "other.yaml")
    assert ended.code == 0
    assert "No changes. 1 schedule is as declared." in ended.out
    assert "project: other\n" in (folder / "other.yaml").read_text()
    assert halo("plan", "--sandbox", "--file", "other.yaml", "--detailed-exitcode").code == 0


def test_a_project_file_further_up_is_not_what_is_planned(halo: CommandLine, folder: Path) -> None:
    existing(folder, {"title": "There"})
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    (folder / "sub").mkdir()
    os.chdir(folder / "sub")
    ended = halo("import", "--sandbox-file", "../.halo/sandbox.db")
    assert ended.code == 0
    assert "No changes. 1 schedule is as declared." in ended.out
    assert "title: There" in (folder / "sub" / "halo.yaml").read_text()
    assert (folder / "halo.yaml").read_text() == "version: 1\nschedules: {}\n"


def test_the_sandbox_of_an_import_is_beside_the_file_it_writes(halo: CommandLine, folder: Path) -> None:
    existing(folder, {"title": "There"})
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    (folder / "sub").mkdir()
    os.chdir(folder / "sub")
    assert halo("import", "--sandbox").code == 0
    assert "schedules: {}" in (folder / "sub" / "halo.yaml").read_text()
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_a_failure_writes_no_file(halo: CommandLine, folder: Path) -> None:
    assert halo("import").code == 1
    assert halo("import", "--sandbox", "--file", "no/halo.yaml").code == 1
    assert [name for name in tree(folder) if not name.startswith(".halo")] == []
