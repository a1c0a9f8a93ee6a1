"""Where a plan would happen and by which rules, as rows: what every format of a plan begins with.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from halo_iac.model.apply_result import HERE, NextCommands, Status, Summary
from halo_iac.model.plan import Action, Plan, Policy
from halo_iac.model.remote import PlatformTarget
from halo_iac.render.rows import Row
from halo_iac.render.style import Style
from halo_iac.render.values import listed


def header_rows(plan: Plan, style: Style) -> Iterator[Row]:
    """Yield host, project, policy, base and targets, with the place that each comes from; the sandbox says so first."""
    host = plan.host
    if host.is_sandbox:
        yield Row("SANDBOX", "a local platform; nothing is sent to the real one")
    yield Row("Host", style.safe(host.base_url), origin=style.safe(host.url_origin))
    yield Row("Project", _project(host, style), origin=style.safe(host.project_origin))
    yield Row("Policy", _policy(plan.policy, style))
    if plan.base is not None:
        yield Row("Base", style.safe(plan.base.ref), origin=style.safe(plan.base.commit[:12]))
    if plan.targets:
        yield Row("Targets", f"{listed(plan.targets, style)}; other entries are left out")


def _project(host: PlatformTarget, style: Style) -> str:
    id_ = style.safe(host.project_id)
    return f"{style.quoted(host.project_name)} {id_}" if host.project_name else id_


def _policy(policy: Policy, style: Style) -> str:
    scope = [
        *(() if policy.scope_agents is None else (f"agents {listed(policy.scope_agents, style)}",)),
        *(() if policy.title_prefix is None else (f"titles that start {style.quoted(policy.title_prefix)}",)),
    ]
    parts = [f"undeclared: {style.safe(policy.undeclared)}", f"scope: {' and '.join(scope) or 'the whole project'}"]
    if policy.protect:
        parts.append(f"protect: {', '.join(map(style.quoted, policy.protect))}")
    return "; ".join(parts)


DONE: Final = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNARCHIVE: "unarchived",
    Action.ARCHIVE: "archived",
}
_ENDED: Final = {
    Status.ALREADY: "already up to date",
    Status.FAILED: "failed",
    Status.CONFLICT: "in conflict",
    Status.UNKNOWN: "unknown",
    Status.NOT_STARTED: "not started",
}


def run_counts(summary: Summary) -> str:
    """Return the last line of a run: how many changes ended how."""
    done = Counter(event.change.action for event in summary.with_status(Status.DONE))
    deeds = [f"{done[action]:,} {DONE[action]}" for action in Action if done[action]]
    statuses = Counter(event.status for event in summary.events)
    rest = [f"{statuses[status]:,} {_ENDED[status]}" for status in _ENDED if statuses[status]]
    return f"Applied: {'; '.join(filter(None, (', '.join(deeds) or 'nothing', ', '.join(rest))))}."


def next_steps(summary: Summary, commands: NextCommands = HERE) -> Iterator[str]:
    """Yield what is to be done about what did not end well."""
    unknown = summary.with_status(Status.UNKNOWN)
    if any(event.change.action is Action.CREATE for event in unknown):
        yield f"Run `{commands.schedules}` to see whether a create with an unknown outcome happened."
    if unknown:
        yield f"Run `{commands.plan}`: it finds what was created by its title, and plans only the rest."
    if summary.with_status(Status.CONFLICT):
        yield f"Run `{commands.plan}` to see the platform's state; decide whether the file or the platform is right."
    if summary.with_status(Status.FAILED):
        yield f"Fix what the reasons name, then run `{commands.again}` again; what is done stays done."
    elif summary.with_status(Status.NOT_STARTED):
        yield f"Run `{commands.again}` again to continue where this run ended."
