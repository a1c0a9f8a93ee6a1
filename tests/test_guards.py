"""The reasons to refuse, each with what permits it (docs/semantics.md#guards)."""

from __future__ import annotations

import pytest
from strategies import AGENT_IDS, entry, planned, project, remote

from halo_iac.errors import UsageError
from halo_iac.model.plan import Action, Cause, GuardViolation, Plan
from halo_iac.model.project import Entry, Scope, UndeclaredPolicy
from halo_iac.model.remote import RemoteSchedule

ARCHIVE = {"undeclared": UndeclaredPolicy.ARCHIVE}


def guard_names(plan_: Plan) -> list[str]:
    return [refusal.guard for refusal in plan_.refusals]


def numbered_schedules(count: int) -> list[RemoteSchedule]:
    return [remote(f"{place:03}", f"T{place:03}") for place in range(count)]


def plan_that_removes(count: int, of: int, **how: int) -> Plan:
    """Return a plan that archives so many undeclared schedules of so many in scope."""
    kept = [entry(each.title) for each in numbered_schedules(of)[count:]]
    return planned(project(*kept, entry("new", hours=(1,)), **ARCHIVE), *numbered_schedules(of), **how)


# Removals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "permitted"),
    [(1, 1), (2, 1), (3, 1), (6, 1), (7, 2), (9, 2), (10, 3), (13, 3), (14, 4), (20, 6), (83, 24), (84, 25), (200, 25)],
)
def test_thirty_percent_rounded_down_but_at_least_one_and_at_most_25_may_go(active: int, permitted: int) -> None:
    assert guard_names(plan_that_removes(permitted, active, allow_archive=0)) == []
    if permitted < active:
        (refusal,) = plan_that_removes(permitted + 1, active).refusals
        assert refusal.guard == "removals"
        assert refusal.message == (
            "26 schedules would be archived or stop firing; at most 25 are allowed without --allow-archive N"
            if permitted == 25
            else f"{permitted + 1} of {active} firing schedules in scope would stop; "
            f"at most {permitted} {'is' if permitted == 1 else 'are'} allowed without --allow-archive N"
        )
        assert refusal.override == f"--allow-archive {permitted + 1}"
        assert refusal.names == tuple(f"{place:03}" for place in range(permitted + 1))


def test_an_override_permits_its_number_and_no_more() -> None:
    assert guard_names(plan_that_removes(5, 10, allow_archive=5)) == []
    assert guard_names(plan_that_removes(5, 10, allow_archive=4)) == ["removals"]


def test_a_low_number_does_not_forbid_what_is_permitted_without() -> None:
    assert guard_names(plan_that_removes(3, 10, allow_archive=1)) == []


def test_retiring_and_pausing_are_removals_as_well() -> None:
    entries = [entry("T000", is_retired=True), entry("T001", enabled=False)]
    plan_ = planned(project(*entries, **ARCHIVE), *numbered_schedules(3))
    assert guard_names(plan_) == ["removals"]
    assert plan_.refusals[0].names == ("key-T001", "key-T000", "002")


def test_a_schedule_that_is_paused_already_counts_as_no_pause() -> None:
    entries = [entry(f"T{place}", enabled=False, hours=(1,)) for place in range(3)]
    there = [remote(f"{place}", f"T{place}", enabled=False) for place in range(3)]
    assert guard_names(planned(project(*entries), *there)) == []


def test_only_active_readable_schedules_in_scope_count() -> None:
    elsewhere = [remote("x1", "X1", agentUuid=AGENT_IDS[1]), remote("x2", "X2", is_archived=True)]
    opaque = [remote("o1", "O1", frequency="yearly")]
    entries = [entry(f"T{place:03}", is_retired=place < 2) for place in range(6)]
    plan_ = planned(project(*entries, scope=Scope(agents=("checkout",))), *numbered_schedules(6), *elsewhere, *opaque)
    assert plan_.refusals[0].message.startswith("2 of 6 firing schedules in scope would stop")


