from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sandbox_calls import DAILY, PROJECT, Caller, demo_agents, error_of, result_of

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import MAX_BODY, Answer, Request
from halo_iac.sandbox.recent_requests import RecordedRequest
from halo_iac.sandbox.store import Key

NOWHERE = "5a4db0c5-ffff-4000-8000-000000000001"


def ids(schedules: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in schedules]


# --- the envelope


def test_a_result_is_wrapped_and_typed(caller: Caller) -> None:
    answer = caller.send_query("haloSchedule.listForProject", {"projectId": PROJECT})
    body = b'{"result":{"data":{"schedules":[],"nextCursor":null}}}'
    assert answer == Answer(200, {"content-type": "application/json"}, body)


def test_a_refusal_is_wrapped_as_trpc_wraps_it(caller: Caller) -> None:
    answer = caller.send_query("haloSchedule.getById", {"id": NOWHERE})
    assert answer.status == 404
    assert json.loads(answer.body) == {
        "error": {
            "message": f"Schedule {NOWHERE} was not found.",
            "code": -32004,
            "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "haloSchedule.getById"},
        }
    }


@pytest.mark.parametrize("name", ["haloSchedule.delete", "", "haloSchedule", "a/haloSchedule.create"])
def test_an_unknown_procedure_is_not_found_whatever_the_key(sandbox: Sandbox, name: str) -> None:
    refusal = (404, -32004, "NOT_FOUND", f'No procedure is called "{name}".')
    assert error_of(Caller(sandbox, key="wrong").send_query(name)) == refusal


@pytest.mark.parametrize(
    ("method", "name", "kind"),
    [
        ("GET", "haloSchedule.create", "mutation"),
        ("POST", "haloSchedule.getById", "query"),
        ("DELETE", "haloSchedule.archive", "mutation"),
        ("HEAD", "agent.listForProject", "query"),
    ],
)
def test_the_wrong_method_is_refused(caller: Caller, method: str, name: str, kind: str) -> None:
    refusal = (405, -32005, "METHOD_NOT_SUPPORTED", f"{name} is a {kind} and does not accept {method}.")
    assert error_of(caller.send(method, name)) == refusal


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"id": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_a_parse_error(caller: Caller, body: bytes) -> None:
    refusal = (400, -32700, "PARSE_ERROR", "The input is not valid JSON.")
    assert error_of(caller.send("POST", "haloSchedule.archive", body=body)) == refusal


def test_a_query_that_is_no_json_is_a_parse_error(caller: Caller) -> None:
    refusal = (400, -32700, "PARSE_ERROR", "The input is not valid JSON.")
    assert error_of(caller.send("GET", "agent.listForProject", query="input={")) == refusal


def test_a_query_without_input_has_none(caller: Caller) -> None:
    refusal = (400, -32600, "BAD_REQUEST", "The input must be a JSON object.")
    assert error_of(caller.send("GET", "agent.listForProject")) == refusal


def test_a_body_has_to_be_announced_as_json(sandbox: Sandbox) -> None:
    headers = {"authorization": f"Bearer {demo.DEMO_KEY}", "content-type": "text/plain"}
    answer = sandbox.answer(Request("POST", "/haloSchedule.archive", "", headers, b'{"id":"x"}'))
    refusal = (415, -32015, "UNSUPPORTED_MEDIA_TYPE", "The input must be sent as application/json.")
    assert error_of(answer) == refusal


def test_a_body_has_a_bound(caller: Caller) -> None:
    answer = caller.send_mutation("haloSchedule.create", {**DAILY, "prompt": "x" * MAX_BODY})
    assert error_of(answer)[:3] == (413, -32013, "PAYLOAD_TOO_LARGE")


def test_telemetry_is_taken_from_anyone(sandbox: Sandbox) -> None:
    answer = sandbox.answer(Request("POST", "/telemetry.recordCliCommand", "", {}, b"{}"))
    assert answer == Answer(200, {"content-type": "application/json"}, b'{"result":{"data":null}}')


