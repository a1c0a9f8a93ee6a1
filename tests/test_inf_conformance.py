"""The official client against a served sandbox, story by story; test_inf_commands.py has every command in a table."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from official_client import needs_inf, run_inf
from sandbox_calls import PROJECT, Caller, Clock, demo_agents

from halo_iac.sandbox import demo
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve
from halo_iac.sandbox.store.runs import OnFinish

pytestmark = needs_inf


@dataclass(frozen=True)
class Inf:
    """The official client, pointed at a sandbox by environment alone."""

    caller: Caller
    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Return what a command prints on both streams, without colours."""
        said = run_inf(shlex.join(arguments), self.environment, self.folder)
        assert said.code == code, said.out + said.err
        return said.out if code == 0 else said.out + said.err

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 (whatever JSON the client prints)
        """Return what a command prints as JSON."""
        return json.loads(self("--json", *arguments))

    @property
    def sandbox(self) -> Sandbox:
        return self.caller.sandbox

    def stored(self, schedule_id: str) -> dict[str, Any]:
        """Return a schedule as the sandbox holds it."""
        return next(each for each in self.sandbox.schedules() if each["id"] == schedule_id)


@contextmanager
def signed_in(folder: Path, pace: float, **settings: Any) -> Iterator[Inf]:  # noqa: ANN401
    """Give the official client a sandbox, served, whose runs take this pace."""
    with Sandbox.open(None, pace=pace, **settings) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": demo.DEMO_KEY, "INF_PROJECT_ID": PROJECT}
        yield Inf(Caller(sandbox), env, folder)


@pytest.fixture
def inf(tmp_path: Path) -> Iterator[Inf]:
    with signed_in(tmp_path, pace=0) as client:
        yield client


def table(printed: str) -> list[list[str]]:
    """Return the cells of a table that the client draws, heading first."""
    rows = [line for line in printed.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]


def fields(printed: str) -> dict[str, str]:
    """Return the lines that the client draws as a name and a value."""
    pairs = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in printed.splitlines() if line.startswith("  "))
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def window() -> list[str]:
    """Return the options that name the last day."""
    now = datetime.now(UTC)
    start, end = (format_instant(at) for at in (now - timedelta(days=1), now))
    return ["--window-start-at", start, "--window-end-at", end]


def run_of(inf: Inf, **given: object) -> dict[str, Any]:
    """Start a run over the last day."""
    _, start, _, end = window()
    wanted = {"projectId": PROJECT, "agentUuid": demo.CHECKOUT_ID, "prompt": "P", "windowStartAt": start}
    started: dict[str, Any] = inf.caller.mutate("haloRun.create", {**wanted, "windowEndAt": end, **given})
    return started


def test_agent_list_shows_the_demo_agents(tmp_path: Path) -> None:
    # On a clock that stands still: from one minute to the next a trace may leave the window.
    with signed_in(tmp_path, pace=0, clock=Clock()) as inf:
        listed, drawn = inf.json("halo", "agent", "list", "--time-range", "7d"), table(inf("halo", "agent", "list"))
    assert listed == demo_agents(7)
    assert drawn == [
        ["UUID", "Key", "Identity", "Executions"],
        [demo.CHECKOUT_ID, "agent_id", "checkout", "1,440"],
        [demo.SUPPORT_BOT_ID, "agent_name", "support-bot", "720"],
        [demo.RESEARCH_ID, "agent_name", "research", "180"],
    ]


def test_schedule_list_shows_active_and_archived_schedules(inf: Inf) -> None:
    active, retired = inf.caller.create(title="Active"), inf.caller.create(title="Retired")
    archived = inf.caller.mutate("haloSchedule.archive", {"id": retired["id"]})
    assert inf.json("halo", "schedule", "list") == {"schedules": [active], "nextCursor": None}
    everything = inf.json("halo", "schedule", "list", "--include-archived")
    assert everything == {"schedules": [active, archived], "nextCursor": None}
    drawn = table(inf("halo", "schedule", "list", "--include-archived"))
    assert [row[:8] for row in drawn] == [
        ["ID", "Title", "Agent", "Enabled", "Frequency", "Hours", "Minutes", "TZ"],
        [active["id"], "Active", demo.CHECKOUT_ID, "yes", "daily", "9", "0", "UTC"],
        [retired["id"], "Retired", demo.CHECKOUT_ID, "yes", "daily", "9", "0", "UTC"],
    ]


