"""Tables of traces, spans and executions.

An *execution* is one agent's part of a trace: when the trace ended, and how many of its spans are that agent's. A
trace that gets more spans is *unsettled*: its agents and its summary are computed again when the load is over, because
a later ancestor may name the agent of a span.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Literal

from halo_iac.sandbox.store.span_blocks import SpanBlocks
from halo_iac.sandbox.trace_summary import SpanRow

_SPAN: Final = ", ".join(SpanRow._fields)
_ADD: Final = f"INSERT OR IGNORE INTO spans ({_SPAN}) VALUES"
_SUMMARY: Final = """started, ended, mix, root, agent, spans, llm_spans, failed, prompt_tokens, completion_tokens,
    cached_tokens, total_tokens, cost"""
_ADD_TRACE: Final = f"INSERT INTO traces (seq, project_id, trace_id, is_demo, {_SUMMARY}, is_settled) VALUES"
_SETTLE: Final = f"UPDATE traces SET is_settled = 1, ({_SUMMARY}) = ({', '.join('?' * 13)}) WHERE seq = ?"
_ROWS: Final = f"SELECT {_SPAN} FROM spans WHERE trace = ? ORDER BY seq"
_OF_AGENT: Final = """
    SELECT trace_id, span_id, parent_id, words.text, kind, spans.started, max(spans.started, spans.ended), status,
    message, nullif(model, ''), spans.prompt_tokens, spans.completion_tokens, spans.total_tokens, tool, input_digest,
    NULL, output_digest, NULL, output_length, spans.cost,
    CASE WHEN input_digest IS NOT NULL OR output_digest IS NOT NULL THEN (
        SELECT json FROM bodies WHERE span = spans.seq
    ) END
    FROM spans JOIN traces ON traces.seq = spans.trace JOIN profiles ON profiles.id = profile
    JOIN words ON words.id = spans.name
    WHERE trace = ? AND profiles.agent = ? AND spans.seq <= ? ORDER BY spans.started, spans.ended, span_id LIMIT ?
"""
_PROFILE: Final = "project_id agent kind status service environment provider model keys resource_keys"
_ROWS_PER_INSERT: Final = 50
"""Rows that one statement adds; more of them are not faster."""
_TRACES_PER_QUERY: Final = 500
"""Traces that one statement looks up."""


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to the table and columns ``into``, many by one statement: each reopens the table and its indexes."""
    if not rows:
        return
    whole, row = len(rows) - len(rows) % _ROWS_PER_INSERT, f"({', '.join('?' * len(rows[0]))})"
    for first in range(0, whole, _ROWS_PER_INSERT):
        values = list(chain.from_iterable(rows[first : first + _ROWS_PER_INSERT]))
        connection.execute(f"{into} {', '.join([row] * _ROWS_PER_INSERT)}", values)
    connection.executemany(f"{into} {row}", rows[whole:])


