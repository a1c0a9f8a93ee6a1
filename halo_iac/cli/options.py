"""Every option and argument, declared once, so that one name means one thing on every command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from halo_iac.render.view import ReviewFormat


class Format(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


class TimeRange(StrEnum):
    """How far back the platform looks for agents (docs/protocol.md#procedures)."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    TWELVE_HOURS = "12h"
    DAY = "1d"
    THREE_DAYS = "3d"
    WEEK = "7d"
    TWO_WEEKS = "14d"
    MONTH = "30d"
    QUARTER = "90d"


File = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="Project file; default: HALO_FILE, or halo.yaml here or above."),
]
Checkout = Annotated[
    str | None,
    typer.Option(
        "--checkout",
        metavar="DIR",
        help="Where there is no .git: the folder that include and prompt_file may lead to; default: the file's own.",
    ),
]
NewFile = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="The file to write; default: HALO_FILE, or halo.yaml."),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project", metavar="ID", help="Project id; default: the file, INF_PROJECT_ID, then the inf config file."
    ),
]
Team = Annotated[
    str | None,
    typer.Option("--team", metavar="ID", help="Team id; default: INF_TEAM_ID, then the inf config file."),
]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Talk to the local sandbox (.halo/ beside the project file).")]
SandboxFile = Annotated[
    str | None,
    typer.Option("--sandbox-file", metavar="PATH", help="The same, in another file; so does HALO_SANDBOX."),
]
SandboxAnywhere = Annotated[
    bool,
    typer.Option("--sandbox", hidden=True, help="Accepted like everywhere else; this command talks to no platform."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and errors as JSON on stderr.")]
FormatOption = Annotated[Format, typer.Option("--format", metavar="text|json", help="How the result is written.")]
ReviewFormatOption = Annotated[
    ReviewFormat,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="How the result is written: text, json, markdown (for a pull request) or github (annotations).",
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="FORMAT=FILE",
        help="Write it to a file as well (mode 0600), such as markdown=plan.md; may be given several times.",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour; so does NO_COLOR.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", metavar="KEY", help="Only this entry; may be given several times."),
]
AllowArchive = Annotated[
    int,
    typer.Option(
        "--allow-archive",
        metavar="N",
        min=0,
        show_default=False,
        help="Let up to N schedules stop firing, archived or paused; by default 30 % of those that fire, at most 25.",
    ),
]
AllowCreate = Annotated[
    list[str] | None,
    typer.Option("--allow-create", metavar="KEY", help="Create this entry even if a schedule looks like it."),
]
Out = Annotated[
    str | None, typer.Option("--out", "-o", metavar="FILE", help="Save the plan, for `halo apply FILE` (mode 0600).")
]
DetailedExitcode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit 2 when changes are pending, 0 when there are none.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="Tell this branch's changes from those that REF has pending."),
]
AcceptPolicyChange = Annotated[
    bool,
    typer.Option("--accept-policy-change", help="Let the branch loosen what --base finds in the policy of its base."),
]
Protect = Annotated[
    list[str] | None,
    typer.Option("--protect", metavar="GLOB", help="Protect these titles too; so does HALO_PROTECT, one a line."),
]
Undeclared = Annotated[
    str | None,
    typer.Option("--undeclared", metavar="report", help="Archive nothing undeclared; so does HALO_UNDECLARED=report."),
]
RequireHead = Annotated[
    str | None,
    typer.Option("--require-head", metavar="REF", help="Refuse unless HEAD is what this branch of the remote is."),
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", metavar="N", min=1, max=64, help="Changes under way at a time.")
]
MaxRps = Annotated[
    float, typer.Option("--max-rps", metavar="N", min=0.1, help="Requests a second at most; the platform takes 100.")
]
Receipt = Annotated[
    str | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="A new file for the receipt, which `halo undo` takes (mode 0600); default: one in .halo/receipts/.",
    ),
]
AllowIncomplete = Annotated[
    bool,
    typer.Option("--allow-incomplete", help="Undo what a receipt says whose end is missing: of a run that was killed."),
]


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
