"""Counters for figures; their result never depends on the order of the traces."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from halo_iac.sandbox.analyst.figures import Percentiles, Traces

CITED: Final = 3
"""The most traces that a finding cites."""


class AffectedTraces:
    """Counts the traces that show a finding, and keeps those with the highest ranks; of equal ranks the lower ids."""

    def __init__(self) -> None:
        self.count = 0
        self._ranks: dict[str, int] = {}

    def add(self, trace_id: str, rank: int) -> None:
        """Add a trace; each is added once."""
        self.count += 1
        self._ranks[trace_id] = rank
        if len(self._ranks) > CITED:
            del self._ranks[self.cited()[-1]]

    def copy(self) -> AffectedTraces:
        """Return a copy."""
        other = AffectedTraces()
        other.count, other._ranks = self.count, dict(self._ranks)
        return other

    def cited(self) -> Traces:
        """Return the ids of the traces to cite, the highest rank first."""
        return tuple(sorted(self._ranks, key=lambda trace_id: (-self._ranks[trace_id], trace_id)))


class Durations:
    """Durations in nanoseconds, eight bytes each, for exact percentiles."""

    def __init__(self) -> None:
        self._measured = array("q")

    def add(self, duration: int) -> None:
        """Add a duration in nanoseconds."""
        self._measured.append(duration)

    def percentiles(self) -> Percentiles:
        """Return the percentiles; there must be at least one duration."""
        ranked = sorted(self._measured)
        return Percentiles(nearest_rank(ranked, 50), nearest_rank(ranked, 95), nearest_rank(ranked, 99), ranked[-1])


def nearest_rank(ranked: Sequence[int], percent: int) -> int:
    """Return the smallest of some ascending values that at least ``percent`` % of them do not exceed."""
    return ranked[(percent * len(ranked) + 99) // 100 - 1]


class Example:
    """Keeps the text with the lowest key."""

    def __init__(self) -> None:
        self._found: tuple[tuple[int, str, str], str] | None = None

    def add(self, rank: int, trace_id: str, span_id: str, text: str) -> None:
        """Add a text; the one with the lowest rank is kept, then with the lower ids."""
        offered = ((rank, trace_id, span_id), text)
        if self._found is None or offered < self._found:
            self._found = offered

    def text(self) -> str:
        """Return the text; empty if none was added."""
        return self._found[1] if self._found else ""


def share(part: int, whole: int) -> int:
    """Return a part as a percentage of the whole, rounded half up; 0 if the whole is 0."""
    return (200 * part + whole) // (2 * whole) if whole else 0
