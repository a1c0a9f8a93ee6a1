"""The stages of the package up to a plan: load → observe → match → resolve → diff → plan.

The functions here compose the stages and do nothing else. What varies from command to command (where the project file
is, how the platform is reached) is passed in as functions, so that the platform can be asked before the files are
parsed. :func:`halo_iac.apply.apply` carries out the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from halo_iac.diff import diff
from halo_iac.findings import find_in_plan, find_undeclared, find_unused_globs
from halo_iac.match import match
from halo_iac.plan import Overrides, check_saved, plan
from halo_iac.plan.several import PairedPlan, permit_together, refuse_overlaps
from halo_iac.resolve import resolve

if TYPE_CHECKING:
    from halo_iac.base_comparison import BaseProject
    from halo_iac.model.drift import Drift, DriftKind
    from halo_iac.model.plan import MatchResult, Plan
    from halo_iac.model.project import Project
    from halo_iac.model.receipt import Receipt
    from halo_iac.model.remote import PlatformState, PlatformTarget
    from halo_iac.pausing import PausePlan, PauseRequest


class PlanRequest(NamedTuple):
    """What the command line asks for.

    ``targets`` are keys of entries, empty for all. The plan has to stay within ``saved``, and is compared with
    ``base_project``. ``elsewhere`` are the keys that other project files of the command declare.
    """

    targets: tuple[str, ...] = ()
    overrides: Overrides = Overrides()
    saved: Plan | None = None
    base_project: BaseProject | None = None
    elsewhere: frozenset[str] = frozenset()


class ProjectSource(NamedTuple):
    """How one project file is loaded and its platform observed, and the plan that is asked for."""

    load: Callable[[], Project]
    observe: Callable[[Project], tuple[PlatformTarget, PlatformState]]
    request: PlanRequest


def plan_projects(sources: Sequence[ProjectSource], *, allow_archive: int = 0) -> tuple[Plan, ...]:
    """Return the plan of each of several project files, checked against each other.

    ``allow_archive`` is the number of removals that is permitted in all; the requests themselves permit none.
    """
    paired = [_plan_project(source) for source in sources]
    return permit_together(refuse_overlaps(paired), allow_archive)


def plan_project(
    load: Callable[[], Project],
    observe: Callable[[Project], tuple[PlatformTarget, PlatformState]],
    request: PlanRequest,
) -> Plan:
    """Return the plan of a project against a platform; raises what its stages raise."""
    return _plan_project(ProjectSource(load, observe, request)).plan


def _plan_project(source: ProjectSource) -> PairedPlan:
    project, request = source.load(), source.request
    host, actual = source.observe(project)
    if request.base_project is None:
        planned, pairing = _stages(project, actual, host, request)
    else:
        planned, pairing = _plan_branch(project, actual, host, request, request.base_project)
    of_plan = (*find_unused_globs(project, planned, actual), *find_undeclared(project, planned))
    planned = replace(planned, findings=(*find_in_plan(project, planned), *of_plan))
    if request.saved is not None:
        planned = replace(planned, refusals=(*planned.refusals, *check_saved(request.saved, planned, actual)))
    return PairedPlan(planned, pairing)


class ObservedProject(NamedTuple):
    """How a project file and its platform differ, and the id of each entry's schedule there, by key."""

    drift: Drift
    ids: Mapping[str, str]


def observe_projects(
    sources: Sequence[ProjectSource], ignored: Collection[DriftKind] = ()
) -> tuple[ObservedProject, ...]:
    """Return how each project file and its platform differ; differences of ``ignored`` kinds are only counted."""
    from halo_iac.plan.drift import find_drift

    def observed(source: ProjectSource) -> ObservedProject:
        project = source.load()
        host, actual = source.observe(project)
        planned, pairing = _stages(project, actual, host, source.request)
        ids = {pair.entry.key: pair.remote.id for pair in pairing.pairs if pair.remote is not None}
        return ObservedProject(find_drift(planned, actual, ignored), ids)

    return tuple(map(observed, sources))


def _stages(
    project: Project, actual: PlatformState, host: PlatformTarget, request: PlanRequest
) -> tuple[Plan, MatchResult]:
    pairing = resolve(project, match(project, actual), actual, takeovers=request.overrides.allow_takeover)
    differences = diff(pairing.pairs)
    planned = plan(
        project,
        pairing,
        differences,
        actual,
        host,
        targets=request.targets,
        overrides=request.overrides,
        elsewhere=request.elsewhere,
    )
    return planned, pairing


def _plan_branch(
    project: Project, actual: PlatformState, host: PlatformTarget, request: PlanRequest, base_project: BaseProject
) -> tuple[Plan, MatchResult]:
    """Return the branch's plan, under the stricter policy; its base is planned with the same observation."""
    from halo_iac.base_comparison import apply_stricter_policy, attribute_changes, require_readable_base

    base_project = require_readable_base(base_project, actual)
    project, loosenings = apply_stricter_policy(project, base_project, actual)
    planned, pairing = _stages(project, actual, host, request)
    base = base_project.project if base_project.problem is None else None  # else: its policy alone
    before = None if base is None else _stages(base, actual, host, PlanRequest())
    planned = attribute_changes(planned, project, base_project, before)
    return replace(planned, refusals=(*loosenings, *planned.refusals)), pairing


def plan_undo(
    receipt: Receipt,
    load: Callable[[], Project],
    observe: Callable[[Project], tuple[PlatformTarget, PlatformState]],
    overrides: Overrides,
    *,
    allows_gap: bool,
) -> Plan:
    """Return the plan that undoes a receipt's run; the project's policy limits it."""
    from halo_iac.undo import undo

    project = load()
    host, actual = observe(project)
    pairing = resolve(project, match(project, actual), actual)
    return undo(receipt, project, pairing, actual, host, overrides, allows_gap=allows_gap)


def plan_pause(
    request: PauseRequest,
    load: Callable[[], Project],
    observe: Callable[[Project], tuple[PlatformTarget, PlatformState]],
) -> PausePlan:
    """Return the plan that pauses or resumes schedules; the project defines the scope and what the files declare."""
    from halo_iac.pausing import plan_pausing

    project = load()
    host, actual = observe(project)
    return plan_pausing(request, project, match(project, actual), actual, host)
