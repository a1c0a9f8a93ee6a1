"""The plan as text: where it would happen, each change, what is apart, and the counts last (docs/cli.md#formats)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from halo_iac.model.change import Plan
from halo_iac.render.calendar import CADENCES, Calendar
from halo_iac.render.counts import plan_counts, share_counts
from halo_iac.render.header import header_rows
from halo_iac.render.style import Style
from halo_iac.render.text.asides import blocked_lines, refusal_lines, undeclared_lines, warning_lines
from halo_iac.render.text.change import change_block
from halo_iac.render.text.findings import finding_lines, other_finding_lines

_LABEL: Final = 9


def plan_text(plan: Plan, style: Style, *, now: datetime | None = None, as_wanted: str = "as declared") -> str:
    """Return the whole plan as text that ends in a newline, to be written once.

    ``now`` is an aware instant from which next fires are worked out; without it they are left out. ``as_wanted`` is
    what is said of schedules that nothing is planned for.
    """
    calendar = Calendar(now, style)
    agents = {agent.id: agent.name for agent in plan.agents}
    lines = [*_header(plan, style)]
    found = defaultdict(list)
    for finding in plan.findings:
        found[finding.key].append(finding)
    for change in plan.changes:
        lines.append("")
        lines += change_block(change, calendar, style, agents)
        for finding in found[change.key] if change.key is not None else ():
            lines += finding_lines(finding, style)
    for section in (
        other_finding_lines(plan.findings, {change.key for change in plan.changes}, style),
        blocked_lines(plan.blocked, style),
        undeclared_lines(plan.undeclared, style),
        warning_lines(plan.warnings, style),
        refusal_lines(plan.refusals, style),
    ):
        first = next(section, None)
        if first is not None:
            lines += ["", first, *section]
    if calendar.has_left_out:
        lines += ["", f"Next fires are shown for the first {CADENCES} cadences only."]
    lines += ["", *share_counts(plan), plan_counts(plan, style, as_wanted), ""]
    return "\n".join(lines)


def _header(plan: Plan, style: Style) -> Iterator[str]:
    for row in header_rows(plan, style):
        origin = f"  {style.paint(f'({row.origin})', 'dim')}" if row.origin else ""
        line = f"{row.label:<{_LABEL}}{row.after}{origin}"
        yield style.paint(line, "warning") if row.label == "SANDBOX" else line
