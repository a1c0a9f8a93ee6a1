"""Runs a month: how many fire now, and how many would once the plan is applied (docs/semantics.md#runs-a-month)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from halo_iac.diff import Difference
from halo_iac.fire_times import run_rate
from halo_iac.model.plan import Action, Change, ChangeCost, CostEstimate, RunRate
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec

KnownRates = Sequence[tuple[RemoteSchedule, Spec]]
"""Schedules that can be read, with their comparable form."""


def schedules_with_known_rate(active: Iterable[RemoteSchedule], differences: Iterable[Difference]) -> KnownRates:
    """Return the readable schedules; nearly all match their declarations, and reuse the specs of these."""
    as_declared = {
        each.pair.remote.id: each.after
        for each in differences
        if each.pair.remote is not None and not each.fields and each.opaque is None
    }
    specs = ((remote, as_declared.get(remote.id) or remote.spec()) for remote in active)
    return [(remote, spec) for remote, spec in specs if isinstance(spec, Spec)]


def total_runs_per_month(readable: KnownRates, changes: Iterable[Change]) -> RunRate:
    """Return the runs a month now and after the plan; schedules paused by the platform count in neither."""
    before = run_rate(spec for remote, spec in readable if is_firing(remote))
    paused = {remote.id for remote, _ in readable if remote.is_paused_by_platform}
    counted = {remote.id for remote, _ in readable}  # others, archived or outside the scope, have no runs to lose
    concerned = [change for change in changes if change.id not in paused]
    lost = run_rate(each.before for each in concerned if each.before and each.id in counted)
    kept = [(each.before, each.after) for each in concerned if each.after and each.action is not Action.ARCHIVE]
    gained = run_rate(after.filled_from(before) if before else after for before, after in kept)
    return RunRate(_rounded(before), _rounded(before - lost + gained))


def estimated_cost(per_run: float | None, total: RunRate, changes: Iterable[Change]) -> CostEstimate | None:
    """Return what runs cost a month, in all and by change; ``None`` if the project states no cost."""
    if per_run is None:
        return None
    costs = (ChangeCost(each.name, *(round(rate * per_run, 6) for rate in _rates(each))) for each in changes)
    differing = tuple(each for each in costs if each.before != each.after)
    return CostEstimate(per_run, round(total.before * per_run, 6), round(total.after * per_run, 6), differing)


def _rates(change: Change) -> tuple[float, float]:
    """Return the runs a month of a change's schedule, before and after."""
    before, after = change.before, change.after
    will = None if after is None or change.action is Action.ARCHIVE else after.filled_from(before) if before else after
    was = None if change.action is Action.UNARCHIVE else before
    return float(run_rate([was] if was else ())), float(run_rate([will] if will else ()))


def _rounded(runs: Fraction) -> float:
    """Return a number rounded far below what is shown, so that the difference of two of them is exact enough."""
    return round(float(runs), 6)


def firing_schedules(readable: KnownRates) -> frozenset[str]:
    """Return the ids of the schedules that fire."""
    return frozenset(remote.id for remote, _ in readable if is_firing(remote))


def is_firing(remote: RemoteSchedule) -> bool:
    """Return whether a schedule fires: enabled, as far as known, and not paused by the platform."""
    return remote.wire.get("enabled") is not False and not remote.is_paused_by_platform
