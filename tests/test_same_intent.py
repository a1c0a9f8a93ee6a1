"""One intent, two clients: ``inf halo`` and ``halo`` ask a recorder for the same procedure with the same input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from loopback import Reply, Request, result, serving
from official_client import needs_inf, run_inf

pytestmark = needs_inf

SCHEDULE = "0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01"
AGENT = "6f1e2a9c-5b3d-4c8e-9a7f-0d1b2c3e4f50"
OTHER = "6f1e2a9c-5b3d-4c8e-9a7f-0d1b2c3e4f51"
RUN = "c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b"
FLYING = "c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5c"
CONVERSATION = "d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f"
WINDOW = "--window-start-at 2026-11-01T00:00:00Z --window-end-at 2026-11-02T00:00:00Z"
SIGNED_IN = {
    "INF_API_KEY": "sk-inference-test",
    "INF_PROJECT_ID": "project-1",
    "INF_TEAM_ID": "team-1",
    "TZ": "Europe/Berlin",
}
HEADERS = ("authorization", "content-type", "x-inference-team-id", "x-inference-caller-timezone")
PROMISED = {"maxSubagentDepth", "maxTurns"}
"""What our create sends beyond the official one, because the project file promises it.

See docs/protocol.md#same-requests.
"""

HELD: dict[str, Any] = {
    "id": SCHEDULE,
    "projectId": "project-1",
    "title": "Daily",
    "prompt": "Look.",
    "agentUuid": AGENT,
    "frequency": "daily",
    "hours": [9],
    "minutes": [0],
    "daysOfWeek": [],
    "daysOfMonth": [],
    "timezone": "UTC",
    "modelId": "m",
    "summarizationModelId": None,
    "spanLimit": 10000,
    "lookbackHours": 24,
    "maxSubagentDepth": 3,
    "maxTurns": 50,
    "enabled": True,
    "archivedAt": None,
}
ENTRY: dict[str, Any] = {
    "title": "Daily",
    "id": SCHEDULE,
    "agent": AGENT,
    "prompt": "Look.",
    "frequency": "daily",
    "hours": [9],
    "minutes": [0],
}
STARTED = {"runId": RUN, "conversationId": CONVERSATION}
ANSWERS: dict[str, Any] = {
    "/agent.listForProject": [{"id": AGENT, "identityValue": "checkout"}, {"id": OTHER, "identityValue": "support"}],
    "/haloSchedule.listEligibleModels": [],
    "/haloSchedule.listRuns": [],
    "/haloSchedule.fireNow": STARTED,
    "/haloRun.create": STARTED,
    "/haloRun.retry": STARTED,
    "/haloRun.createFollowUp": STARTED,
    "/haloRun.cancel": {"id": FLYING, "status": "cancelled"},
    "/haloRun.getEvents": {"events": [], "nextCursor": None},
    "/haloRun.getLogs": {"logs": []},
    "/haloConversation.listForProject": {"conversations": [], "nextCursor": None},
    "/haloConversation.getDetails": {"conversation": {"id": CONVERSATION}, "messages": [], "runs": []},
    "/telemetry.recordCliCommand": None,
}


class Platform:
    """Answers as a platform with one schedule does, which remembers what was done to it."""

    def __init__(self, *, is_archived: bool) -> None:
        self.held = {**HELD, "archivedAt": "2026-11-01T00:00:00.000Z" if is_archived else None}
        self.created: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Reply:
        if request.path in ANSWERS:
            return result(ANSWERS[request.path])
        if request.path == "/haloSchedule.listForProject":
            return result({"schedules": [self.held, *self.created], "nextCursor": None})
        if request.path == "/haloRun.getById":
            status = "running" if request.input["id"] == FLYING else "completed"
            return result({"run": {"id": request.input["id"], "status": status}, "haloExportDataset": None})
        if request.path == "/haloSchedule.create":
            self.created.append({**HELD, **request.input, "id": OTHER})
            return result(self.created[0])
        changes = {
            "/haloSchedule.update": request.input,
            "/haloSchedule.archive": {"archivedAt": "2026-11-02T00:00:00.000Z"},
            "/haloSchedule.unarchive": {"archivedAt": None},
        }
        self.held |= changes.get(request.path) or {}
        return result(self.held)


def asked_by_inf(command: str, folder: Path, *, is_archived: bool = False) -> Request:
    """Return the one request of a command of the official client, its telemetry aside."""
    with serving(Platform(is_archived=is_archived).answer) as recorder:
        said = run_inf(f"halo {command}", {**SIGNED_IN, "INF_API_URL": recorder.url}, folder)
        assert said.code == 0, said
    (request,) = (request for request in recorder.requests if not request.path.startswith("/telemetry."))
    return request


def asked_by_halo(halo: CommandLine, *argv: str, path: str, is_archived: bool = False) -> Request:
    """Return the one request of ours for this procedure; ours may read other things first, but writes nothing else."""
    with serving(Platform(is_archived=is_archived).answer) as recorder:
        ended = halo(*argv, **SIGNED_IN, INF_API_URL=recorder.url)
        assert ended.code == 0, ended.text
    written = {request.path for request in recorder.requests if request.method == "POST"}
    assert written <= {path}
    request, *others = (request for request in recorder.requests if request.path == path)
    assert {other.method for other in others} <= {"GET"}
    return request


def comparable_request(request: Request) -> tuple[str, str, dict[str, str | None]]:
    return request.method, request.path, {name: request.headers.get(name) for name in HEADERS}


def assert_same(official: Request, ours: Request) -> None:
    assert comparable_request(ours) == comparable_request(official)
    sent, expected = ours.input, official.input
    if official.path == "/haloSchedule.create":
        sent = {name: value for name, value in sent.items() if name in expected or name not in PROMISED}
    assert sent == expected


READS_AND_RUNS = {
    "agent list": "agent list",
    "agent list --time-range 7d": "agent list --time-range 7d",
    "eligible-models": "model list",
    "schedule list": "schedule list",
    "schedule list --include-archived": "schedule list --include-archived",
    f"schedule get {SCHEDULE}": f"schedule get {SCHEDULE}",
    f"get-schedule --id {SCHEDULE}": f"schedule get {SCHEDULE}",
    f"schedule runs {SCHEDULE}": f"schedule runs {SCHEDULE}",
    f"schedules-runs --id {SCHEDULE} --limit 3": f"schedule runs {SCHEDULE} --limit 3",
    f"schedules-fire --id {SCHEDULE} {WINDOW}": f"schedule fire {SCHEDULE} {WINDOW}",
    f"run create --agent-uuid {AGENT} {WINDOW}": f"run create --agent-uuid {AGENT} {WINDOW}",
    **{
        command: command
        for option in (
            "--prompt P",
            "--model-id m",
            "--subagent-model-id s",
            "--span-limit 500",
            "--max-subagent-depth 4",
            "--max-turns 60",
            "--reasoning-effort high",
            "--debug",
        )
        for command in [f"run create --agent-uuid {AGENT} {WINDOW} {option}"]
    },
    f"run get {RUN}": f"run get {RUN}",
    f"get-run --id {RUN}": f"run get {RUN}",
    f"run events {RUN}": f"run events {RUN}",
    f"runs-events --run-id {RUN} --limit 7": f"run events {RUN} --limit 7",
    f"runs-logs --run-id {RUN}": f"run logs {RUN}",
    f"runs-logs --run-id {RUN} --limit 3 --offset 1 --log-level info": (
        f"run logs {RUN} --limit 3 --offset 1 --log-level info"
    ),
    f"run poll {RUN}": f"run poll {RUN}",
    f"run cancel {FLYING}": f"run cancel {FLYING}",
    f"run cancel {FLYING} --reason superseded": f"run cancel {FLYING} --reason superseded",
    f"runs-retry --id {RUN}": f"run retry {RUN}",
    f"runs-follow-up --conversation-id {CONVERSATION} --prompt Why": f"report ask {CONVERSATION} Why --no-wait",
    "conversation list": "conversation list",
    "conversation list --limit 5": "conversation list --limit 5",
    f"conversations --agent-uuid {AGENT} --schedule-id {SCHEDULE} --limit 5": (
        f"conversation list --agent-uuid {AGENT} --schedule-id {SCHEDULE} --limit 5"
    ),
    f"conversation get {CONVERSATION}": f"conversation get {CONVERSATION}",
}


@pytest.mark.parametrize("command", READS_AND_RUNS)
def test_a_command_asks_as_the_official_one_does(halo: CommandLine, tmp_path: Path, command: str) -> None:
    official = asked_by_inf(command, tmp_path)
    assert_same(official, asked_by_halo(halo, *READS_AND_RUNS[command].split(), path=official.path))


def test_a_window_that_ends_now_is_as_long_and_written_alike(halo: CommandLine, tmp_path: Path) -> None:
    command = f"run create --agent-uuid {AGENT} --lookback-hours 6"
    official = asked_by_inf(command, tmp_path)
    ours = asked_by_halo(halo, *command.split(), path=official.path)
    windows = [(each.input["windowStartAt"], each.input["windowEndAt"]) for each in (official, ours)]
    lengths = {datetime.fromisoformat(end) - datetime.fromisoformat(start) for start, end in windows}
    assert len(lengths) == 1
    assert {(len(at), at[-1]) for window in windows for at in window} == {(len("2026-11-01T00:00:00.000Z"), "Z")}


UPDATES: dict[str, dict[str, Any]] = {
    "--title Renamed": {"title": "Renamed"},
    "--enabled false": {"enabled": False},
    "--frequency weekly --days-of-week 1,4": {"frequency": "weekly", "days_of_week": ["mon", "thu"]},
    "--frequency monthly --days-of-month 1,15": {"frequency": "monthly", "days_of_month": [1, 15]},
    "--hours 9,17": {"hours": [9, 17]},
    "--minutes 0,30": {"minutes": [0, 30]},
    "--timezone America/Los_Angeles": {"timezone": "America/Los_Angeles"},
    "--prompt Q": {"prompt": "Q"},
    f"--agent-uuid {OTHER}": {"agent": OTHER},
    "--model-id m2": {"model_id": "m2"},
    "--span-limit 7": {"span_limit": 7},
    "--lookback-hours 168": {"lookback_hours": 168},
    "--max-subagent-depth 2": {"max_subagent_depth": 2},
    "--max-turns 9": {"max_turns": 9},
    "--title Both --hours 8 --lookback-hours 6": {"title": "Both", "hours": [8], "lookback_hours": 6},
}


def write_entry(folder: Path, entry: Mapping[str, Any]) -> None:
    """Write a project file with one entry; JSON is YAML."""
    (folder / "halo.yaml").write_text(json.dumps({"version": 1, "schedules": {"daily": entry}}), encoding="utf-8")


CHANGES: dict[str, dict[str, Any]] = {
    **{f"schedule update {SCHEDULE} {options}": fields for options, fields in UPDATES.items()},
    f"update-schedule --id {SCHEDULE} --summarization-model-id s": {"summarization_model_id": "s"},
    f"schedule archive {SCHEDULE} -y": {"state": "archived"},
}


@pytest.mark.parametrize("command", CHANGES)
def test_changes_equal_those_of_the_client(halo: CommandLine, folder: Path, tmp_path: Path, command: str) -> None:
    write_entry(folder, {**ENTRY, **CHANGES[command]})
    official = asked_by_inf(command, tmp_path)
    assert_same(official, asked_by_halo(halo, "apply", "--yes", path=official.path))


def test_a_declared_one_that_was_archived_is_unarchived(halo: CommandLine, folder: Path, tmp_path: Path) -> None:
    write_entry(folder, ENTRY)
    official = asked_by_inf(f"schedule unarchive {SCHEDULE}", tmp_path, is_archived=True)
    assert_same(official, asked_by_halo(halo, "apply", "--yes", path=official.path, is_archived=True))


NEW = {"title": "New", "agent": AGENT, "prompt": "P"}
CREATES: dict[str, dict[str, Any]] = {
    "--frequency hourly --minutes 15": {"frequency": "hourly", "minutes": [15]},
    "--frequency daily --hours 9,17 --minutes 0 --timezone Europe/Berlin": {
        "frequency": "daily",
        "hours": [9, 17],
        "minutes": [0],
        "timezone": "Europe/Berlin",
    },
    "--frequency weekly --days-of-week 1,4 --hours 9 --minutes 30 --enabled false": {
        "frequency": "weekly",
        "days_of_week": [1, 4],
        "hours": [9],
        "minutes": [30],
        "enabled": False,
    },
    "--frequency monthly --days-of-month 1,15 --hours 0 --minutes 0 --model-id m --span-limit 5000"
    " --lookback-hours 168 --max-subagent-depth 4 --max-turns 60": {
        "frequency": "monthly",
        "days_of_month": [1, 15],
        "hours": [0],
        "minutes": [0],
        "model_id": "m",
        "span_limit": 5000,
        "lookback_hours": 168,
        "max_subagent_depth": 4,
        "max_turns": 60,
    },
}


@pytest.mark.parametrize("options", CREATES)
def test_creates_equal_those_of_the_client(halo: CommandLine, folder: Path, tmp_path: Path, options: str) -> None:
    write_entry(folder, {**NEW, **CREATES[options]})
    official = asked_by_inf(f"schedule create --title New --prompt P --agent-uuid {AGENT} {options}", tmp_path)
    assert_same(official, asked_by_halo(halo, "apply", "--yes", path=official.path))
