"""One page for the plans of several project files, which fits into one comment (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from halo_iac.model.apply_result import total_summary
from halo_iac.model.plan import combine_plans
from halo_iac.render.calendar import Calendar
from halo_iac.render.formats import ProjectPlan
from halo_iac.render.headings import plan_counts, run_counts
from halo_iac.render.markdown import parts, sections
from halo_iac.render.markdown.escape import code, message
from halo_iac.render.markdown.sections import MAX_SECTION_LENGTH, PageContext
from halo_iac.render.style import Style
from halo_iac.text import counted

_SECTIONS = 8
"""How many sections a plan has at most; they share what a file may take."""


def plans_markdown(plans: Sequence[ProjectPlan], style: Style, *, marker: str, now: datetime | None = None) -> str:
    """Return the plans of several project files as one page, with the outcomes of those that were carried out.

    One summary names the file of each change. The files with anything to show share the room of the page;
    the others are listed, and what was left out is counted.
    """
    style = style.without_colour()
    calendar = Calendar(now, style)
    ran = [each.outcome.summary for each in plans if each.outcome is not None]
    run = total_summary(ran) if ran else None
    total = combine_plans([each.shown for each in plans])
    head = [marker, parts.heading(total, run, len(plans))]
    tail = [message(plan_counts(total, style), style), run_counts(run) if run else ""]
    contexts = [parts.page_context(each.shown, calendar, each.styled(style), each.shown.file) for each in plans]
    room = parts.MAX_PAGE_LENGTH - len(style.displayable(parts.joined([*head, *tail]))) - parts.NOTES_LENGTH
    changes = [(context, each.shown.changes) for context, each in zip(contexts, plans, strict=True)]
    table = parts.summary_table(changes, room // 3)
    files = _files(plans, contexts, room - len(table))
    return parts.page([*head, table, files, *tail], style)


def _files(plans: Sequence[ProjectPlan], contexts: Sequence[PageContext], room: int) -> str:
    unchanged = [each.shown for each in plans if not _has_content(each)]
    lines = (f"- {code(plan.file, contexts[0].style)}: {plan_counts(plan, contexts[0].style)}" for plan in unchanged)
    listed = sections.section("No changes", lines, len(unchanged), room=min(MAX_SECTION_LENGTH, room // 4))
    room -= len(listed) + 2
    shown = [(each, context) for each, context in zip(plans, contexts, strict=True) if _has_content(each)]
    drawn: list[str] = []
    for number, (each, context) in enumerate(shown):
        part = context.style.displayable(_file(each, context, room // (len(shown) - number)))
        room -= len(part) + 2
        if room < 0:
            drawn.append(f"… and {counted(len(shown) - number, 'more project file')}; the JSON document has them all.")
            break
        drawn.append(part)
    return parts.joined([*drawn, listed])


def _has_content(each: ProjectPlan) -> bool:
    plan = each.shown
    notes = (plan.changes, plan.blocked, plan.undeclared, plan.warnings, plan.refusals, plan.paused, plan.findings)
    return each.outcome is not None or any(notes)


def _file(each: ProjectPlan, context: PageContext, room: int) -> str:
    """Return the part of one project file, cut to a number of characters."""
    plan, outcome, style = each.shown, each.outcome, context.style
    # The header does not repeat the name that stands above it.
    above, below = parts.plan_sections(
        replace(plan, file=""), outcome, style, min(MAX_SECTION_LENGTH, room // _SECTIONS)
    )
    above = [f"### {code(plan.file, style)}", *above]
    left = room - len(style.displayable(parts.joined([*above, *below]))) - parts.NOTES_LENGTH
    return parts.joined([*above, parts.change_blocks(plan.changes, context, left), *below])
