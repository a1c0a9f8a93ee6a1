"""Base comparison: compares a project with its base, which is what the branch will be merged into.

See docs/semantics.md#base-comparison. It answers two questions of a reviewer. Is a change this branch's, or did the
platform differ before? And does the branch loosen the policy that it is checked against? Until that is accepted, the
stricter of both sides' policy applies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from halo_iac.errors import ProjectError
from halo_iac.model.plan import Attribution, Base, Change, GuardViolation, MatchResult, Plan, PlanWarning
from halo_iac.model.project import Entry, Project, Scope, UndeclaredPolicy, strictest
from halo_iac.model.remote import PlatformState
from halo_iac.resolve import Catalog, Unresolved, scope_agents

_OVERRIDE: Final = "--accept-policy-change"
_NOTHING: Final = Scope(agents=())
"""A scope without schedules."""


@dataclass(frozen=True, slots=True)
class BaseProject:
    """The base of a branch: ``project`` is what it declares, ``None`` if the project file is new.

    If the file has moved or cannot be read at the base, ``problem`` says which; ``project`` then has only its policy,
    if that can be read. ``gone`` are the base's other project files that the command would have included.
    """

    base: Base
    project: Project | None
    problem: str | None = None
    accepts_policy: bool = False
    gone: tuple[str, ...] = ()


# Policy -------------------------------------------------------------------------------------------------------------


def require_readable_base(base_project: BaseProject, actual: PlatformState) -> BaseProject:
    """Return the base with only the existing agents in its scope; if one is missing, ``problem`` says so."""
    base = base_project.project
    if base is None:
        return base_project
    try:
        scope_agents(base, actual)
    except ProjectError as error:
        problem = f"{base_project.base.ref}'s project file has problems: {error.problems[0].message}"
        catalog = Catalog(base, actual)
        known = (agent for agent in base.scope.agents or () if not isinstance(catalog.find(agent), Unresolved))
        base = base._replace(scope=base.scope._replace(agents=tuple(known)))
        return replace(base_project, project=base, problem=base_project.problem or problem)
    return base_project


def apply_stricter_policy(
    project: Project, base_project: BaseProject, actual: PlatformState
) -> tuple[Project, tuple[GuardViolation, ...]]:
    """Return the project under the stricter of both sides' policy, and a violation for each loosening by the branch.

    Once loosening is accepted, the branch's own policy applies. Raises :class:`~halo_iac.errors.ProjectError` if an
    agent of the scope does not resolve.
    """
    if base_project.accepts_policy:
        return project, ()
    gone = (f"{file} was a project file at {base_project.base.ref} and has been deleted" for file in base_project.gone)
    project, refusals = _apply_stricter_policy(project, base_project, actual)
    return project, (*(GuardViolation("policy", message, _OVERRIDE) for message in gone), *refusals)


def _apply_stricter_policy(
    project: Project, base_project: BaseProject, actual: PlatformState
) -> tuple[Project, tuple[GuardViolation, ...]]:
    if base_project.project is None and base_project.problem is None:
        return _with_default_policy(project, base_project.base.ref)
    if base_project.project is None:
        message = f"the policy cannot be compared with the base's: {base_project.problem}"
        return project, (GuardViolation("policy", message, _OVERRIDE),)
    base = base_project.project
    agents, base_agents = scope_agents(project, actual), scope_agents(base, actual)
    loosenings = _loosenings(project, agents, base, base_agents, base_project.base.ref)
    refusals = tuple(GuardViolation("policy", loosening, _OVERRIDE) for loosening in loosenings)
    if not refusals:
        return project, ()
    stricter = project._replace(
        undeclared=strictest(project.undeclared, base.undeclared),
        protect=tuple(dict.fromkeys((*project.protect, *base.protect))),
        scope=_common_scope(project.scope, agents, base.scope, base_agents),
    )
    return stricter, refusals


def _with_default_policy(project: Project, ref: str) -> tuple[Project, tuple[GuardViolation, ...]]:
    """Return a project whose file is new: it may not archive undeclared schedules."""
    if project.undeclared is not UndeclaredPolicy.ARCHIVE:
        return project, ()
    refusal = GuardViolation("policy", f"`undeclared` is archive; {project.path} does not exist at {ref}", _OVERRIDE)
    return project._replace(undeclared=UndeclaredPolicy.REPORT), (refusal,)


def _loosenings(
    project: Project, agents: Collection[str] | None, base: Project, base_agents: Collection[str] | None, ref: str
) -> Iterator[str]:
    if base.project_id is not None and project.project_id != base.project_id:
        yield f"`project` is {project.project_id or 'not set'}; at {ref} it is {base.project_id}"

    kept = frozenset(project.protect)
    for glob in base.protect:
        if glob not in kept:
            yield f"`protect` drops {glob!r}, which {ref} has"

    if strictest(project.undeclared, base.undeclared) is not project.undeclared:
        yield f"`undeclared` is {project.undeclared}; at {ref} it is {base.undeclared}"

    if base_agents is not None:
        more = "every agent" if agents is None else ", ".join(sorted(set(agents) - set(base_agents)))
        included = f"only {', '.join(base_agents)}" if base_agents else "none"
        if more:
            yield f"`scope` includes {more}; at {ref} it includes {included}"
    prefix, base_prefix = project.scope.title_prefix, base.scope.title_prefix
    if base_prefix is not None and not (prefix or "").startswith(base_prefix):
        now = "every title" if prefix is None else f"titles that start with {prefix!r}"
        yield f"`scope` includes {now}; at {ref} only those that start with {base_prefix!r}"


def _common_scope(
    scope: Scope, agents: Collection[str] | None, base: Scope, base_agents: Collection[str] | None
) -> Scope:
    """Return the intersection of both scopes, with agents as ids."""
    one, other = sorted((scope.title_prefix or "", base.title_prefix or ""), key=len)
    if not other.startswith(one):
        return _NOTHING
    given = [set(each) for each in (agents, base_agents) if each is not None]
    common = tuple(sorted(set.intersection(*given))) if given else None
    return Scope(common, other or None)


# Attribution ---------------------------------------------------------------------------------------------------------


def attribute_changes(
    plan: Plan, project: Project, base_project: BaseProject, before: tuple[Plan, MatchResult] | None
) -> Plan:
    """Return the plan with the attribution of each change; ``before`` is the base's plan, if there is one."""
    if before is None:
        why = base_project.problem or f"{base_project.base.ref} has no {project.path}"
        warning = PlanWarning(f"every change is attributed to this branch: {why}")
        changes = tuple(replace(change, share=Attribution.BRANCH) for change in plan.changes)
        return replace(plan, base=base_project.base, warnings=(warning, *plan.warnings), changes=changes)
    attributor = _Attributor(project, base_project.project, *before)
    changes = tuple(replace(change, share=attributor.attribute(change)) for change in plan.changes)
    return replace(plan, base=base_project.base, changes=changes)


