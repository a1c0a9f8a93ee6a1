"""The example pipelines: safe by construction, and every step of them run as its runner would, on a served sandbox.

That they match the schemas of GitHub Actions, GitLab CI and pre-commit is held by ``make lint``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ci_runner import ROOT, Runner, StepResult, runner
from loopback import Reply, Request, serving
from repositories import Git, repository
from ruamel.yaml import YAML
from sandbox_calls import Caller

from halo_iac import __version__
from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID, DEMO_READ_KEY
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not all(map(shutil.which, ("git", "bash"))), reason="needs git and bash"
)

EXAMPLES = ROOT / "examples"
GITHUB = EXAMPLES / "github-actions"
GITLAB = EXAMPLES / "gitlab-ci"
WORKFLOWS = sorted((GITHUB / ".github" / "workflows").iterdir())

MADE_UP = {
    "secrets.HALO_READ_KEY": DEMO_READ_KEY,
    "secrets.HALO_WRITE_KEY": DEMO_KEY,
    "vars.HALO_PROJECT_ID": DEMO_PROJECT_ID,
    "github.token": "a token",
    "github.repository": "us/ours",
    "github.event.pull_request.number": "7",
    "contains(github.event.pull_request.labels.*.name, 'halo-policy-change')": "false",
    "toJSON(github.event.pull_request.labels.*.name)": "[]",
    "inputs.allow-archive || 0": "0",
}
"""What GitHub puts in place of an expression."""


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return YAML(typ="safe").load(path)


def steps(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in read(path)["jobs"].items():
        yield from ((name, step) for step in job["steps"])


def scripts(path: Path) -> Iterator[str]:
    yield from (step["run"] for _, step in steps(path) if "run" in step)


def gitlab_scripts() -> Iterator[str]:
    for job in read(GITLAB / ".gitlab-ci.yml").values():
        if isinstance(job, dict):
            yield from (*job.get("script", ()), *job.get("before_script", ()))


# By construction ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_away_nothing_it_need_not(path: Path) -> None:
    workflow = read(path)
    assert "pull_request_target" not in workflow["on"]
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert {"permissions", "timeout-minutes"} <= set(job), name
        assert job["permissions"]["contents"] == "read", name
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"uses: .*", text):
        assert re.fullmatch(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+\b.*", line), line


@pytest.mark.parametrize("script", [*(each for path in WORKFLOWS for each in scripts(path)), *gitlab_scripts()])
def test_a_script_loses_no_exit_code_and_reads_variables_only(script: str) -> None:
    assert "${{" not in script
    assert "|" not in shlex.split(script, comments=True)
    assert not re.search(r"\|\|\s*(true|:|exit 0)", script)
    assert "2)" not in script
    assert "-eq 2" not in script, "an exit code is handled by its name"
    for package in re.findall(r"halo-iac\S*", script):
        assert package == f"halo-iac=={__version__}"


def test_only_a_pull_request_from_the_repository_itself_meets_a_key() -> None:
    jobs = read(GITHUB / ".github" / "workflows" / "halo-plan.yml")["jobs"]
    with_secrets = {name for name, job in jobs.items() if "secrets." in json.dumps(job)}
    assert with_secrets == {"plan"}
    assert jobs["plan"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    writing = {path.name for path in WORKFLOWS if "HALO_WRITE_KEY" in path.read_text(encoding="utf-8")}
    assert writing == {"halo-apply.yml"}
    apply = read(GITHUB / ".github" / "workflows" / "halo-apply.yml")
    assert [name for name, job in apply["jobs"].items() if "HALO_WRITE_KEY" in json.dumps(job)] == ["apply"]
    assert apply["jobs"]["apply"]["environment"] == "halo-production"
    assert apply["concurrency"] == {"group": "halo-apply", "cancel-in-progress": False}


# GitHub -------------------------------------------------------------------------------------------------------------


@contextmanager
def checkout(example: Path, folder: Path, **env: str) -> Iterator[tuple[Runner, Sandbox]]:
    """Serve a sandbox and give a runner with a clone of a repository that holds the example."""
    (folder / "origin").mkdir()
    origin = repository(folder / "origin")
    shutil.copytree(example, origin.folder, dirs_exist_ok=True)
    origin.commit()
    git = origin.clone(folder / "clone")
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        yield runner(git, folder / "programs", server.url, **env), sandbox


@pytest.fixture
def github(tmp_path: Path) -> Iterator[tuple[Runner, Sandbox]]:
    workspace = str(tmp_path / "clone")
    with checkout(GITHUB, tmp_path, GITHUB_ACTIONS="true", GITHUB_WORKSPACE=workspace) as both:
        yield both


def step(on: Runner, workflow: str, job: str, name: str, **more: str) -> StepResult:
    """Run one step of a workflow, with its expressions replaced."""
    path = GITHUB / ".github" / "workflows" / workflow
    found = next(each for of, each in steps(path) if of == job and each.get("name") == name)
    env = {
        variable: re.sub(r"\$\{\{ (.*?) \}\}", lambda expression: MADE_UP[expression[1]], value)
        for variable, value in found.get("env", {}).items()
    }
    return on.run(found["run"], {**env, **more})


def edit(git: Git, before: str, after: str) -> None:
    path = git.folder / "halo.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def declare(origin: Git, on: Runner, *retired: str) -> None:
    """Merge a project of three schedules, of which some are retired, and check it out afresh."""
    entry = "  {key}: {{title: {key}, agent: checkout, frequency: daily, at: '09:00', state: {state}}}\n"
    states = {key: "archived" if key in retired else "active" for key in ("one", "two", "three")}
    entries = (entry.format(key=key, state=state) for key, state in states.items())
    (origin.folder / "halo.yaml").write_text("version: 1\nschedules:\n" + "".join(entries))
    origin.commit()
    on.git("clean", "--quiet", "--force", "-dx")
    (on.programs / "temp" / "receipt.jsonl").unlink(missing_ok=True)  # a job has a temporary folder of its own
    on.git("pull", "--quiet")


def titles(sandbox: Sandbox) -> list[str]:
    return sorted(each["title"] for each in sandbox.schedules() if each["archivedAt"] is None)


@pytest.mark.parametrize("workflow", ["halo-plan.yml", "halo-apply.yml", "halo-drift.yml"])
def test_every_job_installs_this_version(github: tuple[Runner, Sandbox], workflow: str) -> None:
    on, _ = github
    jobs = read(GITHUB / ".github" / "workflows" / workflow)["jobs"]
    for job in jobs:
        assert step(on, workflow, job, "Install halo").code == 0
    installed = (on.programs / "installed.txt").read_text().split()
    assert installed == [f"halo-iac=={__version__}"] * len(jobs)


def test_validation_marks_mistakes_on_their_lines(github: tuple[Runner, Sandbox]) -> None:
    on, _ = github
    assert step(on, "halo-plan.yml", "validate", "Validate").code == 0
    edit(on.git, "frequency: daily", "frequency: dayly")
    ran = step(on, "halo-plan.yml", "validate", "Validate")
    assert ran.code == 1
    assert "::error file=halo.yaml,line=10," in ran.printed


def test_a_pull_request_is_planned_and_gets_one_comment(github: tuple[Runner, Sandbox]) -> None:
    on, sandbox = github
    edit(on.git, "02:00", "03:00")
    on.git.commit()
    planned = step(on, "halo-plan.yml", "plan", "Plan")
    assert planned.code == 0, planned.printed
    assert "::notice file=halo.yaml,line=7," in planned.printed
    assert DEMO_READ_KEY not in planned.printed
    assert planned.outputs == {"page": "written"}
    marker = (on.programs / "temp" / "plan.md").read_text(encoding="utf-8").partition("\n")[0]
    on.leave_comment("a stranger", f"{marker}\nMine now.")
    on.leave_comment("github-actions[bot]", "Another bot's words.")
    first = step(on, "halo-plan.yml", "plan", "Comment")
    assert (first.code, len(on.comments)) == (0, 3), first.printed
    assert "03:00" in on.comments[-1]["body"]
    assert first.summary == on.comments[-1]["body"]
    edit(on.git, "03:00", "04:00")
    on.git.commit()
    assert step(on, "halo-plan.yml", "plan", "Plan").code == 0
    second = step(on, "halo-plan.yml", "plan", "Comment")
    assert (second.code, len(on.comments)) == (0, 3), second.printed
    assert "04:00" in on.comments[-1]["body"]
    assert [each["body"] for each in on.comments[:2]] == [f"{marker}\nMine now.", "Another bot's words."]
    assert titles(sandbox) == []


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("checkout", "nobody", 1), ('protect: ["Nightly *"]', "protect: []", 3), ("daily", "dayly", 1)],
    ids=["blocked", "refused", "broken"],
)
def test_a_plan_that_fails_is_commented_on_too(
    github: tuple[Runner, Sandbox], before: str, after: str, code: int
) -> None:
    on, _ = github
    edit(on.git, before, after)
    on.git.commit()
    assert step(on, "halo-plan.yml", "plan", "Plan").code == code
    assert step(on, "halo-plan.yml", "plan", "Comment").code == 0
    assert len(on.comments) == 1


@pytest.mark.parametrize("kind", ["text", "a page of halo's", "a link", "a folder"])
def test_what_a_branch_has_committed_is_not_commented(
    github: tuple[Runner, Sandbox], tmp_path: Path, kind: str
) -> None:
    on, _ = github
    edit(on.git, "02:00", "03:00")
    for name in ("plan.md", "plan.json", "receipt.jsonl"):
        path = on.git.folder / name
        if kind == "a folder":
            path.mkdir()
            (path / "x").touch()
        elif kind == "a link":
            path.symlink_to(tmp_path / "outside")
        else:
            path.write_text("Planted." if kind == "text" else "<!-- halo-plan: 0123456789abcdef -->\nPlanted.")
    on.git.commit()
    assert step(on, "halo-plan.yml", "plan", "Plan").code == 0
    assert step(on, "halo-plan.yml", "plan", "Comment").code == 0
    [comment] = on.comments
    assert "03:00" in comment["body"]
    assert "Planted" not in comment["body"]
    assert on.git("status", "--porcelain") == ""
    assert not (tmp_path / "outside").exists()
    stale = step(on, "halo-plan.yml", "plan", "Plan", INF_API_KEY="")
    assert stale.code != 0
    assert "03:00" not in (on.programs / "temp" / "plan.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_step_writes_into_the_checkout(path: Path) -> None:
    for script in scripts(path):
        for place in re.findall(r"(?:--out|--receipt|--also \w+=|--output|>>?)\s*(\S+)", script):
            assert re.match(r'"?\$(RUNNER_TEMP|GITHUB_\w+|page|saved)\b', place.removeprefix("markdown=")), place
    assert "hashFiles" not in path.read_text(encoding="utf-8")


def test_a_looser_policy_needs_a_label(github: tuple[Runner, Sandbox]) -> None:
    on, _ = github
    edit(on.git, 'protect: ["Nightly *"]', "protect: []")
    on.git.commit()
    assert step(on, "halo-plan.yml", "plan", "Plan").code == 3
    assert step(on, "halo-plan.yml", "plan", "Plan", IS_POLICY_CHANGE="true").code == 0


def test_many_removals_need_a_label_with_their_number(github: tuple[Runner, Sandbox], tmp_path: Path) -> None:
    on, _ = github
    origin = Git(tmp_path / "origin")
    declare(origin, on)
    for job, name in (("plan", "Plan"), ("apply", "Apply")):
        assert step(on, "halo-apply.yml", job, name).code == 0
    declare(origin, on, "one", "two")
    codes = {
        label: step(on, "halo-plan.yml", "plan", "Plan", LABELS=json.dumps(["a", label], indent=2)).code
        for label in (
            "b",
            "halo-allow-archive-1",
            "halo-allow-archive-2",
            "halo-allow-archive-",
            "halo-allow-archive-2 --accept-policy-change",
            "halo-allow-archive-$(touch ran)2",
            'b"halo-allow-archive-2"',
        )
    }
    assert [label for label, code in codes.items() if code == 0] == ["halo-allow-archive-2"]
    assert set(codes.values()) == {0, 3}
    assert not (on.git.folder / "ran").exists()


def test_many_removals_are_applied_by_hand_with_their_number(github: tuple[Runner, Sandbox], tmp_path: Path) -> None:
    on, sandbox = github
    origin = Git(tmp_path / "origin")
    declare(origin, on)
    for job, name in (("plan", "Plan"), ("apply", "Apply")):
        assert step(on, "halo-apply.yml", job, name).code == 0
    declare(origin, on, "one", "two")
    merged = step(on, "halo-apply.yml", "plan", "Plan")
    assert (merged.code, merged.outputs) == (3, {})
    assert "override: `--allow-archive 2`" in merged.summary
    assert step(on, "halo-apply.yml", "plan", "Plan", ALLOW_ARCHIVE="2; touch ran").code == 64
    by_hand = step(on, "halo-apply.yml", "plan", "Plan", ALLOW_ARCHIVE="2")
    assert (by_hand.code, by_hand.outputs) == (0, {"changes": "pending"})
    assert step(on, "halo-apply.yml", "apply", "Apply").code == 3
    assert step(on, "halo-apply.yml", "apply", "Apply", ALLOW_ARCHIVE="2").code == 0
    assert titles(sandbox) == ["three"]
    assert step(on, "halo-drift.yml", "drift", "Plan").code == 0


def test_a_merge_applies_the_plan_that_was_saved(github: tuple[Runner, Sandbox]) -> None:
    on, sandbox = github
    planned = step(on, "halo-apply.yml", "plan", "Plan")
    assert (planned.code, planned.outputs) == (0, {"changes": "pending"}), planned.printed
    assert "Nightly checkout review" in planned.summary
    applied = step(on, "halo-apply.yml", "apply", "Apply")
    assert applied.code == 0, applied.printed
    assert titles(sandbox) == ["Nightly checkout review"]
    assert (on.programs / "temp" / "receipt.jsonl").is_file()
    assert on.git("status", "--porcelain") == ""
    again = step(on, "halo-apply.yml", "plan", "Plan")
    assert (again.code, again.outputs) == (0, {})


def test_an_approval_that_came_late_applies_nothing(github: tuple[Runner, Sandbox], tmp_path: Path) -> None:
    on, sandbox = github
    assert step(on, "halo-apply.yml", "plan", "Plan").code == 0
    Git(tmp_path / "origin").commit("merged meanwhile")
    late = step(on, "halo-apply.yml", "apply", "Apply")
    assert late.code == 3
    assert "but origin/main is now at" in late.printed
    assert titles(sandbox) == []


def test_a_plan_that_is_refused_ends_the_pipeline(github: tuple[Runner, Sandbox]) -> None:
    on, _ = github
    edit(on.git, "checkout\n", "nobody\n")
    ran = step(on, "halo-apply.yml", "plan", "Plan")
    assert (ran.code, ran.outputs) == (1, {})
    assert "nobody" in ran.summary


def test_the_night_tells_of_drift(github: tuple[Runner, Sandbox]) -> None:
    on, sandbox = github
    for job, name in (("plan", "Plan"), ("apply", "Apply")):
        assert step(on, "halo-apply.yml", job, name).code == 0
    assert step(on, "halo-drift.yml", "drift", "Plan").code == 0
    [schedule] = sandbox.schedules()
    Caller(sandbox).do("haloSchedule.update", {"id": schedule["id"], "lookbackHours": 1})
    drifted = step(on, "halo-drift.yml", "drift", "Plan")
    assert drifted.code == 2
    assert "::error title=HALO drift::" in drifted.printed
    assert "lookback_hours" in drifted.summary


# GitLab -------------------------------------------------------------------------------------------------------------


class Notes:
    """The notes of one merge request, a page of two at a time, and who asks for them."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.target)
        assert request.headers["private-token"] == "a token"
        if url.path == "/api/v4/user":
            return _json({"id": 1})
        path = "/api/v4/projects/5/merge_requests/7/notes"
        assert url.path.startswith(path)
        if request.method == "GET":
            page = int(parse_qs(url.query)["page"][0])
            more = str(page + 1) if page * 2 < len(self.notes) else ""
            return _json(self.notes[page * 2 - 2 : page * 2], **{"x-next-page": more})
        body = parse_qs(request.body.decode())["body"][0]
        if request.method == "POST":
            self.add(1, body)
        else:
            next(note for note in self.notes if url.path == f"{path}/{note['id']}")["body"] = body
        return _json({})

    def add(self, author: int, body: str) -> None:
        self.notes.append({"id": 100 + len(self.notes), "author": {"id": author}, "body": body})


