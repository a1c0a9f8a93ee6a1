"""Tables of projects, API keys, agents and schedules."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from halo_iac.sandbox.protocol import SandboxError, ServerFailure
from halo_iac.sandbox.store.runs import RunTables
from halo_iac.sandbox.store.spans import SpanTables
from halo_iac.sandbox.store.trace_facets import TraceFacets
from halo_iac.sandbox.store.trace_queries import TraceQueries

_MAX_AHEAD_SECONDS: Final = 10**11
"""The most seconds by which the clock may be ahead: three thousand years."""
_AGENTS: Final = "SELECT seq, id, last_seen_at, is_counted, wire FROM agents WHERE project_id = ? AND NOT is_gone"
_SCHEDULES: Final = "SELECT id, project_id, asked_model_id, wire, next_at FROM schedules"
_SCHEDULE_PAGE: Final = """
    SELECT seq, CAST(wire AS BLOB) FROM schedules
    WHERE project_id = ? AND seq > ? AND is_archived <= ? AND (? IS NULL OR agent_id = ?)
    ORDER BY seq LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: its permissions and projects (``every_project`` includes future ones)."""

    text: str
    can_read: bool = True
    can_write: bool = True
    every_project: bool = False

    def __repr__(self) -> str:
        """Return the fields without the key's text."""
        return f"Key(can_read={self.can_read}, can_write={self.can_write}, every_project={self.every_project})"


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as stored; ``asked_model_id`` is ``None`` if the caller left the model to the catalog."""

    id: str
    project_id: str
    asked_model_id: str | None
    wire: dict[str, Any]
    next_at: str | None = None
    """The instant of its next fire; ``None`` for never, blank if not computed yet."""


class AgentRow(NamedTuple):
    """An agent as stored; ``is_counted`` if its executions are counted rather than taken from ``wire``."""

    row_id: int
    id: str
    last_seen_at: str | None
    is_counted: bool
    wire: dict[str, Any]


class ClockRow(NamedTuple):
    """By how many seconds the sandbox's clock is ahead, and the instant of the next fire of any schedule."""

    ahead: float
    next_at: str | None


