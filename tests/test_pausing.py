"""Which schedules a pause or a resume is about, and what it says of them (docs/semantics.md#pause-and-resume)."""

from __future__ import annotations

from typing import Any

import pytest
from strategies import AGENT_IDS, HOST, THEN, actual, entry, project, remote

from halo_iac.errors import HaloError
from halo_iac.model.plan import Action, Cause, GuardViolation
from halo_iac.model.project import Project, Scope
from halo_iac.model.remote import RemoteSchedule
from halo_iac.pausing import PausePlan, PauseRequest, Selection
from halo_iac.pipeline import plan_pause

CHECKOUT, SUPPORT, RESEARCH = AGENT_IDS
NOTHING = Project("halo.yaml", ())
ALL = Selection()
PAUSE, RESUME = Cause.PAUSED, Cause.RESUMED
OFF = {"enabled": False}
AUTO = {"autoPausedAt": THEN, "autoPauseReason": "agent_not_found"}


def planned(
    cause: Cause,
    selection: Selection,
    *remotes: RemoteSchedule,
    project_: Project = NOTHING,
    gap: str | None = None,
    includes_protected: bool = False,
) -> PausePlan:
    request = PauseRequest(cause, selection, includes_protected)
    return plan_pause(request, lambda: project_, lambda _: (HOST, actual(*remotes, gap=gap)))


def lines_of(made: PausePlan) -> list[str]:
    """Return what a plan says, line by line."""
    plan = made.plan
    return [
        *(f"{change.verb} {change.name}" for change in plan.changes),
        *(f"blocked {each.key}: {each.reason}" for each in plan.blocked),
        *(f"{each.key}: {each.message}" for each in plan.warnings),
        *([f"{plan.unchanged} already"] if plan.unchanged else ()),
        *(f"refused {each.guard}: {each.message}" for each in plan.refusals),
        *([made.outlook] if made.outlook else ()),
    ]


# Which ones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "paused"),
    [
        (ALL, ["key-A", "s2", "s3"]),
        (Selection(keys=("key-A",)), ["key-A"]),
        (Selection(ids=("s2", "s1")), ["key-A", "s2"]),
        (Selection(keys=("key-A",), ids=("s1", "s1")), ["key-A"]),
        (Selection(agents=("checkout",)), ["key-A", "s2"]),
        (Selection(agents=("team", CHECKOUT)), ["key-A", "s2", "s3"]),
    ],
)
def test_schedules_are_selected_by_key_id_and_agent_declared_or_not(selection: Selection, paused: list[str]) -> None:
    there = (remote("s1", "A"), remote("s2", "B"), remote("s3", "C", agentUuid=RESEARCH), remote("s4", "D", **OFF))
    project_ = project(entry("A"), aliases={"team": "research"})
    made = planned(PAUSE, selection, *there, remote("s5", "E", is_archived=True), project_=project_)
    assert [change.name for change in made.plan.changes] == paused
    assert (made.plan.blocked, made.plan.refusals, made.plan.warnings) == ((), (), ())


@pytest.mark.parametrize(
    ("cause", "before", "after"),
    [(PAUSE, {}, False), (RESUME, OFF, True), (RESUME, {**OFF, **AUTO}, True), (PAUSE, AUTO, False)],
)
def test_a_change_is_of_enabled_and_nothing_else(cause: Cause, before: dict[str, Any], *, after: bool) -> None:
    (change,) = planned(cause, ALL, remote("s1", "A", **before)).plan.changes
    assert (change.action, change.cause) == (Action.UPDATE, cause)
    assert [(each.field, each.before, each.after, each.origin) for each in change.fields] == [
        ("enabled", not after, after, cause)
    ]


def test_all_selects_the_schedules_in_scope() -> None:
    there = (remote("s1", "A"), remote("s2", "DA"), remote("s3", "DB", agentUuid=SUPPORT), remote("s4", "DC"))
    project_ = project(scope=Scope(("checkout",), "D"))
    assert lines_of(planned(PAUSE, ALL, *there, project_=project_)) == [
        "pause s2",
        "pause s4",
        "no file declares 'DA', 'DC'",
    ]


def test_a_pause_works_with_agents_that_cannot_be_resolved() -> None:
    made = planned(PAUSE, Selection(keys=("key-A",)), remote("s1", "A"), project_=project(entry("A", agent="gone")))
    assert lines_of(made) == ["pause key-A", "the next `halo apply` leaves key-A paused"]


# What there is nothing to do about ----------------------------------------------------------------------------------


def test_schedules_in_the_wanted_state_are_named_if_selected_else_counted() -> None:
    there = (remote("s1", "A", **OFF), remote("s2", "B", is_archived=True))
    assert lines_of(planned(PAUSE, Selection(ids=("s1", "s2")), *there)) == [
        "s1: it is paused already",
        "s2: it is archived, so it does not fire",
        "1 already",
    ]
    assert lines_of(planned(PAUSE, ALL, *there)) == ["1 already"]
    assert lines_of(planned(RESUME, Selection(ids=("s1",)), remote("s1", "A"))) == [
        "s1: it is active already",
        "1 already",
    ]
    assert lines_of(planned(PAUSE, ALL)) == []


def test_a_resume_skips_what_the_files_disable() -> None:
    entries = project(entry("A", enabled=False), entry("B"), entry("C", enabled=True))
    there = [remote(f"s{title}", title, **OFF) for title in "ABC"]
    for selection in (ALL, Selection(keys=("key-A", "key-B", "key-C"))):
        assert lines_of(planned(RESUME, selection, *there, project_=entries)) == [
            "resume key-B",
            "resume key-C",
            "key-A: it is skipped, because key-A.enabled.yaml:1 says `enabled: false`",
            "the next `halo apply` leaves key-B, key-C active",
        ]