def _json(value: object, **headers: str) -> Reply:
    return Reply(200, json.dumps(value).encode(), headers)


def job(on: Runner, name: str, **env: str) -> StepResult:
    """Run the script of a job, with the variables that it declares."""
    jobs = read(GITLAB / ".gitlab-ci.yml")
    found = {**jobs[jobs[name]["extends"]], **jobs[name]} if "extends" in jobs[name] else jobs[name]
    project = {"HALO_READ_KEY": DEMO_READ_KEY, "HALO_WRITE_KEY": DEMO_KEY, "HALO_PROJECT_ID": DEMO_PROJECT_ID}
    variables = {
        variable: re.sub(r"\$(\w+)", lambda named: project[named[1]], value)
        for variable, value in found.get("variables", {}).items()
    }
    everywhere = {variable: declared["value"] for variable, declared in jobs["variables"].items()}
    return on.run("\n".join(found["script"]), {**everywhere, **variables, **env})


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[tuple[Runner, Sandbox]]:
    with checkout(GITLAB, tmp_path, GITLAB_CI="true", CI_DEFAULT_BRANCH="main") as both:
        yield both


def test_gitlab_installs_this_version(gitlab: tuple[Runner, Sandbox]) -> None:
    on, _ = gitlab
    [install] = read(GITLAB / ".gitlab-ci.yml")["default"]["before_script"]
    assert on.run(install, {}).code == 0
    assert (on.programs / "installed.txt").read_text() == f"halo-iac=={__version__}\n"