class Tables:
    """The tables, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.spans = SpanTables(connection)

    @cached_property
    def traces(self) -> TraceQueries:
        """Return the queries on traces and spans."""
        return TraceQueries(self._connection)

    @cached_property
    def facets(self) -> TraceFacets:
        """Return the facet counts of traces and spans."""
        return TraceFacets(self._connection, self.traces)

    @cached_property
    def runs(self) -> RunTables:
        """Return the tables of runs and conversations."""
        return RunTables(self._connection)

    def clock(self) -> ClockRow:
        """Return the clock."""
        sql = "SELECT ahead, (SELECT min(next_at) FROM schedules WHERE next_at IS NOT NULL) FROM clock"
        row = self._connection.execute(sql).fetchone()
        if row is None or not isinstance(row[0], int | float) or not 0 <= row[0] <= _MAX_AHEAD_SECONDS:
            raise _foreign_data_error()
        return ClockRow(*row)

    def set_clock_offset(self, seconds: float) -> None:
        """Set how many seconds the sandbox's clock is ahead of the real one."""
        self._connection.execute("UPDATE clock SET ahead = ?", (seconds,))

    def take_lease(self, holder: str, now: str, until: str) -> bool:
        """Return whether ``holder`` gets the exclusive lease to fire schedules until an instant, in real time."""
        sql = """UPDATE clock SET lease_holder = ?, lease_until = ?
                 WHERE lease_holder IS NULL OR lease_holder = ? OR lease_until < ?"""
        return self._connection.execute(sql, (holder, until, holder, now)).rowcount == 1

    def end_lease(self, holder: str) -> None:
        """Release the lease to fire schedules."""
        sql = "UPDATE clock SET lease_holder = NULL, lease_until = NULL WHERE lease_holder = ?"
        self._connection.execute(sql, (holder,))

    def projects(self, key: Key | None = None) -> list[dict[str, str]]:
        """Return id, name and createdAt of all projects, or of the projects that a key covers, oldest first."""
        rows = self._connection.execute("SELECT id, name, created_at FROM projects ORDER BY created_at, id")
        return [
            {"id": id_, "name": name, "createdAt": created_at}
            for id_, name, created_at in rows.fetchall()
            if key is None or self.covers(key, id_)
        ]

    def has_project(self, project_id: str) -> bool:
        """Return whether a project exists."""
        return self._connection.execute("SELECT 1 FROM projects WHERE id = ?", (project_id,)).fetchone() is not None

    def add_project(self, project_id: str, name: str, created_at: str) -> None:
        """Add a project; an existing one keeps its name."""
        sql = "INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, ?)"
        self._connection.execute(sql, (project_id, name, created_at))

    def key(self, text: str) -> Key | None:
        """Return the key with this text."""
        row = self._connection.execute("SELECT * FROM keys WHERE key = ?", (text,)).fetchone()
        return None if row is None else Key(row[0], *(bool(flag) for flag in row[1:]))

    def own_key(self) -> str | None:
        """Return the key that the sandbox has generated for itself, with all permissions; ``None`` before that."""
        sql = """SELECT key FROM keys WHERE can_read AND can_write AND every_project
                 AND key GLOB 'sk-inference-sandbox-*' LIMIT 1"""
        row = self._connection.execute(sql).fetchone()
        return None if row is None else str(row[0])

    def add_key(self, key: Key, projects: Sequence[str] = ()) -> None:
        """Add a key, or change its permissions."""
        row = (key.text, key.can_read, key.can_write, key.every_project)
        self._connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", row)
        pairs = [(key.text, project_id) for project_id in projects]
        self._connection.executemany("INSERT OR IGNORE INTO key_projects VALUES (?, ?)", pairs)

    def covers(self, key: Key, project_id: str) -> bool:
        """Return whether a key covers a project."""
        if key.every_project:
            return self.has_project(project_id)
        sql = "SELECT 1 FROM key_projects WHERE key = ? AND project_id = ?"
        return self._connection.execute(sql, (key.text, project_id)).fetchone() is not None

    def agents(self, project_id: str) -> list[AgentRow]:
        """Return a project's agents in the order in which they were first seen."""
        rows = self._connection.execute(f"{_AGENTS} ORDER BY seq", (project_id,))
        return [_agent(row) for row in rows.fetchall()]

    def agent(self, project_id: str, agent_id: str) -> AgentRow | None:
        """Return an agent of a project, unless it is unknown or forgotten."""
        row = self._connection.execute(f"{_AGENTS} AND id = ?", (project_id, agent_id)).fetchone()
        return None if row is None else _agent(row)

    def agent_row_ids(self, project_id: str) -> dict[tuple[str, str], tuple[int, str]]:
        """Return row id and id of a project's agents, forgotten ones too, by identity source and value."""
        rows = self._connection.execute("SELECT seq, id, wire FROM agents WHERE project_id = ?", (project_id,))
        known = ((seq, agent_id, _object(wire)) for seq, agent_id, wire in rows.fetchall())
        return {
            (str(wire.get("identitySource")), str(wire.get("identityValue"))): (seq, agent_id)
            for seq, agent_id, wire in known
        }

    def put_agent(
        self, project_id: str, wire: Mapping[str, Any], last_seen_at: str | None, *, is_counted: bool = False
    ) -> int:
        """Add an agent, or replace the one with its id; return its row id, which a forgotten agent keeps.

        Without ``last_seen_at`` the agent counts as always active.
        """
        sql = """INSERT INTO agents (project_id, id, last_seen_at, wire, is_counted) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at, wire = excluded.wire,
                 is_counted = excluded.is_counted, is_gone = 0 RETURNING seq"""
        values = (project_id, wire["id"], last_seen_at, _text(wire), is_counted)
        return int(self._connection.execute(sql, values).fetchone()[0])

    def forget_agent(self, project_id: str, agent_id: str) -> None:
        """Forget an agent; its traces are kept, and belong to it again if it is added again."""
        sql = "UPDATE agents SET is_gone = 1 WHERE project_id = ? AND id = ?"
        self._connection.execute(sql, (project_id, agent_id))

    def schedule_page(
        self, project_id: str, *, after: int, limit: int, archived: bool, agent_id: str | None
    ) -> list[tuple[int, bytes]]:
        """Return row id and JSON text of up to ``limit`` schedules after a row id, in order of creation."""
        rows = self._connection.execute(_SCHEDULE_PAGE, (project_id, after, archived, agent_id, agent_id, limit))
        return rows.fetchall()

    def schedule(self, schedule_id: str) -> ScheduleRow | None:
        """Return one schedule, archived or not."""
        row = self._connection.execute(f"{_SCHEDULES} WHERE id = ?", (schedule_id,)).fetchone()
        return None if row is None else _schedule(row)

    def due_schedules(self, now: str, limit: int) -> list[ScheduleRow]:
        """Return some of the schedules whose next fire is not after an instant, the earliest first."""
        sql = f"{_SCHEDULES} WHERE next_at <= ? ORDER BY next_at, seq LIMIT ?"
        return [_schedule(row) for row in self._connection.execute(sql, (now, limit)).fetchall()]

    def set_next_fire(self, schedule_id: str, next_at: str | None) -> None:
        """Set the instant of a schedule's next fire."""
        self._connection.execute("UPDATE schedules SET next_at = ? WHERE id = ?", (next_at, schedule_id))

    def schedules(self) -> list[dict[str, Any]]:
        """Return every schedule of every project in order of creation."""
        rows = self._connection.execute("SELECT wire FROM schedules ORDER BY seq")
        return [_object(wire) for (wire,) in rows.fetchall()]

    def put_schedule(self, row: ScheduleRow) -> None:
        """Add a schedule, or replace the one with its id, which keeps its row id."""
        sql = """INSERT INTO schedules (id, project_id, agent_id, is_archived, asked_model_id, wire, next_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET agent_id = excluded.agent_id,
                 is_archived = excluded.is_archived, asked_model_id = excluded.asked_model_id, wire = excluded.wire,
                 next_at = excluded.next_at"""
        agent_id = row.wire.get("agentUuid")
        agent_id = agent_id if isinstance(agent_id, str) else None  # a seeded row may contain anything
        is_archived = row.wire.get("archivedAt") is not None
        values = (row.id, row.project_id, agent_id, is_archived, row.asked_model_id, _text(row.wire), row.next_at)
        self._connection.execute(sql, values)


def _agent(row: tuple[Any, ...]) -> AgentRow:
    return AgentRow(row[0], row[1], row[2], bool(row[3]), _object(row[4]))


def _schedule(row: tuple[Any, ...]) -> ScheduleRow:
    return ScheduleRow(row[0], row[1], row[2], _object(row[3]), row[4])


def _object(text: object) -> dict[str, Any]:
    """Return the JSON object in a column; raises for a file that another program has written to."""
    try:
        found = json.loads(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _foreign_data_error()
    return found


def _foreign_data_error() -> SandboxError:
    return SandboxError("the sandbox's file contains data that no sandbox wrote", ServerFailure.CONTENT)


def _text(wire: Mapping[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
