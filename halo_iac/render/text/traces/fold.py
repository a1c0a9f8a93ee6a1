"""Which spans of a long trace are drawn, and how the others are summed up (docs/protocol.md#trace-views).

First comes the way to each step that failed, then what is near the top: how it began and ended, and what took longest.
Whatever is left out is counted in the place
where it would be, so that every span is drawn once or counted once.
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
"""To how many failed spans the path is opened."""
_FIRST: Final = 10
"""How many spans below one are drawn before those further down get their turn."""
_OPENING: Final = 3
"""How many of those are the first; one is the last, and the others are the longest."""
_BEGINNING: Final = 2
"""How many spans of a long way are drawn at its top."""
MAX_GUIDES: Final = 64
"""How many levels above a line are told apart; no screen has room for more."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Spans that are not drawn: ``spans`` of them side by side, and ``below`` what is further down.

    ``is_between`` where they are on the way to spans that are drawn; ``follows`` where such spans stand before them.
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

    ``guides`` says of each level above it, and of its own at the end, whether more follows there; of many levels only
    the last :data:`MAX_GUIDES`. ``hidden`` is how many spans below it are not drawn, ``failures`` how many of those
    failed.
    """

    entry: Node | Fold
    depth: int
    guides: tuple[bool, ...]
    hidden: int = 0
    failures: int = 0


def chosen(tree: SpanTree, deepest: int, focus: Node | None = None) -> set[Node]:
    """Return the spans to draw of a trace, at most :data:`MAX_DRAWN` of one that has more.

    A way down is drawn to ``deepest`` levels at most, its middle left out.
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
"""A line, and the spans whose lines stand below it."""


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
        """Take a span and its path from the top, without the middle if that is long; return whether there was room."""
        way = [node, *node.ancestors()]
        if len(way) > self._deepest:
            way = way[: self._deepest - _BEGINNING - 1] + way[-_BEGINNING:]
        has_room = sum(each not in self.taken for each in way) <= self.room
        if has_room:
            self.taken.update(way)
        return has_room

    def fill(self, roots: Sequence[Node], most: int) -> None:
        """Take spans level by level, at most ``most`` below each."""
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
        """Return the lines below one, whose spans are ``nodes``."""
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
    """Return the spans that are not drawn but have some below them that are, each with the nearest of those.

    Of a way down, only the topmost: it stands for all that is passed.
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
