"""``halo plan``: what apply would do."""

from __future__ import annotations

from halo_iac.cli import options
from halo_iac.cli.command import at_work
from halo_iac.cli.workplace import Workplace


@at_work
def plan(
    workplace: Workplace,
    target: options.Target = None,
    out: options.Out = None,
    detailed_exitcode: options.DetailedExitcode = False,
    allow_archive: options.AllowArchive = 0,
    allow_create: options.AllowCreate = None,
) -> int:
    """Show what apply would do; change nothing.

    Exit codes: 0 fine, 1 an entry is blocked or a file is bad, 2 changes are pending (only with --detailed-exitcode),
    3 a guard refuses.

    \b
    Examples:
      halo plan
      halo plan --file halo.staging.yaml --target checkout-daily
      halo plan --out plan.json && halo apply plan.json
    """
    console = workplace.console
    from halo_iac.cli.planning import make_plan, plan_exit_code, save_plan, show_plan, wish

    planned = make_plan(workplace, wish(target, allow_archive, allow_create))
    if out is not None:
        save_plan(workplace, planned, out)
    show_plan(workplace, planned, as_json=console.wants_json)
    if out is not None:
        console.say(f"Saved the plan to {out}; `halo apply {out}` applies it if it still holds.")
    return plan_exit_code(planned, is_detailed=detailed_exitcode)
