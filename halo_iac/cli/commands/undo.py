"""``halo undo``: take back what an apply, a pause or a resume has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac import exit_codes
from halo_iac.cli import options
from halo_iac.cli.apply.flow import ApplyOptions, run_apply, show_plans
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.plan.request import ProjectRun, redact_credentials
from halo_iac.errors import UsageError
from halo_iac.hints import Command, Hint
from halo_iac.paths import display_path
from halo_iac.pipeline import plan_undo
from halo_iac.plan import Overrides
from halo_iac.render.formats import ReviewFormat
from halo_iac.storage.receipt_reader import load_receipt
from halo_iac.text import counted
from halo_iac.undo import check_same_target

if TYPE_CHECKING:
    from halo_iac.model.project import Project
    from halo_iac.model.receipt import Receipt
    from halo_iac.model.remote import PlatformState, PlatformTarget


_WRITTEN: Final = {exit_codes.OK, exit_codes.PARTLY_APPLIED, exit_codes.UNKNOWN_OUTCOME}
"""The exit codes of runs that have changed something, or may have."""


@platform_command
def undo(
    context: CommandContext,
    receipt_file: Annotated[
        str | None, typer.Argument(metavar="RECEIPT", help="The receipt that the run wrote.", show_default=False)
    ] = None,
    allow_archive: options.AllowArchive = 0,
    allow_incomplete: options.AllowIncomplete = False,
    protect: options.Protect = None,
    writing: options.WriteOptions = options.WriteOptions(),
) -> int:
    """Undo an apply, a pause or a resume, using its receipt.

    Shows the plan of the undo and asks for confirmation. Created schedules are archived, changed schedules get their
    former values, and archived schedules are unarchived, but only if they are still as the run left them. An undo
    writes a new receipt.

    Exit codes: as for `halo apply`; 3 also if the receipt is of another platform or project.

    \b
    Examples:
      halo undo .halo/receipts/20261101T090000.000Z-3f9a1c.jsonl
      halo undo receipt.jsonl --yes --allow-archive 5
    """
    if receipt_file is None:
        raise _no_receipt_error(context)
    context.tighten(protect, None)
    with OutputWriter(context, ReviewFormat.TEXT, None) as results:  # a page would replace the page of the plan
        read = load_receipt(receipt_file)

        def observe(project: Project) -> tuple[PlatformTarget, PlatformState]:
            check_same_target(read, context.host(project))
            return context.observe(project)

        project = context.project_or_empty()
        overrides = Overrides(allow_archive)
        planned = plan_undo(read, lambda: project, observe, overrides, allows_gap=allow_incomplete)
        redact_credentials(context, project, planned)
        console = context.console
        if not results.is_document:
            console.print(console.out_style.safe(_heading(read)))
            show_plans(context, [ProjectRun(context, planned)], unchanged_state="as before the run")
        apply_options = ApplyOptions(*writing, "Undo with {changes} to {platform}", ("undo", receipt_file))
        code = run_apply(context, results, [ProjectRun(context, planned)], apply_options)
    if code in _WRITTEN and planned.changes and not console.wants_json:
        for warning in planned.warnings:
            console.log(console.err_style.safe(f"Note: {warning.message}."))
    return code


def _no_receipt_error(context: CommandContext) -> UsageError:
    """Return the error for a command that names no receipt; the latest one is suggested, never chosen."""
    folder = context.private_folder / "receipts"
    latest = max(folder.glob("*.jsonl"), default=None)  # their names begin with the time
    if latest is None:
        hint: str = f"{display_path(folder, context.cwd)} has none; name the file that `halo apply --receipt` wrote"
    else:
        hint = Hint("run `{}` to undo the latest run", Command("undo", display_path(latest, context.cwd)))
    return UsageError("no receipt was named", hint=hint)


def _heading(receipt: Receipt) -> str:
    reason = f"  {receipt.header.reason}" if receipt.header.reason else ""
    return f"Receipt  {receipt.name}  ({counted(len(receipt.writes), 'write')}, {receipt.header.at}){reason}"