PAUSED = {"disabled": {"enabled": False}, "auto-paused": {"autoPausedAt": "2026-11-01T00:00:00.000Z"}}
UNTRACED = "5a4db0c5-a000-4000-8000-00000000dead"
"""An agent without traces."""


def mostly_paused(how: dict[str, object]) -> list[RemoteSchedule]:
    """Return twenty schedules of which six fire."""
    return [remote(f"{place:02}", f"T{place:02}", **(how if place >= 6 else {})) for place in range(20)]


def ways_to_stop(title: str) -> dict[str, Entry]:
    return {
        "retired": entry(title, is_retired=True),
        "paused": entry(title, enabled=False),
        "repointed": entry(title, agent=UNTRACED),
        "repointed in capitals": entry(title, agent=UNTRACED.upper()),
    }


@pytest.mark.parametrize("how", PAUSED.values(), ids=PAUSED)
@pytest.mark.parametrize("way", ways_to_stop(""))
def test_the_share_counts_only_schedules_that_fire(how: dict[str, object], way: str) -> None:
    """Thirty per cent of six is one already, however many are paused."""
    schedules = mostly_paused(how)
    for count, expected in ((1, []), (2, ["removals"]), (6, ["removals"])):
        plan_ = planned(project(*(ways_to_stop(each.title)[way] for each in schedules[:count])), *schedules)
        assert guard_names(plan_) == expected
        if expected:
            (refusal,) = plan_.refusals
            assert refusal.message == (
                f"{count} of 6 firing schedules in scope would stop; at most 1 is allowed without --allow-archive N"
            )
            assert refusal.override == f"--allow-archive {count}"
            permitted = [ways_to_stop(each.title)[way] for each in schedules[:count]]
            assert guard_names(planned(project(*permitted), *schedules, allow_archive=count)) == []
            assert guard_names(planned(project(*permitted), *schedules, allow_archive=count - 1)) == ["removals"]


def test_retired_paused_and_repointed_schedules_count_together() -> None:
    schedules = mostly_paused(PAUSED["disabled"])
    entries = [
        ways_to_stop(each.title)[way] for each, way in zip(schedules, ("retired", "paused", "repointed"), strict=False)
    ]
    plan_ = planned(project(*entries), *schedules)
    assert plan_.refusals[0].message.startswith("3 of 6 firing schedules")


@pytest.mark.parametrize("how", PAUSED.values(), ids=PAUSED)
def test_schedules_that_do_not_fire_count_for_the_limit_but_not_the_share(how: dict[str, object]) -> None:
    still = [remote(f"{place:02}", f"T{place:02}", **how) for place in range(26)]
    entries = [entry(each.title, is_retired=True) for each in still]
    assert guard_names(planned(project(*entries[:25]), *still)) == []
    (refusal,) = planned(project(*entries), *still).refusals
    assert (
        refusal.message
        == "26 schedules would be archived or stop firing; at most 25 are allowed without --allow-archive N"
    )
    assert refusal.override == "--allow-archive 26"
    assert guard_names(planned(project(*entries), *still, allow_archive=26)) == []


def test_active_and_paused_schedules_count_towards_the_limit() -> None:
    schedules = [remote(f"{place:03}", f"T{place:03}", enabled=place < 84) for place in range(110)]
    entries = [entry(each.title, is_retired=True) for each in (*schedules[:20], *schedules[84:90])]
    plan_ = planned(project(*entries), *schedules)
    assert plan_.refusals[0].override == "--allow-archive 26"


def test_repointing_to_an_agent_that_traces_name_stops_nothing() -> None:
    entries = [entry(each.title, agent=AGENT_IDS[1]) for each in numbered_schedules(10)]
    assert guard_names(planned(project(*entries), *numbered_schedules(10))) == []


def test_repointing_what_does_not_fire_stops_nothing() -> None:
    there = [remote(f"{place}", f"T{place}", enabled=False) for place in range(10)]
    entries = [entry(each.title, agent=UNTRACED, enabled=False) for each in there]
    assert guard_names(planned(project(*entries), *there)) == []


