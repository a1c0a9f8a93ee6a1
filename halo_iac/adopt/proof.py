"""What a plan says of entries that were written for existing schedules: nothing, if they are right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from halo_iac.errors import HaloError
from halo_iac.model.change import Change, Plan


def disproved(keys: Collection[str], before: Plan | None, after: Plan) -> dict[str, str]:
    """Return which of these entries are not as their schedules are, and why; the plans are without and with them.

    Raises :class:`~halo_iac.errors.HaloError` where they would change what becomes of other entries.
    """
    if before is not None and _others(before, keys) != _others(after, keys):
        raise HaloError("nothing was written: the new entries would change what becomes of those that are there")
    reasons = {entry.key: entry.reason for entry in after.blocked if entry.key in keys}
    return reasons | {change.key or "": _reason(change) for change in after.changes if change.key in keys}


def _others(plan: Plan, keys: Collection[str]) -> tuple[Any, ...]:
    """Return what a plan does about other entries, without the lines of the file, which move."""
    blocked = {entry.key: entry.reason for entry in plan.blocked if entry.key not in keys}
    changes = {
        change.key: (change.action, change.id, [(each.field, each.before, each.after) for each in change.fields])
        for change in plan.changes
        if change.key is not None and change.key not in keys
    }
    return blocked, changes


def _reason(change: Change) -> str:
    if not change.fields:
        return f"the plan would {change.action} it"
    fields = ", ".join(f"{each.field} ({each.origin})" for each in change.fields)
    return f"the project file asks for another {fields}"
