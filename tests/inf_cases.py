"""Every ``inf halo`` command: what is asked of it, what the sandbox then holds, and how it is refused.

Words in braces are subjects, which are made when a command line first names them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox_calls import PROJECT, Caller, Json

from halo_iac.sandbox import demo
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.store.runs import OnFinish


class Subjects(dict[str, str]):
    """What command lines name: ids in the sandbox, and a window.

    ``quick`` starts runs that are over at once, ``slow`` ones that outlast the tests. Schedules are paused: none fires
    by itself.
    """

    def __init__(self, quick: Caller, slow: Caller) -> None:
        now = datetime.now(UTC)
        super().__init__(agent=demo.RESEARCH_ID, start=format_instant(now - timedelta(days=1)), end=format_instant(now))
        self.quick, self.slow = quick, slow

    def __missing__(self, name: str) -> str:
        self.update(_MAKERS[name](self))
        return self[name]

    def started(self, caller: Caller) -> dict[str, str]:
        order = {"projectId": PROJECT, "agentUuid": self["agent"], "prompt": "P"}
        run = caller.mutate("haloRun.create", {**order, "windowStartAt": self["start"], "windowEndAt": self["end"]})
        return {"run": run["runId"], "conversation": run["conversationId"], "dataset": run["haloExportDatasetId"]}


def _archived(subjects: Subjects) -> dict[str, str]:
    schedule: str = subjects.quick.create(enabled=False)["id"]
    subjects.quick.mutate("haloSchedule.archive", {"id": schedule})
    return {"archived": schedule}


def _fired(subjects: Subjects) -> dict[str, str]:
    schedule: str = subjects.quick.create(enabled=False)["id"]
    window = {"windowStartAt": subjects["start"], "windowEndAt": subjects["end"]}
    subjects.quick.mutate("haloSchedule.fireNow", {"id": schedule, **window})
    return {"fired": schedule}


def _failed(subjects: Subjects) -> dict[str, str]:
    subjects.quick.sandbox.end_next_runs(OnFinish("failed"))
    return {"failed": subjects.started(subjects.quick)["run"]}


def _traced(subjects: Subjects) -> dict[str, str]:
    """Name a trace of the last day with its failed tool call, and a session; the last minutes' are yet to come."""
    now = datetime.now(UTC) - timedelta(minutes=10)
    dates = {"startDate": format_instant(now - timedelta(days=1)), "endDate": format_instant(now)}
    filters = {**dates, "status": "error", "observationKinds": ["TOOL"]}
    failed = subjects.quick.query("spans.list", {"projectId": PROJECT, "filters": filters})["spans"][0]
    asked = {"projectId": PROJECT, "agentIdentity": "support-bot", "filters": dates}
    session = subjects.quick.query("traces.listSessions", asked)["sessions"][-1]["sessionId"]
    named = {"traced_from": dates["startDate"], "traced_to": dates["endDate"], "session": session}
    return {**named, "trace": failed["traceId"], "span": failed["spanId"]}


_MAKERS: Final[dict[str, Callable[[Subjects], dict[str, str]]]] = {
    **dict.fromkeys(("traced_from", "traced_to", "trace", "span", "session"), _traced),
    "schedule": lambda subjects: {"schedule": subjects.quick.create(enabled=False)["id"]},
    "archived": _archived,
    "fired": _fired,
    **dict.fromkeys(("run", "conversation", "dataset"), lambda subjects: subjects.started(subjects.quick)),
    "flying": lambda subjects: {"flying": subjects.started(subjects.slow)["run"]},
    "failed": _failed,
}

Held = Callable[[Subjects], Json]


def query_result(procedure: str, part: str | None = None, **given: str | int | bool) -> Held:
    """Return what the sandbox answers to a query of ours, or a part of it."""

    def ask(subjects: Subjects) -> Json:
        named = {name: value.format_map(subjects) if isinstance(value, str) else value for name, value in given.items()}
        answer = subjects.quick.query(procedure, named)
        return answer if part is None else answer[part]

    return ask


def newest_schedule(subjects: Subjects) -> Json:
    return subjects.quick.listed()[-1]


