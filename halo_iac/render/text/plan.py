"""The plan as text: where it would happen, each change, what is apart, and the counts last (design §5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from halo_iac.model.change import Action, Plan, Policy, Share
from halo_iac.model.remote import Host
from halo_iac.render.style import Style
from halo_iac.render.text.asides import blocked_lines, refusal_lines, undeclared_lines, warning_lines
from halo_iac.render.text.calendar import CADENCES, Calendar
from halo_iac.render.text.change import change_block
from halo_iac.render.text.findings import finding_lines, other_finding_lines
from halo_iac.render.text.values import from_to, listed
from halo_iac.render.words import counted, counted_findings

_LABEL: Final = 9
_ACTIONS: Final = (Action.CREATE, Action.UPDATE, Action.UNARCHIVE, Action.ARCHIVE)


def plan_text(plan: Plan, style: Style, *, now: datetime | None = None) -> str:
    """Return the whole plan as text that ends in a newline, to be written once.

    ``now`` is an aware instant from which next fires are worked out; without it they are left out.
    """
    calendar = Calendar(now, style)
    agents = {agent.id: agent.name for agent in plan.agents}
    lines = [*_header(plan, style)]
    found = defaultdict(list)
    for finding in plan.findings:
        found[finding.key].append(finding)
    for change in plan.changes:
        lines.append("")
        lines += change_block(change, calendar, style, agents)
        for finding in found[change.key] if change.key is not None else ():
            lines += finding_lines(finding, style)
    for section in (
        other_finding_lines(plan.findings, {change.key for change in plan.changes}, style),
        blocked_lines(plan.blocked, style),
        undeclared_lines(plan.undeclared, style),
        warning_lines(plan.warnings, style),
        refusal_lines(plan.refusals, style),
    ):
        first = next(section, None)
        if first is not None:
            lines += ["", first, *section]
    if calendar.has_left_out:
        lines += ["", f"Next fires are shown for the first {CADENCES} cadences only."]
    lines += ["", *share_lines(plan), counts_line(plan, style), ""]
    return "\n".join(lines)


def _header(plan: Plan, style: Style) -> Iterator[str]:
    host = plan.host
    if host.is_sandbox:
        yield style.paint(f"{'SANDBOX':<{_LABEL}}a local platform; nothing here reaches the real one", "warning")
    yield f"{'Host':<{_LABEL}}{style.safe(host.base_url)}{_came_from(host.url_origin, style)}"
    yield f"{'Project':<{_LABEL}}{_project(host, style)}{_came_from(host.project_origin, style)}"
    yield f"{'Policy':<{_LABEL}}{_policy(plan.policy, style)}"
    if plan.base is not None:
        commit = style.paint(f"({style.safe(plan.base.commit[:12])})", "dim")
        yield f"{'Base':<{_LABEL}}{style.safe(plan.base.ref)}  {commit}"
    if plan.targets:
        yield f"{'Targets':<{_LABEL}}{listed(plan.targets, style)}; other entries are left out"


def _project(host: Host, style: Style) -> str:
    id_ = style.safe(host.project_id)
    return f"{style.quoted(host.project_name)} {id_}" if host.project_name else id_


def _came_from(origin: str, style: Style) -> str:
    return f"  {style.paint(f'({style.safe(origin)})', 'dim')}" if origin else ""


def _policy(policy: Policy, style: Style) -> str:
    scope = [
        *(() if policy.scope_agents is None else (f"agents {listed(policy.scope_agents, style)}",)),
        *(() if policy.title_prefix is None else (f"titles that start {style.quoted(policy.title_prefix)}",)),
    ]
    parts = [f"undeclared: {style.safe(policy.undeclared)}", f"scope: {' and '.join(scope) or 'the whole project'}"]
    if policy.protect:
        parts.append(f"protect: {', '.join(map(style.quoted, policy.protect))}")
    return "; ".join(parts)


def share_lines(plan: Plan) -> Iterator[str]:
    """Return one line that counts whose the changes are; none without a base, or where all are the branch's."""
    shares = Counter(change.share for change in plan.changes)
    words = {
        Share.BRANCH: "of this branch",
        Share.BOTH: "of this branch where the platform differed before",
        Share.BEFORE: "planned before it already",
        Share.UNTOUCHED: "of entries that it does not touch",
    }
    if plan.base is not None and set(shares) - {Share.BRANCH}:
        parts = ", ".join(f"{shares[share]:,} {said}" for share, said in words.items() if shares[share])
        yield f"Whose: {parts}."


def counts_line(plan: Plan, style: Style) -> str:
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
        declared = f"{counted(plan.unchanged, 'schedule is', 'schedules are')} as declared"
        return f"No changes. {'; '.join([declared, *([', '.join(rest)] if rest else ())])}. {runs}"
    numbers = Counter(change.action for change in plan.changes)
    deeds = ", ".join(_deed(action, numbers[action], style) for action in _ACTIONS)
    return f"Plan: {deeds}; {', '.join([f'{plan.unchanged:,} unchanged', *rest])}. {runs}"


def _deed(action: Action, number: int, style: Style) -> str:
    words = f"{number:,} to {action}"
    return style.paint(words, action) if number else words
