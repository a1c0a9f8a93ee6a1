"""``halo report traces``: the traces that a report cites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.lookup import find_report
from halo_iac.render.json import document
from halo_iac.render.text.evidence import evidence_text, is_missing
from halo_iac.runs.evidence import DEFAULT_TRACES, citations_in, find_evidence

if TYPE_CHECKING:
    from halo_iac.model.evidence import Citation, Evidence


@platform_command
def report_traces(
    context: CommandContext,
    id_: options.ReportReference,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="Maximum number of traces to read.")
    ] = DEFAULT_TRACES,
    concurrency: options.RequestConcurrency = options.DEFAULT_CONCURRENCY,
) -> int:
    """Show the traces that a report cites, and what failed in them.

    Lists them in the order of the report. Finds full and truncated ids in its text, and also lists those that the
    platform does not have. Exit codes: 0 every trace was looked up, 1 some could not be.

    \b
    Examples:
      halo report traces checkout-daily
      halo report traces d4e6f8a0-2c4e-4a6c-8e0f-1a2b3c4d5e6f --json
    """
    console = context.console
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    report, _ = find_report(connection, project, id_)
    citations = citations_in(report)
    found: list[Evidence] = []
    if citations.traces:
        found = find_evidence(connection.trace_reader, report, context.now, limit=limit, at_once=concurrency)
    if console.wants_json:
        spans = [
            {"spanId": each.id, "isCut": each.is_cut, "traceId": each.trace, "places": _places(each)}
            for each in citations.spans
        ]
        console.print(document({**report.facts(), "traces": [*map(_trace_fields, found)], "spans": spans}))
    else:
        console.print(evidence_text(found, citations.spans, console.out_style))
    return int(any(each.read_error is not None for each in found))


def _trace_fields(found: Evidence) -> dict[str, Any]:
    """Return a cited trace for ``--json``: ``trace`` is as the platform sends it, ``null`` where it has none."""
    trace, read_error = found.trace, found.read_error
    return {
        "traceId": trace.id if trace is not None else None,
        "cited": found.citation.id,
        "places": _places(found.citation),
        "trace": trace.wire if trace is not None else None,
        "failedSpans": [span.wire for span in found.failed],
        "isMissing": is_missing(found),
        "isUnread": found.is_unread,
        "alike": list(found.alike),
        "error": None if read_error is None else {"code": read_error.code, "message": read_error.message},
    }


def _places(citation: Citation) -> list[dict[str, Any]]:
    return [place._asdict() for place in citation.places]
