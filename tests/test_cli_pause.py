"""``halo pause`` and ``halo resume`` as their user meets them: at night, with and without a project file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from command_line import CommandLine, schedules, tree
from sandbox_calls import PROJECT, Caller
from sandbox_server import serve_sandbox

from halo_iac.sandbox.faults import Cut, Effect, Pass, Refuse
from halo_iac.storage.receipt_reader import load_receipt

UPDATE = "haloSchedule.update"
FILE = """\
version: 1
protect: ["Night*"]
include: [more.yaml]
schedules:
  a:  # the first
    title: Alpha
    agent: checkout
    frequency: daily
    hours: 9
    enabled: true   # for now
  b: {title: Beta, agent: checkout, frequency: daily, hours: 9}
  n: {title: Nightly, agent: support-bot, frequency: daily, hours: 9}
"""
MORE = "schedules:\n  r: {title: Rho, agent: research, frequency: daily, hours: 9}\n"


@pytest.fixture
def applied(halo: CommandLine, folder: Path) -> Path:
    """Return a folder whose project has been applied."""
    (folder / "halo.yaml").write_text(FILE)
    (folder / "more.yaml").write_text(MORE)
    assert halo("apply", "--sandbox", "--yes", "--receipt", "first.jsonl").code == 0
    return folder


def enabled_letters(halo: CommandLine) -> str:
    """Return the first letter of every title, a capital where the schedule fires."""
    return "".join(each["title"][0] if each["enabled"] else each["title"][0].lower() for each in schedules(halo))


# A night ------------------------------------------------------------------------------------------------------------


def test_a_pause_shows_its_changes_and_can_be_undone(halo: CommandLine, applied: Path) -> None:
    halo("pause", "b", "--sandbox", "--yes")
    asked = halo("pause", "--agent", "checkout", "--sandbox", "--no-color", answer="no\n")
    assert (asked.code, enabled_letters(halo)) == (3, "AbNR")
    assert "Pause 1 schedule on sandbox:" in asked.err
    assert '~ pause      a  "Alpha"' in asked.out
    warning = "halo.yaml:10 says `enabled: true`, so the next `halo apply` resumes a; to prevent that, pass --write"
    assert warning in " ".join(asked.out.split())
    assert "\nPlan: 1 to pause; 1 unchanged. Runs a month: 91.3 → 60.9 (-30.4).\n" in asked.out

    words = (
        "pause",
        "--agent",
        "checkout",
        "--sandbox",
        "--reason",
        "the model is down",
        "--receipt",
        "r.jsonl",
        "--no-color",
    )
    paused = halo(*words, answer="yes\n")
    assert (paused.code, enabled_letters(halo), paused.out.splitlines()[-1]) == (0, "abNR", "Applied: 1 paused.")
    assert "Receipt: r.jsonl; run `halo undo r.jsonl --sandbox` to undo what was done." in paused.err
    assert load_receipt(str(applied / "r.jsonl")).header.reason == "the model is down"

    undone = halo("undo", "r.jsonl", "--sandbox", "--yes")
    assert undone.out.splitlines()[0].endswith("Z)  the model is down")
    assert (undone.code, enabled_letters(halo), undone.err.count("Note: ")) == (0, "AbNR", 0)


@pytest.mark.usefixtures("applied")
def test_pausing_paused_schedules_asks_nothing_and_writes_no_receipt(halo: CommandLine, applied: Path) -> None:
    halo("pause", "a", "b", "--sandbox", "--yes")
    before = len(tree(applied))
    again = halo("pause", "a", "b", "--sandbox")
    assert (again.code, again.err, len(tree(applied))) == (0, "", before)
    assert "  ! a: it is paused already\n" in again.out
    assert again.out.splitlines()[-1].startswith("No changes. 2 schedules are paused already.")
    active = halo("resume", "n", "--sandbox")
    assert (active.code, "  ! n: it is active already\n" in active.out) == (0, True)


@pytest.mark.usefixtures("applied")
def test_a_protected_title_is_paused_only_with_include_protected(halo: CommandLine) -> None:
    refused = halo("pause", "--all", "--sandbox", "--yes")
    assert (refused.code, enabled_letters(halo)) == (3, "ABNR")
    assert "'Nightly' is protected by 'Night*' and would be paused" in refused.out
    assert "override: --include-protected" in refused.out
    assert (halo("pause", "--all", "--sandbox", "--yes", "--include-protected").code, enabled_letters(halo)) == (
        0,
        "abnr",
    )
    assert (halo("resume", "--all", "--sandbox", "--yes").code, enabled_letters(halo)) == (0, "ABNR")
    assert halo("pause", "b", "--sandbox", "--yes", "--protect", "Be*").code == 3


@pytest.mark.usefixtures("applied")
def test_a_pause_as_json_is_one_document_as_of_an_apply(halo: CommandLine) -> None:
    document = halo("pause", "b", "--sandbox", "--yes", "--json").json
    assert [(each["action"], each["key"], each["status"]) for each in document["summary"]["outcomes"]] == [
        ("update", "b", "done")
    ]
    assert document["plan"]["changes"][0]["cause"] == "halo pause"
    assert (halo(*document["undo"].split()[1:], "--yes").code, enabled_letters(halo)) == (0, "ABNR")


# Without a project file ---------------------------------------------------------------------------------------------


def test_ids_and_agents_need_no_project_file(halo: CommandLine, applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {each["title"]: each["id"] for each in schedules(halo)}
    elsewhere = applied.parent / "elsewhere"
    elsewhere.mkdir()
    place = ("--sandbox-file", str(applied / ".halo/sandbox.db"), "--yes")
    for words, code, expected in (
        (("pause", "--id", ids["Alpha"], ids["Beta"]), 0, "abNR"),
        (("pause", "--agent-uuid", "research"), 0, "abNr"),
        (("resume", "--all"), 64, "abNr"),
        (("resume", "--all", "--project", PROJECT), 0, "ABNR"),
        (("pause", "a"), 64, "ABNR"),
        (("pause", "--id", ids["Alpha"], "--write"), 64, "ABNR"),
    ):
        monkeypatch.chdir(elsewhere)
        assert halo(*words, *place).code == code
        monkeypatch.chdir(applied)
        assert enabled_letters(halo) == expected


# What is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("aa",), 64, "halo.yaml declares no schedule 'aa'"),
        (("A",), 64, "halo.yaml declares no schedule 'A'\nhint: did you mean 'a'?"),
        (("alpha",), 64, "halo.yaml declares no schedule 'alpha'\nhint: did you mean 'a'?"),
        (("--agent", "CHECKOUT"), 1, "hint: did you mean 'checkout'?"),
        ((), 64, "only one of these\nhint: run `halo pause --help` for examples\n"),
        (("a", "--all"), 64, "name schedules by key or --id, or pass --agent or --all, and only one of these"),
        (("a", "--agent", "checkout"), 64, "name schedules by key"),
        (("--id", ""), 64, "a key, --id or --agent is empty"),
        (("a", "--reason", " "), 64, "--reason is empty"),
        (("a", "--reason", "two\nlines"), 64, "--reason takes one line of at most 1,000 characters"),
        (("a", "--reason", "x" * 1_001), 64, "--reason takes one line of at most 1,000 characters"),
        (("--agent", "chekout"), 1, "--agent chekout: no agent named 'chekout' was seen in the last 90 days"),
        (("a", "--id", "5a4db0c5-0000-4000-8000-00000000dead"), 1, "the project holds no schedule with this id"),
    ],
)
def test_bad_input_is_an_error_and_pauses_nothing(
    halo: CommandLine, argv: tuple[str, ...], code: int, message: str
) -> None:
    ended = halo("pause", *argv, "--sandbox", "--yes")
    assert (ended.code, message in ended.text, enabled_letters(halo)) == (code, True, "ABNR"), ended.text


# The file -----------------------------------------------------------------------------------------------------------


def test_write_changes_only_enabled_in_the_file(halo: CommandLine, applied: Path) -> None:
    file = applied / "halo.yaml"
    paused = halo("pause", "a", "b", "--sandbox", "--yes", "--write")
    assert (paused.code, enabled_letters(halo)) == (0, "abNR")
    assert "Files: `enabled: false` will be written to a, b in halo.yaml.\n" in paused.out
    assert "halo.yaml: wrote `enabled: false` to a, b.\n" in paused.err
    written = FILE.replace("enabled: true ", "enabled: false ").replace(
        "hours: 9}\n  n", "hours: 9, enabled: false}\n  n"
    )
    assert file.read_text() == written
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0

    skipped = halo("resume", "--all", "--sandbox")
    assert (skipped.code, enabled_letters(halo)) == (0, "abNR")
    assert "  ! a: it is skipped, because halo.yaml:10 says `enabled: false`\n" in skipped.out
    assert (halo("resume", "a", "--sandbox", "--yes", "--write").code, enabled_letters(halo)) == (0, "AbNR")
    assert file.read_text() == written.replace("enabled: false ", "enabled: true ")


def test_a_pause_can_be_written_to_the_file_later(halo: CommandLine, applied: Path) -> None:
    halo("pause", "b", "--sandbox", "--yes")
    assert halo("pause", "b", "--sandbox", "--write").code == 0
    assert (
        "b: {title: Beta, agent: checkout, frequency: daily, hours: 9, enabled: false}"
        in (applied / "halo.yaml").read_text()
    )


def test_of_a_shared_entry_the_override_of_this_file_is_written(halo: CommandLine, applied: Path) -> None:
    paused = halo("pause", "r", "--sandbox", "--yes", "--write")
    wrote = "halo.yaml: wrote `enabled: false` to overrides.schedules.r.\n"
    assert (paused.code, enabled_letters(halo), wrote in paused.text) == (0, "ABNr", True), paused.text
    below = "overrides:\n  schedules:\n    r:\n      enabled: false\nschedules:\n"
    assert (applied / "halo.yaml").read_text() == FILE.replace("schedules:\n", below)
    assert (applied / "more.yaml").read_text() == MORE
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert halo("resume", "r", "--sandbox", "--yes", "--write").code == 0
    assert (enabled_letters(halo), "      enabled: true\n" in (applied / "halo.yaml").read_text()) == ("ABNR", True)


def test_an_override_of_all_gives_way_to_one_of_the_entry(halo: CommandLine, applied: Path) -> None:
    file = applied / "halo.yaml"
    file.write_text(FILE.replace("version: 1", "version: 1\noverrides: {enabled: true}"))
    assert halo("pause", "b", "--sandbox", "--yes", "--write").code == 0
    assert "overrides: {enabled: true, schedules: {b: {enabled: false}}}\n" in file.read_text()


@pytest.mark.parametrize(
    ("before", "after", "key", "said"),
    [
        (
            "version: 1",
            "version: 1\nx-o: &o {enabled: true}\noverrides: *o",
            "b",
            "b cannot be edited: `overrides` is an alias",
        ),
        ("enabled: true", "enabled: &on true", "a", "a cannot be edited: its enabled has an anchor"),
    ],
)
def test_an_unwritable_file_is_reported_before_anything_is_paused(
    halo: CommandLine, applied: Path, before: str, after: str, key: str, said: str
) -> None:
    text = FILE.replace(before, after, 1)
    (applied / "halo.yaml").write_text(text)
    ended = halo("pause", key, "--sandbox", "--yes", "--write")
    assert (ended.code, said in ended.err, enabled_letters(halo)) == (1, True, "ABNR"), ended.text
    assert ended.err.endswith("hint: run it without --write, and write `enabled: false` by hand\n")
    assert ((applied / "halo.yaml").read_text(), (applied / "more.yaml").read_text()) == (text, MORE)


# A platform that dies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "when", "code", "phrases"),
    [
        (Refuse("FORBIDDEN"), "before", 4, ("Done: 1", "Not done: 1", "Not started: 2")),
        (Cut(), "after", 0, ("Applied: 4 paused.",)),
        (Cut(), "before", 5, ("Done: 1", "Unknown: it may or may not have happened: 3")),
    ],
)
def test_a_platform_that_dies_in_the_middle_leaves_a_summary_and_the_rest_to_the_next_run(
    halo: CommandLine,
    folder: Path,
    effect: Effect,
    when: Literal["before", "after"],
    code: int,
    phrases: tuple[str, ...],
) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    with serve_sandbox(halo) as place:
        for title in "ABCD":
            Caller(place.sandbox).create(title=title)
        place.fault(UPDATE, Pass(), times=1)
        place.fault(UPDATE, effect, times=None, when=when)
        ended = place("pause", "--all", "--yes", "--concurrency", "1", "--receipt", "r.jsonl")
        assert ended.code == code, ended.text
        assert [words for words in phrases if words not in ended.out] == []
        place.sandbox.faults.clear()
        assert place("pause", "--all", "--yes").code == 0
        assert not any(each["enabled"] for each in place.sandbox.schedules())
        assert place("undo", "r.jsonl", "--yes", "--allow-incomplete").code == 0
