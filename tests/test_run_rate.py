"""Runs a month: exact means, equal cadences reckoned with once, and what counts in a plan."""

from dataclasses import replace
from fractions import Fraction

from strategies import plan_on
from wire_samples import WIRE

from halo_iac.fire_times import run_rate, runs_per_month
from halo_iac.model.plan import RunRate
from halo_iac.model.project import BUILT_IN_ORIGIN, Entry, Origin, Project
from halo_iac.model.remote import PlatformState, RemoteSchedule, read_spec
from halo_iac.model.schedule import Spec

A_MONTH = Fraction(146_097, 4_800)  # days, over the 400 years of the calendar


class Nowhere:
    entry = BUILT_IN_ORIGIN

    def of(self, _field: str) -> Origin:
        return BUILT_IN_ORIGIN


def spec_of(**changed: object) -> Spec:
    spec = read_spec({**WIRE, **changed})
    assert isinstance(spec, Spec)
    return spec


def runs_of_plan(declared: Spec, *held: dict[str, object]) -> RunRate:
    project = Project("halo.yaml", (Entry("one", declared.title, declared, Nowhere()),))
    actual = PlatformState(tuple(RemoteSchedule({**WIRE, **wire}) for wire in held), ())
    return plan_on(project, actual).runs_per_month


def test_the_mean_runs_per_month_are_exact() -> None:
    assert runs_per_month(spec_of().cadence) == 2 * 2 * A_MONTH / 7
    assert runs_per_month(spec_of(frequency="hourly").cadence) == 24 * A_MONTH
    assert runs_per_month(spec_of(frequency="daily").cadence) == 2 * A_MONTH
    assert runs_per_month(spec_of(frequency="monthly", daysOfMonth=[1, 30]).cadence) == 2 * Fraction(23, 12)


def test_many_schedules_have_the_sum_of_their_runs_and_a_paused_one_none() -> None:
    weekly, daily = spec_of(), spec_of(frequency="daily")
    assert run_rate([weekly, daily, weekly, replace(weekly, enabled=False)]) == (
        2 * runs_per_month(weekly.cadence) + runs_per_month(daily.cadence)
    )


def test_only_what_fires_counts_in_a_plan() -> None:
    weekly = round(float(2 * 2 * A_MONTH / 7), 6)
    undeclared = {"id": "two", "title": "Another"}
    unreadable = {"id": "three", "title": "Odd", "prompt": None}
    paused = {"id": "four", "title": "Off", "enabled": False}
    assert runs_of_plan(spec_of(), {}) == RunRate(weekly, weekly)
    assert runs_of_plan(spec_of(), {}, undeclared, unreadable, paused) == RunRate(2 * weekly, 2 * weekly)
    assert runs_of_plan(spec_of(enabled=False), {}) == RunRate(weekly, 0)


def test_a_change_of_a_schedule_that_the_platform_has_paused_changes_no_runs() -> None:
    shorter = replace(spec_of(), hours=(9,))
    assert runs_of_plan(shorter, {"autoPausedAt": "2025-01-01T00:00:00.000Z"}) == RunRate(0, 0)
