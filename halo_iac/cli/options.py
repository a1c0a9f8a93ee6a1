"""Every option and argument, declared once, so that one name means one thing on every command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from halo_iac.render.formats import ReviewFormat


class Format(StrEnum):
    """The format of a result."""

    TEXT = "text"
    JSON = "json"


class DocumentFormat(StrEnum):
    """The format of a result that may be posted in an issue."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class TimeRange(StrEnum):
    """The time range in which the platform searches for agents (docs/protocol.md#procedures)."""

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
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="Project file; default: HALO_FILE, or halo.yaml here or in a parent folder.",
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="Project file, or a glob such as 'envs/*/halo.yaml'; can be repeated; default: HALO_FILE, or halo.yaml "
        "here or in a parent folder.",
    ),
]
Checkout = Annotated[
    str | None,
    typer.Option(
        "--checkout",
        metavar="DIR",
        help="Outside a git repository: the folder that include and prompt_file may reach; default: the file's folder.",
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
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the local sandbox (.halo/ beside the project file).")]
SandboxFile = Annotated[
    str | None,
    typer.Option("--sandbox-file", metavar="PATH", help="Use the sandbox in this file; also set by HALO_SANDBOX."),
]
SandboxAnywhere = Annotated[
    bool,
    typer.Option("--sandbox", help="Name the sandbox in printed commands; this command contacts no platform."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and errors as JSON on stderr.")]
FormatOption = Annotated[Format, typer.Option("--format", metavar="text|json", help="Output format.")]
DocumentFormatOption = Annotated[
    DocumentFormat, typer.Option("--format", metavar="text|json|markdown", help="Output format.")
]
ReviewFormatOption = Annotated[
    ReviewFormat,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Output format: text, json, markdown (for a pull request) or github (annotations).",
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="FORMAT=FILE",
        help="Also write the result to a file (mode 0600), such as markdown=plan.md; can be repeated.",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print no colour; also set by NO_COLOR.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", metavar="KEY", help="Only this entry; can be repeated."),
]
AllowArchive = Annotated[
    int,
    typer.Option(
        "--allow-archive",
        metavar="N",
        min=0,
        show_default=False,
        help="Allow up to N schedules to stop firing (archived or paused); default: 30 % of those firing, at most 25.",
    ),
]
AllowCreate = Annotated[
    list[str] | None,
    typer.Option("--allow-create", metavar="KEY", help="Create this entry even if a similar schedule exists."),
]
AllowTakeover = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-takeover",
        metavar="KEY",
        help="Let this entry take a schedule from outside the scope, by its `renamed_from` or `id`.",
    ),
]
Out = Annotated[
    str | None, typer.Option("--out", "-o", metavar="FILE", help="Save the plan, for `halo apply FILE` (mode 0600).")
]
DetailedExitcode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit 2 when changes are pending, 0 when there are none.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="Distinguish this branch's changes from those already pending at REF."),
]
AcceptPolicyChange = Annotated[
    bool,
    typer.Option("--accept-policy-change", help="Allow this branch to loosen the policy that --base compares."),
]
Protect = Annotated[
    list[str] | None,
    typer.Option("--protect", metavar="GLOB", help="Protect these titles too; also set by HALO_PROTECT, one per line."),
]
Undeclared = Annotated[
    str | None,
    typer.Option(
        "--undeclared",
        metavar="report|error",
        help="Archive no undeclared schedule, or fail if there is one; also set by HALO_UNDECLARED.",
    ),
]


class GuardOptions(NamedTuple):
    """The options of ``plan`` and ``apply`` about guards and the policy."""

    allow_archive: AllowArchive = 0
    allow_create: AllowCreate = None
    allow_takeover: AllowTakeover = None
    protect: Protect = None
    undeclared: Undeclared = None


RequireHead = Annotated[
    str | None,
    typer.Option("--require-head", metavar="REF", help="Refuse unless HEAD equals this branch on the remote."),
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", metavar="N", min=1, max=64, help="Maximum number of concurrent changes.")
]
DEFAULT_CONCURRENCY = 8
"""Changes, or requests for reports, in progress at a time."""
MaxRps = Annotated[
    float,
    typer.Option(
        "--max-rps", metavar="N", min=0.1, help="Maximum number of requests per second; the platform allows 100."
    ),
]
Receipt = Annotated[
    str | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Write the receipt for `halo undo` to this new file (mode 0600), or with several project files "
        "into this folder; default: .halo/receipts/.",
    ),
]


