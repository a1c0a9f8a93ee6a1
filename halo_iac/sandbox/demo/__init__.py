"""The data of a new sandbox: keys, agents and models, the same in every sandbox so that project files can name them."""

from __future__ import annotations

import os
from typing import Any, Final

from halo_iac.sandbox.store import Key, Tables

KEY_PREFIX: Final = "sk-inference-sandbox-"
"""The beginning of the key of every sandbox."""
DEMO_KEY: Final = f"{KEY_PREFIX}read-write"
DEMO_READ_KEY: Final = f"{KEY_PREFIX}read-only"
"""The keys of sandboxes in memory, which no other process can reach; a sandbox in a file generates its own."""
DEMO_PROJECT_ID: Final = "5a4db0c5-0000-4000-8000-000000000001"
DEMO_TEAM_ID: Final = "5a4db0c5-0000-4000-8000-00000000007e"
DEMO_USER_ID: Final = "5a4db0c5-0000-4000-8000-000000000002"
CHECKOUT_ID: Final = "5a4db0c5-a000-4000-8000-000000000001"
SUPPORT_BOT_ID: Final = "5a4db0c5-a000-4000-8000-000000000002"
RESEARCH_ID: Final = "5a4db0c5-a000-4000-8000-000000000003"

AGENTS: Final[tuple[dict[str, Any], ...]] = (
    {"id": CHECKOUT_ID, "identitySource": "agent_id", "identityValue": "checkout"},
    {"id": SUPPORT_BOT_ID, "identitySource": "agent_name", "identityValue": "support-bot"},
    {"id": RESEARCH_ID, "identitySource": "agent_name", "identityValue": "research"},
)
MINUTES_PER_TRACE: Final = {CHECKOUT_ID: 30, SUPPORT_BOT_ID: 60, RESEARCH_ID: 240}
"""Minutes from one trace of an agent to the next."""

# `inf` prints whatever fields a model has; these are the ones a person chooses by. The first is the catalog's default.
MODELS: Final[tuple[dict[str, Any], ...]] = (
    {"id": "halo-large", "name": "HALO Large", "creator": "sandbox", "maxContextSize": 400_000},
    {"id": "halo-medium", "name": "HALO Medium", "creator": "sandbox", "maxContextSize": 200_000},
    {"id": "halo-small", "name": "HALO Small", "creator": "sandbox", "maxContextSize": 128_000},
)
SUMMARIZATION_MODELS: Final[tuple[dict[str, Any], ...]] = (
    {"id": "halo-brief", "name": "HALO Brief", "creator": "sandbox", "maxContextSize": 128_000},
    {"id": "halo-small", "name": "HALO Small", "creator": "sandbox", "maxContextSize": 128_000},
)
DEFAULT_MODEL_ID: Final = str(MODELS[0]["id"])


def add_keys(tables: Tables, *, is_in_memory: bool) -> None:
    """Add the keys of a new sandbox: a random one, or in memory the two well-known ones; one with a key keeps it."""
    if tables.own_key() is not None:
        return
    own = DEMO_KEY if is_in_memory else f"{KEY_PREFIX}{os.urandom(16).hex()}"
    tables.add_key(Key(own, every_project=True))
    if is_in_memory:
        tables.add_key(Key(DEMO_READ_KEY, can_write=False, every_project=True))


def add_project(tables: Tables, project_id: str, now: str) -> None:
    """Add a project with the demo agents, unless it exists."""
    if tables.has_project(project_id):
        return
    name = "Sandbox" if project_id == DEMO_PROJECT_ID else f"Sandbox {project_id[:8]}"
    tables.add_project(project_id, name, now)
    for agent in AGENTS:
        tables.put_agent(project_id, agent, last_seen_at=None, is_counted=True)
