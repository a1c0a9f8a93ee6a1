"""What ``plan``, ``apply``, ``undo`` and ``import`` share: making a plan, showing it, and what its exit code is."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from halo_iac.checkout import find_checkout, superproject
from halo_iac.cli.context import CommandContext
from halo_iac.errors import GitError, ProjectError, RefusedError
from halo_iac.paths import resolve_path

if TYPE_CHECKING:
    from halo_iac.base_comparison import BaseProject
    from halo_iac.git import Repository
    from halo_iac.git.objects import Objects
    from halo_iac.git.tree import CommitTree
    from halo_iac.model.apply_result import Summary
    from halo_iac.model.plan import Base, Plan
    from halo_iac.model.project import Project
    from halo_iac.pipeline import PlanRequest


def plan_request(
    target: Sequence[str] | None,
    allow_archive: int,
    allow_create: Sequence[str] | None,
    *,
    saved: Plan | None = None,
    against: BaseProject | None = None,
) -> PlanRequest:
    """Return what the command line asks for; a saved plan brings its targets unless others are named."""
    from halo_iac.pipeline import PlanRequest
    from halo_iac.plan import Overrides

    targets = tuple(dict.fromkeys(target or ()))
    if saved is not None and not targets:
        targets = saved.targets
    return PlanRequest(targets, Overrides(allow_archive, frozenset(allow_create or ())), saved, against)


def make_plan(context: CommandContext, request: PlanRequest, *, soon: Iterable[str] = ()) -> Plan:
    """Return the plan of the project against its platform; ``soon`` names modules that are needed once it is made."""
    # A plan is made once and lives to the end: collecting garbage in between costs two thirds of its time.
    gc.disable()
    from halo_iac.pipeline import plan_project

    return plan_project(context.load, partial(context.observe, soon=soon), request)


def redact_plan(context: CommandContext, planned: Plan) -> Plan:
    """Return the plan with what only a clock and the command line can tell, which is shown but not saved.

    See docs/semantics.md#actions.

    From now on, what looks like a credential in a prompt is kept out of everything that is written. A plan is saved
    before that: an apply holds the file against what it is going to write.
    """
    from halo_iac.findings import find_clock_change_today

    project = context.load()
    hide_credentials(context, project, planned)
    today = find_clock_change_today(planned, project, context.console.clock())
    if today:
        planned = replace(planned, findings=(*planned.findings, *today))
    if not planned.blocked and not planned.refusals:
        return planned
    from halo_iac.cli.command_hints import plan_with_target_flags

    return plan_with_target_flags(context, planned)


def hide_credentials(context: CommandContext, project: Project, planned: Plan) -> None:
    """Keep what looks like a credential in the prompts of a plan out of everything that is written from now on."""
    from halo_iac.api.secret import Secret
    from halo_iac.findings import credentials_of

    for credential in sorted(credentials_of(project, planned)):
        context.console.redact_credential(Secret(credential))


def show_plan(context: CommandContext, planned: Plan, *, as_json: bool, as_wanted: str = "as declared") -> None:
    """Write the plan to standard output; ``as_wanted`` is what is said of schedules that nothing is planned for."""
    console = context.console
    if as_json:
        from halo_iac.render.json import plan_json

        console.out(plan_json(planned))
        return
    from halo_iac.render.text.plan import plan_text

    console.out(plan_text(planned, console.out_style, now=console.clock(), as_wanted=as_wanted))


def plan_exit_code(planned: Plan, *, is_detailed: bool) -> int:
    """Return a plan's code: 1 if an entry is blocked or a finding an error, else 3 if refused, else 2 if asked for."""
    code = exit_code(planned, is_refused=bool(planned.blocking_violations))
    return 2 if code == 0 and is_detailed and planned.changes else code


def exit_code(planned: Plan, summary: Summary | None = None, *, is_refused: bool = False) -> int:
    """Return the most serious code: a blocked entry makes a run that went well a failed or a partial one.

    See docs/cli.md#exit-codes.

    With a finding that is an error there is no run. ``is_refused`` if a guard or a person said no.
    """
    from halo_iac.model.finding import errors

    if summary is not None and summary.exit_code:
        return summary.exit_code
    if planned.blocked or errors(planned.findings):
        return 4 if summary is not None and summary.has_written else 1
    return 3 if is_refused else 0


def save_plan(context: CommandContext, planned: Plan, name: str) -> None:
    """Write the plan's document, readable by its owner only: it holds prompts."""
    from halo_iac.render.json import plan_json
    from halo_iac.storage.plan_file import write_saved_plan

    write_saved_plan(Path(name), context.cwd, context.console.redacted(plan_json(planned)))


_YAML: Final = (".yaml", ".yml")
_TELLING: Final = frozenset({"schedules", "undeclared", "scope", "protect"})
"""Keys that, with a version, only project files have."""
_NO_REPOSITORY: Final = "leave out --base and --require-head where there is no repository"