def test_an_agent_that_only_schedules_name_is_not_named_by_traces() -> None:
    there = [*numbered_schedules(6), remote("x", "X", agentUuid=UNTRACED)]
    entries = [entry(each.title, agent=UNTRACED) for each in numbered_schedules(6)]
    assert guard_names(planned(project(*entries), *there)) == ["removals"]


# Protected titles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "verb"),
    [
        ([entry("Nightly audit", is_retired=True)], "archived"),
        ([entry("Nightly audit", enabled=False)], "paused"),
        (
            [entry("Nightly audit", agent="5a4db0c5-a000-4000-8000-00000000dead")],
            "moved to an agent without traces",
        ),
        ([entry("Audit", "Nightly audit")], "renamed to 'Audit'"),
        ([entry("Audit", id="1")], "renamed to 'Audit'"),
        ([entry("nightly audit", id="1")], "renamed to 'nightly audit'"),
    ],
)
def test_a_protected_title_is_not_archived_paused_or_renamed_away(entries: list[Entry], verb: str) -> None:
    plan_ = planned(project(*entries, protect=("Nightly *",)), remote("1", "Nightly audit"))
    (refusal,) = plan_.refusals
    assert (refusal.guard, refusal.message, refusal.override) == (
        "protected",
        f"'Nightly audit' is protected by 'Nightly *' and would be {verb}",
        "remove the glob from `protect:`, --protect or HALO_PROTECT",
    )


def test_a_title_is_protected_without_an_entry_and_with_any_override() -> None:
    plan_ = planned(project(entry("B"), protect=("A",), **ARCHIVE), remote("1", "A"), remote("2", "B"), allow_archive=9)
    assert [(refusal.guard, refusal.names) for refusal in plan_.refusals] == [("protected", ("1",))]


@pytest.mark.parametrize("title", ["[prod] Nightly audit", "Why?", "* all *", "[!a]", "[", "[]"])
def test_a_title_written_out_protects_itself_whatever_is_in_it(title: str) -> None:
    there = remote("1", title)
    assert guard_names(planned(project(entry(title, is_retired=True), protect=(title,)), there)) == ["protected"]
    assert guard_names(planned(project(entry(title, enabled=True, hours=(3,)), protect=(title,)), there)) == []
    assert guard_names(planned(project(entry("Else", title), protect=(title,)), there)) == ["protected"]


def test_a_glob_may_name_characters() -> None:
    there = [remote(title, title) for title in ("A1", "B1", "C1")]
    entries = [entry(each.title, is_retired=True) for each in there]
    plan_ = planned(project(*entries, protect=("[AB]?",)), *there, allow_archive=3)
    assert [refusal.names for refusal in plan_.refusals] == [("key-A1",), ("key-B1",)]


@pytest.mark.parametrize(
    "entry_",
    [entry("Nightly check", "Nightly audit"), entry("Nightly audit", hours=(3,)), entry("Nightly audit", enabled=True)],
)
def test_a_protected_schedule_may_be_changed_within_its_glob(entry_: Entry) -> None:
    there = remote("1", "Nightly audit", enabled=False)
    assert guard_names(planned(project(entry_, protect=("Nightly *",)), there)) == []


def test_an_archived_schedule_is_not_renamed_out_of_its_glob_either() -> None:
    there = remote("1", "Nightly audit", is_archived=True)
    assert guard_names(planned(project(entry("A", id="1"), protect=("Nightly *",)), there)) == ["protected"]


# Archives of what no file declares ----------------------------------------------------------------------------------


def test_nothing_is_archived_where_nothing_is_declared() -> None:
    plan_ = planned(project(**ARCHIVE), remote("1", "A"))
    (refusal,) = plan_.refusals
    assert (refusal.guard, refusal.message, refusal.override) == (
        "nothing-declared",
        "the project declares no schedules, and 1 schedule would be archived",
        "--allow-archive 1",
    )
    assert guard_names(planned(project(**ARCHIVE), remote("1", "A"), allow_archive=1)) == []
    assert guard_names(planned(project(), remote("1", "A"))) == []