def newest_run(subjects: Subjects) -> Json:
    """Return the run that was started last, as a start is answered."""
    page = subjects.quick.query("haloConversation.listForProject", {"projectId": PROJECT, "limit": 1})
    run = page["conversations"][0]["latestRun"]
    same = ("conversationId", "haloExportDatasetId", "agentUuid", "windowStartAt", "windowEndAt")
    return {"runId": run["id"], **{name: run[name] for name in same}}


@dataclass(frozen=True)
class Bad:
    """A command line that fails, and the words it fails with; ``key`` is what it comes with, if not the usual one."""

    line: str
    words: str
    key: str = ""


@dataclass(frozen=True)
class Case:
    """A command line that works; ``--json`` prints what is ``held`` afterwards, else some ``shown`` words of it.

    ``expected`` are fields of what is held that show that the command has had its effect.
    """

    good: str
    held: Held
    shown: Callable[[Any], list[str]]
    bad: tuple[Bad, ...]
    expected: dict[str, Any] = field(default_factory=dict)
    is_for_people: bool = False
    """Whether it takes who has signed in, and no key."""


def row_ids(*path: str) -> Callable[[Any], list[str]]:
    """Show the ids of the rows that lie there."""

    def found(held: Any) -> list[str]:  # noqa: ANN401 - JSON
        for name in path:
            held = held[name]
        return [str(row["id"]) for row in held]

    return found


def field_values(*names: str) -> Callable[[Any], list[str]]:
    """Show the values of these fields."""
    return lambda held: [str(held[name]) for name in names]


def fixed_words(*said: str) -> Callable[[Any], list[str]]:
    """Show these words: what the client draws here is no more than a frame."""
    return lambda _: list(said)


def writing(case: Case) -> Case:
    """Add that a key without the permission is refused."""
    refused = Bad(case.good, "This key has no permission to write.", demo.DEMO_READ_KEY)
    return replace(case, bad=(*case.bad, refused))


_WINDOW = "--window-start-at {start} --window-end-at {end}"
_STRANGER = Bad("", "The key is missing or not valid.", "sk-inference-of-nobody")
_EXTRA = Bad("extra", "error: too many arguments for")
_NO_SCHEDULE = "Schedule nope was not found."
_NO_RUN = "Run nope was not found."
_NO_CONVERSATION = "Conversation nope was not found."
_SCHEDULE = query_result("haloSchedule.getById", id="{schedule}")
_ARCHIVED = query_result("haloSchedule.getById", id="{archived}")
_RUN = query_result("haloRun.getById", id="{run}")
_CANCELLED = query_result("haloRun.getById", "run", id="{flying}")


def archived_schedule(subjects: Subjects) -> Json:
    schedule = _SCHEDULE(subjects)
    assert schedule["archivedAt"] is not None
    return schedule


_CADENCE = "--title Own --agent-uuid {agent} --enabled false"
_TWIN = (
    "--title Twin --agent-uuid {agent} --prompt P --timezone UTC --frequency daily --hours [9] --minutes [0]"
    " --days-of-week [] --days-of-month [] --span-limit 100 --lookback-hours 24 --enabled false"
)

