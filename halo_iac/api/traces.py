"""The platform's queries about traces and spans (docs/protocol.md#trace-procedures); nothing here changes anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from halo_iac.api.decode import unreadable_response
from halo_iac.api.pagination import MAX_PAGE_SIZE, Cursor, Page, read_pages, read_rows
from halo_iac.api.retry import Retry
from halo_iac.api.trpc import Json, RpcClient, without_none
from halo_iac.errors import Delivery, Rejected, SettingsError
from halo_iac.model.traces import FACETS, Facets, Span, SpanDetail, SpanPage, Trace, TracePage

P = TypeVar("P", Page, TracePage, SpanPage)

DEFAULT_TRACES: Final = 25
"""How many traces, or spans of several traces, are listed by default."""
DEFAULT_SPANS: Final = 1000
"""How many spans of one trace are read by default."""
DEFAULT_VALUES: Final = 50
"""How many values of a facet are counted by default."""

Filters = Mapping[str, Any]
"""Which traces or spans are meant, as sent; always with ``startDate`` and ``endDate``.

See docs/protocol.md#trace-filters.
"""

_PROJECT: Final = "project.getProject"


class TraceScope(NamedTuple):
    """The fields of every query about traces."""

    team_id: str
    project_id: str


class Order(NamedTuple):
    """What a list is sorted by, and ``asc`` or ``desc``; ``None`` leaves it to the platform: newest first."""

    by: str | None = None
    direction: str | None = None


NEWEST_FIRST: Final = Order()


class AttributeKey(NamedTuple):
    """An attribute whose values are counted: ``scope`` is ``span`` or ``resource``."""

    scope: str
    key: str


def team_of_project(caller: RpcClient, retry: Retry, project_id: str) -> str:
    """Return the id of a project's team."""
    query = {"projectId": project_id}
    answer = retry(lambda deadline: caller.call(_PROJECT, "query", query, deadline=deadline))
    team = answer.get("teamId") if isinstance(answer, dict) else None
    if not isinstance(team, str) or not team:
        message = f"{_PROJECT}: the platform does not say which team project {project_id} belongs to"
        raise SettingsError(message, hint="Name it with --team or INF_TEAM_ID.")
    return team