def test_gitlab_validates_and_plans_a_merge_request_with_one_note(gitlab: tuple[Runner, Sandbox]) -> None:
    on, sandbox = gitlab
    base = on.git("rev-parse", "HEAD")
    edit(on.git, "02:00", "03:00")
    on.git.commit()
    assert job(on, "halo-validate").code == 0
    notes = Notes()
    with serving(notes) as server:
        api = {
            "CI_API_V4_URL": f"{server.url}/api/v4",
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "7",
            "HALO_COMMENT_TOKEN": "a token",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        }
        planned = job(on, "halo-plan", **api)
        assert planned.code == 0, planned.printed
        assert len(notes.notes) == 1
        marker = notes.notes[0]["body"].partition("\n")[0]
        notes.notes.clear()
        for author in (2, 3, 4):
            notes.add(author, f"{marker}\nMine now.")
        assert job(on, "halo-plan", **api).code == 0
        edit(on.git, "03:00", "04:00")
        assert job(on, "halo-plan", **api).code == 0
        assert [note["author"]["id"] for note in notes.notes] == [2, 3, 4, 1]
        assert "04:00" in notes.notes[-1]["body"]
        edit(on.git, 'protect: ["Nightly *"]', "protect: []")
        assert job(on, "halo-plan", **api).code == 3
        assert job(on, "halo-plan", **api, CI_MERGE_REQUEST_LABELS="a,halo-policy-change").code == 0
        edit(on.git, "support-bot", "nobody")
        blocked = job(on, "halo-plan", **api)
    assert blocked.code == 1, "a blocked entry goes before a refusal"
    assert "nobody" in notes.notes[-1]["body"]
    assert titles(sandbox) == []