CASES: Final[dict[str, Case]] = {
    "agent list": Case(
        "--time-range 7d",
        query_result("agent.listForProject", projectId=PROJECT, timeRange="7d"),
        row_ids(),
        (Bad("--time-range 2y", "--time-range must be one of 1h, 6h, 12h, 1d"), _STRANGER),
    ),
    "schedule list": Case(
        "--include-archived",
        query_result("haloSchedule.listForProject", projectId=PROJECT, includeArchived=True),
        row_ids("schedules"),
        (_STRANGER,),
    ),
    "schedule get": Case("{schedule}", _SCHEDULE, field_values("id", "title", "prompt"), (Bad("nope", _NO_SCHEDULE),)),
    "schedule runs": Case(
        "{fired} --limit 3",
        query_result("haloSchedule.listRuns", id="{fired}", limit=3),
        row_ids(),
        (Bad("nope", _NO_SCHEDULE), Bad("nope --limit 0", "--limit must be a positive integer")),
    ),
    "schedule create": writing(
        Case(
            f"{_CADENCE} --frequency weekly --days-of-week 1,4 --hours 9 --minutes 0,30 --timezone Europe/Berlin",
            newest_schedule,
            field_values("id"),
            (Bad(f"{_CADENCE} --frequency daily --minutes 0", "A daily schedule needs hours."),),
            {"title": "Own", "daysOfWeek": [1, 4], "minutes": [0, 30], "timezone": "Europe/Berlin", "enabled": False},
        )
    ),
    "schedule update": writing(
        Case(
            "{schedule} --title Renamed --hours 17",
            _SCHEDULE,
            field_values("id"),
            (Bad("{schedule} --timezone Mars/Base", "timezone must be the name of an IANA time zone."),),
            {"title": "Renamed", "hours": [17]},
        )
    ),
    "schedule archive": writing(
        Case(
            "{schedule} -y",
            archived_schedule,
            field_values("id"),
            (Bad("{schedule}", "Refusing to run a destructive command without confirmation."),),
        )
    ),
    "schedule unarchive": writing(
        Case("{archived}", _ARCHIVED, field_values("id"), (Bad("nope", _NO_SCHEDULE),), {"archivedAt": None})
    ),
    "run create": writing(
        Case(
            "--agent-uuid {agent} --span-limit 500",
            newest_run,
            field_values("runId", "conversationId", "haloExportDatasetId", "agentUuid"),
            (
                Bad(
                    "--agent-uuid {agent} --model-id nope",
                    "modelId must be one of halo-large, halo-medium, halo-small.",
                ),
            ),
        )
    ),
    "run get": Case(
        "{run}",
        _RUN,
        lambda held: [held["run"]["id"], held["run"]["status"], held["haloExportDataset"]["id"]],
        (Bad("nope", _NO_RUN),),
    ),
    "run events": Case(
        "{run} --limit 2",
        query_result("haloRun.getEvents", runId="{run}", limit=2),
        lambda held: [event["eventType"] for event in held["events"]],
        (Bad("nope", _NO_RUN),),
    ),
    # A run that there is none of is asked for until the time-out, so that of a short one is looked at.
    "run poll": Case(
        "{run}",
        _RUN,
        lambda held: [f"HALO run {held['run']['id']} completed."],
        (Bad("{flying} --interval 1 --timeout 1", "did not reach a terminal state in 1s."),),
    ),
    "run cancel": writing(
        Case(
            "{flying} --reason superseded",
            _CANCELLED,
            field_values("id"),
            (Bad("nope", _NO_RUN),),
            {"status": "cancelled", "errorMessage": "Cancelled: superseded."},
        )
    ),
    "conversation list": Case(
        "--limit 2",
        query_result("haloConversation.listForProject", projectId=PROJECT, limit=2),
        row_ids("conversations"),
        (Bad("--limit 1000", "limit must be from 1 to 100."),),
    ),
    "conversation get": Case(
        "{conversation}",
        query_result("haloConversation.getDetails", id="{conversation}"),
        lambda held: [held["conversation"]["id"], held["messages"][-1]["content"].rstrip("\n")],
        (Bad("nope", _NO_CONVERSATION),),
    ),
    "conversations": Case(
        "--agent-uuid {agent} --limit 2",
        query_result("haloConversation.listForProject", projectId=PROJECT, agentUuid="{agent}", limit=2),
        row_ids("conversations"),
        (Bad("--limit x", "--limit must be a number."),),
    ),
    "conversations-details": Case(
        "--id {conversation}",
        query_result("haloConversation.getDetails", id="{conversation}"),
        fixed_words("conversation ", "messages ", "runs "),
        (Bad("--id nope", _NO_CONVERSATION),),
    ),
    "eligible-models": Case("", query_result("haloSchedule.listEligibleModels"), row_ids(), (_EXTRA, _STRANGER)),
    "eligible-summarization-models": Case(
        "", query_result("haloSchedule.listEligibleSummarizationModels"), row_ids(), (_EXTRA, _STRANGER)
    ),
    "export-datasets-traces": Case(
        "--id {dataset} --limit 2",
        query_result("haloExportDataset.listTraces", id="{dataset}", limit=2),
        fixed_words("traces ", "nextCursor "),
        (Bad("--id nope", "This command requires signing in with `inf auth login` (not an API key)."),),
        is_for_people=True,
    ),
    "get-conversation": Case(
        "--id {conversation}",
        query_result("haloConversation.getById", id="{conversation}"),
        field_values("id", "title", "latestRunId"),
        (Bad("--id nope", _NO_CONVERSATION),),
    ),
    "get-export-dataset": Case(
        "--id {dataset}",
        query_result("haloExportDataset.getById", id="{dataset}"),
        field_values("id", "spanCount", "windowStartAt"),
        (Bad("--id nope", "This command requires signing in with `inf auth login` (not an API key)."),),
        is_for_people=True,
    ),
    "get-run": Case("--id {run}", _RUN, fixed_words("run ", "haloExportDataset "), (Bad("--id nope", _NO_RUN),)),
    "get-schedule": Case(
        "--id {schedule}", _SCHEDULE, field_values("id", "title", "prompt"), (Bad("", "Missing required option: --id"),)
    ),
    "runs-cancel": writing(
        Case(
            "--id {flying}",
            _CANCELLED,
            field_values("id", "status"),
            (Bad("--id nope", _NO_RUN),),
            {"status": "cancelled"},
        )
    ),
    "runs-create": writing(
        Case(
            f"--agent-uuid {{agent}} --prompt Q {_WINDOW} --debug true",
            newest_run,
            field_values("runId", "conversationId", "windowStartAt"),
            (
                Bad(
                    "--agent-uuid {agent} --prompt Q --window-start-at {end} --window-end-at {start}",
                    "windowEndAt must be after windowStartAt.",
                ),
            ),
        )
    ),
    "runs-events": Case(
        "--run-id {run} --limit 2 --cursor 1",
        query_result("haloRun.getEvents", runId="{run}", limit=2, cursor=1),
        lambda held: [event["eventType"] for event in held["events"]],
        (Bad("--run-id nope --limit 2", _NO_RUN),),
    ),
    "runs-follow-up": writing(
        Case(
            "--conversation-id {conversation} --prompt Why",
            newest_run,
            field_values("runId", "conversationId"),
            (Bad("--conversation-id nope --prompt Why", _NO_CONVERSATION),),
        )
    ),
    "runs-logs": Case(
        "--run-id {run} --limit 2 --offset 1 --log-level info",
        query_result("haloRun.getLogs", runId="{run}", limit=2, offset=1, logLevel="info"),
        field_values("total"),
        (Bad("--run-id {run} --log-level loud", "logLevel must be one of debug, info, warn, error."),),
    ),
    "runs-retry": writing(
        Case(
            "--id {failed}",
            newest_run,
            field_values("runId", "conversationId"),
            (Bad("--id {run}", "only a failed run"),),
        )
    ),
    "schedules": Case(
        "--limit 2",
        query_result("haloSchedule.listForProject", projectId=PROJECT, limit=2),
        row_ids("schedules"),
        (Bad("--include-archived maybe", "--include-archived must be either true or false."),),
    ),
    "schedules-archive": writing(
        Case("--id {schedule}", archived_schedule, field_values("id", "archivedAt"), (Bad("--id nope", _NO_SCHEDULE),))
    ),
    "schedules-create": writing(
        Case(_TWIN, newest_schedule, field_values("id", "title"), (Bad("--title T", "Missing required option:"),))
    ),
    "schedules-fire": writing(
        Case(
            f"--id {{schedule}} {_WINDOW}",
            newest_run,
            field_values("runId", "conversationId", "windowEndAt"),
            (Bad("--id nope", "Missing required option: --window-end-at"),),
        )
    ),
    "schedules-runs": Case(
        "--id {fired}",
        query_result("haloSchedule.listRuns", id="{fired}"),
        row_ids(),
        (Bad("--id nope", _NO_SCHEDULE),),
    ),
    "schedules-unarchive": writing(
        Case("--id {archived}", _ARCHIVED, field_values("id"), (Bad("--id nope", _NO_SCHEDULE),), {"archivedAt": None})
    ),
    "update-schedule": writing(
        Case(
            "--id {schedule} --title Renamed --max-turns 60",
            _SCHEDULE,
            field_values("id", "title"),
            (Bad("--id {schedule} --hours [99]", "hours must be from 0 to 23."),),
            {"title": "Renamed", "maxTurns": 60},
        )
    ),
}