class WriteOptions(NamedTuple):
    """The options of each command that writes to the platform."""

    yes: Yes = False
    concurrency: Concurrency = DEFAULT_CONCURRENCY
    max_rps: MaxRps = 50
    receipt: Receipt = None


KeepGoing = Annotated[
    bool,
    typer.Option("--keep-going", help="With several project files, continue after one that failed."),
]
AllowIncomplete = Annotated[
    bool,
    typer.Option("--allow-incomplete", help="Accept a receipt whose end is missing because the run was killed."),
]


class Effort(StrEnum):
    """The reasoning effort of the analysis model (docs/protocol.md#procedures)."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


# Run requests -------------------------------------------------------------------------------------------------------

AgentUuid = Annotated[
    list[str] | None,
    typer.Option("--agent-uuid", "--agent", metavar="AGENT", help="The agent: an alias, a name or a UUID."),
]
Prompt = Annotated[
    str | None, typer.Option("--prompt", metavar="TEXT", help="The prompt; default: the review that `inf` asks for.")
]
PromptFile = Annotated[
    str | None, typer.Option("--prompt-file", metavar="FILE", help="Read the prompt from this file.")
]
WindowStartAt = Annotated[
    str | None,
    typer.Option(
        "--window-start-at",
        metavar="ISO",
        help="Start of the window, such as 2026-11-01 (UTC) or 2026-11-01T09:00Z; local time without a zone.",
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
        help="Length of the window if no start is given; default: 24, or the schedule's.",
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
    typer.Option("--span-limit", metavar="N", min=1, help="Maximum number of spans to read; default: the platform's."),
]
MaxSubagentDepth = Annotated[
    int | None,
    typer.Option(
        "--max-subagent-depth", metavar="N", min=1, max=5, help="1 to 5; default: the platform's (currently 1)."
    ),
]
MaxTurns = Annotated[
    int | None,
    typer.Option("--max-turns", metavar="N", min=3, max=100, help="3 to 100; default: the platform's (currently 20)."),
]
ReasoningEffort = Annotated[
    Effort | None,
    typer.Option(
        "--reasoning-effort",
        metavar="LEVEL",
        help="none, minimal, low, medium, high or xhigh; default: the platform's (currently medium).",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Ask the platform for detailed logs of the run.")]
AgentTimeRange = Annotated[
    TimeRange,
    typer.Option("--agent-time-range", metavar="RANGE", help="How far back to look for agents to choose from."),
]

# Waiting ------------------------------------------------------------------------------------------------------------

Interval = Annotated[
    float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="Time between two polls of a run.")
]
RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0, help="Maximum time to wait; the run continues after it.")
]


class WaitOptions(NamedTuple):
    """The options of each command that waits for runs."""

    interval: Interval = 5
    timeout: Timeout = 1800


NoWait = Annotated[bool, typer.Option("--no-wait", help="Start the run, print its ids and do not wait.")]

# Reading ------------------------------------------------------------------------------------------------------------

Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Maximum number to list; default: 50.")]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|DIR",
        help="Write to this new markdown file, or into this folder, with front matter.",
    ),
]
ReportReference = Annotated[
    str, typer.Argument(metavar="ID|KEY", help="The id of a run, conversation or schedule, or a schedule's key.")
]
RequestConcurrency = Annotated[
    int, typer.Option("--concurrency", metavar="N", min=1, max=64, help="Maximum number of concurrent requests.")
]
Raw = Annotated[bool, typer.Option("--raw", help="Print the markdown source, even on a terminal.")]
ScheduleKey = Annotated[
    str | None, typer.Option("--schedule", metavar="KEY", help="A schedule of the project file, by its key.")
]

# Traces -------------------------------------------------------------------------------------------------------------

RowLimit = Annotated[int, typer.Option("--limit", "-l", metavar="N", min=1, help="Maximum number to list.")]
PageCursor = Annotated[
    str | None, typer.Option("--cursor", metavar="CURSOR", help="Continue after the page that ended with this cursor.")
]
JsonOutput = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the JSON to this new file (mode 0600) and print nothing."
    ),
]
ProjectId = Annotated[
    str | None,
    typer.Option(
        "--project",
        "--project-id",
        metavar="ID",
        help="Project id; default: the file, INF_PROJECT_ID, then the inf config file.",
    ),
]
TeamId = Annotated[
    str | None,
    typer.Option("--team", "--team-id", metavar="ID", help="Team id; default: INF_TEAM_ID, then the inf config file."),
]
