"""The action, the template and the example pipelines: safe by construction, and every step run as its runner would.

What ``halo ci`` does is in ``test_ci.py``; here it is what is copied that is run, in bash, on a served sandbox and
fakes of both hosts. That everything matches the schemas of GitHub, GitLab and pre-commit is held by ``make lint``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ci_runner import (
    ACTION,
    EXAMPLES,
    ROOT,
    Runner,
    StepResult,
    action_env,
    evaluate,
    read_yaml,
    rendered_template,
    runner,
)
from code_hosts import TOKEN, Github, Gitlab
from forked_python import forked_python
from loopback import serving
from repositories import Git, repository
from sandbox_calls import Caller, fire_now

from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID, DEMO_READ_KEY
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not all(map(shutil.which, ("git", "bash"))), reason="needs git and bash"
)

GITHUB = EXAMPLES / "github-actions"
GITLAB = EXAMPLES / "gitlab-ci"
WORKFLOWS = sorted(EXAMPLES.glob("*/.github/workflows/*.yml"))
PLACEHOLDER = "OWNER/halo@" + "0" * 40


def steps(workflow: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - YAML
    for name, job in workflow["jobs"].items():
        yield from ((name, step) for step in job.get("steps", ()))


def example(name: str) -> Any:  # noqa: ANN401 - YAML
    folder = EXAMPLES / "fixes" if name == "fixes" else GITHUB
    return read_yaml(folder / ".github" / "workflows" / f"halo-{name}.yml")


# By construction ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: f"{path.parents[2].name}-{path.stem}")
def test_a_workflow_has_minimal_permissions_and_pinned_actions(path: Path) -> None:
    workflow = read_yaml(path)
    assert "pull_request_target" not in workflow["on"]
    assert "paths" not in json.dumps(workflow["on"]), "a required check that is skipped would wait forever"
    assert set(workflow["permissions"].values()) <= {"read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {"contents": "read"})["contents"] == "read"
    for line in re.findall(r"uses: .*", path.read_text(encoding="utf-8")):
        assert re.fullmatch(rf"uses: (actions/checkout@[0-9a-f]{{40}}  # v[\d.]+|{PLACEHOLDER}.*|\./.*)", line), line
    for _, step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", "")


def test_a_team_owns_at_most_sixty_lines() -> None:
    texts = [(GITHUB / ".github" / "workflows" / f"halo-{name}.yml").read_text() for name in ("plan", "apply", "drift")]
    assert sum(text.count("\n") for text in texts) <= 60
    assert (GITLAB / ".gitlab-ci.yml").read_text().count("\n") <= 10


def test_only_a_protected_environment_meets_the_key_that_may_write() -> None:
    for path in WORKFLOWS:
        for name, job in read_yaml(path)["jobs"].items():
            if "HALO_WRITE_KEY" not in json.dumps(job):
                continue
            assert name in {"apply", "undo"}
            assert job["environment"].startswith("halo-")
            assert job["concurrency"]["cancel-in-progress"] is False
            approve = read_yaml(path)["jobs"][job["needs"]]
            assert approve["environment"].startswith("halo-approval")
            assert "concurrency" not in approve, "a job that waits for approval would hold the group"


def test_a_pull_request_and_a_merge_queue_are_checked() -> None:
    assert set(example("plan")["on"]) == {"pull_request", "merge_group"}
    assert {"labeled", "unlabeled"} <= set(example("plan")["on"]["pull_request"]["types"])


def test_the_action_uses_only_artifacts_and_passes_every_input_on() -> None:
    action = read_yaml(ACTION)
    used = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert {each.partition("@")[0] for each in used} == {"actions/upload-artifact", "actions/download-artifact"}
    for line in re.findall(r"uses: .*", ACTION.read_text(encoding="utf-8")):
        assert re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    passed = json.dumps([step for step in action["runs"]["steps"] if "id" in step or "uses" in step])
    assert {name for name in action["inputs"] if f"inputs.{name}" not in passed} == set()


def test_an_artifact_is_downloaded_by_the_name_that_it_was_uploaded_by() -> None:
    action = read_yaml(ACTION)
    values = {f"inputs.{name}": "" for name in action["inputs"]} | {"github.run_attempt": "2", "runner.temp": "/t"}
    names: dict[str, list[str]] = {"": [], "prod": []}
    for name, found in names.items():
        for step in action["runs"]["steps"]:
            kept = step.get("with", {})
            found += [
                evaluate(kept[each], values | {"inputs.name": name}) for each in ("name", "pattern") if each in kept
            ]
    assert names == {
        "": ["halo-plan-halo", "halo-receipt-halo@*", "halo-plan-halo", "halo-receipt-halo@2", "halo-reports-halo"],
        "prod": ["halo-plan-prod", "halo-receipt-prod@*", "halo-plan-prod", "halo-receipt-prod@2", "halo-reports-prod"],
    }


def test_the_template_sets_nothing_for_the_pipelines_of_others() -> None:
    jobs = rendered_template({"source": "s", "ref": "r", "name": "prod", "stage": "check", "apply-stage": "ship"})
    assert all(name.removeprefix(".").startswith("prod") for name in jobs)
    stages = {each.get("stage", "check") for each in jobs.values()}
    assert stages == {"check", "ship"}
    writing = {name for name, each in jobs.items() if "HALO_WRITE_KEY" in json.dumps(each)}
    assert writing == {"prod-apply", "prod-undo"}
    for name in writing:
        assert jobs[name]["environment"] == "halo-production"
        assert {each["when"] for each in jobs[name]["rules"]} == {"manual"}
    assert [*read_yaml(GITLAB / ".gitlab-ci.yml")] == ["include"]


# The libraries ------------------------------------------------------------------------------------------------------


def test_every_library_of_the_action_is_locked_by_hash() -> None:
    text = (ROOT / "action" / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.findall(r"(?m)^([\w.-]+)==\S+(?: ;[^\\]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text)
    assert len(entries) == len(re.findall(r"(?m)^\w", text))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[>=<;\s]", each)[0].replace(".", "-") for each in project["dependencies"]}
    assert wanted <= {name for name, _ in entries}, "`make lock` writes it"


def test_the_install_step_makes_an_environment_or_fails(tmp_path: Path) -> None:
    """With the real script on a checkout without libraries: what is installed is the index's business."""
    action = tmp_path / "action"
    shutil.copytree(ROOT / "action", action / "action")
    (action / "halo_iac").symlink_to(ROOT / "halo_iac")
    git = repository(tmp_path / "checkout")
    (git.folder / "halo_iac").mkdir()
    (git.folder / "halo_iac" / "__main__.py").write_text("raise SystemExit(9)\n")
    on = runner(git, tmp_path / "temp", "")
    output = tmp_path / "output"
    env = {
        "GITHUB_ACTION_PATH": str(action),
        "RUNNER_TEMP": str(on.temp),
        "GITHUB_OUTPUT": str(output),
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": "",
    }
    (step,) = (each for each in read_yaml(ACTION)["runs"]["steps"] if each.get("id") == "install")
    failed = on.run(step["run"], env)
    assert failed.code == 1
    assert "error: halo's libraries could not be installed: pip ended with 1" in failed.printed
    assert not output.exists()
    (action / "action" / "requirements.txt").write_text("")
    for _ in range(2):
        assert on.run(step["run"], env).code == 0
    python = output.read_text().split("\n")[0].removeprefix("python=")
    assert output.read_text() == f"python={python}\n" * 2
    shown = on.run(f'"{python}" -P -m halo_iac --version', env)
    assert (shown.code, shown.printed.split()[0]) == (0, "halo")
    old = on.run(step["run"], {**env, "PATH": str(_programs(tmp_path, "python3", "python"))})
    assert old.code == 1
    assert "halo needs Python 3.11 or newer" in old.printed


