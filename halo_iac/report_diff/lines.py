"""Matching lines of two reports: equal apart from noise, then apart from numbers, then similar."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from halo_iac.model.report_diff import DiffKind, LineDiff, Words
from halo_iac.report_diff.alignment import Common, align, fill_gaps, gaps
from halo_iac.report_diff.noise import Token, is_near, is_same, mask, tokenize

_WORD: Final = re.compile(r"\w+")
_MAX_COMPARED_PAIRS: Final = 1_600
"""The most pairs of lines of one gap that are compared for similar ones."""
_MIN_SIMILARITY: Final = 0.6
"""The share of common words from which two lines count as one changed line."""
_MAX_LINE_LENGTH: Final = 10_000
"""Characters of a line up to which its words are compared."""


def align_lines(before: Sequence[str], after: Sequence[str]) -> Common:
    """Return the places of matching lines, increasing in both."""
    if before == after:
        return [(place, place) for place in range(len(before))]
    found = align([*map(mask, before)], [*map(mask, after)])
    key = partial(mask, numbers=True)
    found = fill_gaps(before, after, found, lambda old, new: align([*map(key, old)], [*map(key, new)]))
    return fill_gaps(before, after, found, _similar_lines)


def line_diffs(before: Sequence[str], after: Sequence[str], pairs: Common) -> Iterator[LineDiff]:
    """Yield the lines that differ, in the order of both."""
    for i_from, i, j_from, j in gaps(pairs, len(before), len(after)):
        yield from (LineDiff(line, None) for line in before[i_from:i])
        yield from (LineDiff(None, line) for line in after[j_from:j])
        if i < len(before) and not is_same(before[i], after[j]):
            yield LineDiff(before[i], after[j], word_diff(before[i], after[j]))


def word_diff(before: str, after: str) -> tuple[Words, ...]:
    """Return a line in pieces with its differences marked; ids, instants and durations are those of ``after``."""
    if max(len(before), len(after)) > _MAX_LINE_LENGTH:
        return (Words(DiffKind.GONE, before), Words(DiffKind.NEW, after))
    old, new = [*tokenize(before)], [*tokenize(after)]
    equal = align([token.key for token in old], [token.key for token in new])
    pairs = [(i, j) for i, j in equal if is_near(old[i].seconds, new[j].seconds)]
    pieces: list[Words] = []
    for i_from, i, j_from, j in gaps(pairs, len(old), len(new)):
        pieces += _replacement(old[i_from:i], new[j_from:j])
        pieces += [Words(None, token.text) for token in new[j : j + 1]]
    return tuple(
        Words(kind, "".join(piece.text for piece in group)) for kind, group in groupby(pieces, lambda piece: piece.kind)
    )


def _replacement(old: Sequence[Token], new: Sequence[Token]) -> Iterator[Words]:
    """Yield removed words and the words that replace them; the space before both is in neither."""
    gone, added = ("".join(token.text for token in each) for each in (old, new))
    rest = (added or gone).lstrip()
    if rest != (added or gone):
        yield Words(None, (added or gone).removesuffix(rest))
    if gone:
        yield Words(DiffKind.GONE, gone.lstrip())
    if added:
        yield Words(DiffKind.NEW, added.lstrip())


def _similar_lines(before: Sequence[str], after: Sequence[str]) -> Common:
    """Return pairs of lines that share most of their words, each with the most similar line left."""
    if len(before) * len(after) > _MAX_COMPARED_PAIRS:
        return []
    old, new = ([frozenset(_WORD.findall(mask(line[:_MAX_LINE_LENGTH]))) for line in each] for each in (before, after))
    found: Common = []
    taken = -1
    for i, bag in enumerate(old):
        scores = [(2 * len(bag & new[j]) / (len(bag) + len(new[j]) or 1), -j) for j in range(taken + 1, len(new))]
        score, place = max(scores, default=(0.0, 0))
        if score >= _MIN_SIMILARITY:
            taken = -place
            found.append((i, taken))
    return found
