"""``halo rename``: changes a title and records the former one, offline; or it fails and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine, tree
from sandbox_calls import Caller

from halo_iac.sandbox.platform import Sandbox

MINE = """\
version: 1
include: [teams/*.yaml]
scope: {title_prefix: "T: "}
defaults: {agent: checkout}   # mine
schedules:
  a:
    title: 'T: a'   # the first
    cron: "@daily"
  pinned: {title: "T: pinned", id: "1", cron: "@daily"}
  gone: {title: "T: gone", state: archived}
# the end
"""
AS_BEFORE = "if you changed it by hand, run `halo rename a --from 'OLD TITLE'` to record the old title"
THEIRS = 'schedules:\r\n  b:\r\n    title: "T: b"\r\n    renamed_from: "T: older"\r\n    cron: \'@daily\''


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "halo.yaml").write_bytes(MINE.encode())
    (folder / "teams").mkdir()
    (folder / "teams" / "b.yaml").write_bytes(THEIRS.encode())
    return folder


def test_a_title_is_changed_and_the_former_one_recorded(halo: CommandLine, project: Path) -> None:
    ended = halo("rename", "a", "T: it's new", "--sandbox")
    assert (ended.code, ended.out, ended.err) == (
        0,
        "halo.yaml: renamed a from 'T: a' to \"T: it's new\".\n",
        "Next: run `halo plan --sandbox` to see the change.\n",
    )
    renamed = "    title: 'T: it''s new'   # the first\n    renamed_from: 'T: a'\n"
    assert tree(project) == {
        "halo.yaml": MINE.replace("    title: 'T: a'   # the first\n", renamed).encode(),
        "teams/b.yaml": THEIRS.encode(),
    }


def test_an_entry_of_an_included_file_is_renamed_there(halo: CommandLine, project: Path) -> None:
    ended = halo("rename", "b", "T: c", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json == {
        "key": "b",
        "file": "teams/b.yaml",
        "title": "T: c",
        "renamed_from": ["T: older", "T: b"],
    }
    expected = THEIRS.replace('"T: b"', '"T: c"').replace('"T: older"', '["T: older", "T: b"]')
    assert tree(project) == {"halo.yaml": MINE.encode(), "teams/b.yaml": expected.encode()}


def test_an_already_changed_title_is_recorded_with_from(halo: CommandLine, project: Path) -> None:
    ended = halo("rename", "a", "--from", "Old ${title}")
    assert (ended.code, ended.out) == (0, "halo.yaml: recorded that a, 'T: a', was called 'Old ${title}'.\n")
    written = (project / "halo.yaml").read_bytes()
    assert b"    title: 'T: a'   # the first\n    renamed_from: 'Old $${title}'\n" in written
    again = halo("rename", "a", "--from", "Old ${title}")
    assert (again.code, again.out) == (0, "halo.yaml already records that a was called 'Old ${title}'.\n")
    assert (project / "halo.yaml").read_bytes() == written


def test_an_entry_with_a_pin_needs_no_renamed_from(halo: CommandLine, project: Path) -> None:
    ended = halo("rename", "pinned", "T: new")
    assert (ended.code, ended.err) == (
        0,
        "It is pinned by its id and needs no renamed_from.\nNext: run `halo plan` to see the change.\n",
    )
    assert (project / "halo.yaml").read_text() == MINE.replace('"T: pinned"', '"T: new"')


def test_a_rename_back_is_no_change(halo: CommandLine, project: Path) -> None:
    with Sandbox.open(project / ".halo" / "sandbox.db") as sandbox:
        Caller(sandbox).create(title="T: a", hours=[0], prompt="Look.")
    (project / "halo.yaml").write_text(
        'version: 1\nschedules:\n  a: {title: "T: a", agent: checkout, cron: "@daily", prompt: Look.}\n'
    )
    assert halo("rename", "a", "T: b").code == 0
    planned = halo("plan", "--sandbox", "--json").json
    assert [[field["field"] for field in change["fields"]] for change in planned["changes"]] == [["title"]]
    assert halo("rename", "a", "T: a").code == 0
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0
    assert halo("rename", "a", "T: b", "--json").json["renamed_from"] == ["T: a", "T: b"]  # none of them twice


def test_a_create_that_looks_like_a_rename_names_the_command_that_says_so(halo: CommandLine, folder: Path) -> None:
    with Sandbox.open(folder / ".halo" / "sandbox.db") as sandbox:
        Caller(sandbox).create(title="Old one", hours=[0])
    (folder / "halo.yaml").write_text(
        "version: 1\nschedules:\n  a: {title: New, agent: checkout, cron: '@daily', prompt: Look.}\n"
    )
    refused = halo("plan", "--sandbox")
    assert refused.code == 3
    assert "halo rename a --from 'Old one'" in " ".join(refused.out.split())
    assert halo("rename", "a", "--from", "Old one").code == 0
    assert halo("plan", "--sandbox").code == 0


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["a"], "give either a new title or --from", "run `halo rename --help` for examples"),
        (
            ["a", "x", "--from", "y"],
            "give either a new title or --from",
            "run `halo rename --help` for examples",
        ),
        (["aa", "T: x"], "halo.yaml declares no schedule 'aa'", "did you mean 'a'?"),
        (["a", "T: a"], "schedule 'a' already has this title", AS_BEFORE),
        (
            ["a", "T: b"],
            "'b' already has this title (teams/b.yaml:3)",
            "choose another title, or pin each entry with `id:`",
        ),
        (
            ["a", "T: pinned"],
            "'pinned' already has this title (halo.yaml:9)",
            "choose another title, or pin each entry with `id:`",
        ),
        (["a", "x"], "the title is outside the scope: it must start with 'T: '", "add the prefix"),
        (["a", "T: x "], "a title cannot begin or end with a space", "use 'T: x'"),
        (["a", "T: \u200bx"], "a title cannot contain control, format or zero-width characters", "use 'T: x'"),
        (["gone", "T: x"], "schedule 'gone' is archived in the project file", "remove `state: archived` first"),
        (["a", "--from", "T: a"], "'T: a' is the current title of schedule 'a'", "pass an earlier title with --from"),
        (
            ["a", "--from", "T: b"],
            "'T: b' is the title of 'b' (teams/b.yaml:3)",
            "a schedule belongs to one entry only",
        ),
        (
            ["a", "--from", "T: older"],
            "'T: older' is an earlier title of 'b' (teams/b.yaml:4)",
            "a schedule belongs to one entry only",
        ),
        (
            ["pinned", "--from", "x"],
            "schedule 'pinned' is pinned by its `id:` and needs no renamed_from",
            "change its `title:`; the next plan shows that as a rename",
        ),
        (["a", "--from", ""], "--from is not a valid title", "copy the title from the output of `halo plan`"),
    ],
)
def test_an_invalid_rename_is_refused(
    halo: CommandLine, project: Path, argv: list[str], message: str, hint: str
) -> None:
    before = tree(project)
    ended = halo("rename", *argv)
    assert (ended.code, ended.out, ended.err) == (64, "", f"error: {message}\nhint: {hint}\n")
    assert tree(project) == before


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("version: 1\nx: 1\nschedules: {}\n", "halo.yaml:2:1: unknown key `x`\n1 problem in 1 file\n"),
        (
            "version: 1\nagents: {x: &t T}\nschedules: {a: {title: *t, agent: x, cron: '@daily'}}\n",
            "error: halo.yaml:3: its title is an alias; nothing was written\nhint: edit it by hand\n",
        ),
        (
            "version: 1\nschedules: {a: {title: '${T:-x}', agent: x, cron: '@daily'}}\n",
            "error: halo.yaml:2: its title contains a variable; nothing was written\nhint: edit it by hand\n",
        ),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_as_it_is(halo: CommandLine, folder: Path, text: str, error: str) -> None:
    (folder / "halo.yaml").write_text(text)
    ended = halo("rename", "a", "New")
    assert ended.code == 1
    assert ended.err == error
    assert (folder / "halo.yaml").read_text() == text


def test_a_read_only_file_is_left_as_it_is(halo: CommandLine, project: Path) -> None:
    (project / "halo.yaml").chmod(0o444)
    ended = halo("rename", "a", "T: x")
    assert (ended.code, ended.err) == (1, "error: halo.yaml: read-only\nhint: make the file writable\n")
    assert (project / "halo.yaml").read_text() == MINE


def test_a_rename_that_would_form_a_cycle_is_refused(halo: CommandLine, folder: Path) -> None:
    text = (
        "version: 1\ndefaults: {agent: x}\nschedules:\n"
        "  a: {title: B2, renamed_from: A, cron: '@daily'}\n  b: {title: C, renamed_from: B2, cron: '@daily'}\n"
    )
    (folder / "halo.yaml").write_text(text.replace("B2, cron", "B, cron"))
    assert halo("rename", "b", "A").code == 0
    (folder / "halo.yaml").write_text(text)
    ended = halo("rename", "b", "A")
    assert ended.code == 64
    assert ended.err.startswith("error: renamed_from would form a cycle: 'A', 'B2'\n")
    assert (folder / "halo.yaml").read_text() == text