def _programs(folder: Path, *failing: str) -> Path:
    """Return a folder with programs that fail, and those that the script needs besides."""
    programs = folder / "programs"
    programs.mkdir()
    for name in failing:
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    for name in ("bash", "sh", "dirname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    return programs


# GitHub -------------------------------------------------------------------------------------------------------------


@dataclass
class Pipeline:
    """A repository that holds an example, on a runner of its host."""

    on: Runner
    sandbox: Sandbox
    host: Github | Gitlab
    url: str
    origin: Git
    python: str
    source: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    def edit(self, before: str, after: str) -> str:
        """Change the project file, commit that, and return the commit before it."""
        git = self.on.git
        base, path = git("rev-parse", "HEAD"), git.folder / "halo.yaml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        git.commit()
        return base

    def github(self, workflow: str, job: str, env: dict[str, str], **values: str) -> StepResult:
        """Run the action as a job of an example uses it."""
        (step,) = (each for of, each in steps(example(workflow)) if of == job and each.get("uses") == PLACEHOLDER)
        project = {"HALO_READ_KEY": DEMO_READ_KEY, "HALO_WRITE_KEY": DEMO_KEY}
        known = {
            **{f"secrets.{name}": key for name, key in project.items()},
            "vars.HALO_PROJECT_ID": DEMO_PROJECT_ID,
            "env.INF_PROJECT_ID": DEMO_PROJECT_ID if "env" in example(workflow) else "",
            "github.token": TOKEN,
            "inputs.allow-archive": "",
            "steps.install.outputs.python": self.python,
            "runner.temp": str(self.on.temp),
            **values,
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            Path(env[name]).write_text("")
        (run,) = (each["run"] for each in read_yaml(ACTION)["runs"]["steps"] if each.get("id") == "run")
        ended = self.on.run(run, {**env, **action_env(step["with"], known)})
        self.outputs = dict(line.split("=", 1) for line in Path(env["GITHUB_OUTPUT"]).read_text().splitlines())
        return ended

    def gitlab(self, name: str, env: dict[str, str]) -> StepResult:
        """Run a job of the template as the example includes it, from its installation on."""
        (included,) = read_yaml(GITLAB / ".gitlab-ci.yml")["include"]
        jobs = rendered_template({**included["inputs"], "source": self.source, "ref": "HEAD"})
        base = jobs[jobs[name]["extends"]]
        project = {"HALO_READ_KEY": DEMO_READ_KEY, "HALO_WRITE_KEY": DEMO_KEY, "HALO_PROJECT_ID": DEMO_PROJECT_ID}
        known = {**project, "HALO_COMMENT_TOKEN": TOKEN}
        variables = {
            variable: re.sub(r"\$(\w+)", lambda named: known[named[1]], value)
            for variable, value in {**base["variables"], **jobs[name].get("variables", {})}.items()
        }
        script = "\n".join([*base["before_script"], *jobs[name]["script"]])
        return self.on.run(script, {**variables, **env})

    def titles(self) -> list[str]:
        return sorted(each["title"] for each in self.sandbox.schedules() if each["archivedAt"] is None)


@contextmanager
def pipeline(copied: Path, host: Github | Gitlab, folder: Path, python: str) -> Iterator[Pipeline]:
    """Serve a sandbox and a host, and give a runner with a clone of a repository that holds the example."""
    origin = repository(folder / "origin")
    shutil.copytree(copied, origin.folder, dirs_exist_ok=True)
    # What a branch may bring to be run in place of halo.
    (origin.folder / "halo_iac").mkdir()
    for name in ("halo_iac/__main__.py", "halo_iac/__init__.py", "halo.py", "sitecustomize.py", "httpx.py"):
        (origin.folder / name).write_text("import os\nos._exit(9)\n")
    (origin.folder / "action.yml").write_text("runs: {using: composite, steps: []}\n")
    (origin.folder / "halo").write_text("#!/bin/sh\nexit 9\n")
    (origin.folder / "halo").chmod(0o755)
    origin.commit()
    git = origin.clone(folder / "clone")
    with Sandbox.open(None, pace=0) as sandbox, serve(sandbox) as platform, serving(host) as server:
        yield Pipeline(runner(git, folder / "temp", platform.url), sandbox, host, server.url, origin, python)


@pytest.fixture
def python(tmp_path: Path) -> Iterator[str]:
    """Return the Python of the steps; a test of each host is given the real one, as what a branch brings is for."""
    with forked_python(tmp_path / "python") as program:
        yield str(program)


@pytest.fixture
def github(tmp_path: Path, python: str) -> Iterator[Pipeline]:
    with pipeline(GITHUB, Github(tmp_path / "temp"), tmp_path, python) as made:
        yield made


def test_an_example_on_github_plans_comments_applies_finds_drift_and_undoes(github: Pipeline) -> None:
    on, host = github, github.host
    base = on.edit("02:00", "03:00")
    planned = on.github("plan", "plan", host.on_request(on.url, base))
    assert planned.code == 0, planned.printed
    assert "::notice file=halo.yaml,line=7," in planned.printed
    assert DEMO_READ_KEY not in planned.printed
    assert on.outputs == {"changes": "true", "exit-code": "2"}
    assert ["03:00" in each.body for each in host.comments] == [True]
    on.on.git("reset", "--quiet", "--hard", "origin/main")
    assert on.github("apply", "plan", host.on_branch(on.url)).code == 0
    assert on.outputs["changes"] == "true"
    applied = on.github("apply", "apply", host.on_branch(on.url))
    assert (applied.code, on.titles()) == (0, ["Nightly checkout review"]), applied.printed
    assert on.github("drift", "drift", host.on_branch(on.url)).code == 0
    [schedule] = on.sandbox.schedules()
    Caller(on.sandbox).mutate("haloSchedule.update", {"id": schedule["id"], "lookbackHours": 1})
    assert on.github("drift", "drift", host.on_branch(on.url)).code == 0
    assert [(each.title, each.is_open) for each in host.issues] == [("HALO drift", True)]
    assert on.github("report", "report", host.on_branch(on.url)).code == 0
    fire_now(on.sandbox)
    assert on.github("fixes", "fixes", host.on_branch(on.url)).code == 0
    assert [each.title for each in host.issues] == ["HALO drift", "HALO report: nightly"]


def test_an_example_on_github_undoes_by_the_receipt_of_a_run(github: Pipeline) -> None:
    on, host = github, github.host
    on.edit('["Nightly *"]', "[]")
    on.on.git("push", "--quiet", "origin", "HEAD:refs/heads/next")
    on.origin("reset", "--quiet", "--hard", "next")
    assert on.github("apply", "plan", host.on_branch(on.url)).code == 0
    assert on.github("apply", "apply", host.on_branch(on.url)).code == 0
    downloaded = on.on.temp / "halo-undo" / "halo-receipt-halo@1"
    downloaded.mkdir(parents=True)
    shutil.copy(on.outputs["receipt"], downloaded)
    ended = on.github("undo", "undo", host.on_branch(on.url), **{"inputs.run": "77", "inputs.allow-archive": "1"})
    assert (ended.code, on.titles()) == (0, []), ended.printed


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("checkout\n", "another\n", 1),
        ('protect: ["Nightly *"]', "protect: []", 3),
        ("frequency: daily", "frequency: dayly", 1),
        ("Nightly checkout review", '"x\\nchanges=no\\n::stop-commands::x"', 1),
        ("Nightly checkout review", '"$(touch ran) `touch ran` \'; touch ran; </details> @everyone"', 0),
    ],
    ids=["blocked", "refused", "broken", "line breaks", "hostile"],
)
def test_a_step_on_github_ends_as_its_plan_does(github: Pipeline, before: str, after: str, code: int) -> None:
    base = github.edit(before, after)
    ended = github.github("plan", "plan", github.host.on_request(github.url, base))
    assert ended.code == code, ended.printed
    (comment,) = github.host.comments
    assert "@everyone" not in comment.body
    assert set(github.outputs) == {"changes", "exit-code"}
    assert not (github.on.git.folder / "ran").exists()
    assert not re.search(r"(?m)^::(?!error |warning |notice )", ended.printed)


