"""Queries on traces and spans: pages of row ids, and the rows with these ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from json import dumps
from typing import Any, Final, NamedTuple

from halo_iac.sandbox.instants import MAX_NANOSECONDS, format_nanoseconds
from halo_iac.sandbox.store.trace_filters import (
    AGENT_ID,
    AGENT_NAME,
    Filters,
    Where,
    is_decided_by_profile,
    join_conditions,
    select_profiles,
    span_conditions,
    trace_conditions,
)
from halo_iac.sandbox.trace_summary import SESSION

TRACE_SORTS: Final = {
    "start_time": "traces.started",
    "duration": "traces.ended - traces.started",
    "total_cost": "coalesce(CAST(traces.cost AS REAL), -1)",
    "total_tokens": "coalesce(traces.total_tokens, -1)",
    "span_count": "traces.spans",
    "llm_span_count": "traces.llm_spans",
}
SPAN_SORTS: Final = {
    "start_time": "spans.started",
    "duration_ns": "spans.ended - spans.started",
    "cost_total": "coalesce(CAST(spans.cost AS REAL), -1)",
    "total_tokens": "coalesce(spans.total_tokens, -1)",
}
_SIMILAR_PREFIX_LENGTH: Final = 6
"""How many leading characters similar ids share."""
_MAX_SIMILAR_IDS: Final = 3

_TRACE_FIELDS: Final = {
    "traceId": "trace_id",
    "startTime": "traces.started",
    "endTime": "traces.ended",
    "durationNs": "traces.ended - traces.started",
    "rootSpanName": "words.text",
    "rootObservationKind": "profiles.kind",
    "serviceName": "profiles.service",
    "deploymentEnvironment": "profiles.environment",
    "agentName": AGENT_NAME,
    "spanCount": "traces.spans",
    "llmSpanCount": "llm_spans",
    "errorSpanCount": "failed",
    "inputTokens": "traces.prompt_tokens",
    "cacheReadTokens": "traces.cached_tokens",
    "outputTokens": "traces.completion_tokens",
    "totalTokens": "traces.total_tokens",
    "totalCost": "traces.cost",
    "hasError": "failed > 0",
}
"""The fields of a trace in the wire format, in this order, and the SQL of each."""
_SPAN_FIELDS: Final = {
    "traceId": "trace_id",
    "spanId": "span_id",
    "parentSpanId": "coalesce(parent_id, '')",
    "spanName": "words.text",
    "observationKind": "profiles.kind",
    "startTime": "spans.started",
    "endTime": "spans.ended",
    "durationNs": "spans.ended - spans.started",
    "statusCode": "'STATUS_CODE_' || profiles.status",
    "statusMessage": "message",
    "serviceName": "service",
    "deploymentEnvironment": "environment",
    "agentName": AGENT_NAME,
    "llmProvider": "provider",
    "llmModelName": "model",
    "userId": "coalesce(users.text, '')",
    "sessionId": "coalesce(sessions.text, '')",
    "inputTokens": "spans.prompt_tokens",
    "cacheReadTokens": "spans.cached_tokens",
    "outputTokens": "spans.completion_tokens",
    "totalTokens": "spans.total_tokens",
    "costTotal": "spans.cost",
}
_SESSION_FIELDS: Final = {
    "sessionId": "words.text",
    "agentIdentity": "?",
    "startTime": "min(traces.started)",
    "endTime": "max(traces.ended)",
    "durationNs": "max(traces.ended) - min(traces.started)",
    "traceCount": "count(*)",
    "spanCount": "sum(traces.spans)",
    "errorTraceCount": "sum(traces.failed > 0)",
    "totalTokens": "sum(traces.total_tokens)",
    "totalCost": "sum(CAST(traces.cost AS REAL))",
    "hasError": "sum(traces.failed) > 0",
}
_TRACES: Final = f"""
    SELECT traces.seq, {", ".join(_TRACE_FIELDS.values())}
    FROM traces JOIN spans ON spans.seq = traces.root JOIN profiles ON profiles.id = spans.profile
    JOIN words ON words.id = spans.name LEFT JOIN agents ON agents.seq = traces.agent
    WHERE traces.seq IN (SELECT value FROM json_each(?))
"""
_SPANS: Final = f"""
    SELECT spans.seq, {", ".join(_SPAN_FIELDS.values())}, CASE WHEN ? THEN (
        SELECT json FROM bodies WHERE span = spans.seq
    ) END
    FROM spans JOIN traces ON traces.seq = spans.trace JOIN profiles ON profiles.id = spans.profile
    JOIN words ON words.id = spans.name
    LEFT JOIN words AS users ON users.id = spans.user LEFT JOIN words AS sessions ON sessions.id = spans.session
    LEFT JOIN agents ON agents.seq = profiles.agent
    WHERE spans.seq IN (SELECT value FROM json_each(?))