class _Attributor:
    """Attributes each change of the branch's plan, from the base's declarations and plan."""

    def __init__(self, project: Project, base: Project | None, plan: Plan, pairing: MatchResult) -> None:
        self._entries = {entry.key: entry for entry in project.entries}
        self._base_entries = {entry.key: entry for entry in (base.entries if base is not None else ())}
        self._aliases = project.aliases
        self._base_aliases = base.aliases if base is not None else {}
        self._planned = {_identity(change): change for change in plan.changes}
        self._declared = {pair.remote.id for pair in pairing.pairs if pair.remote is not None}

    def attribute(self, change: Change) -> Attribution:
        earlier = self._planned.get(_identity(change))
        if earlier is not None and _change_key(earlier) == _change_key(change):
            return Attribution.DRIFT
        if not self._is_edited(change):
            return Attribution.INHERITED
        return Attribution.BRANCH if earlier is None else Attribution.BRANCH_AND_DRIFT

    def _is_edited(self, change: Change) -> bool:
        """Return whether the branch edits the entry of the change, or removes it."""
        if change.key is None:
            return change.id in self._declared
        entry, earlier = self._entries[change.key], self._base_entries.get(change.key)
        return earlier is None or _declared_values(entry, self._aliases) != _declared_values(
            earlier, self._base_aliases
        )


def _identity(change: Change) -> tuple[str | None, str]:
    """Return the identity of a change's schedule: the platform's id, or the title that it will have."""
    return (change.id, "") if change.id is not None else (None, change.title)


def _change_key(change: Change) -> tuple[object, ...]:
    """Return what a change does, without the positions of its values."""
    return (change.action, change.title, change.before, change.after)


def _declared_values(entry: Entry, aliases: Mapping[str, str]) -> tuple[object, ...]:
    """Return an entry's values with defaults and overrides merged and agent aliases resolved."""
    spec = entry.spec and replace(entry.spec, agent=aliases.get(entry.spec.agent, entry.spec.agent))
    return (entry.title, entry.is_retired, entry.renamed_from, entry.id, spec)
