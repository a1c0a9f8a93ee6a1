"""``halo apply``: carry out the plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.target import policy_flags
from halo_iac.render.view import ReviewFormat
from halo_iac.storage.plan_file import read_saved_plan


@platform_command
def apply(
    context: CommandContext,
    plan_file: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A plan saved by `halo plan --out`; apply exactly this plan."),
    ] = None,
    target: options.Target = None,
    yes: options.Yes = False,
    allow_archive: options.AllowArchive = 0,
    allow_create: options.AllowCreate = None,
    protect: options.Protect = None,
    undeclared: options.Undeclared = None,
    require_head: options.RequireHead = None,
    concurrency: options.Concurrency = 8,
    max_rps: options.MaxRps = 50,
    receipt: options.Receipt = None,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show the plan, ask for confirmation, and apply it.

    Makes the platform match the files. Without a terminal, pass --yes.

    Exit codes: 0 done or nothing to do, 1 failed, 3 refused or declined, 4 partly applied, 5 an outcome is unknown,
    130 interrupted.

    \b
    Examples:
      halo apply
      halo apply --yes
      halo apply plan.json --yes
      halo apply --yes --also json=applied.json
    """
    saved = read_saved_plan(plan_file) if plan_file is not None else None
    context.tighten(protect, undeclared)
    with OutputWriter(context, format, also) as results:
        if require_head is not None:
            from halo_iac.cli.base_project import require_head as check

            check(context, require_head)
        context.observe_early()
        # What reads files, makes a plan and carries it out is imported while the platform answers.
        from halo_iac.cli.apply_flow import ApplyOptions, run_apply, show_plan
        from halo_iac.cli.plan_request import make_plan, plan_request, redact_plan

        request = plan_request(target, allow_archive, allow_create, saved=saved)
        planned = redact_plan(context, make_plan(context, request))
        if not results.is_document:
            show_plan(context.console, planned)
        again = ("apply",) if plan_file is None else ("apply", plan_file)
        limits = _limits(target, protect, undeclared)
        how = ApplyOptions(yes, concurrency, max_rps, receipt, again=again, limits=limits)
        return run_apply(context, results, planned, how)


def _limits(targets: Iterable[str] | None, protect: Iterable[str] | None, undeclared: str | None) -> list[str]:
    """Return the options that limit what is planned; what permits something has to be thought of again."""
    chosen = [word for target in targets or () for word in ("--target", target)]
    return [*chosen, *policy_flags(protect, undeclared)]
