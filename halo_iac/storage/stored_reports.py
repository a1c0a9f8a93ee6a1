"""Reads a folder of pulled reports, wherever in it they lie: each says in its front matter what it is about."""

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
from halo_iac.render.report import AGENT_SUFFIX
from halo_iac.render.report_index import INDEX
from halo_iac.storage.atomic import read_start
from halo_iac.storage.report_file import split_front

LONGEST: Final = 200_000
"""How many bytes of one report are read: what a page shows of it."""
MOST_BYTES: Final = 3_000_000
"""How many bytes of all reports together are read; of the oldest there is then nothing but their front matter."""
MOST_FILES: Final = 5_000
_DEEPEST: Final = 4
"""Levels of folders that are looked into: schedules, months, and some that a user may have made."""
_LONGEST_FRONT: Final = 20_000
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_NAMED: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)Z--")
_TELLING: Final = ("run", "conversation", "schedule", "schedule_id")
"""What the front matter of a report names at least one of."""


def read_reports(folder: Path) -> StoredReports:
    """Return the reports of a folder; a file without the front matter of one is among the others.

    :class:`~halo_iac.errors.FileError` for a folder that cannot be read or holds more than :data:`MOST_FILES` files.
    """
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder", hint="name the folder that `halo report pull` wrote to")
    reports: list[StoredReport] = []
    others: list[str] = []
    for number, path in enumerate(_files(folder)):
        if number == MOST_FILES:
            hint = "name a folder with fewer reports, such as that of one schedule"
            raise FileError(f"{folder}: more than {MOST_FILES:,} markdown files", hint=hint)
        report = _front(folder, path)
        if report is None:
            others.append(path.relative_to(folder).as_posix())
        else:
            reports.append(report)
    reports.sort(key=lambda each: (each.at or _NEVER, each.path), reverse=True)
    return StoredReports(tuple(_with_texts(folder, reports)), tuple(others))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the markdown files of a folder, links, indexes and files for coding agents left out, by name."""

    def refuse(error: OSError) -> None:
        hint = "check the folder and its permissions"
        raise FileError(f"{error.filename}: {error.strerror}", hint=hint) from None

    for place, folders, names in os.walk(folder, onerror=refuse):
        here = Path(place)
        is_deepest = len(here.relative_to(folder).parts) == _DEEPEST
        folders[:] = [] if is_deepest else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = here / name
            is_report = name.endswith(".md") and not name.endswith(AGENT_SUFFIX) and name != INDEX
            if is_report and path.is_file() and not path.is_symlink():
                yield path


def _front(folder: Path, path: Path) -> StoredReport | None:
    """Return a report without its text, or with it where it is short; ``None`` where the file is no report."""
    content = read_start(path, _LONGEST_FRONT + 1)
    text = content.decode("utf-8", "replace")
    name = path.relative_to(folder).as_posix()
    written, markdown = split_front(text)
    front = parse_text(written, name).root if written else None
    if not isinstance(front, Mapping) or not any(_text(front.get(each)) for each in _TELLING):
        return None
    is_whole = len(content) <= _LONGEST_FRONT
    return StoredReport(name, markdown if is_whole else None, **_facts(front, path.name))


def _with_texts(folder: Path, reports: Sequence[StoredReport]) -> Iterator[StoredReport]:
    """Yield the reports with their texts, until the later ones have taken all the room there is."""
    room = MOST_BYTES
    for report in reports:
        read = report if report.markdown is not None or room <= 0 else _read(folder, report)
        size = len(read.markdown or "")
        yield read if size <= room else report._replace(markdown=None, is_cut=True)
        room -= size


def _read(folder: Path, report: StoredReport) -> StoredReport:
    content = read_start(folder / report.path, LONGEST + 1)
    _, markdown = split_front(content[:LONGEST].decode("utf-8", "replace"))
    return report._replace(markdown=markdown, is_cut=len(content) > LONGEST)


def _facts(front: Mapping[str, Any], name: str) -> dict[str, Any]:
    texts = {key: _text(front.get(key)) for key in (*_TELLING, "title", "status")}
    window = front.get("window")
    ends = window if isinstance(window, Mapping) else {}
    named = _NAMED.match(name)
    created = utc_instant(f"{named[1]}T{named[2]}:{named[3]}:00Z") if named else None
    return {**texts, "start": utc_instant(ends.get("start")), "at": utc_instant(ends.get("end")) or created}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
