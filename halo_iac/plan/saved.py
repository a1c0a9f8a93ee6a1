"""A saved plan, held against a recomputed one (design §5, ``apply FILE``).

What is run is always the recomputed plan; the saved one only limits it. So a file that is hand-made, or approved long
ago, cannot make ``apply`` do more than the YAML says now, nor more than was approved then.

A file holds no key and nothing that looks like a credential, so the recomputed plan is compared as a file would hold
it, ``veiled``. What would be written must have been seen as a whole: two prompts may differ in nothing but what is left
out, and no digest of a short password keeps it secret. What is only overwritten or stays may be compared without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from halo_iac.model.change import Action, Change, Plan, PlanWarning, Refusal
from halo_iac.model.remote import Actual, Opaque, RemoteSchedule
from halo_iac.model.schedule import Spec

_OVERRIDE = "plan again and have the new plan approved"
_UNSEEN = "an apply without a saved plan, or a new plan once the entry says `findings: {credential-in-prompt: off}`"


def check_saved(saved: Plan, recomputed: Plan, actual: Actual, veiled: Plan | None = None) -> tuple[Refusal, ...]:
    """Return why the recomputed plan is not what was saved; nothing where it is, or the rest is in effect.

    ``veiled`` is the recomputed plan as a file would hold it, where that is another.
    """
    veiled = veiled or recomputed
    return (*_loosenings(saved), *_premises(saved, veiled), *_changes(saved, recomputed, actual, veiled))


def writes_unseen(planned: Plan, veiled: Plan) -> tuple[Change, ...]:
    """Return the changes of a plan that write what a file leaves out."""
    return tuple(change for change, seen in _pairs(planned, veiled) if _written(change) != _written(seen))


def notes_on_saved(recomputed: Plan, veiled: Plan) -> tuple[PlanWarning, ...]:
    """Return what could not be compared with a saved plan, and is not written either."""
    message = "the saved plan leaves out what looks like a credential in the platform's prompt; it was not compared"
    return tuple(
        PlanWarning(message, change.name)
        for change, seen in _pairs(recomputed, veiled)
        if _essence(change) != _essence(seen) and _written(change) == _written(seen)
    )


def _loosenings(saved: Plan) -> Iterator[Refusal]:
    """Yield what only the plan against a base could refuse; every other guard looks at the recomputed plan itself."""
    for refusal in saved.refusals:
        if refusal.guard == "policy":
            yield replace(refusal, override=f"plan again with {refusal.override}")


def _premises(saved: Plan, recomputed: Plan) -> Iterator[Refusal]:
    for (premise, then), (_, now) in zip(_told(saved), _told(recomputed), strict=True):
        if then != now:
            yield Refusal("saved-plan", f"the saved plan was made for {premise}: {then}, now {now}", _OVERRIDE)


def _told(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what has to be equal, each under the name that a refusal gives it."""
    agents, prefix = plan.policy.scope_agents, plan.policy.title_prefix
    yield "another host", plan.host.base_url
    yield "another project", plan.host.project_id
    yield "other targets", ", ".join(plan.targets) or "all entries"
    yield "another `undeclared`", plan.policy.undeclared
    yield "other agents in scope", "all" if agents is None else ", ".join(agents)
    yield "another title prefix in scope", "none" if prefix is None else repr(prefix)
    yield "another `protect`", ", ".join(map(repr, plan.policy.protect)) or "nothing"


def _changes(saved: Plan, recomputed: Plan, actual: Actual, veiled: Plan) -> Iterator[Refusal]:
    approved = {_identity(change): change for change in saved.changes}
    schedules = {remote.id: remote for remote in actual.schedules}
    for change, seen in _pairs(recomputed, veiled):
        then = approved.pop(_identity(seen), None)
        if then is None:
            yield _refusal(change, "is not in the saved plan")
        elif _essence(then) not in (_essence(change), _essence(seen)):
            yield _refusal(change, "differs from the saved plan")
        elif _essence(then) != _essence(change) and _written(change) != _written(seen):
            yield _refusal(change, "writes what looks like a credential, and the saved plan leaves that out", _UNSEEN)
    for change in approved.values():
        if not _is_in_effect(change, schedules, actual):
            yield _refusal(change, "is in the saved plan, is no longer planned, and is not in effect either")


def _pairs(planned: Plan, veiled: Plan) -> Iterator[tuple[Change, Change]]:
    return zip(planned.changes, veiled.changes, strict=True)


def _identity(change: Change) -> tuple[str, str | None, str | None]:
    return (change.action, change.key, change.id)


def _essence(change: Change) -> tuple[object, ...]:
    """Return what must be equal: all of a change but where its values are written, for a line number may move."""
    fields = tuple((field.field, field.before, field.after) for field in change.fields)
    return (change.cause, change.title, fields, change.before, change.after)


def _written(change: Change) -> object:
    """Return what a change writes: all of a new schedule, and of another the fields that differ."""
    return change.after if change.before is None else [(field.field, field.after) for field in change.fields]


def _refusal(change: Change, why: str, override: str = _OVERRIDE) -> Refusal:
    return Refusal("saved-plan", f"{change.action} {change.name}: {why}", override, (change.name,))


def _is_in_effect(change: Change, schedules: dict[str, RemoteSchedule], actual: Actual) -> bool:
    if change.action is Action.ARCHIVE:
        remote = schedules.get(change.id or "")
        return remote is not None and not remote.is_active
    if change.after is None:
        return False
    if change.id is None:
        named = (remote for remote in actual.schedules if remote.title == change.title)
        return any(_shows(remote, change.after) for remote in named)
    remote = schedules.get(change.id)
    return remote is not None and _shows(remote, change.after)


def _shows(remote: RemoteSchedule, after: Spec) -> bool:
    spec = remote.spec()
    return remote.is_active and not isinstance(spec, Opaque) and after.over(spec) == spec
