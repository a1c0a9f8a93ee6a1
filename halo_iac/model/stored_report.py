"""A report as it lies in a folder, pulled earlier and perhaps edited since (docs/semantics.md#pulled-reports)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class StoredReport(NamedTuple):
    """One file of a folder of reports; what its front matter does not say is ``None``.

    ``path`` is relative to the folder, ``schedule`` the key of its entry. ``at`` is when its run was due: the end of
    its window, else when its conversation began, as the file's name has it. Of a long report, ``markdown`` is the
    beginning, and of one that there was no room for ``None``; ``is_cut`` says so.
    """

    path: str
    markdown: str | None
    schedule: str | None = None
    schedule_id: str | None = None
    run: str | None = None
    conversation: str | None = None
    title: str | None = None
    status: str | None = None
    start: datetime | None = None
    at: datetime | None = None
    is_cut: bool = False


class StoredReports(NamedTuple):
    """The reports of a folder, the latest first, and the markdown files in it that are none."""

    reports: tuple[StoredReport, ...]
    others: tuple[str, ...] = ()