"""

Json = dict[str, Any]


class Position(NamedTuple):
    """The end of a page: the last row's sort value and row id."""

    value: float
    seq: int


class Order(NamedTuple):
    """A sort column and its direction; ties are sorted by row id."""

    by: str
    is_descending: bool


class TraceQueries:
    """Queries on traces and spans, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def page_of_traces(
        self, project_id: str, filters: Filters, order: Order, after: Position | None, limit: int
    ) -> list[Position]:
        """Return the row ids of some traces that pass the filters, after a position."""
        where = self.where_traces(project_id, filters)
        return self._page("traces", "traces", TRACE_SORTS[order.by], order, where, after, limit)

    def count_traces(self, project_id: str, filters: Filters) -> int:
        """Return how many traces pass the filters."""
        where = self.where_traces(project_id, filters)
        sql = f"SELECT count(*) FROM traces WHERE {where.sql}"
        return int(self._connection.execute(sql, where.values).fetchone()[0])

    def page_of_spans(
        self, project_id: str, filters: Filters, order: Order, after: Position | None, limit: int
    ) -> list[Position]:
        """Return the row ids of some spans, of any trace, that pass the filters, after a position."""
        where = self.where_spans(project_id, filters)
        source = self.source_of_spans(filters)
        return self._page("spans", source, SPAN_SORTS[order.by], order, where, after, limit)

    def spans_of_trace(
        self, project_id: str, trace_id: str, filters: Filters, after: Position | None, limit: int
    ) -> list[Position]:
        """Return the row ids of some spans of a trace that pass the filters, by start."""
        order = Order("start_time", is_descending=False)
        return self.page_of_spans(project_id, replace(filters, trace_id=trace_id), order, after, limit)

    def where_traces(self, project_id: str, filters: Filters) -> Where:
        """Return the filters' condition on ``traces``."""
        scope = Where("traces.project_id = ? AND traces.started IS NOT NULL", (project_id,))
        time = [self._began_near(project_id, "trace", filters), _ended_in("traces", filters)]
        return join_conditions([scope, *time, *trace_conditions(filters)])

    def where_spans(self, project_id: str, filters: Filters) -> Where:
        """Return the filters' condition on :meth:`source_of_spans`."""
        if filters.trace_id is None:
            scope = self._began_near(project_id, "span", filters)
        else:
            scope = Where("spans.trace = ?", (self.trace_row_id(project_id, filters.trace_id) or 0,))
        return join_conditions([scope, _ended_in("spans", filters), *span_conditions(project_id, filters)])

    def deciding_profiles(self, project_id: str, filters: Filters) -> list[int] | None:
        """Return the profiles that pass the filters except for time; ``None`` if profiles do not decide it."""
        if not is_decided_by_profile(filters):
            return None
        statement = select_profiles(project_id, filters)
        return [number for (number,) in self._connection.execute(statement.sql, statement.values)]

    @staticmethod
    def source_of_spans(filters: Filters) -> str:
        """Return the tables that a condition on spans reads."""
        needs_bodies = filters.attributes or filters.mentions
        needs_traces = any(each.field == "trace_id" for each in filters.texts)
        return (
            "spans"
            + (" JOIN bodies ON bodies.span = spans.seq" if needs_bodies else "")
            + (" JOIN traces ON traces.seq = spans.trace" if needs_traces else "")
        )

    def traces(self, row_ids: Sequence[int]) -> list[Json]:
        """Return the traces with some row ids, in this order, in the wire format."""
        rows = self._connection.execute(_TRACES, (dumps(row_ids),)).fetchall()
        found = {row_id: _wire(_TRACE_FIELDS, values) for row_id, *values in rows}
        return [found[row_id] for row_id in row_ids]

    def spans(self, row_ids: Sequence[int]) -> list[Json]:
        """Return the spans with some row ids, in this order, in the wire format without input and output."""
        rows = self._connection.execute(_SPANS, (False, dumps(row_ids))).fetchall()
        found = {row_id: _wire(_SPAN_FIELDS, values) for row_id, *values, _ in rows}
        return [found[row_id] for row_id in row_ids]

    def spans_with_bodies(self, row_ids: Sequence[int]) -> list[tuple[Json, bytes]]:
        """Return the spans with some row ids, in this order, each with its JSON."""
        rows = self._connection.execute(_SPANS, (True, dumps(row_ids))).fetchall()
        found = {row_id: (_wire(_SPAN_FIELDS, values), body) for row_id, *values, body in rows}
        return [found[row_id] for row_id in row_ids]

    def sessions(
        self, project_id: str, filters: Filters, identity: str, text: str, after: Position | None, limit: int
    ) -> list[tuple[Position, Json]]:
        """Return some sessions of the traces that pass the filters, latest first, in the wire format.

        ``identity`` is the agent that the filters name; the session ids contain ``text``.
        """
        where = self.where_traces(project_id, filters)
        having = "HAVING (max(traces.ended), word) < (?, ?)" if after is not None else ""
        sql = f"""SELECT max(traces.ended), word, {", ".join(_SESSION_FIELDS.values())}
                  FROM trace_words JOIN words ON words.id = word JOIN traces ON traces.seq = trace_words.trace
                  WHERE field = {SESSION} AND instr(lower(words.text), lower(?)) > 0 AND {where.sql}
                  GROUP BY word {having} ORDER BY max(traces.ended) DESC, word DESC LIMIT ?"""
        values = (identity, text, *where.values, *(after or ()), limit)
        rows = self._connection.execute(sql, values).fetchall()
        return [(Position(ended, word), _wire(_SESSION_FIELDS, values)) for ended, word, *values in rows]

    def has_agent(self, project_id: str, identity: str) -> bool:
        """Return whether an agent of the project has this name or id."""
        sql = f"""SELECT 1 FROM agents WHERE project_id = ? AND ? IN ({AGENT_NAME}, {AGENT_ID}, id) LIMIT 1"""
        return self._connection.execute(sql, (project_id, identity)).fetchone() is not None

    def lengths(self, row_ids: Sequence[int]) -> list[int]:
        """Return the size in bytes of the JSON of some spans, in this order."""
        sql = "SELECT span, length(json) FROM bodies WHERE span IN (SELECT value FROM json_each(?))"
        found = dict(self._connection.execute(sql, (dumps(row_ids),)).fetchall())
        return [found[row_id] for row_id in row_ids]

    def trace_row_id(self, project_id: str, trace_id: str) -> int | None:
        """Return a trace's row id; ``None`` if it does not exist."""
        sql = "SELECT seq FROM traces WHERE project_id = ? AND trace_id = ?"
        row = self._connection.execute(sql, (project_id, trace_id)).fetchone()
        return None if row is None else int(row[0])

    def similar_trace_ids(self, project_id: str, trace_id: str) -> list[str]:
        """Return the ids of a few traces with the same beginning; none if there are many."""
        begin = trace_id[: min(_SIMILAR_PREFIX_LENGTH, max(1, len(trace_id) - 1))]
        sql = """SELECT trace_id FROM traces WHERE project_id = ? AND trace_id >= ? AND trace_id < ?
                 ORDER BY trace_id LIMIT ?"""
        values = (project_id, begin, f"{begin}\U0010ffff", _MAX_SIMILAR_IDS + 1)
        found = [row[0] for row in self._connection.execute(sql, values).fetchall()]
        return found if len(found) <= _MAX_SIMILAR_IDS else []

    def span_row_id(self, trace: int, span_id: str) -> int | None:
        """Return the row id of a trace's span; ``None`` if it does not exist."""
        sql = "SELECT seq FROM spans WHERE trace = ? AND span_id = ?"
        row = self._connection.execute(sql, (trace, span_id)).fetchone()
        return None if row is None else int(row[0])

    def _page(
        self, table: str, source: str, by: str, order: Order, where: Where, after: Position | None, limit: int
    ) -> list[Position]:
        sign, way = ("<", "DESC") if order.is_descending else (">", "ASC")
        if after is not None:
            where = join_conditions([where, Where(f"({by}, {table}.seq) {sign} (?, ?)", tuple(after))])
        sql = f"""SELECT {by}, {table}.seq FROM {source} WHERE {where.sql}
                  ORDER BY {by} {way}, {table}.seq {way} LIMIT ?"""
        return [Position._make(row) for row in self._connection.execute(sql, (*where.values, limit)).fetchall()]

    def _began_near(self, project_id: str, what: str, filters: Filters) -> Where:
        """Return bounds on the start, from the time range and the longest duration: the index is by start."""
        sql = f"SELECT longest_{what} FROM projects WHERE id = ?"
        row = self._connection.execute(sql, (project_id,)).fetchone()
        longest = 0 if row is None else int(row[0])
        first = 0 if filters.start is None else max(0, filters.start - longest)
        last = MAX_NANOSECONDS if filters.end is None else filters.end
        return Where(f"{what}s.started >= ? AND {what}s.started < ?", (first, last))


def _ended_in(table: str, filters: Filters) -> Where:
    """Return the condition that an end is in the time range; a span of negative duration ends at its start."""
    end = "max(spans.started, spans.ended)" if table == "spans" else "traces.ended"
    conditions = []
    if filters.start is not None:
        conditions.append(Where(f"{end} >= ?", (filters.start,)))
    if filters.end is not None:
        conditions.append(Where(f"{end} < ?", (filters.end,)))
    return join_conditions(conditions)


def _wire(fields: Iterable[str], values: Sequence[Any]) -> Json:
    """Return a row in the wire format: SQLite has no booleans, and writes no instants with nine digits."""
    wire = dict(zip(fields, values, strict=True))
    for name in ("startTime", "endTime"):
        wire[name] = format_nanoseconds(wire[name])
    if "hasError" in wire:
        wire["hasError"] = bool(wire["hasError"])
    return wire