class TraceReader:
    """Reads the traces and spans of one project.

    Rows are as sent, in pages of at most 100; pages are requested one by one, so that a trace of any length takes
    the memory of one page.
    """

    def __init__(self, caller: RpcClient, scope: TraceScope, retry: Retry | None = None) -> None:
        self._caller = caller
        self._scope = scope
        self._retry = retry or Retry()

    def trace(self, trace_id: str) -> Trace:
        """Return a trace without its spans; ``Rejected`` with 404 if there is none."""
        procedure = "traces.get"
        return parse_trace(self._read_existing(procedure, {"traceId": trace_id}, f"no trace {trace_id}"), procedure)

    def span_pages(
        self,
        trace_id: str,
        *,
        limit: int | None = None,
        page_size: int = MAX_PAGE_SIZE,
        cursor: Cursor | None = None,
    ) -> Iterator[Page]:
        """Yield pages of a trace's spans as sent, from ``cursor`` on; at most ``limit`` spans are requested."""
        procedure = "traces.getSpans"

        def read_page(size: int, following: Cursor | None) -> Page:
            query = {"traceId": trace_id, "limit": min(size, page_size), "cursor": following}
            return read_rows(self._read(procedure, query), "spans", procedure)

        return _read_up_to(limit, read_page, procedure, cursor)

    def spans(self, trace_id: str, limit: int | None = None) -> Iterator[Span]:
        """Yield a trace's spans in the platform's order, at most ``limit``."""
        found = (row for page in self.span_pages(trace_id, limit=limit) for row in page.rows)
        return (parse_span(row, "traces.getSpans") for row in islice(found, limit))

    def span(self, trace_id: str, span_id: str) -> SpanDetail:
        """Return a span with all its details; ``Rejected`` with 404 if there is none."""
        procedure = "spans.get"
        query = {"traceId": trace_id, "spanId": span_id}
        value = self._read_existing(procedure, query, f"trace {trace_id} has no span {span_id}")
        return SpanDetail(parse_span(value, procedure).wire)

    def traces(
        self,
        filters: Filters,
        *,
        limit: int = DEFAULT_TRACES,
        cursor: Cursor | None = None,
        order: Order = NEWEST_FIRST,
    ) -> TracePage:
        """Return a page of the traces that match."""
        procedure = "traces.list"
        answer = self._read_list(procedure, filters, limit, cursor, order)
        page = read_rows(answer, "traces", procedure)
        total = answer.get("totalCount")
        return TracePage(
            answer,
            tuple(parse_trace(row, procedure) for row in page.rows),
            page.next_cursor,
            total if isinstance(total, int) and not isinstance(total, bool) else None,
        )

    def span_list(
        self,
        filters: Filters,
        *,
        limit: int = DEFAULT_TRACES,
        cursor: Cursor | None = None,
        order: Order = NEWEST_FIRST,
    ) -> SpanPage:
        """Return a page of the spans that match, of any trace."""
        procedure = "spans.list"
        answer = self._read_list(procedure, filters, limit, cursor, order)
        page = read_rows(answer, "spans", procedure)
        return SpanPage(answer, tuple(parse_span(row, procedure) for row in page.rows), page.next_cursor)

    def trace_pages(
        self, filters: Filters, *, limit: int, cursor: Cursor | None = None, order: Order = NEWEST_FIRST
    ) -> Iterator[TracePage]:
        """Yield what :meth:`traces` returns, page after page, until there are ``limit`` traces."""

        def read_page(size: int, following: Cursor | None) -> TracePage:
            return self.traces(filters, limit=size, cursor=following, order=order)

        return _read_up_to(limit, read_page, "traces.list", cursor)

    def span_list_pages(
        self, filters: Filters, *, limit: int, cursor: Cursor | None = None, order: Order = NEWEST_FIRST
    ) -> Iterator[SpanPage]:
        """Yield what :meth:`span_list` returns, page after page, until there are ``limit`` spans."""

        def read_page(size: int, following: Cursor | None) -> SpanPage:
            return self.span_list(filters, limit=size, cursor=following, order=order)

        return _read_up_to(limit, read_page, "spans.list", cursor)

    def search(
        self, query: str, *, filters: Filters | None = None, limit: int | None = None, cursor: Cursor | None = None
    ) -> Json:
        """Return what the platform finds for words, as sent: its shape was never observed."""
        return self._read("traces.search", {"query": query} | without_none(filters=filters, limit=limit, cursor=cursor))

    def facets(
        self,
        filters: Filters,
        *,
        of_spans: bool = False,
        facet_ids: Sequence[str] = FACETS,
        search: Mapping[str, str] | None = None,
        attribute: AttributeKey | None = None,
        limit: int = DEFAULT_VALUES,
    ) -> Facets:
        """Return how the traces that match divide, or the spans; ``search`` narrows the values of a facet to a text."""
        procedure = "spans.facets" if of_spans else "traces.facets"
        key = None if attribute is None else attribute._asdict()
        query = {"filters": dict(filters), "facetIds": list(facet_ids), "limit": limit}
        answer = self._read(procedure, query | without_none(facetSearch=dict(search or {}) or None, attributeKey=key))
        if not isinstance(answer, dict):
            raise unreadable_response(procedure, "answered without facets")
        return Facets(answer)

    def query(self, procedure: str, fields: Mapping[str, Any]) -> Json:
        """Return the answer to another query about traces as sent."""
        return self._read(procedure, fields)

    def _read_list(
        self,
        procedure: str,
        filters: Filters,
        limit: int,
        cursor: Cursor | None,
        order: Order,
    ) -> Json:
        query = {"limit": limit, "cursor": cursor, "filters": dict(filters)}
        return self._read(procedure, query | without_none(sortBy=order.by, sortOrder=order.direction))

    def _read_existing(self, procedure: str, query: Mapping[str, Any], missing: str) -> Json:
        """Return an answer; raises ``Rejected`` with 404 for null, the answer if there is no such thing."""
        answer = self._read(procedure, query)
        if answer is None:
            raise Rejected(missing, procedure=procedure, delivery=Delivery.REFUSED, status=404)
        return answer

    def _read(self, procedure: str, query: Mapping[str, Any]) -> Json:
        whole = {"teamId": self._scope.team_id, "projectId": self._scope.project_id, **query}
        return self._retry(lambda deadline: self._caller.call(procedure, "query", whole, deadline=deadline))


def _read_up_to(
    limit: int | None, read_page: Callable[[int, Cursor | None], P], procedure: str, cursor: Cursor | None
) -> Iterator[P]:
    """Yield pages until they have ``limit`` rows; ``read_page`` takes the size of a page and its cursor."""
    left = sys.maxsize if limit is None else limit

    def read_next(following: Cursor | None) -> P:
        return read_page(min(left, MAX_PAGE_SIZE), following)

    for page in read_pages(read_next, procedure, cursor=cursor, is_streamed=True):
        yield page
        left -= len(page.rows)
        if left <= 0:
            return


def parse_trace(value: Json, procedure: str) -> Trace:
    """Return one trace; one without id is unreadable."""
    if not _has_texts(value, "traceId"):
        raise unreadable_response(procedure, "answered with a trace that has no id")
    return Trace(value)


def parse_span(value: Json, procedure: str) -> Span:
    """Return one span; one without id is unreadable."""
    if not _has_texts(value, "traceId", "spanId"):
        raise unreadable_response(procedure, "answered with a span that has no id")
    return Span(value)


def _has_texts(value: Json, *names: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) and value[name] for name in names)
