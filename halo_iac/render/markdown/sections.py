"""The sections of a plan beside its changes, in markdown; entries that do not fit are counted.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from halo_iac.errors import Problem
from halo_iac.hints import merge_hints
from halo_iac.model.apply_result import Event, NextCommands, Summary
from halo_iac.model.finding import Finding
from halo_iac.model.plan import Action, Blocked, Change, GuardViolation, PausedSchedule, PlanWarning, UndeclaredSchedule
from halo_iac.model.schedule import FIELDS
from halo_iac.render import headings
from halo_iac.render.calendar import Calendar
from halo_iac.render.markdown.escape import code, fence, html_code, html_prose, message, prose
from halo_iac.render.rows import ATTRIBUTIONS, Row, change_rows, format_monthly_cost, monthly_runs, summary_rows
from halo_iac.render.strips import Strips
from halo_iac.render.style import SIGNS, Style
from halo_iac.render.values import MAX_LISTED, format_change
from halo_iac.text import counted, list_first

_HEADERS: Final = ("", "change", "schedule", "title", "what changes", "runs a month")


@dataclass(frozen=True, slots=True)
class PageContext:
    """The values that all changes of a plan are drawn with; ``findings`` has findings by the key of their entry.

    ``file`` is the project file, on a page about several.
    """

    calendar: Calendar
    style: Style
    agents: Mapping[str, str]
    strips: Strips
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    has_base: bool = False
    file: str = ""

    def findings_about(self, change: Change) -> Sequence[Finding]:
        """Return the findings about a change's entry."""
        return self.findings.get(change.key, ()) if change.key else ()


def summary_head(context: PageContext) -> str:
    """Return the head of the summary's table."""
    headers = (*(("file",) if context.file else ()), *_HEADERS, *(("whose",) if context.has_base else ()))
    return table_head(headers)


def summary_row(change: Change, context: PageContext) -> str:
    """Return a change as a row of the summary."""
    style = context.style
    short = ", ".join(_row_text(row, style) for row in summary_rows(change, context.calendar, style, context.agents))
    found = len(context.findings_about(change))
    row = (
        *((code(context.file, style),) if context.file else ()),
        f"`{SIGNS[change.action]}`",
        change.action,
        code(change.key or change.id or "", style),
        prose(change.title, style),
        f"{short}<br>**{counted(found, 'finding')}**" if found else short,
        _runs(change, context.calendar, style),
        *((ATTRIBUTIONS[change.share] if change.share else "",) if context.has_base else ()),
    )
    return table_line(row)


def _runs(change: Change, calendar: Calendar, style: Style) -> str:
    before, after = monthly_runs(change, calendar)
    runs, fee = format_change(before, after, style), calendar.cost_per_run
    return (
        runs if fee is None or before == after else f"{runs}<br>cost {format_monthly_cost(before, after, fee, style)}"
    )


class Block(NamedTuple):
    """A block that unfolds, in parts; ``prompts`` may be left out."""

    top: str
    prompts: str
    bottom: str

    @property
    def collapsed(self) -> str:
        """Return the block without its prompts."""
        return f"{self.top}\n\n{self.bottom}"

    @property
    def full(self) -> str:
        """Return the block with its prompts."""
        return f"{self.top}\n\n{self.prompts}\n\n{self.bottom}" if self.prompts else self.collapsed


def change_block(change: Change, context: PageContext) -> Block:
    """Return the block of a change."""
    style = context.style
    rows = change_rows(change, context.calendar, style, context.agents)
    headers = ("field", "before → after" if change.before else "value", "from")
    block = rows_block(_summary(change, style), headers, (change.id,) if change.id else (), rows, style)
    block = block._replace(prompts="\n\n".join(filter(None, (_calendar(change, context), block.prompts))))
    findings = "\n".join(_finding_line(finding, style) for finding in context.findings_about(change))
    return block._replace(bottom=style.displayable(f"{findings}\n\n{block.bottom}")) if findings else block


