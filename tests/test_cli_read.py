"""The commands that only read: agents, models, schedules and the doctor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, schedules, tree
from loopback import Reply, Request, failure, result, serving
from sandbox_calls import demo_agents
from served_runs import Served

from halo_iac.sandbox import demo

KEY = "sk-inference-read-0123"
PROJECT = """\
version: 1
schedules:
  daily:
    title: Daily review
    agent: checkout
    frequency: daily
    at: "09:00"
    prompt: |
      What went wrong?
      Cite trace ids.
  paused: {title: Paused one, agent: research, cron: "30 2 * * *", enabled: false}
  retired: {title: Retired one, agent: research, cron: "30 2 * * *"}
"""
FIELDS = [
    "id",
    "teamId",
    "projectId",
    "title",
    "enabled",
    "archivedAt",
    "autoPausedAt",
    "autoPauseReason",
    "frequency",
    "hours",
    "minutes",
    "daysOfWeek",
    "daysOfMonth",
    "timezone",
    "prompt",
    "agentUuid",
    "modelId",
    "summarizationModelId",
    "spanLimit",
    "lookbackHours",
    "maxSubagentDepth",
    "maxTurns",
    "createdByUserId",
    "createdAt",
    "updatedAt",
]
"""A schedule as the official client reads it (docs/protocol.md#fields)."""


@pytest.fixture
def applied(halo: CommandLine, folder: Path) -> list[dict[str, Any]]:
    """Apply the project, retire one entry, and return every schedule in the order of the platform."""
    (folder / "halo.yaml").write_text(PROJECT)
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text(PROJECT.replace("title: Retired one,", "title: Retired one, state: archived,"))
    assert halo("apply", "--sandbox", "--yes").code == 0
    schedules: list[dict[str, Any]] = halo("schedule", "list", "--sandbox", "--include-archived", "--json").json[
        "schedules"
    ]
    return schedules


def test_agents_as_a_table_and_as_the_platform_sent_them(quick_runs: Served) -> None:
    ended = quick_runs("agent", "list")
    assert (ended.code, ended.err) == (0, f"SANDBOX {quick_runs.halo.env['INF_API_URL']}\n")
    assert ended.out == (
        "NAME         SOURCE      UUID                                  EXECUTIONS\n"
        "checkout     agent_id    5a4db0c5-a000-4000-8000-000000000001        1440\n"
        "support-bot  agent_name  5a4db0c5-a000-4000-8000-000000000002         720\n"
        "research     agent_name  5a4db0c5-a000-4000-8000-000000000003         180\n"
    )
    as_json = quick_runs("agent", "list", "--time-range", "7d", "--json")
    assert (as_json.code, as_json.err, as_json.json) == (0, "", demo_agents(7))


def test_agents_of_the_sandbox_name_its_file(halo: CommandLine, folder: Path) -> None:
    ended = halo("agent", "list", "--sandbox")
    assert (ended.code, ended.err) == (0, f"SANDBOX sandbox:{folder / '.halo' / 'sandbox.db'}\n")


def test_the_name_of_an_agent_is_never_cut(halo: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "checkout-assistant-of-the-european-shop"
    answer = [{"id": demo.CHECKOUT_ID, "identitySource": "agent_name", "identityValue": name}]
    monkeypatch.setenv("COLUMNS", "70")
    with serving(lambda _: result(answer)) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("agent", "list", "--no-color", is_terminal=True, **env)
    assert ended.out == f"NAME        {name}\nSOURCE      agent_name\nUUID        {demo.CHECKOUT_ID}\nEXECUTIONS\n"


def test_models_as_a_table_and_as_the_platform_sent_them(halo: CommandLine) -> None:
    assert halo("model", "list", "--sandbox").out == (
        "ID           NAME\nhalo-large   HALO Large\nhalo-medium  HALO Medium\nhalo-small   HALO Small\n"
    )
    assert halo("model", "list", "--sandbox", "--json").json == list(demo.MODELS)
    assert halo("model", "list", "--sandbox", "--summarization", "--json").json == list(demo.SUMMARIZATION_MODELS)


def test_schedules_have_the_platforms_field_names(applied: list[dict[str, Any]]) -> None:
    assert [list(schedule) for schedule in applied] == [FIELDS] * 3
    assert {schedule["title"]: schedule["archivedAt"] is None for schedule in applied} == {
        "Daily review": True,
        "Paused one": True,
        "Retired one": False,
    }


def test_schedules_as_a_table(halo: CommandLine, applied: list[dict[str, Any]]) -> None:
    ids = {schedule["title"]: schedule["id"] for schedule in applied}
    rows = {
        "Daily review": (f"Daily review  active    every day at 09:00 (UTC)  checkout  {ids['Daily review']}"),
        "Paused one": f"Paused one    paused    every day at 02:30 (UTC)  research  {ids['Paused one']}",
        "Retired one": f"Retired one   archived  every day at 02:30 (UTC)  research  {ids['Retired one']}",
    }
    ended = halo("schedule", "list", "--sandbox", "--include-archived")
    assert ended.code == 0
    head, *lines = ended.out.splitlines()
    assert head.split() == ["TITLE", "STATE", "WHEN", "AGENT", "ID"]
    assert lines == [rows[schedule["title"]] for schedule in applied]
    active = halo("schedule", "list", "--sandbox").out
    assert "Retired one" not in active
    assert "Paused one" in active


def test_schedules_as_json_are_the_platforms_own_page(halo: CommandLine, applied: list[dict[str, Any]]) -> None:
    document = halo("schedule", "list", "--sandbox", "--include-archived", "--json").json
    assert document == {"schedules": applied, "nextCursor": None}


def test_an_agent_that_has_no_name_is_shown_by_its_id(halo: CommandLine) -> None:
    rows = [{"id": f"s-{name}", "title": name, "agentUuid": name} for name in ("known", "unknown")]

    def answer(request: Request) -> Reply:
        if not request.path.endswith("agent.listForProject"):
            return result({"schedules": rows, "nextCursor": None})
        return result([{"id": "known", "identityValue": "checkout"}]) if is_listed else failure(403, "not yours")

    with serving(answer) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY, "INF_PROJECT_ID": "p"}
        is_listed = True
        listed = halo("schedule", "list", **env)
        is_listed = False
        refused = halo("schedule", "list", **env)
    assert [line.split()[-2:] for line in listed.out.splitlines()[1:]] == [
        ["checkout", "s-known"],
        ["unknown", "s-unknown"],
    ]
    assert [line.split()[-2:] for line in refused.out.splitlines()[1:]] == [
        ["known", "s-known"],
        ["unknown", "s-unknown"],
    ]
    assert (refused.code, refused.err) == (0, "Agents are shown by id: agent.listForProject (HTTP 403): not yours\n")


def test_an_empty_list_is_reported(halo: CommandLine) -> None:
    ended = halo("schedule", "list", "--sandbox")
    assert (ended.code, ended.out) == (0, "TITLE  STATE  WHEN  AGENT  ID\n")
    assert ended.err.endswith(f"Project {demo.DEMO_PROJECT_ID} has no active schedule.\n")
    assert schedules(halo) == []


def test_one_schedule_in_full(halo: CommandLine, applied: list[dict[str, Any]]) -> None:
    (daily,) = (schedule for schedule in applied if schedule["title"] == "Daily review")
    ended = halo("schedule", "get", daily["id"], "--sandbox")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines if "│" not in line] == FIELDS
    start = next(index for index, line in enumerate(lines) if line.startswith("prompt "))
    assert lines[start] == f"{'prompt':22}What went wrong?"
    assert lines[start + 1] == f"{'':20}│ Cite trace ids."
    assert f"{'hours':22}9" in lines
    assert f"{'enabled':22}true" in lines
    assert halo("schedule", "get", daily["id"], "--sandbox", "--json").json == daily


