"""Compares a saved plan with a recomputed one (docs/semantics.md#saved-plans).

The recomputed plan is what is applied; the saved one only limits it. So a forged or old file cannot make ``apply`` do
more than the files declare now, nor more than was approved then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from halo_iac.hints import Command, Hint
from halo_iac.model.plan import Action, Change, GuardViolation, Plan
from halo_iac.model.remote import PlatformState, RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import Spec

_OVERRIDE: Final = Hint("run `{}` again and have the new plan approved", Command("plan"))


def check_saved(saved: Plan, recomputed: Plan, actual: PlatformState) -> tuple[GuardViolation, ...]:
    """Return why the recomputed plan goes beyond the saved one.

    Empty if both are equal, or if what the recomputed plan lacks has been applied already.
    """
    return (*_loosened_policy(saved), *_preconditions(saved, recomputed), *_changes(saved, recomputed, actual))


def _loosened_policy(saved: Plan) -> Iterator[GuardViolation]:
    """Yield the saved refusals that a base caused; every other guard checks the recomputed plan itself."""
    for refusal in saved.refusals:
        if refusal.guard == "policy":
            yield replace(refusal, override=Hint("run `{}` again with {}", Command("plan"), refusal.override))


def _preconditions(saved: Plan, recomputed: Plan) -> Iterator[GuardViolation]:
    for (name, then), (_, now) in zip(_compared_values(saved), _compared_values(recomputed), strict=True):
        if then != now:
            yield GuardViolation("saved-plan", f"the saved plan was made for {name}: {then}, now {now}", _OVERRIDE)


def _compared_values(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the values that have to be equal, each with its name for the refusal."""
    agents, prefix = plan.policy.scope_agents, plan.policy.title_prefix
    yield "another host", plan.host.base_url
    yield "another project", plan.host.project_id
    yield "other targets", ", ".join(plan.targets) or "all entries"
    yield "another `undeclared`", plan.policy.undeclared
    yield "other agents in scope", "all" if agents is None else ", ".join(agents)
    yield "another title prefix in scope", "none" if prefix is None else repr(prefix)
    yield "another `protect`", ", ".join(map(repr, plan.policy.protect)) or "nothing"


def _changes(saved: Plan, recomputed: Plan, actual: PlatformState) -> Iterator[GuardViolation]:
    then = {_identity(change): change for change in saved.changes}
    now = {_identity(change): change for change in recomputed.changes}
    schedules = {remote.id: remote for remote in actual.schedules}
    for identity, change in now.items():
        approved = then.get(identity)
        if approved is None:
            yield _stale_plan(change, "is not in the saved plan")
        elif _change_key(approved) != _change_key(change):
            yield _stale_plan(change, "differs from the saved plan")
    for identity, change in then.items():
        if identity not in now and not _is_in_effect(change, schedules, actual):
            yield _stale_plan(change, "is in the saved plan, but is no longer planned and has not taken effect")


def _identity(change: Change) -> tuple[str, str | None, str | None]:
    return (change.action, change.key, change.id)


def _change_key(change: Change) -> tuple[object, ...]:
    """Return what has to be equal of a change: all but the positions of its values, which may have moved."""
    fields = tuple((field.field, field.before, field.after) for field in change.fields)
    return (change.cause, change.title, fields, change.before, change.after)


def _stale_plan(change: Change, why: str) -> GuardViolation:
    return GuardViolation("saved-plan", f"{change.action} {change.name}: {why}", _OVERRIDE, (change.name,))


def _is_in_effect(change: Change, schedules: dict[str, RemoteSchedule], actual: PlatformState) -> bool:
    if change.action is Action.ARCHIVE:
        remote = schedules.get(change.id or "")
        return remote is not None and not remote.is_active
    if change.after is None:
        return False
    if change.id is None:
        named = (remote for remote in actual.schedules if remote.title == change.title)
        return any(_matches(remote, change.after) for remote in named)
    remote = schedules.get(change.id)
    return remote is not None and _matches(remote, change.after)


def _matches(remote: RemoteSchedule, after: Spec) -> bool:
    spec = remote.spec()
    return remote.is_active and not isinstance(spec, UnreadableSchedule) and after.filled_from(spec) == spec
