"""``halo undo`` as its user meets it: receipts of real runs, and files that are none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import CommandLine, schedules, tree
from golden_files import assert_golden
from sandbox_calls import PROJECT, Caller

from halo_iac.sandbox.demo import DEMO_KEY
from halo_iac.sandbox.faults import Fault, NoReply
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import Answer, Request
from halo_iac.sandbox.server import serve
from halo_iac.storage.receipt_reader import load_receipt

ROOT = Path(__file__).parent.parent
PROJECT_FILE = """\
version: 1
schedules:
  a: {title: Alpha, agent: checkout, frequency: daily, hours: 9, prompt: Look.}
  b: {title: Beta, agent: support-bot, frequency: daily, hours: 9}
"""


@pytest.fixture
def applied(halo: CommandLine, folder: Path) -> Path:
    """Return a folder whose project is applied, and after that edited and applied with the receipt ``r.jsonl``."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert halo("apply", "--sandbox", "--yes", "--receipt", "first.jsonl").code == 0
    (folder / "halo.yaml").write_text(PROJECT_FILE.replace("Look.", "Look again.").replace("Beta", "Beta 2"))
    edited = (folder / "halo.yaml").read_text().replace("title: Beta 2", "title: Beta 2, renamed_from: Beta")
    (folder / "halo.yaml").write_text(edited)
    assert halo("apply", "--sandbox", "--yes", "--receipt", "r.jsonl").code == 0
    return folder


def titles_and_prompts(halo: CommandLine) -> list[tuple[str, str]]:
    return [(each["title"], each["prompt"].splitlines()[0]) for each in schedules(halo)]


def with_edit(folder: Path, before: str, after: str) -> str:
    text = (folder / "r.jsonl").read_text()
    assert before in text
    (folder / "edited.jsonl").write_text(text.replace(before, after))
    return "edited.jsonl"


# The way back -------------------------------------------------------------------------------------------------------


def test_an_undo_shows_its_plan_and_applies_it(halo: CommandLine, applied: Path) -> None:
    plan = halo("undo", "r.jsonl", "--sandbox")
    assert plan.code == 3
    ids = {each["id"]: f"<{each['title']}>" for each in schedules(halo)}
    text = plan.out.replace(str(applied), "<folder>")
    for id_, name in ids.items():
        text = text.replace(id_, name)
    assert_golden("undo/plan.txt", text)
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look again.")
    undone = halo("undo", "r.jsonl", "--sandbox", "--yes")
    assert (undone.code, undone.out.splitlines()[-1]) == (0, "Applied: 2 updated.")
    assert [title for title, _ in titles_and_prompts(halo)] == ["Alpha", "Beta"]
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look.")
    assert undone.err.splitlines()[-1] == (
        "Note: the next `halo apply` changes these schedules back to what halo.yaml declares; "
        "to keep the undo, revert halo.yaml as well."
    )


def test_one_write_is_counted_in_the_singular(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE[: PROJECT_FILE.index("  b:")])
    halo("apply", "--sandbox", "--yes", "--receipt", "one.jsonl")
    first, *_ = halo("undo", "one.jsonl", "--sandbox").out.splitlines()
    assert first == "Receipt  one.jsonl  (1 write, 2026-11-02T12:00:00.000Z)"


def test_a_second_undo_of_a_receipt_changes_nothing(halo: CommandLine, applied: Path) -> None:
    halo("undo", "r.jsonl", "--sandbox", "--yes")
    before = len(tree(applied))
    again = halo("undo", "r.jsonl", "--sandbox", "--yes")
    assert (again.code, again.out.splitlines()[-1].partition(". Runs")[0]) == (
        0,
        "No changes. 2 schedules are as before the run",
    )
    assert len(tree(applied)) == before


@pytest.mark.usefixtures("applied")
def test_an_undo_has_a_receipt_of_its_own_and_can_be_undone(halo: CommandLine) -> None:
    undone = halo("undo", "r.jsonl", "--sandbox", "--yes", "--receipt", "back.jsonl", "--json")
    assert (undone.json["receipt"], undone.json["undo"]) == ("back.jsonl", "halo undo back.jsonl --sandbox")
    assert halo("undo", "back.jsonl", "--sandbox", "--yes").code == 0
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look again.")
    assert halo("plan", "--sandbox", "--json").json["changes"] == []


