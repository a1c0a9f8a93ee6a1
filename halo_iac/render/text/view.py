"""Results as text, for a terminal or a log (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from halo_iac.errors import HaloError, Problem
from halo_iac.model.finding import Finding
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.text.problems import checks_text, error_text, findings_text, problems_text

if TYPE_CHECKING:
    from halo_iac.model.apply_result import ApplyOutcome
    from halo_iac.model.drift import Drift
    from halo_iac.model.plan import Plan


class TextView:
    """Draws text; the modules that draw plans are imported with the first plan, since most errors come without one."""

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style
        self._now = context.now

    def plan(self, planned: Plan, shown: Plan) -> str:  # noqa: ARG002 - text is for people
        """Return the plan with what depends on the clock."""
        from halo_iac.render.text.plan import plan_text

        return plan_text(shown, self._style, now=self._now)

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Return the plan, then its outcome."""
        drawn = self.plan(planned, planned)
        if outcome is None:
            return drawn
        from halo_iac.render.text.apply import summary_text

        return drawn + summary_text(outcome.summary, self._style, outcome.commands)

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans under the names of their files."""
        from halo_iac.render.text.plans import plans_text

        return plans_text(plans, self._style, now=self._now)

    def all_applied(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans, then the outcome of each."""
        from halo_iac.render.text.plans import outcomes_text

        return self.plans(plans) + outcomes_text(plans, self._style)

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Return the problems, or else the findings and the conclusion about files without problems."""
        style = self._style
        return problems_text(problems, style) or f"{findings_text(findings, style)}{style.safe(conclusion)}\n"

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Return the problems or findings file by file; each line names its file."""
        return checks_text(checks, self._style)

    def drift(self, drift: Drift) -> str:
        """Return each kind of difference with its schedules."""
        from halo_iac.render.text.drift import drift_text

        return drift_text(drift, self._style)

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Return the drift of each project file under its name."""
        from halo_iac.render.text.drift import drifts_text

        return drifts_text(found, self._style)

    def error(self, error: HaloError) -> str:
        """Return what happened, where, and what to do."""
        return error_text(error, self._style)