def test_schedule_get_shows_every_field(inf: Inf) -> None:
    created = inf.caller.create()
    assert inf.json("halo", "schedule", "get", created["id"]) == created
    shown = fields(inf("halo", "schedule", "get", created["id"]))
    chosen = ("ID", "Title", "Agent UUID", "Frequency", "Hours", "Model id", "Span limit", "Prompt", "Archived")
    assert [shown[name] for name in chosen] == [
        *(created["id"], "Daily review", demo.CHECKOUT_ID, "daily", "9", "halo-large", "10000", "Look.", "—"),
    ]


def test_schedule_create_stores_the_given_fields(inf: Inf) -> None:
    options = ["--agent-uuid", demo.RESEARCH_ID, "--frequency", "weekly", "--days-of-week", "1,4"]
    cadence = ["--hours", "9", "--minutes", "0,30", "--timezone", "America/Los_Angeles"]
    created = inf.json("halo", "schedule", "create", "--title", "Twice a week", *options, *cadence)
    assert inf.sandbox.schedules() == [created]
    parts = ("title", "agentUuid", "frequency", "daysOfWeek", "hours", "minutes", "timezone", "enabled")
    zone = "America/Los_Angeles"
    expected = ["Twice a week", demo.RESEARCH_ID, "weekly", [1, 4], [9], [0, 30], zone, True]
    assert [created[name] for name in parts] == expected
    said = inf("halo", "schedule", "create", "--title", "Again", *options, *cadence, "--enabled", "false")
    assert f"Created HALO schedule {inf.sandbox.schedules()[1]['id']}" in said
    assert inf.sandbox.schedules()[1]["enabled"] is False


def test_schedule_update_changes_the_given_fields(inf: Inf) -> None:
    schedule_id = inf.caller.create()["id"]
    said = inf("halo", "schedule", "update", schedule_id, "--hours", "17", "--title", "Evening")
    assert f"Updated HALO schedule {schedule_id}" in said
    updated = inf.json("halo", "schedule", "update", schedule_id, "--enabled", "false", "--model-id", "halo-small")
    assert updated == inf.stored(schedule_id)
    chosen = ("title", "hours", "enabled", "modelId")
    assert [updated[name] for name in chosen] == ["Evening", [17], False, "halo-small"]


@pytest.mark.parametrize("json_flag", [(), ("--json",)])
def test_schedule_archive_and_unarchive_change_the_stored_schedule(inf: Inf, json_flag: tuple[str, ...]) -> None:
    schedule_id = inf.caller.create()["id"]
    inf(*json_flag, "halo", "schedule", "archive", schedule_id, "-y")
    assert inf.stored(schedule_id)["archivedAt"] is not None
    inf(*json_flag, "halo", "schedule", "unarchive", schedule_id)
    assert inf.stored(schedule_id)["archivedAt"] is None


def test_schedule_runs_lists_a_fire_by_hand(inf: Inf) -> None:
    schedule_id = inf.caller.create()["id"]
    assert inf.json("halo", "schedule", "runs", schedule_id) == []
    started = inf.json("halo", "schedules-fire", "--id", schedule_id, *window())
    [run] = inf.json("halo", "schedule", "runs", schedule_id)
    assert (run["id"], run["origin"]) == (started["runId"], "manual_schedule")
    assert inf.json("halo", "schedules-runs", "--id", schedule_id, "--limit", "3") == [run]
    assert [row[:3] for row in table(inf("halo", "schedule", "runs", schedule_id))] == [
        ["ID", "Status", "Conversation"],
        [run["id"], "completed", run["conversationId"]],
    ]
    assert fields(inf("halo", "schedules-fire", "--id", schedule_id, *window()))["conversationId"]
    assert len(table(inf("halo", "schedules-runs", "--id", schedule_id))) == 3


