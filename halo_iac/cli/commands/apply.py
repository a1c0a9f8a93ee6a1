"""``halo apply``: carry out the plan."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.command import projects_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.target import policy_flags
from halo_iac.errors import UsageError
from halo_iac.render.formats import ReviewFormat
from halo_iac.storage.plan_file import read_saved_plan


@projects_command
def apply(
    context: CommandContext,
    plan_file: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A plan saved by `halo plan --out`; apply exactly this plan."),
    ] = None,
    target: options.Target = None,
    guards: options.GuardOptions = options.GuardOptions(),
    require_head: options.RequireHead = None,
    writing: options.WriteOptions = options.WriteOptions(),
    keep_going: options.KeepGoing = False,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,
) -> int:
    """Show the plan, ask for confirmation, and apply it.

    Makes the platform match the files. Without a terminal, pass --yes. With several project files, all plans are shown
    before the question. A problem or a refusal in one file stops all; after a failure the next files are not started.

    Exit codes: 0 done or nothing to do, 1 failed, 3 refused or declined, 4 partly applied, 5 an outcome is unknown,
    130 interrupted.

    \b
    Examples:
      halo apply
      halo apply --yes
      halo apply plan.json --yes
      halo apply --yes --also json=applied.json
      halo apply -f halo.yaml -f 'envs/*/halo.yaml'
    """
    if keep_going and not context.is_list:
        raise UsageError("--keep-going needs several project files", hint="remove --keep-going, or name them with -f")
    content = read_saved_plan(plan_file) if plan_file is not None else None
    context.tighten(guards.protect, guards.undeclared)
    with OutputWriter(context, format, also) as results:
        if require_head is not None:
            from halo_iac.cli.plan.base_project import require_heads

            require_heads(context, require_head)
        context.observe_early()
        # The loader, the planner and apply are imported while the platform responds.
        from halo_iac.cli.apply.flow import ApplyOptions, run_apply, show_plans
        from halo_iac.cli.plan.request import SavedPlan, make_plans

        saved = None if content is None or plan_file is None else SavedPlan(plan_file, content)
        made = make_plans(context, target or (), guards, saved=saved)
        runs = [run._replace(planned=run.redact_plan()) for run in made]
        if not results.is_document:
            show_plans(context, runs)
        command = ("apply",) if plan_file is None else ("apply", plan_file)
        # Options that permit something are not repeated in printed commands.
        targets = (word for key in target or () for word in ("--target", key))
        plan_flags = (*targets, *policy_flags(guards.protect, guards.undeclared))
        apply_options = ApplyOptions(*writing, command=command, plan_flags=plan_flags, keep_going=keep_going)
        return run_apply(context, results, runs, apply_options)
