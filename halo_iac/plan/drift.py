"""Drift: the differences that a plan would remove (docs/semantics.md#drift)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from halo_iac.errors import HaloError
from halo_iac.hints import Command, Hint
from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.model.plan import Action, Blocked, Cause, Change, PausedSchedule, Plan, UndeclaredSchedule
from halo_iac.model.remote import PlatformState

_REASONS: Final = {
    Action.CREATE: "no schedule on the platform has this title",
    Action.UNARCHIVE: "it is archived on the platform",
    Action.ARCHIVE: "it is active on the platform, and the file says `state: archived`",
}
_HINTS: Final = {
    DriftKind.CHANGED: Hint(
        "to write the values of the file, run `{}`; to keep those of the platform, edit the file", Command("apply")
    ),
    DriftKind.MISSING: Hint(
        "to create or unarchive what is missing, run `{}`; to retire it, write `state: archived`", Command("apply")
    ),
    DriftKind.UNDECLARED: Hint("to declare what is undeclared, run `{}`", Command("import")),
}
_PAUSED: Final = "it is paused on the platform, and the file says `enabled: true`"
_TO_BE_ARCHIVED: Final = "the next apply archives it (`undeclared: archive`)"
_RESUME: Final = "run `{}`, or write `enabled: false` to keep it paused"


def find_drift(planned: Plan, actual: PlatformState, ignored: Collection[DriftKind] = ()) -> Drift:
    """Return how the platform and the files differ; guards are not applied.

    Raises :class:`~halo_iac.errors.HaloError` if the listing is incomplete: what it lacks would look missing.
    """
    if actual.gap is not None:
        message = f"the list of schedules is incomplete, so drift is unknown: {actual.gap}"
        raise HaloError(message, hint="run again; nothing was changed")
    found = [*_items(planned)]
    return Drift(
        planned,
        tuple(item for item in found if item.kind not in ignored),
        Counter(item.kind for item in found if item.kind in ignored),
    )


def _items(planned: Plan) -> Iterator[DriftItem]:
    lookalikes = {name: each.message for each in planned.refusals if each.guard == "lookalike" for name in each.names}
    for change in planned.changes:
        for item in _change_items(change):
            alike = lookalikes.get(change.name) if item.kind is DriftKind.MISSING else None
            if alike is None:
                yield item
                continue
            # An apply would refuse to create it: most likely its title was changed.
            create = Command("apply", "--allow-create", change.name)
            yield item._replace(hint=Hint("{}; to create another one, run `{}`", alike, create))
    yield from map(_paused_item, planned.paused)
    yield from map(_undeclared_item, planned.undeclared)
    yield from map(_blocked_item, planned.blocked)


def _change_items(change: Change) -> Iterator[DriftItem]:
    """Yield the differences of a change: for an update first the fields without a pause, and then the pause.

    Either can be ignored without the other.
    """
    if change.action is not Action.UPDATE:
        if change.cause is Cause.UNDECLARED:
            yield _change_item(DriftKind.UNDECLARED, change, _TO_BE_ARCHIVED)
        else:
            kind = DriftKind.CHANGED if change.action is Action.ARCHIVE else DriftKind.MISSING
            yield _change_item(kind, change, _REASONS[change.action])
        return
    fields = tuple(field for field in change.fields if not (change.is_resumption and field.field == "enabled"))
    if fields:
        yield _change_item(DriftKind.CHANGED, change)._replace(change=replace(change, fields=fields))
    if len(fields) < len(change.fields):
        hint = Hint(_RESUME, Command("resume", change.name))
        yield _change_item(DriftKind.PAUSED, change, _PAUSED)._replace(hint=hint)


def _change_item(kind: DriftKind, change: Change, reason: str = "") -> DriftItem:
    return DriftItem(
        kind,
        change.key,
        change.before.title if change.before else change.title,
        () if change.id is None else (change.id,),
        change.origin,
        reason,
        _HINTS.get(kind),
    )


def _paused_item(paused: PausedSchedule) -> DriftItem:
    kind = DriftKind.PAUSED if paused.reason is None else DriftKind.AUTO_PAUSED
    hint = Hint("to resume, {}", paused.hint)
    return DriftItem(kind, paused.key, paused.title, (paused.id,), paused.origin, paused.reason or "", hint)


def _undeclared_item(schedule: UndeclaredSchedule) -> DriftItem:
    reason = schedule.note or ("" if schedule.is_firing else "paused")
    return DriftItem(
        DriftKind.UNDECLARED, None, schedule.title, (schedule.id,), "", reason, _HINTS[DriftKind.UNDECLARED]
    )


def _blocked_item(entry: Blocked) -> DriftItem:
    return DriftItem(DriftKind.BLOCKED, entry.key, "", entry.ids, entry.origin, entry.reason, entry.hint)
