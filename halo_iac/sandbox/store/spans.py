"""Traces, their spans, and which agents were at work in them.

An *execution* is a trace as far as one agent is concerned: when its trace began, and how many of its spans are that
agent's. Executions are reckoned per trace once the trace is whole (:meth:`SpanTables.settle`), because a span's agent
may be named by an ancestor that comes later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

_FIELDS: Final = """span_id, parent_id, name, kind, started, ended, status, message, agent_source, agent_value, service,
    model, prompt_tokens, completion_tokens, total_tokens, tool, input_digest, input_excerpt, output_digest,
    output_excerpt, output_length, cost"""
_ADD: Final = f"INSERT OR IGNORE INTO spans (trace, agent, {_FIELDS}) VALUES ({', '.join('?' * 24)})"  # noqa: S608 (all constants)
_NEW_TRACE: Final = """
    INSERT INTO traces (project_id, trace_id, is_settled) VALUES (?, ?, 1) ON CONFLICT DO NOTHING RETURNING seq
"""
_OLD_TRACE: Final = "UPDATE traces SET is_settled = 0 WHERE project_id = ? AND trace_id = ? RETURNING seq"
_OF_TRACE: Final = f"""
    SELECT traces.trace_id, {_FIELDS} FROM spans JOIN traces ON traces.seq = spans.trace
    WHERE trace = ? AND agent = ? AND spans.seq <= ? ORDER BY started, ended, span_id LIMIT ?
"""  # noqa: S608 (likewise)


class Execution(NamedTuple):
    """A trace as far as one agent is concerned; ``trace`` is its place in the store, ``started`` nanoseconds."""

    started: int
    trace: int
    spans: int


class SpanTables:
    """Traces and spans, seen from inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def trace(self, project_id: str, trace_id: str) -> tuple[int, bool]:
        """Return a trace's place, and whether it is new, and so settled; any other is unsettled from now on."""
        row = self._connection.execute(_NEW_TRACE, (project_id, trace_id)).fetchone()
        if row is not None:
            return row[0], True
        return self._connection.execute(_OLD_TRACE, (project_id, trace_id)).fetchone()[0], False

    def add(self, rows: Iterable[Sequence[Any]]) -> int:
        """Add spans, each its trace's place, its agent's and its fields; return how many were not there yet."""
        before = self._connection.total_changes
        self._connection.executemany(_ADD, rows)
        return self._connection.total_changes - before

    def mark(self, owners: Mapping[int, int | None]) -> None:
        """Write down whose some spans are."""
        marks = [(agent, span) for span, agent in owners.items()]
        self._connection.executemany("UPDATE spans SET agent = ? WHERE seq = ?", marks)

    def unsettled(self, limit: int) -> list[tuple[int, str]]:
        """Return place and project of some traces that have got spans since they were last settled."""
        sql = "SELECT seq, project_id FROM traces WHERE NOT is_settled ORDER BY seq LIMIT ?"
        return self._connection.execute(sql, (limit,)).fetchall()

    def links(self, trace: int) -> list[tuple[int, int, str, str | None, str | None, str | None]]:
        """Return seq, start, id, parent's id and the agent's source and value of every span of a trace."""
        sql = "SELECT seq, started, span_id, parent_id, agent_source, agent_value FROM spans WHERE trace = ?"
        return self._connection.execute(sql, (trace,)).fetchall()

    def add_executions(self, executions: Iterable[tuple[int, int, int, int]], *, is_demo: bool) -> None:
        """Write down executions: each its agent, its start, its trace and its number of spans."""
        rows = ((*execution, is_demo) for execution in executions)
        self._connection.executemany("INSERT INTO executions VALUES (?, ?, ?, ?, ?)", rows)

    def settle(self, trace: int) -> None:
        """Forget the executions of a trace, which are about to be written down anew."""
        self._connection.execute("DELETE FROM executions WHERE trace = ?", (trace,))
        self._connection.execute("UPDATE traces SET is_settled = 1 WHERE seq = ?", (trace,))

    def execution_counts(self, since: int, until: int) -> dict[int, int]:
        """Return how often each agent was at work in a time range, agents by their place; demo traces do not count."""
        sql = """SELECT agents.seq, (SELECT count(*) FROM executions
                 WHERE agent = agents.seq AND started >= ? AND started < ? AND NOT is_demo) FROM agents"""
        return dict(self._connection.execute(sql, (since, until)).fetchall())

    def seen(self, agent: int) -> tuple[int, int] | None:
        """Return the starts of an agent's first and last execution, in nanoseconds; ``None`` where it has none."""
        sql = "SELECT min(started), max(started) FROM executions WHERE agent = ?"
        first, last = self._connection.execute(sql, (agent,)).fetchone()
        return None if first is None else (first, last)

    def demo_until(self, agent: int, day: int) -> int:
        """Return up to when a demo agent's traces of a day are there; 0 where none are."""
        sql = "SELECT until FROM demo_days WHERE agent = ? AND day = ?"
        row = self._connection.execute(sql, (agent, day)).fetchone()
        return 0 if row is None else int(row[0])

    def set_demo_until(self, agent: int, day: int, until: int) -> None:
        """Write down up to when a demo agent's traces of a day are there."""
        self._connection.execute("INSERT OR REPLACE INTO demo_days VALUES (?, ?, ?)", (agent, day, until))

    def executions(self, agent: int, since: int, until: int) -> Iterator[Execution]:
        """Yield an agent's executions in a time range, latest first."""
        sql = """SELECT started, trace, spans FROM executions WHERE agent = ? AND started >= ? AND started < ?
                 ORDER BY started DESC, trace DESC"""
        for row in self._connection.execute(sql, (agent, since, until)):
            yield Execution(*row)

    def last_span(self) -> int:
        """Return the place of the span that was added last; 0 where there is none."""
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM spans").fetchone()[0])

    def of_trace(self, trace: int, agent: int, *, until: int, limit: int) -> list[tuple[Any, ...]]:
        """Return an agent's spans of a trace in the order they began, up to the one that was added at ``until``."""
        return self._connection.execute(_OF_TRACE, (trace, agent, until, limit)).fetchall()

    def shape_of_trace(self, trace: int, *, until: int) -> list[tuple[str, str | None, int, int, bool]]:
        """Return id, parent's id, start, end and whether it failed of every span of a trace, likewise."""
        sql = """SELECT span_id, parent_id, started, ended, status = 'ERROR' FROM spans
                 WHERE trace = ? AND seq <= ? ORDER BY started"""
        return self._connection.execute(sql, (trace, until)).fetchall()

    def summary(self, trace: int, *, until: int) -> tuple[str, int, int, int]:
        """Return a trace's id, start, end and number of spans, up to the one that was added at ``until``."""
        sql = """SELECT trace_id, min(started), max(ended), count(*) FROM spans JOIN traces ON traces.seq = trace
                 WHERE trace = ? AND spans.seq <= ?"""
        trace_id, started, ended, spans = self._connection.execute(sql, (trace, until)).fetchone()
        return trace_id, started, ended, spans
