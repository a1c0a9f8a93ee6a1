"""``--format`` and ``--also``: one run with several outputs, however the run ends."""

from __future__ import annotations

import html
import json
import os
import stat
from pathlib import Path

import pytest
from command_line import CommandLine, CommandResult, tree
from project_files import replace_in

from halo_iac.sandbox.demo import DEMO_KEY

DAILY = """\
version: 1
schedules:
  daily:
    title: Daily review
    agent: checkout
    frequency: daily
    hours: [9]
    prompt: What went wrong?
"""
FORMATS = ("text", "json", "markdown", "github")
EVERY_COPY = [word for name in FORMATS for word in ("--also", f"{name}=copies/{name}")]
COMMANDS = (("plan", "--sandbox"), ("apply", "--sandbox", "--yes"), ("validate",))


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "halo.yaml").write_text(DAILY)
    return folder


def copies(folder: Path) -> dict[str, str]:
    """Return what the copies hold, and take away those that no command would write over."""
    written = {name: (folder / "copies" / name).read_text(encoding="utf-8") for name in FORMATS}
    for name in ("text", "github"):
        (folder / "copies" / name).unlink()
    return written


def first_line(halo: CommandLine, *argv: str, **env: str) -> str:
    return halo("plan", "--format", "markdown", *argv, **env).out.partition("\n")[0]


# One run, several formats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[2]], ids=" ".join)
def test_each_copy_is_what_its_format_prints(halo: CommandLine, project: Path, command: tuple[str, ...]) -> None:
    message = "".join(f"Wrote copies/{name}\n" for name in FORMATS)
    assert halo(*command, *EVERY_COPY) == CommandResult(0, halo(*command).out, message)
    assert copies(project) == {name: halo(*command, "--format", name).out for name in FORMATS}


def test_copies_of_an_apply_hold_the_plan_and_what_came_of_it(halo: CommandLine, project: Path) -> None:
    ended = halo("apply", "--sandbox", "--yes", *EVERY_COPY)
    assert ended.code == 0
    written = copies(project)
    assert written["text"] == ended.out
    document = json.loads(written["json"])
    assert (document["plan"]["changes"][0]["key"], document["summary"]["counts"]) == ("daily", {"done": 1})
    assert written["markdown"].splitlines()[2] == "### halo apply · SANDBOX · Applied: 1 created"
    assert written["markdown"].endswith("\n\nApplied: 1 created.\n")
    assert written["github"].endswith("\nApplied: 1 created.\n")


@pytest.mark.parametrize("name", ["json", "markdown", "github"])
def test_an_apply_in_another_format_asks_nothing(halo: CommandLine, project: Path, name: str) -> None:
    assert project.exists()
    refused = halo("apply", "--sandbox", "--format", name, answer="yes\n")
    assert (refused.code, "cannot ask for confirmation" in refused.err) == (3, True)
    assert "daily" in refused.out
    ended = halo("apply", "--sandbox", "--format", name, "--yes")
    assert ended.code == 0
    assert ended.out.count("<!-- halo-plan: ") == (name == "markdown")
    assert "created" in ended.out or '"done": 1' in ended.out


@pytest.mark.parametrize("answer", [None, "no\n"])
def test_a_plan_is_copied_without_confirmation(halo: CommandLine, project: Path, answer: str | None) -> None:
    assert halo("apply", "--sandbox", "--also", "markdown=plan.md", answer=answer).code == 3
    assert "### halo plan · SANDBOX · 1 to create\n" in (project / "plan.md").read_text(encoding="utf-8")


def test_a_refused_plan_and_a_blocked_entry_are_copied(halo: CommandLine, project: Path) -> None:
    halo("apply", "--sandbox", "--yes")
    replace_in(project / "halo.yaml", "title: Daily review", "title: daily Review")  # looks like the one that is there
    for command in COMMANDS[:2]:
        assert halo(*command, *EVERY_COPY).code == 3
        written = copies(project)
        assert written["markdown"].splitlines()[2] == "### halo plan · SANDBOX · REFUSED · 1 to create"
        assert written["github"].startswith("::error file=work/halo.yaml,line=3,title=halo plan::refused, ")
    replace_in(project / "halo.yaml", "agent: checkout", "agent: chekout")
    for command in COMMANDS[:2]:
        assert halo(*command, *EVERY_COPY).code == 1
        written = copies(project)
        assert "#### Blocked: 1 entry, for which nothing is planned\n" in written["markdown"]
        assert "title=halo plan::blocked daily: " in written["github"]
        assert "Blocked: 1 entry" in written["text"]


# Problems and errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS[:2], ids=" ".join)
def test_problems_of_a_bad_file_are_copied(halo: CommandLine, project: Path, command: tuple[str, ...]) -> None:
    marker = first_line(halo, "--sandbox")
    replace_in(project / "halo.yaml", "hours: [9]", "hours: [24]")
    ended = halo(*command, *EVERY_COPY)
    assert (ended.code, ended.out) == (1, "")
    written = copies(project)
    assert written["markdown"].startswith(f"{marker}\n\n### halo · 1 problem in 1 file\n")
    assert "- `halo.yaml:7:13`: " in written["markdown"]
    assert written["github"].startswith("::error file=work/halo.yaml,line=7,col=13,title=halo::")
    assert json.loads(written["json"])["error"]["problems"][0]["line"] == 7
    assert ended.err.endswith(written["text"])


