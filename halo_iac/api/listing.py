"""Pages of schedules joined into one listing, which knows whether it is whole (design §10, last line)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from halo_iac.api.answers import schedule_of
from halo_iac.api.caller import Json
from halo_iac.api.paging import Cursor, pages, read_rows
from halo_iac.api.text import one_line
from halo_iac.model.remote import RemoteSchedule

PROCEDURE: Final = "haloSchedule.listForProject"


@dataclass(frozen=True, slots=True)
class Listing:
    """Schedules in the platform's order; ``gap`` says why they may not be all, ``None`` if the last cursor was read."""

    schedules: tuple[RemoteSchedule, ...]
    gap: str | None = None


def read_listing(project_id: str, read_page: Callable[[Cursor | None], Json]) -> Listing:
    """Follow every cursor; an error in the middle propagates, an inconsistency ends up in ``gap``."""
    joined = _Joined(project_id)
    found = pages(
        lambda cursor: read_rows(read_page(cursor), "schedules", PROCEDURE),
        PROCEDURE,
        note=lambda reason: joined.note(f"the platform {reason}"),
    )
    for page in found:
        for value in page.rows:
            joined.add(schedule_of(value, PROCEDURE))
    return joined.listing()


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

    def add(self, schedule: RemoteSchedule) -> None:
        if schedule.wire.get("projectId") not in (None, self._project_id):
            self.note(f"schedule {one_line(schedule.id)} of another project was listed")
            return
        known = self._by_id.setdefault(schedule.id, schedule)
        if known is not schedule and known.wire != schedule.wire:
            self.note(f"schedule {one_line(schedule.id)} was listed twice with different contents")
