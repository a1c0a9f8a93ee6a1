"""Evidence: the traces that a report cites as the platform has them (docs/semantics.md#cited-traces)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final

from halo_iac.api.traces import TraceReader
from halo_iac.errors import PlatformError
from halo_iac.model.evidence import Citation, Citations, Evidence, OpenedTrace
from halo_iac.model.ids import respell_uuid
from halo_iac.model.instants import format_instant, utc_instant
from halo_iac.model.runs import Report
from halo_iac.model.span_tree import span_tree
from halo_iac.model.traces import Trace
from halo_iac.runs.citations import find_citations
from halo_iac.workers import Task, run_concurrently

DEFAULT_TRACES: Final = 50
"""How many traces of a report are read by default."""
MAX_CONCURRENT_REQUESTS: Final = 8
"""How many requests are under way at the same time."""
_MAX_OPENED: Final = 5
"""Traces that are opened."""
_MAX_SPANS: Final = 500
"""Spans that are read of a trace which is opened."""
_MAX_STEPS: Final = 2
"""Failed steps that are read of a trace which is opened."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW_MARGIN: Final = timedelta(days=1)
"""A trace that ends in a report's window may have begun before it."""
_PAGE: Final = 100
_MAX_PAGES: Final = 3
"""Pages of traces that are searched for a truncated id."""


def citations_in(report: Report) -> Citations:
    """Return the citations of a report, without its own run, conversation, schedule, agent and dataset."""
    facts = report.facts()
    own = [facts[name] for name in ("runId", "conversationId", "scheduleId", "agentUuid", "modelId")]
    dataset = report.dataset.id if report.dataset is not None else None
    return find_citations(report.markdown, known=[each for each in (*own, dataset) if isinstance(each, str)])


def find_evidence(
    reader: TraceReader,
    report: Report,
    now: datetime,
    *,
    limit: int = DEFAULT_TRACES,
    at_once: int = MAX_CONCURRENT_REQUESTS,
) -> list[Evidence]:
    """Return the traces that a report cites, each once, in order; at most ``limit`` are requested.

    Guessed ids that the platform does not have are left out. Read errors are part of the result; an error after which
    nothing can succeed is raised.
    """
    citations = citations_in(report).traces
    chosen = sorted(range(len(citations)), key=lambda place: citations[place].is_guess)[:limit]
    search = _Search(reader, report, now)
    found = dict(run_concurrently([Task(partial(search.find, place, citations[place])) for place in chosen], at_once))
    unread = (Evidence(each, is_unread=True) for each in citations)
    every = [found.get(place, evidence) for place, evidence in enumerate(unread)]
    return _merge_spellings(each for each in every if each.trace is not None or not each.citation.is_guess)


def _merge_spellings(found: Iterable[Evidence]) -> list[Evidence]:
    """Return each trace once, with the places of all its spellings."""
    kept: dict[str, Evidence] = {}
    for each in found:
        same = kept.setdefault(each.citation.id if each.trace is None else each.trace.id, each)
        if same is not each:
            same.citation.places = sorted({*same.citation.places, *each.citation.places})
    return list(kept.values())


