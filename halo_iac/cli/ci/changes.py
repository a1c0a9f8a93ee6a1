"""Whether a branch touches a project: any file that it is read from, here or at the base.

See docs/ci.md#pull-requests.
"""

from __future__ import annotations

import os.path
from contextlib import suppress
from functools import partial
from pathlib import Path

from halo_iac.checkout import find_checkout
from halo_iac.cli.console import Console
from halo_iac.cli.plan.base_project import open_commit_tree
from halo_iac.cli.project_files.globs import expand_glob
from halo_iac.cli.project_files.options import is_glob
from halo_iac.errors import GitError, ProjectError
from halo_iac.git import Repository
from halo_iac.load import DiskFiles, load
from halo_iac.load.files import FileTree
from halo_iac.load.find import FILE_NAME
from halo_iac.paths import resolve_path


class _RecordingTree:
    """Wraps a tree and records which paths were read, missing ones too, since a branch may add them."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self.paths: set[str] = set()

    def real(self, path: str) -> str:
        self.paths.add(path)  # a branch may also change the link
        real = self._tree.real(path)
        self.paths.add(real)
        return real

    def children(self, folder: str) -> list[tuple[str, bool]]:
        return self._tree.children(folder)

    def exists(self, path: str) -> bool:
        self.paths.add(path)
        return self._tree.exists(path)

    def content(self, real: str, limit: int) -> bytes:
        self.paths.add(real)
        return self._tree.content(real, limit)


def touches_project(console: Console, cwd: Path, files: tuple[str, ...], base: str) -> bool:
    """Return whether HEAD and a base differ in a file of a project; ``files`` are the arguments of ``-f``.

    Raises :class:`~halo_iac.errors.GitError`.
    """
    checkout = find_checkout(cwd / FILE_NAME)
    if checkout is None:
        raise GitError(f"{cwd} is not in a git repository", hint="check out the repository before this command")
    repository = Repository(checkout, console.env)
    before, after = repository.resolve_commit(base), repository.resolve_commit("HEAD")
    changed = {str(path) for path in repository.changed_files(before, after)}
    if not changed:
        return False
    with open_commit_tree(console.env, repository, before) as (base_tree, _):
        read = partial(_read_files, console, resolve_path(cwd), files, repository.top)
        return any(changed & read(tree) for tree in (DiskFiles(), base_tree))


def _read_files(console: Console, cwd: Path, files: tuple[str, ...], top: Path, tree: FileTree) -> set[str]:
    """Return every file that the projects are read from, those with problems included."""
    recording = _RecordingTree(tree)
    for path in _find_projects(console, cwd, files, top, recording):
        with suppress(ProjectError):
            load(path, variables=console.env, cwd=cwd, checkout=top, tree=recording, needs_variables=False)
    return recording.paths


def _find_projects(console: Console, cwd: Path, files: tuple[str, ...], top: Path, tree: _RecordingTree) -> list[Path]:
    named = files or tuple(filter(None, (console.env.get("HALO_FILE"),)))
    if not named:
        folders = (folder for folder in (cwd, *cwd.parents) if folder.is_relative_to(top))
        return [path for folder in folders if tree.exists(str(path := folder / FILE_NAME))][:1]
    return [path for word in named for path in (_expand_glob(cwd / word, top, tree) if is_glob(word) else [cwd / word])]


def _expand_glob(glob: Path, top: Path, tree: FileTree) -> list[Path]:
    """Return the project files below the top that a glob matches: at the base, the working directory may not exist."""
    pattern = os.path.relpath(glob, top)
    return [] if pattern.startswith(os.pardir) else [top / each for each in expand_glob(pattern, top, tree)]
