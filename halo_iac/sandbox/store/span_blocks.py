"""Precomputed counts of spans in blocks, so that counting a million of them reads a few thousand rows.

A block is 4,096 consecutive spans by row id; its rows have, for each profile, the count, the range of end times, and
the range of each number. Blocks inside a time range are added up; those at its edges and those not counted yet are read
span by span.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from json import dumps
from typing import Any, Final

from halo_iac.sandbox.store.trace_filters import SPAN_NUMBERS

_SIZE: Final = 4096
_BLOCKS_PER_CALL: Final = 16
_ENDED: Final = "max(spans.started, spans.ended)"
_NAMES: Final = [f"{least}_{name}" for name in SPAN_NUMBERS for least in ("least", "most")]
_READ: Final = ", ".join(f"min({sql}), max({sql})" for sql in SPAN_NUMBERS.values())
_KEPT: Final = ", ".join(f"{'min' if name.startswith('least') else 'max'}({name})" for name in _NAMES)
_ADD: Final = f"""
    INSERT INTO span_blocks (block, profile, spans, first_end, last_end, {", ".join(_NAMES)})
    SELECT spans.seq / {_SIZE}, profile, count(*), min({_ENDED}), max({_ENDED}), {_READ}
    FROM spans WHERE spans.seq >= ? AND spans.seq < ? GROUP BY 1, 2
"""
_WHOLE: Final = f"""
    SELECT profile, sum(spans), {_KEPT} FROM span_blocks
    WHERE profile IN (SELECT value FROM json_each(?)) AND block IN (SELECT value FROM json_each(?)) GROUP BY profile
"""
_PART: Final = f"""
    SELECT profile, count(*), {_READ} FROM json_each(?) AS listed
    JOIN spans ON spans.seq >= listed.value * {_SIZE} AND spans.seq < (listed.value + 1) * {_SIZE}
    WHERE +spans.profile IN (SELECT value FROM json_each(?)) AND {_ENDED} >= ? AND {_ENDED} < ? GROUP BY profile
"""

Range = tuple[float, float] | None


class SpanBlocks:
    """Counts spans by profile, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_missing(self) -> bool:
        """Add some of the full blocks that are missing; return whether more of them are."""
        full = self._last() // _SIZE
        missing = sorted(set(range(full)) - {block for block, *_ in self._bounds()})
        for block in missing[:_BLOCKS_PER_CALL]:
            self._connection.execute(_ADD, (block * _SIZE, (block + 1) * _SIZE))
        return len(missing) > _BLOCKS_PER_CALL

    def discard(self, spans: Iterable[int]) -> None:
        """Delete the blocks that contain some spans."""
        blocks = {(span // _SIZE,) for span in spans}
        self._connection.executemany("DELETE FROM span_blocks WHERE block = ?", blocks)

    def count_spans(self, profiles: Sequence[int], start: int, end: int) -> tuple[dict[int, int], dict[str, Range]]:
        """Return how many spans of each profile ended in a time range, and the range of each of their numbers."""
        bounds = self._bounds()
        whole = [block for block, first, last in bounds if start <= first and last < end]
        outside = {block for block, first, last in bounds if last < start or first >= end}
        part = sorted(set(range(self._last() // _SIZE + 1)) - set(whole) - outside)
        rows = self._connection.execute(_WHOLE, (dumps(profiles), dumps(whole))).fetchall()
        rows += self._connection.execute(_PART, (dumps(part), dumps(profiles), start, end)).fetchall()
        counts: dict[int, int] = {}
        for profile, count, *_ in rows:
            counts[profile] = counts.get(profile, 0) + count
        columns = list(zip(*(row[2:] for row in rows), strict=True))
        numbers = {
            name: _range(columns[2 * index], columns[2 * index + 1]) if columns else None
            for index, name in enumerate(SPAN_NUMBERS)
        }
        return counts, numbers

    def _bounds(self) -> list[tuple[int, int, int]]:
        sql = "SELECT block, min(first_end), max(last_end) FROM span_blocks GROUP BY block"
        return self._connection.execute(sql).fetchall()

    def _last(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM spans").fetchone()[0])


def _range(least: Sequence[Any], most: Sequence[Any]) -> Range:
    known = [value for value in least if value is not None]
    return (min(known), max(value for value in most if value is not None)) if known else None