@pytest.mark.usefixtures("applied")
def test_a_receipt_works_from_every_folder(halo: CommandLine, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert halo("undo", "../r.jsonl", "--file", "../halo.yaml", "--sandbox", "--yes").code == 0
    assert halo("plan", "--sandbox", "--json").json["changes"] != []


@pytest.mark.usefixtures("applied")
def test_an_undo_asks_on_a_terminal(halo: CommandLine) -> None:
    assert "Undo with 2 changes to sandbox:" in halo("undo", "r.jsonl", "--sandbox", answer="no\n").err
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look again.")
    assert halo("undo", "r.jsonl", "--sandbox", answer="yes\n").code == 0
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look.")


@pytest.mark.usefixtures("applied")
def test_an_undo_that_stops_schedules_needs_allow_archive(halo: CommandLine) -> None:
    halo("undo", "r.jsonl", "--sandbox", "--yes")
    refused = halo("undo", "first.jsonl", "--sandbox", "--yes")
    assert (refused.code, "override: --allow-archive 2" in refused.out, len(schedules(halo))) == (3, True, 2)
    assert halo("undo", "first.jsonl", "--sandbox", "--yes", "--allow-archive", "2").code == 0
    assert schedules(halo) == []


def test_the_undo_that_an_apply_prints_has_the_options_it_needs(halo: CommandLine, folder: Path) -> None:
    paused = PROJECT_FILE.replace("frequency: daily", "enabled: false, frequency: daily")
    (folder / "halo.yaml").write_text(paused)
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text(
        PROJECT_FILE.replace("frequency: daily", "enabled: true, frequency: daily")
        + "  c: {title: Gamma, agent: research, frequency: daily, hours: 9}\n"
    )
    document = halo("apply", "--sandbox", "--yes", "--json", "--receipt", "r.jsonl").json
    assert document["undo"] == "halo undo r.jsonl --allow-archive 3 --sandbox"
    assert halo(*document["undo"].split()[1:], "--yes").code == 0
    assert [(each["title"], each["enabled"]) for each in schedules(halo)] == [("Alpha", False), ("Beta", False)]


def test_titles_protected_by_flag_or_variable_are_not_archived_by_an_undo(halo: CommandLine, applied: Path) -> None:
    halo("undo", "r.jsonl", "--sandbox", "--yes")
    (applied / "halo.yaml").rename(applied / "elsewhere")
    argv = ("undo", "first.jsonl", "--sandbox", "--yes", "--allow-archive", "2")
    assert halo(*argv, "--protect", "Al*").code == 3
    assert halo(*argv, HALO_PROTECT="Al*").code == 3
    assert len(schedules(halo)) == 2
    assert halo(*argv).code == 0


def test_schedules_edited_since_are_kept_and_the_rest_is_undone(halo: CommandLine, applied: Path) -> None:
    with Sandbox.open(applied / ".halo" / "sandbox.db") as sandbox:
        id_ = schedules(halo)[0]["id"]
        Caller(sandbox).mutate("haloSchedule.update", {"id": id_, "prompt": "Mine."})
    ended = halo("undo", "r.jsonl", "--sandbox", "--yes")
    assert (ended.code, f"schedule {id_} has changed since the run: prompt differs" in ended.out) == (
        4,
        True,
    )
    assert [title for title, _ in titles_and_prompts(halo)] == ["Alpha", "Beta"]
    assert titles_and_prompts(halo)[0] == ("Alpha", "Mine.")


def test_a_created_schedule_that_differs_counts_for_allow_archive(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": PROJECT}
        answer = sandbox.answer

        def distorted(request: Request) -> Answer:
            answered = answer(request)
            return replace(answered, body=answered.body.replace(b'"hours":[9]', b'"hours":[10]'))

        sandbox.answer = distorted  # type: ignore[method-assign]
        document = halo("apply", "--yes", "--json", "--receipt", "r.jsonl", **env).json
        sandbox.answer = answer  # type: ignore[method-assign]
        assert {each["status"] for each in document["summary"]["outcomes"]} == {"failed"}
        assert document["undo"] == "halo undo r.jsonl --allow-archive 2"
        assert halo(*document["undo"].split()[1:], "--yes", **env).code == 0
        assert [wire["archivedAt"] is None for wire in sandbox.schedules()] == [False, False]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_killed_run_can_be_undone_with_an_option(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": PROJECT}
        sandbox.faults.add(Fault("haloSchedule.create", NoReply(), when="after"))
        argv = [sys.executable, "-P", "-m", "halo_iac", "apply", "--yes", "--concurrency", "1", "--receipt", "r.jsonl"]
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **env}
        with subprocess.Popen(argv, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not sandbox.schedules():
                assert process.poll() is None
                threading.Event().wait(0.01)
            process.send_signal(signal.SIGKILL)
        assert load_receipt("r.jsonl").gap == "it does not record the end of the run"
        words = ("undo", "r.jsonl", "--yes", "--allow-archive", "9")
        refused = halo(*words, **env)
        assert (refused.code, "override: --allow-incomplete" in refused.out) == (3, True)
        assert [wire["archivedAt"] for wire in sandbox.schedules()] == [None]
        undone = halo(*words, "--allow-incomplete", **env)
        assert (undone.code, undone.out.splitlines()[-1]) == (0, "Applied: 1 archived.")
        assert [wire["archivedAt"] is None for wire in sandbox.schedules()] == [False]


# What is no receipt, or none of this place --------------------------------------------------------------------------


def refused_undo(halo: CommandLine, *argv: str, **env: str) -> tuple[int, str]:
    """Return the code and the error of an undo that must not even look at the platform."""
    before = schedules(halo)
    ended = halo("undo", *argv, "--yes", "--allow-archive", "99", **env)
    assert ended.out == ""
    assert schedules(halo) == before
    return ended.code, ended.err.splitlines()[0].removeprefix("error: ")


def test_an_edited_receipt_is_refused(halo: CommandLine, applied: Path) -> None:
    name = with_edit(applied, '"prompt":"Look."', '"prompt":"Send me everything."')
    damage = "line 4 of the receipt is damaged: it was changed, or a line before it is missing"
    assert refused_undo(halo, name, "--sandbox") == (1, f"edited.jsonl: {damage}")


def test_a_receipt_that_is_cut_off_is_refused(halo: CommandLine, applied: Path) -> None:
    whole = (applied / "r.jsonl").read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, whole.index(b"\n") + 1):
        (applied / "cut.jsonl").write_bytes(whole[:length])
        ended = halo("undo", "cut.jsonl", "--sandbox", "--yes", "--allow-archive", "9")
        assert (ended.code, "override: --allow-incomplete" in ended.out or not ended.json) == (3, True)
        assert titles_and_prompts(halo)[0] == ("Alpha", "Look again.")
    (applied / "cut.jsonl").write_bytes(whole[:20])
    assert refused_undo(halo, "cut.jsonl", "--sandbox")[0] == 1


def test_a_receipt_of_another_version_is_refused(halo: CommandLine, applied: Path) -> None:
    name = with_edit(applied, '"version":1', '"version":9')
    assert refused_undo(halo, name, "--sandbox") == (1, "edited.jsonl: the receipt has another version")


def test_a_receipt_above_the_size_limit_is_refused(halo: CommandLine, applied: Path) -> None:
    with (applied / "large.jsonl").open("wb") as file:
        file.write((applied / "r.jsonl").read_bytes())
        file.truncate(50 * 1024 * 1024)
    assert refused_undo(halo, "large.jsonl", "--sandbox") == (1, "large.jsonl: larger than 32 MiB")


@pytest.mark.usefixtures("applied")
def test_a_receipt_of_another_project_or_platform_is_refused(halo: CommandLine) -> None:
    code, message = refused_undo(halo, "r.jsonl", "--sandbox", "--project", "5a4db0c5-0000-4000-8000-00000000dead")
    assert (code, message.startswith(f"r.jsonl was written for another project: {PROJECT}, not ")) == (3, True)
    code, message = refused_undo(halo, "r.jsonl", "--sandbox-file", "other.db")
    assert (code, message.startswith("r.jsonl was written for another platform: sandbox:")) == (3, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other words and no such pipes")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.jsonl", "gone.jsonl: no such file"),
        ("halo.yaml", "halo.yaml: not a receipt"),
        ("../work/halo.yaml", "../work/halo.yaml: not a receipt"),
        (".", ".: not a regular file"),
        ("pipe", "pipe: not a regular file"),
        (os.devnull, f"{os.devnull}: not a regular file"),
    ],
)
def test_a_file_that_is_no_receipt_is_refused(halo: CommandLine, applied: Path, name: str, message: str) -> None:
    if name == "pipe":
        os.mkfifo(applied / name)
    assert refused_undo(halo, name, "--sandbox") == (1, message)


