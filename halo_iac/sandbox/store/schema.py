"""The tables, as the migrations that take a file from one version to the next.

``spans`` has the searched columns of each span, ``bodies`` its whole JSON. Values shared by many spans are stored once:
``profiles`` (agent, kind, status, service, model, attribute keys), ``mixes`` (the set of profiles of a trace) and
``words`` (names, users, sessions, lists of attributes).
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final = (
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
    """
    CREATE TABLE next_endings (
        seq INTEGER PRIMARY KEY, status TEXT NOT NULL, error TEXT, after REAL, times INTEGER NOT NULL
    );
    """,
    """
    ALTER TABLE projects ADD COLUMN longest_span INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE projects ADD COLUMN longest_trace INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE agents ADD COLUMN name TEXT;
    CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE profiles (
        id INTEGER PRIMARY KEY, project_id TEXT NOT NULL, agent INTEGER NOT NULL, kind TEXT NOT NULL,
        status TEXT NOT NULL, service TEXT NOT NULL, environment TEXT NOT NULL, provider TEXT NOT NULL,
        model TEXT NOT NULL, keys INTEGER NOT NULL, resource_keys INTEGER NOT NULL,
        UNIQUE (project_id, agent, kind, status, service, environment, provider, model, keys, resource_keys)
    );
    CREATE TABLE mixes (id INTEGER PRIMARY KEY, profiles TEXT NOT NULL UNIQUE);
    CREATE TABLE trace_words (
        field INTEGER NOT NULL, word INTEGER NOT NULL, trace INTEGER NOT NULL, PRIMARY KEY (field, word, trace)
    ) WITHOUT ROWID;
    CREATE TABLE bodies (span INTEGER PRIMARY KEY, json BLOB NOT NULL);

    ALTER TABLE traces ADD COLUMN is_demo INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE traces ADD COLUMN started INTEGER;
    ALTER TABLE traces ADD COLUMN ended INTEGER;
    ALTER TABLE traces ADD COLUMN mix INTEGER;
    ALTER TABLE traces ADD COLUMN root INTEGER;
    ALTER TABLE traces ADD COLUMN agent INTEGER;
    ALTER TABLE traces ADD COLUMN spans INTEGER;
    ALTER TABLE traces ADD COLUMN llm_spans INTEGER;
    ALTER TABLE traces ADD COLUMN failed INTEGER;
    ALTER TABLE traces ADD COLUMN prompt_tokens INTEGER;
    ALTER TABLE traces ADD COLUMN completion_tokens INTEGER;
    ALTER TABLE traces ADD COLUMN cached_tokens INTEGER;
    ALTER TABLE traces ADD COLUMN total_tokens INTEGER;
    ALTER TABLE traces ADD COLUMN cost TEXT;
    CREATE INDEX traces_by_start ON traces (project_id, started);
    UPDATE traces SET is_settled = 0, is_demo = EXISTS (
        SELECT 1 FROM executions WHERE executions.trace = traces.seq AND executions.is_demo
    );
    DROP TABLE executions;
    CREATE TABLE executions (
        agent INTEGER NOT NULL, ended INTEGER NOT NULL, trace INTEGER NOT NULL, spans INTEGER NOT NULL,
        is_demo INTEGER NOT NULL, PRIMARY KEY (agent, ended, trace)
    ) WITHOUT ROWID;
    CREATE INDEX executions_of_trace ON executions (trace);

    INSERT INTO bodies SELECT spans.seq, CAST(json_patch('{}', json_object(
        'trace_id', trace_id, 'span_id', span_id, 'parent_span_id', coalesce(parent_id, ''), 'name', name,
        'kind', 'SPAN_KIND_INTERNAL',
        'start_time', strftime('%Y-%m-%dT%H:%M:%S', spans.started / 1000000000, 'unixepoch')
            || printf('.%09dZ', spans.started % 1000000000),
        'end_time', strftime('%Y-%m-%dT%H:%M:%S', spans.ended / 1000000000, 'unixepoch')
            || printf('.%09dZ', spans.ended % 1000000000),
        'status', json_object('code', 'STATUS_CODE_' || status, 'message', message),
        'resource', json_object('attributes', json_object('service.name', service)),
        'scope', json_object(),
        'attributes', json_object(
            'openinference.span.kind', kind, 'llm.model_name', model, 'llm.token_count.prompt', spans.prompt_tokens,
            'llm.token_count.completion', spans.completion_tokens, 'llm.token_count.total', spans.total_tokens,
            'inference.llm.cost.total', spans.cost, 'tool.name', tool, 'input.value', input_excerpt,
            'output.value', output_excerpt, replace(coalesce(agent_source, 'agent_name'), '_', '.'), agent_value
        )
    )) AS BLOB) FROM spans JOIN traces ON traces.seq = spans.trace;
    INSERT INTO words (text) SELECT DISTINCT name FROM spans WHERE name <> '[]';
    INSERT INTO words (text) VALUES ('[]');
    INSERT INTO profiles (
        project_id, agent, kind, status, service, environment, provider, model, keys, resource_keys
    ) SELECT DISTINCT project_id, coalesce(spans.agent, 0), kind, status, coalesce(service, ''), '', '',
        coalesce(model, ''), words.id, words.id
        FROM spans JOIN traces ON traces.seq = spans.trace JOIN words ON words.text = '[]';
    ALTER TABLE spans RENAME TO old_spans;
    CREATE TABLE spans (
        seq INTEGER PRIMARY KEY, trace INTEGER NOT NULL, profile INTEGER NOT NULL, name INTEGER NOT NULL,
        span_id TEXT NOT NULL, parent_id TEXT, started INTEGER NOT NULL, ended INTEGER NOT NULL, own_agent INTEGER,
        user INTEGER, session INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER,
        cached_tokens INTEGER, cost TEXT, message TEXT NOT NULL, tool TEXT, input_digest TEXT,
        output_digest TEXT, output_length INTEGER, UNIQUE (trace, span_id)
    );
    INSERT INTO spans SELECT old.seq, trace, profiles.id, words.id, span_id, parent_id, old.started, old.ended,
        (
            SELECT agents.seq FROM agents WHERE agents.project_id = traces.project_id
            AND json_extract(wire, '$.identitySource') = agent_source
            AND json_extract(wire, '$.identityValue') = agent_value
        ),
        NULL, NULL, old.prompt_tokens, old.completion_tokens, old.total_tokens, NULL, old.cost, message, tool,
        input_digest, output_digest, output_length
        FROM old_spans AS old JOIN traces ON traces.seq = old.trace JOIN words ON words.text = old.name
        JOIN profiles ON profiles.project_id = traces.project_id AND profiles.agent = coalesce(old.agent, 0)
        AND profiles.kind = old.kind AND profiles.status = old.status
        AND profiles.service = coalesce(old.service, '') AND profiles.model = coalesce(old.model, '');
    DROP TABLE old_spans;
    CREATE INDEX spans_by_start ON spans (started);
    CREATE INDEX spans_of_trace ON spans (trace, started);
    """,
    """
    ALTER TABLE runs ADD COLUMN left_out_traces INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX spans_of_profile ON spans (profile, started, ended);
    CREATE INDEX spans_of_user ON spans (user, profile, started, ended) WHERE user IS NOT NULL;
    CREATE INDEX spans_of_session ON spans (session, profile, started, ended) WHERE session IS NOT NULL;
    CREATE TABLE span_blocks (
        block INTEGER NOT NULL, profile INTEGER NOT NULL, spans INTEGER NOT NULL, first_end INTEGER NOT NULL,
        last_end INTEGER NOT NULL, least_duration_ns INTEGER, most_duration_ns INTEGER, least_total_tokens INTEGER,
        most_total_tokens INTEGER, least_input_tokens INTEGER, most_input_tokens INTEGER,
        least_cache_read_tokens INTEGER, most_cache_read_tokens INTEGER, least_output_tokens INTEGER,
        most_output_tokens INTEGER, least_cost_total REAL, most_cost_total REAL, PRIMARY KEY (block, profile)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE traces ADD COLUMN given_agent INTEGER;",
)
"""The migrations: each takes the file from one schema version (``PRAGMA user_version``) to the next."""
