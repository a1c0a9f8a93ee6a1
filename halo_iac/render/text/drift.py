"""Drift as text: each kind of difference with its schedules, and the counts last (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.render.drift import (
    CAVEAT,
    SIGNS,
    drift_counts,
    drifted_files,
    item_rows,
    kind_heading,
    shared_hint,
    without_file,
)
from halo_iac.render.formats import ProjectDrift
from halo_iac.render.style import Style, file_heading
from halo_iac.render.text.plan import header_lines, paragraph, row_lines, warning_lines
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import MAX_LISTED

_ROLES: Final = {
    DriftKind.CHANGED: "update",
    DriftKind.MISSING: "create",
    DriftKind.BLOCKED: "blocked",
}
_ALWAYS_LISTED: Final = frozenset({DriftKind.CHANGED, DriftKind.MISSING, DriftKind.BLOCKED})
"""Kinds of which every difference is shown; of the others, as many as a plan shows."""


def drift_text(drift: Drift, style: Style) -> str:
    """Return all differences as text that ends in a newline."""
    lines = [*header_lines(drift.plan, style)]
    for kind, items in drift.by_kind():
        lines += ["", *_section(drift, kind, items, style)]
    warnings = [*warning_lines(drift.plan.warnings, style)]
    lines += ["", *warnings] if warnings else []
    lines += ["", drift_counts(drift), *([style.safe(CAVEAT)] if drift.items else ()), ""]
    return "\n".join(wrap_lines(lines, style))


def drifts_text(found: Sequence[ProjectDrift], style: Style) -> str:
    """Return the drift of several project files, each under its name, and last how many of them differ."""
    drawn = [
        f"{file_heading(each.drift.plan.file, style)}\n{drift_text(without_file(each.drift), each.styled(style))}\n"
        for each in found
    ]
    return f"{''.join(drawn)}{drifted_files(found)}.\n"


def _section(drift: Drift, kind: DriftKind, items: Sequence[DriftItem], style: Style) -> Iterator[str]:
    role = _ROLES.get(kind, "warning")
    yield style.paint(kind_heading(kind, len(items), style), role)
    shown = items if kind in _ALWAYS_LISTED else items[:MAX_LISTED]
    shared = shared_hint(items)
    for item in shown:
        yield from _item(drift, item, role, style)
        if item.hint and not shared:
            yield from paragraph("hint: ", item.hint, style)
    if len(items) > len(shown):
        yield style.displayable(f"  … and {len(items) - len(shown):,} more")
    if shared:
        yield from paragraph("hint: ", shared, style, indent="  ")


def _item(drift: Drift, item: DriftItem, role: str, style: Style) -> Iterator[str]:
    names = (
        style.paint(style.safe(item.key), "bold") if item.key else "",
        style.quoted(item.title) if item.title else "",
        style.safe(", ".join(item.ids)),
        style.paint(f"({style.safe(item.origin)})", "dim") if item.origin and item.change is None else "",
    )
    yield f"  {style.paint(SIGNS[item.kind], role)} {'  '.join(filter(None, names))}"
    yield from row_lines(item_rows(drift, item, style), style)
    if item.reason:
        yield from paragraph("", item.reason, style)