def _calendar(change: Change, context: PageContext) -> str:
    """Return the strips of a schedule that is new, or whose days or look-back change."""
    if change.after is None or change.action is Action.ARCHIVE:
        return ""
    before = change.before if change.action is Action.UPDATE else None
    after = change.after if change.before is None else change.after.filled_from(change.before)
    drawn = [
        (name, context.strips.draw(spec)) for name, spec in (("before", before), ("after", after)) if spec is not None
    ]
    if len({strips for _, strips in drawn}) < len(drawn):
        return ""  # it comes to fire at another time of the same days
    width = len("before") if before is not None else 0
    lines = [
        f"{name if before is not None else '':<{width}} {label:<5} {strip}".lstrip()
        for name, strips in drawn
        if strips is not None
        for label, strip in zip(("runs", "reads"), strips, strict=True)
    ]
    return "\n".join(["```text", *lines, "```"]) if lines else ""


def rows_block(summary: str, headers: Sequence[str], ids: Sequence[str], rows: Sequence[Row], style: Style) -> Block:
    """Return rows as a table, and the lines of their prompts, below a summary that unfolds them."""
    table = [table_head(headers), *(table_line(("id", code(id_, style), "")) for id_ in ids)]
    table += [table_line((_label(row, style), _value(row, style), prose(row.origin, style))) for row in rows]
    prompts = "\n\n".join(fence(row.below) for row in rows if row.below)
    top = "\n".join([f"<details><summary>{summary}</summary>", "", *table])
    return Block(style.displayable(top), style.displayable(prompts), "</details>")


def _finding_line(finding: Finding, style: Style) -> str:
    """Return a finding as a line of a list."""
    hint = f" ({message(finding.hint, style)})" if finding.hint else ""
    place = code(f"{finding.path}:{finding.line}", style)
    return f"- **{finding.severity}** {code(finding.rule, style)} {place}: {message(finding.message, style)}{hint}"


def _summary(change: Change, style: Style) -> str:
    old = change.before.title if change.before else change.title
    name = f" <b>{html_code(change.key, style)}</b>" if change.key else ""
    verb = f"{html_code(SIGNS[change.action], style)} {change.action}"
    return f"{verb}{name} {html_prose(old, style)}"


def _row_text(row: Row, style: Style) -> str:
    return f"{_label(row, style)} {_value(row, style)}".strip()


def _label(row: Row, style: Style) -> str:
    return row.label if row.label in FIELDS else prose(row.label, style)


def _value(row: Row, style: Style) -> str:
    """Return a row's value, or both values; values of files and of the platform are code, our words are prose."""
    drawn = code if row.label in FIELDS and row.label != "prompt" else message
    before = "" if row.before is None else f"{drawn(row.before, style)} → "
    return f"{before}{drawn(row.after, style)}"


def table_head(headers: Sequence[str]) -> str:
    """Return the two lines above the rows of a table."""
    return f"{table_line(headers)}\n{table_line(['---'] * len(headers))}"


def table_line(texts: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(texts)} |"


MAX_SECTION_LENGTH: Final = 4_500
"""Characters that one section may take, so that together they leave room for the changes."""


def section(heading: str, lines: Iterable[str], count: int, *, room: int = MAX_SECTION_LENGTH) -> str:
    """Return a heading and as many lines of a list as fit; of ``count`` lines the others are counted.

    Empty if ``count`` is 0.
    """
    if not count:
        return ""
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    if count > len(shown):
        shown.append(f"- … and {count - len(shown):,} more")
    return "\n".join([f"#### {heading}", "", *shown])


def refused(refusals: Sequence[GuardViolation], style: Style, room: int = MAX_SECTION_LENGTH) -> Iterator[str]:
    """Yield the refusals of the plan, then its withheld changes, each with the option that permits it."""
    for heading, found in reversed(headings.refusals_by_heading(refusals).items()):
        yield section(heading, (_refusal_line(each, style) for each in found), len(found), room=room)


def _refusal_line(refusal: GuardViolation, style: Style) -> str:
    concerns = f"<br>concerns: {_listed(refusal.names, style)}" if refusal.names else ""
    drawn = code if refusal.override.startswith("--") else message  # an option is there to be copied whole
    remedy = f"<br>{headings.remedy_label(refusal)}: {drawn(refusal.override, style)}"
    return f"- **{code(refusal.guard, style)}**: {message(refusal.message, style)}{concerns}{remedy}"