def test_a_request_is_shown_without_its_key() -> None:
    request = Request("GET", "/x", "", {"authorization": "Bearer sk-inference-secret"}, b"")
    assert repr(request) == "Request(GET /x)"
    assert "secret" not in repr(Key("sk-inference-secret"))


# --- keys and permissions


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": demo.DEMO_KEY},
        {"authorization": f"Basic {demo.DEMO_KEY}"},
    ],
)
def test_a_missing_or_unknown_key_is_unauthorized(sandbox: Sandbox, headers: dict[str, str]) -> None:
    answer = sandbox.answer(Request("GET", "/haloSchedule.listEligibleModels", "", headers, b""))
    assert error_of(answer) == (401, -32001, "UNAUTHORIZED", "The key is missing or not valid.")


def test_the_team_header_means_nothing(sandbox: Sandbox) -> None:
    headers = {"authorization": f"bearer {demo.DEMO_KEY}", "x-inference-team-id": "another"}
    answer = sandbox.answer(Request("GET", "/haloSchedule.listEligibleModels", "", headers, b""))
    assert result_of(answer) == list(demo.MODELS)


def test_a_read_only_key_reads_but_does_not_write(sandbox: Sandbox, caller: Caller) -> None:
    created = caller.create()
    reader = Caller(sandbox, demo.DEMO_READ_KEY)
    assert reader.listed() == [created]
    refusal = (403, -32003, "FORBIDDEN", "This key has no permission to write.")
    assert error_of(reader.send_mutation("haloSchedule.create", DAILY)) == refusal
    for procedure in ("update", "archive", "unarchive"):
        assert error_of(reader.send_mutation(f"haloSchedule.{procedure}", {"id": created["id"]})) == refusal
    assert caller.listed() == [created]


def test_a_write_only_key_writes_but_does_not_read(sandbox: Sandbox) -> None:
    sandbox.add_key(Key("sk-inference-w", can_read=False), [PROJECT])
    writer = Caller(sandbox, "sk-inference-w")
    assert writer.create()["title"] == "Daily review"
    refusal = (403, -32003, "FORBIDDEN", "This key has no permission to read.")
    assert error_of(writer.send_query("haloSchedule.listForProject", {"projectId": PROJECT})) == refusal


def test_a_key_sees_its_own_projects_only(sandbox: Sandbox, caller: Caller) -> None:
    schedule_id = caller.create()["id"]
    sandbox.ensure_project(NOWHERE)
    sandbox.add_key(Key("sk-inference-n"), [NOWHERE])
    stranger = Caller(sandbox, "sk-inference-n")
    assert stranger.listed(projectId=NOWHERE) == []
    forbidden = (403, -32003, "FORBIDDEN", f"This key has no access to project {PROJECT}.")
    assert error_of(stranger.send_query("haloSchedule.listForProject", {"projectId": PROJECT})) == forbidden
    assert error_of(stranger.send_query("agent.listForProject", {"projectId": PROJECT})) == forbidden
    assert error_of(stranger.send_mutation("haloSchedule.create", DAILY)) == forbidden
    absent = (404, -32004, "NOT_FOUND", f"Schedule {schedule_id} was not found.")
    assert error_of(stranger.send_query("haloSchedule.getById", {"id": schedule_id})) == absent
    assert error_of(stranger.send_mutation("haloSchedule.archive", {"id": schedule_id})) == absent
    assert [each["id"] for each in stranger.query("project.getProjects")] == [NOWHERE]


# --- projects


def test_any_project_comes_into_being_with_the_demo_agents(caller: Caller) -> None:
    assert caller.query("agent.listForProject", {"projectId": "project-1"}) == demo_agents(30)
    assert caller.create(projectId="project-1")["projectId"] == "project-1"
    assert caller.listed() == []


