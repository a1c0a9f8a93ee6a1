"""``halo plan``: what apply would do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from halo_iac.cli import options
from halo_iac.cli.command import at_work
from halo_iac.cli.workplace import Workplace

if TYPE_CHECKING:
    from halo_iac.model.change import Plan


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
        console.say(_saved(workplace, planned, out, allow_archive, allow_create or ()))
    return plan_exit_code(planned, is_detailed=detailed_exitcode)


def _saved(workplace: Workplace, planned: Plan, out: str, allow_archive: int, allow_create: Iterable[str]) -> str:
    """Return what is said of a saved plan: the command that applies it, with the permissions it needs again."""
    if planned.stopping:
        return f"Saved the plan to {out}, but it is refused as it is."
    from halo_iac.cli.running import again

    permits = [f"--allow-create {key}" for key in allow_create]
    if allow_archive:
        permits.append(f"--allow-archive {allow_archive}")
    command = again(workplace, " ".join(["apply", shlex.quote(out), *permits]))
    return f"Saved the plan to {out}; `{command}` applies it if it still holds."
