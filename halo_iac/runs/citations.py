"""Citations: the traces and spans that a report names, and where (docs/semantics.md#cited-traces).

A report is prose that a model wrote, so an id is recognised by its form and by the words beside it: 32 hexadecimal
digits or a UUID are a trace, 16 or 24 digits a span, ``8f3a…`` is an id cut short; the nearest of "trace", "span",
"request" and the like, in the line, at the head of the column or above the list, is the kind of anything else.
Anything uncertain is a guess: the platform knows whether there is such a trace. Takes time in proportion to the report.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from halo_iac.model.evidence import ELLIPSIS, TRACE_DIGITS, Citation, Citations, Place
from halo_iac.runs.report_lines import LIST_MARK, OTHER, PLATFORM, SPAN, TRACE, Line, find_kind, lines

_CONNECTIVES: Final = {
    *("and", "or", "id", "ids", "e", "g", "eg", "i", "ie", "like", "as", "such", "is", "are", "was", "were"),
    *("for", "example", "examples", "instance", "named", "called"),
}
"""Words that may stand between a label and its id."""
_TOKEN: Final = re.compile(r"(?:…|\.{3})?[0-9A-Za-z][0-9A-Za-z_-]*(?:(?:…|\.{3})[0-9A-Za-z]*)?")
_MAY_HOLD_ID: Final = re.compile(r"[0-9A-Fa-f]{4}|…|\.{3}|[Tt]race|TRACE")
"""Every line with an id matches, and most others do not."""
_ENDING: Final = re.compile(r"[.;!?]\s|[{}]")
"""Text that separates a label from the words after it."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX: Final = re.compile(r"[0-9a-f]+")
_CUT: Final = re.compile(r"([0-9a-f-]*)(?:…|\.{3})([0-9a-f]*)")
_PREFIX: Final = re.compile(r"(?:trace[_-]|tr-)(?=[0-9a-f]{8})")
"""Prefixes of ids of some tracers."""
_QUOTES: Final = frozenset("`\"'")
_SURROUNDING_MARKUP: Final = " \t`\"'*_-+[](),"
"""Characters that may surround the only word of a cell or list item."""
_OTHER_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{2,127}")
_SPAN_DIGITS: Final = frozenset({16, 24})
"""OpenTelemetry's spans have 16, those of the OpenAI Agents SDK as HALO exports them 24."""
_MIN_CUT_DIGITS: Final = 4
"""The fewest digits of an id that is truncated with dots."""
_MIN_UNMARKED_DIGITS: Final = 6
_MIN_GUESSED_DIGITS: Final = 8
"""The fewest digits of a truncated id without dots: with a label, and without one."""
_MAX_COMPARED_IDS: Final = 100
"""Ids with one beginning that are compared with a truncated id."""


def find_citations(markdown: str, *, known: Collection[str] = ()) -> Citations:
    """Return the traces and spans that a report cites; ``known`` are ids of other things, such as its own run's."""
    others = frozenset(spelt for each in known for spelt in (each.lower(), each.lower().replace("-", "")))
    traces: dict[str, Citation] = {}
    spans: dict[str, Citation] = {}
    section, latest = "", None
    for line in lines(markdown):
        found = [each for each in _find_in_line(line) if each.id not in others]
        if line.section != section:
            section, latest = line.section, None
        whole = (each.id for each in found if each.kind == TRACE and not (each.is_guess or each.is_cut))
        latest = next(whole, latest)
        for each in found:
            citation = _add(traces if each.kind == TRACE else spans, each, Place(line.number, section))
            if each.kind == SPAN and citation.trace is None:
                citation.trace = latest
    return _join_truncated(traces, spans)


class _Mention(NamedTuple):
    id: str
    kind: str
    is_cut: bool = False
    is_guess: bool = False


def _add(found: dict[str, Citation], mention: _Mention, place: Place) -> Citation:
    citation = found.setdefault(mention.id, Citation(mention.id, [], mention.is_cut, mention.is_guess))
    citation.is_guess &= mention.is_guess
    if place not in citation.places[-1:]:
        citation.places.append(place)
    return citation


# Ids in lines --------------------------------------------------------------------------------------------------------


def _find_in_line(line: Line) -> Iterator[_Mention]:
    has_whole = False  # beside a whole trace id, fewer digits are a span's
    for text, above in line.cells:
        if above is None and not _MAY_HOLD_ID.search(text):
            continue
        near: str | None = None
        end = 0
        only_word = LIST_MARK.sub("", text, count=1).strip(_SURROUNDING_MARKUP)
        for token in _TOKEN.finditer(text):
            if near is not None and _ENDING.search(text, end, token.start()):
                near = None
            word = token[0].rstrip("_-")
            before, end = text[token.start() - 1 : token.start()], token.start() + len(word)
            is_quoted = before in _QUOTES and before == text[end : end + 1]
            mention = _parse_mention(word, near, above, is_quoted=is_quoted)
            if mention is None and ((near == TRACE and is_quoted) or (above == TRACE and word == only_word)):
                mention = _parse_unusual_id(word)
            if mention is not None:
                is_span = has_whole and len(mention.id) in _SPAN_DIGITS
                yield mention._replace(kind=SPAN) if is_span else mention
                has_whole |= mention.kind == TRACE and len(mention.id) >= TRACE_DIGITS
            elif announced := find_kind(word):
                near = announced
            elif word.lower() not in _CONNECTIVES:
                near = None


