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
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers import trace_rows
from halo_iac.sandbox.handlers.trace_cursors import cursor_after, query_of, resumed
from halo_iac.sandbox.handlers.trace_filters import filters_of
from halo_iac.sandbox.handlers.traces import FILTERS, PAGE, SCOPE, TRACE, checked, fitting, place_of, places, written
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.span_bodies import excerpt
from halo_iac.sandbox.store.trace_filters import Filters
from halo_iac.sandbox.store.trace_queries import Order, SpanRow
from halo_iac.sandbox.validation import InvalidInput, Shape, required

_DEFAULT_LIMIT: Final = 25
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
    wanted = checked(call, _SEARCH)
    asked = filters_of(wanted.get("filters"), of_spans=False, needs_range=False)
    query = query_of("traces.search", wanted, replace(asked, mentions=(*asked.mentions, wanted["query"])))
    filters, after = resumed(query, wanted.get("cursor"))
    limit, project_id = wanted.get("limit") or _DEFAULT_LIMIT, wanted["projectId"]
    page = call.tables.traces.page_of_traces(project_id, filters, _NEWEST, after, limit + 1)
    rows = call.tables.traces.traces(places(page[:limit]))
    traces = [
        {**trace_rows.trace_wire(row), "matches": _matches(call, project_id, row.trace_id, wanted["query"])}
        for row in rows
    ]
    next_cursor = cursor_after(query, filters, page[limit - 1]) if len(page) > limit else None
    return written({"traces": traces, "nextCursor": next_cursor})


def _matches(call: Call, project_id: str, trace_id: str, text: str) -> list[dict[str, Any]]:
    filters = Filters(mentions=(text,))
    page = call.tables.traces.spans_of_trace(project_id, trace_id, filters, None, _MATCHES)
    rows = call.tables.traces.spans(places(page))
    found = ((row, excerpt(row.body or b"", text)) for row in rows)
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


def get_tree(call: Call) -> bytes:
    """Return a trace and its spans, without input and output."""
    return _drawn(call, trace_rows.span_wire, has_bodies=False)


def get_detail(call: Call) -> bytes:
    """Return a trace and its spans with every field."""
    return _drawn(call, trace_rows.span_detail, has_bodies=True)


def _drawn(call: Call, wire: Callable[[SpanRow], dict[str, Any]], *, has_bodies: bool) -> bytes:
    wanted = checked(call, _TREE)
    place, tables = place_of(call, wanted), call.tables.traces
    query = query_of("traces.getSpans", wanted, filters_of(wanted.get("filters"), of_spans=True, needs_range=False))
    page = tables.spans_of_trace(wanted["projectId"], wanted["traceId"], query.filters, None, _MAX_SPANS + 1)
    size = min(len(page), _MAX_SPANS)
    if has_bodies:
        size = fitting(tables.lengths(places(page[:size])), _MAX_BYTES)
    return written(
        {
            "trace": trace_rows.trace_wire(tables.traces([place])[0]),
            "spans": [wire(row) for row in tables.spans(places(page[:size]), has_bodies=has_bodies)],
            "nextCursor": cursor_after(query, query.filters, page[size - 1]) if len(page) > size else None,
        }
    )


def get_bodies(call: Call) -> bytes:
    """Return the inputs and outputs of some spans of a trace, in the order of the ids in the input."""
    wanted = checked(call, _BODIES)
    place, tables = place_of(call, wanted), call.tables.traces
    found = {span_id: tables.place_of_span(place, span_id) for span_id in wanted["spanIds"]}
    missing = [span_id for span_id, span in found.items() if span is None]
    if missing:
        which = f"{missing[0]} was" if len(missing) == 1 else f"{', '.join(missing[:5])} were"
        raise RequestRefused("NOT_FOUND", f"Span {which} not found in trace {wanted['traceId']}.")
    spans = [span for span in found.values() if span is not None]
    bodies: list[dict[str, Any]] = []
    for span in spans:  # one at a time, since each may be long
        [row] = tables.spans([span])
        bodies.append(_cut(row))
    return written({"traceId": wanted["traceId"], "bodies": bodies})


def _cut(row: SpanRow) -> dict[str, Any]:
    whole = trace_rows.bodies_of(row)
    cut = {name: text[:_BODY] for name, text in whole.items()}
    return {"spanId": row.span_id, **cut, "isTruncated": cut != whole}


PROCEDURES: Final = {
    "traces.search": Procedure(Kind.QUERY, search, shows_traces=True),
    "traces.getTree": Procedure(Kind.QUERY, get_tree),
    "traces.getDetail": Procedure(Kind.QUERY, get_detail),
    "traces.getBodies": Procedure(Kind.QUERY, get_bodies),
}
