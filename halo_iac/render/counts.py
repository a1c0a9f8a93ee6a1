"""How many of what: the last line of a plan and of a check (docs/cli.md#formats)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from halo_iac.errors import Problem
from halo_iac.model.change import Action, Plan, Share
from halo_iac.model.finding import Finding
from halo_iac.render.style import Style
from halo_iac.render.values import from_to
from halo_iac.render.words import counted, counted_findings

_SHARES: Final = {
    Share.BRANCH: "of this branch",
    Share.BOTH: "of this branch where the platform differed before",
    Share.BEFORE: "planned before this branch",
    Share.UNTOUCHED: "of entries that this branch does not touch",
}


def share_counts(plan: Plan) -> Iterator[str]:
    """Yield one line that counts whose the changes are; none without a base, or where all are the branch's."""
    shares = Counter(change.share for change in plan.changes)
    if plan.base is not None and set(shares) - {Share.BRANCH}:
        parts = ", ".join(f"{shares[share]:,} {said}" for share, said in _SHARES.items() if shares[share])
        yield f"Whose: {parts}."


def plan_counts(plan: Plan, style: Style, as_wanted: str = "as declared") -> str:
    """Return the last line: what would be done, what would not, and the change in runs a month."""
    runs = f"Runs a month: {from_to(plan.runs_per_month.before, plan.runs_per_month.after, style)}."
    if plan.findings:
        runs += f" {counted_findings(plan.findings)}."
    rest = [
        *([f"{len(plan.blocked):,} blocked"] if plan.blocked else ()),
        *([f"{len(plan.undeclared):,} undeclared"] if plan.undeclared else ()),
        *([f"{counted(len(plan.refusals), 'refusal')}"] if plan.refusals else ()),
    ]
    if not plan.changes:
        declared = f"{counted(plan.unchanged, 'schedule is', 'schedules are')} {as_wanted}"
        return f"No changes. {'; '.join([declared, *([', '.join(rest)] if rest else ())])}. {runs}"
    numbers = Counter(change.action for change in plan.changes)
    deeds = ", ".join(_deed(action, numbers[action], style) for action in Action)
    return f"Plan: {deeds}; {', '.join([f'{plan.unchanged:,} unchanged', *rest])}. {runs}"


def _deed(action: Action, number: int, style: Style) -> str:
    words = f"{number:,} to {action}"
    return style.paint(words, action) if number else words


def problem_counts(problems: Sequence[Problem], findings: Sequence[Finding]) -> str:
    """Return ``2 problems in 1 file, 3 findings``, or that there are none."""
    files = len({problem.path for problem in problems})
    counts = [
        *([f"{counted(len(problems), 'problem')} in {counted(files, 'file')}"] if problems else ()),
        *([counted(len(findings), "finding")] if findings else ()),
    ]
    return ", ".join(counts) or "no problems"