@dataclass
class _Search:
    reader: TraceReader
    report: Report
    now: datetime
    _periods: tuple[dict[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        ever = _period(_EPOCH, self.now + _WINDOW_MARGIN)
        facts = self.report.facts()
        start, end = utc_instant(facts["windowStartAt"]), utc_instant(facts["windowEndAt"])
        self._periods = (_period(start - _WINDOW_MARGIN, end + _WINDOW_MARGIN), ever) if start and end else (ever,)

    def find(self, place: int, citation: Citation) -> Iterator[tuple[int, Evidence]]:
        """Yield the evidence for a citation, with its place in the order."""
        try:
            yield place, self._find(citation)
        except PlatformError as error:
            if error.ends_the_run:
                raise
            yield place, Evidence(citation, read_error=error)

    def _find(self, citation: Citation) -> Evidence:
        for spelling in () if citation.is_cut else filter(None, (citation.id, _other_spelling(citation.id))):
            trace = self._read_trace(spelling)
            if trace is not None:
                return self._add_failures(citation, trace)
        if not citation.can_begin_others:
            return Evidence(citation)
        alike = self._find_candidates(citation)
        if len(alike) == 1:
            return self._add_failures(citation, self._read_trace(alike[0].id) or alike[0])
        return Evidence(citation, alike=tuple(each.id for each in alike))

    def _read_trace(self, id_: str) -> Trace | None:
        try:
            return self.reader.trace(id_)
        except PlatformError as error:
            if error.status != 404:
                raise
            return None

    def _find_candidates(self, citation: Citation) -> list[Trace]:
        """Return the traces that a truncated id may mean: of the report's window, or of any time if there are none."""
        for period in self._periods:
            found = {each.id: each for each in self._find_containing(max(citation.ends, key=len), period)}
            alike = [each for each in found.values() if citation.means(each.id.lower())]
            if alike:
                return alike
        return []

    def _find_containing(self, digits: str, period: dict[str, str]) -> Iterator[Trace]:
        wanted: dict[str, Any] = {**period, "stringFilters": [{"field": "trace_id", "op": "contains", "value": digits}]}
        cursor = None
        for _ in range(_MAX_PAGES):
            page = self.reader.traces(wanted, limit=_PAGE, cursor=cursor)
            yield from page.rows
            cursor = page.next_cursor
            if cursor is None:
                return

    def _add_failures(self, citation: Citation, trace: Trace) -> Evidence:
        if not trace.has_error:
            return Evidence(citation, trace)
        wanted = {**self._periods[-1], "traceId": trace.id, "status": "error"}
        try:
            spans = self.reader.span_list(wanted, limit=_PAGE).rows
        except PlatformError as error:
            if error.ends_the_run:
                raise
            return Evidence(citation, trace, read_error=error)
        above = {span.parent_id for span in spans}
        return Evidence(citation, trace, tuple(span for span in spans if span.id not in above))


def _other_spelling(id_: str) -> str | None:
    """Return the other spelling of an id: a UUID without dashes is a trace id of OpenTelemetry, and the reverse."""
    return respell_uuid(id_) or (id_.replace("-", "") if id_.count("-") == 4 and len(id_) == 36 else None)


def _period(start: datetime, end: datetime) -> dict[str, str]:
    return {"startDate": format_instant(start), "endDate": format_instant(end)}


# Selection -----------------------------------------------------------------------------------------------------------


def open_evidence(reader: TraceReader, found: Sequence[Evidence]) -> list[OpenedTrace]:
    """Return the cited traces that matter most, at most five, with their spans and the failed steps.

    First those in which different steps failed, then those that are cited for different reasons; of one kind at most
    two before others have their turn. One that cannot be read is left out.
    """
    kinds: Counter[object] = Counter()
    ranked: list[tuple[tuple[int, bool, int], Evidence]] = []
    for each in sorted((each for each in found if each.trace is not None), key=_sort_key):
        kind = frozenset(span.name for span in each.failed) or each.citation.places[0].section
        ranked.append(((kinds[kind] // 2, *_sort_key(each)), each))
        kinds[kind] += 1
    chosen = [each for _, each in sorted(ranked, key=itemgetter(0))[:_MAX_OPENED]]
    tasks = [Task(partial(_open, reader, *each)) for each in enumerate(chosen)]
    opened = dict(run_concurrently(tasks, MAX_CONCURRENT_REQUESTS))
    return [opened[place] for place in sorted(opened)]


def _sort_key(found: Evidence) -> tuple[bool, int]:
    return (found.trace is None or not found.trace.has_error, -len(found.citation.places))


def _open(reader: TraceReader, place: int, found: Evidence) -> Iterator[tuple[int, OpenedTrace]]:
    trace = found.trace
    assert trace is not None  # noqa: S101 - no other is opened
    try:
        spans = tuple(reader.spans(trace.id, _MAX_SPANS))
        failing = [node.id for node in span_tree(spans).failing[:_MAX_STEPS]]
        steps = tuple(reader.span(trace.id, id_) for id_ in failing)
    except PlatformError as error:
        if error.ends_the_run:
            raise
        return
    yield place, OpenedTrace(trace, tuple(found.citation.places), spans, steps)
