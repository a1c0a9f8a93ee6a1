"""Apply of several project files: all plans first, one question, then file by file, with a receipt each."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, titles
from project_files import write_project
from test_several_plans import BOTH, ONE, SHARED, TWO, A, B, entry

from halo_iac.api.limits import RequestLimits, RetryPolicy
from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.cli.sandbox_link import _embedded
from halo_iac.sandbox.faults import ChangeBetween, Cut, Fault, Refuse
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve


@pytest.fixture
def two_projects(folder: Path) -> Path:
    write_project(folder, entry("daily", "Daily A"), entry("other", "Other A"), name=A, project=ONE)
    write_project(folder, entry("daily", "Daily B"), name=B, project=TWO)
    return folder


def test_all_plans_are_shown_and_one_question_is_asked(halo: CommandLine, two_projects: Path) -> None:
    declined = halo("apply", *SHARED, *BOTH, answer="no\n")
    assert (declined.code, declined.out.count("==> ")) == (3, 3)
    assert declined.err.count("Only `yes` is accepted") == 1
    assert f"Apply 3 changes of 2 project files to sandbox:{two_projects}/both.db?" in declined.err
    assert titles(halo, *SHARED, "-f", A) == titles(halo, *SHARED, "-f", B) == []

    applied = halo("apply", *SHARED, *BOTH, "--no-color", answer="yes\n")
    assert applied.code == 0
    assert f"==> {A} <==\nApplied: 2 created.\n" in applied.out
    assert f"==> {B} <==\nApplied: 1 created.\n\n==> 2 project files <==\nApplied: 3 created.\n" in applied.out
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == (["Daily A", "Other A"], ["Daily B"])
    again = halo("apply", *SHARED, *BOTH)
    assert (again.code, again.err) == (0, "")


def test_without_a_terminal_yes_is_required(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    assert halo("apply", *SHARED, *BOTH).code == 3
    assert titles(halo, *SHARED, "-f", A) == []


def test_the_json_of_a_list_replaces_that_of_any_command(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    commands = (("validate",), ("plan", *SHARED), ("drift", *SHARED), ("apply", *SHARED, "--yes"))
    for words in (*commands, *reversed(commands)):
        ended = halo(*words, *BOTH, "--also", "json=list.json")
        assert "was not overwritten" not in ended.err
        assert "projects" in json.loads((two_projects / "list.json").read_text())


def test_the_document_has_what_came_of_each(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    document = halo("apply", *SHARED, *BOTH, "--yes", "--json").json
    assert (document["version"], [each["file"] for each in document["projects"]]) == (1, [A, B])
    first, second = document["projects"]
    assert (first["summary"]["counts"], second["summary"]["counts"]) == ({"done": 2}, {"done": 1})
    assert second["undo"] == f"halo undo {second['receipt']} --file {B} --sandbox-file both.db"
    assert Path(second["receipt"]).parent == Path("b/.halo/receipts")
    assert halo(*second["undo"].split()[1:], "--yes").code == 0
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == (["Daily A", "Other A"], [])


def test_receipts_lie_in_the_folder_that_is_named(halo: CommandLine, two_projects: Path) -> None:
    assert halo("apply", *SHARED, *BOTH, "--yes", "--receipt", "receipts").code == 0
    found = sorted((two_projects / "receipts").iterdir())
    assert [(path.suffix, stat.S_IMODE(path.stat().st_mode)) for path in found] == [(".jsonl", 0o600)] * 2
    assert stat.S_IMODE((two_projects / "receipts").stat().st_mode) == 0o700
    assert {json.loads(path.read_text().partition("\n")[0])["project_id"] for path in found} == {ONE, TWO}
    assert not (two_projects / "a/.halo/receipts").exists()


@pytest.mark.parametrize("made", ["file", "link"])
def test_a_receipt_path_that_is_not_a_folder_changes_nothing(halo: CommandLine, two_projects: Path, made: str) -> None:
    if made == "file":
        (two_projects / "receipts").write_text("mine")
    else:
        (two_projects / "receipts").symlink_to("/tmp")
    ended = halo("apply", *SHARED, *BOTH, "--yes", "--receipt", "receipts")
    assert (ended.code, "receipts" in ended.err) == (1, True), ended.err
    assert titles(halo, *SHARED, "-f", A) == titles(halo, *SHARED, "-f", B) == []


STOPS: dict[str, tuple[str, int]] = {
    "a problem": ("frequency: dayly", 1),
    "an error of a rule": ('frequency: daily, findings: {declared-twice: error}, title: "Daily B"', 1),
    "a refusal": ("frequency: daily, enabled: false", 3),
}


@pytest.mark.parametrize("name", STOPS)
def test_a_problem_of_any_file_stops_all_before_the_question(halo: CommandLine, two_projects: Path, name: str) -> None:
    write_project(two_projects, entry("daily", "Daily B"), entry("other", "Other B"), name=B, project=TWO)
    halo("apply", *SHARED, "--yes", "-f", B)
    lines, code = STOPS[name]
    text = (two_projects / B).read_text()
    if name == "an error of a rule":
        (two_projects / B).write_text(text.replace("schedules:", "findings: {declared-twice: error}\nschedules:"))
    else:
        (two_projects / B).write_text(text.replace("frequency: daily", lines))
    ended = halo("apply", *SHARED, *BOTH, answer="yes\n")
    assert (ended.code, "Only `yes` is accepted" in ended.err) == (code, False), ended.err
    assert titles(halo, *SHARED, "-f", A) == []


def test_a_blocked_entry_leaves_its_file_out_of_nothing_else(halo: CommandLine, two_projects: Path) -> None:
    write_project(
        two_projects,
        entry("lost", "Lost").replace("checkout", "chekout"),
        entry("daily", "Daily B"),
        name=B,
        project=TWO,
    )
    ended = halo("apply", *SHARED, *BOTH, "--yes")
    assert (ended.code, f"1 entry is blocked; nothing was changed for {B}: lost" in ended.err) == (4, True)
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == (["Daily A", "Other A"], ["Daily B"])
    assert halo("apply", *SHARED, *BOTH, "--yes").code == 1  # nothing is left to write


# One file after the other -------------------------------------------------------------------------------------------


CREATE = "haloSchedule.create"


@pytest.fixture
def sandbox(halo: CommandLine, two_projects: Path) -> Iterator[Sandbox]:
    """A platform over HTTP, with faults that tests set."""
    with Sandbox.open(two_projects / "served.db", any_project=True) as sandbox, serve(sandbox, port=0) as server:
        halo.env |= {"INF_API_URL": server.url, "INF_API_KEY": sandbox.key}
        yield sandbox


def titles_of_both(sandbox: Sandbox) -> list[str]:
    reader = Transport("http://localhost", Secret(sandbox.key), http=_embedded(sandbox))
    with reader:
        found = [Reader(reader, Retry(attempts=1)).schedules(project).schedules for project in (ONE, TWO)]
    return sorted(remote.title for each in found for remote in each)


REFUSED = Refuse("BAD_REQUEST", "no")
QUICK = RetryPolicy(RequestLimits(), 2, 1.0, check_after=(0.0, 0.0, 0.0), sleep=lambda _: None)


@pytest.mark.parametrize(
    ("refused", "words", "code", "titles", "said"),
    [
        ("Daily A", [], 4, ["Other A"], "Not started: 1"),
        ("Daily A", ["--keep-going"], 4, ["Daily B", "Other A"], "Applied: 2 created; 1 failed."),
        ("Daily B", [], 4, ["Daily A", "Other A"], "Applied: 2 created; 1 failed."),
        ("* A", [], 1, [], "Applied: nothing; 2 failed, 1 not started."),
        ("* A", ["--keep-going"], 4, ["Daily B"], "Applied: 1 created; 2 failed."),
        ("*", ["--keep-going"], 1, [], "Applied: nothing; 3 failed."),
    ],
)
def test_after_a_file_that_failed_the_next_are_not_started(
    halo: CommandLine, sandbox: Sandbox, refused: str, words: list[str], code: int, titles: list[str], said: str
) -> None:
    for title in ("Daily A", "Other A", "Daily B"):
        if fnmatchcase(title, refused):
            sandbox.faults.add(Fault(CREATE, REFUSED, where={"title": title}))
    ended = halo("apply", *BOTH, "--yes", *words)
    assert (ended.code, said in ended.out, titles_of_both(sandbox)) == (code, True, titles), ended.text
    assert f"run `halo apply --file {A} --file {B}` again" in ended.out
    again = halo("apply", *BOTH, "--yes")
    assert (again.code, titles_of_both(sandbox)) == (0, ["Daily A", "Daily B", "Other A"])


def test_an_unknown_outcome_counts_most(halo: CommandLine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halo, "patience", QUICK)
    blind = Fault("haloSchedule.listForProject", REFUSED, times=None)
    blinds = ChangeBetween(lambda: sandbox.faults.add(blind))
    sandbox.faults.add(*(Fault(CREATE, effect, where={"title": "Daily A"}) for effect in (blinds, Cut())))
    ended = halo("apply", *BOTH, "--yes", "--json")
    assert ended.code == 5, ended.text
    first, second = ended.json["projects"]
    assert first["summary"]["counts"]["unknown"] == 1
    assert (second["summary"]["counts"], second["receipt"]) == ({"not started": 1}, None)


def test_an_unwritable_receipt_names_its_file(halo: CommandLine, sandbox: Sandbox, two_projects: Path) -> None:
    (two_projects / "b/.halo").write_text("in the way")
    ended = halo("apply", *BOTH, "--yes")
    assert (ended.code, titles_of_both(sandbox)) == (4, ["Daily A", "Other A"])
    assert "b/.halo" in ended.err
    assert f"==> {B} <==\n" in ended.out
    assert "Applied: 2 created; 1 not started." in ended.out


def test_keep_going_requires_several_files(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    for files in ([], ["-f", A]):
        ended = halo("apply", *SHARED, *files, "--keep-going", "--yes")
        assert (ended.code, ended.err.startswith("error: --keep-going needs several project files\n")) == (64, True)


# Saved plans --------------------------------------------------------------------------------------------------------


def save_plan(halo: CommandLine, *files: str) -> None:
    assert halo("plan", *SHARED, *files, "--out", "plan.json").code == 0


def test_a_saved_plan_of_several_is_applied(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    save_plan(halo, *BOTH)
    assert halo("apply", "plan.json", *SHARED, "-f", B, "--yes").code == 0
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == ([], ["Daily B"])
    assert halo("apply", "plan.json", *SHARED, "-f", "*/halo.yaml", "--yes").code == 0
    assert titles(halo, *SHARED, "-f", A) == ["Daily A", "Other A"]


def test_a_saved_plan_of_targets_is_applied_with_all_its_files(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    save_plan(halo, *BOTH, "--target", "other")
    assert halo("apply", "plan.json", *SHARED, *BOTH, "--yes").code == 0
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == (["Other A"], [])


def test_a_part_that_is_stale_stops_all_and_is_named(halo: CommandLine, two_projects: Path) -> None:
    save_plan(halo, *BOTH)
    write_project(two_projects, entry("daily", "Daily B"), entry("more", "More B"), name=B, project=TWO)
    ended = halo("apply", "plan.json", *SHARED, *BOTH, "--yes")
    assert (ended.code, titles(halo, *SHARED, "-f", A)) == (3, [])
    part = ended.out[ended.out.index(f"==> {B} <==") :]
    assert "create more: is not in the saved plan" in part
    document = halo("apply", "plan.json", *SHARED, *BOTH, "--yes", "--json")
    assert document.code == 3
    assert [len(each["plan"]["refusals"]) for each in document.json["projects"]] == [0, 1]
    assert f"{B}: create more: is not in the saved plan" in document.err


def test_a_file_that_the_saved_plan_lacks_is_refused(halo: CommandLine, two_projects: Path) -> None:
    write_project(two_projects, entry("daily", "Daily C"), name="c/halo.yaml", project=ONE[:-1] + "3")
    save_plan(halo, *BOTH)
    for files in (["-f", "*/halo.yaml"], ["-f", "c/halo.yaml"]):
        ended = halo("apply", "plan.json", *SHARED, *files, "--yes")
        assert ended.code == 3
        assert ended.err.startswith(f"error: plan.json has no plan for c/halo.yaml; it has plans for {A}, {B}\n")
    assert titles(halo, *SHARED, "-f", A) == []


def test_a_saved_plan_of_one_file_is_one_of_a_list_of_one(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    save_plan(halo, "-f", A)
    assert halo("apply", "plan.json", *SHARED, "-f", "a/*.yaml", "--yes").code == 0
    assert halo("apply", "plan.json", *SHARED, *BOTH, "--yes").code == 3
    assert (titles(halo, *SHARED, "-f", A), titles(halo, *SHARED, "-f", B)) == (["Daily A", "Other A"], [])


def test_a_saved_plan_of_before_names_no_file(halo: CommandLine, two_projects: Path) -> None:
    save_plan(halo, "-f", A)
    document = json.loads((two_projects / "plan.json").read_text())
    del document["file"]
    (two_projects / "plan.json").write_text(json.dumps(document))
    assert halo("apply", "plan.json", *SHARED, "-f", A, "--yes").code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "the saved plan is of another version"),
        ({"projects": 1}, "the saved plan is damaged: projects: "),
        ({"more": 1}, "the saved plan is damaged: more: "),
    ],
)
def test_damaged_saved_plans_are_refused(
    halo: CommandLine, two_projects: Path, change: dict[str, Any], said: str
) -> None:
    save_plan(halo, *BOTH)
    document = json.loads((two_projects / "plan.json").read_text())
    (two_projects / "plan.json").write_text(json.dumps(document | change))
    ended = halo("apply", "plan.json", *SHARED, *BOTH, "--yes")
    assert (ended.code, said in ended.err) == (1, True), ended.err


# Interrupted --------------------------------------------------------------------------------------------------------


def test_an_interrupt_starts_no_other_file_even_with_keep_going(halo: CommandLine, sandbox: Sandbox) -> None:
    press = ChangeBetween(lambda: os.kill(os.getpid(), signal.SIGINT))
    sandbox.faults.add(Fault(CREATE, press, where={"title": "Daily A"}))
    ended = halo("apply", *BOTH, "--yes", "--keep-going", "--concurrency", "1")
    assert (ended.code, "Daily B" in titles_of_both(sandbox)) == (130, False), ended.text
    assert f"==> {B} <==\nNot started: 1\n" in ended.out
