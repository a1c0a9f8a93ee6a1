"""Who may do what, and what there is: projects, keys, agents and schedules."""

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

_FARTHEST: Final = 10**11
"""Seconds by which the clock may be ahead: three thousand years."""
_LISTED: Final = """
    SELECT seq, CAST(wire AS BLOB) FROM schedules
    WHERE project_id = ? AND seq > ? AND is_archived <= ? AND (? IS NULL OR agent_id = ?)
    ORDER BY seq LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: what it permits, and in which projects (``every_project``: in those to come, too)."""

    text: str
    can_read: bool = True
    can_write: bool = True
    every_project: bool = False

    def __repr__(self) -> str:
        """Leave out the key's text."""
        return f"Key(can_read={self.can_read}, can_write={self.can_write}, every_project={self.every_project})"


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as stored; ``asked_model_id`` is ``None`` where the caller left the model to the catalog."""

    id: str
    project_id: str
    asked_model_id: str | None
    wire: dict[str, Any]
    next_at: str | None = None
    """The instant of its next fire; ``None``: never, blank: not reckoned yet."""


class AgentRow(NamedTuple):
    """An agent as stored; ``is_counted`` where its executions are to be counted, not taken from ``wire``."""

    place: int
    id: str
    last_seen_at: str | None
    is_counted: bool
    wire: dict[str, Any]


class ClockRow(NamedTuple):
    """How many seconds the sandbox's clock is ahead, and the instant of the next fire, whichever schedule's it is."""

    ahead: float
    next_at: str | None


class Tables:
    """The tables, seen from inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.spans = SpanTables(connection)

    @cached_property
    def traces(self) -> TraceQueries:
        """Return the queries about traces and spans."""
        return TraceQueries(self._connection)

    @cached_property
    def facets(self) -> TraceFacets:
        """Return the counts of traces and spans."""
        return TraceFacets(self._connection, self.traces)

    @cached_property
    def runs(self) -> RunTables:
        """Return the runs and conversations."""
        return RunTables(self._connection)

    def clock(self) -> ClockRow:
        """Return the clock."""
        sql = "SELECT ahead, (SELECT min(next_at) FROM schedules WHERE next_at IS NOT NULL) FROM clock"
        row = self._connection.execute(sql).fetchone()
        if row is None or not isinstance(row[0], int | float) or not 0 <= row[0] <= _FARTHEST:
            raise _foreign()
        return ClockRow(*row)

    def set_ahead(self, seconds: float) -> None:
        """Let the sandbox's clock be that much ahead of the real one."""
        self._connection.execute("UPDATE clock SET ahead = ?", (seconds,))

    def take_lease(self, holder: str, now: str, until: str) -> bool:
        """Say whether ``holder`` alone may fire schedules until an instant; both are the real clock's."""
        sql = """UPDATE clock SET lease_holder = ?, lease_until = ?
                 WHERE lease_holder IS NULL OR lease_holder = ? OR lease_until < ?"""
        return self._connection.execute(sql, (holder, until, holder, now)).rowcount == 1

    def end_lease(self, holder: str) -> None:
        """Let others fire schedules."""
        sql = "UPDATE clock SET lease_holder = NULL, lease_until = NULL WHERE lease_holder = ?"
        self._connection.execute(sql, (holder,))

    def projects(self, key: Key | None = None) -> list[dict[str, str]]:
        """Return id, name and createdAt of every project, or of those that a key covers, oldest first."""
        sql = "SELECT id, name, created_at FROM projects ORDER BY created_at, id"
        rows = self._connection.execute(sql)
        return [
            {"id": id_, "name": name, "createdAt": created_at}
            for id_, name, created_at in rows.fetchall()
            if key is None or self.covers(key, id_)
        ]

    def has_project(self, project_id: str) -> bool:
        """Say whether there is such a project."""
        sql = "SELECT 1 FROM projects WHERE id = ?"
        return self._connection.execute(sql, (project_id,)).fetchone() is not None

    def add_project(self, project_id: str, name: str, created_at: str) -> None:
        """Add a project; one that is there keeps its name."""
        sql = "INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, ?)"
        self._connection.execute(sql, (project_id, name, created_at))

    def key(self, text: str) -> Key | None:
        """Return the key with this text."""
        row = self._connection.execute("SELECT * FROM keys WHERE key = ?", (text,)).fetchone()
        return None if row is None else Key(row[0], *(bool(flag) for flag in row[1:]))

    def own_key(self) -> str | None:
        """Return the key that a sandbox has made for itself, which may do everything; ``None`` before it has."""
        sql = """SELECT key FROM keys WHERE can_read AND can_write AND every_project
                 AND key GLOB 'sk-inference-sandbox-*' LIMIT 1"""
        row = self._connection.execute(sql).fetchone()
        return None if row is None else str(row[0])

    def add_key(self, key: Key, projects: Sequence[str] = ()) -> None:
        """Add a key, or change what it permits."""
        row = (key.text, key.can_read, key.can_write, key.every_project)
        self._connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", row)
        pairs = [(key.text, project_id) for project_id in projects]
        self._connection.executemany("INSERT OR IGNORE INTO key_projects VALUES (?, ?)", pairs)

    def covers(self, key: Key, project_id: str) -> bool:
        """Say whether a key is for this project."""
        if key.every_project:
            return self.has_project(project_id)
        sql = "SELECT 1 FROM key_projects WHERE key = ? AND project_id = ?"
        return self._connection.execute(sql, (key.text, project_id)).fetchone() is not None

    def agents(self, project_id: str) -> list[AgentRow]:
        """Return a project's agents in the order in which they were found."""
        sql = """SELECT seq, id, last_seen_at, is_counted, wire FROM agents
                 WHERE project_id = ? AND NOT is_gone ORDER BY seq"""
        rows = self._connection.execute(sql, (project_id,)).fetchall()
        return [_agent(row) for row in rows]

    def agent(self, project_id: str, agent_id: str) -> AgentRow | None:
        """Return an agent that the project has seen and not forgotten."""
        sql = """SELECT seq, id, last_seen_at, is_counted, wire FROM agents
                 WHERE project_id = ? AND id = ? AND NOT is_gone"""
        row = self._connection.execute(sql, (project_id, agent_id)).fetchone()
        return None if row is None else _agent(row)

    def agent_places(self, project_id: str) -> dict[tuple[str, str], tuple[int, str]]:
        """Return place and id of a project's agents, forgotten ones too, by what they are known by."""
        rows = self._connection.execute("SELECT seq, id, wire FROM agents WHERE project_id = ?", (project_id,))
        known = ((seq, agent_id, _object(wire)) for seq, agent_id, wire in rows.fetchall())
        return {
            (str(wire.get("identitySource")), str(wire.get("identityValue"))): (seq, agent_id)
            for seq, agent_id, wire in known
        }

    def put_agent(
        self, project_id: str, wire: Mapping[str, Any], last_seen_at: str | None, *, is_counted: bool = False
    ) -> int:
        """Add an agent, or replace the one with its id; ``None``: it is seen at this very moment, always.

        Return its place, which it keeps even while it is forgotten.
        """
        sql = """INSERT INTO agents (project_id, id, last_seen_at, wire, is_counted) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at, wire = excluded.wire,
                 is_counted = excluded.is_counted, is_gone = 0 RETURNING seq"""
        values = (project_id, wire["id"], last_seen_at, _text(wire), is_counted)
        return int(self._connection.execute(sql, values).fetchone()[0])

    def drop_agent(self, project_id: str, agent_id: str) -> None:
        """Forget an agent; what it did stays, and is there again should it come back."""
        sql = "UPDATE agents SET is_gone = 1 WHERE project_id = ? AND id = ?"
        self._connection.execute(sql, (project_id, agent_id))

    def listed(
        self, project_id: str, *, after: int, limit: int, archived: bool, agent_id: str | None
    ) -> list[tuple[int, bytes]]:
        """Return place and JSON text of up to ``limit`` schedules behind a place, in the order of creation."""
        rows = self._connection.execute(_LISTED, (project_id, after, archived, agent_id, agent_id, limit))
        return rows.fetchall()

    def schedule(self, schedule_id: str) -> ScheduleRow | None:
        """Return one schedule, archived or not."""
        sql = "SELECT id, project_id, asked_model_id, wire, next_at FROM schedules WHERE id = ?"
        row = self._connection.execute(sql, (schedule_id,)).fetchone()
        return None if row is None else _schedule(row)

    def due(self, now: str, limit: int) -> list[ScheduleRow]:
        """Return some of the schedules whose next fire is not later than an instant, the earliest first."""
        sql = """SELECT id, project_id, asked_model_id, wire, next_at FROM schedules
                 WHERE next_at <= ? ORDER BY next_at, seq LIMIT ?"""
        return [_schedule(row) for row in self._connection.execute(sql, (now, limit)).fetchall()]

    def set_next(self, schedule_id: str, next_at: str | None) -> None:
        """Write down when a schedule fires next."""
        self._connection.execute("UPDATE schedules SET next_at = ? WHERE id = ?", (next_at, schedule_id))

    def schedules(self) -> list[dict[str, Any]]:
        """Return every schedule of every project in the order of creation."""
        rows = self._connection.execute("SELECT wire FROM schedules ORDER BY seq")
        return [_object(wire) for (wire,) in rows.fetchall()]

    def put_schedule(self, row: ScheduleRow) -> None:
        """Add a schedule, or replace the one with its id, which keeps its place."""
        sql = """INSERT INTO schedules (id, project_id, agent_id, is_archived, asked_model_id, wire, next_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET agent_id = excluded.agent_id,
                 is_archived = excluded.is_archived, asked_model_id = excluded.asked_model_id, wire = excluded.wire,
                 next_at = excluded.next_at"""
        agent_id = row.wire.get("agentUuid")
        agent_id = agent_id if isinstance(agent_id, str) else None  # a seeded row may hold anything
        is_archived = row.wire.get("archivedAt") is not None
        values = (row.id, row.project_id, agent_id, is_archived, row.asked_model_id, _text(row.wire), row.next_at)
        self._connection.execute(sql, values)


def _agent(row: tuple[Any, ...]) -> AgentRow:
    return AgentRow(row[0], row[1], row[2], bool(row[3]), _object(row[4]))


def _schedule(row: tuple[Any, ...]) -> ScheduleRow:
    return ScheduleRow(row[0], row[1], row[2], _object(row[3]), row[4])


def _object(text: object) -> dict[str, Any]:
    """Return the object in a column, or refuse a file that another program has written into."""
    try:
        found = json.loads(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _foreign()
    return found


def _foreign() -> SandboxError:
    return SandboxError("the sandbox's file contains data that no sandbox wrote", ServerFailure.CONTENT)


def _text(wire: Mapping[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