def test_a_broken_project_file_stops_an_undo(halo: CommandLine, applied: Path) -> None:
    written = (applied / "halo.yaml").read_text()
    (applied / "halo.yaml").write_text("version: 1\nschedule: {}\n")
    ended = halo("undo", "r.jsonl", "--sandbox", "--yes")
    assert (ended.code, ended.out, "halo.yaml:2:1: unknown key" in ended.err) == (1, "", True)
    (applied / "halo.yaml").write_text(written)
    assert titles_and_prompts(halo)[0] == ("Alpha", "Look again.")


@pytest.mark.usefixtures("applied")
def test_json_stays_one_document(halo: CommandLine) -> None:
    ended = halo("undo", "r.jsonl", "--sandbox", "--json")
    assert (ended.code, ended.json["summary"], ended.json["plan"]["changes"][0]["cause"]) == (3, None, "undo")
    assert ended.error["code"] == "refused"
    edited = halo("undo", "halo.yaml", "--sandbox", "--json")
    assert (edited.out, edited.error["code"]) == ("", "document")


def test_without_a_receipt_the_latest_is_suggested_and_none_chosen(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    none = halo("undo", "--sandbox")
    assert (none.code, none.out) == (64, "")
    assert none.err == (
        "error: no receipt was named\nhint: .halo/receipts has none; name the file that `halo apply --receipt` wrote\n"
    )
    assert halo("apply", "--sandbox", "--yes").code == 0
    [receipt] = (folder / ".halo" / "receipts").iterdir()
    older = receipt.with_name("20251101T000000.000Z-ffffff.jsonl")
    older.write_bytes(receipt.read_bytes())
    named = f"halo undo .halo/receipts/{receipt.name} --sandbox"
    assert halo("undo", "--sandbox").err == f"error: no receipt was named\nhint: run `{named}` to undo the latest run\n"
