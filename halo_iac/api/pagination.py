"""Pages of lists, and the listing of all schedules, which tells whether it is complete (docs/security.md#listings)."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from halo_iac.api.decode import parse_schedule, unreadable_response
from halo_iac.api.memory_budget import MemoryBudget
from halo_iac.api.trpc import Json
from halo_iac.model.remote import RemoteSchedule
from halo_iac.text import single_line

MAX_PAGE_SIZE: Final = 100
"""The largest ``limit`` ever seen on the wire; the platform may refuse more."""
_MAX_PAGES: Final = 10_000
"""The most pages of a list, since a platform could invent cursors for ever: enough for a million schedules."""

Cursor = str | int


class _HasCursor(Protocol):
    @property
    def next_cursor(self) -> Cursor | None: ...


P = TypeVar("P", bound=_HasCursor)


class Page(NamedTuple):
    """One page or several: the rows as sent, and the cursor after the last; ``None`` if there is nothing more."""

    rows: tuple[Any, ...]
    next_cursor: Cursor | None


def read_rows(value: Json, name: str, procedure: str) -> Page:
    """Return the page in a result, whose rows are under ``name``."""
    if not isinstance(value, dict) or not isinstance(value.get(name), list):
        raise unreadable_response(procedure, f"answered without a page of {name}")
    cursor = value.get("nextCursor")
    if cursor is not None and (isinstance(cursor, bool) or not isinstance(cursor, str | int)):
        raise unreadable_response(procedure, "answered with a cursor that is not text")
    return Page(tuple(value[name]), cursor)


def read_pages(
    read_page: Callable[[Cursor | None], P],
    procedure: str,
    *,
    cursor: Cursor | None = None,
    note: Callable[[str], None] | None = None,
    is_streamed: bool = False,
) -> Iterator[P]:
    """Yield every page from ``cursor`` on, requested only when needed.

    If cursors never end or repeat, ``note`` is called with what the platform did and the pages end; without ``note``
    the answer is unreadable. All pages together are limited to the size of one answer, unless each is released before
    the next is requested (``is_streamed``).
    """
    budget = MemoryBudget()
    seen = {cursor}
    while True:
        with MemoryBudget() if is_streamed else budget:
            page = read_page(cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen or len(seen) > _MAX_PAGES:
            reason = "repeated a cursor" if cursor in seen else "gave cursors without end"
            if note is None:
                raise unreadable_response(procedure, reason)
            note(reason)
            return
        seen.add(cursor)


def read_rows_up_to(limit: int, pages: Iterator[Page]) -> Page:
    """Join pages until there are ``limit`` rows."""
    rows: list[Any] = []
    cursor: Cursor | None = None
    for page in pages:
        rows.extend(page.rows)
        cursor = page.next_cursor
        if len(rows) >= limit:
            break
    return Page(tuple(rows[:limit]), cursor)


PROCEDURE: Final = "haloSchedule.listForProject"


class Listing(NamedTuple):
    """Schedules in the platform's order; ``gap`` is the reason why some may be missing, ``None`` if it is complete."""

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
    ids = frozenset(first.by_id)
    del first  # two listings of the largest size would be too much
    second = _join(project_id, read_page)
    if second.has_shifted and second.by_id.keys() != ids:
        second.note("schedules moved between its pages while they were read")
    return second.listing()


def _join(project_id: str, read_page: Callable[[Cursor | None], Json]) -> "_Accumulator":
    joined = _Accumulator(project_id)
    pages = read_pages(
        lambda cursor: read_rows(read_page(cursor), "schedules", PROCEDURE),
        PROCEDURE,
        note=lambda reason: joined.note(f"the platform {reason}"),
    )
    for page in pages:
        for value in page.rows:
            joined.add(parse_schedule(value, PROCEDURE))
    return joined


class _Accumulator:
    """The rows of the pages so far; ``gap`` is the first gap found; a row came twice if ``has_shifted``."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self.by_id: dict[str, RemoteSchedule] = {}
        self.gap: str | None = None
        self.has_shifted = False

    def listing(self) -> Listing:
        return Listing(tuple(self.by_id.values()), self.gap)

    def note(self, gap: str) -> None:
        self.gap = self.gap or gap

    def add(self, schedule: RemoteSchedule) -> None:
        if schedule.wire.get("projectId") not in (None, self._project_id):
            self.note(f"schedule {single_line(schedule.id)} of another project was listed")
            return
        known = self.by_id.setdefault(schedule.id, schedule)
        if known is schedule:
            return
        self.has_shifted = True
        if known.wire != schedule.wire:
            self.note(f"schedule {single_line(schedule.id)} was listed twice with different contents")
