"""An apply records every write in its receipt before it is sent (docs/semantics.md#receipts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apply_harness import (
    ARCHIVE,
    CREATE,
    READ,
    UNARCHIVE,
    UPDATE,
    Harness,
    archive,
    create,
    open_harness,
    unarchive,
    update,
)
from receipts import RecordedWrites

from halo_iac.errors import FileError
from halo_iac.model.plan import Action, Cause, Change, FieldChange
from halo_iac.model.receipt import WriteIntent
from halo_iac.model.remote import read_spec
from halo_iac.model.schedule import Spec
from halo_iac.sandbox.faults import Cut, Refuse

WRITES = {CREATE: "create", UPDATE: "update", ARCHIVE: "archive", UNARCHIVE: "unarchive"}
FULL = FileError("the receipt cannot be written: No space left on device", hint="make room")


def full_after(count: int) -> RecordedWrites:
    """Return a recorder on whose disk there is room for so many intents."""
    left = count

    def check(intents: Sequence[WriteIntent]) -> None:
        nonlocal left
        left -= len(intents)
        if left < 0:
            raise FULL

    return RecordedWrites(check)


def with_restored_fields(change: Change, **fields: object) -> Change:
    """Return an archive that also gives back values."""
    assert change.before is not None
    after = replace(change.before, **fields)  # type: ignore[arg-type]
    changed = tuple(FieldChange(name, getattr(change.before, name), getattr(after, name), "") for name in fields)
    return replace(change, cause=Cause.UNDONE, after=after, fields=changed)


def test_an_intent_is_recorded_before_its_write_and_an_outcome_after_it(harness: Harness) -> None:
    changed, gone, back = harness.add("A"), harness.add("B"), harness.add("C", archived=True)
    sent: list[list[str]] = []
    kept = RecordedWrites(
        lambda _: sent.append([seen.procedure for seen in harness.sandbox.requests if seen.procedure in WRITES])
    )
    before = len([seen for seen in harness.sandbox.requests if seen.procedure in WRITES])
    run = harness.run(
        update(changed, hours=(12,)), create("D"), unarchive(back, hours=(5,)), archive(gone), recorder=kept
    )
    assert run.exit_code == 0
    assert [procedures[before:] for procedures in sent] == [
        [],
        [CREATE],
        [CREATE, UPDATE],
        [CREATE, UPDATE, UPDATE],
        [CREATE, UPDATE, UPDATE, UNARCHIVE],
    ]
    assert kept.line_summaries == [
        *("1 create", "1 done", "2 update", "2 done"),
        *("3 update", "3 done", "4 unarchive", "4 done", "5 archive", "5 done"),
    ]
    assert [WRITES[name] for name in run.writes] == [str(intent.action) for intent in kept.intents]


def test_an_intent_holds_what_the_platform_showed_right_before(harness: Harness) -> None:
    wire = harness.add("A")
    change = update(wire, unmanaged=("enabled",), hours=(12,))
    paused = harness.caller.mutate(UPDATE, {"id": wire["id"], "enabled": False})
    kept = RecordedWrites()
    harness.run(change, recorder=kept)
    (intent,) = kept.intents
    assert (intent.action, intent.id, intent.is_archived) == (Action.UPDATE, wire["id"], False)
    assert (intent.before, intent.after) == (read_spec(paused), change.after)


def test_each_attempt_is_recorded(harness: Harness) -> None:
    wire = harness.add("A")
    harness.fault(UPDATE, Refuse("SERVICE_UNAVAILABLE"))
    kept = RecordedWrites()
    assert harness.run(update(wire, hours=(12,)), recorder=kept).exit_code == 0
    assert kept.line_summaries == ["1 update", "1 unknown", "2 update", "2 done"]


def test_a_refused_write_is_recorded_as_not_done(harness: Harness) -> None:
    wire = harness.add("A")
    harness.fault(UPDATE, Refuse("BAD_REQUEST"))
    harness.fault(CREATE, Refuse("BAD_REQUEST"))
    kept = RecordedWrites()
    harness.run(update(wire, hours=(12,)), create("B"), recorder=kept)
    assert kept.line_summaries == ["1 create", "1 not done", "2 update", "2 not done"]


def test_a_change_without_a_write_is_not_recorded(harness: Harness) -> None:
    change = update(harness.add("A"), hours=(12,))
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [12]})
    kept = RecordedWrites()
    assert (harness.run(change, recorder=kept).statuses, kept.lines) == (["already"], [])


def test_a_create_with_a_lost_answer_is_recorded_with_its_outcome(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after")
    kept = RecordedWrites()
    assert harness.run(create("A"), recorder=kept).statuses == ["done"]
    assert kept.line_summaries == ["1 create", "1 unknown", "1 done"]
    (write,) = kept.receipt().writes
    assert write.id == "s1"


def test_the_archive_of_a_duplicate_is_recorded(harness: Harness) -> None:
    kept = RecordedWrites(lambda intents: harness.add("A") if intents[0].action is Action.CREATE else None)
    assert harness.run(create("A"), recorder=kept).statuses == ["conflict"]
    assert kept.line_summaries == ["1 create", "1 done", "2 archive", "2 done"]
    assert [(intent.id, intent.is_archived) for intent in kept.intents] == [(None, False), ("s2", False)]


def test_archiving_again_after_a_failed_unarchive_is_recorded() -> None:
    with open_harness(updates_archived=False) as harness:
        change = unarchive(harness.add("A", archived=True), hours=(12,))
        harness.fault(UPDATE, Refuse("BAD_REQUEST"), times=2)
        kept = RecordedWrites()
        harness.run(change, recorder=kept)
        assert kept.line_summaries == [
            *("1 update", "1 not done", "2 unarchive", "2 done", "3 update", "3 not done", "4 archive", "4 done"),
        ]
        assert [intent.is_archived for intent in kept.intents] == [True, True, False, False]


def test_creates_that_are_never_sent_are_not_done(harness: Harness) -> None:
    harness.fault(CREATE, Refuse("UNAUTHORIZED"))
    kept = RecordedWrites()
    harness.run(create("A"), create("B"), recorder=kept)
    assert kept.line_summaries == ["1 create", "2 create", "1 not done", "2 not done"]


# A receipt that cannot be written -----------------------------------------------------------------------------------


def test_a_write_that_cannot_be_recorded_is_not_sent(harness: Harness) -> None:
    run = harness.run(
        update(harness.add("A"), hours=(12,)), create("B"), archive(harness.add("C")), recorder=full_after(0)
    )
    assert (run.writes, run.exit_code) == ([], 1)
    assert run.statuses == ["not started", "failed", "not started"]
    event = run.summary.events[1]
    assert event.message == "it was not sent: the receipt cannot be written: No space left on device"
    assert event.hint == "make room"


def test_a_disk_that_fills_up_ends_the_run(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in "ABC"]
    run = harness.run(*changes, recorder=full_after(1))
    assert run.requests == [READ, UPDATE, READ]
    assert (run.statuses, run.exit_code) == (["done", "failed", "not started"], 4)


def test_a_full_disk_reports_which_schedule_may_fire() -> None:
    with open_harness(updates_archived=False) as harness:
        change = unarchive(harness.add("A", archived=True), hours=(12,))
        run = harness.run(change, recorder=full_after(2))
        assert run.requests == [READ, UPDATE, UNARCHIVE]
        assert "it may fire with its old values" in run.message


def test_a_duplicate_is_left_alone_if_its_archive_cannot_be_recorded(harness: Harness) -> None:
    def check(intents: Sequence[WriteIntent]) -> None:
        if intents[0].action is Action.ARCHIVE:
            raise FULL
        harness.add("A")

    run = harness.run(create("A"), recorder=RecordedWrites(check))
    assert (run.statuses, ARCHIVE in run.writes) == (["conflict"], False)
    assert "could not be archived: the receipt cannot be written" in run.message


# An archive that gives back values ----------------------------------------------------------------------------------


def test_an_undo_archives_before_it_restores_values(harness: Harness) -> None:
    wire = harness.add("A")
    run = harness.run(with_restored_fields(archive(wire), hours=(3,), prompt="Before."))
    assert (run.writes, run.statuses) == ([ARCHIVE, UPDATE], ["done"])
    (now,) = harness.sandbox.schedules()
    assert (now["hours"], now["prompt"], now["archivedAt"] is None) == ([3], "Before.", False)


def test_an_archived_schedule_still_gets_its_values_back(harness: Harness) -> None:
    wire = harness.add("A", archived=True)
    run = harness.run(with_restored_fields(archive(wire), hours=(3,)))
    assert (run.writes, run.statuses) == ([UPDATE], ["done"])


def test_a_platform_that_does_not_update_archived_schedules_keeps_the_old_values() -> None:
    with open_harness(updates_archived=False) as harness:
        run = harness.run(with_restored_fields(archive(harness.add("A")), hours=(3,)))
        assert (run.statuses, run.exit_code) == (["failed"], 4)
        assert "is archived" in run.message
        assert harness.shown() == {"s1": ("A", False, [9])}


def test_an_archive_of_an_undo_can_be_repeated(harness: Harness) -> None:
    change = with_restored_fields(archive(harness.add("A")), hours=(3,))
    harness.run(change)
    assert harness.run(change).statuses == ["already"]


def test_an_undo_does_not_archive_a_schedule_edited_since(harness: Harness) -> None:
    wire = harness.add("A")
    change = with_restored_fields(archive(wire), hours=(3,))
    harness.caller.mutate(UPDATE, {"id": wire["id"], "prompt": "Edited."})
    run = harness.run(change)
    assert (run.writes, run.statuses) == ([], ["conflict"])
    assert isinstance(change.after, Spec)