def test_a_refusal_separates_thousands_like_every_message() -> None:
    there = [remote(str(number), f"A{number}") for number in range(1000)]
    messages = [refusal.message for refusal in planned(project(**ARCHIVE), *there).refusals]
    assert "the project declares no schedules, and 1,000 schedules would be archived" in messages


def test_nothing_undeclared_is_archived_by_a_run_limited_to_targets() -> None:
    entries = (entry("A"), entry("B"))
    there = (remote("1", "A"), remote("2", "B"), remote("3", "C"))
    plan_ = planned(project(*entries, **ARCHIVE), *there, targets=("key-B", "key-A"), allow_archive=9)
    (refusal,) = plan_.refusals
    assert (refusal.guard, refusal.message, refusal.override) == (
        "targets",
        "1 undeclared schedule would be archived by a run limited to key-A, key-B",
        "run without --target, or keep them with --undeclared report",
    )


@pytest.mark.parametrize("targets", [(), ("key-B",)])
def test_nothing_undeclared_is_archived_while_an_entry_is_blocked(targets: tuple[str, ...]) -> None:
    entries = (entry("A", agent="gone"), entry("B"))
    plan_ = planned(project(*entries, **ARCHIVE), remote("1", "C"), remote("2", "B"), targets=targets, allow_archive=9)
    assert plan_.refusals == (
        GuardViolation(
            "blocked",
            "1 undeclared schedule would be archived while key-A is blocked",
            "fix key-A first",
            ("1",),
            withholds=True,
        ),
    )
    assert (plan_.blocking_violations, [schedule.id for schedule in plan_.undeclared]) == ((), ["1"])
    assert not any(change.cause is Cause.UNDECLARED for change in plan_.changes)


def test_guards_check_withheld_changes_once_they_are_planned() -> None:
    """A guard that looked at it before would refuse all the rest for changes that are not about to be made."""
    entries = (entry("A"), entry("B", id="1", is_retired=True))
    declared = project(*entries, protect=("D*",), **ARCHIVE)
    pinned, protected = remote("1", "A"), remote("2", "DA", hours=[1])
    first = planned(declared, pinned, protected, allow_archive=9)
    assert [(change.action, change.id) for change in first.changes] == [(Action.ARCHIVE, "1")]
    assert ([each.key for each in first.blocked], guard_names(first), first.blocking_violations) == (
        ["key-A"],
        ["blocked"],
        (),
    )
    second = planned(declared, remote("1", "A", is_archived=True), protected, allow_archive=9)
    assert [(change.action, change.id) for change in second.changes] == [(Action.CREATE, None), (Action.ARCHIVE, "2")]
    assert [refusal.guard for refusal in second.blocking_violations] == ["protected"]


def test_retired_entries_are_archived_all_the_same() -> None:
    entries = (entry("A", agent="gone"), entry("B", is_retired=True))
    plan_ = planned(project(*entries), remote("1", "B"), remote("2", "C"), targets=("key-A", "key-B"))
    assert (guard_names(plan_), [change.id for change in plan_.changes]) == ([], ["1"])


# Lookalikes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        *("daily review", "Daily  Review", " Daily Review", "\uff24aily Review", "DAILY\tREVIEW", "Daily\u2028Review"),
        *(
            "Dai\u200bly Review",
            "Daily Re\u00adview",
            "\ufeffDaily Review",
            "Daily\x07 Review",
            "Daily\U000e0041 Review",
        ),
    ],
)
def test_a_create_is_refused_where_an_undeclared_title_is_the_same_but_for_form(title: str) -> None:
    plan_ = planned(project(entry("Daily Review", hours=(1,))), remote("1", title))
    (refusal,) = plan_.refusals
    assert (refusal.guard, refusal.override, refusal.names) == (
        "lookalike",
        "--allow-create key-Daily Review",
        ("key-Daily Review",),
    )
    assert "`id: 1`" in refusal.message
    assert "has the same title except for case, spacing, Unicode form or invisible characters" in refusal.message


