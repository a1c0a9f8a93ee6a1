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
from halo_iac.sandbox.handlers.span_fields import add_bodies, add_details
from halo_iac.sandbox.handlers.trace_cursors import Query, make_query, next_cursor, resume
from halo_iac.sandbox.handlers.trace_filters import read_filters
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_queries import SPAN_SORTS, TRACE_SORTS, Order, Position
from halo_iac.sandbox.validation import Shape, nullable, required

DEFAULT_LIMIT: Final = 25
_DEFAULT_SPANS: Final = 100
_PAGE_BYTES: Final = 4 * 1024 * 1024
"""The most bytes of spans in a page, unless a single span has more."""
_ORDERS: Final = ("asc", "desc")


SCOPE: Final[Shape] = {"projectId": required(rules.identifier), "teamId": nullable(rules.text)}
PAGE: Final[Shape] = {"cursor": nullable(rules.text), "limit": nullable(rules.integer(1, 1000))}
FILTERS: Final[Shape] = {"filters": nullable(lambda value: value)}
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
    wanted = call.read_project_input(_TRACES)
    query = make_query("traces.list", wanted, read_filters(wanted.get("filters"), of_spans=False))
    traces, cursor = page_of_traces(call, wanted, query, _order(wanted))
    filters, _ = resume(query, wanted.get("cursor"))
    return encode_answer(
        {
            "traces": traces,
            "nextCursor": cursor,
            "totalCount": call.tables.traces.count_traces(wanted["projectId"], filters),
        }
    )


def page_of_traces(
    call: Call, wanted: dict[str, Any], query: Query, order: Order
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the page of a query's traces that the input asks for, and the cursor of the next one."""
    filters, after = resume(query, wanted.get("cursor"))
    limit, tables = wanted.get("limit") or DEFAULT_LIMIT, call.tables.traces
    page = tables.page_of_traces(wanted["projectId"], filters, order, after, limit + 1)
    return tables.traces(row_ids(page[:limit])), next_cursor(query, filters, page, limit)


def get_trace(call: Call) -> bytes:
    """Return one trace."""
    row_id = find_trace(call, call.read_project_input(TRACE))
    return encode_answer(call.tables.traces.traces([row_id])[0])


def get_spans(call: Call) -> bytes:
    """Return a page of a trace's spans with input and output, in the order of their starts."""
    wanted, tables = call.read_project_input(_SPANS_OF_TRACE), call.tables.traces
    query = make_query("traces.getSpans", wanted, read_filters(wanted.get("filters"), of_spans=True, needs_range=False))
    filters, after = resume(query, wanted.get("cursor"))
    find_trace(call, wanted)
    limit = wanted.get("limit") or _DEFAULT_SPANS
    page = tables.spans_of_trace(wanted["projectId"], wanted["traceId"], filters, after, limit + 1)
    size = count_fitting(tables.lengths(row_ids(page[:limit])))
    return encode_answer(
        {
            "spans": [add_bodies(*each) for each in tables.spans_with_bodies(row_ids(page[:size]))],
            "nextCursor": next_cursor(query, filters, page, size),
        }
    )


def list_spans(call: Call) -> bytes:
    """Return a page of the spans of all traces that pass the filters, newest first by default."""
    wanted, tables = call.read_project_input(_SPANS), call.tables.traces
    query = make_query("spans.list", wanted, read_filters(wanted.get("filters"), of_spans=True))
    filters, after = resume(query, wanted.get("cursor"))
    limit = wanted.get("limit") or DEFAULT_LIMIT
    page = tables.page_of_spans(wanted["projectId"], filters, _order(wanted), after, limit + 1)
    return encode_answer(
        {
            "spans": tables.spans(row_ids(page[:limit])),
            "nextCursor": next_cursor(query, filters, page, limit),
        }
    )


def get_span(call: Call) -> bytes:
    """Return one span with every field."""
    wanted = call.read_project_input(_SPAN)
    row_id = call.tables.traces.span_row_id(find_trace(call, wanted), wanted["spanId"])
    if row_id is None:
        raise RequestRefused("NOT_FOUND", f"Span {wanted['spanId']} was not found in trace {wanted['traceId']}.")
    return encode_answer(add_details(*call.tables.traces.spans_with_bodies([row_id])[0]))


def find_trace(call: Call, wanted: dict[str, Any]) -> int:
    """Return the row id of the trace that the input names; raises NOT_FOUND if there is none."""
    project_id, trace_id = wanted["projectId"], wanted["traceId"]
    row_id = call.tables.traces.trace_row_id(project_id, trace_id)
    if row_id is None:
        near = call.tables.traces.similar_trace_ids(project_id, trace_id)
        said = f" Trace ids that begin alike: {', '.join(near)}." if near else ""
        raise RequestRefused("NOT_FOUND", f"Trace {trace_id} was not found in project {project_id}.{said}")
    return row_id


def encode_answer(value: object) -> bytes:
    """Return an answer as JSON; numbers that JSON does not have, such as infinity, become text."""
    return to_json(value, inf_nan_mode="strings")


def _order(wanted: dict[str, Any]) -> Order:
    return Order(wanted.get("sortBy") or "start_time", is_descending=wanted.get("sortOrder") != "asc")


def row_ids(page: Sequence[Position]) -> list[int]:
    """Return the row ids of a page's positions."""
    return [position.seq for position in page]


def count_fitting(lengths: Sequence[int], most: int = _PAGE_BYTES) -> int:
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
