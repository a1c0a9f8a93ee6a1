"""The parts of markdown pages: their headings, the summary of the changes, and a block for each."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from halo_iac.model.apply_result import ApplyOutcome, Summary
from halo_iac.model.finding import Finding, errors
from halo_iac.model.plan import Action, Change, Plan
from halo_iac.render.calendar import MAX_CADENCES, Calendar
from halo_iac.render.headings import attribution_counts, header_rows, plan_counts, run_counts
from halo_iac.render.markdown import sections
from halo_iac.render.markdown.escape import message, prose
from halo_iac.render.markdown.sections import MAX_SECTION_LENGTH, Block, PageContext
from halo_iac.render.strips import Strips, legend
from halo_iac.render.style import Style
from halo_iac.text import counted

MAX_PAGE_LENGTH: Final = 65_000
"""The most characters of a page; GitHub accepts comments of 65,536."""
NOTES_LENGTH: Final = 500
"""Characters kept for the notes on what was left out."""


def page_context(plan: Plan, calendar: Calendar, style: Style, file: str = "") -> PageContext:
    """Return the context in which a plan's changes are drawn; ``file`` is its project file on a page about several."""
    by_entry: dict[str, list[Finding]] = {}
    for finding in plan.findings:
        by_entry.setdefault(finding.key or "", []).append(finding)
    agents = {agent.id: agent.name for agent in plan.agents}
    return PageContext(
        calendar.with_cost(plan.cost_per_month),
        style,
        agents,
        Strips(calendar.now, style),
        by_entry,
        has_base=plan.base is not None,
        file=file,
    )


def heading(plan: Plan, summary: Summary | None, files: int = 0) -> str:
    """Return the heading: refusals and blocked entries come before the changes."""
    counts = run_counts(summary).rstrip(".") if summary is not None else _action_counts(plan.changes) or "no changes"
    failing = len(errors(plan.findings))
    parts = (
        "halo plan" if summary is None else "halo apply",
        counted(files, "project file") if files else "",
        "SANDBOX" if plan.host.is_sandbox else "",
        "REFUSED" if plan.blocking_violations else "",
        "INTERRUPTED" if summary is not None and summary.is_interrupted else "",
        f"{len(plan.blocked):,} blocked" if plan.blocked else "",
        counted(failing, "error") if failing else "",
        counts,
        f"{len(plan.paused):,} paused" if plan.paused else "",
    )
    return f"### {' · '.join(filter(None, parts))}"


def plan_sections(
    plan: Plan, outcome: ApplyOutcome | None, style: Style, room: int = MAX_SECTION_LENGTH
) -> tuple[list[str], list[str]]:
    """Return the sections of a plan and its outcome that stand above the changes, and those that stand below them.

    ``room`` is the number of characters that each may take.
    """
    above, below = [header(plan, style)], [*attribution_counts(plan), message(plan_counts(plan, style), style)]
    if outcome is not None:
        above.append(sections.not_done(outcome.summary, style, room))
        above.append(sections.next_lines(outcome.summary, outcome.commands, style))
        below.append(run_counts(outcome.summary))
    changed = {change.key for change in plan.changes}
    others = [finding for finding in plan.findings if not finding.key or finding.key not in changed]
    return [*above, *sections.refused(plan.refusals, style, room), sections.blocked(plan.blocked, style, room)], [
        sections.paused(plan.paused, style, room),
        sections.undeclared(plan.undeclared, style, room),
        sections.warnings(plan.warnings, style, room),
        sections.findings(others, style, room),
        *below,
    ]


def header(plan: Plan, style: Style) -> str:
    """Return the target and the policy of a plan."""
    lines = [
        f"**{row.label}** {prose(row.after, style)}" + (f" ({message(row.origin, style)})" if row.origin else "")
        for row in header_rows(plan, style)
    ]
    return "<br>\n".join(lines)


def summary_table(plans: Sequence[tuple[PageContext, Sequence[Change]]], room: int) -> str:
    """Return the summary of the changes of all plans, a row each while there is room."""
    changes = [change for _, each in plans for change in each]
    if not changes:
        return ""
    rows = [sections.summary_head(plans[0][0])]
    for index, (context, change) in enumerate((context, change) for context, each in plans for change in each):
        row = context.style.displayable(sections.summary_row(change, context))
        room -= len(row) + 1
        if room < 0:
            rows += ["", f"… and {_more_changes(changes[index:])}; the JSON document has them all."]
            break
        rows.append(row)
    return "\n".join(rows)


def change_blocks(changes: Sequence[Change], context: PageContext, room: int) -> str:
    """Return the blocks of as many changes as fit, then as many of their prompts as still fit."""
    blocks: list[Block] = []
    for change in changes:
        block = sections.change_block(change, context)
        room -= len(block.collapsed) + 2
        if room < 0:
            break
        blocks.append(block)
    shown: list[str] = []
    for block in blocks:
        gain = len(block.full) - len(block.collapsed)
        shown.append(block.full if gain <= room else block.collapsed)
        room -= gain if gain <= room else 0
    without = sum(map(operator.ne, shown, (block.full for block in blocks)))
    notes = [message(legend(context.style), context.style)] if any("```text" in block for block in shown) else []
    return joined([*shown, *notes, *_omitted_note(changes[len(blocks) :], without, context.calendar)])


def _omitted_note(dropped: Sequence[Change], without: int, calendar: Calendar) -> Iterator[str]:
    if without:
        whose = counted(without, "change")
        yield f"Calendars and prompts of {whose} above are left out; the JSON document has them all."
    if dropped:
        yield f"… and the details of {_more_changes(dropped)}; the JSON document has them all."
    if calendar.is_incomplete:
        yield f"Next fires are shown for the first {MAX_CADENCES} cadences only."


def _more_changes(changes: Sequence[Change]) -> str:
    """Return how many changes are left out, and which."""
    return f"{counted(len(changes), 'more change')} ({_action_counts(changes)})"


def _action_counts(changes: Sequence[Change]) -> str:
    numbers = Counter(change.action for change in changes)
    return ", ".join(f"{numbers[action]:,} to {action}" for action in Action if numbers[action])


def page(parts: Iterable[str], style: Style) -> str:
    """Return a whole page."""
    return style.displayable(f"{joined(parts)}\n")


def joined(parts: Iterable[str]) -> str:
    """Return the parts that are not empty, with a blank line between them."""
    return "\n\n".join(filter(None, parts))
