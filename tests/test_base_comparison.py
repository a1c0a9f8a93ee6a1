"""A project compared with its base: laws of the attribution of changes, and of the policy that applies."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from project_files import load_document
from strategies import HOST
from test_laws import Drawn, draws, planned, state_of

from halo_iac.base_comparison import BaseProject
from halo_iac.model.plan import Attribution, Base, Plan
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.model.remote import PlatformState
from halo_iac.pipeline import PlanRequest, plan_project
from halo_iac.plan import Overrides

BASE = Base("main", "0" * 40)


def plan_against(project: Project, base: Project | None, actual: PlatformState, *, accepts: bool = True) -> Plan:
    """Plan a project against a base, with all other overrides given."""
    overrides = Overrides(1_000, frozenset(entry.key for entry in project.entries))
    base_project = BaseProject(BASE, base, accepts_policy=accepts)
    return plan_project(
        lambda: project, lambda _: (HOST, actual), PlanRequest((), overrides, base_project=base_project)
    )


def attributions(plan: Plan) -> set[Attribution | None]:
    return {change.share for change in plan.changes}


def without_shares(plan: Plan) -> Plan:
    return replace(plan, base=None, changes=tuple(replace(change, share=None) for change in plan.changes))


@given(draws())
def test_against_itself_a_project_has_no_change_of_its_own(drawn: Drawn) -> None:
    project, actual = load_document(drawn.document), state_of(drawn.wires)
    plan = plan_against(project, project, actual, accepts=False)
    assert attributions(plan) <= {Attribution.DRIFT}
    assert without_shares(plan) == planned(project, actual)


@given(draws(), draws())
def test_a_base_attributes_changes_and_changes_none(drawn: Drawn, other: Drawn) -> None:
    project, base, actual = load_document(drawn.document), load_document(other.document), state_of(drawn.wires)
    plan = plan_against(project, base, actual)
    assert without_shares(plan) == planned(project, actual)
    assert None not in attributions(plan)
    assert plan.base == BASE


@given(draws())
def test_against_a_base_that_declares_nothing_every_declared_change_is_the_branchs(drawn: Drawn) -> None:
    project = load_document(drawn.document)
    nothing = project._replace(entries=(), undeclared=UndeclaredPolicy.REPORT)
    plan = plan_against(project, nothing, state_of(drawn.wires))
    assert {change.share for change in plan.changes if change.key is not None} <= {Attribution.BRANCH}


@given(draws(), draws())
def test_no_branch_archives_more_than_both_sides_would_let_it(drawn: Drawn, other: Drawn) -> None:
    project, base, actual = load_document(drawn.document), load_document(other.document), state_of(drawn.wires)
    strict = plan_against(project, base, actual, accepts=False)
    if not any(refusal.guard == "policy" for refusal in strict.refusals):
        return
    both = (project, base)
    archives = {change.id for change in strict.changes if change.key is None}
    assert not archives or all(str(each.undeclared) == "archive" for each in both)
    assert set(strict.policy.protect) == {glob for each in both for glob in each.protect}
    prefixes = [each.scope.title_prefix for each in both if each.scope.title_prefix]
    titles = [schedule.title for schedule in strict.undeclared]
    assert all(title.startswith(prefix) for title in titles for prefix in prefixes)