def test_the_documented_workflow_works(tmp_path: Path) -> None:
    with signed_in(tmp_path, pace=0.4) as inf:
        _follow_the_documentation(inf)


def _follow_the_documentation(inf: Inf) -> None:
    started = inf.json("halo", "run", "create", "--agent-uuid", demo.CHECKOUT_ID, "--lookback-hours", "24")
    run_id, conversation_id = started["runId"], started["conversationId"]
    assert "completed" in inf("halo", "run", "poll", run_id, "--interval", "1")
    messages = inf.json("halo", "conversation", "get", conversation_id)["messages"]
    report = next(each["content"] for each in messages if each["role"] == "assistant")
    assert report.startswith("# What the traces show\n")
    assert "`charge_card`" in report
    assert report.rstrip("\n") in inf("halo", "conversation", "get", conversation_id)


def test_run_create_sends_every_option(inf: Inf) -> None:
    limits = ["--span-limit", "500", "--max-subagent-depth", "4", "--max-turns", "60", "--reasoning-effort", "high"]
    models = ["--model-id", "halo-small", "--subagent-model-id", "halo-medium", "--debug"]
    agent = ["--agent-uuid", demo.RESEARCH_ID, "--prompt", "P"]
    started = inf.json("halo", "run", "create", *agent, *window(), *limits, *models)
    run = inf.json("halo", "run", "get", started["runId"])["run"]
    chosen = ("agentUuid", "prompt", "spanLimit", "maxSubagentDepth", "maxTurns", "reasoningEffort", "debug")
    assert [run[name] for name in chosen] == [demo.RESEARCH_ID, "P", 500, 4, 60, "high", True]
    assert [run[name] for name in ("modelId", "subagentModelId")] == ["halo-small", "halo-medium"]
    twin = inf.json("halo", "runs-create", *agent, *window(), "--summarization-model-id", "halo-brief")
    assert inf.json("halo", "get-run", "--id", twin["runId"])["run"]["summarizationModelId"] == "halo-brief"
    assert fields(inf("halo", "run", "create", *agent, "--lookback-hours", "6"))


def test_run_get_and_events_show_the_run(inf: Inf) -> None:
    started = run_of(inf)
    run_id = started["runId"]
    whole = inf.caller.query("haloRun.getById", {"id": run_id})
    assert inf.json("halo", "run", "get", run_id) == inf.json("halo", "get-run", "--id", run_id) == whole
    shown = fields(inf("halo", "run", "get", run_id))
    assert [shown[name] for name in ("Run id", "Status", "Model id", "Error")] == [
        run_id,
        "completed",
        "halo-large",
        "—",
    ]
    assert [shown[name] for name in ("ID", "Lifecycle")] == [started["haloExportDatasetId"], "ready"]
    events = inf.caller.query("haloRun.getEvents", {"runId": run_id, "limit": 100})
    assert inf.json("halo", "run", "events", run_id) == events
    drawn = table(inf("halo", "run", "events", run_id))
    assert [row[:2] for row in drawn] == [
        ["Seq", "Type"],
        *([str(event["sequence"]), event["eventType"]] for event in events["events"]),
    ]
    first = inf.json("halo", "runs-events", "--run-id", run_id, "--limit", "10")
    rest = inf.json("halo", "runs-events", "--run-id", run_id, "--limit", "10", "--cursor", str(first["nextCursor"]))
    assert first["events"] + rest["events"] == events["events"]
    logs = inf.json("halo", "runs-logs", "--run-id", run_id, "--log-level", "info", "--limit", "2", "--offset", "1")
    assert [line["message"] for line in logs["logs"]] == ["export.started", "export.completed"]
    inf("halo", "runs-logs", "--run-id", run_id)


@pytest.mark.parametrize("status", ["failed", "timed_out", "no_traces"])
def test_run_poll_tells_what_came_to_nothing(inf: Inf, status: str) -> None:
    inf.sandbox.end_next_runs(OnFinish(status))
    run_id = run_of(inf)["runId"]
    said = inf("halo", "run", "poll", run_id, "--interval", "1", code=1)
    assert f"ended with status {status}" in said