def load_base(context: CommandContext, ref: str, *, accepts_policy: bool) -> BaseProject:
    """Return the base that a ref stands for, with the project that is found there as it would be found here.

    Of a base with problems, it is what the policy says, if that can be read.
    """
    from halo_iac.base_comparison import BaseProject
    from halo_iac.load import load, load_policy
    from halo_iac.model.plan import Base

    repository = repository_of(context)
    base = Base(ref, repository.commit(ref))
    with ExitStack() as opened:
        objects = opened.enter_context(repository.objects())
        tree = _tree(context, repository, base.commit, objects, opened)
        path = _project_file(context, repository, tree)
        if path is None:
            moved = _relocated(context, repository, base, tree, objects)
            return BaseProject(base, None, moved, accepts_policy=accepts_policy)
        cwd, top, env = resolve_path(context.cwd), repository.top, context.console.env
        try:
            project = load(path, variables=env, cwd=cwd, checkout=top, tree=tree, needs_variables=False)
        except ProjectError as error:
            problem = f"{ref}'s project file has problems: {error.problems[0]}"
            policy = load_policy(path, cwd=cwd, checkout=top, tree=tree)
            return BaseProject(base, policy, problem, accepts_policy=accepts_policy)
    return BaseProject(base, project, accepts_policy=accepts_policy)


def require_head(context: CommandContext, ref: str) -> None:
    """Refuse unless the checkout's HEAD is what a branch of the remote is at now: an old pipeline must not go on."""
    repository = repository_of(context)
    head = repository.commit("HEAD")
    branch, commit = repository.remote_commit(ref)
    if head == commit:
        return
    if repository.has_ancestor(head, commit):
        message = f"HEAD is {head[:12]}, which is ahead of {branch} at {commit[:12]}, so nothing was changed"
        raise RefusedError(message, hint="push or merge it first, or leave out --require-head")
    message = f"HEAD is {head[:12]}, but {branch} is at {commit[:12]} by now, so nothing was changed"
    raise RefusedError(message, hint="apply from the newest commit, or leave out --require-head")


def repository_of(context: CommandContext) -> Repository:
    """Return the repository that the project file lies in, as seen from where the command is run.

    A submodule is one only for a command that is run in it: seen from around it, a branch decides which repository it
    is, and could bring one in which nothing was ever protected.
    """
    from halo_iac.git import Repository
    from halo_iac.git.program import refuse_configuration_in

    for folder in context.untrusted_folders:
        refuse_configuration_in(folder, context.console.env)
    checkout = find_checkout(context.project_path, of_any_owner=True)
    here = resolve_path(context.cwd)
    while checkout is not None and not here.is_relative_to(checkout) and (outer := superproject(checkout)) is not None:
        checkout = outer
    if checkout is None:
        message = f"{resolve_path(context.project_path.parent)} is in no git repository: not a git repository"
        raise GitError(f"{message}, nor is a folder above it", hint=_NO_REPOSITORY)
    return Repository(checkout, context.console.env)


def _tree(
    context: CommandContext, repository: Repository, commit: str, objects: Objects, opened: ExitStack
) -> CommitTree:
    from halo_iac.git import Repository
    from halo_iac.git.tree import CommitTree

    def submodule(path: Path) -> Objects | None:
        if not (path / ".git").exists():
            return None
        return opened.enter_context(Repository(path, context.console.env).objects())

    return CommitTree(objects, commit, repository.top, submodule, repository.index())


def _project_file(context: CommandContext, repository: Repository, tree: CommitTree) -> Path | None:
    """Return the project file's path at the base: the named one, or what a search from here upwards would have met."""
    from halo_iac.load.find import FILE_NAME

    if context.named_file is not None:
        path = _inside(repository, context.project_path)
        return path if _has(tree, path) else None
    folder = _inside(repository, context.cwd)
    folders = (each for each in (folder, *folder.parents) if each.is_relative_to(repository.top))
    return next((path for each in folders if _has(tree, path := each / FILE_NAME)), None)


def _has(tree: CommitTree, path: Path) -> bool:
    """Say whether there is such a file at the base; one that may not be read is one with problems."""
    from halo_iac.load.files import FileUnreadable

    try:
        return tree.exists(str(path))
    except FileUnreadable:
        return True


def _inside(repository: Repository, path: Path) -> Path:
    """Return a path below the repository's top, whose links are followed at the base, where they may lead elsewhere."""
    top = resolve_path(repository.top)
    for folder in (path, *path.parents):
        if resolve_path(folder) == top:
            return top / path.relative_to(folder)
    real = resolve_path(path.parent) / path.name
    if not real.is_relative_to(top):
        raise GitError(f"{path} is not in the repository {top}", hint="leave out --base")
    return real


def _relocated(
    context: CommandContext, repository: Repository, base: Base, tree: CommitTree, objects: Objects
) -> str | None:
    """Say which project file of the base is gone here: one that was moved must not leave its policy behind unseen."""
    from halo_iac.load.limits import MAX_FILE

    here = PurePosixPath(_inside(repository, context.project_path).relative_to(repository.top))
    skipped = context.skipped(repository.top)
    for path, id_ in sorted(tree.files()):
        if path.suffix not in _YAML or repository.top / path in skipped:
            continue
        if not _is_gone(repository.top / path, context):
            continue
        content = objects.content(id_, MAX_FILE)
        if len(content) <= MAX_FILE and (path.name == here.name or _is_project(content)):
            return f"{base.ref} has no {here}, and its {path} is gone here: was it moved?"
    return None


def _is_gone(path: Path, context: CommandContext) -> bool:
    """Say whether there is no such file any more; a link to the project file may be left where that one was."""
    return not path.is_file() or path.samefile(context.project_path)


def _is_project(content: bytes) -> bool:
    """Say whether a YAML file is a project file by its keys, whatever its name and whether it has problems."""
    from halo_iac.load.yaml_parser import parse

    keys = (parse(content, "").root or {}).keys()
    return "version" in keys and not keys.isdisjoint(_TELLING)
