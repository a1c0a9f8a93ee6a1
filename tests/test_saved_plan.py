"""A saved plan limits what is applied later, and nothing it says can widen it (docs/semantics.md#saved-plans)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from strategies import AGENT_IDS, HOST, THEN, actual, entry, plan_on, project, remote

from halo_iac.model.project import Entry, Project, Scope, UndeclaredPolicy
from halo_iac.model.remote import RemoteSchedule
from halo_iac.plan import check_saved
from halo_iac.render.json import plan_json, read_plan

ENTRIES = (entry("A"), entry("B", hours=(3,)), entry("C"), entry("D", is_retired=True), entry("F", "E"))
THERE = (remote("2", "B"), remote("3", "C", is_archived=True), remote("4", "D"), remote("5", "E"))
ALL_DONE = (remote("1", "A"), remote("2", "B", hours=[3]), remote("3", "C"), remote("5", "F"))
ALL_DONE = (*ALL_DONE, remote("4", "D", is_archived=True))


def refusal_messages(
    *remotes: RemoteSchedule, entries: tuple[Entry, ...] = ENTRIES, before: tuple[RemoteSchedule, ...] = THERE
) -> list[str]:
    """Return what is refused if the plan was saved before and the platform now holds these."""
    saved = read_plan(plan_json(plan_on(project(*ENTRIES), actual(*before))).encode())
    now = actual(*remotes)
    return [refusal.message for refusal in check_saved(saved, plan_on(project(*entries), now), now)]


# What has happened meanwhile ----------------------------------------------------------------------------------------


def test_a_saved_plan_holds_while_nothing_has_changed() -> None:
    assert refusal_messages(*THERE) == []


def test_saved_changes_already_in_effect_are_no_violation() -> None:
    assert refusal_messages(*ALL_DONE) == []


@pytest.mark.parametrize("place", range(4))
def test_a_saved_plan_holds_if_part_of_it_is_in_effect(place: int) -> None:
    done = {each.id: each for each in ALL_DONE}
    assert refusal_messages(*(done[each.id] if at == place else each for at, each in enumerate(THERE))) == []


def test_unmanaged_fields_may_have_changed_since_the_plan_was_saved() -> None:
    done = [RemoteSchedule({**each.wire, "enabled": False, "modelId": "halo-small"}) for each in ALL_DONE[1:]]
    assert refusal_messages(remote("1", "A"), *done) == []


def test_a_saved_change_that_is_neither_planned_nor_in_effect_is_refused() -> None:
    assert refusal_messages(*THERE, remote("1", "A", hours=[7]), entries=(entry("A", hours=(7,)), *ENTRIES[1:])) == [
        "create key-A: is in the saved plan, but is no longer planned and has not taken effect"
    ]
    assert refusal_messages(*THERE, entries=ENTRIES[1:]) == [
        "create key-A: is in the saved plan, but is no longer planned and has not taken effect"
    ]
    assert refusal_messages(*THERE, entries=(*ENTRIES[:3], *ENTRIES[4:])) == [
        "archive key-D: is in the saved plan, but is no longer planned and has not taken effect"
    ]


def test_a_schedule_that_has_vanished_is_not_in_effect() -> None:
    assert refusal_messages(*(each for each in THERE if each.id != "4")) == [
        "archive key-D: is in the saved plan, but is no longer planned and has not taken effect"
    ]


def test_an_archived_create_is_not_in_effect() -> None:
    assert refusal_messages(*THERE, remote("1", "A", is_archived=True)) == [
        "unarchive key-A: is not in the saved plan",
        "create key-A: is in the saved plan, but is no longer planned and has not taken effect",
    ]


def test_a_change_that_is_not_in_the_saved_plan_is_refused() -> None:
    assert refusal_messages(*THERE, entries=(*ENTRIES, entry("G"))) == ["create key-G: is not in the saved plan"]


def test_another_schedule_behind_an_entry_is_another_change() -> None:
    assert refusal_messages(*THERE[1:], remote("9", "B")) == [
        "update key-B: is not in the saved plan",
        "update key-B: is in the saved plan, but is no longer planned and has not taken effect",
    ]


@pytest.mark.parametrize("fields", [{"hours": [4]}, {"maxTurns": 7}, {"enabled": False}, {"modelId": "halo-small"}])
def test_a_change_from_other_values_than_saved_is_refused(fields: dict[str, object]) -> None:
    assert refusal_messages(remote("2", "B", **fields), *THERE[1:]) == ["update key-B: differs from the saved plan"]


def test_a_change_to_other_values_than_saved_is_refused() -> None:
    entries = (ENTRIES[0], entry("B", hours=(4,)), *ENTRIES[2:])
    assert refusal_messages(*THERE, entries=entries) == ["update key-B: differs from the saved plan"]


def test_a_value_may_have_moved_to_another_line() -> None:
    saved = plan_on(project(*ENTRIES), actual(*THERE))
    moved = [
        replace(change, fields=tuple(replace(field, origin="else.yaml:99") for field in change.fields))
        for change in saved.changes
    ]
    now = actual(*THERE)
    assert check_saved(replace(saved, changes=tuple(moved)), plan_on(project(*ENTRIES), now), now) == ()


def test_a_refusal_names_its_entry_and_what_permits_it() -> None:
    now = actual(*THERE)
    saved = replace(plan_on(project(*ENTRIES), now), changes=())
    refusals = check_saved(saved, plan_on(project(*ENTRIES), now), now)
    assert [refusal.names for refusal in refusals] == [("key-F",), ("key-B",), ("key-A",), ("key-C",), ("key-D",)]
    assert {(refusal.guard, refusal.override) for refusal in refusals} == {
        ("saved-plan", "run `halo plan` again and have the new plan approved")
    }


# Premises -----------------------------------------------------------------------------------------------------------


def premises(one: Project, other: Project, targets: tuple[str, ...] = (), **host: str) -> list[str]:
    now = actual()
    saved = plan_on(one, now, targets)
    return [
        refusal.message for refusal in check_saved(replace(saved, host=replace(HOST, **host)), plan_on(other, now), now)
    ]


def test_host_project_targets_and_policy_must_be_equal() -> None:
    plain = project(entry("A", is_retired=True))
    assert premises(plain, plain, base_url="https://example.com") == [
        "the saved plan was made for another host: https://example.com, now https://relay.inference.net"
    ]
    assert premises(plain, plain, project_id="p") == [
        f"the saved plan was made for another project: p, now {HOST.project_id}"
    ]
    assert premises(plain, plain, ("key-A",)) == ["the saved plan was made for other targets: key-A, now all entries"]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"undeclared": UndeclaredPolicy.ARCHIVE}, "another `undeclared`: report, now archive"),
        ({"protect": ("a*", "b")}, "another `protect`: nothing, now 'a*', 'b'"),
        ({"scope": Scope(agents=("checkout",))}, f"other agents in scope: all, now {AGENT_IDS[0]}"),
        ({"scope": Scope(title_prefix="T: ")}, "another title prefix in scope: none, now 'T: '"),
    ],
)
def test_another_policy_is_named(policy: dict[str, object], message: str) -> None:
    assert premises(project(), project(**policy)) == [f"the saved plan was made for {message}"]


def test_the_origins_of_host_and_project_may_differ_from_the_saved_plan() -> None:
    plain = project()
    assert premises(plain, plain, url_origin="INF_API_URL", project_origin="--project", project_name="x") == []


# A hand-made file ---------------------------------------------------------------------------------------------------


def test_a_forged_plan_cannot_add_changes() -> None:
    now = actual(*THERE, remote("8", "H"))
    recomputed = plan_on(project(*ENTRIES), now)
    archive = next(change for change in recomputed.changes if change.key == "key-D")
    forged = replace(recomputed, changes=(*recomputed.changes, replace(archive, key=None, id="8", title="H")))
    assert [refusal.message for refusal in check_saved(forged, recomputed, now)] == [
        "archive 8: is in the saved plan, but is no longer planned and has not taken effect"
    ]


def test_a_platform_pause_is_no_change_of_what_is_desired() -> None:
    before = (remote("2", "B", autoPausedAt=THEN, enabled=False), *THERE[1:])
    entries = (ENTRIES[0], entry("B", hours=(3,), enabled=True), *ENTRIES[2:])
    saved = plan_on(project(*entries), actual(*before))
    done = (remote("2", "B", autoPausedAt=THEN, enabled=False, hours=[3]), *ALL_DONE[:1], *ALL_DONE[2:])
    now = actual(*done)
    assert check_saved(saved, plan_on(project(*entries), now), now) == ()
