"""``halo import``: a project file for what exists, whose plan shows no change."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import CommandLine, tree
from sandbox_calls import Caller

from halo_iac.errors import FileError
from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.storage.atomic import new_files, replace_unchanged

SANDBOX = Path(".halo") / "sandbox.db"


def create(folder: Path, *schedules: dict[str, object], project: str = demo.DEMO_PROJECT_ID) -> list[str]:
    """Put schedules into the sandbox of a folder and return their ids."""
    with Sandbox.open(folder / SANDBOX) as sandbox:
        return [Caller(sandbox).create(**{"projectId": project, **fields})["id"] for fields in schedules]


def test_an_import_writes_a_file_whose_plan_has_no_changes(halo: CommandLine, folder: Path) -> None:
    weekly = {"title": "Weekly", "frequency": "weekly", "daysOfWeek": [1, 4], "lookbackHours": 168, "enabled": False}
    create(folder, {"title": "Daily review", "maxTurns": 50, "maxSubagentDepth": 3}, weekly)
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err) == (0, "Wrote halo.yaml with 2 schedules.\n")
    assert "No changes. 2 schedules are as declared." in ended.out
    assert (folder / "halo.yaml").read_text() == (
        "# yaml-language-server: $schema=./halo.schema.json\n"
        "# Written by `halo import`; fields equal to the documented defaults are left out.\n"
        "version: 1\n"
        "undeclared: report\n"
        "\n"
        "schedules:\n"
        "  daily-review:\n"
        "    title: Daily review\n"
        "    agent: checkout\n"
        "    frequency: daily\n"
        '    at: "09:00"\n'
        "    prompt: |\n"
        "      Look.\n"
        "\n"
        "  weekly:\n"
        "    title: Weekly\n"
        "    agent: checkout\n"
        "    frequency: weekly\n"
        "    days_of_week: [mon, thu]\n"
        '    at: "09:00"\n'
        "    prompt: |\n"
        "      Look.\n"
        "    lookback: 7d\n"
        "    enabled: false\n"
    )
    assert (folder / "halo.schema.json").read_text() == halo("schema").out
    assert halo("validate").code == 0
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_titles_that_cannot_be_declared_are_pinned(halo: CommandLine, folder: Path) -> None:
    ids = create(folder, {"title": "Twice"}, {"title": "Twice"}, {"title": " odd\u200b "})
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
def test_a_file_that_is_no_project_is_not_changed(halo: CommandLine, folder: Path, named: list[str]) -> None:
    (folder / "halo.yaml").write_text("mine")
    ended = halo("import", "--sandbox", *named)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "halo.yaml:1:1: expected keys and values at the top of the file\n1 problem in 1 file\n"
    assert tree(folder) == {"halo.yaml": b"mine"}


def test_a_broken_link_is_not_replaced(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").symlink_to("gone.yaml")
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: halo.yaml: a link whose target does not exist; it was not overwritten\nhint: use another file name\n"
    )
    assert tree(folder) == {}


def test_a_named_project_is_written_down(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"}, project="other")
    ended = halo("import", "--sandbox", "--project", "other", "--file", "other.yaml")
    assert ended.code == 0
    assert "No changes. 1 schedule is as declared." in ended.out
    assert "project: other\n" in (folder / "other.yaml").read_text()
    assert halo("plan", "--sandbox", "--file", "other.yaml", "--detailed-exitcode").code == 0


def test_a_project_file_further_up_gets_the_entries(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"})
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    (folder / "sub").mkdir()
    os.chdir(folder / "sub")
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err) == (0, "Added 1 schedule to ../halo.yaml.\n")
    assert "No changes. 1 schedule is as declared." in ended.out
    assert "title: There" in (folder / "halo.yaml").read_text()
    assert not (folder / "sub" / "halo.yaml").exists()


def test_the_sandbox_of_an_import_is_beside_the_file_it_writes(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"})
    (folder / "sub").mkdir()
    assert halo("import", "--sandbox", "--file", "sub/halo.yaml").code == 0
    assert "schedules: {}" in (folder / "sub" / "halo.yaml").read_text()
    assert halo("plan", "--sandbox", "--file", "sub/halo.yaml", "--detailed-exitcode").code == 0


def test_a_failure_writes_no_file(halo: CommandLine, folder: Path) -> None:
    assert halo("import").code == 1
    assert halo("import", "--sandbox", "--file", "no/halo.yaml").code == 1
    assert [name for name in tree(folder) if not name.startswith(".halo")] == []


# Into a file that is there ------------------------------------------------------------------------------------------

MINE = """\
version: 1
agents: {shop: checkout}   # ours
defaults: {agent: shop, prompt: Look.}

