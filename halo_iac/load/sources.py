"""Which files make up a project, read and parsed: the project file, then what it includes in the order of its globs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halo_iac.errors import Problem, ProjectNotFound
from halo_iac.load.disk import CannotRead, Disk
from halo_iac.load.document import Document
from halo_iac.load.find import HOW_TO_START
from halo_iac.load.parse import parse
from halo_iac.load.paths import INCLUDE_SUFFIXES, displayed, refusal
from halo_iac.load.wording import shown


class SourceFile(NamedTuple):
    """A parsed file and the folder that its relative paths start from."""

    document: Document
    folder: Path


def read_project_file(disk: Disk, path: Path, cwd: Path) -> SourceFile:
    """Return the project file, which may stand anywhere; its document says so if it cannot be read."""
    name = displayed(path, cwd)
    if not disk.has(path):
        raise ProjectNotFound([Problem(name, 0, 0, "no such file")], hint=HOW_TO_START)
    try:
        return SourceFile(parse(disk.read(path), name), path.parent)
    except CannotRead as error:
        document = Document(name)
        document.complain_of_whole(error.reason)
        return SourceFile(document, path.parent)


def read_included(disk: Disk, project: SourceFile, path: Path, globs: Sequence[str], cwd: Path) -> Iterator[SourceFile]:
    """Yield each included file once; what is wrong with a glob is the project file's problem."""
    seen = {disk.identity(path)}
    for position, glob in enumerate(globs):
        for found in _matches(disk, project.document, position, glob):
            identity = disk.identity(found)
            if identity in seen:
                continue
            seen.add(identity)
            name = displayed(found, cwd)
            try:
                yield SourceFile(parse(disk.read(found), name), found.parent)
            except CannotRead as error:
                message = f"{shown(name)}: {error.reason}"
                project.document.complain(("include", position), message)


def _matches(disk: Disk, document: Document, position: int, glob: str) -> list[Path]:
    """Return the files of one glob; none, and a problem, where it is refused, matches too many, or none."""
    reason = refusal(glob, INCLUDE_SUFFIXES)
    found: list[Path] = []
    try:
        found = disk.matches(glob) if reason is None else []
    except CannotRead as error:
        reason = error.reason
    if not found:
        message = reason or "no file matches"
        document.complain(("include", position), f"{shown(glob)}: {message}")
    return found
