"""Whole pages of markdown: a plan, its outcome, problems; each fits into one comment (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from halo_iac.errors import HaloError, Problem, ProjectError, ProjectNotFound
from halo_iac.model.apply_result import DEFAULT_COMMANDS, NextCommands, Summary
from halo_iac.model.finding import Finding
from halo_iac.model.plan import Plan
from halo_iac.render.calendar import Calendar
from halo_iac.render.formats import ProjectCheck
from halo_iac.render.markdown import parts
from halo_iac.render.markdown import sections as asides
from halo_iac.render.markdown.escape import message, words
from halo_iac.render.style import Style
from halo_iac.render.values import problem_counts
from halo_iac.text import counted


def plan_markdown(
    plan: Plan,
    style: Style,
    *,
    marker: str,
    now: datetime | None = None,
    summary: Summary | None = None,
    commands: NextCommands = DEFAULT_COMMANDS,
) -> str:
    """Return a plan as a page; after an apply, with its outcome and the next commands.

    The page is at most 65,000 characters long: blocks lose their prompts and then give way, the last first, and what
    was left out is counted.
    """
    style = style.unpainted()
    context = parts.page_context(plan, Calendar(now, style), style)
    head = [marker, parts.heading(plan, summary), parts.header(plan, style)]
    if summary is not None:
        head += [asides.not_done(summary, style), asides.next_lines(summary, commands, style)]
    head += [*asides.refused(plan.refusals, style), asides.blocked(plan.blocked, style)]
    tail = [
        asides.paused(plan.paused, style),
        asides.undeclared(plan.undeclared, style),
        asides.warnings(plan.warnings, style),
        asides.findings(parts.findings_apart(plan), style),
        *parts.last_lines(plan, summary, style),
    ]
    room = parts.LIMIT - len(style.displayable(parts.joined([*head, *tail]))) - parts.NOTES
    table = parts.summary_table([(context, plan.changes)], room // 2)
    blocks = parts.change_blocks(plan.changes, context, room - len(table))
    return parts.page([*head, table, blocks, *tail], style)


def problems_markdown(
    problems: Sequence[Problem], style: Style, *, marker: str, findings: Sequence[Finding] = (), conclusion: str = ""
) -> str:
    """Return problems and findings as a page; ``conclusion`` if there are none."""
    heading = f"### halo · {problem_counts(problems, findings)}"
    listed = (asides.problems(problems, style), asides.findings(findings, style))
    checked = f"**Checked** {words(conclusion, style)}" if conclusion else ""
    return parts.page([marker, heading, *listed, checked], style)


def checks_markdown(checks: Sequence[ProjectCheck], style: Style, *, marker: str) -> str:
    """Return the problems and findings of several project files, and which files are valid, as one page."""
    problems = [problem for check in checks for problem in check.problems]
    findings = [finding for check in checks for finding in check.findings]
    sound = [check.conclusion for check in checks if check.conclusion]
    return parts.page(
        [
            marker,
            f"### halo · {counted(len(checks), 'project file')}: {problem_counts(problems, findings)}",
            asides.problems(problems, style),
            asides.findings(findings, style),
            asides.section("Checked", (f"- {words(conclusion, style)}" for conclusion in sound), len(sound)),
        ],
        style,
    )


def error_markdown(error: HaloError, style: Style, *, marker: str) -> str:
    """Return an error as a page: the problems of project files, or what happened and what to do."""
    if isinstance(error, ProjectError) and not isinstance(error, ProjectNotFound):
        return problems_markdown(error.problems, style, marker=marker)
    conclusion = f"**Error**: {message(error.message, style)}"
    hint = f"**Hint**: {message(error.hint, style)}" if error.hint else ""
    return parts.page([marker, "### halo · failed", conclusion, hint], style)
