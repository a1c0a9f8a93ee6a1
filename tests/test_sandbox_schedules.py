from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_calls import DAILY, PROJECT, Caller, Clock, error_of

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox

ID = "00000000-0000-4000-8000-00000000000a"
OTHER_ID = "00000000-0000-4000-8000-00000000000b"
AT_NOON = "2026-11-02T12:00:00.000Z"


@pytest.fixture
def caller(clock: Clock) -> Iterator[Caller]:
    ids = iter(f"00000000-0000-4000-8000-{number:012x}" for number in range(10, 10_000))
    with Sandbox.open(None, clock=clock, ids=lambda: next(ids)) as sandbox:
        yield Caller(sandbox)


def test_a_created_schedule_has_every_field_and_the_documented_defaults(caller: Caller) -> None:
    assert caller.create() == {
        **DAILY,
        "id": ID,
        "teamId": demo.DEMO_TEAM_ID,
        "enabled": True,
        "archivedAt": None,
        "autoPausedAt": None,
        "autoPauseReason": None,
        "modelId": "halo-large",
        "summarizationModelId": None,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
        "createdByUserId": demo.DEMO_USER_ID,
        "createdAt": AT_NOON,
        "updatedAt": AT_NOON,
    }


def test_a_created_schedule_is_read_and_listed_unchanged(caller: Caller) -> None:
    created = caller.create(title="日次 — “review” \U0001f6d2", prompt='One\ntwo\t\\ "three"\n')
    assert caller.query("haloSchedule.getById", {"id": ID}) == created
    assert caller.listed() == [created]
    assert caller.sandbox.schedules() == [created]


def test_an_update_changes_the_given_fields_and_moves_updated_at(caller: Caller, clock: Clock) -> None:
    created = caller.create()
    clock.advance(minutes=1)
    updated = caller.mutate("haloSchedule.update", {"id": ID, "hours": [17], "title": "Evening"})
    assert updated == {**created, "hours": [17], "title": "Evening", "updatedAt": "2026-11-02T12:01:00.000Z"}
    assert caller.query("haloSchedule.getById", {"id": ID}) == updated


def test_archiving_twice_is_fine_and_keeps_the_first_instant(caller: Caller, clock: Clock) -> None:
    created = caller.create()
    clock.advance(minutes=1)
    at = "2026-11-02T12:01:00.000Z"
    archived = caller.mutate("haloSchedule.archive", {"id": ID})
    assert archived == {**created, "archivedAt": at, "updatedAt": at}
    clock.advance(minutes=1)
    assert caller.mutate("haloSchedule.archive", {"id": ID}) == archived


def test_unarchiving_twice_is_fine(caller: Caller, clock: Clock) -> None:
    created = caller.create()
    assert caller.mutate("haloSchedule.unarchive", {"id": ID}) == created
    caller.mutate("haloSchedule.archive", {"id": ID})
    clock.advance(minutes=1)
    back = caller.mutate("haloSchedule.unarchive", {"id": ID})
    assert back == {**created, "updatedAt": "2026-11-02T12:01:00.000Z"}


def test_a_list_leaves_archived_schedules_out_unless_asked(caller: Caller) -> None:
    first, second = caller.create(title="One"), caller.create(title="Two")
    archived = caller.mutate("haloSchedule.archive", {"id": first["id"]})
    assert caller.listed() == [second]
    assert caller.listed(includeArchived=False) == [second]
    assert caller.listed(includeArchived=True) == [archived, second]


def test_a_list_can_be_narrowed_to_an_agent(caller: Caller) -> None:
    caller.create()
    research = caller.create(agentUuid=demo.RESEARCH_ID)
    assert caller.listed(agentUuid=demo.RESEARCH_ID) == [research]


def test_equal_titles_are_two_schedules(caller: Caller) -> None:
    assert [caller.create()["id"], caller.create()["id"]] == [ID, OTHER_ID]
    assert [each["title"] for each in caller.listed()] == ["Daily review", "Daily review"]


def test_a_null_model_is_the_catalogs_default_and_so_is_a_model_taken_back(caller: Caller) -> None:
    assert caller.create(modelId=None)["modelId"] == "halo-large"
    assert caller.mutate("haloSchedule.update", {"id": ID, "modelId": "halo-small"})["modelId"] == "halo-small"
    assert caller.mutate("haloSchedule.update", {"id": ID, "modelId": None})["modelId"] == "halo-large"