@pytest.mark.parametrize("name", ["markdown", "github"])
def test_problems_are_published_where_the_plan_would_be(halo: CommandLine, project: Path, name: str) -> None:
    replace_in(project / "halo.yaml", "hours: [9]", "hours: [24]")
    planned = halo("plan", "--sandbox", "--format", name, "--also", f"{name}=copy")
    assert planned.code == 1
    assert planned.out == (project / "copy").read_text(encoding="utf-8")
    assert planned.err.endswith("1 problem in 1 file\n")
    checked = halo("validate", "--format", name)
    assert (checked.code, checked.err) == (1, "")
    assert checked.out.partition("\n")[2] == planned.out.partition("\n")[2]


def test_problems_of_a_file_are_the_result_of_a_check(halo: CommandLine, project: Path) -> None:
    replace_in(project / "halo.yaml", "hours: [9]", "hours: [24]")
    ended = halo("validate", *EVERY_COPY)
    assert ended.code == 1
    assert copies(project) == {name: halo("validate", "--format", name).out for name in FORMATS}


def test_any_other_error_is_copied_too(halo: CommandLine, project: Path) -> None:
    ended = halo("plan", "--also", "markdown=plan.md", "--also", "json=plan.json")
    assert (ended.code, ended.out) == (1, "")
    assert "**Error**: no API key: " in (project / "plan.md").read_text(encoding="utf-8")
    assert json.loads((project / "plan.json").read_text())["error"]["code"] == "settings"


def test_a_missing_project_file_has_the_marker_it_would_have(halo: CommandLine, project: Path) -> None:
    marker = first_line(halo, "--sandbox")
    (project / "halo.yaml").unlink()
    assert first_line(halo, "--sandbox") == marker


