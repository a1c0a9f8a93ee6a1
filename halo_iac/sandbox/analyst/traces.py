"""One agent's part of a trace, and its links to the parts of other agents.

A missing parent counts as none, and so do the parents of spans that form a cycle.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from halo_iac.sandbox.analyst.spans import Span, sort_key


class Node(NamedTuple):
    """The fields of a span that determine the structure of its trace; instants are nanoseconds."""

    span_id: str
    parent_id: str | None
    start: int
    end: int
    has_failed: bool


class Trace:
    """The spans of one agent in one trace, in the order of their starts; ``around`` are all spans of the trace.

    Only the agent's spans are counted; the others show where their time was spent and why they failed.
    """

    def __init__(self, spans: Iterable[Span], around: Iterable[Node] = ()) -> None:
        self.spans: Sequence[Span] = _sort_distinct(spans)
        self.id = self.spans[0].trace_id
        self._own = {span.span_id for span in self.spans}
        nodes = {node.span_id: node for node in around}
        for span in self.spans:
            nodes[span.span_id] = Node(span.span_id, span.parent_id, span.start, span.end, span.has_failed)
        self._nodes = nodes
        self._upwards, self._parents = _upwards(nodes)

    @property
    def start(self) -> int:
        """Return the start of the first span."""
        return self.spans[0].start

    @property
    def length(self) -> int:
        """Return the time from the first start to the last end, in nanoseconds."""
        return max(span.end for span in self.spans) - self.start

    @property
    def is_whole(self) -> bool:
        """Return whether the trace is one tree, spans of other agents included: one root, all other spans below it."""
        return sum(parent is None for parent in self._parents.values()) == 1

    @cached_property
    def tools(self) -> Sequence[Span]:
        """Return the tool calls."""
        return [span for span in self.spans if span.kind == "TOOL"]

    @cached_property
    def roots(self) -> Sequence[Span]:
        """Return the spans without an ancestor of the same agent."""
        below: set[str] = set()
        for span_id in reversed(self._upwards):
            parent = self._parents[span_id]
            if parent is not None and (parent in self._own or parent in below):
                below.add(span_id)
        return [span for span in self.spans if span.span_id not in below]

    def parent_id(self, span: Span) -> str | None:
        """Return the id of a span's parent, of any agent."""
        return self._parents[span.span_id]

    def self_time(self, span: Span) -> int:
        """Return how long a span ran without any span below it, in nanoseconds; these may overlap and end after it."""
        return self._self_times[span.span_id]

    def has_failure_below(self, span: Span) -> bool:
        """Return whether a span of any agent below this one failed."""
        return span.span_id in self._above_failure

    def has_own_failure_below(self, span: Span) -> bool:
        """Return whether a failure below this span began in a span of the same agent, with no failure below it."""
        return span.span_id in self._above_own_failure

    @cached_property
    def _self_times(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        covered: dict[str, _Intervals] = {}
        for span_id in self._upwards:
            node, parent = self._nodes[span_id], self._parents[span_id]
            beneath = covered.pop(span_id, None) or _Intervals()
            found[span_id] = node.end - node.start - beneath.add(node.start, node.end)
            if parent is not None:
                other = covered.get(parent)
                covered[parent] = beneath if other is None else _merge(other, beneath)
        return found

    @cached_property
    def _above_failure(self) -> set[str]:
        return self._ancestors({node.span_id for node in self._nodes.values() if node.has_failed})

    @cached_property
    def _above_own_failure(self) -> set[str]:
        return self._ancestors(
            {span.span_id for span in self.spans if span.has_failed and not self.has_failure_below(span)}
        )

    def _ancestors(self, spans: set[str]) -> set[str]:
        """Return the ids of all ancestors of some spans."""
        found: set[str] = set()
        for span_id in self._upwards:
            parent = self._parents[span_id]
            if parent is not None and (span_id in spans or span_id in found):
                found.add(parent)
        return found


def _upwards(nodes: Mapping[str, Node]) -> tuple[Sequence[str], Mapping[str, str | None]]:
    """Return the span ids, each after those of all its descendants, and the parent ids."""
    parents = {node.span_id: node.parent_id if node.parent_id in nodes else None for node in nodes.values()}
    awaited = Counter(parents.values())
    found = [span_id for span_id in nodes if not awaited[span_id]]
    for span_id in found:
        parent = parents[span_id]
        awaited[parent] -= 1
        if parent is not None and not awaited[parent]:
            found.append(parent)  # the loop reaches it later
    cyclic = nodes.keys() - set(found)
    return [*found, *cyclic], {**parents, **dict.fromkeys(cyclic)}


class _Intervals:
    """Disjoint intervals in order; each span is added once, so that a whole tree takes O(n log n)."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> int:
        """Add an interval; return how much of it was covered before."""
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        met = slice(first, last)
        covered = sum(min(e, end) - max(s, start) for s, e in zip(self._starts[met], self._ends[met], strict=True))
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[met], self._ends[met] = [start], [end]
        return covered

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)


def _merge(one: _Intervals, other: _Intervals) -> _Intervals:
    """Return the union of both; the larger one is changed."""
    large, small = (one, other) if len(one) >= len(other) else (other, one)
    for start, end in small:
        large.add(start, end)
    return large


def _sort_distinct(spans: Iterable[Span]) -> Sequence[Span]:
    """Return the spans in order; of spans with one id only the first by start, then by content."""
    ordered = sorted(spans, key=sort_key)
    kept: dict[str, Span] = {}
    for span in ordered:
        other = kept.setdefault(span.span_id, span)
        if other is not span and sort_key(other) == sort_key(span) and repr(span) < repr(other):
            kept[span.span_id] = span
    return list(kept.values())