def test_a_sandbox_can_hold_to_the_projects_it_has() -> None:
    with Sandbox.open(None, any_project=False) as sandbox:
        answer = Caller(sandbox).send_query("agent.listForProject", {"projectId": "project-1"})
        refusal = (403, -32003, "FORBIDDEN", "This key has no access to project project-1.")
        assert error_of(answer) == refusal


def test_the_first_project_can_be_another_than_the_demo() -> None:
    with Sandbox.open(None, project="project-1") as sandbox:
        assert [each["id"] for each in Caller(sandbox).query("project.getProjects")] == ["project-1"]


def test_the_auth_context_has_the_shape_that_was_recorded(sandbox: Sandbox, caller: Caller) -> None:
    project = {"id": PROJECT, "name": "Sandbox"}
    context = {"authMethod": "api-key", "teamId": demo.DEMO_TEAM_ID, "resolvedProject": project}
    writing = [{**project, "permissions": ["read", "write"]}]
    assert caller.query("project.getAuthContext") == {**context, "scopedProjects": writing}
    reading = [{**project, "permissions": ["read"]}]
    reader = Caller(sandbox, demo.DEMO_READ_KEY)
    assert reader.query("project.getAuthContext") == {**context, "scopedProjects": reading}


def test_a_key_of_several_projects_resolves_to_none(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.ensure_project(NOWHERE)
    context = caller.query("project.getAuthContext")
    assert context["resolvedProject"] is None
    assert [each["id"] for each in context["scopedProjects"]] == [PROJECT, NOWHERE]


def test_projects_and_the_profile_are_where_the_official_client_looks(caller: Caller) -> None:
    created_at = "2026-11-02T12:00:00.000Z"
    project = {"id": PROJECT, "name": "Sandbox", "createdAt": created_at, "teamId": demo.DEMO_TEAM_ID}
    assert caller.query("project.getProjects") == [project]
    assert caller.query("project.getProject", {"projectId": PROJECT}) == project
    user = {"id": demo.DEMO_USER_ID, "email": "sandbox@localhost", "name": "Sandbox"}
    assert caller.query("user.getProfile") == {"session": {"user": user}}


# --- agents


def test_agents_are_those_of_the_time_range(sandbox: Sandbox, caller: Caller) -> None:
    rare = {"id": NOWHERE, "identitySource": "agent_name", "identityValue": "rare", "stats": {"executionCount": 1}}
    sandbox.add_agent(PROJECT, rare, last_seen_at="2026-09-01T00:00:00.000Z")
    assert caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": "14d"}) == demo_agents(14)
    assert caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": "90d"})[3:] == [rare]
    sandbox.add_agent(PROJECT, rare, last_seen_at="2026-11-02T11:30:00.000Z")
    assert caller.query("agent.listForProject", {"projectId": PROJECT, "timeRange": "1h"})[-1] == rare


def test_a_forgotten_agent_is_gone(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
    assert caller.query("agent.listForProject", {"projectId": PROJECT}) == demo_agents(30)[1:]
    assert error_of(caller.send_mutation("haloSchedule.create", DAILY))[2] == "NOT_FOUND"


@pytest.mark.parametrize("time_range", ["2d", "", None, 30, "30D"])
def test_a_time_range_is_one_of_those_documented(caller: Caller, time_range: object) -> None:
    answer = caller.send_query("agent.listForProject", {"projectId": PROJECT, "timeRange": time_range})
    ranges = "1h, 6h, 12h, 1d, 3d, 7d, 14d, 30d, 90d"
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", f"timeRange must be one of {ranges}.")


# --- paging


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_pages_joined_are_the_whole(count: int) -> None:
    with Sandbox.open(None, page_size=2) as sandbox:
        caller = Caller(sandbox)
        created = [caller.create(title=f"Number {number}") for number in range(count)]
        assert caller.listed() == created
        assert caller.listed(limit=1) == created
        assert caller.listed(limit=100) == created
        pages = [seen.input.get("cursor") for seen in sandbox.requests if seen.procedure.endswith("listForProject")]
        assert len(pages) == max(1, -(-count // 2)) + max(1, count) + 1


def test_a_cursor_holds_while_schedules_come_and_go(caller: Caller) -> None:
    created = [caller.create(title=f"Number {number}") for number in range(4)]
    given = {"projectId": PROJECT, "limit": 2}
    first = caller.query("haloSchedule.listForProject", given)
    late = caller.create(title="Late")
    caller.mutate("haloSchedule.archive", {"id": created[0]["id"]})
    caller.mutate("haloSchedule.archive", {"id": created[1]["id"]})
    rest = caller.listed(limit=2, cursor=first["nextCursor"])
    assert ids(first["schedules"] + rest) == ids([*created, late])


@pytest.mark.parametrize("cursor", ["", "x", "after-", "after--1", "after-1e3", "after-" + "9" * 40])
def test_a_cursor_from_elsewhere_is_refused(caller: Caller, cursor: str) -> None:
    answer = caller.send_query("haloSchedule.listForProject", {"projectId": PROJECT, "cursor": cursor})
    refusal = (400, -32600, "BAD_REQUEST", "cursor was not returned by this list.")
    assert error_of(answer) == refusal


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("limit", 0, "limit must be from 1 to 100."),
        ("limit", 101, "limit must be from 1 to 100."),
        ("limit", "5", "limit must be an integer."),
        ("includeArchived", "true", "includeArchived must be true or false."),
        ("agentUuid", "checkout", "agentUuid must be a UUID."),
        ("projectId", "", "projectId must not be blank."),
        ("projectId", 1, "projectId must be a string."),
    ],
)
def test_a_list_refuses_bad_choices(caller: Caller, field: str, value: object, message: str) -> None:
    answer = caller.send_query("haloSchedule.listForProject", {"projectId": PROJECT, field: value})
    assert error_of(answer) == (400, -32600, "BAD_REQUEST", message)


# --- seeding, and what was asked


def test_seeded_rows_are_answered_as_they_are(sandbox: Sandbox, caller: Caller) -> None:
    odd: list[dict[str, Any]] = [
        {"id": "a", "title": "No more than that"},
        {"title": "No id"},
        {"id": "a", "title": "An id twice", "frequency": "fortnightly", "agentUuid": 7, "modelId": []},
        {"id": 7, "title": None, "projectId": "another", "archivedAt": "2026-01-01T00:00:00.000Z"},
    ]
    sandbox.seed(PROJECT, odd)
    assert caller.listed(includeArchived=True) == odd
    assert caller.listed() == odd[:3]
    assert sandbox.schedules() == odd
    changed = caller.mutate("haloSchedule.update", {"id": "a", "title": "Still odd"})
    assert {**changed, "updatedAt": None} == {"id": "a", "title": "Still odd", "updatedAt": None}


def test_every_request_is_remembered_without_its_key(caller: Caller) -> None:
    caller.send_query("project.getProjects")
    caller.send("POST", "haloSchedule.archive", body=b"{")
    caller.send_mutation("haloSchedule.archive", {"id": "x"})
    assert caller.sandbox.requests == [
        RecordedRequest("project.getProjects", None),
        RecordedRequest("haloSchedule.archive", None),
        RecordedRequest("haloSchedule.archive", {"id": "x"}),
    ]


def test_instants_have_milliseconds_and_z() -> None:
    with Sandbox.open(None, clock=lambda: datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=UTC)) as sandbox:
        assert Caller(sandbox).create()["createdAt"] == "2026-01-02T03:04:05.006Z"


def test_eight_threads_may_create_at_once(sandbox: Sandbox, caller: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: caller.create(title=f"Number {number}"), range(200)))
    assert sorted(ids(caller.listed())) == sorted(ids(created))
    assert len(set(ids(sandbox.schedules()))) == 200
