"""Plans of an undo, from receipts of any content (docs/semantics.md#undo)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from receipts import HEADER, RecordedWrites
from strategies import AGENT_IDS, HOST, actual, entry, project, remote

from halo_iac.errors import DocumentError, RefusedError
from halo_iac.model.plan import Action, Blocked, Cause, Change, Plan, PlanWarning
from halo_iac.model.project import Project, Scope, UndeclaredPolicy
from halo_iac.model.receipt import Line, Receipt, Result, WriteIntent, WriteOutcome
from halo_iac.model.remote import ModelCatalog, RemoteSchedule
from halo_iac.model.schedule import Spec
from halo_iac.pipeline import plan_undo
from halo_iac.plan import Overrides
from halo_iac.undo import check_same_target
from halo_iac.undo.history import MAX_WRITES

NOTHING = Project("halo.yaml", ())
BY_HAND = "run `halo schedule get s1` to inspect it, and change it by hand if necessary"


def spec(title: str = "A", **fields: Any) -> Spec:  # noqa: ANN401 - a spec's own fields
    found = remote("x", title, **fields).spec()
    assert isinstance(found, Spec)
    return found


def intent(action: Action, number: int = 1, **fields: Any) -> WriteIntent:  # noqa: ANN401 - an intent's own fields
    """Return an intent about schedule s1 titled A, with what such a write needs."""
    needed: dict[str, Any] = {"id": "s1", "before": spec(), "after": None, "is_archived": False}
    if action is Action.CREATE:
        needed |= {"id": None, "before": None, "after": spec()}
    if action is Action.UPDATE:
        needed |= {"after": spec(hours=[10])}
    return WriteIntent(number=number, action=action, key="a", title="A", **{**needed, **fields})


def done(number: int = 1, **fields: Any) -> WriteOutcome:  # noqa: ANN401 - an outcome's own fields
    return WriteOutcome(number=number, result=Result.DONE, **fields)


def receipt(*lines: Line) -> Receipt:
    kept = RecordedWrites()
    kept.lines += lines
    return kept.receipt()


MODELS = {"model_id": ModelCatalog({"halo-large": "HALO Large", "m": ""})}
"""What the platform offers; it is asked where the project names a model."""


def planned(
    lines: Sequence[Line],
    *remotes: RemoteSchedule,
    project_: Project = NOTHING,
    allow_archive: int = 9,
    gap: str | None = None,
) -> Plan:
    return plan_undo(
        receipt(*lines),
        lambda: project_,
        lambda _: (HOST, actual(*remotes, gap=gap)._replace(models=MODELS)),
        Overrides(allow_archive),
        allows_gap=False,
    )


def action_id_fields(change: Change) -> tuple[Action, str | None, dict[str, tuple[object, object]]]:
    return change.action, change.id, {field.field: (field.before, field.after) for field in change.fields}


def only_change(plan: Plan) -> Change:
    (change,) = plan.changes
    assert (plan.blocked, change.cause) == ((), Cause.UNDONE)
    return change


def only_block(plan: Plan) -> Blocked:
    (blocked,) = plan.blocked
    assert plan.changes == ()
    return blocked


# What takes back what -----------------------------------------------------------------------------------------------


def test_a_create_is_undone_by_an_archive() -> None:
    plan = planned([intent(Action.CREATE), done(id="s1")], remote("s1", "A"))
    assert action_id_fields(only_change(plan)) == (Action.ARCHIVE, "s1", {})


def test_an_update_is_undone_by_its_former_values_alone() -> None:
    before = spec(prompt="Before.", maxTurns=20)
    after = replace(before, prompt="Look.", enabled=None, model_id=None, summarization_model_id=None)
    lines = [intent(Action.UPDATE, before=before, after=after), done()]
    change = only_change(planned(lines, remote("s1", "A", maxTurns=20, enabled=False)))
    assert action_id_fields(change) == (Action.UPDATE, "s1", {"prompt": ("Look.", "Before.")})
    assert (change.before, change.after) == (
        spec(maxTurns=20, enabled=False),
        spec(prompt="Before.", maxTurns=20, enabled=False),
    )
    assert change.fields[0].origin == "receipt:2"


@pytest.mark.parametrize("is_on", [True, False])
def test_a_pause_or_resume_is_undone_whatever_else_has_changed(*, is_on: bool) -> None:
    lines = [intent(Action.UPDATE, before=spec(enabled=not is_on), after=spec(enabled=is_on)), done()]
    moved = {"prompt": "Corrected.", "hours": [3]}
    change = only_change(planned(lines, remote("s1", "A", enabled=is_on, **moved)))
    assert action_id_fields(change) == (Action.UPDATE, "s1", {"enabled": (is_on, not is_on)})
    assert change.after == spec(enabled=not is_on, **moved)
    assert planned(lines, remote("s1", "A", enabled=not is_on, **moved)).unchanged == 1
    archived = only_block(planned(lines, remote("s1", "A", enabled=is_on, is_archived=True)))
    assert archived.reason == "schedule s1 has changed since the run: it is archived"


@pytest.mark.parametrize(("declared", "is_warned"), [(None, False), (True, False), (False, True)])
def test_only_a_declared_difference_is_reported_as_changed_back(declared: bool | None, *, is_warned: bool) -> None:
    lines = [intent(Action.UPDATE, before=spec(), after=spec(enabled=False)), done()]
    plan = planned(lines, remote("s1", "A", enabled=False), project_=project(entry("A", enabled=declared)))
    assert bool(plan.warnings) is is_warned


def test_an_archive_is_undone_by_an_unarchive() -> None:
    plan = planned([intent(Action.ARCHIVE), done()], remote("s1", "A", is_archived=True))
    assert action_id_fields(only_change(plan)) == (Action.UNARCHIVE, "s1", {})


def test_an_unarchive_with_changed_values_is_undone_by_an_archive_and_the_former_values() -> None:
    lines = [
        *(intent(Action.UPDATE, is_archived=True), done()),
        *(intent(Action.UNARCHIVE, 2, before=spec(hours=[10]), is_archived=True), done(2)),
    ]
    change = only_change(planned(lines, remote("s1", "A", hours=[10])))
    assert action_id_fields(change) == (Action.ARCHIVE, "s1", {"hours": ((10,), (9,))})
    assert change.after == spec()


def test_schedules_that_are_as_before_the_run_need_no_change() -> None:
    lines = [
        *(intent(Action.CREATE), done(id="s1")),
        *(intent(Action.UPDATE, 2, id="s2", before=spec("B"), after=spec("B", hours=[10])), done(2)),
        *(intent(Action.ARCHIVE, 3, id="s3", before=spec("C")), done(3)),
    ]
    plan = planned(lines, remote("s1", "A", is_archived=True), remote("s2", "B"), remote("s3", "C"))
    assert (plan.changes, plan.blocked, plan.unchanged) == ((), (), 3)


def test_a_refused_write_needs_no_undo() -> None:
    lines = [intent(Action.UPDATE), WriteOutcome(number=1, result=Result.NOT_DONE)]
    for now in (remote("s1", "A"), remote("s1", "A", prompt="Another."), remote("s2", "B")):
        plan = planned(lines, now)
        assert (plan.changes, plan.blocked, plan.unchanged) == ((), (), 1)
    gone = planned([intent(Action.CREATE), WriteOutcome(number=1, result=Result.NOT_DONE)])
    assert (gone.changes, gone.unchanged) == ((), 0)


# What is unknown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [(), (WriteOutcome(number=1, result=Result.UNKNOWN),)], ids=["none", "unknown"])
def test_an_update_of_unknown_outcome_is_looked_at(outcome: tuple[Line, ...]) -> None:
    lines = [intent(Action.UPDATE), *outcome]
    assert planned(lines, remote("s1", "A")).unchanged == 1
    assert action_id_fields(only_change(planned(lines, remote("s1", "A", hours=[10]))))[0] is Action.UPDATE


def test_a_create_of_unknown_outcome_is_looked_for_by_all_that_was_sent() -> None:
    lines = [intent(Action.CREATE)]
    assert planned(lines, remote("s1", "A", hours=[3]), remote("s2", "B")).unchanged == 1
    found = planned(lines, remote("s1", "A", hours=[3]), remote("s2", "A"))
    assert action_id_fields(only_change(found)) == (Action.ARCHIVE, "s2", {})
    several = only_block(planned(lines, remote("s1", "A"), remote("s2", "A")))
    assert several.reason == "2 schedules match the one that was created: s1, s2"


def test_no_schedule_is_undone_twice() -> None:
    """Only a forged receipt says so of one schedule."""
    lost = [intent(Action.CREATE), intent(Action.CREATE, 2)]
    there = remote("s1", "A")
    for lines in (lost, [*lost, done(1, id="s1")]):
        assert action_id_fields(only_change(planned(lines, there))) == (Action.ARCHIVE, "s1", {})
    named = planned(
        [intent(Action.UPDATE), done(), intent(Action.CREATE, 2, after=spec(hours=[10]))], remote("s1", "A", hours=[10])
    )
    assert action_id_fields(only_change(named)) == (Action.UPDATE, "s1", {"hours": ((10,), (9,))})


def test_an_unarchive_that_was_put_back_needs_nothing() -> None:
    lines = [
        *(intent(Action.UNARCHIVE, is_archived=True), WriteOutcome(number=1, result=Result.UNKNOWN)),
        *(intent(Action.UPDATE, 2), WriteOutcome(number=2, result=Result.UNKNOWN)),
        *(intent(Action.ARCHIVE, 3), done(3)),
    ]
    assert planned(lines, remote("s1", "A", is_archived=True)).unchanged == 1
    halfway = planned(lines, remote("s1", "A", is_archived=True, hours=[10]))
    assert action_id_fields(only_change(halfway)) == (Action.ARCHIVE, "s1", {"hours": ((10,), (9,))})


# What has moved since -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (remote("s1", "A", hours=[11], maxTurns=3), "hours, max_turns differs"),
        (remote("s1", "Other", hours=[10]), "title differs"),
        (remote("s1", "A", hours=[10], is_archived=True), "it is archived"),
    ],
    ids=["other values", "another title", "archived"],
)
def test_an_undo_leaves_schedules_changed_since_the_run(now: RemoteSchedule, why: str) -> None:
    blocked = only_block(planned([intent(Action.UPDATE), done()], now))
    assert blocked == Blocked("s1", f"schedule s1 has changed since the run: {why}", BY_HAND, "receipt:2", ("s1",))


def test_a_schedule_unarchived_and_edited_since_is_kept() -> None:
    blocked = only_block(planned([intent(Action.ARCHIVE), done()], remote("s1", "A", hours=[3])))
    assert blocked.reason.endswith("it is active")


def test_a_schedule_whose_credential_was_redacted_is_left_alone() -> None:
    lines = [intent(Action.UPDATE, before=spec(prompt="Use ***."), is_veiled=True), done()]
    blocked = only_block(planned(lines, remote("s1", "A", hours=[10])))
    assert blocked.reason == "the receipt does not hold a redacted credential of schedule s1, so it cannot be restored"


def test_an_unreadable_schedule_is_left_alone() -> None:
    blocked = only_block(planned([intent(Action.UPDATE), done()], remote("s1", "A", frequency="yearly")))
    assert blocked.reason == "schedule s1 is not changed: unknown frequency 'yearly'"


# What a receipt cannot cause ------------------------------------------------------------------------------


def test_an_unknown_id_blocks_its_undo() -> None:
    blocked = only_block(planned([intent(Action.UPDATE, id="../s1"), done()], remote("s1", "A", hours=[10])))
    assert blocked.reason == "the project holds no schedule with the id ../s1"


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ({"title": "x" * 201}, "a title has 1 to 200 characters, and this one has 201"),
        ({"title": "A\u202e"}, "a title cannot contain control, format or zero-width characters"),
        ({"title": " A"}, "a title cannot begin or end with a space"),
        ({"prompt": " "}, "prompt is out of range"),
        ({"prompt": "a\0b"}, "the prompt contains a NUL byte"),
        ({"prompt": "é" * 140_000}, "the prompt is longer than 256 KiB"),
        ({"hours": (24,)}, "hours is out of range"),
        ({"hours": (9, 8)}, "its cadence is incomplete: hours"),
        ({"hours": ()}, "its cadence is incomplete: hours"),
        ({"frequency": "weekly"}, "its cadence is incomplete: days_of_week"),
        ({"frequency": "yearly"}, "frequency is out of range"),
        ({"timezone": "Mars/Olympus"}, "the time zone is unknown"),
        ({"span_limit": 0}, "span_limit is out of range"),
        ({"lookback_hours": 2**40}, "lookback_hours is out of range"),
        ({"max_subagent_depth": 6}, "max_subagent_depth is out of range"),
        ({"max_turns": 101}, "max_turns is out of range"),
        ({"agent": "5a4db0c5-a000-4000-8000-00000000dead"}, "the project has no agent with its earlier id"),
        ({"model_id": "gone"}, "the platform no longer offers model_id 'gone'"),
        ({"model_id": None}, "model_id was chosen by the platform, which halo cannot restore"),
    ],
)
def test_only_what_a_file_could_declare_is_written(before: dict[str, Any], why: str) -> None:
    lines = [intent(Action.UPDATE, before=replace(spec(), **before), after=spec()), done()]
    blocked = only_block(planned(lines, remote("s1", "A")))
    assert blocked.reason == f"the earlier state of schedule s1 cannot be restored: {why}"


def test_scope_holds_for_what_is_and_for_what_would_be() -> None:
    narrow = project(scope=Scope(agents=(AGENT_IDS[0],), title_prefix="A"))
    outside = only_block(planned([intent(Action.UPDATE), done()], remote("s1", "B"), project_=narrow))
    assert outside.reason == "schedule s1 is outside the project's scope"
    for before in ({"title": "B"}, {"agent": AGENT_IDS[1]}):
        lines = [intent(Action.UPDATE, before=replace(spec(), **before), after=spec()), done()]
        leaving = only_block(planned(lines, remote("s1", "A"), project_=narrow))
        assert (
            leaving.reason == "the earlier state of schedule s1 cannot be restored: it was outside the project's scope"
        )


def test_the_guards_apply_to_an_undo() -> None:
    created = [line for n in (1, 2) for line in (intent(Action.CREATE, n), done(n, id=f"s{n}"))]
    remotes = (remote("s1", "A"), remote("s2", "A"))
    assert [each.guard for each in planned(created, *remotes, allow_archive=0).blocking_violations] == ["removals"]
    protected = planned(created, *remotes, project_=project(protect=("A",)))
    assert [each.guard for each in protected.blocking_violations] == ["protected", "protected"]
    torn = planned(created, *remotes, gap="a cursor was repeated")
    assert [each.guard for each in torn.blocking_violations] == ["incomplete-listing"]


def test_an_undo_needs_the_former_title_to_be_free() -> None:
    renamed = [intent(Action.UPDATE, after=spec("B")), done()]
    now = remote("s1", "B")
    blocked = only_block(planned(renamed, now, remote("s2", "A")))
    assert (blocked.reason, blocked.hint) == ("its title was 'A', which now belongs to schedule s2", BY_HAND)
    created = [*renamed, intent(Action.CREATE, 2), done(2, id="s2")]
    plan = planned(created, now, remote("s2", "A"))
    assert [each.hint for each in plan.blocked] == ["run the same undo again: this one archives that schedule last"]
    assert [change.id for change in plan.changes] == ["s2"]


def test_no_two_schedules_are_given_one_title() -> None:
    lines = [
        *(intent(Action.UPDATE, 1, id="s1", after=spec("B")), done(1)),
        *(intent(Action.UPDATE, 2, id="s2", after=spec("C")), done(2)),
    ]
    plan = planned(lines, remote("s1", "B"), remote("s2", "C"))
    assert (plan.changes, [each.ids for each in plan.blocked]) == ((), [("s1",), ("s2",)])


def test_renames_free_a_title_before_it_is_taken() -> None:
    lines = [
        *(intent(Action.UPDATE, 1, id="s1", before=spec("A"), after=spec("B")), done(1)),
        *(intent(Action.UPDATE, 2, id="s2", before=spec("B"), after=spec("C")), done(2)),
    ]
    plan = planned(lines, remote("s1", "B"), remote("s2", "C"))
    assert [(change.id, change.title, change.wave) for change in plan.changes] == [("s1", "A", 0), ("s2", "B", 1)]


def test_one_schedule_written_without_end_is_refused() -> None:
    lines = [intent(Action.UPDATE, number) for number in range(1, MAX_WRITES + 2)]
    with pytest.raises(DocumentError, match="more than 50 times"):
        planned(lines, remote("s1", "A"))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            replace(HEADER, base_url="https://evil.example"),
            "r was written for another platform: https://evil.example, not https://relay.inference.net",
        ),
        (
            replace(HEADER, project_id="p2"),
            f"r was written for another project: p2, not {HOST.project_id}",
        ),
    ],
    ids=["host", "project"],
)
def test_a_receipt_of_another_place_is_refused(header: Any, message: str) -> None:  # noqa: ANN401 - a header
    with pytest.raises(RefusedError) as raised:
        check_same_target(Receipt("r", header, ()), HOST)
    assert (raised.value.message, raised.value.exit_code) == (f"{message}; nothing was changed", 3)


# What the files say -------------------------------------------------------------------------------------------------


def test_the_next_apply_takes_back_what_is_declared() -> None:
    lines = [
        *(intent(Action.UPDATE), done()),
        *(intent(Action.ARCHIVE, 2, id="s2", before=spec("B")), done(2)),
    ]
    now = (remote("s1", "A", hours=[10]), remote("s2", "B", is_archived=True))
    declared = project(entry("A", key="alpha", hours=(10,)))
    plan = planned(lines, *now, project_=declared)
    says = "back to what halo.yaml declares; to keep the undo, revert halo.yaml as well"
    assert [change.key for change in plan.changes] == ["alpha", None]
    assert plan.warnings == (PlanWarning(f"the next `halo apply` changes 1 of these 2 schedules {says}"),)
    archiving = declared._replace(undeclared=UndeclaredPolicy.ARCHIVE)
    assert planned(lines, *now, project_=archiving).warnings == (
        PlanWarning(f"the next `halo apply` changes these schedules {says}"),
    )
    assert planned(lines, *now).warnings == ()
