"""Cursors followed, for whoever wants every row and for whoever wants some (docs/protocol.md#paging)."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from halo_iac.api.answers import unreadable
from halo_iac.api.caller import Json
from halo_iac.api.volume import Volume

LARGEST_PAGE: Final = 100
"""The largest ``limit`` ever seen on the wire; the platform may refuse more."""
_MOST_PAGES: Final = 10_000
"""A platform that invents cursors for ever must end somewhere; far above 100,000 schedules in pages of 100."""

Cursor = str | int


class Rows(NamedTuple):
    """One page or several: the rows as sent, and the cursor after the last; ``None`` if there is nothing more."""

    rows: tuple[Any, ...]
    next_cursor: Cursor | None


def read_rows(value: Json, name: str, procedure: str) -> Rows:
    """Return the page in a result, whose rows are under ``name``."""
    if not isinstance(value, dict) or not isinstance(value.get(name), list):
        raise unreadable(procedure, f"answered without a page of {name}")
    cursor = value.get("nextCursor")
    if cursor is not None and (isinstance(cursor, bool) or not isinstance(cursor, str | int)):
        raise unreadable(procedure, "answered with a cursor that is no text")
    return Rows(tuple(value[name]), cursor)


def pages(
    read_page: Callable[[Cursor | None], Rows], procedure: str, *, note: Callable[[str], None] | None = None
) -> Iterator[Rows]:
    """Yield every page, asked for only when wanted.

    Where cursors lead to no last page, ``note`` is told what the platform did and the pages end; without one, the
    answer is unreadable. All pages together are held to the bounds of one answer.
    """
    volume = Volume()
    seen: set[Cursor] = set()
    cursor: Cursor | None = None
    while True:
        with volume:
            page = read_page(cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen or len(seen) >= _MOST_PAGES:
            reason = "repeated a cursor" if cursor in seen else "gave cursors without end"
            if note is None:
                raise unreadable(procedure, reason)
            note(reason)
            return
        seen.add(cursor)


def up_to(limit: int, found: Iterator[Rows]) -> Rows:
    """Join pages until there are ``limit`` rows."""
    rows: list[Any] = []
    cursor: Cursor | None = None
    for page in found:
        rows.extend(page.rows)
        cursor = page.next_cursor
        if len(rows) >= limit:
            break
    return Rows(tuple(rows[:limit]), cursor)
