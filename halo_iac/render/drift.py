"""The words that all formats share about drift: headings, remedies and counts (docs/semantics.md#drift)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from halo_iac.hints import Command, Hint, merge_hints
from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.render.calendar import Calendar
from halo_iac.render.formats import ProjectDrift
from halo_iac.render.rows import Row, field_rows
from halo_iac.render.style import Style
from halo_iac.text import counted

SIGNS: Final = {
    DriftKind.CHANGED: "~",
    DriftKind.MISSING: "+",
    DriftKind.PAUSED: "=",
    DriftKind.AUTO_PAUSED: "=",
    DriftKind.UNDECLARED: "?",
    DriftKind.BLOCKED: "!",
}
_KIND_NOTES: Final = {
    DriftKind.CHANGED: "platform → file",
    DriftKind.MISSING: "declared, but not active on the platform",
    DriftKind.PAUSED: "by hand",
    DriftKind.AUTO_PAUSED: "by the platform",
    DriftKind.UNDECLARED: "active in scope, but in no file",
    DriftKind.BLOCKED: "not compared",
}
CAVEAT: Final = Hint(
    "An edit by hand and a merge that has not been applied yet look the same here; run `{}` to see what an apply would "
    "write.",
    Command("plan"),
)


def kind_heading(kind: DriftKind, number: int, style: Style) -> str:
    """Return ``Missing: 2 schedules, declared, but not active on the platform``."""
    noun = counted(number, "entry", "entries") if kind is DriftKind.BLOCKED else counted(number, "schedule")
    return style.displayable(f"{kind.capitalize()}: {noun}, {_KIND_NOTES[kind]}")


def shared_hint(items: Sequence[DriftItem]) -> str | None:
    """Return what to do about all differences of a kind; ``None`` if that depends on the schedule."""
    return merge_hints([item.hint or "" for item in items]) or None


def without_file(drift: Drift) -> Drift:
    """Return drift whose header does not repeat the name of the file that stands above it."""
    return drift._replace(plan=replace(drift.plan, file=""))


def item_rows(drift: Drift, item: DriftItem, style: Style) -> tuple[Row, ...]:
    """Return the fields of a difference, the platform's value before the file's; empty if its reason describes it."""
    if item.change is None:
        return ()
    agents = {agent.id: agent.name for agent in drift.plan.agents}
    return field_rows(item.change, Calendar(None, style), style, agents)


def counts_by_kind(numbers: Mapping[DriftKind, int]) -> str:
    """Return ``2 changed, 1 missing``; empty if there are no differences."""
    return ", ".join(f"{numbers[kind]:,} {kind}" for kind in DriftKind if numbers.get(kind))


def drift_counts(drift: Drift) -> str:
    """Return the last line: what differs, what does not, and what was ignored."""
    found = counts_by_kind(Counter(item.kind for item in drift.items))
    same = f"{counted(drift.plan.unchanged, 'schedule is', 'schedules are')} as declared."
    ignored = f" Ignored: {counts_by_kind(drift.ignored)}." if drift.ignored else ""
    return f"{f'Drift: {found}; ' if found else 'No drift. '}{same}{ignored}"


def drifted_files(found: Sequence[ProjectDrift]) -> str:
    """Return ``Drift in 2 of 3 project files`` or ``No drift in 3 project files``."""
    number = sum(bool(each.drift.items) for each in found)
    files = counted(len(found), "project file")
    return f"Drift in {number:,} of {files}" if number else f"No drift in {files}"
