"""Pages of schedules joined into one listing, which knows whether it is whole (design §10, last line)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from halo_iac.api.answers import schedule_of, unreadable
from halo_iac.api.caller import Json
from halo_iac.api.text import one_line
from halo_iac.model.remote import RemoteSchedule

PROCEDURE: Final = "haloSchedule.listForProject"

Cursor = str | int
_MOST_PAGES: Final = 10_000
"""A platform that invents cursors for ever must end somewhere; far above 100,000 schedules in pages of 100."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Schedules in the platform's order; ``gap`` says why they may not be all, ``None`` if the last cursor was read."""

    schedules: tuple[RemoteSchedule, ...]
    gap: str | None = None


def read_listing(project_id: str, read_page: Callable[[Cursor | None], Any]) -> Listing:
    """Follow every cursor; an error in the middle propagates, an inconsistency ends up in ``gap``."""
    joined = _Joined(project_id)
    cursors: set[Cursor] = set()
    cursor: Cursor | None = None
    while True:
        page = read_page(cursor)
        cursor = joined.add(page)
        if cursor is None:
            return joined.listing()
        if cursor in cursors or len(cursors) >= _MOST_PAGES:
            joined.note("the platform repeated a cursor" if cursor in cursors else "there was no last page")
            return joined.listing()
        cursors.add(cursor)


class _Joined:
    """What the pages so far amount to; the first gap found is the one told."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self._by_id: dict[str, RemoteSchedule] = {}
        self._gap: str | None = None

    def listing(self) -> Listing:
        return Listing(tuple(self._by_id.values()), self._gap)

    def note(self, gap: str) -> None:
        self._gap = self._gap or gap

    def add(self, page: Json) -> Cursor | None:
        """Take in one page; return the cursor of the next."""
        if not isinstance(page, dict) or not isinstance(page.get("schedules"), list):
            raise unreadable(PROCEDURE, "answered without a page of schedules")
        for value in page["schedules"]:
            self._add_schedule(schedule_of(value, PROCEDURE))
        cursor = page.get("nextCursor")
        if cursor is not None and (isinstance(cursor, bool) or not isinstance(cursor, str | int)):
            raise unreadable(PROCEDURE, "answered with a cursor that is no text")
        return cursor

    def _add_schedule(self, schedule: RemoteSchedule) -> None:
        if schedule.wire.get("projectId") not in (None, self._project_id):
            self.note(f"schedule {one_line(schedule.id)} of another project was listed")
            return
        known = self._by_id.setdefault(schedule.id, schedule)
        if known is not schedule and known.wire != schedule.wire:
            self.note(f"schedule {one_line(schedule.id)} was listed twice with different contents")