def test_invisible_characters_are_escaped_in_suggested_yaml() -> None:
    (refusal,) = planned(project(entry("Café 😀")), remote("1", "Caf\u200bé 😀\U000e0041\x7f")).refusals
    assert '`renamed_from: "Caf\\u200bé 😀\\U000e0041\\u007f"`' in refusal.message


def test_a_create_is_refused_where_an_undeclared_schedule_does_the_same() -> None:
    (refusal,) = planned(project(entry("New")), remote("1", 'Old "one"')).refusals
    assert refusal.message == (
        "key-New would be created, but the undeclared schedule 1 ('Old \"one\"') has the same agent, prompt and "
        "cadence; if they are the same schedule, run `halo rename key-New --from 'Old \"one\"'`, or add "
        '`renamed_from: "Old \\"one\\""` or `id: 1` to the entry'
    )


def test_no_command_contains_an_invisible_title() -> None:
    (refusal,) = planned(project(entry("New")), remote("1", "Old\u200b")).refusals
    assert "if they are the same schedule, add `renamed_from: " in refusal.message


@pytest.mark.parametrize(
    "held", [{"hours": [1]}, {"prompt": "Else."}, {"agentUuid": AGENT_IDS[1]}, {"timezone": "GMT"}]
)
def test_another_agent_prompt_or_cadence_is_no_lookalike(held: dict[str, object]) -> None:
    assert guard_names(planned(project(entry("New")), remote("1", "Old", **held))) == []


def test_declared_archived_and_out_of_scope_schedules_are_no_lookalikes() -> None:
    there = (remote("1", "A"), remote("2", "B", is_archived=True), remote("3", "C", agentUuid=AGENT_IDS[1]))
    scope = Scope(agents=("checkout",))
    assert guard_names(planned(project(entry("A"), entry("c", hours=(1,)), entry("New"), scope=scope), *there)) == []


def test_an_opaque_schedule_may_still_have_a_title_that_looks_alike() -> None:
    there = remote("1", "a", frequency="yearly")
    assert guard_names(planned(project(entry("A")), there)) == ["lookalike"]
    assert guard_names(planned(project(entry("B")), there)) == []


def test_each_create_that_looks_alike_needs_its_own_option() -> None:
    there = (remote("1", "a", hours=[1]), remote("2", "b", hours=[1]))
    plan_ = planned(project(entry("A"), entry("B")), *there, allow_create=("key-A",))
    assert [(refusal.guard, refusal.names) for refusal in plan_.refusals] == [("lookalike", ("key-B",))]


@pytest.mark.parametrize(
    ("key", "hint"),
    [("key-b", "did you mean key-B or key-A?"), ("xyz", "the keys are key-A, key-B")],
)
def test_allow_create_of_an_undeclared_entry_is_wrong_usage(key: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        planned(project(entry("A"), entry("B")), remote("1", "a"), allow_create=("key-A", key))
    expected = f"--allow-create {key}: the project has no entry with this key"
    assert (caught.value.message, caught.value.hint) == (expected, hint)


def test_allow_create_of_an_entry_that_is_not_created_has_no_effect() -> None:
    assert guard_names(planned(project(entry("A")), remote("1", "A"), allow_create=("key-A",))) == []


# A listing that is not whole ----------------------------------------------------------------------------------------


def test_an_incomplete_listing_creates_and_archives_nothing() -> None:
    entries = (entry("A"), entry("B", is_retired=True), entry("C", hours=(1,)), entry("D"))
    there = (remote("2", "B"), remote("3", "C"), remote("4", "D", is_archived=True))
    plan_ = planned(project(*entries), *there, gap="the platform repeated a cursor", allow_archive=9)
    (refusal,) = plan_.refusals
    assert (refusal.guard, refusal.message, refusal.names) == (
        "incomplete-listing",
        "the list of schedules is incomplete (the platform repeated a cursor); nothing can be created or archived",
        ("key-A", "key-B"),
    )


def test_an_incomplete_listing_permits_updates() -> None:
    plan_ = planned(project(entry("A", hours=(1,))), remote("1", "A"), gap="the platform repeated a cursor")
    assert (guard_names(plan_), len(plan_.changes)) == ([], 1)
