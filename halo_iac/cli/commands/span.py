"""``halo span``: the steps of traces as ``inf span`` lists and shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Final

import typer

from halo_iac.api.traces import DEFAULT_TRACES, Order
from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.traces.facets import FacetOptions, show_facets
from halo_iac.cli.traces.filters import FilterOptions, SortOrder, SpanFilterOptions, build_filters
from halo_iac.cli.traces.lists import write_document, write_spans
from halo_iac.cli.traces.lookup import read_span
from halo_iac.model.traces import SpanDetail
from halo_iac.render.json import document
from halo_iac.render.style import Style
from halo_iac.render.text.traces.span import span_attributes, span_events, span_io, span_links, span_summary

_HELP = """List and show spans, the steps of traces.

\b
Examples:
  halo span list --kind TOOL --status error
  halo span get 84559aaf5d124026b1da35a7a66d9e94 261fcb79ae604e8c
"""

group = typer.Typer(name="span", help=_HELP, rich_markup_mode=None)
alias = typer.Typer(name="spans", help=_HELP, rich_markup_mode=None)


class SpanSort(StrEnum):
    """The sort keys of spans."""

    START_TIME = "start_time"
    DURATION_NS = "duration_ns"
    COST_TOTAL = "cost_total"
    TOTAL_TOKENS = "total_tokens"


class SpanView(StrEnum):
    """The views of a span."""

    SUMMARY = "summary"
    IO = "io"
    ATTRIBUTES = "attributes"
    EVENTS = "events"
    LINKS = "links"
    RAW = "raw"


_VIEWS: Final[dict[SpanView, Callable[[SpanDetail, Style], Iterator[str]]]] = {
    SpanView.SUMMARY: span_summary,
    SpanView.IO: span_io,
    SpanView.ATTRIBUTES: span_attributes,
    SpanView.EVENTS: span_events,
    SpanView.LINKS: span_links,
}


@platform_command
def list_spans(
    context: CommandContext,
    limit: options.RowLimit = DEFAULT_TRACES,
    cursor: options.PageCursor = None,
    sort: Annotated[
        SpanSort | None,
        typer.Option("--sort", metavar="|".join(SpanSort), help="Field to sort by; default: start_time."),
    ] = None,
    order: SortOrder = None,
    spans: SpanFilterOptions = SpanFilterOptions(),
    filters: FilterOptions = FilterOptions(),
) -> int:
    """List spans of any trace, newest first.

    Without --range, or --from and --to, lists those of the last day.

    \b
    Examples:
      halo span list --kind TOOL --status error
      halo span list --trace-id 84559aaf5d124026b1da35a7a66d9e94 --range all
      halo span list --model gpt-4o --sort duration_ns --filter 'duration>500'
    """
    wanted = build_filters(filters, context.now, spans)
    reader = context.connect_for_reading().trace_reader
    pages = reader.span_list_pages(wanted, limit=limit, cursor=cursor, order=Order(sort, order))
    write_spans(context.console, pages, filters)
    return 0


@platform_command
def get_span(
    context: CommandContext,
    trace_id: Annotated[str, typer.Argument(metavar="TRACE", help="The trace's id.")],
    span_id: Annotated[str, typer.Argument(metavar="SPAN", help="The span's id.")],
    view: Annotated[
        SpanView, typer.Option("--view", metavar="|".join(SpanView), help="What to show; raw is JSON.")
    ] = SpanView.SUMMARY,
    output: options.JsonOutput = None,
) -> int:
    """Show a span: its input, output and error.

    \b
    Examples:
      halo span get 84559aaf5d124026b1da35a7a66d9e94 261fcb79ae604e8c
      halo span get 84559aaf5d124026b1da35a7a66d9e94 261fcb79ae604e8c --view io
    """
    console = context.console
    put_document = write_document(context, output)
    detail = read_span(context, context.connect_for_reading().trace_reader, trace_id, span_id)
    if output is not None or console.wants_json or view is SpanView.RAW:
        put_document([document(detail.wire)])
    else:
        console.print_parts(f"{line}\n" for line in _VIEWS[view](detail, console.out_style))
    return 0


@platform_command
def facet_spans(
    context: CommandContext,
    facets: FacetOptions = FacetOptions(),
    spans: SpanFilterOptions = SpanFilterOptions(),
    filters: FilterOptions = FilterOptions(),
) -> int:
    """Count the values that spans can be filtered by.

    \b
    Examples:
      halo span facets --facet observation_kind --agent checkout
      halo span facets --attribute-key span:tool.name --status error
    """
    return show_facets(context, facets, build_filters(filters, context.now, spans), of_spans=True)


for each in (group, alias):
    each.command("list")(list_spans)
    each.command("ls", hidden=True)(list_spans)
    each.command("get")(get_span)
    each.command("show", hidden=True)(get_span)
    each.command("facets")(facet_spans)