NOWHERE = "00000000-0000-4000-8000-000000000000"


def test_a_schedule_that_is_not_there(halo: CommandLine) -> None:
    ended = halo("schedule", "get", NOWHERE, "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert f"error: haloSchedule.getById (HTTP 404): Schedule {NOWHERE} was not found.\nhint: " in ended.err
    error = halo("schedule", "get", NOWHERE, "--sandbox", "--json").error
    assert (error["code"], error["procedure"], error["status"]) == ("rejected", "haloSchedule.getById", 404)


def test_a_schedule_is_shown_by_its_key(halo: CommandLine, applied: list[dict[str, Any]]) -> None:
    (daily,) = (schedule for schedule in applied if schedule["title"] == "Daily review")
    assert halo("schedule", "get", "daily", "--sandbox", "--json").json == daily


# Against a platform -------------------------------------------------------------------------------------------------

CONTEXT = {
    "authMethod": "apiKey",
    "teamId": "t",
    "resolvedProject": None,
    "scopedProjects": [{"id": "p", "name": "Shop", "permissions": ["read"]}],
}


def answer_by_procedure(**answers: Reply) -> Callable[[Request], Reply]:
    """Answer by the procedure's last word; the auth context unless said otherwise."""
    return lambda request: {"getAuthContext": result(CONTEXT), **answers}[request.path.rpartition(".")[2]]


def test_an_incomplete_list_is_shown_and_is_a_failure(halo: CommandLine) -> None:
    page = {"schedules": [], "nextCursor": "again"}
    with serving(answer_by_procedure(listForProject=result(page))) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY}
        ended = halo("schedule", "list", **env)
        as_json = halo("schedule", "list", "--json", **env)
    assert (ended.code, ended.out) == (1, "TITLE  STATE  WHEN  AGENT  ID\n")
    assert "error: this list is incomplete: " in ended.err
    assert (as_json.code, as_json.error["code"]) == (1, "error")
    assert as_json.json == {"schedules": [], "nextCursor": None}


