"""The project files that the arguments of ``-f`` name: paths and globs.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from halo_iac.cli.project_files.options import is_glob
from halo_iac.errors import Problem, ProjectNotFound, UsageError
from halo_iac.load.files import DiskFiles, FileTree, FileUnreadable, matches
from halo_iac.load.limits import MAX_NAMES, MAX_PROJECTS
from halo_iac.paths import display_path, path_exists

_HOW_TO_NAME: Final = "check the paths and globs that --file names"


def find_project_files(words: Sequence[str], cwd: Path) -> tuple[str, ...]:
    """Return the project files that ``-f`` names, in its order, those of one glob by name.

    Raises :class:`~halo_iac.errors.ProjectNotFound` with every word that no file matches, and
    :class:`~halo_iac.errors.UsageError` for a file that is named twice.
    """
    tree, found, missing = DiskFiles(), list[str](), list[Problem]()
    for word in words:
        if not word.strip():
            raise UsageError("--file is empty", hint="give it a path, or remove it")
        named = list(expand_glob(word, cwd, tree)) if is_glob(word) else [word] * path_exists(cwd / word)
        found += named
        if not named:
            missing.append(Problem(word, 0, 0, "no file matches" if is_glob(word) else "no such file"))
    if missing:
        raise ProjectNotFound(missing, hint=_HOW_TO_NAME)
    if len(found) > MAX_PROJECTS:
        raise UsageError(f"--file names {len(found):,} files; a command takes at most {MAX_PROJECTS:,}")
    _check_each_file_once(found, cwd)
    return tuple(found)


def expand_glob(glob: str, cwd: Path, tree: FileTree) -> Iterator[str]:
    """Yield the files that a glob of ``-f`` matches in a tree, as paths from ``cwd`` unless the glob is absolute."""
    is_absolute = Path(glob).is_absolute()
    names = 0

    def children(folder: str) -> list[tuple[str, bool]]:
        nonlocal names
        try:
            there = sorted(child for child in tree.children(folder) if not child[0].startswith("."))
        except (OSError, FileUnreadable):
            there = []
        names += len(there) + 1
        if names > MAX_NAMES:
            message = f"--file {glob}: the glob looks at more than {MAX_NAMES:,} files and folders"
            raise UsageError(message, hint="use a narrower glob")
        return there

    start = os.path.abspath(os.sep) if is_absolute else str(cwd)  # noqa: PTH100 - the root
    for path in matches(start, glob.lstrip("/") if is_absolute else glob, tree, children):
        yield path if is_absolute else display_path(path, cwd)


def _check_each_file_once(found: Sequence[str], cwd: Path) -> None:
    first: dict[tuple[int, int], str] = {}
    for name in found:
        held = (cwd / name).stat()
        place = (held.st_dev, held.st_ino)
        earlier = first.get(place)
        first[place] = name
        if earlier is not None:
            what = f"{name} is named twice" if earlier == name else f"{earlier} and {name} are the same file"
            raise UsageError(f"--file: {what}", hint="name each project file once")
