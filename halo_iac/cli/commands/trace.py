"""``halo trace``: traces as ``inf trace`` lists and shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from halo_iac.api.pagination import MAX_PAGE_SIZE
from halo_iac.api.traces import DEFAULT_SPANS, DEFAULT_TRACES, Order
from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.commands.trace_queries import add_to, json_option
from halo_iac.cli.context import CommandContext
from halo_iac.cli.traces.facets import FacetOptions, show_facets
from halo_iac.cli.traces.filters import FilterOptions, SortOrder, build_filters
from halo_iac.cli.traces.lists import PageStream, parse_spans, trace_document, write_document, write_traces
from halo_iac.cli.traces.lookup import choose_trace, read_trace
from halo_iac.cli.traces.search_results import search_results_text
from halo_iac.errors import UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.traces import Span, Trace
from halo_iac.render.json import document
from halo_iac.render.style import Style
from halo_iac.render.text.traces.views import (
    TraceOptions,
    trace_spans,
    trace_summary,
    trace_thread,
    trace_timeline,
    trace_tree,
)
from halo_iac.text import counted

_HELP = """List and show the traces that reports analyse.

\b
Examples:
  halo trace list --status error --range 7d
  halo trace get 84559aaf5d124026b1da35a7a66d9e94
"""

group = typer.Typer(name="trace", help=_HELP, rich_markup_mode=None)
alias = typer.Typer(name="traces", help=_HELP, rich_markup_mode=None)


class TraceSort(StrEnum):
    """The sort keys of traces."""

    START_TIME = "start_time"
    DURATION = "duration"
    TOTAL_COST = "total_cost"
    TOTAL_TOKENS = "total_tokens"
    SPAN_COUNT = "span_count"
    LLM_SPAN_COUNT = "llm_span_count"


class TraceView(StrEnum):
    """The views of a trace."""

    SUMMARY = "summary"
    TREE = "tree"
    TIMELINE = "timeline"
    THREAD = "thread"
    SPANS = "spans"
    RAW = "raw"


_VIEWS: Final[dict[TraceView, Callable[[Trace, Iterable[Span], Style, TraceOptions], Iterator[str]]]] = {
    TraceView.SUMMARY: trace_summary,
    TraceView.TREE: trace_tree,
    TraceView.TIMELINE: trace_timeline,
    TraceView.THREAD: trace_thread,
    TraceView.SPANS: trace_spans,
}


_VIEWS_WITHOUT_COUNT: Final = frozenset({TraceView.SPANS, TraceView.THREAD})
"""Views that do not show the number of spans that were not read."""


@platform_command
def list_traces(
    context: CommandContext,
    limit: options.RowLimit = DEFAULT_TRACES,
    cursor: options.PageCursor = None,
    sort: Annotated[
        TraceSort | None,
        typer.Option("--sort", metavar="|".join(TraceSort), help="Field to sort by; default: start_time."),
    ] = None,
    order: SortOrder = None,
    filters: FilterOptions = FilterOptions(),
) -> int:
    """List traces, newest first.

    Without --range, or --from and --to, lists those of the last day. An invalid --filter prints the valid fields.

    \b
    Examples:
      halo trace list --status error --range 7d
      halo trace list --agent checkout --filter 'duration>5000'
      halo trace list --metadata tool.name=search --sort total_cost --json
    """
    wanted = build_filters(filters, context.now)
    reader = context.connect_for_reading().trace_reader
    pages = reader.trace_pages(wanted, limit=limit, cursor=cursor, order=Order(sort, order))
    write_traces(context.console, pages, filters)
    return 0


@platform_command
def get_trace(
    context: CommandContext,
    trace_id: Annotated[
        str | None, typer.Argument(metavar="TRACE", help="The trace's id; if none is given, choose from a list.")
    ] = None,
    view: Annotated[
        TraceView, typer.Option("--view", metavar="|".join(TraceView), help="How to show it; raw is JSON.")
    ] = TraceView.SUMMARY,
    span: Annotated[
        str | None, typer.Option("--span", metavar="SPAN", help="Open and mark this span in the tree or timeline.")
    ] = None,
    no_fold: Annotated[bool, typer.Option("--no-fold", help="Draw every span of a long tree or timeline.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of spans.")] = DEFAULT_SPANS,
    page_size: Annotated[
        int, typer.Option("--page-size", metavar="N", min=1, help="Spans of one request; at most 100.")
    ] = MAX_PAGE_SIZE,
    cursor: options.PageCursor = None,
    all_: Annotated[bool, typer.Option("--all", help="Read every span; overrides --limit.")] = False,
    output: options.JsonOutput = None,
) -> int:
    """Show a trace: its summary and the tree of its spans.

    An id from a report is enough: no time range is needed. A long tree is folded, except on the paths to failed steps.

    \b
    Examples:
      halo trace get 84559aaf5d124026b1da35a7a66d9e94
      halo trace get 84559aaf5d124026b1da35a7a66d9e94 --view thread
      halo trace get 84559aaf5d124026b1da35a7a66d9e94 --all --output trace.json
    """
    console = context.console
    size, most = min(page_size, MAX_PAGE_SIZE), None if all_ else limit
    put_document = write_document(context, output)
    reader = context.connect_for_reading().trace_reader
    trace = read_trace(context, reader, trace_id or choose_trace(context, reader))
    stream = PageStream(reader.span_pages(trace.id, limit=most, page_size=size, cursor=cursor))
    if output is not None or console.wants_json or view is TraceView.RAW:
        put_document(trace_document(trace, stream, size, most))
        return 0
    lines = _VIEWS[view](trace, parse_spans(stream), console.out_style, TraceOptions(span, is_whole=no_fold))
    console.print_parts(f"{line}\n" for line in lines)
    shows_count = view not in _VIEWS_WITHOUT_COUNT and trace.span_count is not None
    if stream.last.next_cursor is not None and not shows_count:
        every = Command("trace", "get", trace.id, "--view", view, "--all")
        console.log(Hint("Only {} were read; `{}` reads them all.", counted(stream.row_count, "span"), every))
    return 0


@platform_command
def search_traces(
    context: CommandContext,
    words: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text to search for.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="TEXT", help="Text to search for, instead of TEXT.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", metavar="N", min=1, help="Maximum number; default: the platform's.")
    ] = None,
    cursor: options.PageCursor = None,
    json_filters: Annotated[
        str | None,
        typer.Option("--filters", metavar="JSON", help="Filters in the platform's own format, as a JSON object."),
    ] = None,
    filters: FilterOptions = FilterOptions(),
    project: options.ProjectId = None,
    team: options.TeamId = None,
) -> int:
    """Search the text of traces.

    Shows the platform's response. Without a filter, traces of any time are searched.

    \b
    Examples:
      halo trace search 'card declined'
      halo trace search timeout --agent checkout --range 7d --json
    """
    del project, team  # the context has them
    console = context.console
    text = _search_text(words, query)
    wanted = _search_filters(json_filters, filters, context)
    reader = context.connect_for_reading().trace_reader
    found = reader.search(text, filters=wanted, limit=limit, cursor=cursor)
    console.print(document(found) if console.wants_json else search_results_text(found, console.out_style))
    if isinstance(found, dict) and found.get("nextCursor") is not None:
        console.log("There are more; use --limit to show them.")
    return 0


@platform_command
def facet_traces(
    context: CommandContext,
    facets: FacetOptions = FacetOptions(),
    filters: FilterOptions = FilterOptions(),
) -> int:
    """Count the values that traces can be filtered by.

    \b
    Examples:
      halo trace facets --range 7d
      halo trace facets --facet llm_model_name,service_name --status error
      halo trace facets --attribute-key span:tool.name
    """
    return show_facets(context, facets, build_filters(filters, context.now))


def _search_text(words: str | None, query: str | None) -> str:
    if words is not None and query is not None:
        raise UsageError("TEXT and --query were both given", hint="pass one of them")
    text = words if words is not None else query
    if text is None or not text.strip():
        raise UsageError("no search text was given", hint="give a text, such as `halo trace search timeout`")
    return text


def _search_filters(given: str | None, options_: FilterOptions, context: CommandContext) -> dict[str, Any] | None:
    if given is None:
        return None if options_ == FilterOptions() else build_filters(options_, context.now)
    if options_ != FilterOptions():
        raise UsageError("--filters cannot be combined with other filter options", hint="use one or the other")
    return json_option("--filters", given, dict)


for each in (group, alias):
    each.command("list")(list_traces)
    each.command("ls", hidden=True)(list_traces)
    each.command("get")(get_trace)
    each.command("show", hidden=True)(get_trace)
    each.command("search")(search_traces)
    each.command("facets")(facet_traces)
    add_to(each)
