"""The plan as text: its target, each change, blocked and undeclared schedules, and the counts (docs/cli.md#formats)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from halo_iac.hints import merge_hints
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import (
    Action,
    Attribution,
    Blocked,
    Change,
    GuardViolation,
    PausedSchedule,
    Plan,
    PlanWarning,
    UndeclaredSchedule,
)
from halo_iac.render import headings
from halo_iac.render.calendar import MAX_CADENCES, Calendar
from halo_iac.render.prompt_diff import NOTE
from halo_iac.render.rows import ATTRIBUTIONS, Row, change_rows
from halo_iac.render.style import SIGNS, Style
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import MAX_LISTED, join_names
from halo_iac.text import counted

_INDENT: Final = "      "
_VERB_WIDTH: Final = max(map(len, Action))
_ROLES: Final = {"-": "removed", "+": "added", NOTE: "dim"}


def row_lines(rows: Sequence[Row], style: Style) -> Iterator[str]:
    """Return the lines of rows, their values below each other."""
    width = max([len(row.label) for row in rows], default=0)
    for row in rows:
        yield from _row_lines(row, width, style)


def _heading(change: Change, style: Style) -> str:
    verb = style.paint(f"{SIGNS[change.action]} {change.verb:<{_VERB_WIDTH}}", change.verb)
    old = change.before.title if change.before else change.title
    names = (
        style.paint(style.safe(change.key), "bold") if change.key else "",
        style.quoted(old),
        style.safe(change.id) if change.id else "",
        style.paint(f"({ATTRIBUTIONS[change.share]})", "dim")
        if change.share and change.share is not Attribution.BRANCH
        else "",
    )
    return "  ".join((verb, *filter(None, names)))


def _row_lines(row: Row, width: int, style: Style) -> Iterator[str]:
    lead = f"{_INDENT}{row.label:<{width}}  "
    origin = f"({row.origin})" if row.origin else ""
    value = row.after if row.before is None else f"{row.before} {style.displayable('→')} {row.after}"
    under, place = " " * len(lead), style.paint(origin, "dim")
    if style.fits(f"{lead}{value}  {origin}"):
        yield f"{lead}{value}{'  ' if origin else ''}{place}".rstrip()
    else:
        if row.before is None or style.fits(f"{lead}{value}"):
            yield f"{lead}{value}".rstrip()
        else:
            yield from (f"{lead}{row.before}".rstrip(), f"{under}{style.displayable('→')} {row.after}")
        if origin:
            yield under + place
    for line in row.below:  # after a bar, so that untrusted text never begins a line
        bar = style.displayable(f"│ {'  ' if line.sign == NOTE else ''}{line.sign}")
        drawn = f"{bar} {line.words}".rstrip()
        yield f"{_INDENT}  {style.paint(drawn, _ROLES[line.sign]) if line.sign in _ROLES else drawn}"


def _blocked_lines(blocked: Sequence[Blocked], style: Style) -> Iterator[str]:
    if not blocked:
        return
    yield style.paint(headings.blocked_heading(blocked), "blocked")
    for entry in blocked:
        origin = style.paint(f"({style.safe(entry.origin)})", "dim") if entry.origin else ""
        yield f"  {style.paint('!', 'blocked')} {style.paint(style.safe(entry.key), 'bold')}  {origin}".rstrip()
        yield from paragraph("", entry.reason, style)
        if entry.hint:
            yield from paragraph("hint: ", entry.hint, style)
        if entry.ids:
            yield f"{_INDENT}ids: {join_names(entry.ids, style)}"


def _paused_lines(paused: Sequence[PausedSchedule], style: Style) -> Iterator[str]:
    if not paused:
        return
    yield style.paint(headings.paused_heading(paused), "warning")
    shown = paused[:MAX_LISTED]
    remedy = merge_hints(each.hint for each in shown) if len(shown) > 1 else None
    for each in shown:
        reason = style.paint(f"({style.safe(each.reason)})", "dim") if each.reason else ""
        origin = style.paint(f"({style.safe(each.origin)})", "dim") if each.origin else ""
        named = (style.paint(style.safe(each.key), "bold"), style.quoted(each.title), style.safe(each.id), reason)
        parts = filter(None, (*named, origin if remedy else ""))
        yield f"  {style.paint('=', 'warning')} {'  '.join(parts)}"
        if not remedy:
            yield f"{_INDENT}to resume it: {style.safe(each.hint)}{origin and f'  {origin}'}"
    if len(paused) > MAX_LISTED:
        yield style.displayable(f"  … and {len(paused) - MAX_LISTED:,} more")
    if remedy:
        yield f"{_INDENT}to resume them: {style.safe(remedy)}"


def _undeclared_lines(undeclared: Sequence[UndeclaredSchedule], style: Style) -> Iterator[str]:
    if not undeclared:
        return
    yield style.paint(headings.undeclared_heading(undeclared), "warning")
    for schedule in undeclared[:MAX_LISTED]:
        notes = (None if schedule.is_firing else "paused", schedule.note and style.safe(schedule.note))
        note = ", ".join(filter(None, notes))
        line = f"  ? {style.quoted(schedule.title)}  {style.safe(schedule.id)}"
        yield f"{line}  {style.paint(f'({note})', 'dim')}" if note else line
    if len(undeclared) > MAX_LISTED:
        yield style.displayable(f"  … and {len(undeclared) - MAX_LISTED:,} more")


def warning_lines(warnings: Sequence[PlanWarning], style: Style) -> Iterator[str]:
    """Return the warnings."""
    if not warnings:
        return
    yield style.paint("Warnings", "warning")
    for warning in warnings:
        lead = f"{style.safe(warning.key)}: " if warning.key else ""
        yield from paragraph(f"! {lead}", warning.message, style, indent="  ")


def _refusal_lines(refusals: Sequence[GuardViolation], style: Style) -> Iterator[str]:
    for place, (heading, violations) in enumerate(headings.refusals_by_heading(refusals).items()):
        yield from ("",) if place else ()
        yield style.paint(heading, "refused")
        for refusal in violations:
            yield from paragraph(f"! {style.safe(refusal.guard)}: ", refusal.message, style, indent="  ")
            if refusal.names:
                yield f"{_INDENT}concerns: {join_names(refusal.names, style)}"
            yield from paragraph(f"{headings.remedy_label(refusal)}: ", refusal.override, style)


def paragraph(lead: str, text: str, style: Style, *, indent: str = _INDENT) -> Iterator[str]:
    """Return a text of one or more lines behind ``lead``; every line but the first stands behind a bar."""
    first, *others = style.safe_lines(text)
    yield f"{indent}{lead}{first}"
    bar = style.displayable("│")
    yield from (f"{_INDENT}{bar} {line}".rstrip() for line in others)


def _finding_lines(finding: Finding, style: Style, *, indent: str = _INDENT) -> Iterator[str]:
    lead = style.paint(f"{finding.severity}:", finding.severity)
    place = style.paint(f"({style.safe(finding.path)}:{finding.line})", "dim")
    yield f"{indent}{lead} {style.safe(finding.rule)}  {place}"
    yield from paragraph("  ", finding.message, style, indent=indent)
    if finding.hint:
        yield from paragraph("  hint: ", finding.hint, style, indent=indent)


def _other_finding_lines(findings: Sequence[Finding], changed: Collection[str | None], style: Style) -> Iterator[str]:
    """Return findings about no change: errors and those of the project; warnings about entries are counted."""
    others = [finding for finding in findings if finding.key is None or finding.key not in changed]
    listed = [finding for finding in others if finding.key is None or finding.severity is Severity.ERROR]
    if not others:
        return
    yield style.paint("Findings", "refused" if any(each.severity is Severity.ERROR for each in listed) else "warning")
    for finding in listed:
        yield from _finding_lines(finding, style, indent="  ")
    if len(others) > len(listed):
        more = counted(len(others) - len(listed), "warning")
        yield f"  {more} of entries without a change; `halo validate` lists {'it' if more == '1 warning' else 'them'}"


_LABEL: Final = 9


def plan_text(plan: Plan, style: Style, *, now: datetime | None = None, unchanged_state: str = "as declared") -> str:
    """Return the whole plan as text that ends in a newline, to be written once.

    ``now`` is an aware instant from which next fires are worked out; without it they are left out.
    ``unchanged_state`` is the state of the schedules without changes, in words.
    """
    calendar = Calendar(now, style).with_cost(plan.cost_per_month)
    agents = {agent.id: agent.name for agent in plan.agents}
    lines = [*header_lines(plan, style)]
    found = defaultdict(list)
    for finding in plan.findings:
        found[finding.key].append(finding)
    for change in plan.changes:
        lines += ["", _heading(change, style), *row_lines(change_rows(change, calendar, style, agents), style)]
        for finding in found[change.key] if change.key is not None else ():
            lines += _finding_lines(finding, style)
    for section in (
        _other_finding_lines(plan.findings, {change.key for change in plan.changes}, style),
        _blocked_lines(plan.blocked, style),
        _paused_lines(plan.paused, style),
        _undeclared_lines(plan.undeclared, style),
        warning_lines(plan.warnings, style),
        _refusal_lines(plan.refusals, style),
    ):
        first = next(section, None)
        if first is not None:
            lines += ["", first, *section]
    if calendar.is_incomplete:
        lines += ["", f"Next fires are shown for the first {MAX_CADENCES} cadences only."]
    lines += ["", *headings.attribution_counts(plan), headings.plan_counts(plan, style, unchanged_state), ""]
    return "\n".join(wrap_lines(lines, style))


def header_lines(plan: Plan, style: Style) -> Iterator[str]:
    """Return host, project and policy, each with the place that it comes from."""
    for row in headings.header_rows(plan, style):
        origin = f"  {style.paint(f'({row.origin})', 'dim')}" if row.origin else ""
        line = f"{row.label:<{_LABEL}}{row.after}{origin}"
        yield style.paint(line, "warning") if row.label == "SANDBOX" else line