def test_gitlab_applies_the_saved_plan_and_tells_of_drift(gitlab: tuple[Runner, Sandbox], tmp_path: Path) -> None:
    on, sandbox = gitlab
    assert job(on, "halo-drift").code == 2
    assert job(on, "halo-plan-main").code == 0
    applied = job(on, "halo-apply")
    assert applied.code == 0, applied.printed
    assert titles(sandbox) == ["Nightly support review"]
    assert (on.git.folder / "receipt.jsonl").is_file()
    assert job(on, "halo-drift").code == 0
    Git(tmp_path / "origin").commit("merged meanwhile")
    assert job(on, "halo-apply").code == 3


def test_gitlab_lets_many_removals_pass_with_their_number(gitlab: tuple[Runner, Sandbox], tmp_path: Path) -> None:
    on, sandbox = gitlab
    origin = Git(tmp_path / "origin")
    declare(origin, on)
    for name in ("halo-plan-main", "halo-apply"):
        assert job(on, name).code == 0
    base = on.git("rev-parse", "HEAD")
    declare(origin, on, "one", "two")
    (on.git.folder / "comment.py").write_text("")
    codes = {
        labels: job(on, "halo-plan", CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_MERGE_REQUEST_LABELS=labels).code
        for labels in (
            "a,b",
            "a,halo-allow-archive-1",
            "a,halo-allow-archive-2,b",
            "not-halo-allow-archive-2",
            "halo-allow-archive-2 --accept-policy-change",
            "halo-allow-archive-$(touch ran)2",
        )
    }
    assert list(codes.values()) == [3, 3, 0, 3, 64, 64]
    assert job(on, "halo-plan-main").code == 3
    assert job(on, "halo-plan-main", ALLOW_ARCHIVE="2; touch ran").code == 64
    assert job(on, "halo-plan-main", ALLOW_ARCHIVE="2").code == 0
    assert job(on, "halo-apply").code == 3
    assert job(on, "halo-apply", ALLOW_ARCHIVE="2").code == 0
    assert not (on.git.folder / "ran").exists()
    assert titles(sandbox) == ["three"]
    assert job(on, "halo-drift").code == 0


# pre-commit ---------------------------------------------------------------------------------------------------------


def test_the_hook_for_pre_commit_validates(github: tuple[Runner, Sandbox]) -> None:
    on, _ = github
    [hook] = read(ROOT / ".pre-commit-hooks.yaml")
    assert on.run(hook["entry"], {}).code == 0
    edit(on.git, "daily", "dayly")
    assert on.run(hook["entry"], {}).code == 1
