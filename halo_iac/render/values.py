"""Values in words: fields as the project file spells them, numbers and counts as people read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from halo_iac.errors import Problem
from halo_iac.model.finding import Finding, errors
from halo_iac.model.plan import Action, Attribution, PausedSchedule, Plan
from halo_iac.model.schedule import DAYS, Value
from halo_iac.render.style import Style
from halo_iac.text import counted

_NONE: Final = "(none)"
LISTED: Final = 20
"""How many names a list shows before it counts the rest."""
_CUT_WORD: Final = re.compile(r"[!-~]+\Z")


def format_value(field: str, value: Value, style: Style) -> str:
    """Return the value of a field of a schedule on one line; ``(none)`` for one that is absent or empty."""
    if value is None or value == ():
        return _NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_part(field, number) for number in value)}]"
    if isinstance(value, int):
        return f"{value:,}" if field == "span_limit" else str(value)
    return style.quoted(value) if field == "title" else style.safe(value)


def _part(field: str, number: int) -> str:
    return DAYS[number] if field == "days_of_week" and 0 <= number < 7 else str(number)


def from_to(before: float, after: float, style: Style) -> str:
    """Return ``152 → 183 (+30.4)``; one number where they are equal.

    Each number is rounded once, from what was reckoned, to as many digits as mean something in it: so the difference is
    the same wherever it is shown.
    """
    first, last, gain = number(before), number(after), number(after - before)
    if first == last or gain == "0":
        return last
    return f"{first} {style.own('→')} {last} ({'' if gain.startswith('-') else '+'}{gain})"


def number(value: float) -> str:
    """Return a number with as many digits as mean something: ``17,531``, ``30.4``, ``0.25``."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def listed(names: Sequence[str], style: Style) -> str:
    """Return names separated by commas, those beyond :data:`LISTED` counted."""
    shown_names = ", ".join(map(style.safe, names[:LISTED]))
    return shown_names if len(names) <= LISTED else f"{shown_names} and {len(names) - LISTED:,} more"


def shortened(text: str, longest: int) -> str:
    """Return a text of so many characters at most, and of its last word nothing: half a key could not be hidden."""
    return text if len(text) <= longest else f"{_CUT_WORD.sub('', text[:longest])}…"


_SHARES: Final = {
    Attribution.BRANCH: "of this branch",
    Attribution.BOTH: "of this branch where the platform differed before",
    Attribution.BEFORE: "planned before this branch",
    Attribution.UNTOUCHED: "of entries that this branch does not touch",
}


def attribution_counts(plan: Plan) -> Iterator[str]:
    """Yield one line that counts whose the changes are; none without a base, or where all are the branch's."""
    shares = Counter(change.share for change in plan.changes)
    if plan.base is not None and set(shares) - {Attribution.BRANCH}:
        parts = ", ".join(f"{shares[share]:,} {said}" for share, said in _SHARES.items() if shares[share])
        yield f"Whose: {parts}."


def plan_counts(plan: Plan, style: Style, as_wanted: str = "as declared") -> str:
    """Return the last line: what would be done, what would not, and the change in runs a month."""
    runs = f"Runs a month: {from_to(plan.runs_per_month.before, plan.runs_per_month.after, style)}."
    if plan.findings:
        runs += f" {counted_findings(plan.findings)}."
    rest = [
        *([f"{len(plan.paused):,} paused"] if plan.paused else ()),
        *([f"{len(plan.blocked):,} blocked"] if plan.blocked else ()),
        *([f"{len(plan.undeclared):,} undeclared"] if plan.undeclared else ()),
        *([f"{counted(len(plan.refusals), 'refusal')}"] if plan.refusals else ()),
    ]
    if not plan.changes:
        declared = f"{counted(plan.unchanged, 'schedule is', 'schedules are')} {as_wanted}"
        return f"No changes. {'; '.join([declared, *([', '.join(rest)] if rest else ())])}. {runs}"
    numbers = Counter(change.action for change in plan.changes)
    deeds = ", ".join(_verb(action, numbers[action], style) for action in Action)
    return f"Plan: {deeds}; {', '.join([f'{plan.unchanged:,} unchanged', *rest])}. {runs}"


def paused_heading(paused: Sequence[PausedSchedule]) -> str:
    """Return ``Paused: 2 schedules, by hand; left alone``; who paused how many where there are both."""
    by_platform = sum(each.reason is not None for each in paused)
    by_hand = len(paused) - by_platform
    if by_hand and by_platform:
        who = f"{by_hand:,} by hand and {by_platform:,} by the platform"
    else:
        who = "by hand" if by_hand else "by the platform"
    return f"Paused: {counted(len(paused), 'schedule')}, {who}; left alone"


def _verb(action: Action, number: int, style: Style) -> str:
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


def counted_findings(findings: Collection[Finding]) -> str:
    """Return ``2 findings``, and how many of them are errors where some are."""
    failing = len(errors(findings))
    return counted(len(findings), "finding") + (f" ({counted(failing, 'error')})" if failing else "")
