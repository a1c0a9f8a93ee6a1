"""``halo ci`` as a job on either host: comments, issues, labels, forks, saved plans, receipts, hostile input.

The two hosts are fakes on loopback; the platform is a served sandbox.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from code_hosts import TOKEN, CodeHost, Github, Gitlab, Post
from command_line import CommandLine, CommandResult
from loopback import serving
from repositories import Git, repository
from sandbox_calls import Caller, fire_now

from halo_iac.ci.github import GithubHost
from halo_iac.ci.gitlab import GitlabHost
from halo_iac.ci.host import Trigger
from halo_iac.errors import FileError
from halo_iac.render.html import PAGE_START
from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID, DEMO_READ_KEY
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

ON_GITHUB, ON_GITLAB = (
    pytest.mark.parametrize("job", [each], ids=[each.__name__.lower()], indirect=True) for each in (Github, Gitlab)
)

PROJECT = """\
version: 1
protect: ["Audit *"]
schedules:
  nightly:
    title: Nightly checkout review
    agent: checkout
    frequency: daily
    at: "02:00"
    prompt: Look.
"""


@dataclass
class Job:
    """A checkout on a host, whose base is the commit before the branch's."""

    git: Git
    halo: CommandLine
    host: CodeHost
    url: str
    sandbox: Sandbox
    env: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        temp = self.env.get("RUNNER_TEMP")
        return (Path(temp) / "halo-ci" if temp else self.git.folder / ".halo" / "ci") / "halo"

    def edit(self, before: str, after: str, *, file: str = "halo.yaml") -> str:
        """Change the project file, commit that, and return the commit before it."""
        base = self.git("rev-parse", "HEAD")
        path = self.git.folder / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        self.git.commit()
        return base

    def on_request(self, command: str, base: str, *labels: str, source: str = "", **env: str) -> CommandResult:
        self.env = self.host.on_request(self.url, base, *labels, **({"source": source} if source else {}))
        return self.run(command, **env)

    def on_branch(self, command: str, *args: str, **env: str) -> CommandResult:
        self.env = self.host.on_branch(self.url)
        return self.run(command, *args, **env)

    def run(self, command: str, *args: str, **env: str) -> CommandResult:
        key = DEMO_KEY if command in {"apply", "undo"} else DEMO_READ_KEY
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            if name in self.env:
                Path(self.env[name]).write_text("")
        project = {"INF_API_KEY": key, "INF_PROJECT_ID": DEMO_PROJECT_ID}
        return self.halo("ci", command, *args, **{**project, **self.env, **env})

    def push(self) -> None:
        self.git("push", "--quiet", "origin", "main")

    @property
    def outputs(self) -> Mapping[str, str]:
        return dict(line.split("=", 1) for line in Path(self.env["GITHUB_OUTPUT"]).read_text().splitlines())

    @property
    def summary(self) -> str:
        return Path(self.env["GITHUB_STEP_SUMMARY"]).read_text()

    def titles(self) -> list[str]:
        return sorted(each["title"] for each in self.sandbox.schedules() if each["archivedAt"] is None)


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository and its clone once: most of what a test would take is git."""
    folder = tmp_path_factory.mktemp("repositories")
    origin = repository(folder / "origin")
    (origin.folder / "halo.yaml").write_text(PROJECT)
    (origin.folder / "README.md").write_text("Ours.\n")
    origin.commit()
    origin("config", "receive.denyCurrentBranch", "ignore")
    origin.clone(folder / "clone")
    return folder


@pytest.fixture(params=[Github, Gitlab], ids=["github", "gitlab"])
def job(
    request: pytest.FixtureRequest, repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Job]:
    shutil.copytree(repositories, tmp_path, dirs_exist_ok=True)
    git = Git(tmp_path / "clone")
    config = git.folder / ".git" / "config"
    config.write_text(config.read_text().replace(repositories.as_uri(), tmp_path.as_uri()))
    monkeypatch.chdir(git.folder)
    monkeypatch.setenv("COLUMNS", "80")
    host: CodeHost = request.param(tmp_path / "temp")
    with Sandbox.open(None, pace=0) as sandbox, serve(sandbox) as platform, serving(host) as server:
        halo = CommandLine(
            {"INF_CONFIG_DIR": str(tmp_path / "inf"), "INF_API_URL": platform.url, "PATH": os.environ["PATH"]}
        )
        yield Job(git, halo, host, server.url, sandbox)


# The comment --------------------------------------------------------------------------------------------------------


def test_a_pull_request_gets_one_comment_however_often_it_is_planned(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    first = job.on_request("plan", base)
    assert first.code == 0, first.text
    (ours,) = job.host.comments
    assert "03:00" in ours.body
    mark = ours.body.partition("\n")[0]
    job.host.comments[:] = [Post("99", f"{mark}\nMine now.", 5 + at) for at in range(5)] + [
        Post(job.host.me, f"Others said:\n{mark}", 50),
        ours,
    ]
    job.edit("03:00", "04:00")
    for _ in range(2):
        assert job.on_request("plan", base).code == 0
    assert [each.body for each in job.host.comments[:5]] == [f"{mark}\nMine now."] * 5
    assert job.host.comments[5].body.startswith("Others")
    assert len(job.host.comments) == 7
    assert "04:00" in job.host.comments[6].body
    assert job.titles() == []


def test_jobs_of_other_names_and_files_have_comments_of_their_own(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    (job.git.folder / "other.yaml").write_text(PROJECT.replace("Nightly", "Weekly"))
    job.git.commit()
    for env in ({}, {"HALO_CI_NAME": "prod"}, {"HALO_CI_FILES": "other.yaml"}, {"HALO_CI_NAME": "prod"}, {}):
        assert job.on_request("plan", base, **env).code == 0
    assert len(job.host.comments) == 3


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("agent: checkout", "agent: another", 1),
        ('protect: ["Audit *"]', "protect: []", 3),
        ("daily", "dayly", 1),
        ('"02:00"', '"02:00', 1),
    ],
    ids=["blocked", "refused", "broken", "no YAML"],
)
def test_a_plan_that_fails_is_commented_on_too(job: Job, before: str, after: str, code: int) -> None:
    base = job.edit(before, after)
    assert job.on_request("plan", base).code == code
    assert len(job.host.comments) == 1


def test_a_pull_request_that_touches_no_project_gets_no_comment_and_needs_no_key(job: Job) -> None:
    base = job.edit("Ours", "Yours", file="README.md")
    ended = job.on_request("plan", base, INF_API_KEY="")
    assert (ended.code, job.host.comments) == (0, []), ended.text
    assert "Only validated: no file of the project differs from the base." in ended.err


@pytest.mark.parametrize(
    "change",
    ["an edit", "an included file", "an included file is gone", "a prompt", "a link", "the file is gone"],
)
def test_a_change_of_any_file_of_a_project_touches_it(job: Job, change: str) -> None:
    folder = job.git.folder
    text = PROJECT.replace("prompt: Look.", "prompt_file: prompts/look.md").replace(
        "schedules:", "include: [more/*.yaml]\nschedules:"
    )
    (folder / "halo.yaml").write_text(text)
    for name in ("prompts", "more"):
        (folder / name).mkdir()
    (folder / "prompts" / "real.md").write_text("Look.\n")
    (folder / "prompts" / "look.md").symlink_to("real.md")
    more = "schedules:\n  more: {title: More, agent: checkout, frequency: daily, at: '09:00', prompt: Look}\n"
    (folder / "more" / "more.yaml").write_text(more)
    job.git.commit()
    base = job.git("rev-parse", "HEAD")
    match change:
        case "an edit":
            (folder / "halo.yaml").write_text(text.replace("02:00", "03:00"))
        case "an included file":
            (folder / "more" / "new.yaml").write_text(more.replace("more:", "new:").replace("More", "New"))
        case "an included file is gone":
            (folder / "more" / "more.yaml").unlink()
        case "a prompt":
            (folder / "prompts" / "real.md").write_text("Look again.\n")
        case "a link":
            (folder / "prompts" / "other.md").write_text("Other.\n")
            (folder / "prompts" / "look.md").unlink()
            (folder / "prompts" / "look.md").symlink_to("other.md")
        case _:
            (folder / "halo.yaml").unlink()
    job.git.commit()
    assert "Only validated" not in job.on_request("plan", base).err
    assert len(job.host.comments) == 1


def test_a_comment_is_brought_up_to_date_where_the_change_is_taken_back(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    job.on_request("plan", base)
    job.edit("03:00", "02:00")
    assert job.on_request("plan", base).code == 0
    (ours,) = job.host.comments
    assert "03:00" not in ours.body
    assert "no problems" in ours.body


def test_a_file_that_is_only_commented_gets_no_comment_where_nothing_would_change(job: Job) -> None:
    assert job.on_branch("plan").code == 0
    assert job.on_branch("apply").code == 0
    base = job.edit("version: 1", "# Ours.\nversion: 1")
    assert job.on_request("plan", base).code == 0
    assert job.host.comments == []


def test_a_host_that_refuses_the_comment_is_a_warning(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    job.host.refuses = True  # type: ignore[attr-defined]
    ended = job.on_request("plan", base)
    assert ended.code == 0
    assert re.search(r"warning: Git(Hub|Lab): \w+ /\S+: HTTP 40[13]", ended.err)
    assert "hint: check the permissions of the job's token" in ended.err
    assert TOKEN not in ended.text


@pytest.mark.parametrize("env", [{"HALO_CI_COMMENT": "false"}, {"HALO_CI_TOKEN": ""}])
def test_no_comment_is_written_without_a_token_or_where_none_is_wanted(job: Job, env: dict[str, str]) -> None:
    base = job.edit("02:00", "03:00")
    assert job.on_request("plan", base, **env).code == 0
    assert job.host.comments == []


@ON_GITHUB
def test_a_merge_that_is_checked_out_is_compared_with_its_first_parent(job: Job) -> None:
    job.edit("02:00", "03:00")
    merged = {"GITHUB_REF": "refs/pull/7/merge"}
    assert job.on_request("plan", "0" * 40, **merged).code == 0
    assert ["03:00" in each.body for each in job.host.comments] == [True]
    job.edit("Ours", "Yours", file="README.md")
    assert "Only validated" in job.on_request("plan", "0" * 40, **merged).err


@ON_GITHUB
def test_a_branch_that_is_checked_out_in_the_place_of_its_merge_is_compared_with_the_base(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    job.edit("Ours", "Yours", file="README.md")
    of_branch = {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_SHA": "f" * 40}
    assert job.on_request("plan", base, **of_branch).code == 0
    assert ["03:00" in each.body for each in job.host.comments] == [True]
    ended = job.on_request("plan", "0" * 40, **of_branch)
    assert (ended.code, len(job.host.comments)) == (1, 1)
    assert f"error: no branch, tag or commit is named '{'0' * 40}'" in ended.err


# Who has a key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_fork_is_validated_only_even_where_there_is_a_key(job: Job, is_broken: bool) -> None:
    base = job.edit("daily" if is_broken else "02:00", "dayly" if is_broken else "03:00")
    ended = job.on_request("plan", base, source="77")
    assert (ended.code, job.host.comments) == (int(is_broken), [])
    assert "Only validated: a fork gets no key." in ended.err


@ON_GITHUB
def test_dependabot_and_a_merge_queue_are_validated_only(job: Job) -> None:
    base = job.edit("02:00", "03:00")
    assert job.on_request("plan", base, GITHUB_ACTOR="dependabot[bot]", INF_API_KEY="").code == 0
    assert job.on_request("plan", base, INF_API_KEY="").code == 1
    assert job.on_branch("plan", GITHUB_EVENT_NAME="merge_group", INF_API_KEY="").code == 0
    for command in ("apply", "undo"):
        assert job.on_branch(command, GITHUB_EVENT_NAME="merge_group").code == 3


@ON_GITHUB
@pytest.mark.parametrize("command", ["plan", "apply", "validate"])
def test_pull_request_target_is_refused(job: Job, command: str) -> None:
    ended = job.on_branch(command, GITHUB_EVENT_NAME="pull_request_target")
    assert ended.code == 3
    assert "hint: use the event pull_request" in ended.err


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_a_pull_request_applies_and_undoes_nothing(job: Job, command: str) -> None:
    base = job.edit("02:00", "03:00")
    assert job.on_request(command, base, HALO_CI_RECEIPT="receipt.jsonl").code == 3
    assert job.titles() == []


# Labels -------------------------------------------------------------------------------------------------------------


def test_a_looser_policy_needs_a_label(job: Job) -> None:
    base = job.edit('protect: ["Audit *"]', "protect: []")
    assert job.on_request("plan", base, "another").code == 3
    assert job.on_request("plan", base, "another", "halo-policy-change").code == 0
    assert job.on_request("plan", base, HALO_CI_ACCEPT_POLICY_CHANGE="true").code == 0


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("halo-allow-archive-2", 2),
        ("halo-allow-archive-", 0),
        ("not-halo-allow-archive-2", 0),
        ("halo-allow-archive-2 --accept-policy-change", 0),
        ("halo-allow-archive-$(touch ran)2", 0),
        ("halo-allow-archive-2\n", 0),
        ("halo-allow-archive-２", 0),
        ("halo-allow-archive-9999999999", 0),
    ],
)
def test_only_a_label_with_a_number_permits_removals(label: str, number: int) -> None:
    assert Trigger(labels=("b", label)).allowed_removals == number


THREE = "".join(
    f"  {key}: {{title: {key}, agent: checkout, frequency: daily, at: '09:00', prompt: Look, state: active}}\n"
    for key in ("one", "two", "three")
)


def test_many_removals_need_a_label_with_their_number_and_after_the_merge_an_input(job: Job) -> None:
    job.edit(PROJECT[PROJECT.index("  nightly") :], THREE)
    job.push()
    assert (job.on_branch("plan").code, job.on_branch("apply").code) == (0, 0)
    base = job.edit("title: one, agent: checkout, frequency: daily, at: '09:00', prompt: Look, state: active", "X")
    path = job.git.folder / "halo.yaml"
    path.write_text(PROJECT[: PROJECT.index("  nightly")] + THREE.replace("active", "archived", 2))
    job.git.commit()
    assert job.on_request("plan", base, "a label", "halo-allow-archive-1").code == 3
    assert job.on_request("plan", base, "a label", "halo-allow-archive-2").code == 0
    job.push()
    assert job.on_branch("plan").code == 3
    assert job.on_branch("plan", HALO_CI_ALLOW_ARCHIVE="2; touch ran").code == 64
    assert job.on_branch("plan", HALO_CI_ALLOW_ARCHIVE="2").code == 0
    assert job.on_branch("apply").code == 3
    assert job.on_branch("apply", HALO_CI_ALLOW_ARCHIVE="2").code == 0
    assert job.titles() == ["three"]


# Apply, undo, drift, report -----------------------------------------------------------------------------------------


def test_apply_carries_out_the_plan_that_was_saved_and_undo_takes_it_back(job: Job) -> None:
    assert job.on_branch("apply").code == 1
    assert job.on_branch("plan").code == 0
    saved = (job.folder / "plan.json").read_bytes()
    applied = job.on_branch("apply")
    assert applied.code == 0, applied.text
    assert job.titles() == ["Nightly checkout review"]
    assert (job.folder / "plan.json").read_bytes() == saved
    receipt = job.folder / "receipts" / "receipt.jsonl"
    kept = job.git.folder.parent / "kept"
    kept.mkdir()
    (kept / "receipt.jsonl").write_bytes(receipt.read_bytes())
    assert job.git("status", "--porcelain") in {"", "?? .halo/"}
    for env in ({}, {"HALO_CI_RECEIPT": "missing"}):
        assert job.on_branch("undo", **env).code in {1, 64}
    undone = job.on_branch("undo", HALO_CI_RECEIPT=str(kept), HALO_CI_ALLOW_ARCHIVE="1")
    assert (undone.code, job.titles()) == (0, []), undone.text
    assert len(list((job.folder / "receipts").iterdir())) == 1


@ON_GITLAB
def test_gitlab_takes_the_receipt_from_the_artifacts_of_a_job(job: Job, tmp_path: Path) -> None:
    assert (job.on_branch("plan").code, job.on_branch("apply").code) == (0, 0)
    receipt = (job.folder / "receipts" / "receipt.jsonl").read_text()
    assert isinstance(job.host, Gitlab)
    job.host.artifacts = {
        ".halo/ci/halo/receipts/receipt.jsonl": receipt,
        "../../../receipts/../outside.jsonl": "x",
        ".halo/ci/halo/plan.json": "{}",
    }
    undone = job.on_branch("undo", HALO_CI_RECEIPT="9", HALO_CI_ALLOW_ARCHIVE="1")
    assert (undone.code, job.titles()) == (0, []), undone.text
    assert not list(tmp_path.rglob("outside.jsonl"))
    assert job.on_branch("undo", HALO_CI_RECEIPT="8").code == 1


def test_an_outdated_approval_applies_nothing(job: Job) -> None:
    assert job.on_branch("plan").code == 0
    Git(job.git.folder.parent / "origin").commit("merged meanwhile")
    late = job.on_branch("apply")
    assert late.code == 3
    assert "but origin/main is now at" in late.err
    assert job.titles() == []


def test_several_files_are_planned_applied_and_undone_together(job: Job) -> None:
    path = job.git.folder / "envs"
    for name in ("one", "two"):
        (path / name).mkdir(parents=True)
        text = PROJECT.replace("Nightly", name).replace("version: 1", f"version: 1\nproject: {DEMO_PROJECT_ID}")
        (path / name / "halo.yaml").write_text(text)
    job.git.commit()
    job.push()
    files = {"HALO_CI_FILES": "envs/*/halo.yaml", "INF_PROJECT_ID": ""}
    assert job.on_branch("plan", **files).code == 0
    applied = job.on_branch("apply", **files)
    assert (applied.code, job.titles()) == (0, ["one checkout review", "two checkout review"]), applied.text
    kept = job.git.folder.parent / "kept"
    (job.folder / "receipts").rename(kept)
    undone = job.on_branch("undo", HALO_CI_RECEIPT=str(kept), HALO_CI_ALLOW_ARCHIVE="1", **files)
    assert (undone.code, job.titles()) == (0, []), undone.text


def test_drift_opens_one_issue_and_closes_it_when_it_is_gone(job: Job) -> None:
    assert (job.on_branch("plan").code, job.on_branch("apply").code) == (0, 0)
    assert job.on_branch("drift").code == 0
    assert job.host.issues == []
    [schedule] = job.sandbox.schedules()
    caller = Caller(job.sandbox)
    for hours in (1, 2):
        caller.mutate("haloSchedule.update", {"id": schedule["id"], "lookbackHours": hours})
        assert job.on_branch("drift").code == 0
        (issue,) = job.host.issues
        assert issue.title == "HALO drift"
        assert "lookback" in issue.body
        assert issue.is_open
    job.host.issues.insert(0, Post("99", issue.body, 7))
    caller.mutate("haloSchedule.update", {"id": schedule["id"], "lookbackHours": 24})
    for _ in range(2):
        assert job.on_branch("drift").code == 0
    assert [each.is_open for each in job.host.issues] == [True, False]
    caller.mutate("haloSchedule.update", {"id": schedule["id"], "lookbackHours": 1})
    assert job.on_branch("drift").code == 0
    assert [each.is_open for each in job.host.issues] == [True, False, True]


@pytest.mark.parametrize("env", [{"HALO_CI_TOKEN": ""}, {"HALO_CI_TOKEN": "wrong-token"}, {"HALO_CI_COMMENT": "no"}])
def test_drift_without_an_issue_fails_the_job(job: Job, env: dict[str, str]) -> None:
    assert job.on_branch("drift", **env).code == 2
    assert job.host.issues == []


def test_a_failed_drift_check_neither_opens_nor_closes_an_issue(job: Job) -> None:
    assert job.on_branch("drift").code == 0
    assert job.on_branch("drift", INF_API_KEY="sk-inference-wrong").code == 1
    assert [each.is_open for each in job.host.issues] == [True]


def test_the_report_job_pulls_reports_and_writes_their_page(job: Job) -> None:
    assert (job.on_branch("plan").code, job.on_branch("apply").code) == (0, 0)
    ended = job.on_branch("report", HALO_CI_ARGS="--since 2d")
    assert ended.code == 0, ended.text
    assert (job.folder / "reports" / "halo.html").read_text().startswith(PAGE_START)


# The latest reports as issues ---------------------------------------------------------------------------------------


@pytest.fixture
def reported(job: Job) -> Job:
    assert (job.on_branch("plan").code, job.on_branch("apply").code) == (0, 0)
    return job


def test_fixes_keep_one_issue_a_schedule_with_its_latest_report(reported: Job) -> None:
    job = reported
    ended = job.on_branch("fixes")
    assert (ended.code, job.host.issues) == (0, []), ended.text
    fire_now(job.sandbox)
    for written in (["1-nightly.md"], []):
        ended = job.on_branch("fixes")
        assert ended.code == 0, ended.text
        assert [each.name for each in (job.folder / "fixes").iterdir()] == written
    (issue,) = job.host.issues
    assert issue.title == "HALO report: nightly"
    mark, shown, rest = issue.body.split("\n", 2)
    assert mark.startswith("<!-- halo-ci: report ")
    assert shown.startswith("<!-- halo-shows: ")
    assert "This issue can be assigned to a person or a coding agent" in rest
    assert "# What the traces show" in rest
    assert "charge_card" in rest
    issue.body += "\n- [x] done by hand"
    assert job.on_branch("fixes").code == 0
    assert issue.body.endswith("done by hand")
    fire_now(job.sandbox)
    assert job.on_branch("fixes").code == 0
    assert (len(job.host.issues), issue.body.startswith(mark), shown in issue.body) == (1, True, False)
    assert ("Changes since the previous report" in issue.body, "Changes since" in rest) == (True, False)


def test_only_people_close_an_issue_and_a_newer_report_opens_another(reported: Job) -> None:
    job = reported
    fire_now(job.sandbox)
    assert job.on_branch("fixes").code == 0
    (first,) = job.host.issues
    first.is_open = False
    job.host.issues.insert(0, Post("99", first.body, 7))
    assert job.on_branch("fixes").code == 0
    assert len(job.host.issues) == 2
    fire_now(job.sandbox)
    assert job.on_branch("fixes").code == 0
    assert [each.is_open for each in job.host.issues] == [True, False, True]


def test_jobs_of_other_names_have_issues_of_their_own(reported: Job) -> None:
    fire_now(reported.sandbox)
    for name in ("", "prod"):
        assert reported.on_branch("fixes", HALO_CI_NAME=name).code == 0
    assert [each.title for each in reported.host.issues] == ["HALO report: nightly", "HALO report: nightly (prod)"]


@pytest.mark.parametrize(
    ("args", "env", "code"),
    [
        (("--", "--schedule", "nightly"), {"HALO_CI_TOKEN": ""}, 0),
        (("--", "--schedule", "nightly"), {"HALO_CI_COMMENT": "no"}, 0),
        ((), {"HALO_CI_TOKEN": "wrong-token"}, 0),
        (("--", "--schedule", "nightley"), {}, 64),
        (("--", "--since", "1d"), {}, 64),
        ((), {"INF_API_KEY": "sk-inference-wrong"}, 1),
    ],
)
def test_no_issue_is_written_without_a_valid_token_or_if_unwanted(
    reported: Job, args: tuple[str, ...], env: dict[str, str], code: int
) -> None:
    fire_now(reported.sandbox)
    ended = reported.on_branch("fixes", *args, **env)
    assert (ended.code, reported.host.issues) == (code, []), ended.text


# What the host learns -----------------------------------------------------------------------------------------------


@ON_GITHUB
def test_github_gets_outputs_and_a_summary(job: Job) -> None:
    assert job.on_branch("plan").code == 0
    plan = str(job.folder / "plan.json")
    assert job.outputs == {"changes": "true", "exit-code": "2", "plan": plan}
    assert "Nightly checkout review" in job.summary
    assert job.on_branch("apply").code == 0
    receipt = str(job.folder / "receipts" / "receipt.jsonl")
    assert job.outputs == {"changes": "false", "exit-code": "0", "receipt": receipt}
    assert job.on_branch("plan").code == 0
    assert job.outputs == {"changes": "false", "exit-code": "0", "plan": plan}
    base = job.edit("02:00", "03:00")
    assert job.on_request("plan", base).code == 0
    assert job.outputs == {"changes": "true", "exit-code": "2"}


HOSTILE = "Nightly </details> --> ::set-output name=plan::x @everyone <!-- halo-ci: plan"


def test_a_hostile_title_takes_no_effect_in_any_output(job: Job) -> None:
    title = f'"{HOSTILE}\\nplan=/etc/passwd\\n::stop-commands::x"'
    base = job.edit("Nightly checkout review", title)
    planned = job.on_request("plan", base)
    assert planned.code == 1
    base = job.edit(title, f'"{HOSTILE}"')
    planned = job.on_request("plan", base)
    assert planned.code == 0, planned.text
    (comment,) = job.host.comments
    pages = [comment.body, *([job.summary] if "GITHUB_OUTPUT" in job.env else [])]
    for page in pages:
        assert "@everyone" not in page
        assert page.count("</details>") == page.count("<details>")
        assert not re.search(r"(?m)^(plan=|::)", page)
    assert not re.search(r"(?m)^::(?!notice |warning |error )", planned.text)
    if "GITHUB_OUTPUT" in job.env:
        assert job.outputs == {"changes": "true", "exit-code": "2"}


@ON_GITLAB
def test_a_report_gives_gitlab_no_command(job: Job) -> None:
    host = GitlabHost(job.host.on_branch(job.url), TOKEN, job.git.folder)
    posts = host.issues("HALO report: nightly")
    assert posts is not None
    report = "````\n```\n/close\n```\n/assign @root\n````\n"
    posts.add(report)
    posts.change(job.host.issues[0].number, f"<!-- new -->\n{report}")
    [issue] = job.host.issues
    assert issue.body == "<!-- new -->\n````\n```\n /close\n```\n /assign @root\n````\n"


def test_an_output_with_a_line_break_is_refused(tmp_path: Path) -> None:
    host = GithubHost({"GITHUB_OUTPUT": str(tmp_path / "output")}, "", tmp_path)
    with pytest.raises(FileError):
        host.output("plan", "x\nchanges=true")
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("kind", ["text", "a page of halo's", "a link", "a folder"])
def test_files_that_a_branch_committed_are_neither_commented_nor_applied(job: Job, tmp_path: Path, kind: str) -> None:
    base = job.edit("02:00", "03:00")
    inside = job.git.folder / ".halo" / "ci" / "halo"
    inside.mkdir(parents=True)
    for path in (*(inside / each for each in ("page.md", "plan.json", "receipts")), job.git.folder / "plan.json"):
        if kind == "a folder":
            path.mkdir()
            (path / "x").touch()
        elif kind == "a link":
            path.symlink_to(tmp_path / "outside")
        else:
            path.write_text("Planted." if kind == "text" else "<!-- halo-plan: 0123456789abcdef -->\nPlanted.")
    job.git.commit()
    assert job.on_request("plan", base).code == 0
    (comment,) = job.host.comments
    assert "03:00" in comment.body
    assert "Planted" not in comment.body
    stale = job.on_request("plan", base, INF_API_KEY="")
    assert stale.code == 1
    assert "03:00" not in job.host.comments[0].body
    assert not (tmp_path / "outside").exists()


def test_a_committed_link_leads_no_file_out_of_the_checkout(job: Job, tmp_path: Path) -> None:
    base = job.edit("02:00", "03:00")
    (tmp_path / "outside" / "ci" / "halo").mkdir(parents=True)
    (tmp_path / "outside" / "ci" / "halo" / "precious").touch()
    (job.git.folder / ".halo").symlink_to(tmp_path / "outside")
    job.git.commit()
    assert job.on_request("plan", base).code == (0 if isinstance(job.host, Github) else 1)
    assert [each.name for each in (tmp_path / "outside" / "ci" / "halo").iterdir()] == ["precious"]


# Inputs ---------------------------------------------------------------------------------------------------


@ON_GITHUB
@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"HALO_CI_COMMENT": "maybe"}, "HALO_CI_COMMENT is neither true nor false"),
        ({"HALO_CI_ALLOW_ARCHIVE": "-1"}, "HALO_CI_ALLOW_ARCHIVE is not a number of schedules"),
        ({"HALO_CI_NAME": "../x"}, "HALO_CI_NAME cannot be part of a file's name"),
        ({"HALO_CI_NAME": "a\nb"}, "HALO_CI_NAME cannot be part of a file's name"),
        ({"HALO_CI_ARGS": "--target 'x"}, "HALO_CI_ARGS has a quote that is not closed"),
    ],
)
def test_an_invalid_variable_is_wrong_usage(job: Job, env: dict[str, str], message: str) -> None:
    ended = job.on_branch("plan", **env)
    assert ended.code == 64
    assert ended.err.startswith(f"error: {message}\n")


@ON_GITHUB
def test_more_options_reach_the_command(job: Job) -> None:
    assert job.on_branch("plan", HALO_CI_ARGS="--target 'no such'").code != 0
    assert job.on_branch("plan", "--", "--target", "nightly").code == 0
    assert job.on_branch("plan", "--", "--no-such-option").code == 64


@ON_GITHUB
def test_another_host_plans_and_applies_with_the_same_commands(job: Job) -> None:
    for command in ("validate", "plan", "apply", "drift"):
        ended = job.run(command, HALO_CI_BASE="")
        assert ended.code == 0, ended.text
    assert job.titles() == ["Nightly checkout review"]
    assert job.run("apply").code == 1, "the plan is of an earlier job"


def test_git_asks_the_remote_with_the_token_of_the_job(tmp_path: Path) -> None:
    env = {"GITHUB_SERVER_URL": "https://github.com", "GIT_CONFIG_COUNT": "1"}
    variables = GithubHost(env, "t", tmp_path).git_variables()
    key = "http.https://github.com/.extraheader"
    assert variables == {
        "GIT_CONFIG_KEY_1": key,
        "GIT_CONFIG_VALUE_1": "",
        "GIT_CONFIG_KEY_2": key,
        "GIT_CONFIG_VALUE_2": "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dA==",
        "GIT_CONFIG_COUNT": "3",
    }
    assert GithubHost(env, "", tmp_path).git_variables() == {}
