"""Results as a page of markdown, for a comment on a pull request (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halo_iac.errors import HaloError, Problem, ProjectError, ProjectNotFound
from halo_iac.model.apply_result import ApplyOutcome
from halo_iac.model.drift import Drift
from halo_iac.model.finding import Finding
from halo_iac.model.plan import Plan
from halo_iac.render.calendar import Calendar
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.markdown import parts, sections
from halo_iac.render.markdown.drift import drift_markdown, drifts_markdown
from halo_iac.render.markdown.escape import comment_marker, message, prose
from halo_iac.render.markdown.several import plans_markdown
from halo_iac.render.values import problem_counts
from halo_iac.text import counted


class MarkdownView:
    """Draws pages that begin with the same line for each run of one project file, project and host.

    A page of a plan is at most 65,000 characters long: the blocks of changes lose their prompts and then give way, the
    last first, and what was left out is counted.
    """

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style.without_colour()
        self._now = context.now
        self._marker = comment_marker(*context.identity())

    def plan(self, planned: Plan, shown: Plan) -> str:  # noqa: ARG002 - a page is for people
        """Return the plan with what depends on the clock."""
        return self.applied(shown, None)

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Return the plan; after an apply, with its outcome and the next commands above the changes."""
        style, run = self._style, None if outcome is None else outcome.summary
        context = parts.page_context(planned, Calendar(self._now, style), style)
        above, below = parts.plan_sections(planned, outcome, style)
        above = [self._marker, parts.heading(planned, run), *above]
        room = parts.MAX_PAGE_LENGTH - len(style.displayable(parts.joined([*above, *below]))) - parts.NOTES_LENGTH
        table = parts.summary_table([(context, planned.changes)], room // 2)
        blocks = parts.change_blocks(planned.changes, context, room - len(table))
        return parts.page([*above, table, blocks, *below], style)

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans of all project files, and the outcomes of those that were applied, on one page."""
        return plans_markdown(plans, self._style, marker=self._marker, now=self._now)

    all_applied = plans

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Return the problems and the findings, and the conclusion about files without problems."""
        checked = f"**Checked** {prose(conclusion, self._style)}" if conclusion else ""
        return self._page(problem_counts(problems, findings), self._problems(problems, findings, checked))

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Return the problems and the findings of all project files, and which files are valid, on one page."""
        problems = [problem for check in checks for problem in check.problems]
        findings = [finding for check in checks for finding in check.findings]
        valid = [f"- {prose(check.conclusion, self._style)}" for check in checks if check.conclusion]
        checked = sections.section("Checked", valid, len(valid))
        heading = f"{counted(len(checks), 'project file')}: {problem_counts(problems, findings)}"
        return self._page(heading, self._problems(problems, findings, checked))

    def drift(self, drift: Drift) -> str:
        """Return how the platform and the files differ."""
        return drift_markdown(drift, self._style, marker=self._marker)

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Return the drift of all project files on one page."""
        return drifts_markdown(found, self._style, marker=self._marker)

    def error(self, error: HaloError) -> str:
        """Return an error: the problems of project files, or what happened and what to do."""
        if isinstance(error, ProjectError) and not isinstance(error, ProjectNotFound):
            return self.problems(error.problems, (), "")
        hint = f"**Hint**: {message(error.hint, self._style)}" if error.hint else ""
        return self._page("failed", [f"**Error**: {message(error.message, self._style)}", hint])

    def _page(self, heading: str, content: Iterable[str]) -> str:
        return parts.page([self._marker, f"### halo · {heading}", *content], self._style)

    def _problems(self, problems: Sequence[Problem], findings: Sequence[Finding], checked: str) -> list[str]:
        return [sections.problems(problems, self._style), sections.findings(findings, self._style), checked]
