"""The spans of a trace as a tree, even with several roots, missing parents, or cycles (docs/protocol.md#trace-views).

A node keeps the few facts that a drawing of the tree needs, and none of what a span was given or said: so a trace of a
hundred thousand spans is held in some tens of megabytes, in time that grows as its spans do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from sys import intern
from typing import Final

from halo_iac.model.traces import Span

_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


MAX_INPUT_LENGTH: Final = 400
"""How many characters are kept of what a failed span was given."""


class Anomaly(Enum):
    """Why a span that names a parent is at the top of the tree."""

    ORPHAN = "its parent is not among the spans"
    CYCLE = "it is below itself"


class Node:
    """A span of the tree: ``start`` and ``duration`` are nanoseconds, ``None`` if unknown."""

    __slots__ = (
        "anomaly",
        "children",
        "cost",
        "depth",
        "duration",
        "failed_above",
        "failures",
        "given",
        "id",
        "input_tokens",
        "is_error",
        "kind",
        "message",
        "model",
        "name",
        "output_tokens",
        "parent",
        "place",
        "size",
        "start",
    )

    def __init__(self, span: Span) -> None:
        self.id = span.id
        self.name = intern(span.name)
        self.kind = intern(span.kind or "SPAN")
        self.model = span.model and intern(span.model)
        self.start = nanoseconds(span.started_at)
        self.duration = span.duration_ns
        self.is_error = span.is_error
        self.message = span.status_message if span.is_error else None
        self.given = (span.input or "")[:MAX_INPUT_LENGTH] if span.is_error else ""
        """The beginning of what a span was given that failed, such as a tool's arguments."""
        self.input_tokens, self.output_tokens = span.input_tokens, span.output_tokens
        self.cost = span.cost
        self.anomaly: Anomaly | None = None
        self.parent: Node | None = None
        self.children: Sequence[Node] = ()
        self.size = 1
        """How many spans there are from here down, this one included."""
        self.failures = int(self.is_error)
        """How many of them failed."""
        self.place = 0
        """How many spans come before it from the top, as :meth:`SpanTree.walk` goes."""
        self.depth = 0
        """How many spans it is part of."""
        self.failed_above = 0
        """How many of those failed, up to the first that did not."""

    def ancestors(self) -> Iterator[Node]:
        """Yield the spans it is part of, from the nearest to the top."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


@dataclass(frozen=True)
class SpanTree:
    """The spans of a trace, each once; ``roots`` are those at the top, in the order in which they began."""

    roots: Sequence[Node]
    size: int

    def walk(self) -> Iterator[Node]:
        """Yield every span, each before those below it, in the order in which they began."""
        waiting = list(reversed(self.roots))
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)

    @cached_property
    def failing(self) -> Sequence[Node]:
        """Return the failed spans without a failed span below them: the places where the trace went wrong.

        First those that made the most of what they are part of fail, then by when they began.
        """
        found = [node for node in self.walk() if node.is_error and node.failures == 1]
        return sorted(found, key=lambda node: -node.failed_above)

    @cached_property
    def starts(self) -> int | None:
        """Return when the first span began, in nanoseconds since 1970; ``None`` if unknown."""
        return min((node.start for node in self.walk() if node.start is not None), default=None)

    @cached_property
    def length(self) -> int:
        """Return the nanoseconds from the first start to the last end; 0 if they are unknown."""
        ends = (node.start + max(node.duration or 0, 0) for node in self.walk() if node.start is not None)
        return max(ends, default=0) - (self.starts or 0)

    @cached_property
    def longest(self) -> int:
        """Return how long the longest span took, in nanoseconds."""
        return max((node.duration or 0 for node in self.walk()), default=0)

    def anomalies(self, kind: Anomaly) -> int:
        """Return how many spans are at the top because of this anomaly."""
        return sum(node.anomaly is kind for node in self.roots)

    def find(self, span_id: str) -> Node | None:
        """Return the span with an id; ``None`` if there is none."""
        return next((node for node in self.walk() if node.id == span_id), None)


def span_tree(spans: Iterable[Span]) -> SpanTree:
    """Return the tree of spans that come in any order. A second span with the same id is kept, without children."""
    found: list[Node] = []
    parents: list[str | None] = []
    places: dict[str, int] = {}
    for place, span in enumerate(spans):
        found.append(Node(span))
        places.setdefault(span.id, place)
        parents.append(span.parent_id)
    above = [None if parent is None else places.get(parent) for parent in parents]
    for place, parent in enumerate(parents):
        if parent is not None and above[place] is None:
            found[place].anomaly = Anomaly.ORPHAN
    for place in _cycle_starts(found, above):
        found[place].anomaly, above[place] = Anomaly.CYCLE, None
    return SpanTree(_linked(found, above), len(found))


def nanoseconds(text: str | None) -> int | None:
    """Return an instant in nanoseconds since 1970, read as UTC if it has no zone; ``None`` if it is not valid."""
    match = _INSTANT.fullmatch(text or "")
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{time}{zone or 'Z'}") - _BEGINNING
    except (ValueError, OverflowError):
        return None
    return (whole.days * 86_400 + whole.seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def _cycle_starts(found: Sequence[Node], above: Sequence[int | None]) -> list[int]:
    """Return the first span of each cycle of parents, by the time at which they began."""
    starts = []
    walk_of: list[int | None] = [None] * len(found)
    for walk, first in enumerate(range(len(found))):
        place: int | None = first
        while place is not None and walk_of[place] is None:
            walk_of[place] = walk
            place = above[place]
        if place is not None and walk_of[place] == walk:
            cycle, here = [place], above[place]
            while here is not None and here != place:
                cycle.append(here)
                here = above[here]
            starts.append(min(cycle, key=lambda each: _age(found[each], each)))
    return starts


def _linked(found: Sequence[Node], above: Sequence[int | None]) -> list[Node]:
    """Give every span its parent and its children, count what is below each, and return those at the top."""
    below: dict[int | None, list[int]] = {}
    for place, parent in enumerate(above):
        below.setdefault(parent, []).append(place)
    for parent, places in below.items():
        places.sort(key=lambda place: _age(found[place], place))
        if parent is not None:
            found[parent].children = tuple(found[place] for place in places)
            for child in found[parent].children:
                child.parent = found[parent]
    roots = [found[place] for place in below.get(None, ())]
    walk = list(SpanTree(roots, len(found)).walk())
    for place, node in enumerate(walk):
        node.place = place
        if node.parent is not None:
            node.depth = node.parent.depth + 1
            node.failed_above = node.parent.failed_above + 1 if node.parent.is_error else 0
    for node in reversed(walk):
        if node.parent is not None:
            node.parent.size += node.size
            node.parent.failures += node.failures
    return roots


def _age(node: Node, place: int) -> tuple[bool, int, int]:
    """Return the sort key of spans: their start; spans without one come last, in input order."""
    return (node.start is None, node.start or 0, place)
