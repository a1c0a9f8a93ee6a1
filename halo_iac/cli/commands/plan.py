"""``halo plan``: what apply would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from halo_iac import exit_codes
from halo_iac.cli import options
from halo_iac.cli.command import projects_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.target import policy_flags
from halo_iac.errors import FindingError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.finding import errors
from halo_iac.render.formats import ProjectPlan, ReviewFormat

if TYPE_CHECKING:
    from halo_iac.base_comparison import BaseProject
    from halo_iac.cli.console import Console
    from halo_iac.model.finding import Finding
    from halo_iac.model.plan import Plan


@projects_command
def plan(
    context: CommandContext,
    target: options.Target = None,
    out: options.Out = None,
    detailed_exitcode: options.DetailedExitcode = False,
    guards: options.GuardOptions = options.GuardOptions(),
    base: options.Base = None,
    accept_policy_change: options.AcceptPolicyChange = False,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,
) -> int:
    """Show what apply would change; change nothing.

    Exit codes: 0 success, 1 an entry is blocked, a file is invalid or a finding is an error, 2 changes are pending
    (only with --detailed-exitcode), 3 a guard refuses the plan.

    \b
    Examples:
      halo plan
      halo plan --file halo.staging.yaml --target checkout-daily
      halo plan --out plan.json && halo apply plan.json
      halo plan --base origin/main --format github --also markdown=plan.md
      halo plan -f halo.yaml -f 'envs/*/halo.yaml'
    """
    console = context.console
    context.tighten(guards.protect, guards.undeclared)
    with OutputWriter(context, format, also, out) as results:
        base_projects = _load_bases(context, base, accepts_policy=accept_policy_change)
        context.observe_early()
        # What reads files and makes a plan is imported while the platform answers.
        from halo_iac.cli.plan.request import make_plans, plan_exit_code, save_plans

        runs = make_plans(context, target or (), guards, base_projects=base_projects)
        if out is not None:
            save_plans(context, runs, out)
        plans = [ProjectPlan(run.planned, run.redact_plan(), format_command=run.context.format_command) for run in runs]
        results.write_plans(plans)
    if out is not None:
        shown = [each.shown for each in plans]
        console.log(_describe_saved(shown, out, console.err_style.safe(out), _guard_flags(guards)))
    for each in plans if console.wants_json else ():
        _print_clock_findings(console, each.shown.findings[len(each.planned.findings) :])
    return exit_codes.most_serious(plan_exit_code(each.shown, is_detailed=detailed_exitcode) for each in plans)


def _load_bases(context: CommandContext, ref: str | None, *, accepts_policy: bool) -> Sequence[BaseProject]:
    """Return the base of each project file; none without ``--base``."""
    if ref is not None:
        from halo_iac.cli.plan.base_project import load_bases

        return load_bases(context, ref, accepts_policy=accepts_policy)
    if accepts_policy:
        raise UsageError(
            "--accept-policy-change requires --base", hint="add --base REF, or remove --accept-policy-change"
        )
    return ()


def _print_clock_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print the findings that depend on the clock, which the plan's document does not contain."""
    failing = errors(findings)
    if failing:
        lines = "\n".join(f"{finding.rule}: {finding.path}:{finding.line}: {finding.message}" for finding in failing)
        console.print_error(FindingError(lines, hint=failing[0].hint))


def _guard_flags(guards: options.GuardOptions) -> list[str]:
    """Return the options that apply needs again: a saved plan holds no permission, and its policy has to be equal."""
    return [
        *(word for key in guards.allow_create or () for word in ("--allow-create", key)),
        *(word for key in guards.allow_takeover or () for word in ("--allow-takeover", key)),
        *(["--allow-archive", str(guards.allow_archive)] if guards.allow_archive else ()),
        *policy_flags(guards.protect, guards.undeclared),
    ]


def _describe_saved(plans: Sequence[Plan], out: str, shown: str, permits: Iterable[str]) -> str:
    """Return the message about a saved plan, the command that applies it; ``shown`` is its path to be printed."""
    if any(plan.blocking_violations or errors(plan.findings) for plan in plans):
        return f"Saved the plan to {shown}, but `halo apply` refuses it."
    return Hint("Saved the plan to {}. To apply it, run `{}`.", shown, Command("apply", out, *permits))
