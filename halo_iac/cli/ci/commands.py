"""The ``halo ci`` commands: what each runs and reports (docs/ci.md#commands)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from halo_iac import exit_codes
from halo_iac.ci.posts import close, upsert
from halo_iac.cli.ci.changes import touches_project
from halo_iac.cli.ci.fixes import fixes
from halo_iac.cli.ci.job import CiJob
from halo_iac.cli.project_files.options import split_files
from halo_iac.errors import FileError, GitError, ProjectError, RefusedError, UsageError
from halo_iac.load import load
from halo_iac.render.report_names import is_report_name
from halo_iac.storage.receipt_reader import load_receipt

_PLAN: Final = "plan.json"
_RECEIPTS: Final = "receipts"
_DRIFT_TITLE: Final = "HALO drift"


def validate(job: CiJob) -> int:
    """Check the project files."""
    job.prepare_folder()
    code = job.run("validate", *job.inputs.file_options, *_format_flags(job, job.host.format))
    job.report(code)
    return code


def plan(job: CiJob) -> int:
    """Plan; on a pull request that touches a project, post the plan as a comment."""
    if job.trigger.keyless:
        job.console.log(f"Only validated: {job.trigger.keyless} gets no key.")
        return validate(job)
    if not _touches_project(job):
        job.console.log("Only validated: no file of the project differs from the base.")
        code = validate(job)
        job.post("plan", job.host.comments(), partial(upsert, may_add=False))
        return code
    job.prepare_folder()
    saved = {} if job.trigger.request else {"plan": job.folder / _PLAN}
    out = ["--out", str(saved["plan"])] if saved else []
    code = job.run(
        "plan", *job.inputs.file_options, "--detailed-exitcode", *_permission_flags(job), *out, *_format_flags(job)
    )
    job.post("plan", job.host.comments(), partial(upsert, may_add=code != 0))
    job.report(code, **{name: path for name, path in saved.items() if path.is_file()})
    return 0 if code == exit_codes.PENDING else code


def apply(job: CiJob) -> int:
    """Apply the saved plan."""
    if job.trigger.is_proposal:
        raise RefusedError(
            "a pull request can be planned, but not applied", hint="run this command on the branch it merges to"
        )
    saved = job.folder / _PLAN
    if not saved.is_file():
        raise FileError(f"{saved}: no plan was saved", hint="run `halo ci plan` first, with the same HALO_CI_NAME")
    job.prepare_folder(keeps=[_PLAN])
    receipts = job.folder / _RECEIPTS
    receipts.mkdir(mode=0o700)
    is_list = bool(split_files(job.inputs.files)[1])
    receipt = job.inputs.receipt or str(receipts if is_list else receipts / "receipt.jsonl")
    head = ["--require-head", job.trigger.branch] if job.trigger.branch else []
    permits = _allow_archive(job.inputs.allow_archive)
    words = ["--yes", *permits, *head, "--receipt", receipt, *_format_flags(job, "text")]
    code = job.run("apply", str(saved), *job.inputs.file_options, *words)
    job.report(code, receipt=Path(receipt))
    return code


def undo(job: CiJob) -> int:
    """Undo an earlier run, its last project first."""
    if job.trigger.is_proposal:
        raise RefusedError("a pull request cannot undo a run", hint="run this command on the branch it merges to")
    job.prepare_folder()
    receipts = job.folder / _RECEIPTS
    receipts.mkdir(mode=0o700)
    code = 0
    for number, found in enumerate(_find_receipts(job), 1):
        own = ["--receipt", str(receipts / f"undo-{number}.jsonl")]
        words = ["--yes", *_allow_archive(job.inputs.allow_archive), *own]
        code = job.run("undo", str(found), *_find_file_option(job, found), *words)
        if code:
            break
    job.report(code, receipt=receipts)
    return code


def drift(job: CiJob) -> int:
    """Compare the platform with the files; exit with 2 only if drift was found and no issue reports it."""
    job.prepare_folder()
    code = job.run("drift", *job.inputs.file_options, *_format_flags(job, "text"))
    title = f"{_DRIFT_TITLE}: {job.inputs.name}" if job.inputs.name else _DRIFT_TITLE
    issues = job.host.issues(title)
    job.report(code)
    if code == 0:
        job.post("drift", issues, close)
    return 0 if code == exit_codes.PENDING and job.post("drift", issues, upsert) else code


def report(job: CiJob) -> int:
    """Download the reports of a day, and draw the page that shows them with the schedules."""
    job.prepare_folder()
    folder = job.folder / "reports"
    since = [] if any(each.startswith("--since") for each in job.args) else ["--since", "1d"]
    codes = [job.run("report", "pull", *file, "--dir", str(folder), *since) for file in job.list_file_options()]
    names = sorted(each.name for each in folder.rglob("*.md") if is_report_name(each.name)) if folder.is_dir() else []
    job.page.write_text("\n".join(["### halo · reports", "", *(f"- `{name}`" for name in names), ""]), encoding="utf-8")
    folder.mkdir(mode=0o700, exist_ok=True)
    drawn = ["--reports", str(folder), "--out", str(folder / "halo.html")]
    codes.append(job.run("page", *job.inputs.file_options, *drawn, takes_args=False))
    job.report(max(codes), **({"reports": folder} if any(folder.iterdir()) else {}))
    return max(codes)


COMMANDS: Final[Mapping[str, Callable[[CiJob], int]]] = {
    "validate": validate,
    "plan": plan,
    "apply": apply,
    "drift": drift,
    "undo": undo,
    "report": report,
    "fixes": fixes,
}
"""Command name → what runs it."""


def _format_flags(job: CiJob, format_: str | None = None) -> list[str]:
    return ["--format", format_ or job.host.format, "--also", f"markdown={job.page}"]


def _base(job: CiJob) -> str:
    return job.inputs.base or job.trigger.base


def _permission_flags(job: CiJob) -> list[str]:
    """Return the options for what a reviewer permits: by a label, only for its pull request, or by an input."""
    number = job.trigger.allowed_removals or job.inputs.allow_archive
    base = _base(job)
    accepts = job.inputs.accept_policy_change or job.trigger.accepts_policy_change
    return [
        *_allow_archive(number),
        *(["--base", base] if base else []),
        *(["--accept-policy-change"] if base and accepts else []),
    ]


def _allow_archive(number: int) -> list[str]:
    return ["--allow-archive", str(number)] if number else []


def _touches_project(job: CiJob) -> bool:
    """Return whether a plan is needed: always outside of a pull request, and if git cannot tell."""
    base = _base(job)
    if not job.trigger.request or not base:
        return True
    try:
        return touches_project(job.console, job.cwd, job.inputs.files, base)
    except GitError:
        return True


def _find_receipts(job: CiJob) -> list[Path]:
    """Return the receipts to undo, the last one first."""
    named = job.inputs.receipt
    if not named:
        raise UsageError("HALO_CI_RECEIPT is not set", hint="set it to a receipt, a folder of receipts or a run")
    path = job.cwd / named
    if not path.exists() and named.isdecimal():
        path = job.folder / "fetched"
        path.mkdir(mode=0o700)
        job.host.fetch_receipts(named, path)
    found = sorted(path.rglob("*.jsonl"), reverse=True) if path.is_dir() else [path]
    if not found:
        raise FileError(f"{named}: no receipt was found", hint="the run has changed nothing, or its receipts are gone")
    return found


def _find_file_option(job: CiJob, receipt: Path) -> list[str]:
    """Return the option that names the project file of a receipt, chosen by its project."""
    options = job.list_file_options()
    if len(options) == 1:
        return options[0]
    project = load_receipt(str(receipt)).header.project_id
    for _, file in options:
        try:
            loaded = load(job.cwd / file, variables=job.console.env, cwd=job.cwd, needs_variables=False)
        except ProjectError:
            continue
        if loaded.project_id == project:
            return ["--file", file]
    raise RefusedError(f"{receipt.name} is of the project {project}, which no project file names")
