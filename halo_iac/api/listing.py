"""Pages of schedules joined into one listing, which knows whether it is whole (docs/security.md#listings)."""

from collections.abc import Callable, Set
from typing import Final, NamedTuple

from halo_iac.api.answers import schedule_of
from halo_iac.api.caller import Json
from halo_iac.api.paging import Cursor, pages, read_rows
from halo_iac.api.text import one_line
from halo_iac.model.remote import RemoteSchedule

PROCEDURE: Final = "haloSchedule.listForProject"


class Listing(NamedTuple):
    """Schedules in the platform's order; ``gap`` says why they may not be all, ``None`` if the last cursor was read."""

    schedules: tuple[RemoteSchedule, ...]
    gap: str | None = None


def read_listing(project_id: str, read_page: Callable[[Cursor | None], Json]) -> Listing:
    """Follow every cursor; an error in the middle propagates, an inconsistency ends up in ``gap``.

    A schedule on two pages may mean that rows moved while they were read, and that another was on none: then all is
    read once more, and is whole if nothing is new.
    """
    first = _join(project_id, read_page)
    if not first.has_shifted or first.gap is not None:
        return first.listing()
    ids = frozenset(first.ids)
    del first  # two listings of the largest size would be too much
    again = _join(project_id, read_page)
    if again.has_shifted and again.ids != ids:
        again.note("schedules moved between its pages while they were read")
    return again.listing()


def _join(project_id: str, read_page: Callable[[Cursor | None], Json]) -> "_Joined":
    joined = _Joined(project_id)
    found = pages(
        lambda cursor: read_rows(read_page(cursor), "schedules", PROCEDURE),
        PROCEDURE,
        note=lambda reason: joined.note(f"the platform {reason}"),
    )
    for page in found:
        for value in page.rows:
            joined.add(schedule_of(value, PROCEDURE))
    return joined


class _Joined:
    """What the pages so far amount to; ``gap`` is the first one found, ``has_shifted`` says that one came twice."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self._by_id: dict[str, RemoteSchedule] = {}
        self.gap: str | None = None
        self.has_shifted = False

    @property
    def ids(self) -> Set[str]:
        return self._by_id.keys()

    def listing(self) -> Listing:
        return Listing(tuple(self._by_id.values()), self.gap)

    def note(self, gap: str) -> None:
        self.gap = self.gap or gap

    def add(self, schedule: RemoteSchedule) -> None:
        if schedule.wire.get("projectId") not in (None, self._project_id):
            self.note(f"schedule {one_line(schedule.id)} of another project was listed")
            return
        known = self._by_id.setdefault(schedule.id, schedule)
        if known is schedule:
            return
        self.has_shifted = True
        if known.wire != schedule.wire:
            self.note(f"schedule {one_line(schedule.id)} was listed twice with different contents")
