"""``halo report diff`` and ``report run --compare``, as their user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine
from served_runs import Served
from test_cli_report import PROJECT_FILE

ONE = "# Report\n\nAll is as it was.\n\n## Errors\n\n6 of 48 calls failed.\n"
TWO = ONE.replace("6 of", "9 of")
DIFFERENCE = """\
Before: one.md
After:  two.md

~ Errors
  ~ [-6-]{+9+} of 48 calls failed.

1 section changed, 1 unchanged.
"""


@pytest.fixture
def declared(quick_runs: Served, folder: Path) -> Served:
    """A project file, applied, whose daily schedule has reports of two days."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert quick_runs("apply", "--yes").code == 0
    for _ in range(2):
        quick_runs.clock.advance(hours=24)
        quick_runs("report", "list")
    return quick_runs


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "one.md").write_text(ONE)
    (folder / "two.md").write_bytes(TWO.replace("\n", "\r\n").encode())
    return folder


def test_two_files_are_compared_without_a_project_and_a_platform(halo: CommandLine, files: Path) -> None:
    (files / "halo.yaml").write_text("not: [a project")
    ended = halo("report", "diff", "one.md", "two.md")
    assert (ended.code, ended.out, ended.err) == (0, DIFFERENCE, "")
    assert halo("report", "diff", "one.md", "two.md", "--json").json["sections"][0]["path"] == ["Errors"]
    assert halo("report", "diff", "two.md", "one.md", "--format", "markdown").out.startswith("### halo report diff\n")


def test_of_a_schedule_the_latest_report_is_compared_with_the_one_before(declared: Served) -> None:
    first, second = reversed(declared("report", "list", "--schedule", "daily", "--json").json["conversations"])
    ended = declared("report", "diff", "daily", "--json").json
    assert [ended[which]["conversationId"] for which in ("before", "after")] == [first["id"], second["id"]]
    assert {ended[which]["name"] for which in ("before", "after")} == {"daily"}
    of_run = declared("report", "diff", second["latestRunId"], "--json").json
    assert (of_run["before"]["conversationId"], of_run["sections"]) == (first["id"], ended["sections"])


def test_ids_keys_and_files_may_be_mixed(declared: Served, folder: Path) -> None:
    first, second = reversed(declared("report", "list", "--schedule", "daily", "--json").json["conversations"])
    declared("report", "get", first["id"], "--output", f"{folder}/old/")
    (file,) = (folder / "old").iterdir()
    with_file = declared("report", "diff", str(file), "daily", "--json").json
    with_ids = declared("report", "diff", first["id"], second["id"], "--json").json
    assert with_file["sections"] == with_ids["sections"]
    assert with_file["before"] == {**with_ids["before"], "name": str(file)}  # as the front matter says


def test_a_first_report_has_no_earlier_report(declared: Served) -> None:
    first = declared("report", "list", "--schedule", "daily", "--json").json["conversations"][-1]
    ended = declared("report", "diff", first["id"])
    assert ended.code == 1
    assert " has no completed run before " in ended.err
    assert "`halo schedule runs " in ended.err


def test_a_one_off_report_has_no_earlier_report(quick_runs: Served) -> None:
    quick_runs("report", "run", "checkout")
    (conversation,) = quick_runs("report", "list", "--json").json["conversations"]
    ended = quick_runs("report", "diff", conversation["id"])
    assert (ended.code, "belongs to no schedule" in ended.err) == (1, True)
    assert "name the report to compare it with as well" in ended.err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["one.md"], 64, "one.md is a file, and a file has no earlier report"),
        (["one.md", "gone.md"], 1, "gone.md: no such file"),
        (["one.md", "./"], 1, "a directory"),
        (["one.md", "binary.md"], 1, "binary.md:1:1: the file is UTF-16 or UTF-32, not UTF-8"),
        (["one.md", "nothing"], 1, "nothing is not a run, conversation or schedule"),
        ([], 64, "Missing argument"),
        (["one.md", "two.md", "three.md"], 64, "three.md"),
        (["one.md", "two.md", "--format", "github"], 64, "'github'"),
    ],
)
def test_invalid_arguments_are_errors(halo: CommandLine, files: Path, argv: list[str], code: int, said: str) -> None:
    (files / "binary.md").write_bytes(b"\xff\xfe")
    ended = halo("report", "diff", *argv, "--sandbox")
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_a_key_is_taken_out_before_its_halves_are_marked(halo: CommandLine, files: Path) -> None:
    key = "sk-inference-0123456789abcdef0123456789abcdef"
    (files / "one.md").write_text(f"Same line.\n\nThe client uses {key} here.\n")
    (files / "two.md").write_text(f"Same line.\n\nThe client uses {key}x there.\n")
    ended = halo("report", "diff", "one.md", "two.md", INF_API_KEY=key)
    assert key[:20] not in ended.out
    assert "[-here.-]" in ended.out or "[-here-]" in ended.out


def test_a_trial_run_shows_how_its_report_differs_from_the_last_scheduled_one(declared: Served, folder: Path) -> None:
    words = ("report", "run", "--schedule", "daily", "--lookback-hours", "5", "--compare")
    ended = declared(*words)
    report, difference = ended.out.split("\nBefore: daily, run ")
    assert (ended.code, report.startswith("# What the traces show")) == (0, True)
    assert "\n~ Volume\n" in difference
    document = declared(*words, "--json").json
    assert document["comparedWith"]["report"].startswith("# What")
    assert document["diff"]["after"]["runId"] == document["reports"][0]["runId"]
    written = declared(*words, "--output", f"{folder}/new/")
    assert written.out.lstrip().startswith("Before: daily, run ")
    assert len([*(folder / "new").iterdir()]) == 1


def test_a_trial_run_that_is_not_waited_for_is_compared_with_nothing(declared: Served) -> None:
    document = declared("report", "run", "--schedule", "daily", "--compare", "--no-wait", "--json").json
    assert (document["comparedWith"]["scheduleId"] is not None, document["diff"]) == (True, None)
