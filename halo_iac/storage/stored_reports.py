"""Reads a folder of pulled reports, wherever they are in it: the front matter of each identifies it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from halo_iac.errors import FileError
from halo_iac.load.yaml_parser import parse_text
from halo_iac.model.instants import utc_instant
from halo_iac.model.stored_report import StoredReport, StoredReports
from halo_iac.model.wire_field import read_text
from halo_iac.render.report_index import INDEX
from halo_iac.render.report_names import AGENT_SUFFIX
from halo_iac.storage.atomic import read_start
from halo_iac.storage.report_file import split_front_matter

MAX_SHOWN_BYTES: Final = 200_000
"""The most bytes of one report that are read: as much as a page shows."""
MAX_BYTES: Final = 3_000_000
"""The most bytes of all reports that are read; beyond that, only the front matter of the oldest is."""
MAX_FILES: Final = 5_000
_MAX_DEPTH: Final = 4
"""Levels of folders that are searched: schedules, months, and some created by the user."""
_MAX_FRONT_MATTER_BYTES: Final = 20_000
_NO_DATE: Final = datetime.min.replace(tzinfo=UTC)
_NAMED: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)Z--")
_IDENTIFYING_KEYS: Final = ("run", "conversation", "schedule", "schedule_id")
"""A report's front matter has at least one of these keys."""


def read_reports(folder: Path) -> StoredReports:
    """Return the reports of a folder; files without a report's front matter are listed separately.

    Raises :class:`~halo_iac.errors.FileError` for a folder that cannot be read or has more than :data:`MAX_FILES`
    files.
    """
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder", hint="name the folder that `halo report pull` wrote to")
    reports: list[StoredReport] = []
    others: list[str] = []
    for number, path in enumerate(_find_files(folder)):
        if number == MAX_FILES:
            hint = "name a folder with fewer reports, such as that of one schedule"
            raise FileError(f"{folder}: more than {MAX_FILES:,} markdown files", hint=hint)
        report = _read_front_matter(folder, path)
        if report is None:
            others.append(path.relative_to(folder).as_posix())
        else:
            reports.append(report)
    reports.sort(key=lambda each: (each.at or _NO_DATE, each.path), reverse=True)
    return StoredReports(tuple(_read_texts(folder, reports)), tuple(others))


def _find_files(folder: Path) -> Iterator[Path]:
    """Yield the markdown files of a folder by name, without links, indexes and briefs for coding agents."""

    def refuse(error: OSError) -> None:
        hint = "check the folder and its permissions"
        raise FileError(f"{error.filename}: {error.strerror}", hint=hint) from None

    for place, folders, names in os.walk(folder, onerror=refuse):
        current = Path(place)
        is_deepest = len(current.relative_to(folder).parts) == _MAX_DEPTH
        folders[:] = [] if is_deepest else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = current / name
            is_report = name.endswith(".md") and not name.endswith(AGENT_SUFFIX) and name != INDEX
            if is_report and path.is_file() and not path.is_symlink():
                yield path


def _read_front_matter(folder: Path, path: Path) -> StoredReport | None:
    """Return a report without its text, or with it if it is short; ``None`` if the file is not a report."""
    content = read_start(path, _MAX_FRONT_MATTER_BYTES + 1)
    text = content.decode("utf-8", "replace")
    name = path.relative_to(folder).as_posix()
    written, markdown = split_front_matter(text)
    front = parse_text(written, name).root if written else None
    if not isinstance(front, Mapping) or not any(read_text(front.get(each)) for each in _IDENTIFYING_KEYS):
        return None
    is_whole = len(content) <= _MAX_FRONT_MATTER_BYTES
    return StoredReport(name, markdown if is_whole else None, **_read_facts(front, path.name))


def _read_texts(folder: Path, reports: Sequence[StoredReport]) -> Iterator[StoredReport]:
    """Yield the reports with their texts, until the later ones have used up the size limit."""
    left = MAX_BYTES
    for report in reports:
        read = report if report.markdown is not None or left <= 0 else _read_report(folder, report)
        size = len(read.markdown or "")
        yield read if size <= left else report._replace(markdown=None, is_cut=True)
        left -= size


def _read_report(folder: Path, report: StoredReport) -> StoredReport:
    content = read_start(folder / report.path, MAX_SHOWN_BYTES + 1)
    _, markdown = split_front_matter(content[:MAX_SHOWN_BYTES].decode("utf-8", "replace"))
    return report._replace(markdown=markdown, is_cut=len(content) > MAX_SHOWN_BYTES)


def _read_facts(front: Mapping[str, Any], name: str) -> dict[str, Any]:
    texts = {key: read_text(front.get(key)) for key in (*_IDENTIFYING_KEYS, "title", "status")}
    window = front.get("window")
    ends = window if isinstance(window, Mapping) else {}
    named = _NAMED.match(name)
    created = utc_instant(f"{named[1]}T{named[2]}:{named[3]}:00Z") if named else None
    return {**texts, "start": utc_instant(ends.get("start")), "at": utc_instant(ends.get("end")) or created}
