"""Where a plan would happen and by which rules, as rows: what every format of a plan begins with.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Iterator

from halo_iac.model.change import Plan, Policy
from halo_iac.model.remote import Host
from halo_iac.render.rows import Row
from halo_iac.render.style import Style
from halo_iac.render.values import listed


def header_rows(plan: Plan, style: Style) -> Iterator[Row]:
    """Yield host, project, policy, base and targets, with the place that each comes from; the sandbox says so first."""
    host = plan.host
    if host.is_sandbox:
        yield Row("SANDBOX", "a local platform; nothing here reaches the real one")
    yield Row("Host", style.safe(host.base_url), origin=style.safe(host.url_origin))
    yield Row("Project", _project(host, style), origin=style.safe(host.project_origin))
    yield Row("Policy", _policy(plan.policy, style))
    if plan.base is not None:
        yield Row("Base", style.safe(plan.base.ref), origin=style.safe(plan.base.commit[:12]))
    if plan.targets:
        yield Row("Targets", f"{listed(plan.targets, style)}; other entries are left out")


def _project(host: Host, style: Style) -> str:
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