def blocked(entries: Sequence[Blocked], style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the blocked entries."""
    lines = (_blocked_line(entry, style) for entry in entries)
    return section(headings.blocked_heading(entries), lines, len(entries), room=room)


def _blocked_line(entry: Blocked, style: Style) -> str:
    origin = f" ({code(entry.origin, style)})" if entry.origin else ""
    hint = f"<br>hint: {message(entry.hint, style)}" if entry.hint else ""
    ids = f"<br>ids: {_listed(entry.ids, style)}" if entry.ids else ""
    return f"- **{code(entry.key, style)}**{origin}: {message(entry.reason, style)}{hint}{ids}"


def paused(schedules: Sequence[PausedSchedule], style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the declared schedules that stay paused, each with the command that resumes it."""
    if not schedules:
        return ""
    remedy = merge_hints(each.hint for each in schedules) if len(schedules) > 1 else None
    lines = (_paused_line(each, style, has_hint=not remedy) for each in schedules)
    listed = section(headings.paused_heading(schedules), lines, len(schedules), room=room)
    return f"{listed}\n\nTo resume them: {message(remedy, style)}" if remedy else listed


def _paused_line(schedule: PausedSchedule, style: Style, *, has_hint: bool) -> str:
    origin = f" ({code(schedule.origin, style)})" if schedule.origin else ""
    reason = f", {prose(schedule.reason, style)}" if schedule.reason else ""
    named = f"**{code(schedule.key, style)}** {prose(schedule.title, style)} {code(schedule.id, style)}"
    hint = f"<br>to resume it: {message(schedule.hint, style)}" if has_hint else ""
    return f"- {named}{reason}{origin}{hint}"


def undeclared(schedules: Sequence[UndeclaredSchedule], style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the schedules in scope that no file declares."""
    lines = (_undeclared_line(each, style) for each in schedules[:MAX_LISTED])
    return section(headings.undeclared_heading(schedules), lines, len(schedules), room=room)


def _undeclared_line(schedule: UndeclaredSchedule, style: Style) -> str:
    notes = (None if schedule.is_firing else "paused", schedule.note and message(schedule.note, style))
    note = ", ".join(filter(None, notes))
    return f"- {code(schedule.id, style)} {prose(schedule.title, style)}" + (f" ({note})" if note else "")


def warnings(found: Sequence[PlanWarning], style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the warnings."""
    lines = (f"- {code(each.key, style) if each.key else 'Project'}: {message(each.message, style)}" for each in found)
    return section("Warnings", lines, len(found), room=room)


def findings(found: Sequence[Finding], style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the findings that belong to no change."""
    return section("Findings", (_finding_line(each, style) for each in found), len(found), room=room)


def problems(found: Sequence[Problem], style: Style) -> str:
    """Return the problems of project files, each with its position."""
    return section("Problems", (_problem_line(each, style) for each in found), len(found), room=13 * MAX_SECTION_LENGTH)


def _problem_line(problem: Problem, style: Style) -> str:
    hint = f" ({message(problem.hint, style)})" if problem.hint else ""
    return f"- {code(problem.position, style)}: {message(problem.message, style)}{hint}"


def not_done(summary: Summary, style: Style, room: int = MAX_SECTION_LENGTH) -> str:
    """Return the changes of a run that did not succeed, and why."""
    events = [event for event in summary.events if not event.status.is_success]
    return section("What was not done", (_event_line(event, style) for event in events), len(events), room=room)


def _event_line(event: Event, style: Style) -> str:
    change = event.change
    id_ = event.id or change.id
    named = f"{code(change.key or change.title, style)}{f' {code(id_, style)}' if id_ else ''}"
    reason = f": {message(event.message, style)}" if event.message else ""
    hint = f"<br>hint: {message(event.hint, style)}" if event.hint else ""
    return f"- **{event.status}** {change.action} {named}{reason}{hint}"


def next_lines(summary: Summary, commands: NextCommands, style: Style) -> str:
    """Return the next commands; empty if everything succeeded."""
    steps = [f"- {message(step, style)}" for step in headings.next_steps(summary, commands)]
    return "\n".join(["#### What to do next", "", *steps]) if steps else ""


def _listed(names: Sequence[str], style: Style) -> str:
    return list_first((code(name, style) for name in names), len(names), MAX_LISTED)
