"""The project at the commit of ``--base``, and the check of HEAD for ``--require-head``.

Imported only by commands with these options: most run without git.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from halo_iac.base_comparison import BaseProject
from halo_iac.checkout import find_checkout, find_superproject
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.globs import expand_glob
from halo_iac.cli.project_files.options import is_glob
from halo_iac.errors import GitError, ProjectError, RefusedError
from halo_iac.git import Repository
from halo_iac.git.program import refuse_configuration_in
from halo_iac.git.tree import CommitTree
from halo_iac.load import load, load_policy
from halo_iac.load.files import FileUnreadable
from halo_iac.load.find import FILE_NAME
from halo_iac.load.limits import MAX_FILE
from halo_iac.load.yaml_parser import parse
from halo_iac.model.plan import Base
from halo_iac.paths import display_path, resolve_path

if TYPE_CHECKING:
    from halo_iac.git.objects import Objects

_YAML: Final = (".yaml", ".yml")
_IDENTIFYING_KEYS: Final = frozenset({"schedules", "undeclared", "scope", "protect"})
"""Keys that, with a version, only project files have."""
_NO_REPOSITORY: Final = "remove --base and --require-head outside a git repository"


def load_bases(context: CommandContext, ref: str, *, accepts_policy: bool) -> tuple[BaseProject, ...]:
    """Return the base of every project file; that of the first also has the files removed since the base."""
    bases = [_load_base(each, ref, accepts_policy=accepts_policy) for each in context.projects]
    if context.is_list and not accepts_policy:
        bases[0] = replace(bases[0], gone=_find_removed(context, ref))
    return tuple(bases)


def _find_removed(context: CommandContext, ref: str) -> tuple[str, ...]:
    """Return the project files that the globs of ``-f`` match at the base, but not here."""
    repository = find_repository(context.projects[0])
    found: list[str] = []
    with open_commit_tree(context.console.env, repository, repository.resolve_commit(ref)) as (tree, _):
        top, skipped = repository.top, context.find_skipped(repository.top)
        for word in filter(is_glob, context.target.files):
            glob = os.path.relpath(resolve_path(context.cwd) / word, top)
            for name in expand_glob(glob, top, tree) if not glob.startswith(os.pardir) else ():
                path = top / name
                if not path.is_file() and path not in skipped:
                    found.append(display_path(path, context.cwd))
    return tuple(dict.fromkeys(found))


def _load_base(context: CommandContext, ref: str, *, accepts_policy: bool) -> BaseProject:
    """Return the base of a ref, with the project file at the same path.

    If the base has problems, only its policy is returned, if that can be read.
    """
    repository = find_repository(context)
    base = Base(ref, repository.resolve_commit(ref))
    with open_commit_tree(context.console.env, repository, base.commit) as (tree, objects):
        path = _find_project(context, repository, tree)
        if path is None:
            moved = _find_moved(context, repository, base, tree, objects)
            return BaseProject(base, None, moved, accepts_policy=accepts_policy)
        cwd, top, env = resolve_path(context.cwd), repository.top, context.console.env
        try:
            project = load(path, variables=env, cwd=cwd, checkout=top, tree=tree, needs_variables=False)
        except ProjectError as error:
            problem = f"{ref}'s project file has problems: {error.problems[0]}"
            policy = load_policy(path, cwd=cwd, checkout=top, tree=tree)
            return BaseProject(base, policy, problem, accepts_policy=accepts_policy)
    return BaseProject(base, project, accepts_policy=accepts_policy)


def require_heads(context: CommandContext, ref: str) -> None:
    """Refuse unless HEAD is the tip of a remote branch, in the checkout of every project file."""
    for repository in {found.top: found for found in map(find_repository, context.projects)}.values():
        _require_head(repository, ref)


def _require_head(repository: Repository, ref: str) -> None:
    """Refuse unless the checkout's HEAD is the current tip of a remote branch, so that an old pipeline stops."""
    head = repository.resolve_commit("HEAD")
    branch, commit = repository.resolve_remote_commit(ref)
    if head == commit:
        return
    if repository.has_ancestor(head, commit):
        message = f"HEAD is {head[:12]}, which is ahead of {branch} at {commit[:12]}, so nothing was changed"
        raise RefusedError(message, hint="push or merge it first, or remove --require-head")
    message = f"HEAD is {head[:12]}, but {branch} is now at {commit[:12]}, so nothing was changed"
    raise RefusedError(message, hint="apply from the newest commit, or remove --require-head")


