"""The first and last lines of a plan in every format: its target and policy, and the counts.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from halo_iac.hints import Hint
from halo_iac.model.apply_result import DEFAULT_COMMANDS, NextCommands, Status, Summary
from halo_iac.model.plan import (
    PAUSING,
    Action,
    Attribution,
    Blocked,
    CostEstimate,
    GuardViolation,
    PausedSchedule,
    Plan,
    Policy,
    UndeclaredSchedule,
)
from halo_iac.render.rows import Row
from halo_iac.render.style import Style
from halo_iac.render.values import counted_findings, format_amount, format_change, format_cost_change, join_names
from halo_iac.text import counted


def header_rows(plan: Plan, style: Style) -> Iterator[Row]:
    """Yield project file, host, project, policy, base and targets, with the place that each comes from.

    For a sandbox, a row that says so comes first.
    """
    host = plan.host
    if host.is_sandbox:
        yield Row("SANDBOX", "a local platform; nothing is sent to the real one")
    if plan.file:
        yield Row("File", style.safe(plan.file))
    yield Row("Host", style.safe(host.base_url), origin=style.safe(host.url_origin))
    name = f"{style.quoted(host.project_name)} " if host.project_name else ""
    yield Row("Project", f"{name}{style.safe(host.project_id)}", origin=style.safe(host.project_origin))
    yield Row("Policy", _policy(plan.policy, style))
    if plan.base is not None:
        yield Row("Base", style.safe(plan.base.ref), origin=style.safe(plan.base.commit[:12]))
    if plan.targets:
        yield Row("Targets", f"{join_names(plan.targets, style)}; other entries are left out")


def _policy(policy: Policy, style: Style) -> str:
    scope = [
        *(() if policy.scope_agents is None else (f"agents {join_names(policy.scope_agents, style)}",)),
        *(() if policy.title_prefix is None else (f"titles that start {style.quoted(policy.title_prefix)}",)),
    ]
    parts = [f"undeclared: {style.safe(policy.undeclared)}", f"scope: {' and '.join(scope) or 'the whole project'}"]
    if policy.protect:
        parts.append(f"protect: {', '.join(map(style.quoted, policy.protect))}")
    return "; ".join(parts)


_ATTRIBUTION_PHRASES: Final = {
    Attribution.BRANCH: "of this branch",
    Attribution.BRANCH_AND_DRIFT: "of this branch where the platform differed before",
    Attribution.DRIFT: "planned before this branch",
    Attribution.INHERITED: "of entries that this branch does not touch",
}


def attribution_counts(plan: Plan) -> Iterator[str]:
    """Yield one line that counts the changes by attribution; nothing without a base, or if all are the branch's."""
    shares = Counter(change.share for change in plan.changes)
    if plan.base is not None and set(shares) - {Attribution.BRANCH}:
        parts = ", ".join(
            f"{shares[share]:,} {phrase}" for share, phrase in _ATTRIBUTION_PHRASES.items() if shares[share]
        )
        yield f"Whose: {parts}."


def plan_counts(plan: Plan, style: Style, unchanged_state: str = "as declared") -> str:
    """Return the last line: the number of changes by action, of blocked entries, and the change in runs a month."""
    runs = f"Runs a month: {format_change(plan.runs_per_month.before, plan.runs_per_month.after, style)}."
    runs += cost_sentence(plan.cost_per_month, style)
    if plan.findings:
        runs += f" {counted_findings(plan.findings)}."
    rest = [
        *([f"{len(plan.paused):,} paused"] if plan.paused else ()),
        *([f"{len(plan.blocked):,} blocked"] if plan.blocked else ()),
        *([f"{len(plan.undeclared):,} undeclared"] if plan.undeclared else ()),
        *([f"{counted(len(plan.refusals), 'refusal')}"] if plan.refusals else ()),
    ]
    if not plan.changes:
        declared = f"{counted(plan.unchanged, 'schedule is', 'schedules are')} {unchanged_state}"
        return f"No changes. {'; '.join([declared, *([', '.join(rest)] if rest else ())])}. {runs}"
    numbers = Counter(change.verb for change in plan.changes)
    kinds: list[str] = [verb for verb in PAUSING.values() if numbers[verb]] or [*Action]
    counts = {kind: f"{numbers[kind]:,} to {kind}" for kind in kinds}
    actions = ", ".join(style.paint(text, kind) if numbers[kind] else text for kind, text in counts.items())
    return f"Plan: {actions}; {', '.join([f'{plan.unchanged:,} unchanged', *rest])}. {runs}"