def _parse_mention(word: str, near: str | None, above: str | None, *, is_quoted: bool) -> _Mention | None:
    """Return the id in a word; ``near`` is the kind that the words before it give, ``above`` the lines above."""
    if len(word) < _MIN_CUT_DIGITS:
        return None
    small = word.lower()
    if prefix := _PREFIX.match(small):
        small, near = small[prefix.end() :], TRACE
    announced = near or above
    if cut := _CUT.fullmatch(small):
        return _parse_truncated(cut[1], cut[2], announced, is_quoted=is_quoted)
    if _UUID.fullmatch(small):
        return _Mention(small, SPAN if near == SPAN else TRACE, is_guess=announced in {OTHER, PLATFORM})
    if not _HEX.fullmatch(small):
        return None
    if len(small) == TRACE_DIGITS:
        return _Mention(small, SPAN if near == SPAN else TRACE, is_guess=announced == OTHER)
    return _parse_digits(small, announced, is_quoted=is_quoted) if len(small) < TRACE_DIGITS else None


def _parse_truncated(head: str, tail: str, announced: str | None, *, is_quoted: bool) -> _Mention | None:
    """Return an id truncated with dots: "added…" and "1000…" are not ids unless a label says so."""
    digits = head + tail
    is_word = digits.isalpha() and not is_quoted
    if len(digits) < _MIN_CUT_DIGITS or (announced is None and (is_word or digits.isdecimal())):
        return None
    kind = SPAN if announced == SPAN else TRACE
    return _Mention(f"{head}{ELLIPSIS}{tail}", kind, is_cut=True, is_guess=announced in {OTHER, PLATFORM})


def _parse_digits(digits: str, announced: str | None, *, is_quoted: bool) -> _Mention | None:
    """Return an id with fewer digits than a whole trace id; without a label, a word or number is not an id."""
    is_number = digits.isdecimal() and not is_quoted
    if announced == TRACE and len(digits) >= _MIN_UNMARKED_DIGITS and not is_number:
        is_word = digits.isalpha() and not is_quoted
        return _Mention(digits, TRACE, is_cut=len(digits) not in _SPAN_DIGITS, is_guess=is_word)
    if announced == SPAN and len(digits) >= _MIN_UNMARKED_DIGITS and not is_number:
        return _Mention(digits, SPAN, is_cut=len(digits) not in _SPAN_DIGITS)
    if announced is not None or digits.isdecimal() or digits.isalpha():
        return None
    if len(digits) in _SPAN_DIGITS:
        return _Mention(digits, SPAN)
    is_guess = is_quoted and len(digits) >= _MIN_GUESSED_DIGITS
    return _Mention(digits, TRACE, is_cut=True, is_guess=True) if is_guess else None


def _parse_unusual_id(word: str) -> _Mention | None:
    """Return an id of another form, recognized by its position only: a tracer may have ids such as ``order-17``."""
    is_odd = _OTHER_ID.fullmatch(word) and not _HEX.fullmatch(word.lower()) and find_kind(word) is None
    return _Mention(word, TRACE, is_guess=True) if is_odd else None


# Truncated ids -------------------------------------------------------------------------------------------------------


def _join_truncated(traces: dict[str, Citation], spans: dict[str, Citation]) -> Citations:
    """Return the citations, truncated ids joined to the whole id that they mean if only one is possible."""
    whole_traces, whole_spans = _Index(traces.values()), _Index(spans.values())
    for each in [each for each in traces.values() if each.is_cut]:
        _join(each, whole_traces.find_meant(each) or whole_spans.find_meant(each), traces)
    for each in [each for each in spans.values() if each.is_cut]:
        _join(each, whole_spans.find_meant(each), spans)
    return Citations(_sort(traces.values()), _sort(spans.values()))


def _join(cut: Citation, meant: Sequence[Citation], among: dict[str, Citation]) -> None:
    if len(meant) == 1:  # with more of them it stays as it is cited
        meant[0].places += cut.places
        del among[cut.id]


def _sort(found: Collection[Citation]) -> tuple[Citation, ...]:
    for each in found:
        each.places = sorted(set(each.places))
    return tuple(sorted(found, key=lambda each: each.places[0].line))


class _Index:
    """The whole ids of a report, found by their beginnings and ends."""

    def __init__(self, found: Collection[Citation]) -> None:
        self._whole = {each.id: each for each in found if not each.is_cut}
        self._heads = sorted(self._whole)
        self._tails = sorted(id_[::-1] for id_ in self._whole)

    def find_meant(self, cut: Citation) -> list[Citation]:
        """Return the citations that a truncated one may mean, or the first of many."""
        head, tail = cut.ends
        reversed_ids = () if head else _starting_with(self._tails, tail[::-1])
        ids = _starting_with(self._heads, head) if head else [each[::-1] for each in reversed_ids]
        return [self._whole[id_] for id_ in ids if cut.means(id_)]


def _starting_with(ids: Sequence[str], head: str) -> Sequence[str]:
    """Return the sorted ids that start with some digits, as many as are looked at."""
    first = bisect_left(ids, head)
    return [each for each in ids[first : first + _MAX_COMPARED_IDS] if each.startswith(head)]