def find_repository(context: CommandContext) -> Repository:
    """Return the repository that the project file lies in, as seen from where the command is run.

    A submodule counts only for a command that is run in it: from outside, a branch decides which repository it is, and
    could choose one in which nothing is protected.
    """
    for folder in context.untrusted_folders:
        refuse_configuration_in(folder, context.console.env)
    checkout = find_checkout(context.project_path, of_any_owner=True)
    here = resolve_path(context.cwd)
    while (
        checkout is not None
        and not here.is_relative_to(checkout)
        and (outer := find_superproject(checkout)) is not None
    ):
        checkout = outer
    if checkout is None:
        message = f"{resolve_path(context.project_path.parent)} is not in a git repository"
        raise GitError(message, hint=_NO_REPOSITORY)
    return Repository(checkout, context.console.env)


@contextmanager
def open_commit_tree(
    env: Mapping[str, str], repository: Repository, commit: str
) -> Iterator[tuple[CommitTree, Objects]]:
    """Yield the files of a commit, those of checked-out submodules included, and the repository's objects."""
    with ExitStack() as opened:

        def submodule(path: Path) -> Objects | None:
            return opened.enter_context(Repository(path, env).objects()) if (path / ".git").exists() else None

        objects = opened.enter_context(repository.objects())
        yield CommitTree(objects, commit, repository.top, submodule, repository.index()), objects


def _find_project(context: CommandContext, repository: Repository, tree: CommitTree) -> Path | None:
    """Return the project file's path at the base: the named one, or the one found in this folder or those above."""
    if context.named_file is not None:
        path = _path_in(repository, context.project_path)
        return path if _has_file(tree, path) else None
    folder = _path_in(repository, context.cwd)
    folders = (each for each in (folder, *folder.parents) if each.is_relative_to(repository.top))
    return next((path for each in folders if _has_file(tree, path := each / FILE_NAME)), None)


def _has_file(tree: CommitTree, path: Path) -> bool:
    """Return whether the base has a file at a path, even an unreadable one."""
    try:
        return tree.exists(str(path))
    except FileUnreadable:
        return True


def _path_in(repository: Repository, path: Path) -> Path:
    """Return a path below the repository's top; links are followed at the base, where they may lead elsewhere."""
    top = resolve_path(repository.top)
    for folder in (path, *path.parents):
        if resolve_path(folder) == top:
            return top / path.relative_to(folder)
    real = resolve_path(path.parent) / path.name
    if not real.is_relative_to(top):
        raise GitError(f"{path} is not in the repository {top}", hint="remove --base")
    return real


def _find_moved(
    context: CommandContext, repository: Repository, base: Base, tree: CommitTree, objects: Objects
) -> str | None:
    """Return the project file of the base that was moved or removed, since its policy must not be lost unnoticed."""
    here = PurePosixPath(_path_in(repository, context.project_path).relative_to(repository.top))
    skipped = context.find_skipped(repository.top)
    for path, id_ in sorted(tree.files()):
        file = repository.top / path
        if path.suffix not in _YAML or file in skipped:
            continue
        if file.is_file() and not file.samefile(context.project_path):  # a link to the project file may replace it
            continue
        content = objects.read_content(id_, MAX_FILE)
        if len(content) <= MAX_FILE and (path.name == here.name or _is_project(content)):
            return f"{base.ref} has no {here}, and its {path} was deleted; it may have been moved"
    return None


def _is_project(content: bytes) -> bool:
    """Return whether a YAML file is a project file by its keys, whatever its name and whether it has problems."""
    keys = (parse(content, "").root or {}).keys()
    return "version" in keys and not keys.isdisjoint(_IDENTIFYING_KEYS)
