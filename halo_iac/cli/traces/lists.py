"""Lists of traces and spans, on standard output or in a file, written page by page in constant memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from halo_iac.api.traces import parse_span
from halo_iac.errors import UsageError
from halo_iac.model.traces import Facets, Span, SpanPage, Trace, TracePage
from halo_iac.render.json import LazyList, LazyMembers, document_parts
from halo_iac.render.text.table import table
from halo_iac.render.text.traces.rows import SPANS, TRACES, Columns, count_cell
from halo_iac.render.values import format_dollars, format_elapsed
from halo_iac.storage.atomic import check_writable
from halo_iac.storage.outputs import check_output, write_output

if TYPE_CHECKING:
    from halo_iac.api.pagination import Page
    from halo_iac.cli.console import Console
    from halo_iac.cli.context import CommandContext
    from halo_iac.cli.traces.filters import FilterOptions
    from halo_iac.render.style import Style
    from halo_iac.text import Document

P = TypeVar("P", TracePage, SpanPage, "Page")

_NOT_OURS: Final = "already there"


# Lists --------------------------------------------------------------------------------------------------------------


class PageStream(Generic[P]):
    """An iterator of pages, with the number of pages and rows read so far.

    The first page is read at once, so that an error of it comes before a document is begun. Until a second page is
    read, the rows can be iterated again.
    """

    last: P

    def __init__(self, pages: Iterator[P]) -> None:
        gc.enable()  # other commands read little; here the pages already written would stay in memory
        self.page_count = self.row_count = 0
        self._pages: Iterator[P] = map(self._counted, pages)
        next(self._pages)

    def rows(self) -> Iterator[Any]:
        """Yield the rows; each page is requested when its first row is."""
        yield from self.last.rows
        for page in self._pages:
            yield from page.rows

    def _counted(self, page: P) -> P:
        self.last = page
        self.page_count += 1
        self.row_count += len(page.rows)
        return page


def write_traces(console: Console, pages: Iterator[TracePage], filters: FilterOptions) -> None:
    """Write a list of traces; ``filters`` are those of its query."""
    _write_list(console, "traces", pages, TRACES, filters)


def write_spans(console: Console, pages: Iterator[SpanPage], filters: FilterOptions) -> None:
    """Write a list of spans; ``filters`` are those of its query."""
    _write_list(console, "spans", pages, SPANS, filters)


def _write_list(
    console: Console, name: str, pages: Iterator[Any], columns: Columns[Any], filters: FilterOptions
) -> None:
    stream: PageStream[Any] = PageStream(pages)

    def members() -> Iterator[tuple[str, Any]]:
        """Yield the rows of all pages, then all other members of the last page."""
        yield name, LazyList(lambda: (row.wire for row in stream.rows()))
        yield from ((key, value) for key, value in stream.last.wire.items() if key != name)

    if console.wants_json:
        console.print_parts(document_parts(LazyMembers(members)))
        return
    console.print_parts(f"{line}\n" for line in columns.lines(stream.rows(), console.out_style))
    if stream.last.next_cursor is not None:
        total = getattr(stream.last, "total", None)
        shown = "There are more" if total is None else f"{stream.row_count:,} of {total:,} {name} are shown"
        console.log(f"{shown}; use --limit to show {'them' if total is None else 'more'}.")
    elif not stream.row_count:
        where = " in the last day; --range 7d looks further back" if filters.is_last_day else ""
        console.log(f"No {name[:-1]} was found{where}.")


# The spans of one trace ---------------------------------------------------------------------------------------------


def parse_spans(stream: PageStream[Page]) -> Iterator[Span]:
    """Yield the spans of all pages."""
    return (parse_span(row, "traces.getSpans") for row in stream.rows())


def trace_document(trace: Trace, stream: PageStream[Page], page_size: int, limit: int | None) -> Iterator[Document]:
    """Yield the document that the official client makes of a trace and its spans."""

    def members() -> Iterator[tuple[str, Any]]:
        yield "trace", trace.wire
        yield "spans", LazyList(stream.rows)
        yield "nextCursor", stream.last.next_cursor
        yield "hasMoreSpans", stream.last.next_cursor is not None
        if "spanCount" in trace.wire:
            yield "spanCount", trace.wire["spanCount"]
        yield "loadedSpanCount", stream.row_count
        yield "pageCount", stream.page_count
        yield "pageSize", page_size
        yield "requestedLimit", limit

    return document_parts(LazyMembers(members))


def write_document(context: CommandContext, output: str | None) -> Callable[[Iterable[Document]], None]:
    """Return a function that writes a document to the file of ``--output``, else to standard output.

    A file that cannot be written is an error at once, before any request.
    """
    console = context.console
    if output is None:
        return console.print_parts
    if not output.strip():
        raise UsageError("--output is empty", hint="give it a file, or remove it")
    path = Path(output)
    check_output(path, context.cwd, _NOT_OURS, ())
    check_writable(path.parent)

    def write(parts: Iterable[Document]) -> None:
        write_output(path, context.cwd, _NOT_OURS, (), (console.redacted(part) for part in parts))
        console.log(console.err_style.safe(f"Wrote {path}"))

    return write


# Facets ---------------------------------------------------------------------------------------------------------


def facets_table(facets: Facets, style: Style) -> str:
    """Return the values of every facet that has any, one per line; for a numeric facet, its minimum and maximum."""
    rows = [
        (name, each.value, count_cell(each.count)) for name, values in facets.categorical.items() for each in values
    ]
    for name, found in facets.numeric.items():
        if found is not None:
            rows.append((name, _format_range(name, found, style), ""))
    for scope, keys in facets.attribute_keys.items():
        rows += [(f"{scope}_attributes", each.value, count_cell(each.count)) for each in keys]
    for scope, values in facets.attribute_values.items():
        rows += [(f"{scope} attribute", each.value, count_cell(each.count)) for each in values]
    return table(("FACET", "VALUE", "COUNT"), rows, style, uncut={"FACET", "VALUE"})


def _format_range(name: str, found: tuple[float, float], style: Style) -> str:
    least, most = found
    if name == "duration_ns":
        return f"{format_elapsed(int(least), style)} to {format_elapsed(int(most), style)}"
    if name == "cost_total":
        return f"{format_dollars(least)} to {format_dollars(most)}"
    return f"{least:,.0f} to {most:,.0f}"
