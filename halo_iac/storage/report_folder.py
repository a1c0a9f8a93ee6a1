"""A folder of pulled reports: one folder per schedule, one per month inside it, with an index in each.

See docs/semantics.md#pulled-reports. Existing files stay, even if edited, renamed or moved within the folder: a report
is identified by the id at the end of its file name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from halo_iac.errors import FileError
from halo_iac.render.report import report_file
from halo_iac.render.report_index import INDEX, INDEX_MARKER, Subfolder, index_text
from halo_iac.render.report_names import (
    UNDATED,
    brief_name,
    conversation_ending,
    file_name,
    folder_names,
    is_report_name,
    name_ending,
)
from halo_iac.storage.atomic import check_writable, read_start, write_atomically, write_new
from halo_iac.storage.file_lock import folder_lock
from halo_iac.storage.outputs import check_links

if TYPE_CHECKING:
    from halo_iac.model.runs import Report

_MAX_DEPTH: Final = 3
"""Levels of folders that are searched: schedules, months, and one created by the user."""


class ReportFolder:
    """A folder that reports are pulled into; ``redact`` removes credentials from contents and file names.

    With ``is_flat`` it has no subfolders and no indexes. Methods raise :class:`~halo_iac.errors.FileError`.
    """

    def __init__(self, path: Path, cwd: Path, redact: Callable[[str], str], *, is_flat: bool = False) -> None:
        check_links(path, cwd)
        self._path = path
        self._cwd = cwd
        self._redact = redact
        self._is_flat = is_flat
        self._found: dict[str, Path] = {}
        self._briefs: set[Path] = set()

    def open(self) -> None:
        """Create the folder if needed, and list its reports."""
        check_writable(self._path)
        for folder in _scan(self._path).walk():
            self._found |= {name_ending(name): folder.path / name for name in folder.reports}
            self._briefs |= {folder.path / name for name in folder.briefs}

    def find(self, conversation_id: str) -> Path | None:
        """Return the file of a conversation's report that existed on opening, anywhere in the folder."""
        return self._found.get(conversation_ending(conversation_id))

    def has_brief(self, conversation_id: str) -> bool:
        """Return whether the brief for a coding agent existed on opening beside that report."""
        report = self.find(conversation_id)
        return report is not None and report.with_name(brief_name(report.name)) in self._briefs

    def write(self, report: Report, key: str) -> tuple[Path, bool]:
        """Write a schedule's report unless it exists; return its file and whether it is new."""
        label = self._redact(key)
        folder = self._path if self._is_flat else self._path.joinpath(*folder_names(report, label))
        path = folder / file_name(report, label)
        return path, self._write(path, report_file(report, key))

    def write_brief(self, report: Path, text: str) -> tuple[Path, bool]:
        """Write the brief for a coding agent beside a report, unless it exists."""
        path = report.with_name(brief_name(report.name))
        return path, self._write(path, text)

    def write_indexes(self) -> Sequence[Path]:
        """Rewrite every index; return files with an index's name that halo did not write, which are left unchanged."""
        if self._is_flat:
            return ()
        with folder_lock(self._path / INDEX):  # after two concurrent pulls, the later one sees the files of both
            folders = list(_scan(self._path).walk())
            return [each.path / INDEX for each in folders if each.needs_index and not self._write_index(each)]

    def _write(self, path: Path, text: str) -> bool:
        check_links(path, self._cwd)  # a link committed by a branch may lead anywhere
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            file = next((each for each in path.parents if each.exists() and not each.is_dir()), path.parent)
            raise FileError(f"{file}: a file is in the place of a folder", hint="rename the file") from None
        except OSError as error:
            raise FileError(f"{path.parent}: {error.strerror}", hint="check the folder and its permissions") from None
        return write_new(path, self._redact(text))

    def _write_index(self, folder: _Folder) -> bool:
        path = folder.path / INDEX
        heading = "Reports" if folder.path == self._path else folder.path.name  # a checkout's folder may have any name
        text = self._redact(index_text(heading, folder.subfolders(), folder.reports, folder.briefs))
        if path.is_symlink() or path.exists():
            if path.is_symlink() or not path.is_file() or read_start(path, len(INDEX_MARKER)) != INDEX_MARKER.encode():
                return False
            if read_start(path, len(text.encode()) + 1) == text.encode():
                return True
        write_atomically(path, text)
        return True


@dataclass
class _Folder:
    """A folder and the relevant names in it."""

    path: Path
    reports: list[str] = field(default_factory=list)
    briefs: list[str] = field(default_factory=list)
    folders: list[_Folder] = field(default_factory=list)
    has_index: bool = False

    def walk(self) -> Iterator[_Folder]:
        """Yield this folder and all folders below it."""
        yield self
        for each in self.folders:
            yield from each.walk()

    @property
    def needs_index(self) -> bool:
        return self.has_index or any(each.reports for each in self.walk())

    def subfolders(self) -> list[Subfolder]:
        """Return the folders in it that contain reports: by name, but months latest first."""
        found = []
        are_months = all(each.path.name[:1].isdecimal() or each.path.name == UNDATED for each in self.folders)
        for each in sorted(self.folders, key=lambda folder: folder.path.name, reverse=are_months):
            below = [(name, folder.path / name) for folder in each.walk() for name in folder.reports]
            if below:
                latest = max(below)[1].relative_to(self.path).as_posix()
                found.append(Subfolder(each.path.name, len(below), latest))
        return found


def _scan(path: Path, level: int = 0) -> _Folder:
    """Return a folder's content without links and hidden folders."""
    found = _Folder(path)
    try:
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.is_dir(follow_symlinks=False):
                    if level < _MAX_DEPTH and not entry.name.startswith("."):
                        found.folders.append(_scan(path / entry.name, level + 1))
                elif is_report_name(entry.name):
                    found.reports.append(entry.name)
                elif entry.name.endswith(brief_name(".md")):
                    found.briefs.append(entry.name)
                else:
                    found.has_index |= entry.name == INDEX
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", hint="check the folder and its permissions") from None
    return found