schedules:
    daily:                  # a key of my own
        title: "Daily"
        frequency: daily
        at: "09:00"

# the end\twith a tab
"""


def test_undeclared_schedules_are_added_and_every_other_byte_stays(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "Daily"}, {"title": "Daily!", "lookbackHours": 48})
    (folder / "halo.yaml").write_text(MINE)
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err) == (0, "Added 1 schedule to halo.yaml.\n")
    assert "No changes. 2 schedules are as declared." in ended.out
    above, below = MINE.split("\n# the end")
    assert (folder / "halo.yaml").read_text() == (
        f"{above}\n"
        "    daily-2:\n"
        "        title: Daily!\n"
        "        frequency: daily\n"
        '        at: "09:00"\n'
        "        lookback: 2d\n"
        f"\n# the end{below}"
    )
    before = tree(folder)["halo.yaml"]
    again = halo("import", "--sandbox")
    assert (again.code, again.err) == (0, "Nothing to add to halo.yaml; 2 schedules declared already.\n")
    assert tree(folder)["halo.yaml"] == before


def test_an_empty_project_has_nothing_to_add(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err) == (0, "Nothing to add to halo.yaml.\n")
    assert (folder / "halo.yaml").read_text() == "version: 1\nschedules: {}\n"


def test_a_schedule_that_an_entry_was_renamed_from_is_declared_already(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "Old"})
    text = "version: 1\nschedules: {a: {title: New, renamed_from: Old, agent: checkout, cron: '@daily'}}\n"
    (folder / "halo.yaml").write_text(text)
    ended = halo("import", "Old", "--sandbox")
    assert (ended.code, ended.err) == (0, "Nothing to add to halo.yaml; 1 schedule declared already.\n")


def test_keys_of_included_files_are_taken(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A"})
    (folder / "a.yaml").write_text("schedules: {a: {title: B, agent: checkout, cron: '@daily'}}")
    (folder / "halo.yaml").write_text("version: 1\ninclude: [a.yaml]\n")
    assert halo("import", "--sandbox").code == 0
    assert "include: [a.yaml]\n\nschedules:\n  a-2:\n    title: A\n" in (folder / "halo.yaml").read_text()


def test_schedules_are_named_by_id_or_title(halo: CommandLine, folder: Path) -> None:
    ids = create(folder, {"title": "[prod] x"}, {"title": "DA"}, {"title": "DB"}, {"title": "E"})
    assert halo("import", ids[3], "[prod] x", "D*", "--sandbox").err == "Wrote halo.yaml with 4 schedules.\n"
    (folder / "halo.yaml").unlink()
    ended = halo("import", "D*", "F", "--sandbox")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == (
        "error: no schedule has the id or title 'F'\nhint: run `halo schedule list --sandbox` to see the schedules\n"
    )
    assert not (folder / "halo.yaml").exists()


def test_archived_schedules_are_imported_if_asked_for(halo: CommandLine, folder: Path) -> None:
    ids = create(folder, {"title": "Gone"}, {"title": "Twice"}, {"title": "Twice"})
    with Sandbox.open(folder / SANDBOX) as sandbox:
        for id_ in ids[:2]:
            Caller(sandbox).mutate("haloSchedule.archive", {"projectId": demo.DEMO_PROJECT_ID, "id": id_})
    ended = halo("import", "--include-archived", "--sandbox")
    assert ended.code == 0
    assert "No changes. 3 schedules are as declared." in ended.out
    written = (folder / "halo.yaml").read_text()
    assert "  gone:\n    title: Gone\n    state: archived\n" in written
    assert f"    title: Twice\n    id: {ids[1]}\n    state: archived\n" in written
    assert f"    title: Twice\n    id: {ids[2]}\n    agent: checkout\n" in written


def test_schedules_that_the_project_file_cannot_declare_are_left_out_and_named(halo: CommandLine, folder: Path) -> None:
    ids = create(folder, {"title": "In A"}, {"title": "In B", "timezone": "Asia/Tokyo"}, {"title": "Out"})
    text = 'version: 1\nscope: {title_prefix: "In "}\noverrides: {timezone: UTC}\nschedules: {}\n'
    (folder / "halo.yaml").write_text(text)
    ended = halo("import", "*", "--sandbox")
    assert ended.code == 1
    assert ended.err == (
        "Added 1 schedule to halo.yaml.\n"
        f"Left out: 'In B' ({ids[1]}): the project file sets a different timezone (halo.yaml:3 (overrides))\n"
        f"Left out: 'Out' ({ids[2]}): outside the project's scope\n"
    )
    assert "in-b" not in (folder / "halo.yaml").read_text()
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("prompt", ["", "x" * 6_000_000], ids=["empty", "longer than a file"])
def test_many_undeclarable_schedules_do_not_exclude_the_others(halo: CommandLine, folder: Path, prompt: str) -> None:
    count = 1 if prompt else 230
    ids = create(folder, *({"title": f"Title {number:03}"} for number in range(count + 2)))
    with closing(sqlite3.connect(folder / SANDBOX)) as database, database:
        change = "UPDATE schedules SET wire = json_set(wire, '$.prompt', ?) WHERE seq <= ?"
        database.execute(change, (prompt, count))
    ended = halo("import", "--sandbox")
    assert ended.code == 0, ended.err
    left_out = [f"Left out: 'Title {number:03}' ({id_})" for number, id_ in enumerate(ids[:count])]
    heading, *reasons = (line.partition("): ") for line in ended.err.splitlines())
    assert (heading[0], [reason[0] + ")" for reason in reasons]) == ("Wrote halo.yaml with 2 schedules.", left_out)
    whys = (
        {"the prompt is longer than 256 KiB"}
        if prompt
        else {"`prompt`: the prompt is empty", "`prompt`: must not be empty"}
    )
    assert {reason[2] for reason in reasons} == whys
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_a_schedule_with_more_problems_than_are_shown_is_left_out_alone(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A"}, {"title": "B"}, {"title": "C"})
    with closing(sqlite3.connect(folder / SANDBOX)) as database, database:
        minutes = json.dumps([60 + number for number in range(300)])
        change = "UPDATE schedules SET wire = json_set(wire, '$.minutes', json(?)) WHERE seq = 1"
        database.execute(change, (minutes,))
        database.execute("UPDATE schedules SET wire = json_set(wire, '$.prompt', '') WHERE seq = 2")
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.err.splitlines()[0]) == (0, "Wrote halo.yaml with 1 schedule.")
    assert [line.partition("): ")[2] for line in ended.err.splitlines()[1:]] == [
        "`minutes`: expected 0 to 59",
        "`prompt`: the prompt is empty",
    ]


def test_prompts_of_several_lines_go_to_files(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A", "prompt": "1\n2"}, {"title": "B", "prompt": "3\n4"}, {"title": "C", "prompt": "5"})
    (folder / "prompts").mkdir()
    (folder / "prompts" / "a.md").write_text("mine")
    (folder / "prompts" / "b.md").write_text("3\n4")
    ended = halo("import", "--prompt-files", "--sandbox")
    assert (ended.code, ended.err) == (0, "Wrote halo.yaml with 3 schedules and 1 prompt file in prompts/.\n")
    written = tree(folder)
    assert {name: text for name, text in written.items() if name.startswith("prompts")} == {
        "prompts/a.md": b"mine",
        "prompts/a-2.md": b"1\n2\n",
        "prompts/b.md": b"3\n4",
    }
    assert b"    prompt_file: prompts/a-2.md\n" in written["halo.yaml"]
    assert b"    prompt_file: prompts/b.md\n" in written["halo.yaml"]
    assert b"    prompt: |\n      5\n" in written["halo.yaml"]
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_no_prompt_file_has_the_name_of_a_device_of_windows(halo: CommandLine, folder: Path) -> None:
    titles = ("CON", "Aux", "nul", "COM1", "lpt9", "Console", "prn!")
    create(folder, *({"title": title, "prompt": f"1\n{title}"} for title in titles))
    assert halo("import", "--sandbox", "--prompt-files").code == 0
    assert sorted(path.name for path in (folder / "prompts").iterdir()) == [
        *("aux-prompt.md", "com1-prompt.md", "con-prompt.md", "console.md"),
        *("lpt9-prompt.md", "nul-prompt.md", "prn-prompt.md"),
    ]
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_values_that_most_entries_share_become_defaults(halo: CommandLine, folder: Path) -> None:
    common = {"timezone": "Asia/Tokyo", "lookbackHours": 48}
    create(folder, *({"title": title, **common} for title in "ABC"), {"title": "D"})
    ended = halo("import", "--sandbox")
    assert "No changes. 4 schedules are as declared." in ended.out
    written = (folder / "halo.yaml").read_text()
    assert (
        "\ndefaults:\n  agent: checkout\n  timezone: Asia/Tokyo\n  prompt: |\n    Look.\n  lookback: 2d\n\n" in written
    )
    assert written.endswith(
        '  d:\n    title: D\n    frequency: daily\n    at: "09:00"\n    timezone: UTC\n    lookback: 1d\n'
    )


# What may go wrong --------------------------------------------------------------------------------------------------


def test_entries_are_printed_if_the_file_cannot_be_edited_safely(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"})
    text = "version: 1\nschedules: { # none yet\n}\n"
    (folder / "halo.yaml").write_text(text)
    ended = halo("import", "--sandbox")
    assert ended.code == 1
    assert ended.out.startswith("schedules:\n  there:\n    title: There\n")
    assert ended.err == (
        "error: halo.yaml was not changed: the braces of `schedules` contain a comment or more than one line\n"
        "hint: add the entries on standard output by hand\n"
    )
    assert "  there:\n" in halo("import", "--sandbox", "--json").error["hint"]
    assert (folder / "halo.yaml").read_text() == text


def test_a_read_only_file_is_not_changed(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"})
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    (folder / "halo.yaml").chmod(0o444)
    ended = halo("import", "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "error: halo.yaml: read-only\nhint: make the file writable\n"
    assert (folder / "halo.yaml").read_text() == "version: 1\nschedules: {}\n"


@pytest.mark.parametrize("now", ["new", "old and more", ""])
def test_a_file_that_changes_during_the_import_is_not_changed(folder: Path, now: str) -> None:
    path = folder / "halo.yaml"
    path.write_text(now)
    with pytest.raises(FileError) as caught:
        replace_unchanged(path, b"old", "text")
    assert caught.value.message == f"{path} changed in the meantime; it was not overwritten"
    assert path.read_text() == now


def test_the_mode_of_a_file_and_its_byte_order_mark_stay(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "There"})
    path = folder / "halo.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\nschedules: {}\r\n")
    path.chmod(0o664)
    assert halo("import", "--sandbox").code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfversion: 1\r\nschedules:\r\n  there:\r\n    title: There\r\n")
    assert path.stat().st_mode & 0o777 == 0o664


def test_prompts_are_not_written_outside_of_the_project(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A", "prompt": "1\n2"})
    (folder / "prompts").symlink_to(folder.parent.parent)
    before = set(tree(folder.parent))
    ended = halo("import", "--prompt-files", "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert "`prompts/a.md`: a link leads outside the checkout" in ended.err
    assert ended.err.endswith("hint: the change would cause these problems; nothing was written\n")
    assert set(tree(folder.parent)) == before


def test_no_file_is_written_if_one_cannot_be_written(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A", "prompt": "1\n2"})
    (folder / "prompts").write_text("no folder")
    ended = halo("import", "--prompt-files", "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert "prompts" in ended.err
    assert {name for name in tree(folder) if not name.startswith(".halo")} == {"prompts"}


def test_files_that_were_written_are_gone_again_if_what_follows_fails(folder: Path) -> None:
    texts = {folder / "prompts" / "a.md": "a", folder / "prompts" / "b.md": "b"}
    with pytest.raises(FileNotFoundError), new_files(texts):
        (folder / "prompts" / "b.md").rename(folder / "no" / "folder")
    assert list(folder.iterdir()) == []
    with new_files(texts):
        pass
    assert tree(folder) == {"prompts/a.md": b"a", "prompts/b.md": b"b"}


# An included file ---------------------------------------------------------------------------------------------------


RESEARCH = """\
# yaml-language-server: $schema=../halo.include.schema.json
schedules:
  research-daily:
    title: 'Research: daily'
    agent: research
    frequency: daily
    at: ["06:30", "18:30"]
    prompt_file: prompts/research-daily.md
    lookback: 1d

  research-hourly:
    title: 'Research: hourly'
    agent: research
    frequency: hourly
    minutes: [0, 30]
    prompt: |
      Look.
    lookback: 5h
