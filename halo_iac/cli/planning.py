"""What ``plan``, ``apply``, ``undo`` and ``import`` share: making a plan, showing it, and what its exit code is."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from halo_iac.cli.workplace import Workplace

if TYPE_CHECKING:
    from halo_iac.branch import Against
    from halo_iac.model.change import Plan
    from halo_iac.model.outcome import Summary
    from halo_iac.model.project import Project
    from halo_iac.pipeline import Wish


def wish(
    target: Sequence[str] | None,
    allow_archive: int,
    allow_create: Sequence[str] | None,
    *,
    saved: Plan | None = None,
    against: Against | None = None,
) -> Wish:
    """Return what the command line asks for; a saved plan brings its targets unless others are named."""
    from halo_iac.pipeline import Wish
    from halo_iac.plan import Overrides

    targets = tuple(dict.fromkeys(target or ()))
    if saved is not None and not targets:
        targets = saved.targets
    return Wish(targets, Overrides(allow_archive, frozenset(allow_create or ())), saved, against)


def make_plan(workplace: Workplace, wished: Wish, *, soon: Iterable[str] = ()) -> Plan:
    """Return the plan of the project against its platform; ``soon`` names modules that are needed once it is made."""
    # A plan is made once and lives to the end: collecting garbage in between costs two thirds of its time.
    gc.disable()
    from halo_iac.pipeline import plan_project

    return plan_project(workplace.load, partial(workplace.observe, soon=soon), wished)


def as_shown(workplace: Workplace, planned: Plan) -> Plan:
    """Return the plan with what only a clock and the command line can tell, which is shown but not saved.

    See docs/semantics.md#actions.

    From now on, what looks like a credential in a prompt is kept out of everything that is written. A plan is saved
    before that: an apply holds the file against what it is going to write.
    """
    from halo_iac.findings import find_today

    project = workplace.load()
    hide_credentials(workplace, project, planned)
    today = find_today(planned, project, workplace.console.clock())
    if today:
        planned = replace(planned, findings=(*planned.findings, *today))
    if not planned.blocked and not planned.refusals:
        return planned
    from halo_iac.cli.pasting import completed_plan

    return completed_plan(workplace, planned)


def hide_credentials(workplace: Workplace, project: Project, planned: Plan) -> None:
    """Keep what looks like a credential in the prompts of a plan out of everything that is written from now on."""
    from halo_iac.api.secret import Secret
    from halo_iac.findings import credentials_of

    for credential in sorted(credentials_of(project, planned)):
        workplace.console.hide_credential(Secret(credential))


def show_plan(workplace: Workplace, planned: Plan, *, as_json: bool, as_wanted: str = "as declared") -> None:
    """Write the plan to standard output; ``as_wanted`` is what is said of schedules that nothing is planned for."""
    console = workplace.console
    if as_json:
        from halo_iac.render.json import plan_json

        console.out(plan_json(planned))
        return
    from halo_iac.render.text.plan import plan_text

    console.out(plan_text(planned, console.out_style, now=console.clock(), as_wanted=as_wanted))


def plan_exit_code(planned: Plan, *, is_detailed: bool) -> int:
    """Return a plan's code: 1 if an entry is blocked or a finding an error, else 3 if refused, else 2 if asked for."""
    code = exit_code(planned, is_refused=bool(planned.stopping))
    return 2 if code == 0 and is_detailed and planned.changes else code


def exit_code(planned: Plan, summary: Summary | None = None, *, is_refused: bool = False) -> int:
    """Return the most serious code: a blocked entry makes a run that went well a failed or a partial one.

    See docs/cli.md#exit-codes.

    With a finding that is an error there is no run. ``is_refused`` if a guard or a person said no.
    """
    from halo_iac.model.finding import errors

    if summary is not None and summary.exit_code:
        return summary.exit_code
    if planned.blocked or errors(planned.findings):
        return 4 if summary is not None and summary.has_written else 1
    return 3 if is_refused else 0


def save_plan(workplace: Workplace, planned: Plan, name: str) -> None:
    """Write the plan's document, readable by its owner only: it holds prompts."""
    from halo_iac.cli.outputs import write_saved_plan
    from halo_iac.render.json import plan_json

    write_saved_plan(Path(name), workplace.cwd, workplace.console.veiled(plan_json(planned)))
