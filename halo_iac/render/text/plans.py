"""The plans of several project files and their outcomes as text: each under its file's name, then the totals.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from halo_iac.model.apply_result import total_summary
from halo_iac.model.plan import combine_plans
from halo_iac.render.formats import ProjectPlan
from halo_iac.render.headings import plan_counts, run_counts
from halo_iac.render.style import Style, file_heading
from halo_iac.render.text.apply import summary_text
from halo_iac.render.text.plan import plan_text
from halo_iac.text import counted


def plans_text(plans: Sequence[ProjectPlan], style: Style, *, now: datetime | None = None) -> str:
    """Return the plans, each under the name of its file, then their totals."""
    drawn = [
        f"{file_heading(each.shown.file, style)}\n"
        f"{plan_text(replace(each.shown, file=''), each.styled(style), now=now)}\n"
        for each in plans
    ]
    heading = file_heading(counted(len(plans), "project file"), style)
    return f"{''.join(drawn)}{heading}\n{plan_counts(combine_plans([each.shown for each in plans]), style)}\n"


def outcomes_text(plans: Sequence[ProjectPlan], style: Style) -> str:
    """Return the outcome of each file that had a run, then the totals."""
    outcomes = [(each, each.outcome) for each in plans if each.outcome is not None]
    if not outcomes:
        return ""
    drawn = [
        f"{file_heading(each.shown.file, style)}\n"
        f"{summary_text(outcome.summary, each.styled(style), outcome.commands)}\n"
        for each, outcome in outcomes
    ]
    heading = file_heading(counted(len(plans), "project file"), style)
    total = run_counts(total_summary(outcome.summary for _, outcome in outcomes))
    return f"\n{''.join(drawn)}{heading}\n{total}\n"