def test_keys_that_no_procedure_knows_are_dropped(caller: Caller) -> None:
    assert "label" not in caller.create(label="x")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": " "}, "title must not be blank."),
        ({"title": "x" * 201}, "title must have at most 200 characters."),
        ({"title": 7}, "title must be a string."),
        ({"title": None}, "title must be a string."),
        ({"title": "a\0b"}, "title must not contain NUL characters or lone surrogates."),
        ({"prompt": ""}, "prompt must not be blank."),
        ({"prompt": "\ud800"}, "prompt must not contain NUL characters or lone surrogates."),
        ({"agentUuid": "checkout"}, "agentUuid must be a UUID."),
        ({"frequency": "dayly"}, "frequency must be one of hourly, daily, weekly, monthly."),
        ({"hours": [24]}, "hours must be from 0 to 23."),
        ({"hours": [True]}, "hours must be an integer."),
        ({"hours": ["9"]}, "hours must be an integer."),
        ({"hours": [9.5]}, "hours must be an integer."),
        ({"hours": 9}, "hours must be a list."),
        ({"minutes": []}, "minutes must not be empty."),
        ({"minutes": [60]}, "minutes must be from 0 to 59."),
        ({"daysOfWeek": [7]}, "daysOfWeek must be from 0 to 6."),
        ({"daysOfMonth": [0]}, "daysOfMonth must be from 1 to 31."),
        ({"timezone": "utc"}, "timezone must be the name of an IANA time zone."),
        ({"timezone": "Mars/Base"}, "timezone must be the name of an IANA time zone."),
        ({"spanLimit": 0}, "spanLimit must be at least 1."),
        ({"lookbackHours": -1}, "lookbackHours must be at least 1."),
        ({"maxSubagentDepth": 6}, "maxSubagentDepth must be from 1 to 5."),
        ({"maxTurns": 101}, "maxTurns must be from 1 to 100."),
        ({"enabled": 1}, "enabled must be true or false."),
        ({"enabled": None}, "enabled must be true or false."),
        ({"modelId": "m"}, "modelId must be one of halo-large, halo-medium, halo-small."),
        ({"summarizationModelId": "m"}, "summarizationModelId must be one of halo-brief, halo-small."),
        ({"hours": [], "title": ""}, "title must not be blank."),
        ({"title": "", "minutes": [99]}, "title must not be blank; minutes must be from 0 to 59."),
        ({"hours": []}, "A daily schedule needs hours."),
        ({"frequency": "weekly"}, "A weekly schedule needs daysOfWeek."),
        ({"frequency": "monthly", "hours": []}, "A monthly schedule needs hours and daysOfMonth."),
    ],
)
def test_a_bad_field_is_refused_by_create_and_by_update(caller: Caller, fields: dict[str, Any], message: str) -> None:
    refusal = (400, -32600, "BAD_REQUEST", message)
    assert error_of(caller.send_mutation("haloSchedule.create", {**DAILY, **fields})) == refusal
    assert caller.listed() == []
    created = caller.create()
    assert error_of(caller.send_mutation("haloSchedule.update", {"id": ID, **fields})) == refusal
    assert caller.listed() == [created]


def test_create_names_everything_that_is_missing(caller: Caller) -> None:
    missing = "; ".join(f"{name} is required" for name in DAILY)
    assert error_of(caller.send_mutation("haloSchedule.create", {})) == (400, -32600, "BAD_REQUEST", f"{missing}.")


@pytest.mark.parametrize("given", [None, [], "x", 7])
def test_an_input_that_is_no_object_is_refused(caller: Caller, given: object) -> None:
    refusal = (400, -32600, "BAD_REQUEST", "The input must be a JSON object.")
    assert error_of(caller.send_mutation("haloSchedule.create", given)) == refusal


def test_whole_floats_are_integers_as_in_javascript(caller: Caller) -> None:
    assert caller.create(hours=[9.0], spanLimit=5e3)["hours"] == [9]