def test_unknown_shapes_of_a_model_are_shown_as_they_are(halo: CommandLine) -> None:
    models = ["plain", {"id": "m", "other": 1}, {}]
    with serving(answer_by_procedure(listEligibleModels=result(models))) as recorder:
        ended = halo("model", "list", INF_API_URL=recorder.url, INF_API_KEY=KEY)
    assert ended.out == "ID     NAME\nplain\nm\n\n"


def test_foreign_words_are_harmless_on_a_terminal(halo: CommandLine) -> None:
    agent = {"id": "a", "identitySource": "agent_name", "identityValue": "\x1b[2J::error::x", "stats": {}}
    with serving(answer_by_procedure(listForProject=result([agent]))) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY}
        ended = halo("agent", "list", is_terminal=True, **env)
        as_json = halo("agent", "list", "--json", **env)
    assert "\x1b[2J" not in ended.out
    assert as_json.json == [agent]


# Doctor -------------------------------------------------------------------------------------------------------------


def findings(ended_json: list[dict[str, Any]]) -> dict[str, tuple[str, bool | None]]:
    return {each["subject"]: (each["verdict"], each["is_fine"]) for each in ended_json}


def test_the_doctor_finds_the_sandbox_well(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    ended = halo("doctor", "--sandbox")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split("  ")[0] for line in ended.out.splitlines()] == [
        "halo",
        "YAML parser",
        "project file",
        "platform",
        "project",
        "key",
        "reading",
    ]
    found = findings(halo("doctor", "--sandbox", "--json").json)
    assert found["project file"] == ("halo.yaml, 3 schedules", True)
    assert found["project"] == (f"{demo.DEMO_PROJECT_ID} from the sandbox", None)
    assert found["key"] == ("permits read and write in Sandbox", True)
    assert found["reading"] == ("3 agents in the last 90 days", True)


def test_the_doctor_names_a_schema_of_another_version(halo: CommandLine, folder: Path) -> None:
    halo("init")
    assert "editor schemas" not in halo("doctor", "--sandbox").out
    (folder / "halo.include.schema.json").write_text("{}")
    ended = halo("doctor", "--sandbox", "--json")
    assert ended.code == 0
    assert findings(ended.json)["editor schemas"] == (
        "halo.include.schema.json is not this version's: run `halo schema include > halo.include.schema.json`",
        None,
    )


def test_the_doctor_says_where_everything_comes_from(halo: CommandLine, folder: Path) -> None:
    (folder.parent / "inf").mkdir()
    config = folder.parent / "inf" / "config.json"
    with serving(answer_by_procedure(listForProject=result([]))) as recorder:
        config.write_text(json.dumps({"apiKey": KEY, "apiUrl": recorder.url, "activeTeamId": "t"}))
        ended = halo("doctor", "--json")
    found = findings(ended.json)
    assert ended.code == 0
    assert found["project file"] == ("none: run `halo init` or `halo import`", None)
    assert found["base URL"] == (f"{recorder.url} from {config} (apiUrl)", None)
    assert found["API key"] == (f"from {config} (apiKey)", None)
    assert found["team"] == (f"t from {config} (activeTeamId)", None)
    assert found["project"] == ("p from the key's only project", None)
    assert found["key"][1] is True
    assert found["key"][0].startswith("permits read in Shop; enough for plan, not for apply\nhint: ")


def rename_git(folder: Path) -> None:
    (folder.parent / ".git").rename(folder.parent / "git")


