"""A report for a coding agent, with the traces that it cites as evidence.

See docs/semantics.md#brief-for-a-coding-agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.compared import compare_reports
from halo_iac.errors import NoReport
from halo_iac.render.markdown.brief import DEFAULT_CHARS, MIN_CHARS, Brief, brief_markdown
from halo_iac.render.style import LOG_WIDTH, Style
from halo_iac.render.text.report_diff import report_diff_text
from halo_iac.runs.evidence import citations_in, find_evidence, open_evidence
from halo_iac.runs.reports import fetch_before

if TYPE_CHECKING:
    from halo_iac.model.runs import Report

MaxChars = Annotated[
    int | None,
    typer.Option(
        "--max-chars",
        metavar="N",
        min=MIN_CHARS,
        help=f"With --for-agent: maximum length of the document; default: {DEFAULT_CHARS}.",
    ),
]


def make_brief(
    context: CommandContext,
    connection: Connection,
    report: Report,
    reference: str,
    schedule: str | None,
    max_chars: int | None,
) -> str:
    """Return a report as a document for a coding agent; reads its traces and the previous report."""
    cited = citations_in(report).traces
    opened = []
    if cited:
        found = find_evidence(connection.trace_reader, report, context.now)
        opened = open_evidence(connection.trace_reader, found)
    changes = _describe_changes(context, connection, report, reference)
    brief = Brief(report, reference, schedule, len(cited), opened, changes)
    return brief_markdown(brief, context.console.out_style, max_chars=max_chars or DEFAULT_CHARS)


def _describe_changes(context: CommandContext, connection: Connection, report: Report, name: str) -> str:
    """Return the changes since the schedule's previous report; empty if there is none."""
    try:
        before = fetch_before(connection.run_reader, report)
    except NoReport:
        return ""
    comparison = compare_reports(context.console, name, before, report)
    return report_diff_text(comparison, Style(width=LOG_WIDTH)).strip("\n")
