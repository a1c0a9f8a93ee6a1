"""Which files make up a project, read and parsed: the project file, then what it includes in the order of its globs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halo_iac.errors import Problem, ProjectNotFound
from halo_iac.load.document import Document
from halo_iac.load.find import HOW_TO_START
from halo_iac.load.parse import parse
from halo_iac.load.paths import INCLUDE_SUFFIXES, displayed
from halo_iac.load.reader import Reader
from halo_iac.load.tree import CannotRead, NotCheckedOut, folder_of
from halo_iac.load.wording import shown


class SourceFile(NamedTuple):
    """A parsed file and the folder that its relative paths start from."""

    document: Document
    folder: str


def read_project_file(reader: Reader, path: Path, cwd: Path) -> SourceFile:
    """Return the project file, which may stand anywhere; its document says so if it cannot be read."""
    name, folder, where = displayed(path, cwd), str(path.parent), str(path)
    if not reader.has(where):
        raise ProjectNotFound([Problem(name, 0, 0, "no such file")], hint=HOW_TO_START)
    try:
        return SourceFile(parse(reader.content(reader.located(where)), name), folder)
    except CannotRead as error:
        document = Document(name)
        document.complain_of_whole(error.reason, error.hint)
        return SourceFile(document, folder)


def read_included(
    reader: Reader, project: SourceFile, path: Path, globs: Sequence[str], cwd: Path, unread: list[str]
) -> Iterator[SourceFile]:
    """Yield each included file once; what is wrong with a glob is the project file's problem.

    Files that a sparse checkout leaves out are no problem, and are added to ``unread``.
    """
    seen = {reader.located(str(path))}
    for position, glob in enumerate(globs):
        for found in _matches(reader, project, position, glob):
            name = displayed(found, cwd)
            try:
                real = reader.located(found)
                if real not in seen:
                    seen.add(real)
                    yield SourceFile(parse(reader.content(real), name), folder_of(found))
            except NotCheckedOut:
                unread.append(name)
            except CannotRead as error:
                if not error.is_said:
                    message = f"{shown(name)}: {error.reason}"
                    project.document.complain(("include", position), message, error.hint)


def _matches(reader: Reader, project: SourceFile, position: int, glob: str) -> list[str]:
    """Return the files of one glob; none, and a problem, where it is refused, matches too many, or none."""
    reason, hint = "no file matches", None
    try:
        found = reader.matches(project.folder, glob, INCLUDE_SUFFIXES)
    except CannotRead as error:
        if error.is_said:
            return []
        found, reason, hint = [], error.reason, error.hint
    if not found:
        project.document.complain(("include", position), f"{shown(glob)}: {reason}", hint)
    return found
