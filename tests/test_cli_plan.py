"""Plan and apply through the command line, on the sandbox: the main job, end to end."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Stream, schedules, titles
from project_files import replace_in, write_project

from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

DAILY = """\
  daily:
    title: Daily review
    agent: checkout
    frequency: daily
    at: "09:00"
    prompt: What went wrong?
"""
WEEKLY = """\
  weekly:
    title: Weekly review
    agent: support-bot
    frequency: weekly
    days_of_week: [mon]
    at: "08:00"
    prompt: What went wrong this week?
"""


def numbered_entries(count: int) -> list[str]:
    return [DAILY.replace("daily:", f"d{n}:").replace("review", f"review {n}") for n in range(count)]


def test_a_plan_blocks_a_model_that_an_apply_would_fail_for(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY + "    model_id: halo-larg\n", WEEKLY + "    model_id: halo-small\n")
    planned = halo("plan", "--sandbox")
    assert planned.code == 1
    assert "the platform does not offer model_id 'halo-larg'\n      hint: did you mean 'halo-large'" in planned.out
    assert "Plan: 1 to create" in planned.out


# The flow -----------------------------------------------------------------------------------------------------------


def test_a_plan_follows_applies_and_edits(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY)

    planned = halo("plan", "--sandbox")
    assert (planned.code, planned.err) == (0, "")
    assert planned.out.startswith("SANDBOX  ")
    assert '+ create     daily  "Daily review"' in planned.out
    assert "Plan: 2 to create, 0 to update, 0 to unarchive, 0 to archive; 0 unchanged." in planned.out
    assert titles(halo) == []

    applied = halo("apply", "--sandbox", "--yes")
    assert applied.code == 0
    assert applied.out.startswith(planned.out)
    assert applied.out.endswith("Applied: 2 created.\n")
    assert titles(halo) == ["Daily review", "Weekly review"]
    ids = {each["id"] for each in schedules(halo)}
    assert all(id_ in applied.err for id_ in ids)

    again = halo("plan", "--sandbox", "--detailed-exitcode")
    assert (again.code, again.err) == (0, "")
    assert "No changes. 2 schedules are as declared." in again.out
    assert halo("apply", "--sandbox").code == 0  # nothing to ask about

    replace_in(folder / "halo.yaml", '"09:00"', '"08:30"')
    changed = halo("plan", "--sandbox", "--detailed-exitcode")
    assert changed.code == 2
    assert "Plan: 0 to create, 1 to update, 0 to unarchive, 0 to archive; 1 unchanged." in changed.out
    assert "      at          09:00 → 08:30  (halo.yaml:" in changed.out


def test_every_plan_lists_schedules_paused_by_a_removed_override(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY, overrides="{enabled: false}")
    assert halo("apply", "--sandbox", "--yes").code == 0

    write_project(folder, DAILY, WEEKLY)
    planned = halo("plan", "--sandbox", "--detailed-exitcode", "--also", "github=plan.txt", "--also", "json=plan.json")
    assert planned.code == 0
    assert "\nPaused: 2 schedules, by hand; left alone\n" in planned.out
    hint = "add `enabled: true` to the entry or to `defaults:`, or run `halo resume daily weekly --sandbox`"
    assert f"to resume them: {hint}\n" in planned.out
    assert planned.out.splitlines()[-1].startswith(
        "No changes. 0 schedules are as declared; 2 paused. Runs a month: 0."
    )
    assert (folder / "plan.txt").read_text().count("is paused by hand and left alone") == 2
    assert [each["key"] for each in json.loads((folder / "plan.json").read_text())["paused"]] == ["daily", "weekly"]

    write_project(folder, DAILY, WEEKLY, defaults="{enabled: true}")
    assert halo("apply", "--sandbox", "--yes").out.endswith("Applied: 2 updated.\n")
    assert "No changes. 2 schedules are as declared." in halo("plan", "--sandbox").out


def test_pending_changes_are_exit_code_2_only_if_asked_for(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    assert [halo("plan", "--sandbox", *flag).code for flag in ((), ("--detailed-exitcode",))] == [0, 2]


def test_only_targets_are_planned_and_applied(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY)
    assert "Plan: 1 to create," in halo("plan", "--sandbox", "--target", "weekly").out
    assert halo("apply", "--sandbox", "--yes", "-t", "weekly").code == 0
    assert titles(halo) == ["Weekly review"]


def test_a_target_that_is_not_declared_is_wrong_usage(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    ended = halo("plan", "--sandbox", "--target", "dayly")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith("error: --target dayly: the project has no entry with this key\n")


# Asking -------------------------------------------------------------------------------------------------------------


def test_an_apply_without_a_terminal_and_yes_is_refused(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    ended = halo("apply", "--sandbox")
    assert ended.code == 3
    assert "+ create     daily" in ended.out
    assert ended.err == (
        "error: cannot ask for confirmation: stdin is not a terminal; nothing was changed\n"
        "hint: pass --yes once the plan has been reviewed\n"
    )
    assert titles(halo) == []


def test_json_output_refuses_and_contains_the_plan(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    ended = halo("apply", "--sandbox", "--json", answer="yes\n")
    assert (ended.code, ended.json["plan"]["changes"][0]["key"], ended.json["summary"]) == (3, "daily", None)
    assert ended.error["code"] == "refused"
    assert titles(halo) == []


@pytest.mark.parametrize("answer", ["", "\n", "no\n", "y\n", "yep\n"])
def test_only_yes_applies(halo: CommandLine, folder: Path, answer: str) -> None:
    write_project(folder, DAILY)
    ended = halo("apply", "--sandbox", answer=answer)
    assert ended.code == 3
    sandbox = folder / ".halo" / "sandbox.db"
    assert ended.err == f"\nApply 1 change to sandbox:{sandbox}?\nOnly `yes` is accepted: Nothing was changed.\n"
    assert titles(halo) == []


@pytest.mark.parametrize("answer", ["yes\n", " YES \n"])
def test_the_answer_yes_applies(halo: CommandLine, folder: Path, answer: str) -> None:
    write_project(folder, DAILY)
    assert halo("apply", "--sandbox", answer=answer).code == 0
    assert titles(halo) == ["Daily review"]


# JSON ---------------------------------------------------------------------------------------------------------------


def test_a_plan_as_json_is_one_document(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    ended = halo("plan", "--sandbox", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [(change["action"], change["key"]) for change in ended.json["changes"]] == [("create", "daily")]
    assert halo("plan", "--sandbox", "--format", "json") == ended


def test_an_apply_as_json_is_one_document(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    ended = halo("apply", "--sandbox", "--yes", "--json")
    (outcome,) = ended.json["summary"]["outcomes"]
    (created,) = schedules(halo)
    assert (ended.code, ended.err) == (0, "")
    assert (outcome["action"], outcome["key"], outcome["status"], outcome["id"]) == (
        "create",
        "daily",
        "done",
        created["id"],
    )
    assert ended.json["plan"]["changes"][0]["key"] == "daily"
    again = halo("apply", "--sandbox", "--yes", "--json")
    assert (again.code, again.json["summary"], again.json["plan"]["changes"]) == (0, None, [])


# A saved plan -------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(halo: CommandLine, folder: Path) -> Path:
    write_project(folder, DAILY, WEEKLY)
    ended = halo("plan", "--sandbox", "--out", "plan.json")
    assert ended.code == 0
    assert ended.err == "Saved the plan to plan.json. To apply it, run `halo apply plan.json --sandbox`.\n"
    return folder / "plan.json"


def rewrite(path: Path, **values: object) -> None:
    document: dict[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **values}))


def assert_refused(halo: CommandLine, *words: str) -> None:
    before = titles(halo)
    ended = halo("apply", "--sandbox", "--yes", "plan.json")
    assert ended.code == 3, ended.text
    assert all(word in ended.out for word in words), ended.out
    assert ended.err.startswith("error: the plan is refused for the ")
    assert titles(halo) == before


def test_a_saved_plan_is_the_json_readable_by_its_owner_only(halo: CommandLine, saved: Path) -> None:
    assert saved.read_text() == halo("plan", "--sandbox", "--json").out
    assert os.name == "nt" or stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_saved_plan_is_applied_and_then_in_effect(halo: CommandLine, saved: Path) -> None:
    assert halo("apply", "--sandbox", saved.name, "--yes").code == 0
    assert titles(halo) == ["Daily review", "Weekly review"]
    again = halo("apply", "--sandbox", saved.name, "--yes")
    assert (again.code, again.err) == (0, "")
    assert "No changes." in again.out


def test_applying_a_saved_plan_asks_for_confirmation(halo: CommandLine, saved: Path) -> None:
    assert halo("apply", "--sandbox", saved.name).code == 3
    assert halo("apply", "--sandbox", saved.name, answer="yes\n").code == 0


def test_a_saved_plan_that_is_partly_in_effect_is_applied(halo: CommandLine, saved: Path) -> None:
    halo("apply", "--sandbox", "--yes", "--target", "daily")
    ended = halo("apply", "--sandbox", saved.name, "--yes")
    assert ended.code == 0
    assert ended.out.endswith("Applied: 1 created.\n")


def test_a_saved_plan_that_is_outdated_by_the_file_is_refused(halo: CommandLine, folder: Path, saved: Path) -> None:
    assert saved.exists()
    replace_in(folder / "halo.yaml", '"09:00"', '"10:00"')
    assert_refused(halo, "create daily: differs from the saved plan")
    write_project(folder, DAILY, WEEKLY, DAILY.replace("daily:", "more:").replace("Daily", "More"))
    assert_refused(halo, "create more: is not in the saved plan")
    write_project(folder, DAILY)
    assert_refused(halo, "create weekly: is in the saved plan, but is no longer planned")


def test_a_saved_plan_keeps_its_targets(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY)
    halo("plan", "--sandbox", "--out", "plan.json", "--target", "daily")
    assert halo("apply", "--sandbox", "plan.json", "--yes").code == 0
    assert titles(halo) == ["Daily review"]


def test_a_forged_plan_changes_only_what_the_files_declare(halo: CommandLine, folder: Path, saved: Path) -> None:
    document = json.loads(saved.read_text())
    document["changes"][0]["title"] = "Something else"
    saved.write_text(json.dumps(document))
    assert_refused(halo, "differs from the saved plan")
    rewrite(saved, changes=[])
    assert_refused(halo, "is not in the saved plan")
    write_project(folder)
    rewrite(saved, changes=document["changes"])
    assert_refused(halo, "is no longer planned and has not taken effect")


def test_a_plan_for_another_place_or_policy_is_refused(halo: CommandLine, folder: Path, saved: Path) -> None:
    host = json.loads(saved.read_text())["host"]
    rewrite(saved, host={**host, "project_id": "another"})
    assert_refused(halo, "the saved plan was made for another project")
    rewrite(saved, host={**host, "base_url": "https://example.com"})
    assert_refused(halo, "the saved plan was made for another host")
    rewrite(saved, host=host)
    write_project(folder, DAILY, WEEKLY, undeclared="archive")
    assert_refused(halo, "the saved plan was made for another `undeclared`: report, now archive")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "error: plan.json: no such file\n"),
        (b"", "error: plan.json: the saved plan is not valid JSON, or is incomplete: "),
        (b"version: 1\n", "error: plan.json: the saved plan is not valid JSON, or is incomplete: "),
        (b"{}", "error: plan.json: the saved plan is damaged: "),
        (b"\xff\xfe", "error: plan.json: the saved plan is not valid JSON, or is incomplete: "),
    ],
)
def test_a_file_that_is_no_plan_is_named(halo: CommandLine, folder: Path, content: bytes | None, message: str) -> None:
    write_project(folder, DAILY)
    if content is not None:
        (folder / "plan.json").write_bytes(content)
    ended = halo("apply", "--sandbox", "plan.json", "--yes")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(message)
    assert titles(halo) == []


def test_truncated_plans_and_other_versions_are_reported(halo: CommandLine, saved: Path) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) // 2])
    stderr = halo("apply", "--sandbox", saved.name, "--yes").err
    assert stderr.startswith("error: plan.json: the saved plan is not valid JSON, or is")
    saved.write_bytes(whole)
    rewrite(saved, version=2)
    ended = halo("apply", "--sandbox", saved.name, "--yes")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: plan.json: the saved plan is of another version\nhint: ")
    assert titles(halo) == []


def test_only_a_plan_is_replaced_by_a_plan(halo: CommandLine, folder: Path, saved: Path) -> None:
    before = (folder / "halo.yaml").read_bytes()
    ended = halo("plan", "--sandbox", "--out", "halo.yaml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: halo.yaml exists and is not a saved plan; it was not overwritten\n")
    assert (folder / "halo.yaml").read_bytes() == before
    (folder / "empty").touch()
    shutil.copy(saved, folder / "there.json")
    (folder / "link.json").symlink_to("there.json")
    for name in (saved.name, "empty", "link.json"):
        assert halo("plan", "--sandbox", "--out", name).code == 0
        assert (folder / name).read_bytes() == saved.read_bytes()
    assert (folder / "link.json").is_symlink()


def test_a_plan_that_cannot_be_saved_says_why(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    assert halo("plan", "--sandbox", "--out", "no/plan.json").err == (
        "error: no/plan.json: No such file or directory\nhint: check the folder and its permissions\n"
    )
    assert halo("plan", "--sandbox", "--out", ".").err == "error: .: a directory\nhint: use the path of a file\n"
    assert halo("plan", "--sandbox", "--out", os.devnull).code == 1


# Guards -------------------------------------------------------------------------------------------------------------


def test_archiving_too_many_is_refused_until_it_is_permitted(halo: CommandLine, folder: Path) -> None:
    write_project(folder, *numbered_entries(5))
    halo("apply", "--sandbox", "--yes")
    write_project(folder, *numbered_entries(3), undeclared="archive")
    for command in (("plan", "--sandbox"), ("apply", "--sandbox", "--yes")):
        ended = halo(*command)
        assert ended.code == 3
        assert "override: --allow-archive 2" in ended.out
    as_json = halo("apply", "--sandbox", "--yes", "--json")
    assert (as_json.code, as_json.json["summary"], as_json.error["code"]) == (3, None, "refused")
    assert as_json.json["plan"]["refusals"][0]["override"] == "--allow-archive 2"
    assert "--allow-archive 2" in as_json.error["message"]
    assert len(titles(halo)) == 5
    assert halo("plan", "--sandbox", "--allow-archive", "2").code == 0
    assert halo("apply", "--sandbox", "--yes", "--allow-archive", "2").code == 0
    assert len(titles(halo)) == 3


def test_a_protected_title_is_not_archived(halo: CommandLine, folder: Path) -> None:
    write_project(folder, *numbered_entries(4))
    halo("apply", "--sandbox", "--yes")
    write_project(folder, *numbered_entries(3), undeclared="archive", protect='["* 3"]')
    ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "4")
    assert ended.code == 3
    assert "protect" in ended.out
    assert len(titles(halo)) == 4


def test_a_project_that_declares_nothing_archives_nothing(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    halo("apply", "--sandbox", "--yes")
    write_project(folder, undeclared="archive")
    assert halo("apply", "--sandbox", "--yes").code == 3
    assert titles(halo) == ["Daily review"]
    assert halo("apply", "--sandbox", "--yes", "--allow-archive", "1").code == 0
    assert titles(halo) == []


def test_archiving_needs_the_whole_project(halo: CommandLine, folder: Path) -> None:
    write_project(folder, *numbered_entries(4))
    halo("apply", "--sandbox", "--yes")
    write_project(folder, *numbered_entries(3), undeclared="archive")
    assert halo("plan", "--sandbox", "--target", "d0").code == 3
    assert halo("plan", "--sandbox").code == 0


def test_a_create_that_looks_like_another_is_refused_until_it_is_permitted(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    halo("apply", "--sandbox", "--yes")
    replace_in(folder / "halo.yaml", "title: Daily review", "title: daily  Review")
    ended = halo("plan", "--sandbox")
    assert ended.code == 3
    assert 'renamed_from: "Daily review"' in ended.out
    assert "override: --allow-create daily" in ended.out
    assert halo("apply", "--sandbox", "--yes", "--allow-create", "daily").code == 0
    assert len(titles(halo)) == 2


def test_undeclared_schedules_are_listed_but_are_no_change(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY)
    halo("apply", "--sandbox", "--yes")
    write_project(folder, DAILY)
    ended = halo("plan", "--sandbox", "--detailed-exitcode")
    assert ended.code == 0
    assert "Undeclared: 1 schedule, still firing; left alone\n" in ended.out
    assert halo("apply", "--sandbox").code == 0
    assert titles(halo) == ["Daily review", "Weekly review"]


# Blocked ------------------------------------------------------------------------------------------------------------


def test_a_blocked_entry_is_a_failed_plan_and_the_rest_is_carried_out(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY.replace("support-bot", "suport-bot"))
    planned = halo("plan", "--sandbox", "--detailed-exitcode")
    assert planned.code == 1
    assert "Blocked: 1 entry" in planned.out
    assert "support-bot" in planned.out  # what was meant
    applied = halo("apply", "--sandbox", "--yes")
    blocked = "1 entry is blocked; nothing was changed for weekly"
    assert applied.code == 4
    hint = "fix the reasons that the plan shows, then run the command again"
    assert f"\nerror: {blocked}\nhint: {hint}\n" in applied.err
    assert titles(halo) == ["Daily review"]
    again = halo("apply", "--sandbox", "--yes")
    assert again.code == 1  # nothing but the blocked one is left
    assert f"error: {blocked}\n" in again.err
    document = halo("apply", "--sandbox", "--yes", "--json")
    error = json.loads(document.err)["error"]
    assert (document.code, error["exit_code"], error["message"]) == (1, 1, blocked)


def test_the_json_error_of_a_blocked_entry_has_the_code_of_the_process(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY.replace("support-bot", "suport-bot"))
    ended = halo("apply", "--sandbox", "--yes", "--json")
    assert (ended.code, json.loads(ended.err)["error"]["exit_code"]) == (4, 4)


def test_an_undeclared_schedule_is_an_error_where_the_file_says_so(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY, WEEKLY)
    assert halo("apply", "--sandbox", "--yes").code == 0
    write_project(folder, DAILY, undeclared="error")
    planned = halo("plan", "--sandbox", "--json")
    (id_,) = (each["id"] for each in planned.json["undeclared"])
    (finding,) = (each for each in planned.json["findings"] if each["rule"] == "undeclared")
    title = planned.json["undeclared"][0]["title"]
    assert (planned.code, finding["severity"], finding["path"], finding["line"]) == (1, "error", "halo.yaml", 2)
    message = f"1 schedule is declared in no file, which `undeclared: error` does not allow: {title!r}"
    assert finding["message"] == message
    hint = f"run `halo import {id_} --sandbox` to add it to halo.yaml, or archive it"
    for words in (("plan",), ("apply", "--yes"), ("plan", "--undeclared", "report")):
        ended = halo(*words, "--sandbox")
        assert (ended.code, message in ended.out, hint in ended.out) == (1, True, True), ended.text
    github = halo("plan", "--sandbox", "--format", "github").out
    assert "::error file=" in github
    assert "title=halo%3A undeclared::1 schedule is declared in no file" in github
    assert halo("plan", "--sandbox", "--target", "daily").code == 0
    assert halo("undo", *map(str, sorted((folder / ".halo/receipts").iterdir())), "--sandbox", "--yes").code != 1
    assert halo("import", id_, "--sandbox").code == 0
    assert halo("plan", "--sandbox").code == 0


def test_undeclared_schedules_are_kept_while_an_entry_is_blocked(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    assert halo("apply", "--sandbox", "--yes").code == 0
    write_project(
        folder, WEEKLY, DAILY.replace("daily:", "other:").replace("Daily", "Other").replace("checkout", "nobody")
    )
    replace_in(folder / "halo.yaml", "version: 1", "version: 1\nundeclared: archive")
    ended = halo("apply", "--sandbox", "--yes")
    assert ended.code == 4, ended.text
    assert "Withheld: these changes are left out; the rest can be applied" in ended.out
    assert titles(halo) == ["Daily review", "Weekly review"]


def test_a_blocked_entry_precedes_a_refusal_and_a_missing_terminal(halo: CommandLine, folder: Path) -> None:
    write_project(folder, WEEKLY, DAILY.replace("checkout", "nobody"))
    assert halo("apply", "--sandbox").code == 1
    write_project(folder, *numbered_entries(5))
    halo("apply", "--sandbox", "--yes")
    write_project(folder, *numbered_entries(5), DAILY.replace("checkout", "nobody"))
    (folder / "halo.yaml").write_text(
        (folder / "halo.yaml").read_text().replace("agent: checkout", "enabled: false\n    agent: checkout")
    )
    for command in (("plan", "--sandbox"), ("apply", "--sandbox", "--yes")):
        ended = halo(*command)
        assert (ended.code, "override: --allow-archive 5" in ended.out) == (1, True), ended.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_summary_that_cannot_be_written_is_a_part_of_the_run_that_failed(halo: CommandLine, folder: Path) -> None:
    write_project(folder, DAILY)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-P", "-m", "halo_iac", "apply", "--sandbox", "--yes", "--json"]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        ended = subprocess.run(command, cwd=folder, env=env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, titles(halo)) == (4, ["Daily review"])
    assert b"Traceback" not in ended.stderr
    assert json.loads(ended.stderr)["error"]["exit_code"] == 4


def test_apply_writes_where_the_plan_was_made(halo: CommandLine, folder: Path) -> None:
    """The inf config file may change while the question is on the screen; the answer was about what was shown."""
    write_project(folder, DAILY)
    config = folder.parent / "inf" / "config.json"
    config.parent.mkdir()
    with Sandbox.open(None) as shown, Sandbox.open(None) as other, serve(shown) as here, serve(other) as there:

        def sign_in(url: str) -> None:
            config.write_text(json.dumps({"apiKey": DEMO_KEY, "apiUrl": url, "activeProjectId": DEMO_PROJECT_ID}))

        sign_in(here.url)
        out, err = Stream(is_terminal=True), Stream(is_terminal=True)
        code = halo.run(("apply",), Answering("yes\n", lambda: sign_in(there.url)), out, err, {})
        assert (code, len(shown.schedules()), len(other.schedules())) == (0, 1, 0), err.written


class Answering(Stream):
    """A keyboard at which something else happens before the answer is typed."""

    def __init__(self, answer: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(answer, is_terminal=True)
        self._meanwhile = meanwhile

    def readline(self, size: int = -1, /) -> str:
        self._meanwhile()
        return super().readline(size)
