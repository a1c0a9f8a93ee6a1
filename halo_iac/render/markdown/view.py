"""Results as a page of markdown, for a comment on a pull request (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Sequence

from halo_iac.errors import HaloError, Problem
from halo_iac.model.apply_result import ApplyOutcome
from halo_iac.model.drift import Drift
from halo_iac.model.finding import Finding
from halo_iac.model.plan import Plan
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.markdown.drift import drift_markdown, drifts_markdown
from halo_iac.render.markdown.escape import comment_marker
from halo_iac.render.markdown.page import checks_markdown, error_markdown, plan_markdown, problems_markdown
from halo_iac.render.markdown.several import plans_markdown


class MarkdownView:
    """Draws pages that begin with the same line for each run of one project file, project and host."""

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style
        self._now = context.now
        self._marker = comment_marker(*context.identity())

    def plan(self, planned: Plan, shown: Plan) -> str:  # noqa: ARG002 - a page is for people
        """Return the plan with what depends on the clock."""
        return plan_markdown(shown, self._style, marker=self._marker, now=self._now)

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Return the plan, and its outcome above it."""
        if outcome is None:
            return self.plan(planned, planned)
        return plan_markdown(
            planned,
            self._style,
            marker=self._marker,
            now=self._now,
            summary=outcome.summary,
            commands=outcome.commands,
        )

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans of all project files on one page."""
        return plans_markdown(plans, self._style, marker=self._marker, now=self._now)

    def all_applied(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans, and the outcome of each."""
        return self.plans(plans)

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Return the problems and the findings, and the conclusion about files without problems."""
        return problems_markdown(problems, self._style, marker=self._marker, findings=findings, conclusion=conclusion)

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Return the problems and the findings of all project files on one page."""
        return checks_markdown(checks, self._style, marker=self._marker)

    def drift(self, drift: Drift) -> str:
        """Return how the platform and the files differ."""
        return drift_markdown(drift, self._style, marker=self._marker)

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Return the drift of all project files on one page."""
        return drifts_markdown(found, self._style, marker=self._marker)

    def error(self, error: HaloError) -> str:
        """Return what happened and what to do."""
        return error_markdown(error, self._style, marker=self._marker)