"""


def researched(folder: Path) -> Path:
    """Return a project file with a folder for included ones, of a project with schedules of a research team."""
    daily = {"hours": [6, 18], "minutes": [30], "prompt": "Look.\nAgain."}
    create(
        folder,
        {"title": "Research: daily", "agentUuid": demo.RESEARCH_ID, "lookbackHours": 24, **daily},
        {"title": "Research: hourly", "agentUuid": demo.RESEARCH_ID, "frequency": "hourly", "minutes": [0, 30]}
        | {"lookbackHours": 5},
        {"title": "Other"},
    )
    (folder / "schedules").mkdir()
    (folder / "halo.include.schema.json").write_text("{}")
    (folder / "schedules" / "none.yaml").write_text("schedules: {}\n")
    file = folder / "halo.yaml"
    file.write_text("version: 1\ninclude: [schedules/*.yaml]\ndefaults: {lookback: 2d}\n")
    return file


def test_schedules_go_into_an_included_file_that_is_new_or_there(halo: CommandLine, folder: Path) -> None:
    file = researched(folder)
    before, target = file.read_text(), folder / "schedules" / "research.yaml"
    ended = halo("import", "Research: *", "--into", "schedules/research.yaml", "--prompt-files", "--sandbox")
    assert (ended.code, ended.err) == (
        0,
        (
            "Wrote schedules/research.yaml with 2 schedules and 1 prompt file in prompts/.\n"
            'To limit halo.yaml to these titles, add `scope: {title_prefix: "Research: "}` to it.\n'
        ),
    )
    assert (target.read_text(), file.read_text()) == (RESEARCH, before)
    assert (folder / "schedules" / "prompts" / "research-daily.md").read_text() == "Look.\nAgain.\n"
    assert halo("import", "Other", "--into", "schedules/none.yaml", "--sandbox").code == 0
    assert "\n  other:\n    title: Other\n" in (folder / "schedules" / "none.yaml").read_text()
    assert "No changes. 3 schedules are as declared." in halo("plan", "--sandbox").out


@pytest.mark.parametrize(
    ("into", "said"),
    [
        ("other.yaml", "error: other.yaml is not included by halo.yaml; nothing was written\n"),
        ("gone/x.yaml", "error: gone: no such folder\n"),
    ],
)
def test_a_file_that_is_not_included_is_not_changed(halo: CommandLine, folder: Path, into: str, said: str) -> None:
    held = researched(folder).read_text()
    before = sorted(folder.rglob("*.yaml"))
    ended = halo("import", "--into", into, "--sandbox")
    assert (ended.code, ended.err.startswith(said)) == (1, True), ended.err
    assert (sorted(folder.rglob("*.yaml")), (folder / "halo.yaml").read_text()) == (before, held)


def test_an_included_file_needs_a_project_file(halo: CommandLine, folder: Path) -> None:
    create(folder, {"title": "A"})
    ended = halo("import", "--into", "x.yaml", "--sandbox")
    assert (ended.code, "there is no halo.yaml" in ended.err) == (1, True), ended.err
    assert not (folder / "x.yaml").exists()


@pytest.mark.parametrize(
    ("what", "head", "is_proposed"),
    [
        (["Research: *"], None, True),
        (["Research: *", "Other"], None, False),
        (["*"], None, False),
        (["Research: *"], "version: 1\nscope: {agents: [research]}\nschedules: {}\n", False),
        (["Research: *"], "version: 1\nschedules: {x: {title: X, state: archived}}\n", False),
    ],
)
def test_a_scope_is_proposed_for_the_titles_of_a_glob(
    halo: CommandLine, folder: Path, what: list[str], head: str | None, is_proposed: bool
) -> None:
    researched(folder)
    (folder / "halo.yaml").unlink() if head is None else (folder / "halo.yaml").write_text(head)
    ended = halo("import", *what, "--sandbox")
    assert (ended.code, "scope: {title_prefix:" in ended.err) == (0, is_proposed), ended.err
