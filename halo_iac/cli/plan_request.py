"""What ``plan``, ``apply`` and ``undo`` share: making a plan, and what its exit code is."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from halo_iac.api.secret import Secret
from halo_iac.cli.context import CommandContext
from halo_iac.findings import credentials_of
from halo_iac.findings.today import find_clock_change_today
from halo_iac.model.finding import errors
from halo_iac.pipeline import PlanRequest, plan_project
from halo_iac.plan import Overrides
from halo_iac.storage.plan_file import write_saved_plan

if TYPE_CHECKING:
    from halo_iac.base_comparison import BaseProject
    from halo_iac.model.apply_result import Summary
    from halo_iac.model.plan import Plan
    from halo_iac.model.project import Project


def plan_request(
    target: Sequence[str] | None,
    allow_archive: int,
    allow_create: Sequence[str] | None,
    *,
    saved: Plan | None = None,
    against: BaseProject | None = None,
) -> PlanRequest:
    """Return what the command line asks for; a saved plan brings its targets unless others are named."""
    targets = tuple(dict.fromkeys(target or ()))
    if saved is not None and not targets:
        targets = saved.targets
    return PlanRequest(targets, Overrides(allow_archive, frozenset(allow_create or ())), saved, against)


def make_plan(context: CommandContext, request: PlanRequest) -> Plan:
    """Return the plan of the project against its platform."""
    gc.disable()  # a plan is made once and lives to the end: looking for garbage meanwhile takes most of its time
    return plan_project(context.load, context.observe, request)


def redact_plan(context: CommandContext, planned: Plan) -> Plan:
    """Return the plan with what only a clock and the command line can tell, which is shown but not saved.

    See docs/semantics.md#actions.

    From now on, what looks like a credential in a prompt is kept out of everything that is written. A plan is saved
    before that: an apply holds the file against what it is going to write.
    """
    project = context.load()
    hide_credentials(context, project, planned)
    today = find_clock_change_today(planned, project, context.console.clock())
    if today:
        planned = replace(planned, findings=(*planned.findings, *today))
    return planned


def hide_credentials(context: CommandContext, project: Project, planned: Plan) -> None:
    """Keep what looks like a credential in the prompts of a plan out of everything that is written from now on."""
    for credential in sorted(credentials_of(project, planned)):
        context.console.redact_credential(Secret(credential))


def plan_exit_code(planned: Plan, *, is_detailed: bool) -> int:
    """Return a plan's code: 1 if an entry is blocked or a finding an error, else 3 if refused, else 2 if asked for."""
    code = exit_code(planned, is_refused=bool(planned.blocking_violations))
    return 2 if code == 0 and is_detailed and planned.changes else code


def exit_code(planned: Plan, summary: Summary | None = None, *, is_refused: bool = False) -> int:
    """Return the most serious code: a blocked entry makes a run that went well a failed or a partial one.

    See docs/cli.md#exit-codes.

    With a finding that is an error there is no run. ``is_refused`` if a guard or a person said no.
    """
    if summary is not None and summary.exit_code:
        return summary.exit_code
    if planned.blocked or errors(planned.findings):
        return 4 if summary is not None and summary.has_written else 1
    return 3 if is_refused else 0


def save_plan(context: CommandContext, planned: Plan, name: str) -> None:
    """Write the plan's document, readable by its owner only: it holds prompts."""
    from halo_iac.render.json import plan_json

    write_saved_plan(Path(name), context.cwd, context.console.redacted(plan_json(planned)))