def test_an_hourly_schedule_needs_no_hours_and_superfluous_parts_are_kept(caller: Caller) -> None:
    created = caller.create(frequency="hourly", hours=[], daysOfWeek=[1])
    assert (created["hours"], created["daysOfWeek"]) == ([], [1])


def test_an_update_is_judged_together_with_what_is_stored(caller: Caller) -> None:
    caller.create(frequency="hourly", hours=[])
    refused = caller.send_mutation("haloSchedule.update", {"id": ID, "frequency": "daily"})
    assert error_of(refused) == (400, -32600, "BAD_REQUEST", "A daily schedule needs hours.")
    assert caller.mutate("haloSchedule.update", {"id": ID, "frequency": "daily", "hours": [3]})["hours"] == [3]


def test_an_unknown_agent_is_refused(caller: Caller) -> None:
    refusal = (404, -32004, "NOT_FOUND", f"Agent {OTHER_ID} was not found in project {PROJECT}.")
    assert error_of(caller.send_mutation("haloSchedule.create", {**DAILY, "agentUuid": OTHER_ID})) == refusal
    caller.create()
    assert error_of(caller.send_mutation("haloSchedule.update", {"id": ID, "agentUuid": OTHER_ID})) == refusal


@pytest.mark.parametrize("procedure", ["update", "archive", "unarchive"])
def test_a_schedule_that_is_not_there_cannot_be_changed(caller: Caller, procedure: str) -> None:
    refusal = (404, -32004, "NOT_FOUND", f"Schedule {ID} was not found.")
    assert error_of(caller.send_mutation(f"haloSchedule.{procedure}", {"id": ID})) == refusal


@pytest.mark.parametrize("procedure", ["getById", "listRuns"])
def test_a_schedule_that_is_not_there_cannot_be_read(caller: Caller, procedure: str) -> None:
    refusal = (404, -32004, "NOT_FOUND", f"Schedule {ID} was not found.")
    assert error_of(caller.send_query(f"haloSchedule.{procedure}", {"id": ID})) == refusal


def test_a_schedule_has_no_runs_yet(caller: Caller) -> None:
    caller.create()
    assert caller.query("haloSchedule.listRuns", {"id": ID, "limit": 50}) == []
    refusal = (400, -32600, "BAD_REQUEST", "limit must be from 1 to 100.")
    assert error_of(caller.send_query("haloSchedule.listRuns", {"id": ID, "limit": 101})) == refusal


def test_an_archived_schedule_may_be_updated_and_stays_archived(caller: Caller) -> None:
    caller.create()
    archived = caller.mutate("haloSchedule.archive", {"id": ID})
    assert caller.mutate("haloSchedule.update", {"id": ID, "hours": [1]}) == {**archived, "hours": [1]}


def test_a_sandbox_can_refuse_updates_of_archived_schedules() -> None:
    with Sandbox.open(None, updates_archived=False) as sandbox:
        caller = Caller(sandbox)
        schedule_id = caller.create()["id"]
        caller.mutate("haloSchedule.archive", {"id": schedule_id})
        refusal = (412, -32012, "PRECONDITION_FAILED", f"Schedule {schedule_id} is archived.")
        assert error_of(caller.send_mutation("haloSchedule.update", {"id": schedule_id, "hours": [1]})) == refusal


def test_a_platform_paused_schedule_resumes_when_enabled_or_given_an_agent(caller: Caller) -> None:
    paused = {"enabled": False, "autoPausedAt": AT_NOON, "autoPauseReason": "agent_not_found"}
    caller.sandbox.seed(PROJECT, [{**caller.create(), "id": OTHER_ID, **paused}])
    stays = caller.mutate("haloSchedule.update", {"id": OTHER_ID, "title": "Still paused"})
    assert {name: stays[name] for name in paused} == paused
    goes_on = caller.mutate("haloSchedule.update", {"id": OTHER_ID, "enabled": True})
    assert {name: goes_on[name] for name in paused} == {
        "enabled": True,
        "autoPausedAt": None,
        "autoPauseReason": None,
    }


def test_both_lists_of_models_are_answered(caller: Caller) -> None:
    assert caller.query("haloSchedule.listEligibleModels") == list(demo.MODELS)
    assert caller.query("haloSchedule.listEligibleSummarizationModels") == list(demo.SUMMARIZATION_MODELS)
