"""Finds the project file and reads it with its includes (docs/semantics.md#finding-the-file)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from halo_iac.checkout import find_owner
from halo_iac.errors import Problem, ProjectNotFound
from halo_iac.hints import Command, Hint
from halo_iac.load.files import INCLUDE_SUFFIXES, FileUnreadable, NotCheckedOut, ProjectFiles, folder_of
from halo_iac.load.yaml_document import Document
from halo_iac.load.yaml_parser import parse
from halo_iac.paths import display_path, path_exists
from halo_iac.text import quote

FILE_NAME: Final = "halo.yaml"
HOW_TO_START: Final = Hint("run `{}` or `{}`", Command("init"), Command("import"))
_STDIN: Final = "halo reads no project file from standard input; name a file"
_ONE_FILE: Final = "HALO_FILE names one file; several, or a glob, are named with --file"


def find_project(start: Path, named: str | None, *, home: Path | None = None) -> Path:
    """Return the path of the project file: the named one, or ``halo.yaml`` in ``start`` or a folder above it.

    The search stops at ``home``, by default the user's home folder.
    """
    if named is not None:
        path = start / named
        if not path_exists(path):
            hint = _STDIN if named == "-" else _ONE_FILE if any(sign in named for sign in "*?[") else HOW_TO_START
            raise ProjectNotFound([Problem(named, 0, 0, "no such file")], hint=hint)
        return path
    for folder in _search_folders(start.absolute(), home if home is not None else _home()):
        path = folder / FILE_NAME
        if path_exists(path):
            return path
    message = "no such file in this folder or any folder above it"
    raise ProjectNotFound([Problem(FILE_NAME, 0, 0, message)], hint=HOW_TO_START)


def _search_folders(start: Path, home: Path | None) -> Iterator[Path]:
    """Yield the folders to search, nearest first, up to the repository's root or home, never another owner's."""
    owned_by = find_owner(start)
    for folder in (start, *start.parents):
        if find_owner(folder) != owned_by:
            return
        yield folder
        if folder == home or (folder / ".git").exists():
            return


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home folder, as in containers
        return None


class SourceFile(NamedTuple):
    """A parsed file and the folder that its relative paths start from."""

    document: Document
    folder: str


def read_project_file(reader: ProjectFiles, path: Path, cwd: Path) -> SourceFile:
    """Return the project file, which may be at any path; its document has a problem if it cannot be read."""
    name, folder, where = display_path(path, cwd), str(path.parent), str(path)
    if not reader.has(where):
        raise ProjectNotFound([Problem(name, 0, 0, "no such file")], hint=HOW_TO_START)
    try:
        return SourceFile(parse(reader.content(reader.located(where)), name), folder)
    except FileUnreadable as error:
        document = Document(name)
        inside = f"name a file in it, such as {name}/{FILE_NAME}" if path.is_dir() else None
        document.add_problem_at(0, error.reason, error.hint or inside)
        return SourceFile(document, folder)


def read_included(
    reader: ProjectFiles, project: SourceFile, path: Path, globs: Sequence[str], cwd: Path, unread: list[str]
) -> Iterator[SourceFile]:
    """Yield each included file once; problems with a glob are added to the project file.

    Files that a sparse checkout leaves out are not problems; they are added to ``unread``.
    """
    seen = {reader.located(str(path))}
    for position, glob in enumerate(globs):
        for found in _matching_files(reader, project, position, glob):
            name = display_path(found, cwd)
            try:
                real = reader.located(found)
                if real not in seen:
                    seen.add(real)
                    yield SourceFile(parse(reader.content(real), name), folder_of(found))
            except NotCheckedOut:
                unread.append(name)
            except FileUnreadable as error:
                if not error.is_repeated:
                    message = f"{quote(name)}: {error.reason}"
                    project.document.add_problem(("include", position), message, error.hint)


def _matching_files(reader: ProjectFiles, project: SourceFile, position: int, glob: str) -> list[str]:
    """Return the files of one glob; empty, after adding a problem, if it is refused, matches too many or none."""
    reason, hint = "no file matches", None
    try:
        found = reader.matches(project.folder, glob, INCLUDE_SUFFIXES)
    except FileUnreadable as error:
        if error.is_repeated:
            return []
        found, reason, hint = [], error.reason, error.hint
    if not found:
        hint = "`include` cannot read a variable" if "${" in glob else hint
        project.document.add_problem(("include", position), f"{quote(glob)}: {reason}", hint)
    return found
