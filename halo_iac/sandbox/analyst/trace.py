"""One trace, put in order, with the relations between its spans that several figures need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from halo_iac.sandbox.analyst.span import Span, order


class Trace:
    """The spans of one trace in the order they began."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans: Sequence[Span] = _distinct(spans)
        self.id = self.spans[0].trace_id
        self._by_id = {span.span_id: span for span in self.spans}

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
        """Whether it hangs together: one span at the top, and every other's parent there."""
        return sum(self.parent(span) is None for span in self.spans) == 1

    @cached_property
    def tools(self) -> Sequence[Span]:
        """The tool calls."""
        return [span for span in self.spans if span.kind == "TOOL"]

    @cached_property
    def children(self) -> dict[str, list[Span]]:
        """Spans by the id of their parent."""
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            if span.parent_id is not None:
                found.setdefault(span.parent_id, []).append(span)
        return found

    def parent(self, span: Span) -> Span | None:
        """Return a span's parent, where it is among the spans."""
        return self._by_id.get(span.parent_id) if span.parent_id is not None else None

    def own_time(self, span: Span) -> int:
        """Return how long a span was busy while none of its children was; children may overlap and outlast it."""
        covered, reached = 0, span.start
        for child in self.children.get(span.span_id, ()):
            start, end = max(child.start, reached), min(child.end, span.end)
            if end > start:
                covered += end - start
                reached = end
        return span.duration - covered


def _distinct(spans: Iterable[Span]) -> Sequence[Span]:
    """Return the spans in order; of two with one id the first, and of two that begin alike the lesser by its text."""
    ordered = sorted(spans, key=order)
    kept: dict[str, Span] = {}
    for span in ordered:
        other = kept.setdefault(span.span_id, span)
        if other is not span and order(other) == order(span) and repr(span) < repr(other):
            kept[span.span_id] = span
    return list(kept.values())