def test_run_cancel_and_retry_work(tmp_path: Path) -> None:
    with signed_in(tmp_path, pace=1000) as inf:
        _cancel_and_retry(inf)


def _cancel_and_retry(inf: Inf) -> None:
    one, other = run_of(inf), run_of(inf)
    assert one["runId"] in inf("halo", "run", "cancel", one["runId"], "--reason", "superseded")
    cancelled = inf.json("halo", "get-run", "--id", one["runId"])["run"]
    assert (cancelled["status"], cancelled["errorMessage"]) == ("cancelled", "Cancelled: superseded.")
    assert inf.json("halo", "runs-cancel", "--id", other["runId"])["status"] == "cancelled"
    again = inf.json("halo", "runs-retry", "--id", one["runId"])
    assert again["conversationId"] == one["conversationId"]
    assert "still in flight" in inf("halo", "runs-retry", "--id", one["runId"], code=1)


def test_conversation_list_and_get_show_the_threads(inf: Inf) -> None:
    first, second = run_of(inf, prompt="First"), run_of(inf, prompt="Second", agentUuid=demo.RESEARCH_ID)
    page = inf.caller.query("haloConversation.listForProject", {"projectId": PROJECT})
    assert inf.json("halo", "conversation", "list") == inf.json("halo", "conversations") == page
    assert [row[1:3] for row in table(inf("halo", "conv", "ls"))] == [
        ["Title", "Latest run"],
        ["Second", second["runId"]],
        ["First", first["runId"]],
    ]
    newest = inf.json("halo", "conversations", "--limit", "1")
    oldest = inf.json("halo", "conversations", "--limit", "1", "--cursor", newest["nextCursor"])
    assert newest["conversations"] + oldest["conversations"] == page["conversations"]
    narrowed = inf.json("halo", "conversations", "--agent-uuid", demo.RESEARCH_ID)
    assert [each["title"] for each in narrowed["conversations"]] == ["Second"]
    by_id = ("--id", first["conversationId"])
    whole = inf.caller.query("haloConversation.getDetails", {"id": first["conversationId"]})
    assert inf.json("halo", "conversation", "get", first["conversationId"]) == whole
    assert inf.json("halo", "conversations-details", *by_id) == whole
    assert inf.json("halo", "get-conversation", *by_id) == oldest["conversations"][0]
    shown = fields(inf("halo", "conversation", "get", first["conversationId"]))
    assert [shown[name] for name in ("Conversation", "Title")] == [first["conversationId"], "First"]


def test_a_follow_up_is_answered(inf: Inf) -> None:
    conversation_id = run_of(inf)["conversationId"]
    question = "Which errors are there?"
    asked = inf.json("halo", "runs-follow-up", "--conversation-id", conversation_id, "--prompt", question)
    assert asked["conversationId"] == conversation_id
    messages = inf.json("halo", "conversation", "get", conversation_id)["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant", "user", "assistant"]
    assert "charge_card" in messages[3]["content"]