# What the files say -------------------------------------------------------------------------------------------------


def test_changes_reverted_by_the_next_apply_are_reported() -> None:
    entries = project(entry("A", enabled=True), entry("B"), entry("C", enabled=False), entry("D", is_retired=True))
    there = [remote(f"s{title}", title) for title in "ABCDE"]
    resumed = "key-A.enabled.yaml:1 says `enabled: true`"
    archived = "key-D.yaml:1 says `state: archived`, so the next `halo apply` archives key-D"
    assert lines_of(planned(PAUSE, ALL, *there, project_=entries)) == [
        *("pause key-A", "pause key-B", "pause key-C", "pause key-D", "pause sE"),
        f"None: {resumed}, so the next `halo apply` resumes key-A; to prevent that, pass --write or edit the file",
        f"None: {archived}",
        "the next `halo apply` leaves key-B, key-C paused; no file declares 'E'",
    ]
    assert lines_of(planned(RESUME, ALL, remote("sD", "D", **OFF), project_=entries)) == [
        "resume key-D",
        f"None: {archived}",
    ]


# What is in the way -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "selection", "there", "said"),
    [
        (PAUSE, Selection(ids=("s9",)), (), "s9: the project holds no schedule with this id"),
        (PAUSE, Selection(keys=("key-N",)), (), "key-N: it is declared, but not on the platform yet"),
        (
            PAUSE,
            Selection(keys=("key-T",)),
            (remote("s1", "T"), remote("s2", "T")),
            "key-T: 2 active schedules match this entry: s1, s2",
        ),
        (RESUME, Selection(ids=("s1",)), (remote("s1", "A", is_archived=True),), "s1: schedule s1 is archived"),
        (
            RESUME,
            Selection(ids=("s1",)),
            (remote("s1", "A", **AUTO),),
            "s1: the platform has paused schedule s1 (agent_not_found), although it is enabled",
        ),
        (
            PAUSE,
            Selection(ids=("s1",)),
            (remote("s1", "A", frequency="yearly"),),
            "s1: schedule s1 is not changed: unknown frequency 'yearly'",
        ),
        (
            PAUSE,
            Selection(ids=("s1",)),
            (remote("s1", "A", agentUuid=SUPPORT),),
            "s1: schedule s1 is outside the project's scope",
        ),
    ],
)
def test_a_named_schedule_that_cannot_be_changed_stops_the_pause(
    cause: Cause, selection: Selection, there: tuple[RemoteSchedule, ...], said: str
) -> None:
    scope = Scope(("checkout",))
    project_ = project(entry("N"), entry("T"), scope=scope)
    another = remote("s3", "OK", enabled=cause is PAUSE)
    made = planned(cause, selection._replace(ids=(*selection.ids, "s3")), *there, another, project_=project_)
    assert [f"{each.key}: {each.reason}" for each in made.plan.blocked] == [said]
    name = said.partition(":")[0]
    verb = "paused" if cause is PAUSE else "resumed"
    assert made.plan.blocking_violations == (
        GuardViolation(
            "named",
            f"1 schedule of those named cannot be {verb}",
            "leave them out, or correct their names",
            (name,),
        ),
    )


def test_of_all_in_scope_the_others_are_paused() -> None:
    made = planned(PAUSE, ALL, remote("s1", "A"), remote("s2", "B", frequency="yearly"), gap="a cursor came twice")
    assert lines_of(made) == [
        "pause s1",
        "blocked --all: the list of schedules is incomplete: a cursor came twice; other schedules are not changed",
        "blocked s2: schedule s2 is not changed: unknown frequency 'yearly'",
        "no file declares 'A'",
    ]


@pytest.mark.parametrize(
    ("agent", "message", "hint"),
    [
        (
            "chekout",
            "--agent chekout: no agent named 'chekout' was seen in the last 90 days",
            "did you mean 'checkout'?",
        ),
        (
            "research",
            f"--agent research: no active schedule in scope belongs to agent {RESEARCH}",
            "check the name and the project",
        ),
    ],
)
def test_an_agent_without_schedules_is_an_error(agent: str, message: str, hint: str) -> None:
    with pytest.raises(HaloError) as caught:
        planned(PAUSE, Selection(agents=("checkout", agent)), remote("s1", "A"))
    assert (caught.value.message, caught.value.hint) == (f"{message}; nothing was changed", hint)


def test_a_protected_title_is_paused_only_with_the_option_and_always_resumed() -> None:
    project_ = project(entry("A"), protect=("A*",))
    refused = planned(PAUSE, ALL, remote("s1", "A"), remote("s2", "B"), project_=project_)
    assert [(each.guard, each.message, each.override) for each in refused.plan.refusals] == [
        ("protected", "'A' is protected by 'A*' and would be paused", "--include-protected")
    ]
    assert planned(PAUSE, ALL, remote("s1", "A"), project_=project_, includes_protected=True).plan.refusals == ()
    assert planned(RESUME, ALL, remote("s1", "A", **OFF), project_=project_).plan.refusals == ()


def test_no_guard_limits_the_number_of_paused_schedules() -> None:
    made = planned(PAUSE, ALL, *(remote(f"s{number}", f"T{number}") for number in range(40)))
    assert (len(made.plan.changes), made.plan.refusals) == (40, ())
    assert made.plan.runs_per_month.after == 0
