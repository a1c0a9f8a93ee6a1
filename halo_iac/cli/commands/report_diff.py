"""``halo report diff``: what is new, gone and changed from one report to another."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.compared import compare_references
from halo_iac.render.report_diff import report_diff_json
from halo_iac.render.text.report_diff import report_diff_text


@platform_command
def diff_reports(
    context: CommandContext,
    before: Annotated[
        str,
        typer.Argument(
            metavar="A|KEY",
            help="The earlier report: a file, or anything that `halo report get` accepts; alone, the later one.",
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(metavar="B", help="The later report; without it, A is compared with the report before it."),
    ] = None,
    format: options.DocumentFormatOption = options.DocumentFormat.TEXT,
) -> int:
    """Show what is new, gone and changed from one report to another.

    Compares section by section and marks the changed words of a line and the changed cells of a row. Values that always
    differ are ignored: ids, times and small changes of durations. For a schedule, the latest report is compared with
    the previous one. Comparing two files needs no key and no platform.

    \b
    Examples:
      halo report diff checkout-daily
      halo report diff reports/monday.md reports/tuesday.md
      halo report diff reports/monday.md checkout-daily --format markdown
    """
    console = context.console
    comparison = compare_references(context, before, after)
    if console.wants_json:
        console.print(report_diff_json(comparison))
    elif format is options.DocumentFormat.MARKDOWN:
        from halo_iac.render.markdown.report_diff import report_diff_markdown

        console.print(report_diff_markdown(comparison, console.out_style))
    else:
        console.print(report_diff_text(comparison, console.out_style))
    return 0
