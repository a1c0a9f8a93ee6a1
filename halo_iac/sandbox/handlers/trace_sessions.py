"""``traces.listSessions listSessionTraces getSessionTree``: traces that belong to one session of an agent.

Not documented, shapes included, and chosen here: ``agentIdentity`` is an agent's name or id; sessions are listed latest
first, the traces of a session in the order of their starts; ``mode`` is accepted and ignored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers import trace_rows
from halo_iac.sandbox.handlers.trace_cursors import Query, cursor_after, query_of, resumed
from halo_iac.sandbox.handlers.trace_filters import filters_of
from halo_iac.sandbox.handlers.traces import FILTERS, PAGE, SCOPE, checked, places, written
from halo_iac.sandbox.instants import format_nanoseconds
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_filters import Filters, TextFilter
from halo_iac.sandbox.store.trace_queries import Order, Position, SessionRow, TraceRow
from halo_iac.sandbox.validation import Shape, nullable, required

_DEFAULT_LIMIT: Final = 25
_MAX_SPANS: Final = 1000
_OLDEST: Final = Order("start_time", is_descending=False)

_SESSIONS: Final[Shape] = {
    **SCOPE,
    **PAGE,
    **FILTERS,
    "agentIdentity": required(rules.non_empty),
    "query": nullable(rules.text),
}
_TRACES: Final[Shape] = {
    **SCOPE,
    **PAGE,
    **FILTERS,
    "agentIdentity": required(rules.non_empty),
    "sessionId": required(rules.non_empty),
    "mode": nullable(rules.text),
}
_TREE: Final[Shape] = {**_TRACES, "focusTraceId": nullable(rules.text)}


def list_sessions(call: Call) -> bytes:
    """Return a page of an agent's sessions."""
    wanted = checked(call, _SESSIONS)
    query = query_of("traces.listSessions", wanted, _of_agent(call, wanted))
    filters, after = resumed(query, wanted.get("cursor"))
    limit, text = wanted.get("limit") or _DEFAULT_LIMIT, wanted.get("query") or ""
    page = call.tables.traces.sessions(wanted["projectId"], filters, text, after, limit + 1)
    last = page[limit - 1] if len(page) > limit else None
    return written(
        {
            "sessions": [_session(row, wanted["agentIdentity"]) for row in page[:limit]],
            "nextCursor": None if last is None else cursor_after(query, filters, Position(last.ended, last.word)),
        }
    )


def list_session_traces(call: Call) -> bytes:
    """Return a page of a session's traces."""
    wanted = checked(call, _TRACES)
    rows, next_cursor = _traces(call, wanted, query_of("traces.listSessionTraces", wanted, _of_session(call, wanted)))
    return written({"traces": [trace_rows.trace_wire(row) for row in rows], "nextCursor": next_cursor})


def get_session_tree(call: Call) -> bytes:
    """Return a page of a session's traces with their spans, at most a thousand of each."""
    wanted = checked(call, _TREE)
    filters = _of_session(call, wanted)
    focus = wanted.get("focusTraceId")
    if focus is not None and not call.tables.traces.count_traces(wanted["projectId"], replace(filters, trace_id=focus)):
        raise RequestRefused("NOT_FOUND", f"Trace {focus} was not found in session {wanted['sessionId']}.")
    rows, next_cursor = _traces(call, wanted, query_of("traces.getSessionTree", wanted, filters))
    return written(
        {
            "sessionId": wanted["sessionId"],
            "agentIdentity": wanted["agentIdentity"],
            "focusTraceId": focus,
            "traces": [{"trace": trace_rows.trace_wire(row), "spans": _spans(call, wanted, row)} for row in rows],
            "nextCursor": next_cursor,
        }
    )


def _traces(call: Call, wanted: dict[str, Any], query: Query) -> tuple[list[TraceRow], str | None]:
    filters, after = resumed(query, wanted.get("cursor"))
    limit, tables = wanted.get("limit") or _DEFAULT_LIMIT, call.tables.traces
    page = tables.page_of_traces(wanted["projectId"], filters, _OLDEST, after, limit + 1)
    next_cursor = cursor_after(query, filters, page[limit - 1]) if len(page) > limit else None
    return tables.traces(places(page[:limit])), next_cursor


def _spans(call: Call, wanted: dict[str, Any], row: TraceRow) -> list[dict[str, Any]]:
    tables = call.tables.traces
    page = tables.spans_of_trace(wanted["projectId"], row.trace_id, Filters(), None, _MAX_SPANS)
    return [trace_rows.span_wire(span) for span in tables.spans(places(page), has_bodies=False)]


def _of_agent(call: Call, wanted: dict[str, Any]) -> Filters:
    identity = wanted["agentIdentity"]
    if not call.tables.traces.has_agent(wanted["projectId"], identity):
        raise RequestRefused("NOT_FOUND", f"Agent {identity} was not found in project {wanted['projectId']}.")
    filters = filters_of(wanted.get("filters"), of_spans=False, needs_range=False)
    return replace(filters, texts=(*filters.texts, TextFilter("agents", "in", (identity,))))


def _of_session(call: Call, wanted: dict[str, Any]) -> Filters:
    filters, session_id = _of_agent(call, wanted), wanted["sessionId"]
    session = TextFilter("session_id", "eq", (session_id,))
    if not call.tables.traces.count_traces(wanted["projectId"], Filters(texts=(filters.texts[-1], session))):
        raise RequestRefused(
            "NOT_FOUND", f"Session {session_id} was not found among the traces of agent {wanted['agentIdentity']}."
        )
    return replace(filters, texts=(*filters.texts, session))


def _session(row: SessionRow, identity: str) -> dict[str, Any]:
    return {
        "sessionId": row.session,
        "agentIdentity": identity,
        "startTime": format_nanoseconds(row.started),
        "endTime": format_nanoseconds(row.ended),
        "durationNs": row.ended - row.started,
        "traceCount": row.traces,
        "spanCount": row.spans,
        "errorTraceCount": row.failed,
        "totalTokens": row.total_tokens,
        "totalCost": row.cost,
        "hasError": row.failed > 0,
    }


PROCEDURES: Final = {
    "traces.listSessions": Procedure(Kind.QUERY, list_sessions, shows_traces=True),
    "traces.listSessionTraces": Procedure(Kind.QUERY, list_session_traces, shows_traces=True),
    "traces.getSessionTree": Procedure(Kind.QUERY, get_session_tree, shows_traces=True),
}