def test_a_session_reads_the_exported_dataset_and_its_traces(inf: Inf) -> None:
    started = run_of(inf)
    by_id = ("--id", started["haloExportDatasetId"])
    config = {"sessionToken": inf.environment.pop("INF_API_KEY")}
    (inf.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    dataset = inf.json("halo", "get-export-dataset", *by_id)
    assert dataset == inf.caller.query("haloExportDataset.getById", {"id": started["haloExportDatasetId"]})
    first = inf.json("halo", "export-datasets-traces", *by_id, "--limit", "30")
    rest = inf.json("halo", "export-datasets-traces", *by_id, "--cursor", first["nextCursor"])
    assert sum(trace["spanCount"] for trace in first["traces"] + rest["traces"]) == dataset["spanCount"]


def test_both_lists_of_eligible_models_are_shown(inf: Inf) -> None:
    assert inf.json("halo", "eligible-models") == list(demo.MODELS)
    assert inf.json("halo", "eligible-summarization-models") == list(demo.SUMMARIZATION_MODELS)
    drawn = table(inf("halo", "eligible-models"))
    assert drawn[0] == ["creator", "id", "maxContextSize", "name"]
    assert [row[1] for row in drawn[1:]] == ["halo-large", "halo-medium", "halo-small"]
    drawn = table(inf("halo", "eligible-summarization-models"))
    assert [row[1] for row in drawn[1:]] == ["halo-brief", "halo-small"]


def test_the_generated_list_follows_cursors_by_hand(inf: Inf) -> None:
    first, second = inf.caller.create(title="One"), inf.caller.create(title="Two")
    page = inf.json("halo", "schedules", "--limit", "1")
    assert page["schedules"] == [first]
    rest = inf.json("halo", "schedules", "--limit", "1", "--cursor", page["nextCursor"])
    assert rest == {"schedules": [second], "nextCursor": None}
    narrowed = inf.json("halo", "schedules", "--agent-uuid", demo.RESEARCH_ID, "--include-archived", "true")
    assert narrowed == {"schedules": [], "nextCursor": None}
    assert [row[:2] for row in table(inf("halo", "schedules"))][1:] == [[first["id"], "One"], [second["id"], "Two"]]


def test_the_generated_twins_do_what_the_curated_commands_do(inf: Inf) -> None:
    agent = ["--agent-uuid", demo.CHECKOUT_ID, "--prompt", "P", "--title", "Twin", "--timezone", "UTC"]
    cadence = ["--frequency", "daily", "--hours", "[9]", "--minutes", "[0]", "--days-of-week", "[]", "--days-of-month"]
    limits = ["[]", "--span-limit", "100", "--lookback-hours", "24"]
    created = inf.json("halo", "schedules-create", *agent, *cadence, *limits)
    assert inf.sandbox.schedules() == [created]
    by_id = ("--id", created["id"])
    assert inf.json("halo", "get-schedule", *by_id) == created
    assert fields(inf("halo", "get-schedule", *by_id))["title"] == "Twin"
    updated = inf.json("halo", "update-schedule", *by_id, "--title", "Renamed", "--max-turns", "60")
    assert updated == {**created, "title": "Renamed", "maxTurns": 60, "updatedAt": updated["updatedAt"]}
    assert inf.json("halo", "schedules-archive", *by_id)["archivedAt"] is not None
    assert inf.json("halo", "schedules-unarchive", *by_id)["archivedAt"] is None
    assert fields(inf("halo", "schedules-archive", *by_id))["archivedAt"] != "—"
    assert fields(inf("halo", "schedules-unarchive", *by_id))["archivedAt"] == "—"
    assert fields(inf("halo", "update-schedule", *by_id, "--title", "Again"))["title"] == "Again"


def test_auth_status_and_whoami_show_the_account_of_the_sandbox(inf: Inf) -> None:
    assert fields(inf("auth", "status"))["Email"] == "sandbox@localhost"
    assert fields(inf("auth", "whoami"))["User ID"] == demo.DEMO_USER_ID
    assert [each["id"] for each in inf.json("project", "list")] == [PROJECT]
    permissions = inf.json("project", "auth-context")["scopedProjects"][0]["permissions"]
    assert permissions == ["read", "write"]


def test_refusals_reach_the_user_in_the_sandboxs_words(inf: Inf) -> None:
    assert "Schedule nope was not found." in inf("halo", "schedule", "get", "nope", code=1)
    schedule_id = inf.caller.create()["id"]
    said = inf("halo", "schedule", "update", schedule_id, "--timezone", "Mars/Base", code=1)
    assert "timezone must be the name of an IANA time zone." in said
    inf.environment["INF_API_KEY"] = demo.DEMO_READ_KEY
    said = inf("halo", "schedule", "archive", schedule_id, "-y", code=1)
    assert "This key has no permission to write." in said
    inf.environment["INF_API_KEY"] = "sk-inference-wrong"
    assert inf("halo", "schedule", "list", code=1)
