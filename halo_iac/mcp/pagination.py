"""Pagination of answers: cursors that an assistant passes back, rows of lists, and parts of long texts."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from halo_iac.api.pagination import Cursor, Page
from halo_iac.mcp.tool import MAX_CHARACTERS, Position, Result, ToolMisuse

_MAX_PAGES: Final = 50
"""How many pages of the platform one call reads at most: some may have no matching rows."""
_WRONG: Final = "pass next_cursor of an earlier answer with the same arguments, or omit it to start again"

R = TypeVar("R", bound=Result)


def encode(position: Position, call: Mapping[str, Any]) -> str:
    """Return the cursor that continues ``call``, a tool's name and its arguments, at a position."""
    text = json.dumps([_digest(call), *position], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, call: Mapping[str, Any]) -> Position:
    """Return the position in a cursor; an invalid cursor, or one of another call, is refused."""
    try:
        digest, place, offset = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise ToolMisuse("`cursor` is not a cursor of this server", hint=_WRONG) from None
    if digest != _digest(call):
        raise ToolMisuse("`cursor` belongs to a call with other arguments", hint=_WRONG)
    return place, offset


def _digest(call: Mapping[str, Any]) -> str:
    """Return a digest that identifies a call; the page size is not part of it, so it may change between pages."""
    arguments = {name: value for name, value in call.items() if name not in {"cursor", "limit", "max_chars"}}
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:12]


def collect(
    read_page: Callable[[Cursor | None], Page], make: Callable[[Any], R | None], position: Position, limit: int
) -> tuple[list[R], Position | None]:
    """Return rows of a paginated list from a position on: at most ``limit``, and no more than an answer may hold.

    The position of the next answer comes with them: the cursor of a page, and how many of its rows were given before;
    ``None`` if there is no more. ``make`` returns ``None`` for a row to leave out.
    """
    cursor, skipped = position
    rows: list[R] = []
    size = 0
    for _ in range(_MAX_PAGES):
        page = read_page(cursor)
        for index, sent in enumerate(page.rows[skipped:], skipped):
            made = make(sent)
            if made is None:
                continue
            size += len(made.model_dump_json(exclude_none=True))
            if len(rows) == limit or (rows and size > MAX_CHARACTERS):
                return rows, (cursor, index)
            rows.append(made)
        if page.next_cursor is None or page.next_cursor == cursor:
            return rows, None
        cursor, skipped = page.next_cursor, 0
        if len(rows) == limit:
            break
    return rows, (cursor, 0)


def collect_all(
    found: Iterable[Any], make: Callable[[Any], R | None], position: Position, limit: int
) -> tuple[list[R], Position | None]:
    """Return what :func:`collect` returns for a list in memory."""
    page = Page(tuple(found), None)
    return collect(lambda _: page, make, position, limit)


def excerpt(text: str, start: int, size: int) -> tuple[str, int | None]:
    """Return at most ``size`` characters of a text from ``start``, and where the rest begins, ``None`` at its end.

    It ends at the end of a line if one is near.
    """
    if len(text) - start <= size:
        return text[start:], None
    end = text.rfind("\n", start + size // 2, start + size) + 1 or start + size
    return text[start:end], end


class Part(NamedTuple):
    """One of several texts, or a part of one."""

    number: int
    """Which of them, from 0."""
    text: str
    is_continued: bool
    """Whether its beginning was in the answer before."""
    is_cut: bool
    """Whether its end is in the next answer."""


def parts(texts: Sequence[str], start: Position, size: int) -> tuple[list[Part], Position | None]:
    """Return texts from a position on, ``size`` characters in all, and the position of the rest."""
    first, offset = int(start[0] or 0), start[1]
    found: list[Part] = []
    for index, text in enumerate(texts[first:], first):
        if size <= 0:
            return found, (index, 0)
        begin = offset if index == first else 0
        part, end = excerpt(text, begin, size)
        found.append(Part(index, part, is_continued=begin > 0, is_cut=end is not None))
        if end is not None:
            return found, (index, end)
        size -= len(part)
    return found, None