class Interned(dict[tuple[Any, ...], int]):
    """The ids of a table's distinct rows by their values; a row is added when its id is first requested."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        super().__init__()
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        same = " AND ".join(f"{name} = ?" for name in columns)
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE {same}"
        self._add = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"
        self._read = f"SELECT {names} FROM {table} WHERE id = ?"

    def __missing__(self, values: tuple[Any, ...]) -> int:
        row = self._connection.execute(self._find, values).fetchone()
        row = row or self._connection.execute(self._add, values).fetchone()
        row_id = self[values] = int(row[0])
        return row_id

    def row(self, row_id: int) -> tuple[Any, ...]:
        """Return the values of a row."""
        return self._connection.execute(self._read, (row_id,)).fetchone()  # type: ignore[no-any-return]


class SpanTables:
    """Traces and spans, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.words = Interned(connection, "words", ("text",))
        self.profiles = Interned(connection, "profiles", _PROFILE.split())
        self.mixes = Interned(connection, "mixes", ("profiles",))
        self.blocks = SpanBlocks(connection)

    def trace_row_ids(self, project_id: str, trace_ids: Iterable[str]) -> dict[str, int]:
        """Return the row ids of the traces that exist, by their ids."""
        asked, found = list(trace_ids), []
        for first in range(0, len(asked), _TRACES_PER_QUERY):
            part = asked[first : first + _TRACES_PER_QUERY]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT trace_id, seq FROM traces WHERE project_id = ? AND trace_id IN ({marks})"
            found += self._connection.execute(sql, (project_id, *part)).fetchall()
        return dict(found)

    def last_row_id(self, table: Literal["spans", "traces"]) -> int:
        """Return the row id of the span or trace added last; 0 if there is none."""
        return int(self._connection.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0])

    def add_traces(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add traces with their summaries: each its row id, project, id, whether it is of a demo, and summary."""
        insert(self._connection, _ADD_TRACE, [(*row, 1) for row in rows])

    def mark_unsettled(self, traces: Iterable[int]) -> None:
        """Mark traces that have got more spans, so that their agents and summaries are computed again."""
        self._connection.executemany("UPDATE traces SET is_settled = 0 WHERE seq = ?", ((trace,) for trace in traces))

    def add_spans(self, spans: Sequence[Sequence[Any]], bodies: Sequence[tuple[int, bytes]]) -> int:
        """Add spans and their bodies, each with its row id; return how many were new."""
        last, before = self.last_row_id("spans"), self._connection.total_changes
        insert(self._connection, _ADD, spans)
        added = self._connection.total_changes - before
        if added < len(spans):
            new = {seq for (seq,) in self._connection.execute("SELECT seq FROM spans WHERE seq > ?", (last,))}
            bodies = [body for body in bodies if body[0] in new]
        insert(self._connection, "INSERT INTO bodies VALUES", bodies)
        return added

    def set_given_agent(self, agent: int, traces: Iterable[int]) -> None:
        """Set the agent of traces in which no span names one."""
        values = ((agent, trace) for trace in traces)
        self._connection.executemany("UPDATE traces SET given_agent = ? WHERE seq = ?", values)

    def index_traces(
        self, words: Sequence[tuple[int, int, int]], executions: Iterable[tuple[int, int, int, int]], *, is_demo: bool
    ) -> None:
        """Add the words (kind, word, trace) and the executions (agent, end, trace, spans) by which traces are found."""
        insert(self._connection, "INSERT OR IGNORE INTO trace_words VALUES", words)
        insert(self._connection, "INSERT INTO executions VALUES", [(*each, is_demo) for each in executions])

    def set_longest(self, project_id: str, span: int, trace: int) -> None:
        """Raise a project's longest durations of a span and a trace to these."""
        sql = """UPDATE projects SET longest_span = max(longest_span, ?), longest_trace = max(longest_trace, ?)
                 WHERE id = ?"""
        self._connection.execute(sql, (span, trace, project_id))

    def set_agent_names(self, names: Mapping[int, str]) -> None:
        """Set the names of agents that are identified by an id."""
        sql = "UPDATE agents SET name = ? WHERE seq = ? AND name IS NOT ?"
        self._connection.executemany(sql, ((name, agent, name) for agent, name in names.items()))

    def set_profiles(self, profiles: Mapping[int, int]) -> None:
        """Change the profiles of some spans, given by the row ids of the spans."""
        values = [(profile, span) for span, profile in profiles.items()]
        self._connection.executemany("UPDATE spans SET profile = ? WHERE seq = ?", values)
        self.blocks.discard(profiles)

    def unsettled(self, limit: int) -> list[tuple[int, str, bool, int | None]]:
        """Return some traces that have got more spans: row id, project, whether it is a demo trace, and given agent."""
        sql = "SELECT seq, project_id, is_demo, given_agent FROM traces WHERE NOT is_settled ORDER BY seq LIMIT ?"
        return self._connection.execute(sql, (limit,)).fetchall()

    def spans_of_trace(self, trace: int) -> list[SpanRow]:
        """Return the spans of a trace, in the order in which they were added."""
        return list(map(SpanRow._make, self._connection.execute(_ROWS, (trace,))))

    def set_summary(self, trace: int, summary: Sequence[Any]) -> None:
        """Set a trace's summary, which settles it, and delete its executions, which the caller adds again."""
        self._connection.execute("DELETE FROM executions WHERE trace = ?", (trace,))
        self._connection.execute(_SETTLE, (*summary, trace))

    def execution_counts(self, since: int, until: int) -> dict[int, int]:
        """Return the number of executions of each agent in a time range, by row id, without demo traces."""
        sql = """SELECT agents.seq, (SELECT count(*) FROM executions
                 WHERE agent = agents.seq AND ended >= ? AND ended < ? AND NOT is_demo) FROM agents"""
        return dict(self._connection.execute(sql, (since, until)).fetchall())

    def period_of_agent(self, agent: int) -> tuple[int, int] | None:
        """Return the ends of an agent's first and last execution, in nanoseconds; ``None`` if it has none."""
        sql = "SELECT min(ended), max(ended) FROM executions WHERE agent = ?"
        first, last = self._connection.execute(sql, (agent,)).fetchone()
        return None if first is None else (first, last)

    def demo_until(self, agent: int, first: int, last: int) -> dict[int, int]:
        """Return, by day, up to when a demo agent's traces exist."""
        sql = "SELECT day, until FROM demo_days WHERE agent = ? AND day BETWEEN ? AND ?"
        return dict(self._connection.execute(sql, (agent, first, last)).fetchall())

    def set_demo_until(self, agent: int, day: int, until: int) -> None:
        """Set up to when a demo agent's traces of a day exist."""
        self._connection.execute("INSERT OR REPLACE INTO demo_days VALUES (?, ?, ?)", (agent, day, until))

    def executions(self, agent: int, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield trace and number of spans of an agent's executions that ended in a time range, latest first."""
        sql = """SELECT trace, spans FROM executions WHERE agent = ? AND ended >= ? AND ended < ?
                 ORDER BY ended DESC, trace DESC"""
        yield from self._connection.execute(sql, (agent, since, until))

    def spans_of_agent(self, trace: int, agent: int, *, until: int, limit: int) -> list[tuple[Any, ...]]:
        """Return an agent's spans of a trace in the order of their starts, without those added after ``until``.

        Each has the values of the analyst's span without excerpts, and the JSON of those that have an input or output.
        """
        return self._connection.execute(_OF_AGENT, (trace, agent, until, limit)).fetchall()

    def nodes_of_trace(self, trace: int, *, until: int) -> list[tuple[str, str | None, int, int, bool]]:
        """Return id, parent, start, end and failure of all spans of a trace, without those added after ``until``."""
        sql = """SELECT span_id, parent_id, started, max(started, ended), status = 'ERROR'
                 FROM spans JOIN profiles ON profiles.id = profile WHERE trace = ? AND seq <= ? ORDER BY started"""
        return self._connection.execute(sql, (trace, until)).fetchall()

    def extent_of_trace(self, trace: int, *, until: int) -> tuple[str, int, int, int]:
        """Return a trace's id, start, end and number of spans, without spans added after ``until``."""
        sql = """SELECT trace_id, min(spans.started), max(max(spans.started, spans.ended)), count(*)
                 FROM spans JOIN traces ON traces.seq = trace
                 WHERE trace = ? AND spans.seq <= ?"""
        return self._connection.execute(sql, (trace, until)).fetchone()  # type: ignore[no-any-return]
