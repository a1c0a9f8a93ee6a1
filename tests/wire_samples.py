"""A schedule as the platform sends it."""

from typing import Any, Final

WIRE: Final[dict[str, Any]] = {
    "id": "one",
    "title": "Daily review",
    "archivedAt": None,
    "agentUuid": "5a4db0c5-a000-4000-8000-000000000001",
    "frequency": "weekly",
    "daysOfWeek": [1, 4],
    "daysOfMonth": [],
    "hours": [9, 17],
    "minutes": [0],
    "timezone": "UTC",
    "prompt": "Look for slow spans.",
    "modelId": "halo-large",
    "summarizationModelId": None,
    "spanLimit": 10000,
    "lookbackHours": 24,
    "maxSubagentDepth": 3,
    "maxTurns": 50,
    "enabled": True,
}
