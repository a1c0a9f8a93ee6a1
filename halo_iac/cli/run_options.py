"""The options of what starts, watches and reads runs, declared once; names and meaning as ``inf halo`` has them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from halo_iac.cli.options import TimeRange


class Effort(StrEnum):
    """How hard the analysis model thinks (docs/protocol.md#procedures)."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


# What a run is asked to do ------------------------------------------------------------------------------------------

AgentUuid = Annotated[
    list[str] | None,
    typer.Option("--agent-uuid", "--agent", metavar="AGENT", help="The agent: an alias, a name or a UUID."),
]
Prompt = Annotated[
    str | None, typer.Option("--prompt", metavar="TEXT", help="What to ask; default: a review of everything.")
]
PromptFile = Annotated[str | None, typer.Option("--prompt-file", metavar="FILE", help="The same, from a file.")]
WindowStartAt = Annotated[
    str | None,
    typer.Option(
        "--window-start-at",
        metavar="ISO",
        help="Start of the window, such as 2026-11-01 (UTC) or 2026-11-01T09:00Z; without a zone: local time.",
    ),
]
WindowEndAt = Annotated[
    str | None, typer.Option("--window-end-at", metavar="ISO", help="End of the window; default: now.")
]
LookbackHours = Annotated[
    int | None,
    typer.Option(
        "--lookback-hours",
        metavar="N",
        min=1,
        help="Length of the window where its start is left out; default: 24, or the schedule's.",
    ),
]
ModelId = Annotated[
    str | None, typer.Option("--model-id", metavar="ID", help="Analysis model; default: the catalog's.")
]
SubagentModelId = Annotated[
    str | None,
    typer.Option("--subagent-model-id", metavar="ID", help="Model of the sub-agents; default: the analysis model."),
]
SpanLimit = Annotated[
    int | None,
    typer.Option("--span-limit", metavar="N", min=1, help="Spans read at most; default: the platform's."),
]
MaxSubagentDepth = Annotated[
    int | None,
    typer.Option("--max-subagent-depth", metavar="N", min=1, max=5, help="1 to 5; default: the platform's."),
]
MaxTurns = Annotated[
    int | None, typer.Option("--max-turns", metavar="N", min=1, max=100, help="1 to 100; default: the platform's.")
]
ReasoningEffort = Annotated[
    Effort | None,
    typer.Option("--reasoning-effort", metavar="LEVEL", help="none, minimal, low, medium, high or xhigh."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Have the platform log the run in detail.")]
AgentTimeRange = Annotated[
    TimeRange,
    typer.Option("--agent-time-range", metavar="RANGE", help="How far back the picker looks for agents."),
]

# Waiting ------------------------------------------------------------------------------------------------------------

Interval = Annotated[float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="How often to look at a run.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait; the run goes on after that.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it, print the ids and do not wait.")]

# Reading ------------------------------------------------------------------------------------------------------------

Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="How many at most; default: 50.")]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE|DIR", help="Write there: a new file, or a folder, with front matter."),
]
Raw = Annotated[bool, typer.Option("--raw", help="The markdown's source, also on a terminal.")]
ScheduleKey = Annotated[
    str | None, typer.Option("--schedule", metavar="KEY", help="A schedule of the project file, by its key.")
]
