"""The base of a branch, as ``plan --base`` wants it: what its commit declares, read by the very same loader."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from halo_iac.checkout import find_checkout
from halo_iac.errors import GitError, ProjectError, RefusedError
from halo_iac.links import followed

if TYPE_CHECKING:
    from halo_iac.branch import Against
    from halo_iac.cli.workplace import Workplace
    from halo_iac.git import Blob, Repository
    from halo_iac.model.project import Project

_YAML: Final = (".yaml", ".yml")
_SUFFIXES: Final = (*_YAML, ".md", ".txt")
"""Of a project's folder, all that a project can consist of."""
_TELLING: Final = frozenset({"schedules", "undeclared", "scope", "protect"})
"""Keys that, with a version, only project files have."""
_NO_REPOSITORY: Final = "leave out --base and --require-head where there is no repository"
_MOST_FILES: Final = 50_000
_MOST_BYTES: Final = 256 * 1024 * 1024


def against(workplace: Workplace, ref: str, *, accepts_policy: bool) -> Against:
    """Return the base that a ref stands for, with the project that is found there as it would be found here."""
    from halo_iac.branch import Against
    from halo_iac.model.change import Base

    repository = _repository(workplace)
    commit = repository.commit(ref)
    base = Base(ref, commit)
    blobs = repository.blobs(commit)
    paths = {blob.path for blob in blobs}
    path = _project_file(workplace, repository, paths)
    if path is None:
        return Against(base, None, _moved(workplace, repository, blobs, ref), accepts_policy=accepts_policy)
    try:
        project = _load(workplace, repository, blobs, path)
    except ProjectError as error:
        problem = f"{ref}'s project file has problems: {error.problems[0]}"
        return Against(base, None, problem, accepts_policy=accepts_policy)
    return Against(base, project, accepts_policy=accepts_policy)


def require_head(workplace: Workplace, ref: str) -> None:
    """Refuse unless the checkout's HEAD is what a branch of the remote is at now: an old pipeline must not go on."""
    repository = _repository(workplace)
    head = repository.commit("HEAD")
    branch, commit = repository.remote_commit(ref)
    if head == commit:
        return
    if repository.has_ancestor(head, commit):
        message = f"HEAD is {head[:12]}, which is ahead of {branch} at {commit[:12]}, so nothing was changed"
        raise RefusedError(message, hint="push or merge it first, or leave out --require-head")
    message = f"HEAD is {head[:12]}, but {branch} is at {commit[:12]} by now, so nothing was changed"
    raise RefusedError(message, hint="apply from the newest commit, or leave out --require-head")


def _repository(workplace: Workplace) -> Repository:
    from halo_iac.git import Repository

    checkout = find_checkout(workplace.project_path)
    if checkout is None:
        message = f"{followed(workplace.project_path.parent)} is in no git repository: not a git repository"
        raise GitError(f"{message}, nor is a folder above it", hint=_NO_REPOSITORY)
    return Repository(checkout, workplace.console.env)


def _project_file(workplace: Workplace, repository: Repository, paths: set[PurePosixPath]) -> PurePosixPath | None:
    """Return the project file's path at the base: the named one, or what a search from here upwards would have met."""
    from halo_iac.load.find import FILE_NAME

    if workplace.named_file is not None:
        path = _inside(repository, workplace.project_path)
        return path if path in paths else None
    folder = _inside(repository, workplace.cwd)
    return next((path for each in (folder, *folder.parents) if (path := each / FILE_NAME) in paths), None)


def _moved(workplace: Workplace, repository: Repository, blobs: Sequence[Blob], ref: str) -> str | None:
    """Say which project file of the base is gone here: one that was moved must not leave its policy behind unseen."""
    here = _inside(repository, workplace.project_path)
    gone = [blob for blob in blobs if _may_be_project(blob) and _is_gone(repository.top / blob.path, workplace)]
    for blob, content in repository.contents(gone):
        if blob.path.name == here.name or _is_project(content):
            return f"{ref} has no {here}, and its {blob.path} is gone here: was it moved?"
    return None


def _may_be_project(blob: Blob) -> bool:
    from halo_iac.load.bounds import MAX_FILE

    return blob.path.suffix in _YAML and blob.size <= MAX_FILE


def _is_gone(path: Path, workplace: Workplace) -> bool:
    """Say whether there is no such file any more; a link to the project file may be left where that one was."""
    return not path.is_file() or path.samefile(workplace.project_path)


def _is_project(content: bytes) -> bool:
    """Say whether a YAML file is a project file by its keys, whatever its name and whether it has problems."""
    from halo_iac.load.parse import parse

    keys = (parse(content, "").root or {}).keys()
    return "version" in keys and not keys.isdisjoint(_TELLING)


def _inside(repository: Repository, path: Path) -> PurePosixPath:
    """Return a path from the top of the repository, links in its folders resolved as git resolves them."""
    real = followed(path) if path.is_dir() else followed(path.parent) / path.name
    top = followed(repository.top)
    if not real.is_relative_to(top):
        raise GitError(f"{path} is not in the repository {top}", hint="leave out --base")
    return PurePosixPath(real.relative_to(top).as_posix())


def _load(workplace: Workplace, repository: Repository, blobs: Sequence[Blob], path: PurePosixPath) -> Project:
    """Write the files that the base's project can consist of into a folder of its own, and load it from there."""
    from halo_iac.load import load

    wanted = [blob for blob in blobs if _is_wanted(blob, path)]
    if len(wanted) > _MOST_FILES or sum(blob.size for blob in wanted) > _MOST_BYTES:
        message = f"too many YAML, markdown and text files in and below {path.parent} at the base"
        raise GitError(message, hint="give the project a folder of its own, or leave out --base")
    with tempfile.TemporaryDirectory(prefix="halo-base-") as folder:
        top = followed(Path(folder))
        for blob, content in repository.contents(wanted):
            _write(top / blob.path, content, is_link=blob.is_link)
        return load(top / path, variables=workplace.console.env, cwd=top / path.parent)


def _is_wanted(blob: Blob, project: PurePosixPath) -> bool:
    if blob.path == project:
        return True
    is_below = blob.path.is_relative_to(project.parent)
    is_plain = not any(part.startswith(".") or "\\" in part or ":" in part for part in blob.path.parts)
    return is_below and is_plain and blob.path.suffix in _SUFFIXES


def _write(path: Path, content: bytes, *, is_link: bool) -> None:
    """Write a file of the base; a link stays one, and the loader sees to it that none leads out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_link:
        path.symlink_to(content.decode("utf-8", "surrogateescape"))
    else:
        path.write_bytes(content)
