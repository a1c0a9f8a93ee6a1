"""The sandbox's SQLite file: who may do what, and what there is.

A schedule or agent is stored as the JSON text that goes over the wire, beside the few columns that are searched: a list
of ten thousand is then a read and a join. Runs, conversations and traces come as further steps of ``_STEPS``; the one
that brings runs makes (schedule, instant) unique, so that no fire happens twice.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from halo_iac.sandbox.protocol import SandboxError

_STEPS: Final = (
    """
    CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE keys (
        key TEXT PRIMARY KEY, can_read INTEGER NOT NULL, can_write INTEGER NOT NULL, every_project INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE key_projects (
        key TEXT NOT NULL REFERENCES keys, project_id TEXT NOT NULL REFERENCES projects, PRIMARY KEY (key, project_id)
    ) WITHOUT ROWID;
    CREATE TABLE agents (
        seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects, id TEXT NOT NULL, last_seen_at TEXT,
        wire TEXT NOT NULL, UNIQUE (project_id, id)
    );
    CREATE TABLE schedules (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project_id TEXT NOT NULL REFERENCES projects,
        agent_id TEXT, is_archived INTEGER NOT NULL, asked_model_id TEXT, wire TEXT NOT NULL
    );
    CREATE INDEX schedules_of_project ON schedules (project_id, seq);
    """,
)
"""Each step takes the file from one schema version (``PRAGMA user_version``) to the next."""

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


class Tables:
    """The tables, seen from inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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
        sql = "INSERT OR IGNORE INTO projects VALUES (?, ?, ?)"
        self._connection.execute(sql, (project_id, name, created_at))

    def key(self, text: str) -> Key | None:
        """Return the key with this text."""
        row = self._connection.execute("SELECT * FROM keys WHERE key = ?", (text,)).fetchone()
        return None if row is None else Key(row[0], *(bool(flag) for flag in row[1:]))

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

    def agents(self, project_id: str, seen_since: str) -> bytes:
        """Return the JSON list of the agents seen since an instant, in the order in which they were found."""
        sql = """SELECT CAST(wire AS BLOB) FROM agents WHERE project_id = ?
                 AND (last_seen_at IS NULL OR last_seen_at >= ?) ORDER BY seq"""
        rows = self._connection.execute(sql, (project_id, seen_since))
        return b"[" + b",".join(wire for (wire,) in rows.fetchall()) + b"]"

    def has_agent(self, project_id: str, agent_id: str) -> bool:
        """Say whether the project has ever seen this agent."""
        sql = "SELECT 1 FROM agents WHERE project_id = ? AND id = ?"
        return self._connection.execute(sql, (project_id, agent_id)).fetchone() is not None

    def put_agent(self, project_id: str, wire: Mapping[str, Any], last_seen_at: str | None) -> None:
        """Add an agent, or replace the one with its id; ``None``: it is seen at this very moment, always."""
        sql = """INSERT INTO agents (project_id, id, last_seen_at, wire) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at, wire = excluded.wire"""
        self._connection.execute(sql, (project_id, wire["id"], last_seen_at, _text(wire)))

    def drop_agent(self, project_id: str, agent_id: str) -> None:
        """Forget an agent."""
        self._connection.execute("DELETE FROM agents WHERE project_id = ? AND id = ?", (project_id, agent_id))

    def listed(
        self, project_id: str, *, after: int, limit: int, archived: bool, agent_id: str | None
    ) -> list[tuple[int, bytes]]:
        """Return place and JSON text of up to ``limit`` schedules behind a place, in the order of creation."""
        rows = self._connection.execute(_LISTED, (project_id, after, archived, agent_id, agent_id, limit))
        return rows.fetchall()

    def schedule(self, schedule_id: str) -> ScheduleRow | None:
        """Return one schedule, archived or not."""
        sql = "SELECT id, project_id, asked_model_id, wire FROM schedules WHERE id = ?"
        row = self._connection.execute(sql, (schedule_id,)).fetchone()
        return None if row is None else ScheduleRow(row[0], row[1], row[2], json.loads(row[3]))

    def schedules(self) -> list[dict[str, Any]]:
        """Return every schedule of every project in the order of creation."""
        rows = self._connection.execute("SELECT wire FROM schedules ORDER BY seq")
        return [json.loads(wire) for (wire,) in rows.fetchall()]

    def put_schedule(self, row: ScheduleRow) -> None:
        """Add a schedule, or replace the one with its id, which keeps its place."""
        sql = """INSERT INTO schedules (id, project_id, agent_id, is_archived, asked_model_id, wire)
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET agent_id = excluded.agent_id,
                 is_archived = excluded.is_archived, asked_model_id = excluded.asked_model_id, wire = excluded.wire"""
        agent_id = row.wire.get("agentUuid")
        agent_id = agent_id if isinstance(agent_id, str) else None  # a seeded row may hold anything
        is_archived = row.wire.get("archivedAt") is not None
        values = (row.id, row.project_id, agent_id, is_archived, row.asked_model_id, _text(row.wire))
        self._connection.execute(sql, values)


class Store:
    """The file, and the connections to it: one a thread at work, kept for the next."""

    def __init__(self, path: Path | None) -> None:
        """Open a file, or with ``None`` a store that lives only in memory."""
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        # A database in memory belongs to its one connection, so its callers take turns.
        self._turns = threading.BoundedSemaphore(1 if path is None else 64)
        self._is_closed = False
        if path is not None:
            _make_folder(path.parent)
        with _said_plainly(path), self._borrowed() as connection:
            _prepare(connection, path)

    @contextmanager
    def reading(self) -> Iterator[Tables]:
        """Give the tables as they are at one moment."""
        with _said_plainly(self._path), self._borrowed() as connection, _transaction(connection, "DEFERRED"):
            yield Tables(connection)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Give the tables to change; one at a time, and nothing of it remains if the block raises."""
        with _said_plainly(self._path), self._borrowed() as connection, _transaction(connection, "IMMEDIATE"):
            yield Tables(connection)

    def close(self) -> None:
        """Close what is idle now, and what is still at work when it is done."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._turns:
            with self._guard:
                if self._is_closed:
                    raise SandboxError("The sandbox is closed.")
                connection = self._idle.pop() if self._idle else None
            connection = connection or _connected(self._path)
            try:
                yield connection
            finally:
                with self._guard:
                    keep = not self._is_closed
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, mode: str) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _said_plainly(path: Path | None) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SandboxError(f"{path or 'The sandbox in memory'}: SQLite says: {error}") from error


def _connected(path: Path | None) -> sqlite3.Connection:
    name = ":memory:" if path is None else path
    connection = sqlite3.connect(name, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    # Losing the last moment to a power cut is no harm to a sandbox; a crash of the process loses nothing.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    with _transaction(connection, "IMMEDIATE"):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version > len(_STEPS) or (version == 0 and tables):
            raise SandboxError(f"{path} is not a sandbox of this version of halo; name another file or delete it.")
        for step in _STEPS[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_STEPS)}")


def _make_folder(folder: Path) -> None:
    """Make the file's folder; one named ``.halo`` is private and hides itself from git (design §10)."""
    if folder.is_dir():
        return
    try:
        folder.mkdir(mode=0o700 if folder.name == ".halo" else 0o777, parents=True)
        if folder.name == ".halo":
            (folder / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as error:
        if not isinstance(error, FileExistsError):
            raise SandboxError(f"{folder}: the sandbox's folder cannot be made: {error.strerror}") from error


def _text(wire: Mapping[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
