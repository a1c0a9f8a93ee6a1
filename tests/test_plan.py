"""What would change and what else a reviewer should know (docs/semantics.md#plan)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from strategies import AGENT_IDS, THEN, Written, actual, entry, plan_on, planned, project, remote

from halo_iac.errors import UsageError
from halo_iac.model.plan import AgentName, Base, Plan, Policy, RunRate, UndeclaredSchedule
from halo_iac.model.project import Entry, Origin, Scope, Source, UndeclaredPolicy
from halo_iac.model.remote import ModelCatalog, PlatformState

CHECKOUT, SUPPORT, RESEARCH = AGENT_IDS
ARCHIVE = {"undeclared": UndeclaredPolicy.ARCHIVE}
DAILY = 30.436875


class Layered(Written):
    """Origins of an entry whose values all come from ``defaults``."""

    def of(self, field: str) -> Origin:
        return super().of(field)._replace(source=Source.DEFAULTS)


def lines_of(plan_: Plan) -> list[str]:
    """Return the changes in a few words each, then what is blocked."""
    changes = [f"{change.action} {change.key} {change.id} {change.title}" for change in plan_.changes]
    return changes + [f"blocked {blocked.key}: {blocked.reason}" for blocked in plan_.blocked]


# One pair -----------------------------------------------------------------------------------------------------------


def test_unchanged_entries_are_only_counted() -> None:
    plan_ = planned(project(entry("A"), entry("B", is_retired=True)), remote("1", "A"))
    assert (plan_.changes, plan_.blocked, plan_.unchanged) == ((), (), 2)


def test_changes_are_ordered_by_their_action() -> None:
    entries = (entry("A"), entry("B", hours=(3,)), entry("C"), entry("D", is_retired=True), entry("E", hours=(3,)))
    there = (remote("2", "B"), remote("3", "C", is_archived=True), remote("4", "D"), remote("5", "E", is_archived=True))
    plan_ = planned(project(*entries), *there)
    assert lines_of(plan_) == [
        "update key-B 2 B",
        "create key-A None A",
        "unarchive key-C 3 C",
        "unarchive key-E 5 E",
        "archive key-D 4 D",
    ]
    assert [str(change.cause) for change in plan_.changes] == ["declared"] * 4 + ["state: archived"]
    assert [[field.field for field in change.fields] for change in plan_.changes][2:] == [[], ["hours"], []]
    assert [(change.before is None, change.after is None) for change in plan_.changes] == [
        (False, False),
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]


def test_a_retired_entry_without_an_active_schedule_needs_no_change() -> None:
    entries = (entry("A", is_retired=True), entry("B", is_retired=True))
    assert lines_of(planned(project(*entries), remote("1", "A", is_archived=True))) == []


def test_a_pin_that_changes_the_title_is_shown_as_such() -> None:
    (change,) = planned(project(entry("A", id="1")), remote("1", "B")).changes
    assert [(field.field, field.before, field.after) for field in change.fields] == [("title", "B", "A")]


@pytest.mark.parametrize("is_retired", [False, True])
def test_an_opaque_schedule_blocks_the_entry_that_matches_it(*, is_retired: bool) -> None:
    plan_ = planned(project(entry("A", is_retired=is_retired)), remote("1", "A", frequency="yearly"))
    assert lines_of(plan_) == ["blocked key-A: schedule 1 is not changed: unknown frequency 'yearly'"]


# Models -------------------------------------------------------------------------------------------------------------

MODELS = {
    "model_id": ModelCatalog({"halo-large": "HALO Large", "halo-small": ""}),
    "summarization_model_id": ModelCatalog({"halo-brief": ""}),
}
NEAR = "did you mean 'halo-large'?"


@pytest.mark.parametrize(
    ("entry_", "held", "blocked"),
    [
        (
            entry("A", model_id="halo-larg"),
            None,
            ("model_id 'halo-larg'", "did you mean 'halo-large' or 'halo-small'?"),
        ),
        (entry("A", model_id="HALO LARGE!"), None, ("model_id 'HALO LARGE!'", NEAR)),
        (entry("A", model_id="gpt"), None, ("model_id 'gpt'", "run `halo model list` to see the models")),
        (
            entry("A", summarization_model_id="gpt"),
            {},
            ("summarization_model_id 'gpt'", "run `halo model list --summarization` to see the models"),
        ),
        (
            entry("A", model_id="gpt"),
            {"is_archived": True},
            ("model_id 'gpt'", "run `halo model list` to see the models"),
        ),
        (entry("A", model_id="halo-small", summarization_model_id="halo-brief"), None, None),
        (entry("A", model_id="gpt", hours=(3,)), {"modelId": "gpt"}, None),  # the update does not write the model
        (entry("A"), {"modelId": "gpt"}, None),
        (entry("A", is_retired=True), {"modelId": "gpt"}, None),
    ],
)
def test_a_model_that_the_platform_does_not_offer_blocks_the_entry_that_would_write_it(
    entry_: Entry, held: dict[str, Any] | None, blocked: tuple[str, str] | None
) -> None:
    there = () if held is None else (remote("1", "A", **held),)
    plan_ = planned(project(entry_), *there, models=MODELS)
    expected = [] if blocked is None else [(f"the platform does not offer {blocked[0]}", blocked[1])]
    assert [(each.reason, each.hint) for each in plan_.blocked] == expected
    assert not (plan_.changes and plan_.blocked)


def test_a_model_from_another_layer_says_so() -> None:
    (entry_,) = project(entry("A", model_id="gpt")).entries
    layered = entry_._replace(origins=Layered("A"))
    (blocked,) = planned(project(layered), models=MODELS).blocked
    assert blocked.reason == "the platform does not offer model_id 'gpt', which `defaults` declares"


@pytest.mark.parametrize(
    ("models", "warnings"),
    [
        (
            MODELS,
            [
                (
                    None,
                    "the platform no longer offers model_id 'old'; 2 schedules keep it until it is changed",
                ),
                (
                    "key-C",
                    "the platform no longer offers model_id 'older'; one schedule keeps it until it is changed",
                ),
            ],
        ),
        (
            {"model_id": ModelCatalog({}, "HTTP 403")},
            [(None, "whether the platform offers each model_id could not be checked: HTTP 403")],
        ),
        ({}, []),
    ],
)
def test_an_unwritten_model_is_a_warning(
    models: dict[str, ModelCatalog], warnings: list[tuple[str | None, str]]
) -> None:
    entries = (entry("A", model_id="old"), entry("B", model_id="old", hours=(3,)), entry("C", model_id="older"))
    there = [remote(title, title, modelId=model) for title, model in (("A", "old"), ("B", "old"), ("C", "older"))]
    plan_ = planned(project(*entries), *there, models=models)
    assert [(each.key, each.message) for each in plan_.warnings] == warnings
    assert not plan_.blocked


# Order --------------------------------------------------------------------------------------------------------------


def test_renames_come_first_by_wave() -> None:
    entries = (entry("A", hours=(3,)), entry("C", "B"), entry("D", "C"), entry("Z", hours=(3,)))
    plan_ = planned(project(*entries), *(remote(title, title) for title in "ABCZ"))
    assert lines_of(plan_) == ["update key-D C D", "update key-C B C", "update key-A A A", "update key-Z Z Z"]


# Titles that are not free -------------------------------------------------------------------------------------------

CHAIN = (entry("B", "A"), entry("C", "B"))
HELD = "schedule 2 still has the title 'B', and no change in this plan frees it first"


def test_a_rename_waits_for_a_blocked_entry_that_has_its_title() -> None:
    chain = (CHAIN[0], entry("C", "B", agent="gone"))
    assert lines_of(planned(project(*chain), remote("1", "A"), remote("2", "B"))) == [
        f"blocked key-B: {HELD}",
        "blocked key-C: no agent named 'gone' was seen in the last 90 days",
    ]


def test_a_rename_is_blocked_by_an_untargeted_one() -> None:
    there = (remote("1", "A"), remote("2", "B"))
    assert lines_of(planned(project(*CHAIN), *there, targets=("key-B",))) == [f"blocked key-B: {HELD}"]
    assert lines_of(planned(project(*CHAIN), *there, targets=("key-C",))) == ["update key-C 2 C"]
    assert lines_of(planned(project(*CHAIN), *there)) == ["update key-C 2 C", "update key-B 1 B"]


def test_a_whole_chain_waits() -> None:
    chain = (entry("B", "A"), entry("C", "B"), entry("D", "C"))
    there = (remote("1", "A"), remote("2", "B"), remote("3", "C", frequency="yearly"))
    assert [blocked.key for blocked in planned(project(*chain), *there).blocked] == ["key-B", "key-C", "key-D"]


def test_a_create_waits_for_the_schedule_that_is_only_being_retired() -> None:
    entries = (entry(None, key="old", id="1", is_retired=True), entry("A"))
    assert lines_of(planned(project(*entries), remote("1", "A"))) == [
        "archive old 1 A",
        "blocked key-A: schedule 1 still has the title 'A', and no change in this plan frees it first",
    ]
    assert lines_of(planned(project(*entries), remote("1", "A", is_archived=True))) == ["create key-A None A"]


def test_of_twins_both_have_to_leave_a_title() -> None:
    leaving, staying = entry("B", id="1"), entry(None, key="old", id="2", is_retired=True)
    there = (remote("1", "A"), remote("2", "A"))
    assert lines_of(planned(project(entry("A"), leaving, staying), *there)) == [
        "update key-B 1 B",
        "archive old 2 A",
        "blocked key-A: schedule 2 still has the title 'A', and no change in this plan frees it first",
    ]
    assert lines_of(planned(project(entry("A"), leaving, entry("C", id="2")), *there)) == [
        "update key-B 1 B",
        "update key-C 2 C",
        "create key-A None A",
    ]


def test_a_pinned_entry_takes_a_title_that_another_schedule_has() -> None:
    plan_ = planned(project(entry("B", id="1")), remote("1", "A"), remote("2", "B"))
    assert lines_of(plan_) == ["update key-B 1 B"]


# Undeclared schedules -----------------------------------------------------------------------------------------------


def test_undeclared_schedules_in_scope_are_listed_and_untouched() -> None:
    there = (
        remote("3", "C", enabled=False),
        remote("2", "B", autoPausedAt=THEN),
        remote("1", "A"),
        remote("4", "D", frequency="yearly"),
        remote("5", "E", is_archived=True),
        remote("6", "F", agentUuid=SUPPORT),
    )
    plan_ = planned(project(scope=Scope(agents=("checkout",))), *there)
    assert plan_.changes == ()
    assert plan_.undeclared == (
        UndeclaredSchedule("1", "A", is_firing=True),
        UndeclaredSchedule("2", "B", is_firing=False),
        UndeclaredSchedule("3", "C", is_firing=False),
        UndeclaredSchedule("4", "D", is_firing=True, note="unknown frequency 'yearly'"),
    )


def test_the_file_may_say_that_undeclared_schedules_are_archived_but_for_opaque_ones() -> None:
    there = (remote("1", "A"), remote("2", "B"), remote("3", "C", frequency="yearly"))
    plan_ = planned(project(entry("A"), **ARCHIVE), *there)
    assert lines_of(plan_) == ["archive None 2 B"]
    assert [str(change.cause) for change in plan_.changes] == ["undeclared: archive"]
    assert [each.id for each in plan_.undeclared] == ["3"]


@pytest.mark.parametrize(
    ("scope", "archived"),
    [
        (Scope(), ["1", "2", "3", "4"]),
        (Scope(agents=("checkout",)), ["1", "3"]),
        (Scope(title_prefix="T: "), ["1", "2"]),
        (Scope(agents=("checkout",), title_prefix="T: "), ["1"]),
    ],
)
def test_the_scope_decides_what_is_undeclared(scope: Scope, archived: list[str]) -> None:
    there = (
        remote("1", "T: A"),
        remote("2", "T: B", agentUuid=SUPPORT),
        remote("3", "C"),
        remote("4", "D", agentUuid=SUPPORT),
    )
    assert [change.id for change in planned(project(scope=scope, **ARCHIVE), *there).changes] == archived


def test_schedules_of_a_blocked_entry_count_as_declared() -> None:
    plan_ = planned(project(entry("A"), **ARCHIVE), remote("1", "A"), remote("2", "A"), remote("3", "B"))
    assert plan_.changes == ()
    assert [schedule.id for schedule in plan_.undeclared] == ["3"]


# Targets ------------------------------------------------------------------------------------------------------------


def test_targets_limit_what_is_planned_not_what_is_matched() -> None:
    entries = (entry("A", hours=(3,)), entry("B", hours=(3,)), entry("C", id="9"), entry("D", id="9"))
    plan_ = planned(project(*entries), remote("1", "A"), remote("2", "B"), targets=("key-C", "key-A", "key-A"))
    assert lines_of(plan_) == [
        "update key-A 1 A",
        "blocked key-C: the project holds no schedule with the id 9",
    ]
    assert (plan_.targets, plan_.undeclared) == (("key-A", "key-C"), ())


@pytest.mark.parametrize(("target", "hint"), [("key-B", "did you mean key-A?"), ("xyz", "the only key is key-A")])
def test_an_unknown_target_is_wrong_usage(target: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        planned(project(entry("A")), targets=(target,))
    assert (caught.value.message, caught.value.hint) == (
        f"--target {target}: the project has no entry with this key",
        hint,
    )


# Warnings, policy, runs ---------------------------------------------------------------------------------------------


BY_HAND = {"enabled": False}
BY_PLATFORM = {"enabled": False, "autoPausedAt": THEN, "autoPauseReason": "agent_not_found"}
STILL_ENABLED = {**BY_PLATFORM, "enabled": True}
NEW_AGENT = "give the entry another `agent:`, or run `halo resume key-A` once its agent sends traces again"
ENABLE = "add `enabled: true` to the entry or to `defaults:`, or run `halo resume key-A`"


@pytest.mark.parametrize(
    ("declared", "held", "is_changed", "listed"),
    [
        ({}, {}, False, None),
        ({}, BY_HAND, False, (None, ENABLE)),
        ({"hours": (3,)}, BY_HAND, True, (None, ENABLE)),
        ({"enabled": True}, BY_HAND, True, None),
        ({"enabled": False}, BY_HAND, False, None),
        ({}, BY_PLATFORM, False, ("agent_not_found", NEW_AGENT)),
        ({}, STILL_ENABLED, False, ("agent_not_found", NEW_AGENT)),
        ({"enabled": True}, BY_PLATFORM, False, ("agent_not_found", NEW_AGENT)),
        ({"enabled": False}, BY_PLATFORM, False, None),
        ({"agent": "research"}, BY_PLATFORM, True, ("agent_not_found", ENABLE)),
        ({"agent": "research", "enabled": True}, BY_PLATFORM, True, None),
        ({}, {**BY_HAND, "is_archived": True}, True, None),
        ({"is_retired": True}, BY_HAND, True, None),
        ({}, {**BY_HAND, "frequency": "yearly"}, False, None),
    ],
)
def test_a_schedule_that_is_paused_while_no_file_says_so_is_listed_with_what_resumes_it(
    declared: dict[str, Any], held: dict[str, Any], *, is_changed: bool, listed: tuple[str | None, str] | None
) -> None:
    plan_ = planned(project(entry("A", **declared), entry("B")), remote("1", "A", **held), remote("2", "B"))
    assert [(each.key, each.id, each.title, each.reason, each.hint, each.origin) for each in plan_.paused] == (
        [("key-A", "1", "A", *listed, "key-A.yaml:1")] if listed else []
    )
    assert bool(plan_.changes) is is_changed
    assert plan_.unchanged == 2 - bool(is_changed or listed or plan_.blocked)
    assert plan_.warnings == ()


def test_paused_schedules_are_those_of_the_targets_in_the_order_of_their_keys() -> None:
    there = [remote(title, title, enabled=False) for title in ("B", "A", "C")]
    entries = project(*map(entry, "BAC"))
    assert [each.key for each in planned(entries, *there).paused] == ["key-A", "key-B", "key-C"]
    limited = planned(entries, *there, targets=("key-C",))
    assert ([each.key for each in limited.paused], limited.unchanged) == (["key-C"], 0)


def test_schedules_paused_by_a_removed_override_stay_paused_and_are_listed() -> None:
    paused = planned(project(entry("A", enabled=False), entry("B", enabled=False)), remote("1", "A"), remote("2", "B"))
    assert [change.is_pause for change in paused.changes] == [True, True]
    after = planned(project(entry("A"), entry("B")), *(remote(title, title, **BY_HAND) for title in "AB"))
    assert (after.changes, [each.key for each in after.paused], after.unchanged) == ((), ["key-A", "key-B"], 0)


def test_a_gap_in_the_listing_is_warned_of_first() -> None:
    plan_ = planned(project(), gap="the platform repeated a cursor")
    assert [warning.message for warning in plan_.warnings] == [
        "the list of schedules is incomplete: the platform repeated a cursor"
    ]


def test_a_plan_says_the_rules_it_was_made_under() -> None:
    scope = Scope(agents=("research", "checkout"), title_prefix="T: ")
    plan_ = planned(project(scope=scope, protect=("T: x*",), **ARCHIVE))
    assert plan_.policy == Policy("archive", (CHECKOUT, RESEARCH), "T: ", ("T: x*",))


def test_a_plan_names_the_agents_that_it_sets_or_replaces() -> None:
    plan_ = planned(project(entry("A", agent="research")), remote("1", "A"), remote("2", "B", agentUuid=SUPPORT))
    assert plan_.agents == (AgentName(CHECKOUT, "checkout"), AgentName(RESEARCH, "research"))


@pytest.mark.parametrize(
    ("entry_", "held", "before", "after"),
    [
        (entry("A"), None, 0, DAILY),
        (entry("A", enabled=False), None, 0, 0),
        (entry("A"), {}, DAILY, DAILY),
        (entry("A", hours=(1, 2)), {}, DAILY, 60.87375),
        (entry("A", enabled=False), {}, DAILY, 0),
        (entry("A", enabled=True), {"enabled": False}, 0, DAILY),
        (entry("A", hours=(1, 2)), {"enabled": False}, 0, 0),
        (entry("A"), {"is_archived": True}, 0, DAILY),
        (entry("A"), {"is_archived": True, "enabled": False}, 0, 0),
        (entry("A", is_retired=True), {}, DAILY, 0),
        (entry("A", is_retired=True), {"enabled": False}, 0, 0),
        (entry("A", is_retired=True), {"autoPausedAt": THEN}, 0, 0),
        (entry("A", hours=(1, 2)), {"autoPausedAt": THEN}, 0, 0),
        (entry("A"), {"frequency": "yearly"}, 0, 0),
        (entry("B"), {}, DAILY, 60.87375),
    ],
)
def test_runs_a_month_before_and_after(entry_: Entry, held: dict[str, Any] | None, before: float, after: float) -> None:
    there = [] if held is None else [remote("1", "A", **held)]
    assert planned(project(entry_), *there).runs_per_month == RunRate(before, after)


def test_runs_are_those_of_the_scope() -> None:
    there = (remote("1", "A"), remote("2", "B", agentUuid=SUPPORT))
    assert planned(project(scope=Scope(agents=("checkout",))), *there).runs_per_month == RunRate(DAILY, DAILY)


def test_a_plan_does_not_depend_on_the_order_of_its_inputs() -> None:
    entries = [entry("A"), entry("B", hours=(3,)), entry("C", id="9"), entry("D", agent="gone")]
    there = [remote("1", "B"), remote("2", "E"), remote("3", "F"), remote("4", "A", is_archived=True)]

    def turned(step: int) -> Plan:
        seen = PlatformState(tuple(there[::step]), actual().agents[::step])
        project_ = project(*entries[::step], **ARCHIVE)
        return plan_on(project_, seen)

    assert turned(1) == turned(-1)


def test_documents_are_equal_and_print_by_their_fields() -> None:
    base = Base("main", "c0ffee")
    assert {base, Base("main", "c0ffee")} == {base}
    assert base not in [Base("main", "beef"), AgentName("main", "c0ffee"), ("main", "c0ffee")]
    assert repr(base) == "Base(ref='main', commit='c0ffee')"
    with pytest.raises(FrozenInstanceError):
        base.ref = "other"  # type: ignore[misc]