def cost_sentence(cost: CostEstimate | None, style: Style) -> str:
    """Return the monthly cost of the runs; empty if no fee is stated."""
    if cost is None:
        return ""
    amount = format_cost_change(cost.before, cost.after, style)
    return f" Estimated cost a month: {amount}, at {format_amount(cost.per_run)} a run; inference comes on top."


_REFUSALS: Final = {
    True: "Withheld: these changes are left out; the rest can be applied",
    False: "Refused: this plan cannot be applied as it is",
}


def refusals_by_heading(refusals: Sequence[GuardViolation]) -> dict[str, list[GuardViolation]]:
    """Return the guard violations of withheld changes, then those that refuse the plan, by the heading above them."""
    found = {heading: [each for each in refusals if each.withholds is kind] for kind, heading in _REFUSALS.items()}
    return {heading: violations for heading, violations in found.items() if violations}


def remedy_label(refusal: GuardViolation) -> str:
    """Return the label of the option that permits a refused change, or of what to do about a withheld one."""
    return "to do" if refusal.withholds else "override"


def blocked_heading(blocked: Sequence[Blocked]) -> str:
    """Return ``Blocked: 2 entries, for which nothing is planned``."""
    return f"Blocked: {counted(len(blocked), 'entry', 'entries')}, for which nothing is planned"


def undeclared_heading(undeclared: Sequence[UndeclaredSchedule]) -> str:
    """Return ``Undeclared: 3 schedules, 2 still firing; left alone``."""
    firing = sum(schedule.is_firing for schedule in undeclared)
    fires = "still firing" if firing == len(undeclared) else f"{firing:,} still firing"
    return f"Undeclared: {counted(len(undeclared), 'schedule')}, {fires}; left alone"


def paused_heading(paused: Sequence[PausedSchedule]) -> str:
    """Return ``Paused: 2 schedules, by hand; left alone``, with a count for each cause if there are both."""
    by_platform = sum(each.reason is not None for each in paused)
    by_hand = len(paused) - by_platform
    if by_hand and by_platform:
        who = f"{by_hand:,} by hand and {by_platform:,} by the platform"
    else:
        who = "by hand" if by_hand else "by the platform"
    return f"Paused: {counted(len(paused), 'schedule')}, {who}; left alone"


DONE: Final[Mapping[str, str]] = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNARCHIVE: "unarchived",
    Action.ARCHIVE: "archived",
    "pause": "paused",
    "resume": "resumed",
}
_STATUS_PHRASES: Final = {
    Status.ALREADY: "already up to date",
    Status.FAILED: "failed",
    Status.CONFLICT: "in conflict",
    Status.UNKNOWN: "unknown",
    Status.NOT_STARTED: "not started",
}


def run_counts(summary: Summary) -> str:
    """Return the last line of a run: the number of changes by status."""
    done = Counter(event.change.verb for event in summary.with_status(Status.DONE))
    verbs = [f"{done[verb]:,} {word}" for verb, word in DONE.items() if done[verb]]
    statuses = Counter(event.status for event in summary.events)
    rest = [f"{statuses[status]:,} {_STATUS_PHRASES[status]}" for status in _STATUS_PHRASES if statuses[status]]
    return f"Applied: {'; '.join(filter(None, (', '.join(verbs) or 'nothing', ', '.join(rest))))}."


def next_steps(summary: Summary, commands: NextCommands = DEFAULT_COMMANDS) -> Iterator[str]:
    """Yield what to do about the changes that did not succeed."""
    unknown = summary.with_status(Status.UNKNOWN)
    if any(event.change.action is Action.CREATE for event in unknown):
        yield Hint("Run `{}` to see whether a create with an unknown outcome happened.", commands.schedules)
    if any(event.change.cause in PAUSING for event in unknown):
        yield Hint("Run `{}` again: it reads every schedule first, and changes only what is left.", commands.again)
    elif unknown:
        yield Hint("Run `{}`: it matches created schedules by title and plans only the rest.", commands.plan)
    if summary.with_status(Status.CONFLICT):
        yield Hint(
            "Run `{}` to see the platform's state; decide whether the file or the platform is right.", commands.plan
        )
    if summary.with_status(Status.FAILED):
        yield Hint("Fix the reported reasons, then run `{}` again; completed changes are kept.", commands.again)
    elif summary.with_status(Status.NOT_STARTED):
        yield Hint("Run `{}` again to continue where this run ended.", commands.again)
