"""Which spans of a long trace are drawn, and how the others are summed up (docs/protocol.md#trace-views).

The path to each failed span is drawn first, then the spans near the top: the first, the last and the longest ones. A
span that is not drawn is counted where it would stand, so that every span is drawn once or counted once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from heapq import nlargest
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from halo_iac.model.span_tree import Node, SpanTree

MAX_DRAWN: Final = 50
"""How many spans of a longer trace are drawn."""
_MAX_FAILING: Final = 10
"""The number of failed spans to which the path is drawn."""
_FIRST: Final = 10
"""The number of children of a span that are drawn before spans of the next level are."""
_OPENING: Final = 3
"""The number of those children that are the first ones; one is the last, and the others are the longest."""
_BEGINNING: Final = 2
"""The number of spans at the top of a long path that are drawn."""
MAX_GUIDES: Final = 64
"""The number of levels above a line whose guides are drawn; no screen has room for more."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Spans that are not drawn: ``spans`` is the number of siblings, ``below`` that of their descendants.

    ``is_between`` is true if spans below them are drawn, ``follows`` if siblings before them are drawn.
    """

    spans: int
    kinds: Mapping[str, int]
    below: int = 0
    duration: int = 0
    failures: int = 0
    is_between: bool = False
    follows: bool = False


class Row(NamedTuple):
    """One line of a tree: a span or a fold.

    ``guides`` has a flag for each level from the top to its own, true if another line of that level follows; of many
    levels only the last :data:`MAX_GUIDES`. ``hidden`` is the number of spans below it that are not drawn,
    ``failures`` the number of those that failed.
    """

    entry: Node | Fold
    depth: int
    guides: tuple[bool, ...]
    hidden: int = 0
    failures: int = 0


def chosen(tree: SpanTree, deepest: int, focus: Node | None = None) -> set[Node]:
    """Return the spans of a trace to draw, at most :data:`MAX_DRAWN`.

    Of a path longer than ``deepest`` levels the middle is left out.
    """
    choice = _Choice(deepest)
    if focus is not None:
        choice.open(focus)
        choice.add(focus.children[: MAX_DRAWN // 2])
    for node in tree.failing[:_MAX_FAILING]:
        if choice.open(node):
            choice.add(_neighbours(node))
            choice.add(node.children[:_FIRST])
    for most in (_FIRST, MAX_DRAWN):
        choice.fill(tree.roots, most)
    return choice.taken


def rows(tree: SpanTree, taken: Set[Node] | None) -> Iterator[Row]:
    """Yield the lines of a tree from the top; the whole tree if ``taken`` is ``None``."""
    lines = _Lines(taken)
    waiting = list(_from_last(lines.beside(tree.roots), 0, ()))
    while waiting:
        entry, below, depth, guides = waiting.pop()
        if isinstance(entry, Node) and not below:
            yield Row(entry, depth, guides, entry.size - 1, entry.failures - entry.is_error)
        else:
            yield Row(entry, depth, guides)
            waiting += _from_last(lines.below(entry, below), depth + 1, guides)


_Entry = tuple[Node | Fold, Sequence[Node]]
"""A line, and the spans drawn below it."""


class _Choice:
    def __init__(self, deepest: int) -> None:
        self.taken: set[Node] = set()
        self._deepest = deepest

    @property
    def room(self) -> int:
        return MAX_DRAWN - len(self.taken)

    def add(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if self.room <= 0:
                return
            self.taken.add(node)

    def open(self, node: Node) -> bool:
        """Add a span and its path from the top, without the middle of a long path; return whether there was room."""
        way = [node, *node.ancestors()]
        if len(way) > self._deepest:
            way = way[: self._deepest - _BEGINNING - 1] + way[-_BEGINNING:]
        has_room = sum(each not in self.taken for each in way) <= self.room
        if has_room:
            self.taken.update(way)
        return has_room

    def fill(self, roots: Sequence[Node], most: int) -> None:
        """Add spans level by level, at most ``most`` children of each."""
        levels = deque([roots])
        while levels and self.room > 0:
            nodes = levels.popleft()
            self.add(_most_relevant(nodes, most))
            levels += [
                node.children for node in nodes if node in self.taken and node.children and node.depth < self._deepest
            ]


def _most_relevant(nodes: Sequence[Node], most: int) -> Sequence[Node]:
    """Return the most useful of sibling spans: the first, the last, and the longest."""
    if len(nodes) <= most:
        return nodes
    ends = [*nodes[:_OPENING], nodes[-1]]
    return [*ends, *nlargest(most - len(ends), nodes[_OPENING:-1], key=lambda node: node.duration or 0)]


def _neighbours(node: Node) -> Sequence[Node]:
    """Return the siblings right before and right after a span."""
    beside = node.parent.children if node.parent is not None else (node,)
    place = beside.index(node)
    return (*beside[max(place - 1, 0) : place], *beside[place + 1 : place + 2])


class _Lines:
    """Builds the lines below a line, given the spans that are drawn."""

    def __init__(self, taken: Set[Node] | None) -> None:
        self._taken = taken
        self._passed = {} if taken is None else _passed(taken)

    def below(self, entry: Node | Fold, nodes: Sequence[Node]) -> Sequence[_Entry]:
        """Return the lines below ``entry``; ``nodes`` are its spans."""
        return [self._drawn(node) for node in nodes] if isinstance(entry, Fold) else self.beside(nodes)

    def beside(self, nodes: Sequence[Node]) -> Sequence[_Entry]:
        """Return the lines of sibling spans; those that are not drawn are folded into as few lines as possible."""
        if self._taken is None:
            return [(node, node.children) for node in nodes]
        entries: list[_Entry] = []
        for is_shown, group in groupby(nodes, self._is_shown):
            if is_shown:
                entries += map(self._drawn, group)
            else:
                entries += _folded(list(group), follows=bool(entries))
        return entries

    def _is_shown(self, node: Node) -> bool:
        return self._taken is None or node in self._taken or node in self._passed

    def _drawn(self, node: Node) -> _Entry:
        passed = self._passed.get(node)
        if passed is not None:
            return _between(node, passed), passed
        return node, node.children if any(map(self._is_shown, node.children)) else ()


def _passed(taken: Set[Node]) -> dict[Node, list[Node]]:
    """Return the spans that are not drawn although descendants are, each with its nearest drawn descendants.

    Of a path of such spans only the topmost is returned; it stands for all of them.
    """
    tops: dict[Node | None, Node] = {}
    passed: dict[Node, list[Node]] = {}
    for node in sorted(taken, key=attrgetter("place")):
        above, way = node.parent, []
        while above is not None and above not in taken and above not in tops:
            way.append(above)
            above = above.parent
        top = tops.get(above) or (way[-1] if way else None)
        if top is not None:
            tops |= dict.fromkeys(way, top)
            passed.setdefault(top, []).append(node)
    return passed


def _folded(run: Sequence[Node], *, follows: bool) -> list[_Entry]:
    if len(run) == 1:
        return [(run[0], ())]  # a line that counts one span is no shorter than its own
    fold = Fold(
        len(run),
        Counter(node.kind for node in run),
        below=sum(node.size - 1 for node in run),
        duration=sum(max(node.duration or 0, 0) for node in run),
        failures=sum(node.failures for node in run),
        follows=follows,
    )
    return [(fold, ())]


def _between(top: Node, drawn: Sequence[Node]) -> Fold:
    left_out = top.size - sum(node.size for node in drawn)
    return Fold(left_out, {}, failures=top.failures - sum(node.failures for node in drawn), is_between=True)


def _from_last(
    entries: Sequence[_Entry], depth: int, guides: tuple[bool, ...]
) -> Iterator[tuple[Node | Fold, Sequence[Node], int, tuple[bool, ...]]]:
    last = len(entries) - 1
    for place in range(last, -1, -1):
        yield *entries[place], depth, (*guides, place < last)[-MAX_GUIDES:]
