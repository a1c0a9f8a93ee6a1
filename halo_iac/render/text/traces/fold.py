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
_MAX_FAILED_PATHS: Final = 10
"""The number of failed spans to which the path is drawn."""
_FIRST_CHILDREN: Final = 10
"""The number of children of a span that are drawn before spans of the next level are."""
_OPENING_CHILDREN: Final = 3
"""The number of those children that are the first ones; one is the last, and the others are the longest."""
_TOP_SPANS: Final = 2
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


def select_spans(tree: SpanTree, deepest: int, focus: Node | None = None) -> set[Node]:
    """Return the spans of a trace to draw, at most :data:`MAX_DRAWN`.

    Of a path longer than ``deepest`` levels the middle is left out.
    """
    selection = _SpanSelection(deepest)
    if focus is not None:
        selection.add_path(focus)
        selection.add(focus.children[: MAX_DRAWN // 2])
    for node in tree.failing[:_MAX_FAILED_PATHS]:
        if selection.add_path(node):
            selection.add(_neighbours(node))
            selection.add(node.children[:_FIRST_CHILDREN])
    for most in (_FIRST_CHILDREN, MAX_DRAWN):
        selection.add_levels(tree.roots, most)
    return selection.selected


def tree_rows(tree: SpanTree, selected: Set[Node] | None) -> Iterator[Row]:
    """Yield the lines of a tree from the top; the whole tree if ``selected`` is ``None``."""
    lines = _EntryBuilder(selected)
    waiting = list(_stack_entries(lines.sibling_entries(tree.roots), 0, ()))
    while waiting:
        entry, below, depth, guides = waiting.pop()
        if isinstance(entry, Node) and not below:
            yield Row(entry, depth, guides, entry.size - 1, entry.failures - entry.is_error)
        else:
            yield Row(entry, depth, guides)
            waiting += _stack_entries(lines.below(entry, below), depth + 1, guides)


_Entry = tuple[Node | Fold, Sequence[Node]]
"""A line, and the spans drawn below it."""


class _SpanSelection:
    def __init__(self, deepest: int) -> None:
        self.selected: set[Node] = set()
        self._deepest = deepest

    @property
    def room(self) -> int:
        return MAX_DRAWN - len(self.selected)

    def add(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if self.room <= 0:
                return
            self.selected.add(node)

    def add_path(self, node: Node) -> bool:
        """Add a span and its path from the top, without the middle of a long path; return whether there was room."""
        path = [node, *node.ancestors()]
        if len(path) > self._deepest:
            path = path[: self._deepest - _TOP_SPANS - 1] + path[-_TOP_SPANS:]
        has_room = sum(each not in self.selected for each in path) <= self.room
        if has_room:
            self.selected.update(path)
        return has_room

    def add_levels(self, roots: Sequence[Node], most: int) -> None:
        """Add spans level by level, at most ``most`` children of each."""
        levels = deque([roots])
        while levels and self.room > 0:
            nodes = levels.popleft()
            self.add(_most_useful(nodes, most))
            parents = (node for node in nodes if node in self.selected and node.depth < self._deepest)
            levels += [node.children for node in parents if node.children]


def _most_useful(nodes: Sequence[Node], most: int) -> Sequence[Node]:
    """Return the most useful of sibling spans: the first, the last, and the longest."""
    if len(nodes) <= most:
        return nodes
    ends = [*nodes[:_OPENING_CHILDREN], nodes[-1]]
    return [*ends, *nlargest(most - len(ends), nodes[_OPENING_CHILDREN:-1], key=lambda node: node.duration or 0)]


def _neighbours(node: Node) -> Sequence[Node]:
    """Return the siblings right before and right after a span."""
    siblings = node.parent.children if node.parent is not None else (node,)
    place = siblings.index(node)
    return (*siblings[max(place - 1, 0) : place], *siblings[place + 1 : place + 2])


class _EntryBuilder:
    """Builds the lines below a line, given the spans that are drawn."""

    def __init__(self, selected: Set[Node] | None) -> None:
        self._selected = selected
        self._skipped = {} if selected is None else _skipped_spans(selected)

    def below(self, entry: Node | Fold, nodes: Sequence[Node]) -> Sequence[_Entry]:
        """Return the lines below ``entry``; ``nodes`` are its spans."""
        return [self._drawn(node) for node in nodes] if isinstance(entry, Fold) else self.sibling_entries(nodes)

    def sibling_entries(self, nodes: Sequence[Node]) -> Sequence[_Entry]:
        """Return the lines of sibling spans; those that are not drawn are folded into as few lines as possible."""
        if self._selected is None:
            return [(node, node.children) for node in nodes]
        entries: list[_Entry] = []
        for is_shown, group in groupby(nodes, self._is_shown):
            if is_shown:
                entries += map(self._drawn, group)
            else:
                entries += _fold_siblings(list(group), follows=bool(entries))
        return entries

    def _is_shown(self, node: Node) -> bool:
        return self._selected is None or node in self._selected or node in self._skipped

    def _drawn(self, node: Node) -> _Entry:
        skipped = self._skipped.get(node)
        if skipped is not None:
            return _fold_between(node, skipped), skipped
        return node, node.children if any(map(self._is_shown, node.children)) else ()


def _skipped_spans(selected: Set[Node]) -> dict[Node, list[Node]]:
    """Return the spans that are not drawn although descendants are, each with its nearest drawn descendants.

    Of a path of such spans only the topmost is returned; it stands for all of them.
    """
    tops: dict[Node | None, Node] = {}
    skipped: dict[Node, list[Node]] = {}
    for node in sorted(selected, key=attrgetter("place")):
        above, path = node.parent, []
        while above is not None and above not in selected and above not in tops:
            path.append(above)
            above = above.parent
        top = tops.get(above) or (path[-1] if path else None)
        if top is not None:
            tops |= dict.fromkeys(path, top)
            skipped.setdefault(top, []).append(node)
    return skipped


def _fold_siblings(run: Sequence[Node], *, follows: bool) -> list[_Entry]:
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


def _fold_between(top: Node, drawn: Sequence[Node]) -> Fold:
    left_out = top.size - sum(node.size for node in drawn)
    return Fold(left_out, {}, failures=top.failures - sum(node.failures for node in drawn), is_between=True)


def _stack_entries(
    entries: Sequence[_Entry], depth: int, guides: tuple[bool, ...]
) -> Iterator[tuple[Node | Fold, Sequence[Node], int, tuple[bool, ...]]]:
    last = len(entries) - 1
    for place in range(last, -1, -1):
        yield *entries[place], depth, (*guides, place < last)[-MAX_GUIDES:]
