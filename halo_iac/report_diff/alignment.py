"""Alignment of two sequences in nearly linear time.

:mod:`difflib` takes quadratic time, and cubic for what was made to be slow; a report is foreign text of 2 MB.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

Pair = tuple[int | None, int | None]
"""A place in each of two sequences; ``None`` for an item without a counterpart."""
Common = list[tuple[int, int]]
"""Pairs of places in two sequences, increasing in both."""
Item = TypeVar("Item", bound=Hashable)

_DEPTH: Final = 8
"""How deep gaps between anchors are searched for further anchors."""


def align(before: Sequence[Hashable], after: Sequence[Hashable], depth: int = _DEPTH) -> Common:
    """Return positions of equal items in both sequences, ascending in both: a common subsequence, often the longest.

    A patience diff: items that are unique in both are anchors; between them the search is repeated, and without anchors
    each item takes the next equal one.
    """
    start, end = _equal_ends(before, after)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    pairs = [(place, place) for place in range(start)]
    if old and new:
        anchors = _anchors(old, new) if depth else []
        inner = (
            fill_gaps(old, new, anchors, lambda a, b: align(a, b, depth - 1)) if anchors else _pairs_in_order(old, new)
        )
        pairs += [(start + i, start + j) for i, j in inner]
    return pairs + [(len(before) - place, len(after) - place) for place in range(end, 0, -1)]


def _equal_ends(before: Sequence[Hashable], after: Sequence[Hashable]) -> tuple[int, int]:
    most = min(len(before), len(after))
    start = next((place for place in range(most) if before[place] != after[place]), most)
    most -= start
    return start, next((place for place in range(most) if before[-1 - place] != after[-1 - place]), most)


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> Common:
    """Return the longest increasing sequence of items that both have exactly once."""
    old, new = Counter(before), Counter(after)
    places = {item: place for place, item in enumerate(after) if new[item] == 1}
    unique = [(place, places[item]) for place, item in enumerate(before) if old[item] == 1 and item in places]
    ends: list[int] = []  # for each length, the smallest position in ``after`` at which a row of this length ends
    last: list[int] = []  # its index in ``unique``
    previous: list[int] = []
    for index, (_, place) in enumerate(unique):
        length = bisect_left(ends, place)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [index]
    row, index = [], last[-1] if last else -1
    while index >= 0:
        row.append(unique[index])
        index = previous[index]
    return row[::-1]


def _pairs_in_order(before: Sequence[Hashable], after: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(after):
        places[item].append(place)
    taken = -1
    for place, item in enumerate(before):
        equal = places.get(item, [])
        index = bisect_right(equal, taken)
        if index < len(equal):
            taken = equal[index]
            yield place, taken


def fill_gaps(
    before: Sequence[Item],
    after: Sequence[Item],
    found: Common,
    search: Callable[[Sequence[Item], Sequence[Item]], Common],
) -> Common:
    """Return the given pairs, and those that a search finds in the gaps before, between and after them."""
    pairs: Common = []
    for i_from, i, j_from, j in gaps(found, len(before), len(after)):
        if i_from < i and j_from < j:
            inner = search(before[i_from:i], after[j_from:j])
            pairs += [(i_from + i_inner, j_from + j_inner) for i_inner, j_inner in inner]
        if i < len(before) and j < len(after):
            pairs.append((i, j))
    return pairs


def gaps(pairs: Common, before: int, after: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the bounds, in both sequences, of the gaps before, between and after pairs."""
    i_from = j_from = 0
    for i, j in [*pairs, (before, after)]:
        yield i_from, i, j_from, j
        i_from, j_from = i + 1, j + 1


class Keyed(NamedTuple):
    """An item with a key that may not be unique, and its content, roughly and exactly, to tell equal keys apart."""

    key: Hashable
    label: Hashable = ()
    content: Hashable = ()


def pair_by_key(before: Sequence[Keyed], after: Sequence[Keyed]) -> list[Pair]:
    """Return the places of items with the same key: equal ones first, then similar ones, then by order.

    The pairs are in the order of ``after``; what has no counterpart there follows what it followed in ``before``.
    """
    found: dict[int, int] = {}
    for length in (3, 2, 1):
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        taken = set(found.values())
        for i, each in enumerate(before):
            if i not in taken:
                waiting[each[:length]].append(i)
        for j, each in enumerate(after):
            if j not in found and waiting.get(each[:length]):
                found[j] = waiting[each[:length]].popleft()
    places = {i: j for j, i in found.items()}
    order: list[tuple[int, int, Pair]] = [(j, -1, (found.get(j), j)) for j in range(len(after))]
    place = -1
    for i in range(len(before)):
        place = places.get(i, place)
        if i not in places:
            order.append((place, i, (i, None)))
    return [pair for *_, pair in sorted(order, key=lambda each: each[:2])]
