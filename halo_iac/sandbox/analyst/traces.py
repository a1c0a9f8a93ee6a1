"""One agent's part of a trace, and its links to the parts of other agents.

A parent that is missing counts as none, and so do the parents of spans that run in a circle.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from halo_iac.sandbox.analyst.spans import Span, order


class Node(NamedTuple):
    """A span as far as the shape of its trace goes; instants are nanoseconds."""

    span_id: str
    parent_id: str | None
    start: int
    end: int
    has_failed: bool


class Trace:
    """The spans of one agent in one trace, in the order they began; ``around`` are the spans of the whole trace.

    Only the agent's own spans are counted; what is around them tells where their time passed and why they failed.
    """

    def __init__(self, spans: Iterable[Span], around: Iterable[Node] = ()) -> None:
        self.spans: Sequence[Span] = _distinct(spans)
        self.id = self.spans[0].trace_id
        self._own = {span.span_id for span in self.spans}
        nodes = {node.span_id: node for node in around}
        for span in self.spans:
            nodes[span.span_id] = Node(span.span_id, span.parent_id, span.start, span.end, span.has_failed)
        self._nodes = nodes
        self._upwards, self._parents = _upwards(nodes)

    @property
    def start(self) -> int:
        """When its first span began."""
        return self.spans[0].start

    @property
    def length(self) -> int:
        """From its first start to its last end."""
        return max(span.end for span in self.spans) - self.start

    @property
    def is_whole(self) -> bool:
        """Whether the trace hangs together, other agents' spans included: one span at the top, all others below it."""
        return sum(parent is None for parent in self._parents.values()) == 1

    @cached_property
    def tools(self) -> Sequence[Span]:
        """The tool calls."""
        return [span for span in self.spans if span.kind == "TOOL"]

    @cached_property
    def roots(self) -> Sequence[Span]:
        """The spans that have no other span of the agent above them."""
        below: set[str] = set()
        for span_id in reversed(self._upwards):
            parent = self._parents[span_id]
            if parent is not None and (parent in self._own or parent in below):
                below.add(span_id)
        return [span for span in self.spans if span.span_id not in below]

    def parent_id(self, span: Span) -> str | None:
        """Return the id of a span's parent, of whatever agent."""
        return self._parents[span.span_id]

    def self_time(self, span: Span) -> int:
        """Return how long a span was busy while no span beneath it was; those may overlap and outlast it."""
        return self._self_times[span.span_id]

    def passes_on(self, span: Span) -> bool:
        """Whether a span of whatever agent failed beneath this one."""
        return span.span_id in self._above_failure

    def passes_on_own(self, span: Span) -> bool:
        """Whether a failure beneath this span began in the agent's own: in one with no failure beneath it."""
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
                covered[parent] = beneath if other is None else _merged(other, beneath)
        return found

    @cached_property
    def _above_failure(self) -> set[str]:
        return self._above({node.span_id for node in self._nodes.values() if node.has_failed})

    @cached_property
    def _above_own_failure(self) -> set[str]:
        return self._above({span.span_id for span in self.spans if span.has_failed and not self.passes_on(span)})

    def _above(self, spans: set[str]) -> set[str]:
        """Return the ids of all spans that have one of these somewhere beneath them."""
        found: set[str] = set()
        for span_id in self._upwards:
            parent = self._parents[span_id]
            if parent is not None and (span_id in spans or span_id in found):
                found.add(parent)
        return found


def _upwards(nodes: Mapping[str, Node]) -> tuple[Sequence[str], Mapping[str, str | None]]:
    """Return the spans' ids, each after those of all spans beneath it, and their parents' ids."""
    parents = {node.span_id: node.parent_id if node.parent_id in nodes else None for node in nodes.values()}
    awaited = Counter(parents.values())
    found = [span_id for span_id in nodes if not awaited[span_id]]
    for span_id in found:
        parent = parents[span_id]
        awaited[parent] -= 1
        if parent is not None and not awaited[parent]:
            found.append(parent)  # the loop comes to it
    circling = nodes.keys() - set(found)
    return [*found, *circling], {**parents, **dict.fromkeys(circling)}


class _Intervals:
    """Stretches of time that do not meet, in order; each span is added once, so that a whole tree takes n log n."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> int:
        """Add a stretch, and return how much of it was there already."""
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        met = slice(first, last)
        there = sum(min(e, end) - max(s, start) for s, e in zip(self._starts[met], self._ends[met], strict=True))
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[met], self._ends[met] = [start], [end]
        return there

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)


def _merged(one: _Intervals, other: _Intervals) -> _Intervals:
    """Return the stretches of both; the larger of them is used up for it."""
    large, small = (one, other) if len(one) >= len(other) else (other, one)
    for start, end in small:
        large.add(start, end)
    return large


def _distinct(spans: Iterable[Span]) -> Sequence[Span]:
    """Return the spans in order; of two with one id the first, and of two that begin alike the lesser by its text."""
    ordered = sorted(spans, key=order)
    kept: dict[str, Span] = {}
    for span in ordered:
        other = kept.setdefault(span.span_id, span)
        if other is not span and order(other) == order(span) and repr(span) < repr(other):
            kept[span.span_id] = span
    return list(kept.values())
