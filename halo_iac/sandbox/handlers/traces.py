"""``traces.*`` and ``spans.*``: traces and spans with every attribute, message, event and link.

Not documented, and chosen here:

- Rows of ``getSpans`` have inputs, outputs and messages, which the client's thread view reads; those of ``spans.list``
  do not. A page ends early where they are long.
- An unknown trace or span is NOT_FOUND; the message lists ids with the same beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import to_json

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers import trace_rows
from halo_iac.sandbox.handlers.trace_cursors import cursor_after, query_of, resumed
from halo_iac.sandbox.handlers.trace_filters import filters_of
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_queries import SPAN_SORTS, TRACE_SORTS, Order, Position
from halo_iac.sandbox.validation import Shape, nullable, required

_DEFAULT_LIMIT: Final = 25
_DEFAULT_SPANS: Final = 100
_PAGE_BYTES: Final = 4 * 1024 * 1024
"""The most bytes of spans in a page, unless a single span has more."""
_ORDERS: Final = ("asc", "desc")


def _anything(value: object) -> object:
    return value


SCOPE: Final[Shape] = {"projectId": required(rules.identifier), "teamId": nullable(rules.text)}
PAGE: Final[Shape] = {"cursor": nullable(rules.text), "limit": nullable(rules.integer(1, 1000))}
FILTERS: Final[Shape] = {"filters": nullable(_anything)}
TRACE: Final[Shape] = {**SCOPE, "traceId": required(rules.non_empty)}


def _listed(sorts: Sequence[str]) -> Shape:
    sort: Shape = {"sortBy": nullable(rules.one_of(sorts)), "sortOrder": nullable(rules.one_of(_ORDERS))}
    return {**SCOPE, **PAGE, **FILTERS, **sort}


_TRACES: Final = _listed(tuple(TRACE_SORTS))
_SPANS: Final = _listed(tuple(SPAN_SORTS))
_SPANS_OF_TRACE: Final[Shape] = {**TRACE, **FILTERS, **PAGE, "limit": nullable(rules.integer(1, 100))}
_SPAN: Final[Shape] = {**TRACE, "spanId": required(rules.non_empty)}


def list_traces(call: Call) -> bytes:
    """Return a page of the traces that pass the filters, newest first by default."""
    wanted = checked(call, _TRACES)
    query = query_of("traces.list", wanted, filters_of(wanted.get("filters"), of_spans=False))
    filters, after = resumed(query, wanted.get("cursor"))
    limit = wanted.get("limit") or _DEFAULT_LIMIT
    page = call.tables.traces.page_of_traces(wanted["projectId"], filters, _order(wanted), after, limit + 1)
    return written(
        {
            "traces": [trace_rows.trace_wire(row) for row in call.tables.traces.traces(places(page[:limit]))],
            "nextCursor": cursor_after(query, filters, page[limit - 1]) if len(page) > limit else None,
            "totalCount": call.tables.traces.count_traces(wanted["projectId"], filters),
        }
    )


def get_trace(call: Call) -> bytes:
    """Return one trace."""
    place = place_of(call, checked(call, TRACE))
    return written(trace_rows.trace_wire(call.tables.traces.traces([place])[0]))


def get_spans(call: Call) -> bytes:
    """Return a page of a trace's spans with input and output, in the order of their starts."""
    wanted = checked(call, _SPANS_OF_TRACE)
    query = query_of("traces.getSpans", wanted, filters_of(wanted.get("filters"), of_spans=True, needs_range=False))
    filters, after = resumed(query, wanted.get("cursor"))
    place_of(call, wanted)
    limit = wanted.get("limit") or _DEFAULT_SPANS
    page = call.tables.traces.spans_of_trace(wanted["projectId"], wanted["traceId"], filters, after, limit + 1)
    size = fitting(call.tables.traces.lengths(places(page[:limit])))
    rows = call.tables.traces.spans(places(page[:size]))
    return written(
        {
            "spans": [trace_rows.span_with_bodies(row) for row in rows],
            "nextCursor": cursor_after(query, filters, page[size - 1]) if len(page) > size else None,
        }
    )


def list_spans(call: Call) -> bytes:
    """Return a page of the spans of all traces that pass the filters, newest first by default."""
    wanted = checked(call, _SPANS)
    query = query_of("spans.list", wanted, filters_of(wanted.get("filters"), of_spans=True))
    filters, after = resumed(query, wanted.get("cursor"))
    limit = wanted.get("limit") or _DEFAULT_LIMIT
    page = call.tables.traces.page_of_spans(wanted["projectId"], filters, _order(wanted), after, limit + 1)
    return written(
        {
            "spans": [
                trace_rows.span_wire(row) for row in call.tables.traces.spans(places(page[:limit]), has_bodies=False)
            ],
            "nextCursor": cursor_after(query, filters, page[limit - 1]) if len(page) > limit else None,
        }
    )


def get_span(call: Call) -> bytes:
    """Return one span with every field."""
    wanted = checked(call, _SPAN)
    place = call.tables.traces.place_of_span(place_of(call, wanted), wanted["spanId"])
    if place is None:
        raise RequestRefused("NOT_FOUND", f"Span {wanted['spanId']} was not found in trace {wanted['traceId']}.")
    return written(trace_rows.span_detail(call.tables.traces.spans([place])[0]))


def checked(call: Call, shape: Shape) -> dict[str, Any]:
    """Return the validated input of a query about a project's traces; raises an error if it is invalid."""
    wanted = rules.checked(call.input, shape)
    call.check_project(wanted["projectId"])
    return wanted


def place_of(call: Call, wanted: dict[str, Any]) -> int:
    """Return the row number of the trace in the input; raises NOT_FOUND if there is none."""
    project_id, trace_id = wanted["projectId"], wanted["traceId"]
    place = call.tables.traces.place(project_id, trace_id)
    if place is None:
        near = call.tables.traces.ids_like(project_id, trace_id)
        said = f" Trace ids that begin alike: {', '.join(near)}." if near else ""
        raise RequestRefused("NOT_FOUND", f"Trace {trace_id} was not found in project {project_id}.{said}")
    return place


def written(value: object) -> bytes:
    """Return an answer as JSON; numbers that JSON does not have, such as infinity, become text."""
    return to_json(value, inf_nan_mode="strings")


def _order(wanted: dict[str, Any]) -> Order:
    return Order(wanted.get("sortBy") or "start_time", is_descending=wanted.get("sortOrder") != "asc")


def places(page: Sequence[Position]) -> list[int]:
    """Return the row numbers of a page's positions."""
    return [position.seq for position in page]


def fitting(lengths: Sequence[int], most: int = _PAGE_BYTES) -> int:
    """Return the number of spans, at least one, that fit into ``most`` bytes; ``lengths`` are their sizes in bytes."""
    total = 0
    for count, length in enumerate(lengths):
        total += length
        if total > most:
            return max(1, count)
    return len(lengths)


PROCEDURES: Final = {
    "traces.list": Procedure(Kind.QUERY, list_traces, shows_traces=True),
    "traces.get": Procedure(Kind.QUERY, get_trace),
    "traces.getSpans": Procedure(Kind.QUERY, get_spans),
    "spans.list": Procedure(Kind.QUERY, list_spans, shows_traces=True),
    "spans.get": Procedure(Kind.QUERY, get_span),
}
