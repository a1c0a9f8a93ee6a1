"""``traces.listSessions listSessionTraces getSessionTree``: traces that belong to one session of an agent.

Not documented, shapes included, and chosen here: ``agentIdentity`` is an agent's name or id; sessions are listed latest
first, the traces of a session in the order of their starts; ``mode`` is accepted and ignored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers.trace_cursors import make_query, next_cursor, resume
from halo_iac.sandbox.handlers.trace_filters import read_filters
from halo_iac.sandbox.handlers.traces import DEFAULT_LIMIT, FILTERS, PAGE, SCOPE, encode_answer, page_of_traces, row_ids
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_filters import Filters, TextFilter
from halo_iac.sandbox.store.trace_queries import Order
from halo_iac.sandbox.validation import Shape, nullable, required

_MAX_SPANS: Final = 1000
_OLDEST: Final = Order("start_time", is_descending=False)

_AGENT: Final[Shape] = {**SCOPE, **PAGE, **FILTERS, "agentIdentity": required(rules.non_empty)}
_SESSIONS: Final[Shape] = {**_AGENT, "query": nullable(rules.text)}
_TRACES: Final[Shape] = {
    **_AGENT,
    "sessionId": required(rules.non_empty),
    "mode": nullable(rules.text),
}
_TREE: Final[Shape] = {**_TRACES, "focusTraceId": nullable(rules.text)}


def list_sessions(call: Call) -> bytes:
    """Return a page of an agent's sessions."""
    wanted = call.read_project_input(_SESSIONS)
    query = make_query("traces.listSessions", wanted, _agent_filters(call, wanted))
    filters, after = resume(query, wanted.get("cursor"))
    limit, text = wanted.get("limit") or DEFAULT_LIMIT, wanted.get("query") or ""
    identity, tables = wanted["agentIdentity"], call.tables.traces
    page = tables.sessions(wanted["projectId"], filters, identity, text, after, limit + 1)
    return encode_answer(
        {
            "sessions": [session for _, session in page[:limit]],
            "nextCursor": next_cursor(query, filters, [position for position, _ in page], limit),
        }
    )


def list_session_traces(call: Call) -> bytes:
    """Return a page of a session's traces."""
    wanted = call.read_project_input(_TRACES)
    query = make_query("traces.listSessionTraces", wanted, _session_filters(call, wanted))
    traces, cursor = page_of_traces(call, wanted, query, _OLDEST)
    return encode_answer({"traces": traces, "nextCursor": cursor})


def get_session_tree(call: Call) -> bytes:
    """Return a page of a session's traces with their spans, at most a thousand of each."""
    wanted = call.read_project_input(_TREE)
    filters = _session_filters(call, wanted)
    focus = wanted.get("focusTraceId")
    if focus is not None and not call.tables.traces.count_traces(wanted["projectId"], replace(filters, trace_id=focus)):
        raise RequestRefused("NOT_FOUND", f"Trace {focus} was not found in session {wanted['sessionId']}.")
    traces, cursor = page_of_traces(call, wanted, make_query("traces.getSessionTree", wanted, filters), _OLDEST)
    return encode_answer(
        {
            "sessionId": wanted["sessionId"],
            "agentIdentity": wanted["agentIdentity"],
            "focusTraceId": focus,
            "traces": [{"trace": trace, "spans": _spans(call, wanted, trace["traceId"])} for trace in traces],
            "nextCursor": cursor,
        }
    )


def _spans(call: Call, wanted: dict[str, Any], trace_id: str) -> list[dict[str, Any]]:
    tables = call.tables.traces
    page = tables.spans_of_trace(wanted["projectId"], trace_id, Filters(), None, _MAX_SPANS)
    return tables.spans(row_ids(page))


def _agent_filters(call: Call, wanted: dict[str, Any]) -> Filters:
    identity = wanted["agentIdentity"]
    if not call.tables.traces.has_agent(wanted["projectId"], identity):
        raise RequestRefused("NOT_FOUND", f"Agent {identity} was not found in project {wanted['projectId']}.")
    filters = read_filters(wanted.get("filters"), of_spans=False, needs_range=False)
    return replace(filters, texts=(*filters.texts, TextFilter("agents", "in", (identity,))))


def _session_filters(call: Call, wanted: dict[str, Any]) -> Filters:
    filters, session_id = _agent_filters(call, wanted), wanted["sessionId"]
    session = TextFilter("session_id", "eq", (session_id,))
    if not call.tables.traces.count_traces(wanted["projectId"], Filters(texts=(filters.texts[-1], session))):
        raise RequestRefused(
            "NOT_FOUND", f"Session {session_id} was not found among the traces of agent {wanted['agentIdentity']}."
        )
    return replace(filters, texts=(*filters.texts, session))


PROCEDURES: Final = {
    "traces.listSessions": Procedure(Kind.QUERY, list_sessions, shows_traces=True),
    "traces.listSessionTraces": Procedure(Kind.QUERY, list_session_traces, shows_traces=True),
    "traces.getSessionTree": Procedure(Kind.QUERY, get_session_tree, shows_traces=True),
}
