"""Changes of existing schedules: read, compare, write, repeat.

See docs/semantics.md#existing-schedules and docs/semantics.md#retries.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from apply_harness import (
    ARCHIVE,
    ENDING,
    NOT_NOW,
    READ,
    TRANSIENT,
    UNARCHIVE,
    UPDATE,
    WRONG,
    Harness,
    archive,
    open_harness,
    open_served_harness,
    unarchive,
    update,
)
from canned_replies import CLOUDFLARE_403
from receipts import RecordedWrites

from halo_iac.model.plan import Cause
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Cut, Effect, Refuse, Reply

NOON_AND_NINE = ("Review", True, [12])


# Updates ------------------------------------------------------------------------------------------------------------


def test_an_update_reads_writes_once_and_sends_only_what_differs(harness: Harness) -> None:
    wire = harness.add("Review")
    run = harness.run(update(wire, hours=(12,), prompt="Look closely."))
    assert (run.event_lines, run.exit_code) == (["Review started", "Review done"], 0)
    assert [(seen.procedure, seen.input) for seen in harness.sandbox.requests[1:]] == [
        (READ, {"id": "s1"}),
        (UPDATE, {"id": "s1", "hours": [12], "prompt": "Look closely."}),
    ]
    assert harness.sandbox.schedules() == [{**wire, "hours": [12], "prompt": "Look closely."}]


def test_a_pause_leaves_alone_what_changes_meanwhile_and_is_recorded_as_that(harness: Harness) -> None:
    change = replace(update(harness.add("Review"), enabled=False), cause=Cause.PAUSED)
    harness.caller.mutate(UPDATE, {"id": "s1", "prompt": "Corrected."})
    kept = RecordedWrites()
    run = harness.run(change, recorder=kept)
    assert (run.statuses, run.exit_code) == (["done"], 0)
    (held,) = harness.sandbox.schedules()
    assert (held["enabled"], held["prompt"]) == (False, "Corrected.")
    (intent,) = kept.intents
    assert intent.before is not None
    assert intent.after == replace(intent.before, enabled=False)


def test_an_update_that_is_already_in_effect_is_not_written(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [12]})
    run = harness.run(change)
    assert (run.statuses, run.requests, run.exit_code) == (["already"], [READ], 0)


def test_an_update_written_in_part_by_an_earlier_run_is_completed(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,), prompt="Look closely.")
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [12]})
    run = harness.run(change)
    assert (run.statuses, run.exit_code) == (["done"], 0)
    assert harness.caller.query(READ, {"id": "s1"})["prompt"] == "Look closely."


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        ({"hours": [17]}, "hours changed on the platform since the plan was made"),
        (
            {"prompt": "Mine.", "minutes": [30]},
            "minutes, prompt changed on the platform since the plan was made",
        ),
        ({"title": "Mine"}, "title changed on the platform since the plan was made"),
        ({"enabled": False}, "enabled changed on the platform since the plan was made"),
    ],
)
def test_a_managed_field_that_moved_is_a_conflict(harness: Harness, meanwhile: dict[str, Any], message: str) -> None:
    change = update(harness.add("Review"), hours=(12,))
    there = harness.caller.mutate(UPDATE, {"id": "s1", **meanwhile})
    run = harness.run(change)
    assert (run.statuses, run.message, run.exit_code) == (["conflict"], message, 1)
    assert run.requests == [READ]
    assert harness.sandbox.schedules() == [there]


def test_an_archived_schedule_is_a_conflict(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.caller.mutate(ARCHIVE, {"id": "s1"})
    run = harness.run(change)
    assert (run.statuses, run.message) == (["conflict"], "it has been archived since the plan was made")
    assert (run.writes, run.exit_code) == ([], 1)


@pytest.mark.parametrize("meanwhile", [{"enabled": False}, {"modelId": "halo-small"}])
def test_an_unmanaged_field_may_move(harness: Harness, meanwhile: dict[str, Any]) -> None:
    change = update(harness.add("Review"), hours=(12,), unmanaged=["enabled"])
    harness.caller.mutate(UPDATE, {"id": "s1", **meanwhile})
    run = harness.run(change)
    (there,) = harness.sandbox.schedules()
    assert (run.statuses, run.exit_code) == (["done"], 0)
    assert (there["hours"], {name: there[name] for name in meanwhile}) == ([12], meanwhile)


def test_a_later_updated_at_alone_is_no_conflict(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.clock.advance(hours=1)
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [9]})
    assert harness.run(change).statuses == ["done"]


def test_a_part_that_the_frequency_ignores_may_move(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.caller.mutate(UPDATE, {"id": "s1", "daysOfWeek": [1]})
    assert harness.run(change).statuses == ["done"]


def test_an_answer_other_than_what_was_sent_is_a_failure_that_has_written(harness: Harness) -> None:
    wire = harness.add("Review")
    body = b'{"result":{"data":' + harness.caller.send_query(READ, {"id": "s1"}).body.removeprefix(
        b'{"result":{"data":'
    )
    harness.fault(UPDATE, Reply(200, body), when="after")
    run = harness.run(update(wire, hours=(12,)))
    assert (run.statuses, run.message) == (["failed"], "the platform answered with another hours than was sent")
    assert (run.writes, run.exit_code) == ([UPDATE], 4)


def test_an_answer_that_cannot_be_read_as_a_schedule_is_a_failure(harness: Harness) -> None:
    wire = harness.add("Review")
    harness.fault(UPDATE, Reply(200, b'{"result":{"data":{"id":"s1","title":"Review"}}}'), when="after")
    run = harness.run(update(wire, hours=(12,)))
    message = "the platform's answer cannot be read: the platform's answer has no readable agentUuid"
    assert (run.statuses, run.message, run.exit_code) == (["failed"], message, 4)


def test_a_schedule_that_became_unreadable_is_a_conflict(harness: Harness) -> None:
    wire = harness.add("Review")
    harness.fault(READ, Reply(200, b'{"result":{"data":{"id":"s1","title":"Review"}}}'))
    run = harness.run(update(wire, hours=(12,)))
    assert (run.statuses, run.writes, run.exit_code) == (["conflict"], [], 1)
    assert run.message == "it can no longer be read: the platform's answer has no readable agentUuid"


# Failures of a write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [*TRANSIENT.values(), *NOT_NOW.values()], ids=[*TRANSIENT, *NOT_NOW])
def test_a_write_that_failed_before_it_happened_is_repeated_after_a_read(harness: Harness, effect: Effect) -> None:
    harness.fault(UPDATE, effect)
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    # A truncated answer is the one of these that comes only once everything has happened.
    was_done = type(effect).__name__ == "Truncate"
    assert run.event_lines == ["Review started", "Review retrying", "Review done"]
    assert run.requests == [READ, UPDATE, READ, *([] if was_done else [UPDATE])]
    assert (harness.shown(), harness.waits, run.exit_code) == ({"s1": NOON_AND_NINE}, [0.5], 0)


@pytest.mark.parametrize("effect", TRANSIENT.values(), ids=TRANSIENT)
def test_a_write_whose_answer_was_lost_is_found_done_and_not_repeated(harness: Harness, effect: Effect) -> None:
    harness.fault(UPDATE, effect, when="after")
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert run.event_lines == ["Review started", "Review retrying", "Review done"]
    assert run.requests == [READ, UPDATE, READ]
    assert (harness.shown(), run.exit_code) == ({"s1": NOON_AND_NINE}, 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_is_repeated_or_found_done_after_a_reset_connection(when: str) -> None:
    with open_served_harness() as served:
        served.fault(UPDATE, Cut(), when=when)
        run = served.run(update(served.add("Review"), hours=(12,)))
        assert run.event_lines == ["Review started", "Review retrying", "Review done"]
        assert run.requests == [READ, UPDATE, READ, *([UPDATE] if when == "before" else [])]
        assert (served.shown(), run.exit_code) == ({"s1": NOON_AND_NINE}, 0)


def test_a_truncated_answer_over_a_socket_is_found_done() -> None:
    with open_served_harness() as served:
        served.fault(UPDATE, Cut(sent=10))
        run = served.run(update(served.add("Review"), hours=(12,)))
        assert (run.requests, served.shown(), run.exit_code) == ([READ, UPDATE, READ], {"s1": NOON_AND_NINE}, 0)


@pytest.mark.parametrize("effect", [*TRANSIENT.values(), *NOT_NOW.values()], ids=[*TRANSIENT, *NOT_NOW])
def test_a_failed_read_is_repeated(harness: Harness, effect: Effect) -> None:
    harness.fault(READ, effect)
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert (run.requests, run.statuses, run.exit_code) == ([READ, READ, UPDATE], ["done"], 0)


def test_the_platforms_own_delay_is_kept(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse("TOO_MANY_REQUESTS", retry_after="7"))
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert (run.statuses, harness.waits) == (["done"], [7.0])
    assert run.events[1].message == f"{UPDATE} (HTTP 429): A fault of the sandbox, as asked for.; retrying in 7.0 s"


def test_a_delay_longer_than_a_run_ends_the_change(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse("TOO_MANY_REQUESTS", retry_after="3600"))
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert (run.statuses, run.writes, harness.waits, run.exit_code) == (["failed"], [UPDATE], [], 1)


def test_a_write_that_never_gets_an_answer_is_unknown(harness: Harness) -> None:
    harness.fault(UPDATE, Cut(), times=None)
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert (run.statuses, run.exit_code) == (["unknown"], 5)
    assert run.requests == [READ, UPDATE] * 3
    assert (run.summary.events[0].hint or "").startswith("run `halo schedule get s1` to see its state;")


def test_a_lost_answer_is_unknown_if_it_cannot_be_read_again(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse(), when="after")
    wire = harness.add("Review")
    harness.fault(READ, Reply(200, harness.caller.send_query(READ, {"id": "s1"}).body))
    harness.fault(READ, Refuse("UNAUTHORIZED"))
    run = harness.run(update(wire, hours=(12,)))
    assert (run.statuses, run.requests, run.exit_code) == (["unknown"], [READ, UPDATE, READ], 5)
    assert harness.shown() == {"s1": NOON_AND_NINE}


def test_a_write_that_was_never_accepted_has_failed(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse("TOO_MANY_REQUESTS"), times=None)
    run = harness.run(update(harness.add("Review"), hours=(12,)))
    assert (run.statuses, run.writes, harness.waits, run.exit_code) == (["failed"], [UPDATE] * 3, [0.5, 1.0], 1)


@pytest.mark.parametrize("effect", [*WRONG.values(), Refuse("CONFLICT")], ids=[*WRONG, "409"])
def test_a_refused_write_has_failed_and_is_not_repeated(harness: Harness, effect: Effect) -> None:
    wire = harness.add("Review")
    harness.fault(UPDATE, effect)
    run = harness.run(update(wire, hours=(12,)))
    assert (run.statuses, run.requests, run.exit_code) == (["failed"], [READ, UPDATE], 1)
    assert harness.sandbox.schedules() == [wire]


def test_a_foreign_write_between_two_attempts_is_a_conflict(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.fault(UPDATE, Refuse("SERVICE_UNAVAILABLE"))
    harness.waits = _Meddling(harness, {"id": "s1", "hours": [17]})
    run = harness.run(change)
    assert (run.statuses, run.message) == (["conflict"], "hours changed on the platform since the plan was made")
    # What was answered with 503 may have been written before the other's change.
    assert (harness.shown(), run.exit_code) == ({"s1": ("Review", True, [17])}, 4)


class _Meddling(list[float]):
    """Waits during which another client changes a schedule."""

    def __init__(self, harness: Harness, fields: dict[str, Any]) -> None:
        super().__init__()
        self._one = harness
        self._fields = fields

    def append(self, seconds: float) -> None:
        super().append(seconds)
        self._one.caller.mutate(UPDATE, self._fields)


# Failures that end the run ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", [READ, UPDATE])
@pytest.mark.parametrize("effect", [*ENDING.values(), CLOUDFLARE_403], ids=[*ENDING, "403 in HTML"])
def test_no_key_no_credit_no_permission_end_the_run(harness: Harness, procedure: str, effect: Effect) -> None:
    wires = [harness.add(title) for title in ("A", "B", "C")]
    harness.fault(procedure, effect, where={"id": "s2"})
    run = harness.run(*(update(wire, hours=(12,)) for wire in wires), archive(harness.add("D")))
    assert (run.statuses, run.exit_code) == (["done", "failed", "not started", "not started"], 4)
    assert run.event_lines == ["A started", "A done", "B started", "B failed", "None not started"]
    assert [hours for _, _, hours in harness.shown().values()] == [[12], [9], [9], [9]]


def test_a_run_that_ends_before_anything_was_written_exits_1(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in ("A", "B")]
    harness.fault("*", Refuse("UNAUTHORIZED"), times=None)
    run = harness.run(*changes)
    assert (run.statuses, run.requests, run.exit_code) == (["failed", "not started"], [READ], 1)


# Archives -----------------------------------------------------------------------------------------------------------


def test_an_archive_reads_and_archives(harness: Harness) -> None:
    run = harness.run(archive(harness.add("Review")))
    assert (run.requests, run.statuses, run.exit_code) == ([READ, ARCHIVE], ["done"], 0)
    assert harness.shown() == {"s1": ("Review", False, [9])}


def test_an_archived_schedule_is_not_archived_again(harness: Harness) -> None:
    change = archive(harness.add("Review"))
    there = harness.caller.mutate(ARCHIVE, {"id": "s1"})
    harness.clock.advance(hours=1)
    run = harness.run(change)
    assert (run.requests, run.statuses, run.exit_code) == ([READ], ["already"], 0)
    assert harness.sandbox.schedules() == [there]


def test_an_archive_of_a_schedule_with_another_title_is_a_conflict(harness: Harness) -> None:
    change = archive(harness.add("Review"))
    harness.caller.mutate(UPDATE, {"id": "s1", "title": "Mine"})
    run = harness.run(change)
    assert (run.statuses, run.message, run.exit_code) == (["conflict"], "its title is now 'Mine'", 1)
    assert harness.shown() == {"s1": ("Mine", True, [9])}


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"agentUuid": demo.AGENTS[1]["id"]}, "agent"),
        ({"hours": [17]}, "hours"),
        ({"prompt": "Look closely."}, "prompt"),
        ({"enabled": False}, "enabled"),
        ({"modelId": "halo-small"}, "model_id"),
    ],
)
def test_an_undeclared_schedule_edited_since_is_kept(harness: Harness, edit: dict[str, Any], field: str) -> None:
    change = archive(harness.add("Review"))
    edited = harness.caller.mutate(UPDATE, {"id": "s1", **edit})
    run = harness.run(change)
    assert (run.statuses, run.message) == (["conflict"], f"{field} changed on the platform since the plan was made")
    assert (run.requests, run.exit_code, harness.sandbox.schedules()) == ([READ], 1, [edited])


def test_an_undeclared_schedule_that_can_no_longer_be_read_is_not_archived(harness: Harness) -> None:
    wire = harness.add("Review")
    harness.fault(READ, Reply(200, json.dumps({"result": {"data": {**wire, "frequency": "yearly"}}}).encode()))
    run = harness.run(archive(wire))
    assert (run.statuses, run.message) == (["conflict"], "it can no longer be read: unknown frequency 'yearly'")
    assert run.requests == [READ]


def test_the_archive_of_a_retired_entry_checks_only_its_title(harness: Harness) -> None:
    changes = [replace(archive(harness.add(title)), cause=Cause.RETIRED, key=title) for title in ("A", "B")]
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [17]})
    harness.caller.mutate(UPDATE, {"id": "s2", "title": "Mine"})
    assert harness.run(*changes).statuses == ["done", "conflict"]
    assert harness.shown() == {"s1": ("A", False, [17]), "s2": ("Mine", True, [9])}


@pytest.mark.parametrize("effect", TRANSIENT.values(), ids=TRANSIENT)
def test_an_archive_whose_answer_was_lost_is_found_done(harness: Harness, effect: Effect) -> None:
    harness.fault(ARCHIVE, effect, when="after")
    run = harness.run(archive(harness.add("Review")))
    assert (run.requests, run.statuses, run.exit_code) == ([READ, ARCHIVE, READ], ["done"], 0)


def test_an_archive_that_is_answered_but_did_not_happen_has_failed(harness: Harness) -> None:
    wire = harness.add("Review")
    harness.fault(ARCHIVE, Reply(200, harness.caller.send_query(READ, {"id": "s1"}).body))
    run = harness.run(archive(wire))
    assert (run.statuses, run.message) == (["failed"], "the platform answered, but the schedule is not archived")
    assert run.exit_code == 4


# Unarchives ---------------------------------------------------------------------------------------------------------


def test_an_unarchive_without_field_changes_is_one_write(harness: Harness) -> None:
    run = harness.run(unarchive(harness.add("Review", archived=True)))
    assert (run.requests, run.statuses, run.exit_code) == ([READ, UNARCHIVE], ["done"], 0)
    assert harness.shown() == {"s1": ("Review", True, [9])}


def test_an_unarchive_updates_first_so_that_no_stale_cadence_fires(harness: Harness) -> None:
    run = harness.run(unarchive(harness.add("Review", archived=True), hours=(12,)))
    assert (run.requests, run.statuses, run.exit_code) == ([READ, UPDATE, UNARCHIVE], ["done"], 0)
    assert harness.shown() == {"s1": NOON_AND_NINE}


@pytest.mark.parametrize("refusal", [None, Refuse("CONFLICT"), Refuse("BAD_REQUEST")], ids=["412", "409", "400"])
def test_a_schedule_is_unarchived_first_if_its_update_is_refused(refusal: Effect | None) -> None:
    with open_harness(updates_archived=refusal is not None) as strict:
        if refusal is not None:
            strict.fault(UPDATE, refusal)
        run = strict.run(unarchive(strict.add("Review", archived=True), hours=(12,)))
        assert (run.requests, run.statuses) == ([READ, UPDATE, UNARCHIVE, UPDATE], ["done"])
        assert (strict.shown(), run.exit_code) == ({"s1": NOON_AND_NINE}, 0)


@pytest.mark.parametrize(
    "effect",
    [Refuse("CONFLICT"), Refuse("SERVICE_UNAVAILABLE"), Cut(), *WRONG.values(), *NOT_NOW.values(), ENDING["403"]],
    ids=["409", "503", "reset", *WRONG, *NOT_NOW, "403"],
)
def test_a_schedule_unarchived_first_is_archived_again_if_its_update_fails(effect: Effect) -> None:
    with open_harness(updates_archived=False) as strict:
        wire = strict.add("Review", archived=True)
        strict.fault(UPDATE, Refuse("PRECONDITION_FAILED"))
        strict.fault(UPDATE, effect, times=None)
        run = strict.run(unarchive(wire, hours=(12,)))
        assert run.writes[:2] == [UPDATE, UNARCHIVE]
        assert set(run.writes[2:-1]) == {UPDATE}
        assert run.writes[-1] == ARCHIVE
        assert run.message.endswith("; it was archived again")
        assert (strict.shown(), run.statuses, run.exit_code) == ({"s1": ("Review", False, [9])}, ["failed"], 4)


def test_a_failure_to_archive_again_is_reported(harness: Harness) -> None:
    wire = harness.add("Review", archived=True)
    harness.fault(UPDATE, Refuse("PRECONDITION_FAILED"))
    harness.fault(UPDATE, Refuse("FORBIDDEN"))
    harness.fault(ARCHIVE, Refuse("FORBIDDEN"))
    run = harness.run(unarchive(wire, hours=(12,)))
    words = "A fault of the sandbox, as asked for."
    assert run.message == (
        f"{UPDATE} (HTTP 403): {words}; it may fire with its old values, because archiving it again failed: "
        f"{ARCHIVE} (HTTP 403): {words}"
    )
    assert (harness.shown(), run.statuses, run.exit_code) == ({"s1": ("Review", True, [9])}, ["failed"], 4)


def test_archiving_again_may_end_unknown(harness: Harness) -> None:
    wire = harness.add("Review", archived=True)
    harness.fault(UPDATE, Refuse("PRECONDITION_FAILED"))
    harness.fault(UPDATE, Refuse("BAD_REQUEST"))
    harness.fault(ARCHIVE, Cut(), times=None)
    run = harness.run(unarchive(wire, hours=(12,)))
    assert (harness.shown(), run.statuses, run.exit_code) == ({"s1": ("Review", True, [9])}, ["unknown"], 5)


@pytest.mark.parametrize("procedure", [UPDATE, UNARCHIVE])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", TRANSIENT.values(), ids=TRANSIENT)
def test_an_unarchive_survives_failures_of_writes(harness: Harness, procedure: str, when: str, effect: Effect) -> None:
    harness.fault(procedure, effect, when=when)
    run = harness.run(unarchive(harness.add("Review", archived=True), hours=(12,)))
    assert (run.statuses, harness.shown(), run.exit_code) == (["done"], {"s1": NOON_AND_NINE}, 0)
    assert ARCHIVE not in run.writes


@pytest.mark.parametrize("procedure", [UPDATE, UNARCHIVE])
@pytest.mark.parametrize("when", ["before", "after"])
def test_unarchiving_before_the_update_survives_a_cut(procedure: str, when: str) -> None:
    with open_harness(updates_archived=False) as strict:
        strict.fault(UPDATE, Refuse("PRECONDITION_FAILED"))
        strict.fault(procedure, Cut(), when=when)
        run = strict.run(unarchive(strict.add("Review", archived=True), hours=(12,)))
        assert (run.statuses, strict.shown(), run.exit_code) == (["done"], {"s1": NOON_AND_NINE}, 0)
        assert ARCHIVE not in run.writes


def test_an_unarchive_that_fails_after_the_update_stays_archived_with_the_new_values(harness: Harness) -> None:
    wire = harness.add("Review", archived=True)
    harness.fault(UNARCHIVE, Refuse("BAD_REQUEST"))
    run = harness.run(unarchive(wire, hours=(12,)))
    assert (harness.shown(), run.statuses, run.exit_code) == ({"s1": ("Review", False, [12])}, ["failed"], 4)
    assert run.writes == [UPDATE, UNARCHIVE]


def test_an_unarchive_that_is_already_in_effect_is_not_written(harness: Harness) -> None:
    change = unarchive(harness.add("Review", archived=True), hours=(12,))
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [12]})
    harness.caller.mutate(UNARCHIVE, {"id": "s1"})
    run = harness.run(change)
    assert (run.statuses, run.requests, run.exit_code) == (["already"], [READ], 0)


def test_a_schedule_unarchived_since_the_plan_with_other_values_is_a_conflict(harness: Harness) -> None:
    change = unarchive(harness.add("Review", archived=True), hours=(12,))
    harness.caller.mutate(UNARCHIVE, {"id": "s1"})
    run = harness.run(change)
    assert (run.statuses, run.message) == (["conflict"], "it has been unarchived since the plan was made")
    assert (run.writes, run.exit_code) == ([], 1)


def test_an_unarchive_that_is_answered_but_did_not_happen_has_failed(harness: Harness) -> None:
    wire = harness.add("Review", archived=True)
    harness.fault(UNARCHIVE, Reply(200, harness.caller.send_query(READ, {"id": "s1"}).body))
    run = harness.run(unarchive(wire))
    assert (run.statuses, run.message) == (["failed"], "the platform answered, but the schedule is still archived")
