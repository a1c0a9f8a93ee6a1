"""Our requests against the official client's, as recorded: same method, path, and every input key and value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from loopback import Recorder, Reply, Request, result, serving
from strategies import BASE

from halo_iac.api.runs import RunReader, RunWriter
from halo_iac.api.schedules import Reader, Writer, create_input
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.api.trpc import Json
from halo_iac.model.runs import RunRequest, Window
from halo_iac.model.schedule import Spec

GOLDEN = {
    entry["command"].removeprefix("inf halo "): entry
    for entry in json.loads((Path(__file__).parent / "golden-requests.json").read_text())
}
PROJECT = "project-1"
SCHEDULE = "0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01"
AGENT = "6f1e2a9c-5b3d-4c8e-9a7f-0d1b2c3e4f50"
RUN = "c2f4e6a8-1b3d-4e5f-8a9b-0c1d2e3f4a5b"
CONVERSATION = "d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f"
DAY = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
ORDER = RunRequest(agent=AGENT, prompt="P", window=DAY, name="checkout")
HOURLY = replace(BASE, title="T", agent=AGENT, frequency="hourly", hours=(), minutes=(15,), prompt="P")
PROMISED = {"maxSubagentDepth", "maxTurns"}
"""What our create sends beyond the official one, because the project file promises it."""


ANSWERS: dict[str, Json] = {
    "/agent.listForProject": [],
    "/haloSchedule.listEligibleModels": [],
    "/haloSchedule.listForProject": {"schedules": [], "nextCursor": None},
    "/haloSchedule.listRuns": [],
    "/haloRun.getById": {"run": {"id": RUN}, "haloExportDataset": None},
    "/haloRun.getEvents": {"events": [], "nextCursor": None},
    "/haloConversation.listForProject": {"conversations": [], "nextCursor": None},
    "/haloConversation.getDetails": {"conversation": {"id": CONVERSATION}, "messages": [], "runs": []},
}


def answer_request(request: Request) -> Reply:
    """Answer as little as our client needs; what is created or changed is the schedule or run that was asked for."""
    if request.path in ANSWERS:
        return result(ANSWERS[request.path])
    return result({"id": (request.input or {}).get("id", SCHEDULE), "title": "T"})


@pytest.fixture
def platform() -> Iterator[Recorder]:
    with serving(answer_request) as recorder:
        yield recorder


Call = Callable[[Reader, Writer], object]


def creating(**fields: Json) -> Call:
    spec = Spec(**{name: fields.get(name, getattr(HOURLY, name)) for name in HOURLY.__slots__})
    return lambda _, writer: writer.create(create_input(PROJECT, spec))


def updating(**fields: Json) -> Call:
    return lambda _, writer: writer.update(SCHEDULE, fields)


OURS: dict[str, Call] = {
    "agent list": lambda reader, _: reader.agents(PROJECT, "30d"),
    "agent list --time-range 7d": lambda reader, _: reader.agents(PROJECT, "7d"),
    "schedule list": lambda reader, _: reader.schedules(PROJECT, include_archived=False),
    "schedule list --include-archived": lambda reader, _: reader.schedules(PROJECT),
    f"schedule get {SCHEDULE}": lambda reader, _: reader.schedule(SCHEDULE),
    "eligible-models": lambda reader, _: reader.eligible_models(),
    f"schedule create --title T --prompt P --agent-uuid {AGENT} --frequency hourly --minutes 15": creating(),
    f"schedule create --title T --prompt P --agent-uuid {AGENT} --frequency daily --hours 9,17 --minutes 0 --timezone"
    " America/Los_Angeles": creating(
        frequency="daily", hours=(9, 17), minutes=(0,), timezone="America/Los_Angeles", enabled=True
    ),
    f"schedule create --title T --prompt P --agent-uuid {AGENT} --frequency weekly --days-of-week 1,4 --hours 9"
    " --minutes 30 --lookback-hours 168 --enabled false": creating(
        frequency="weekly", days_of_week=(1, 4), hours=(9,), minutes=(30,), lookback_hours=168, enabled=False
    ),
    f"schedule create --title T --prompt P --agent-uuid {AGENT} --frequency monthly --days-of-month 1,15 --hours 0"
    " --minutes 0 --model-id m --span-limit 5000 --max-subagent-depth 4 --max-turns 60": creating(
        frequency="monthly",
        days_of_month=(1, 15),
        hours=(0,),
        minutes=(0,),
        model_id="m",
        span_limit=5000,
        max_subagent_depth=4,
        max_turns=60,
    ),
    f"schedule update {SCHEDULE} --enabled false": updating(enabled=False),
    f"schedule update {SCHEDULE} --agent-uuid {AGENT} --lookback-hours 168": updating(
        agentUuid=AGENT, lookbackHours=168
    ),
    f"schedule update {SCHEDULE} --title T2 --frequency weekly --days-of-week 2 --hours 17 --minutes 5 --timezone"
    " Europe/Berlin --prompt Q --model-id m2 --span-limit 7 --max-subagent-depth 2 --max-turns 9": updating(
        title="T2",
        frequency="weekly",
        hours=[17],
        minutes=[5],
        daysOfWeek=[2],
        timezone="Europe/Berlin",
        prompt="Q",
        modelId="m2",
        spanLimit=7,
        maxSubagentDepth=2,
        maxTurns=9,
    ),
    f"schedule archive {SCHEDULE} -y": lambda _, writer: writer.archive(SCHEDULE),
    f"schedule unarchive {SCHEDULE}": lambda _, writer: writer.unarchive(SCHEDULE),
}
NEVER_OURS = "schedules --agent-uuid"
"""The one command whose intent nothing of ours has: a single page by cursor and limit."""

RunCall = Callable[[RunReader, RunWriter], object]

RUNS: dict[str, RunCall] = {
    f"run create --agent-uuid {AGENT} --prompt P --window-start-at 2026-11-01T00:00:00Z"
    " --window-end-at 2026-11-02T00:00:00Z": lambda _, writer: writer.create(PROJECT, ORDER),
    f"run create --agent-uuid {AGENT} --prompt P --window-start-at 2026-11-01T00:00:00Z"
    " --window-end-at 2026-11-02T00:00:00Z --model-id m --span-limit 500 --max-subagent-depth 4 --max-turns 60"
    " --reasoning-effort high --subagent-model-id s --debug": lambda _, writer: writer.create(
        PROJECT,
        replace(
            ORDER,
            model_id="m",
            span_limit=500,
            max_subagent_depth=4,
            max_turns=60,
            reasoning_effort="high",
            subagent_model_id="s",
            debug=True,
        ),
    ),
    f"run get {RUN}": lambda reader, _: reader.run(RUN),
    f"run events {RUN}": lambda reader, _: reader.events(RUN),
    f"run events {RUN} --limit 7": lambda reader, _: reader.events(RUN, 7),
    f"run cancel {RUN}": lambda _, writer: writer.cancel(RUN),
    f"run cancel {RUN} --reason superseded": lambda _, writer: writer.cancel(RUN, "superseded"),
    "conversation list": lambda reader, _: reader.conversations(PROJECT),
    "conversation list --limit 5": lambda reader, _: reader.conversations(PROJECT, limit=5),
    f"conversation get {CONVERSATION}": lambda reader, _: reader.conversation(CONVERSATION),
    f"schedule runs {SCHEDULE}": lambda reader, _: reader.schedule_runs(SCHEDULE),
    f"schedule runs {SCHEDULE} --limit 3": lambda reader, _: reader.schedule_runs(SCHEDULE, 3),
    f"runs-follow-up --conversation-id {CONVERSATION} --prompt Why": lambda _, writer: writer.follow_up(
        CONVERSATION, "Why"
    ),
    f"runs-retry --id {RUN}": lambda _, writer: writer.retry(RUN),
    f"runs-logs --run-id {RUN} --limit 3": lambda reader, _: reader.logs(RUN, limit=3),
    f"schedules-fire --id {SCHEDULE} --window-start-at 2026-11-01T00:00:00Z --window-end-at 2026-11-02T00:00:00Z": (
        lambda _, writer: writer.fire(SCHEDULE, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    ),
    f"conversations --schedule-id {SCHEDULE} --limit 5": lambda reader, _: reader.conversations(
        PROJECT, limit=5, schedule=SCHEDULE
    ),
}


def test_every_recorded_command_has_a_counterpart() -> None:
    assert {command for command in GOLDEN if not command.startswith(NEVER_OURS)} == {*OURS, *RUNS}


@pytest.mark.parametrize("command", RUNS)
def test_our_request_about_runs_equals_the_recorded_one(platform: Recorder, command: str) -> None:
    with Transport(platform.url, Secret("sk-inference-test")) as transport:
        RUNS[command](RunReader(transport), RunWriter(transport))

    golden = GOLDEN[command]
    (request,) = platform.requests
    assert (request.method, request.path, request.input) == (golden["method"], golden["path"], golden["input"])


@pytest.mark.parametrize("command", OURS)
def test_our_request_equals_the_recorded_one(platform: Recorder, command: str) -> None:
    with Transport(platform.url, Secret("sk-inference-test")) as transport:
        OURS[command](Reader(transport), Writer(transport))

    golden = GOLDEN[command]
    (request,) = platform.requests
    assert (request.method, request.path) == (golden["method"], golden["path"])
    allowed = PROMISED if command.startswith("schedule create") else set()
    ours = request.input
    added = set() if ours is None else set(ours) - set(golden["input"])
    assert added <= allowed
    assert ours is None or {name: ours[name] for name in golden["input"]} == golden["input"]
    assert ours is not None or golden["input"] is None


def test_creates_always_send_depth_and_turns() -> None:
    sent = create_input(PROJECT, HOURLY)
    assert (sent["maxSubagentDepth"], sent["maxTurns"]) == (3, 50)


def test_a_managed_summarization_model_is_sent_and_an_unmanaged_one_is_not() -> None:
    managed = Spec(**{name: getattr(HOURLY, name) for name in HOURLY.__slots__} | {"summarization_model_id": "s"})
    assert create_input(PROJECT, managed)["summarizationModelId"] == "s"
    assert "summarizationModelId" not in create_input(PROJECT, HOURLY)


def test_a_query_is_encoded_as_javascript_would(platform: Recorder) -> None:
    transport = Transport(platform.url, None)
    transport.call("a.b", "query", {"projectId": "p 1", "odd": "é+&=/?#'!~*()"})
    transport.close()
    (request,) = platform.requests
    assert request.target == (
        "/a.b?input=%7B%22projectId%22%3A%22p%201%22%2C%22odd%22%3A%22%C3%A9%2B%26%3D%2F%3F%23'!~*()%22%7D"
    )
    assert json.loads(unquote(request.target.partition("=")[2])) == {"projectId": "p 1", "odd": "é+&=/?#'!~*()"}


def test_every_request_carries_the_documented_headers(platform: Recorder) -> None:
    transport = Transport(
        platform.url,
        Secret("sk-inference-test"),
        "team-1",
        user_agent="halo-iac/1.2.3",
        timezone="Europe/Berlin",
    )
    transport.call("a.b", "query")
    transport.call("a.b", "mutation", {"id": "x"})
    transport.close()
    expected = {
        "authorization": "Bearer sk-inference-test",
        "content-type": "application/json",
        "user-agent": "halo-iac/1.2.3",
        "x-inference-caller-timezone": "Europe/Berlin",
        "x-inference-team-id": "team-1",
    }
    assert [{name: request.headers.get(name) for name in expected} for request in platform.requests] == [expected] * 2
    assert [(request.method, request.target) for request in platform.requests] == [("GET", "/a.b"), ("POST", "/a.b")]


def test_without_key_and_team_neither_header_is_sent(platform: Recorder) -> None:
    transport = Transport(platform.url, None)
    transport.call("a.b", "query")
    transport.close()
    (request,) = platform.requests
    assert {"authorization", "x-inference-team-id"}.isdisjoint(request.headers)
    assert request.headers["x-inference-caller-timezone"] == "UTC"


def test_a_prefix_of_the_base_url_is_kept(platform: Recorder) -> None:
    transport = Transport(f"{platform.url}/relay/", None)
    transport.call("a.b", "query")
    transport.close()
    assert platform.requests[0].target == "/relay/a.b"
