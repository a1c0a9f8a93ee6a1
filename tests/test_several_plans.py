"""Plans of several project files: each as if it were alone, held against each other, as one result in each format."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, tree
from golden_files import assert_golden
from project_files import write_project
from render_samples import every_section
from repositories import Git, repository

from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.model.plan import Plan
from halo_iac.model.project import Project
from halo_iac.observe import Observation
from halo_iac.render.formats import ProjectPlan
from halo_iac.render.json import read_plan
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH
from halo_iac.render.markdown.several import plans_markdown
from halo_iac.render.style import PLAIN
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

ONE, TWO = (f"2f6c1c5e-0000-4000-8000-00000000000{number}" for number in (1, 2))
A, B = "a/halo.yaml", "b/halo.yaml"
BOTH = ("-f", A, "-f", B)
SHARED = ("--sandbox-file", "both.db")


def entry(key: str, title: str, *more: str) -> str:
    fields = ", ".join((f"title: {title}", 'agent: checkout, frequency: daily, at: "09:00"', 'prompt: "Why?"', *more))
    return f"  {key}: {{{fields}}}\n"


@pytest.fixture
def two_projects(folder: Path) -> Path:
    """Two project files, of a project each."""
    write_project(folder, entry("daily", "Daily"), entry("other", "Other"), name=A, project=ONE)
    write_project(folder, entry("daily", "Daily"), name=B, project=TWO)
    return folder


def plans(halo: CommandLine, *words: str, **env: str) -> list[Any]:
    ended = halo("plan", *SHARED, *words, "--json", **env)
    assert ended.out, ended.err
    projects: list[Any] = ended.json["projects"]
    return projects


def refusals(halo: CommandLine, *words: str) -> list[tuple[str, ...]]:
    return [tuple(each["guard"] for each in plan["refusals"]) for plan in plans(halo, *BOTH, *words)]


# Each as if it were alone -------------------------------------------------------------------------------------------


def test_a_plan_of_several_files_is_the_union_of_their_plans(halo: CommandLine, two_projects: Path) -> None:
    halo("apply", *SHARED, "--yes", "-f", A)
    write_project(
        two_projects,
        entry("daily", "Daily", "enabled: false"),
        entry("new", "New"),
        name=A,
        project=ONE,
        undeclared="archive",
    )
    alone = [halo("plan", *SHARED, "--json", "-f", file).json for file in (A, B)]
    assert plans(halo, *BOTH) == alone
    text = halo("plan", *SHARED, *BOTH).out
    for file in (A, B):
        own = re.sub("^File .*\n", "", halo("plan", *SHARED, "-f", file).out, flags=re.MULTILINE)
        assert f"==> {file} <==\n{own}\n" in text
    counts = "Plan: 2 to create, 1 to update, 0 to unarchive, 1 to archive; 0 unchanged, 2 refusals."
    assert f"==> 2 project files <==\n{counts}" in text


def test_the_header_of_a_plan_names_its_file(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    assert f"\nFile     {A}\n" in halo("plan", *SHARED, "-f", A).out
    assert f"**File** `{A}`" in halo("plan", *SHARED, "-f", A, "--format", "markdown").out


@pytest.mark.parametrize(
    ("words", "env", "code", "message"),
    [
        (["--project", ONE], {}, 64, "error: --project cannot be used with several project files\n"),
        ([], {"INF_PROJECT_ID": TWO}, 0, "INF_PROJECT_ID is ignored: with several project files, each sets its own"),
        (["--target", "dayly"], {}, 64, "error: --target dayly: the project has no entry with this key\n"),
        (["--allow-create", "dayly"], {}, 64, "error: --allow-create dayly: the project has no entry with this key\n"),
    ],
)
def test_options_of_one_project_are_refused_for_several(
    halo: CommandLine, two_projects: Path, words: list[str], env: dict[str, str], code: int, message: str
) -> None:
    assert two_projects.exists()
    ended = halo("plan", *SHARED, *BOTH, *words, **env)
    assert (ended.code, ended.err.startswith(message)) == (code, True), ended.err


def test_commands_about_a_list_name_no_project(halo: CommandLine, two_projects: Path) -> None:
    env = {"INF_PROJECT_ID": TWO}
    assert halo("apply", *SHARED, *BOTH, "--yes", **env).code == 0
    assert halo("pause", *SHARED, "-f", A, "daily", "--yes").code == 0
    drift = halo("drift", *SHARED, *BOTH, **env)
    assert f"run `halo resume daily --file {A} --project {ONE} --sandbox-file both.db`" in drift.out
    assert halo("plan", *SHARED, *BOTH, "--out", "plan.json", **env).code == 0
    write_project(
        two_projects, entry("daily", "Daily"), entry("other", "Other"), entry("more", "More"), name=A, project=ONE
    )
    stale = halo("apply", "plan.json", *SHARED, *BOTH, "--yes", **env)
    assert f"run `halo plan --file {A} --file {B} --sandbox-file both.db` again" in stale.out


def test_each_file_says_its_project(halo: CommandLine, two_projects: Path) -> None:
    write_project(two_projects, entry("daily", "Daily"), name=B)
    before = tree(two_projects)
    ended = halo("plan", *SHARED, *BOTH, INF_PROJECT_ID=TWO)
    assert (ended.code, f"{B}: `project` is missing" in ended.err) == (1, True)
    assert tree(two_projects) == before


def test_problems_of_any_file_are_reported_before_any_request(halo: CommandLine, two_projects: Path) -> None:
    for file in (A, B):
        (two_projects / file).write_text(
            (two_projects / file).read_text().replace("frequency: daily", "frequency: dayly")
        )
    before = tree(two_projects)
    for command in (["plan"], ["apply", "--yes"]):
        ended = halo(*command, *SHARED, *BOTH)
        assert (ended.code, ended.out, "3 problems in 2 files" in ended.err) == (1, "", True)
    assert tree(two_projects) == before


def test_a_key_concerns_every_file_that_declares_it(halo: CommandLine, two_projects: Path) -> None:
    assert two_projects.exists()
    found = plans(halo, *BOTH, "--target", "daily", "--target", "other")
    assert [[change["key"] for change in plan["changes"]] for plan in found] == [["daily", "other"], ["daily"]]
    assert [len(plan["changes"]) for plan in plans(halo, *BOTH, "--target", "other")] == [1, 0]


def test_archives_are_permitted_in_all(halo: CommandLine, two_projects: Path) -> None:
    write_project(two_projects, entry("daily", "Daily"), entry("other", "Other"), name=B, project=TWO)
    halo("apply", *SHARED, *BOTH, "--yes")
    for file, project in ((A, ONE), (B, TWO)):
        write_project(
            two_projects,
            *(entry(key, key.title(), "enabled: false") for key in ("daily", "other")),
            name=file,
            project=project,
        )
    assert refusals(halo) == [("removals",), ("removals",)]
    (first, second) = plans(halo, *BOTH, "--allow-archive", "3")
    assert [each["refusals"][0]["override"] for each in (first, second)] == ["--allow-archive 4"] * 2
    assert refusals(halo, "--allow-archive", "4") == [(), ()]


def test_a_file_that_stays_within_what_is_allowed_anyway_needs_no_share(halo: CommandLine, two_projects: Path) -> None:
    halo("apply", *SHARED, *BOTH, "--yes")
    write_project(
        two_projects, *(entry(key, key.title(), "enabled: false") for key in ("daily", "other")), name=A, project=ONE
    )
    write_project(two_projects, entry("daily", "Daily", "enabled: false"), name=B, project=TWO)
    assert refusals(halo) == [("removals",), ()]
    assert refusals(halo, "--allow-archive", "2") == [(), ()]


# Held against each other --------------------------------------------------------------------------------------------

OVERLAPS: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "both create a title": ((entry("twin", "Fresh"), entry("x", "X")), {}, "the title 'Fresh' (fresh)"),
    "both match a schedule": ((entry("twin", "Daily"),), {}, "schedule ID (daily)"),
    "one archives what the other declares": ((entry("x", "X"),), {"undeclared": "archive"}, "schedule ID (daily)"),
    "several": ((entry("twin", "Daily"), entry("more", "Other")), {}, "schedule ID (daily)"),
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_two_files_of_one_project_do_not_share_a_schedule(halo: CommandLine, two_projects: Path, name: str) -> None:
    halo("apply", *SHARED, "--yes", "-f", A)
    write_project(
        two_projects, entry("daily", "Daily"), entry("other", "Other"), entry("fresh", "Fresh"), name=A, project=ONE
    )
    entries, top, what = OVERLAPS[name]
    write_project(two_projects, *entries, name=B, project=ONE, **top)
    first, second = plans(halo, *BOTH)
    (refusal,) = (each for each in first["refusals"] if each["guard"] == "overlap")
    said = re.sub("[0-9a-f-]{36}", "ID", refusal["message"])
    more = ", and 1 more" if len(refusal["names"]) > 1 else ""
    assert (said, "fresh" in refusal["names"]) == (
        f"{what} belongs to {A} and to {B}, of the same project{more}",
        "fresh" in what,
    )
    assert any(each["guard"] == "overlap" and A in each["message"] for each in second["refusals"])
    before = tree(two_projects)
    ended = halo("apply", *SHARED, *BOTH, "--yes")
    assert (ended.code, "the plan is refused for" in ended.err) == (3, True)
    assert {key: data for key, data in tree(two_projects).items() if "both.db" not in key} == {
        key: data for key, data in before.items() if "both.db" not in key
    }


def test_two_projects_that_share_includes_do_not_disturb_each_other(halo: CommandLine, folder: Path) -> None:
    (folder / "schedules").mkdir()
    (folder / "schedules/all.yaml").write_text("schedules:\n" + entry("daily", "Daily") + entry("other", "Other"))
    for file, project, title in ((A, ONE, "900"), (B, TWO, "500")):
        write_project(
            folder, name=file, project=project, include="[../schedules/*.yaml]", overrides=f"{{span_limit: {title}}}"
        )
    assert halo("validate", *BOTH).code == 0
    assert halo("apply", *SHARED, *BOTH, "--yes").code == 0
    for file in (A, B):
        planned = halo("plan", *SHARED, "-f", file, "--json").json
        assert (planned["changes"], planned["unchanged"], planned["refusals"]) == ([], 2, [])


# As one result ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text", "markdown", "github"])
def test_the_output_of_several_plans_matches_its_golden_file(halo: CommandLine, two_projects: Path, name: str) -> None:
    write_project(
        two_projects, entry("daily", "Daily"), entry("lost", "Lost").replace("checkout", "chekout"), name=B, project=TWO
    )
    write_project(two_projects, name="c/halo.yaml", project=ONE[:-1] + "3")
    ended = halo("plan", *SHARED, *BOTH, "-f", "c/halo.yaml", "--format", name)
    assert ended.code == 1
    assert_golden(f"several/plan.{name}", ended.out.replace(str(two_projects), "/work"))


@pytest.mark.parametrize("count", [1, 10, 100, 1_000])
def test_a_page_of_very_many_files_fits_a_comment(count: int) -> None:
    several = [
        ProjectPlan(each, each) for each in (replace(every_section(), file=f"{n}/halo.yaml") for n in range(count))
    ]
    quiet = replace(
        every_section(), changes=(), blocked=(), undeclared=(), warnings=(), refusals=(), paused=(), findings=()
    )
    quiet = replace(quiet, file="quiet.yaml")
    page = plans_markdown([*several, ProjectPlan(quiet, quiet)], PLAIN, marker="<!-- halo-plan: x -->")
    assert len(page) <= MAX_PAGE_LENGTH
    shown = page.count("\n### `")
    assert "#### No changes\n\n- `quiet.yaml`: No changes. " in page
    if count > 10:
        assert 0 < shown < count
        assert f"… and {count - shown:,} more project files; the JSON document has them all." in page
    else:
        assert shown == count


def test_the_most_serious_code_counts(halo: CommandLine, two_projects: Path) -> None:
    words = ("plan", *SHARED, *BOTH, "--detailed-exitcode")
    assert halo(*words).code == 2
    write_project(two_projects, entry("daily", "Daily").replace("checkout", "chekout"), name=B, project=TWO)
    assert halo(*words).code == 1
    write_project(two_projects, entry("daily", "Daily"), name=B, project=ONE)
    assert halo(*words).code == 3


def test_several_projects_are_asked_at_once_over_a_served_platform(halo: CommandLine, two_projects: Path) -> None:
    with Sandbox.open(two_projects / "served.db", any_project=True) as sandbox, serve(sandbox, port=0) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": sandbox.key, "INF_PROJECT_ID": TWO}
        ended = halo("plan", *BOTH, "--json", **env)
    assert ended.code == 0, ended.err
    assert [plan["host"]["project_id"] for plan in ended.json["projects"]] == [ONE, TWO]


def test_requests_precede_the_parsing(halo: CommandLine, two_projects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    start, load = Connection.start_observing, CommandContext.load_file

    def started(connection: Connection) -> Observation:
        steps.append(connection.project.id)
        return start(connection)

    def loaded(context: CommandContext, path: Path) -> Project:
        steps.append("a file is read")
        return load(context, path)

    monkeypatch.setattr(Connection, "start_observing", started)
    monkeypatch.setattr(CommandContext, "load_file", loaded)
    with Sandbox.open(two_projects / "served.db", any_project=True) as sandbox, serve(sandbox, port=0) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": sandbox.key}
        assert halo("plan", *BOTH, **env).code == 0
        assert steps == [ONE, TWO, "a file is read", "a file is read"]
        steps.clear()
        assert halo("plan", "-f", A, **env).code == 0
        assert steps == [ONE, "a file is read"]


def test_a_file_that_has_changed_since_its_project_was_asked_is_planned_for_the_one_it_says(
    halo: CommandLine, two_projects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = CommandContext.load_file

    def changed(context: CommandContext, path: Path) -> Project:
        write_project(two_projects, entry("daily", "Daily"), name=A, project=TWO)
        return load(context, path)

    with Sandbox.open(two_projects / "served.db", any_project=True) as sandbox, serve(sandbox, port=0) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": sandbox.key}
        assert halo("apply", "--yes", "-f", B, **env).code == 0
        monkeypatch.setattr(CommandContext, "load_file", changed)
        ended = halo("plan", "-f", A, "--json", **env)
    assert (ended.json["host"]["project_id"], ended.json["changes"]) == (TWO, [])


def test_an_error_of_the_platform_names_the_file(halo: CommandLine, two_projects: Path) -> None:
    with Sandbox.open(two_projects / "served.db", any_project=False) as sandbox, serve(sandbox, port=0) as server:
        ended = halo("plan", *BOTH, INF_API_URL=server.url, INF_API_KEY=sandbox.key)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {A}: haloSchedule.listForProject (HTTP 40")


# Against a base -----------------------------------------------------------------------------------------------------


@pytest.fixture
def git(two_projects: Path) -> Git:
    found = repository(two_projects)
    found.commit()
    return found


def test_globs_are_expanded_at_the_base_as_well(halo: CommandLine, git: Git) -> None:
    found = plans(halo, "-f", "*/halo.yaml", "--base", "HEAD")
    assert [[change["share"] for change in plan["changes"]] for plan in found] == [["before"] * 2, ["before"]]
    (git.folder / B).unlink()
    write_project(git.folder, entry("daily", "Daily"), name="c/halo.yaml", project=ONE[:-1] + "3")
    first, second = plans(halo, "-f", "*/halo.yaml", "--base", "HEAD")
    assert (first["refusals"][0]["guard"], first["refusals"][0]["message"]) == (
        "policy",
        f"{B} was a project file at HEAD and has been deleted",
    )
    assert second["changes"][0]["share"] == "branch"
    assert halo("plan", *SHARED, "-f", "*/halo.yaml", "--base", "HEAD").code == 3
    accepted = plans(halo, "-f", "*/halo.yaml", "--base", "HEAD", "--accept-policy-change")
    assert [plan["refusals"] for plan in accepted] == [[], []]


@pytest.mark.parametrize("place", [".", "a", ".."])
def test_a_deleted_project_file_is_noticed_from_any_folder(
    halo: CommandLine, git: Git, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (git.folder / B).unlink()
    monkeypatch.chdir(git.folder / place)
    glob = {".": "*/halo.yaml", "a": "../*/halo.yaml", "..": f"{git.folder.name}/*/halo.yaml"}[place]
    for word in (glob, f"{git.folder}/*/halo.yaml"):
        (plan,) = plans(halo, "-f", word, "--base", "HEAD")
        assert plan["refusals"][0]["message"].endswith("b/halo.yaml was a project file at HEAD and has been deleted")


def test_a_file_that_is_gone_and_named_is_an_error(halo: CommandLine, git: Git) -> None:
    (git.folder / B).unlink()
    ended = halo("plan", *SHARED, *BOTH, "--base", "HEAD")
    assert (ended.code, ended.err.startswith(f"{B}: no such file\n")) == (1, True)


# Saved plans --------------------------------------------------------------------------------------------------------


def test_all_plans_are_saved_in_one_document(halo: CommandLine, two_projects: Path) -> None:
    ended = halo("plan", *SHARED, *BOTH, "--out", "plan.json")
    assert f"run `halo apply plan.json --file {A} --file {B} --sandbox-file both.db`" in ended.err
    assert json.loads((two_projects / "plan.json").read_text()) == halo("plan", *SHARED, *BOTH, "--json").json
    assert halo("plan", *SHARED, *BOTH, "--out", "plan.json").code == 0  # over its own
    assert halo("plan", *SHARED, "-f", A, "--out", "plan.json").code == 0
    assert isinstance(read_plan((two_projects / "plan.json").read_bytes()), Plan)
