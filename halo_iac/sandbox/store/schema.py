"""The tables, one schema version after the other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import Final

STEPS: Final = (
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
    """
    CREATE TABLE clock (
        only INTEGER PRIMARY KEY CHECK (only = 1), ahead REAL NOT NULL, lease_holder TEXT, lease_until TEXT
    );
    INSERT INTO clock VALUES (1, 0, NULL, NULL);
    ALTER TABLE schedules ADD COLUMN next_at TEXT;
    UPDATE schedules SET next_at = '' WHERE NOT is_archived;
    CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

    ALTER TABLE agents ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 0;
    UPDATE agents SET is_counted = 1 WHERE last_seen_at IS NULL AND id LIKE '5a4db0c5-a000-4000-8000-%';
    ALTER TABLE agents ADD COLUMN is_gone INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE traces (
        seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects, trace_id TEXT NOT NULL,
        is_settled INTEGER NOT NULL DEFAULT 0, UNIQUE (project_id, trace_id)
    );
    CREATE INDEX traces_unsettled ON traces (seq) WHERE NOT is_settled;
    CREATE TABLE spans (
        seq INTEGER PRIMARY KEY, trace INTEGER NOT NULL, agent INTEGER, span_id TEXT NOT NULL, parent_id TEXT,
        name TEXT NOT NULL, kind TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, status TEXT NOT NULL,
        message TEXT NOT NULL, agent_source TEXT, agent_value TEXT, service TEXT, model TEXT, prompt_tokens INTEGER,
        completion_tokens INTEGER, total_tokens INTEGER, tool TEXT, input_digest TEXT, input_excerpt TEXT,
        output_digest TEXT, output_excerpt TEXT, output_length INTEGER, cost TEXT, UNIQUE (trace, span_id)
    );
    CREATE TABLE executions (
        agent INTEGER NOT NULL, started INTEGER NOT NULL, trace INTEGER NOT NULL, spans INTEGER NOT NULL,
        is_demo INTEGER NOT NULL, PRIMARY KEY (agent, started, trace)
    ) WITHOUT ROWID;
    CREATE INDEX executions_of_trace ON executions (trace);

    CREATE TABLE demo_days (
        agent INTEGER NOT NULL, day INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (agent, day)
    ) WITHOUT ROWID;

    CREATE TABLE conversations (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project_id TEXT NOT NULL REFERENCES projects,
        agent_id TEXT NOT NULL, schedule_id TEXT, title TEXT NOT NULL, created_at TEXT NOT NULL
    );
    CREATE INDEX conversations_of_project ON conversations (project_id, created_at, seq);
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, conversation_id TEXT NOT NULL REFERENCES conversations (id),
        schedule_id TEXT, scheduled_for TEXT, created_at TEXT NOT NULL, asked TEXT NOT NULL, dataset_id TEXT,
        span_count INTEGER NOT NULL, left_out INTEGER NOT NULL, chosen TEXT NOT NULL, seen INTEGER NOT NULL,
        pace REAL NOT NULL, ending TEXT NOT NULL, error TEXT, cancelled_at TEXT, cancel_reason TEXT, answer TEXT,
        UNIQUE (schedule_id, scheduled_for)
    );
    CREATE INDEX runs_of_conversation ON runs (conversation_id, seq);
    CREATE INDEX runs_of_schedule ON runs (schedule_id, created_at, seq);
    CREATE INDEX runs_of_dataset ON runs (dataset_id);
    """,
    """
    DELETE FROM keys WHERE key IN ('sk-inference-sandbox-read-write', 'sk-inference-sandbox-read-only')
    """,
)
"""Each step takes the file from one schema version (``PRAGMA user_version``) to the next."""

_Objects = frozenset[tuple[str, str, str, str]]


def version_of(connection: sqlite3.Connection) -> int | None:
    """Return a sandbox's schema version, 0 for an empty database, ``None`` for one of something else.

    All that a database holds, by name and definition, has to be a sandbox's own: a view in the place of a table could
    have rows without end, and a trigger could do anything. A later version's own is not known, but for the names of
    the first tables. To be asked in a transaction: another process may be making the tables at this moment.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = _objects(connection)
    if version > len(STEPS):
        return version if _names(found) >= _names(_expected(1)) else None
    return version if version >= 0 and found == _expected(version) else None


@cache
def _expected(version: int) -> _Objects:
    """Return what a sandbox's database of a version holds."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in STEPS[:version]:
            connection.executescript(step)
        return _objects(connection)


def _names(objects: _Objects) -> set[str]:
    return {name for _, name, _, _ in objects}


def _objects(connection: sqlite3.Connection) -> _Objects:
    """Return type, name, table and definition of all there is but the statistics that ``ANALYZE`` keeps."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset(
        (type_, name, table, " ".join((sql or "").split()))
        for type_, name, table, sql in rows
        if not (type_ == "table" and name.startswith("sqlite_stat"))
    )
