"""Whole pages of markdown: a plan, what came of it, problems; each fits into one comment (docs/cli.md#formats)."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from halo_iac.errors import HaloError, Problem, ProjectError, ProjectNotFound
from halo_iac.model.apply_result import HERE, NextCommands, Summary
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import Action, Change, Plan
from halo_iac.render.calendar import CADENCES, Calendar
from halo_iac.render.headings import attribution_counts, header_rows, plan_counts, run_counts
from halo_iac.render.markdown import sections as asides
from halo_iac.render.markdown.escape import message, words
from halo_iac.render.markdown.sections import Block, PageContext, change_block, table_head, table_row
from halo_iac.render.style import Style
from halo_iac.render.values import problem_counts
from halo_iac.render.view import ProjectCheck
from halo_iac.text import counted

LIMIT: Final = 65_000
"""Characters of a page at most; GitHub takes comments of 65,536."""
_NOTES: Final = 500
"""Characters kept for the notes on what was left out."""


def plan_markdown(
    plan: Plan,
    style: Style,
    *,
    marker: str,
    now: datetime | None = None,
    summary: Summary | None = None,
    commands: NextCommands = HERE,
) -> str:
    """Return a plan as a page, with what came of it where it was carried out, and the commands that go on from there.

    The page is at most :data:`LIMIT` characters long: blocks lose their prompts and then give way, the last first, and
    what was left out is counted.
    """
    style = style.unpainted()
    scene = _scene(plan, style, now)
    head = [marker, _heading(plan, summary), _header(plan, style)]
    if summary is not None:
        head += [asides.not_done(summary, style), asides.next_lines(summary, commands, style)]
    head += [*asides.refused(plan.refusals, style), asides.blocked(plan.blocked, style)]
    tail = [
        asides.paused(plan.paused, style),
        asides.undeclared(plan.undeclared, style),
        asides.warnings(plan.warnings, style),
        asides.findings(_fits_comment(plan), style),
        *_last_lines(plan, summary, style),
    ]
    room = LIMIT - len(style.own(_joined([*head, *tail]))) - _NOTES
    table = _table(plan.changes, scene, room // 2)
    blocks = _blocks(plan.changes, scene, room - len(table))
    return _page([*head, table, blocks, *tail], style)


def problems_markdown(
    problems: Sequence[Problem], style: Style, *, marker: str, findings: Sequence[Finding] = (), told: str = ""
) -> str:
    """Return what is wrong with project files, and what is odd about them, as a page; ``told`` where there is none."""
    heading = f"### halo · {problem_counts(problems, findings)}"
    listed = (asides.problems(problems, style), asides.findings(findings, style))
    checked = f"**Checked** {words(told, style)}" if told else ""
    return _page([marker, heading, *listed, checked], style)


def checks_markdown(checks: Sequence[ProjectCheck], style: Style, *, marker: str) -> str:
    """Return what is wrong with several project files, what is odd about them, and which are fine, as one page."""
    problems = [problem for check in checks for problem in check.problems]
    findings = [finding for check in checks for finding in check.findings]
    sound = [check.told for check in checks if check.told]
    return _page(
        [
            marker,
            f"### halo · {counted(len(checks), 'project file')}: {problem_counts(problems, findings)}",
            asides.problems(problems, style),
            asides.findings(findings, style),
            asides.section("Checked", (f"- {words(told, style)}" for told in sound), len(sound)),
        ],
        style,
    )


def error_markdown(error: HaloError, style: Style, *, marker: str) -> str:
    """Return an error as a page: the problems of project files, or what happened and what to do."""
    if isinstance(error, ProjectError) and not isinstance(error, ProjectNotFound):
        return problems_markdown(error.problems, style, marker=marker)
    told = f"**Error**: {message(error.message, style)}"
    hint = f"**Hint**: {message(error.hint, style)}" if error.hint else ""
    return _page([marker, "### halo · failed", told, hint], style)


# Parts of a page ----------------------------------------------------------------------------------------------------


def _scene(plan: Plan, style: Style, now: datetime | None) -> PageContext:
    beside: dict[str, list[Finding]] = {}
    for finding in plan.findings:
        beside.setdefault(finding.key or "", []).append(finding)
    agents = {agent.id: agent.name for agent in plan.agents}
    return PageContext(Calendar(now, style), style, agents, beside, has_base=plan.base is not None)


def _fits_comment(plan: Plan) -> list[Finding]:
    changed = {change.key for change in plan.changes}
    return [finding for finding in plan.findings if not finding.key or finding.key not in changed]


def _heading(plan: Plan, summary: Summary | None) -> str:
    """Return what a reader has to know first: refusals and blocked entries before what would be done."""
    numbers = Counter(change.action for change in plan.changes)
    if summary is None:
        deeds = ", ".join(f"{numbers[action]:,} to {action}" for action in Action if numbers[action]) or "no changes"
    else:
        deeds = run_counts(summary).rstrip(".")
    errors = sum(finding.severity is Severity.ERROR for finding in plan.findings)
    parts = (
        "halo plan" if summary is None else "halo apply",
        "SANDBOX" if plan.host.is_sandbox else "",
        "REFUSED" if plan.blocking_violations else "",
        "INTERRUPTED" if summary is not None and summary.is_interrupted else "",
        f"{len(plan.blocked):,} blocked" if plan.blocked else "",
        counted(errors, "error") if errors else "",
        deeds,
        f"{len(plan.paused):,} paused" if plan.paused else "",
    )
    return f"### {' · '.join(filter(None, parts))}"


def _header(plan: Plan, style: Style) -> str:
    lines = [
        f"**{row.label}** {words(row.after, style)}" + (f" ({message(row.origin, style)})" if row.origin else "")
        for row in header_rows(plan, style)
    ]
    return "<br>\n".join(lines)


def _table(changes: Sequence[Change], scene: PageContext, room: int) -> str:
    """Return the summary of the changes, a row each while there is room."""
    if not changes:
        return ""
    rows = [table_head(scene)]
    for index, change in enumerate(changes):
        row = scene.style.own(table_row(change, scene))
        room -= len(row) + 1
        if room < 0:
            rows += ["", f"… and {_counted(changes[index:])}; the JSON document has them all."]
            break
        rows.append(row)
    return "\n".join(rows)


def _blocks(changes: Sequence[Change], scene: PageContext, room: int) -> str:
    """Return the blocks of as many changes as there is room for, and then of their prompts what still fits."""
    blocks: list[Block] = []
    for change in changes:
        block = change_block(change, scene)
        room -= len(block.short) + 2
        if room < 0:
            break
        blocks.append(block)
    shown: list[str] = []
    for block in blocks:
        gain = len(block.whole) - len(block.short)
        shown.append(block.whole if gain <= room else block.short)
        room -= gain if gain <= room else 0
    without = sum(map(operator.ne, shown, (block.whole for block in blocks)))
    return _joined([*shown, *_omitted_note(changes[len(blocks) :], without, scene.calendar)])


def _omitted_note(dropped: Sequence[Change], without: int, calendar: Calendar) -> Iterator[str]:
    if without:
        yield f"The prompts of {counted(without, 'change')} above are left out; the JSON document has them all."
    if dropped:
        yield f"… and the details of {_counted(dropped)}; the JSON document has them all."
    if calendar.has_left_out:
        yield f"Next fires are shown for the first {CADENCES} cadences only."


def _counted(changes: Sequence[Change]) -> str:
    numbers = Counter(change.action for change in changes)
    deeds = ", ".join(f"{numbers[action]:,} to {action}" for action in Action if numbers[action])
    return f"{counted(len(changes), 'more change')} ({deeds})"


def _last_lines(plan: Plan, summary: Summary | None, style: Style) -> list[str]:
    ended = [run_counts(summary)] if summary is not None else []
    return [*attribution_counts(plan), message(plan_counts(plan, style), style), *ended]


def _page(parts: Iterable[str], style: Style) -> str:
    return style.own(f"{_joined(parts)}\n")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts))
