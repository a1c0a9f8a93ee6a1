"""``halo drift``: how the platform and the files differ."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_iac import exit_codes
from halo_iac.cli import options
from halo_iac.cli.command import projects_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.model.drift import DriftKind
from halo_iac.render.formats import ProjectDrift, ReviewFormat

_Ignore = Annotated[
    list[DriftKind] | None,
    typer.Option(
        "--ignore",
        metavar="KIND",
        help="Count differences of this kind, but do not list them or fail: changed, missing, paused, "
        "auto-paused, undeclared or blocked; can be repeated.",
    ),
]


@projects_command
def drift(
    context: CommandContext,
    ignore: _Ignore = None,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,
) -> int:
    """Show how the platform and the files differ; change nothing.

    Lists schedules that were changed, are missing, were paused by hand or by the platform, or are undeclared, and
    blocked entries. A manual edit and a merge that has not been applied yet look the same. Guards are not evaluated.
    Exit codes: 0 no drift, 1 the comparison failed, 2 drift.

    \b
    Examples:
      halo drift
      halo drift --ignore paused --ignore undeclared
      halo drift -f 'envs/*/halo.yaml' --format github --also markdown=drift.md
    """
    with OutputWriter(context, format, also, page="drift") as results:
        if not context.is_list:
            context.observe_early()
        # What reads files and makes a plan is imported while the platform answers.
        from halo_iac.cli.plan.request import observe

        found = [each.drift for each in observe(context, frozenset(ignore or ()))]
        if context.is_list:
            named = [
                ProjectDrift(*each) for each in zip(found, (p.format_command for p in context.projects), strict=True)
            ]
            results.write(lambda view: view.drifts(named))
        else:
            results.write(lambda view: view.drift(*found))
    return exit_codes.PENDING if any(each.items for each in found) else exit_codes.OK
