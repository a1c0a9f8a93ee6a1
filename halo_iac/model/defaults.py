"""What a field left out of an entry means; frozen for ``version: 1`` (docs/semantics.md#left-out).

The platform's own defaults drift from release to release, so these are sent, not left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TIMEZONE: Final = "UTC"
SPAN_LIMIT: Final = 10_000
LOOKBACK_HOURS: Final = 24
MAX_SUBAGENT_DEPTH: Final = 3
MAX_TURNS: Final = 50
MINUTES: Final = (0,)
ENABLED_ON_CREATE: Final = True

PROMPT: Final = """\
Review this agent's traces in the window. Report, most costly first:
1. Errors and failed tool calls: how often, since when, the likely cause, and trace ids to look at.
2. Anomalies: behaviour that differs from most other traces of the window.
3. Inefficiencies: repeated calls, loops, needless tokens, slow steps.
4. Fixes: concrete changes to prompts, tools or code, each with the evidence for it.
Say so plainly when there is nothing to report."""

BUILT_IN: Final[Mapping[str, Any]] = {
    "timezone": TIMEZONE,
    "prompt": PROMPT,
    "model_id": None,
    "summarization_model_id": None,
    "span_limit": SPAN_LIMIT,
    "lookback_hours": LOOKBACK_HOURS,
    "max_subagent_depth": MAX_SUBAGENT_DEPTH,
    "max_turns": MAX_TURNS,
    "enabled": None,
}
"""What a field means that no layer gives."""