# Wrong usage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("also", "message"),
    [
        (["plan.md"], "--also plan.md is not FORMAT=FILE"),
        (["xml=plan.xml"], "--also xml=plan.xml is not FORMAT=FILE"),
        (["markdown="], "--also markdown= is not FORMAT=FILE"),
        (["markdown=-"], "--also markdown=- is not FORMAT=FILE"),
        (["json=a", "text=./a"], "--also text=a: the file is named twice"),
        (["json=new/a", "text="], "--also text= is not FORMAT=FILE"),
        (["json=halo.yaml"], "--also json=halo.yaml: no output format is YAML"),
        (["text=prompt.md"], "--also text=prompt.md: text output is not markdown"),
        (["github=prompt.md"], "--also github=prompt.md: github output is not markdown"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_invalid_copy_option_is_wrong_usage(
    halo: CommandLine, project: Path, command: tuple[str, ...], also: list[str], message: str
) -> None:
    before = tree(project)
    ended = halo(*command, *(word for each in also for word in ("--also", each)))
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error: {message}\nhint: ")
    assert (tree(project), (project / "new").exists()) == (before, False)


def test_a_saved_plan_and_a_copy_need_files_of_their_own(halo: CommandLine, project: Path) -> None:
    ended = halo("plan", "--sandbox", "--out", "plan.json", "--also", "json=../work/plan.json")
    assert ended.code == 64
    assert ended.err.startswith("error: --also json=../work/plan.json: the file is named twice\n")
    assert not (project / "plan.json").exists()


def test_a_markdown_file_that_halo_did_not_write_is_kept(halo: CommandLine, project: Path) -> None:
    prompt = project / "prompt.md"
    prompt.write_text("Look at payments.\n")
    ended = halo("apply", "--sandbox", "--yes", "--also", "markdown=prompt.md")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: prompt.md exists and is not markdown written by halo; it was not overwritten\n")
    assert prompt.read_text() == "Look at payments.\n"
    prompt.write_text("")
    for _ in range(2):  # an empty file, then a page
        assert halo("plan", "--sandbox", "--also", "markdown=prompt.md").code == 0
    assert halo("plan", "--sandbox", "--also", "markdown=.").err.startswith("error: .: a directory\n")


def test_only_json_documents_of_halo_are_replaced(halo: CommandLine, folder: Path) -> None:
    also = ("--also", "json=package.json")
    (folder / "package.json").write_text('{\n  "name": "ours"\n}\n')
    ended = halo("validate", *also)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: package.json exists and is not JSON written by halo; it was not overwritten\n")
    (folder / "package.json").write_text("")
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\nodd: 1\n")
    assert halo("validate", *also).code == halo("plan", "--sandbox", *also).code == 1
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    for words in (("plan", "--sandbox"), ("apply", "--sandbox", "--yes"), ("validate",)):
        assert halo(*words, *also).code == 0


def test_a_copy_that_cannot_be_written_is_a_part_of_the_run_that_failed(halo: CommandLine, project: Path) -> None:
    copy = project / "plan.md"
    ended = halo("apply", "--sandbox", "--yes", "--also", "markdown=plan.md", reactions={"created": copy.mkdir})
    assert (ended.code, ended.out.endswith("Applied: 1 created.\n")) == (4, True)
    assert "\nerror: plan.md: a directory\nhint: use the path of a file\nReceipt: " in ended.err


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_copies_are_for_their_owner(halo: CommandLine, project: Path) -> None:
    (project / "copies").mkdir()
    for name in FORMATS:
        (project / "copies" / name).touch(mode=0o666)
    halo("plan", "--sandbox", *EVERY_COPY)
    assert {stat.S_IMODE((project / "copies" / name).stat().st_mode) for name in FORMATS} == {0o600}


@pytest.mark.parametrize("key", [DEMO_KEY, "sk_live:abc@def.www.ghi|100%25<x>*"])
def test_no_key_is_copied(halo: CommandLine, project: Path, key: str) -> None:
    replace_in(project / "halo.yaml", "What went wrong?", f"'What is {key}?'")
    replace_in(project / "halo.yaml", "Daily review", f"'Daily review of everything {key}'")
    with (project / "halo.yaml").open("a") as file:
        file.write(f"  blocked: {{title: T, agent: '{key}', frequency: daily, hours: [9]}}\n")
    ended = halo("plan", "--sandbox", *EVERY_COPY, INF_API_KEY=key)
    assert ended.code == 1
    texts = copies(project)
    assert all("***" in text for text in texts.values())
    assert all(key not in html.unescape(text).replace("<wbr>", "") for text in texts.values())
    assert "ghi" not in "".join(texts.values())


# Markdown and annotations -------------------------------------------------------------------------------------------


def test_each_place_has_a_marker_of_its_own(halo: CommandLine, project: Path) -> None:
    (project / "halo.staging.yaml").write_text(DAILY)
    marker = first_line(halo, "--sandbox")
    others = [
        first_line(halo, "--sandbox", "--file", "halo.staging.yaml"),
        first_line(halo, "--sandbox", "--project", "2f6c1c5e-7d1f-4a55-9a86-3c6f7f2f9d10"),
        first_line(halo),
        first_line(halo, INF_API_URL="https://example.com"),
    ]
    assert len({marker, *others}) == 5
    replace_in(project / "halo.yaml", "hours: [9]", "hours: [10]")
    (project / "sub").mkdir()
    os.chdir(project / "sub")
    assert first_line(halo, "--sandbox") == first_line(halo, "--sandbox", "--file", "../halo.yaml") == marker


def test_annotations_name_files_from_the_root_of_the_repository(halo: CommandLine, project: Path) -> None:
    (project / "sub").mkdir()
    os.chdir(project / "sub")

    def annotated(**env: str) -> str:
        return halo("plan", "--sandbox", "--file", "../halo.yaml", "--format", "github", **env).out.partition(",")[0]

    assert annotated() == "::notice file=work/halo.yaml"
    assert annotated(GITHUB_WORKSPACE=str(project)) == "::notice file=halo.yaml"
    assert annotated(GITHUB_WORKSPACE="/elsewhere") == "::notice file=work/halo.yaml"


def test_annotations_reach_the_log_of_a_runner(halo: CommandLine, project: Path) -> None:
    replace_in(project / "halo.yaml", "title: Daily review", 'title: "::error::gotcha"')
    ended = halo("plan", "--sandbox", "--format", "github", GITHUB_ACTIONS="true", CI="true")
    first, last = ended.out.splitlines()
    assert first == ("::notice file=work/halo.yaml,line=3,title=halo plan::create daily: every day at 09:00 (UTC)")
    assert last.startswith("Plan: 1 to create,")


def test_a_screen_without_unicode_gets_ascii_and_copies_keep_unicode(halo: CommandLine, project: Path) -> None:
    halo("apply", "--sandbox", "--yes")
    replace_in(project / "halo.yaml", "hours: [9]", "hours: [10]")
    for name in FORMATS:
        ended = halo("plan", "--sandbox", "--format", name, "--also", f"{name}=copy-{name}", encoding="ascii")
        assert (ended.code, ended.out.isascii(), "\\u" in ended.out) == (0, True, False)
        assert ("→" in (project / f"copy-{name}").read_text(encoding="utf-8")) == (name != "json")


def test_json_decides_over_a_format(halo: CommandLine, project: Path) -> None:
    assert project.exists()
    assert halo("plan", "--sandbox", "--json", "--format", "markdown").json["version"] == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_link_cycle_causes_no_internal_error(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    (folder / "halo.yaml").symlink_to("halo.yaml")
    (folder / "sound.yaml").write_text(DAILY)
    assert "no such file" in halo("validate", "--format", form).text
    assert "no such file" in halo("plan", "--sandbox", "--file", "halo.yaml", "--format", form).text
    assert halo("init", "--file", "halo.yaml/halo.yaml").code == 1
    (folder / "copy").symlink_to("copy")
    assert "internal error" not in halo("validate", "--file", "sound.yaml", "--also", f"{form}=copy").text
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder / "halo.yaml"))
    assert halo("validate", "--file", "sound.yaml", "--format", form).code == 0
