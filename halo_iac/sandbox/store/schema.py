"""The tables, one schema version after the other."""

from __future__ import annotations

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
)
"""Each step takes the file from one schema version (``PRAGMA user_version``) to the next."""
