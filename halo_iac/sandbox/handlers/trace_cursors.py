"""Cursors of lists of traces and spans: the query, and the position where a page ended.

A cursor of another query is refused. The official client computes its time range again for each page. So a range of the
same length, up to a day later, is the same query, and the range of the first page is used.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_filters import Filters
from halo_iac.sandbox.store.trace_queries import Position

_DAY: Final = 24 * 3600 * 10**9


class Query(NamedTuple):
    """A query: a digest of its input without the time range, and its filters, which have that range."""

    digest: str
    filters: Filters


def make_query(procedure: str, wanted: Mapping[str, Any], filters: Filters) -> Query:
    """Return the query of a procedure's validated input."""
    asked = {name: value for name, value in wanted.items() if name not in {"cursor", "limit", "teamId", "filters"}}
    others = replace(filters, start=None, end=None)
    text = json.dumps([procedure, asked, repr(others), _extent(filters)], sort_keys=True, default=str)
    return Query(blake2b(text.encode(), digest_size=12).hexdigest(), filters)


def resume(query: Query, cursor: str | None) -> tuple[Filters, Position | None]:
    """Return the filters with the time range of the first page, and the position to continue from."""
    if cursor is None:
        return query.filters, None
    try:
        digest, value, seq, start, end = json.loads(urlsafe_b64decode(cursor.encode()))
        position = Position(float(value) if isinstance(value, float) else int(value), int(seq))
    except (ValueError, TypeError):
        raise RequestRefused("BAD_REQUEST", "cursor was not returned by this list.") from None
    now = query.filters
    if digest != query.digest or abs((now.start or 0) - (start or 0)) > _DAY:
        raise RequestRefused("BAD_REQUEST", "cursor belongs to another query; repeat the query that returned it.")
    return replace(now, start=start, end=end), position


def next_cursor(query: Query, filters: Filters, page: Sequence[Position], size: int) -> str | None:
    """Return the cursor of what follows the first ``size`` positions of a page; ``None`` if it has no more."""
    if len(page) <= size:
        return None
    position = page[size - 1]
    text = json.dumps([query.digest, position.value, position.seq, filters.start, filters.end])
    return urlsafe_b64encode(text.encode()).decode("ascii")


def _extent(filters: Filters) -> int | None:
    """Return the length of a time range in nanoseconds; 0 for one from 1970, ``None`` for one with an open end."""
    if not filters.start or filters.end is None:
        return 0 if filters.start == 0 else None
    return filters.end - filters.start