@pytest.mark.parametrize("python", [sys.executable])
def test_an_approval_on_github_that_came_late_applies_nothing(github: Pipeline) -> None:
    assert github.github("apply", "plan", github.host.on_branch(github.url)).code == 0
    github.origin.commit("merged meanwhile")
    late = github.github("apply", "apply", github.host.on_branch(github.url))
    assert (late.code, github.titles()) == (3, [])
    assert "but origin/main is now at" in late.printed


# GitLab -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gitlab(tmp_path: Path, python: str) -> Iterator[Pipeline]:
    halo = repository(tmp_path / "halo")
    (halo.folder / "action").mkdir()
    (halo.folder / "action" / "install.sh").write_text(f'echo "{python}"\n')
    halo.commit()
    with pipeline(GITLAB, Gitlab(tmp_path / "temp"), tmp_path, python) as made:
        made.source = halo.folder.as_uri()
        yield made


def test_an_example_on_gitlab_plans_notes_applies_finds_drift_and_undoes(gitlab: Pipeline) -> None:
    on, host = gitlab, gitlab.host
    base = on.edit("02:00", "03:00")
    planned = on.gitlab("halo-plan", host.on_request(on.url, base))
    assert planned.code == 0, planned.printed
    assert ["03:00" in each.body for each in host.comments] == [True]
    on.edit('["Nightly *"]', "[]")
    on.on.git("push", "--quiet", "origin", "HEAD:refs/heads/next")
    on.origin("reset", "--quiet", "--hard", "next")
    assert on.gitlab("halo-plan-merged", host.on_branch(on.url)).code == 0
    applied = on.gitlab("halo-apply", host.on_branch(on.url))
    assert (applied.code, on.titles()) == (0, ["Nightly support review"]), applied.printed
    assert isinstance(host, Gitlab)
    place = ".halo/ci/halo/receipts/receipt.jsonl"
    host.artifacts = {place: (on.on.git.folder / place).read_text()}
    assert on.gitlab("halo-drift", host.on_branch(on.url)).code == 0
    assert on.gitlab("halo-report", host.on_branch(on.url)).code == 0
    permits = {"HALO_CI_RECEIPT": "9", "HALO_CI_ALLOW_ARCHIVE": "1"}
    undone = on.gitlab("halo-undo", {**host.on_branch(on.url), **permits})
    assert (undone.code, on.titles()) == (0, []), undone.printed


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("support-bot\n", "another\n", 1),
        ('protect: ["Nightly *"]', "protect: []", 3),
        ("Nightly support review", '"$(touch ran) `touch ran` \'; touch ran; </details> @everyone"', 0),
    ],
    ids=["blocked", "refused", "hostile"],
)
def test_a_job_on_gitlab_ends_as_its_plan_does(gitlab: Pipeline, before: str, after: str, code: int) -> None:
    base = gitlab.edit(before, after)
    ended = gitlab.gitlab("halo-plan", gitlab.host.on_request(gitlab.url, base))
    assert ended.code == code, ended.printed
    (note,) = gitlab.host.comments
    assert "@everyone" not in note.body
    assert not (gitlab.on.git.folder / "ran").exists()


@pytest.mark.parametrize("python", [sys.executable])
def test_no_module_of_a_branch_is_run_in_place_of_halo_on_gitlab(gitlab: Pipeline) -> None:
    base = gitlab.edit("02:00", "03:00")
    ended = gitlab.gitlab("halo-plan", gitlab.host.on_request(gitlab.url, base))
    assert ended.code == 0, ended.printed


# pre-commit ---------------------------------------------------------------------------------------------------------


def test_the_hook_for_pre_commit_takes_its_files_from_args(github: Pipeline) -> None:
    [hook] = read_yaml(ROOT / ".pre-commit-hooks.yaml")
    folder = github.on.git.folder
    env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    assert github.on.run(hook["entry"], env).code == 0
    (folder / "envs" / "prod").mkdir(parents=True)
    (folder / "halo.yaml").rename(folder / "envs" / "prod" / "halo.yaml")
    with_args = shlex.join([*shlex.split(hook["entry"]), "-f", "envs/*/halo.yaml"])
    assert github.on.run(with_args, env).code == 0
    path = folder / "envs" / "prod" / "halo.yaml"
    path.write_text(path.read_text().replace("daily", "dayly"))
    assert github.on.run(with_args, env).code == 1
