"""``traces.search getTree getDetail getBodies``: the data of a trace viewer, and full-text search.

Not documented, shapes included, and chosen here:

- A text is searched for regardless of case in names, messages, attribute values, events and links. Each trace found
  has at most five matching spans, each with an excerpt around the match.
- ``getTree`` returns the trace and its spans without input and output, ``getDetail`` with every field. Both return as
  many spans as fit, and a ``nextCursor`` for ``getSpans`` if there are more.
- ``getBodies`` cuts each text after 4,000 characters and marks the cut texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers import trace_rows
from halo_iac.sandbox.handlers.trace_cursors import make_query, next_cursor
from halo_iac.sandbox.handlers.trace_filters import filters_of
from halo_iac.sandbox.handlers.traces import (
    FILTERS,
    PAGE,
    SCOPE,
    TRACE,
    count_fitting,
    encode_answer,
    find_trace,
    page_of_traces,
    row_ids,
)
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.span_bodies import excerpt
from halo_iac.sandbox.store.trace_filters import Filters
from halo_iac.sandbox.store.trace_queries import Order, SpanRow, TraceRow
from halo_iac.sandbox.validation import InvalidInput, Shape, required

_MATCHES: Final = 5
_MAX_SPANS: Final = 10_000
_MAX_BYTES: Final = 32 * 1024 * 1024
_BODY: Final = 4000
_NEWEST: Final = Order("start_time", is_descending=True)

_SEARCH: Final[Shape] = {**SCOPE, **PAGE, **FILTERS, "query": required(rules.non_empty)}
_TREE: Final[Shape] = {**TRACE, **FILTERS}


def _span_ids(value: object) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_SPANS:
        raise InvalidInput(f"must be a list of 1 to {_MAX_SPANS} span ids")
    return [rules.text(each) for each in value]


_BODIES: Final[Shape] = {**TRACE, "spanIds": required(_span_ids)}


def search(call: Call) -> bytes:
    """Return a page of the traces that contain a text, newest first, each with its matching spans."""
    wanted = call.read_project_input(_SEARCH)
    asked = filters_of(wanted.get("filters"), of_spans=False, needs_range=False)
    query = make_query("traces.search", wanted, replace(asked, mentions=(*asked.mentions, wanted["query"])))
    rows, cursor = page_of_traces(call, wanted, query, _NEWEST)
    traces = [{**trace_rows.trace_wire(row), "matches": _matches(call, row, wanted)} for row in rows]
    return encode_answer({"traces": traces, "nextCursor": cursor})


def _matches(call: Call, trace: TraceRow, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    text, tables = wanted["query"], call.tables.traces
    page = tables.spans_of_trace(wanted["projectId"], trace.trace_id, Filters(mentions=(text,)), None, _MATCHES)
    found = ((row, excerpt(row.body or b"", text)) for row in tables.spans(row_ids(page)))
    return [
        {
            "spanId": row.span_id,
            "spanName": row.name,
            "observationKind": row.kind,
            "statusCode": trace_rows.span_wire(row)["statusCode"],
            "field": where,
            "excerpt": what,
        }
        for row, (where, what) in found
    ]


def get_trace_with_spans(call: Call, *, wire: Callable[[SpanRow], dict[str, Any]], has_bodies: bool) -> bytes:
    """Return a trace and its spans, each as ``wire`` returns it, from its row and, if requested, its JSON."""
    wanted = call.read_project_input(_TREE)
    trace, tables = find_trace(call, wanted), call.tables.traces
    query = make_query("traces.getSpans", wanted, filters_of(wanted.get("filters"), of_spans=True, needs_range=False))
    page = tables.spans_of_trace(wanted["projectId"], wanted["traceId"], query.filters, None, _MAX_SPANS + 1)
    size = min(len(page), _MAX_SPANS)
    if has_bodies:
        size = count_fitting(tables.lengths(row_ids(page[:size])), _MAX_BYTES)
    return encode_answer(
        {
            "trace": trace_rows.trace_wire(tables.traces([trace])[0]),
            "spans": [wire(row) for row in tables.spans(row_ids(page[:size]), has_bodies=has_bodies)],
            "nextCursor": next_cursor(query, query.filters, page, size),
        }
    )


def get_bodies(call: Call) -> bytes:
    """Return the inputs and outputs of some spans of a trace, in the order of the ids in the input."""
    wanted = call.read_project_input(_BODIES)
    trace, tables = find_trace(call, wanted), call.tables.traces
    found = {span_id: tables.span_row_id(trace, span_id) for span_id in wanted["spanIds"]}
    missing = [span_id for span_id, span in found.items() if span is None]
    if missing:
        which = f"{missing[0]} was" if len(missing) == 1 else f"{', '.join(missing[:5])} were"
        raise RequestRefused("NOT_FOUND", f"Span {which} not found in trace {wanted['traceId']}.")
    spans = [span for span in found.values() if span is not None]
    bodies = [_cut(tables.spans([span])[0]) for span in spans]  # one at a time, since each may be long
    return encode_answer({"traceId": wanted["traceId"], "bodies": bodies})


def _cut(row: SpanRow) -> dict[str, Any]:
    whole = trace_rows.bodies_of(row)
    cut = {name: text[:_BODY] for name, text in whole.items()}
    return {"spanId": row.span_id, **cut, "isTruncated": cut != whole}


PROCEDURES: Final = {
    "traces.search": Procedure(Kind.QUERY, search, shows_traces=True),
    "traces.getTree": Procedure(Kind.QUERY, partial(get_trace_with_spans, wire=trace_rows.span_wire, has_bodies=False)),
    "traces.getDetail": Procedure(
        Kind.QUERY, partial(get_trace_with_spans, wire=trace_rows.span_detail, has_bodies=True)
    ),
    "traces.getBodies": Procedure(Kind.QUERY, get_bodies),
}
