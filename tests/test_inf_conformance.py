"""The official client against a served sandbox: the proof that the sandbox speaks the platform's language.

Runs where `inf` is installed: on PATH, or named by HALO_TEST_INF.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sandbox_calls import PROJECT, Caller, demo_agents

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.serve import serve

INF = os.environ.get("HALO_TEST_INF") or shutil.which("inf")

pytestmark = pytest.mark.skipif(
    INF is None, reason="the official client is not installed: put `inf` on PATH or name it in HALO_TEST_INF"
)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Inf:
    """The official client, pointed at a sandbox by environment alone."""

    caller: Caller
    environment: dict[str, str]

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Return what a command prints on both streams, without colours."""
        assert INF is not None
        ended = subprocess.run(
            [INF, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return _COLOUR.sub("", ended.stdout if code == 0 else ended.stdout + ended.stderr)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 (whatever JSON the client prints)
        """Return what a command prints as JSON."""
        return json.loads(self("--json", *arguments))

    @property
    def sandbox(self) -> Sandbox:
        return self.caller.sandbox

    def stored(self, schedule_id: str) -> dict[str, Any]:
        """Return a schedule as the sandbox holds it."""
        return next(each for each in self.sandbox.schedules() if each["id"] == schedule_id)


@pytest.fixture
def inf(tmp_path: Path) -> Iterator[Inf]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INF_", "HALO_"))}
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        own = {
            "INF_API_URL": server.url,
            "INF_API_KEY": demo.DEMO_KEY,
            "INF_PROJECT_ID": PROJECT,
            "INF_CONFIG_DIR": str(tmp_path),
            "NO_COLOR": "1",
        }
        yield Inf(Caller(sandbox), {**kept, **own})


def table(printed: str) -> list[list[str]]:
    """Return the cells of a table that the client draws, heading first."""
    rows = [line for line in printed.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]


def fields(printed: str) -> dict[str, str]:
    """Return the lines that the client draws as a name and a value."""
    pairs = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in printed.splitlines() if line.startswith("  "))
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def test_agent_list(inf: Inf) -> None:
    assert inf.json("halo", "agent", "list", "--time-range", "7d") == demo_agents(7)
    assert table(inf("halo", "agent", "list")) == [
        ["UUID", "Key", "Identity", "Executions"],
        [demo.CHECKOUT_ID, "agent_id", "checkout", "1,440"],
        [demo.SUPPORT_BOT_ID, "agent_name", "support-bot", "720"],
        [demo.RESEARCH_ID, "agent_name", "research", "180"],
    ]


def test_schedule_list(inf: Inf) -> None:
    active, retired = inf.caller.create(title="Active"), inf.caller.create(title="Retired")
    archived = inf.caller.do("haloSchedule.archive", {"id": retired["id"]})
    assert inf.json("halo", "schedule", "list") == {"schedules": [active], "nextCursor": None}
    everything = inf.json("halo", "schedule", "list", "--include-archived")
    assert everything == {"schedules": [active, archived], "nextCursor": None}
    drawn = table(inf("halo", "schedule", "list", "--include-archived"))
    assert [row[:8] for row in drawn] == [
        ["ID", "Title", "Agent", "Enabled", "Frequency", "Hours", "Minutes", "TZ"],
        [active["id"], "Active", demo.CHECKOUT_ID, "yes", "daily", "9", "0", "UTC"],
        [retired["id"], "Retired", demo.CHECKOUT_ID, "yes", "daily", "9", "0", "UTC"],
    ]


def test_schedule_get(inf: Inf) -> None:
    created = inf.caller.create()
    assert inf.json("halo", "schedule", "get", created["id"]) == created
    shown = fields(inf("halo", "schedule", "get", created["id"]))
    chosen = ("ID", "Title", "Agent UUID", "Frequency", "Hours", "Model id", "Span limit", "Prompt", "Archived")
    assert [shown[name] for name in chosen] == [
        *(created["id"], "Daily review", demo.CHECKOUT_ID, "daily", "9", "halo-large", "10000", "Look.", "—"),
    ]


def test_schedule_create(inf: Inf) -> None:
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


def test_schedule_update(inf: Inf) -> None:
    schedule_id = inf.caller.create()["id"]
    said = inf("halo", "schedule", "update", schedule_id, "--hours", "17", "--title", "Evening")
    assert f"Updated HALO schedule {schedule_id}" in said
    updated = inf.json("halo", "schedule", "update", schedule_id, "--enabled", "false", "--model-id", "halo-small")
    assert updated == inf.stored(schedule_id)
    chosen = ("title", "hours", "enabled", "modelId")
    assert [updated[name] for name in chosen] == ["Evening", [17], False, "halo-small"]


@pytest.mark.parametrize("json_flag", [(), ("--json",)])
def test_schedule_archive_and_unarchive(inf: Inf, json_flag: tuple[str, ...]) -> None:
    schedule_id = inf.caller.create()["id"]
    inf(*json_flag, "halo", "schedule", "archive", schedule_id, "-y")
    assert inf.stored(schedule_id)["archivedAt"] is not None
    inf(*json_flag, "halo", "schedule", "unarchive", schedule_id)
    assert inf.stored(schedule_id)["archivedAt"] is None


def test_schedule_runs(inf: Inf) -> None:
    schedule_id = inf.caller.create()["id"]
    assert inf.json("halo", "schedule", "runs", schedule_id) == []
    assert inf.json("halo", "schedules-runs", "--id", schedule_id, "--limit", "3") == []
    inf("halo", "schedule", "runs", schedule_id)
    inf("halo", "schedules-runs", "--id", schedule_id)


def test_eligible_models(inf: Inf) -> None:
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


def test_who_is_calling(inf: Inf) -> None:
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
    assert "This key does not permit to write." in said
    inf.environment["INF_API_KEY"] = "sk-inference-wrong"
    assert inf("halo", "schedule", "list", code=1)
