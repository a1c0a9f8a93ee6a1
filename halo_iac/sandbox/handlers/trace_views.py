"""``traces.search getTree getDetail getBodies``: the data of a trace viewer, and full-text search.

Not documented, shapes included, and chosen here:

- A text is searched for regardless of case in names, messages, attribute values, events and links. Each trace found
  has at most five matching spans, each with an excerpt around the match.
- ``getTree`` returns the trace and its spans without input and output, ``getDetail`` with every field. Both return as
  many spans as fit, and a ``nextCursor`` for ``getSpans`` if there are more.
- ``getBodies`` cuts each text after 4,000 characters and marks the cut texts.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic_core import from_json

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers.span_fields import add_details, read_bodies
from halo_iac.sandbox.handlers.trace_cursors import make_query, next_cursor
from halo_iac.sandbox.handlers.trace_filters import read_filters
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
from halo_iac.sandbox.store.span_bodies import find_excerpt
from halo_iac.sandbox.store.trace_filters import Filters
from halo_iac.sandbox.store.trace_queries import Order
from halo_iac.sandbox.validation import InvalidInput, Shape, required

_MATCHES: Final = 5
_MAX_SPANS: Final = 10_000
_MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_BODY_LENGTH: Final = 4000
_MATCH_FIELDS: Final = ("spanId", "spanName", "observationKind", "statusCode")
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
    asked = read_filters(wanted.get("filters"), of_spans=False, needs_range=False)
    query = make_query("traces.search", wanted, replace(asked, mentions=(*asked.mentions, wanted["query"])))
    traces, cursor = page_of_traces(call, wanted, query, _NEWEST)
    found = [{**trace, "matches": _matches(call, trace["traceId"], wanted)} for trace in traces]
    return encode_answer({"traces": found, "nextCursor": cursor})


def _matches(call: Call, trace_id: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    text, tables = wanted["query"], call.tables.traces
    page = tables.spans_of_trace(wanted["projectId"], trace_id, Filters(mentions=(text,)), None, _MATCHES)
    found = ((span, find_excerpt(body, text)) for span, body in tables.spans_with_bodies(row_ids(page)))
    return [
        {**{name: span[name] for name in _MATCH_FIELDS}, "field": field, "excerpt": what}
        for span, (field, what) in found
    ]


def get_trace_with_spans(call: Call, *, has_details: bool) -> bytes:
    """Return a trace and its spans, with every field or without input and output."""
    wanted = call.read_project_input(_TREE)
    trace, tables = find_trace(call, wanted), call.tables.traces
    query = make_query("traces.getSpans", wanted, read_filters(wanted.get("filters"), of_spans=True, needs_range=False))
    page = tables.spans_of_trace(wanted["projectId"], wanted["traceId"], query.filters, None, _MAX_SPANS + 1)
    size = min(len(page), _MAX_SPANS)
    if has_details:
        size = count_fitting(tables.lengths(row_ids(page[:size])), _MAX_BYTES)
        spans = [add_details(*each) for each in tables.spans_with_bodies(row_ids(page[:size]))]
    else:
        spans = tables.spans(row_ids(page[:size]))
    return encode_answer(
        {
            "trace": tables.traces([trace])[0],
            "spans": spans,
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
    spans = [row_id for row_id in found.values() if row_id is not None]
    bodies = [
        _cut_bodies(*tables.spans_with_bodies([row_id])[0]) for row_id in spans
    ]  # one at a time: they may be long
    return encode_answer({"traceId": wanted["traceId"], "bodies": bodies})


def _cut_bodies(span: dict[str, Any], text: bytes) -> dict[str, Any]:
    whole = read_bodies(from_json(text))
    cut = {name: text[:_MAX_BODY_LENGTH] for name, text in whole.items()}
    return {"spanId": span["spanId"], **cut, "isTruncated": cut != whole}


PROCEDURES: Final = {
    "traces.search": Procedure(Kind.QUERY, search, shows_traces=True),
    "traces.getTree": Procedure(Kind.QUERY, partial(get_trace_with_spans, has_details=False)),
    "traces.getDetail": Procedure(Kind.QUERY, partial(get_trace_with_spans, has_details=True)),
    "traces.getBodies": Procedure(Kind.QUERY, get_bodies),
}