TWO = [{"id": "p", "name": "Shop", "permissions": ["read", "write"]}, {"id": "q", "name": "Bar\x1b", "permissions": []}]


@pytest.mark.parametrize(
    ("subject", "verdict", "hint", "prepare", "env"),
    [
        ("settings", "no API key: neither", "Set INF_API_KEY, or sign in", None, {"INF_API_KEY": ""}),
        (
            "project",
            "no project is named, and the key belongs to 2 projects:\n  p  Shop\n  q  Bar",
            "Name one:",
            None,
            {},
        ),
        (
            "key",
            "works, but not for this project; it works for:\n  p  Shop\n  q  Bar",
            "name one of them",
            None,
            {"P": "x"},
        ),
        ("key", "permits nothing in Bar", "to apply, set INF_API_KEY to a key that may write", None, {"P": "q"}),
        ("reading", "0 agents in the last 90 days", "send traces that set `agent.id`", None, {"P": "p"}),
        ("git", "git was not found on PATH", "install git", None, {"PATH": "/nowhere"}),
        ("git", "no repository", "run `git init`", rename_git, {}),
        (
            "git",
            "a shallow clone",
            "run `git fetch --unshallow`",
            lambda folder: (folder.parent / ".git" / "shallow").touch(),
            {},
        ),
        (
            "editor schemas",
            "halo.schema.json is not this version's: run `halo schema > halo.schema.json`",
            "",
            lambda folder: (folder / "halo.schema.json").write_text("{}"),
            {},
        ),
    ],
)
def test_the_doctor_names_the_next_step(
    halo: CommandLine,
    folder: Path,
    subject: str,
    verdict: str,
    hint: str,
    prepare: Callable[[Path], object] | None,
    env: dict[str, str],
) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    if prepare is not None:
        prepare(folder)
    answers = answer_by_procedure(getAuthContext=result({"scopedProjects": TWO}), listForProject=result([]))
    with serving(answers) as recorder:
        given = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY, "INF_PROJECT_ID": env.pop("P", ""), **env}
        found = findings(halo("doctor", "--json", **given).json)
    line, _, next_step = found[subject][0].partition("\nhint: ")
    assert (line[: len(verdict)], next_step[: len(hint)]) == (verdict, hint)


def test_the_doctor_names_what_is_missing(halo: CommandLine) -> None:
    ended = halo("doctor")
    assert (ended.code, ended.err) == (1, "")
    assert "settings      FAILED: no API key: " in ended.out
    assert "│ hint: Set INF_API_KEY, or sign in with `inf`; `--sandbox` needs no key." in ended.out


def test_the_doctor_tries_once(halo: CommandLine) -> None:
    with serving(lambda _request: failure(503, "later")) as recorder:
        ended = halo("doctor", INF_API_URL=recorder.url, INF_API_KEY=KEY)
    assert ended.code == 1
    assert "project       FAILED: project.getAuthContext (HTTP 503): later\n" in ended.out
    assert len(recorder.requests) == 1


def test_the_doctor_reports_a_refused_key_and_a_closed_port(halo: CommandLine) -> None:
    with serving(lambda _request: failure(401, "no such key", "UNAUTHORIZED")) as recorder:
        ended = halo("doctor", INF_API_URL=recorder.url, INF_API_KEY=KEY, INF_PROJECT_ID="p")
    assert ended.code == 1
    assert "key           FAILED: project.getAuthContext (HTTP 401): no such key\n" in ended.out
    assert "reading       FAILED: agent.listForProject (HTTP 401): no such key\n" in ended.out
    gone = halo("doctor", INF_API_URL=recorder.url, INF_API_KEY=KEY)
    assert gone.code == 1
    assert "connection refused\n" in gone.out
    assert "Tried" not in gone.out


def test_the_doctor_counts_a_bad_project_file_as_a_failure(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 2\nschedules: {}\n")
    ended = halo("doctor", "--sandbox")
    assert ended.code == 1
    assert "project file  FAILED: halo.yaml:1:10: `version`: expected 1, the only version so far\n" in ended.out


def test_reading_writes_nothing_beside_the_sandbox(halo: CommandLine, folder: Path) -> None:
    with serving(answer_by_procedure(listForProject=result([]))) as recorder:
        for command in (("agent", "list"), ("doctor",)):
            assert halo(*command, INF_API_URL=recorder.url, INF_API_KEY=KEY).code == 0
    assert tree(folder) == {}
    assert {request.method for request in recorder.requests} == {"GET"}
