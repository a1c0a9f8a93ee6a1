"""The views of a trace (docs/protocol.md#trace-views): each takes a trace and its spans, and yields lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from halo_iac.hints import Command, Hint
from halo_iac.model.span_tree import MAX_INPUT_LENGTH, Anomaly, SpanTree, span_tree
from halo_iac.model.traces import Span, Trace
from halo_iac.render.style import Style
from halo_iac.render.text.table import record
from halo_iac.render.text.traces.rows import SPANS_OF_TRACE
from halo_iac.render.text.traces.thread import text_lines, thread_lines
from halo_iac.render.text.traces.tree import TreeDrawing
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import cut_text, format_dollars, format_elapsed
from halo_iac.text import counted

_MAX_FAILED: Final = 3
"""The number of failed spans for which the commands that show them are printed."""
_SHOWN_INPUT_LENGTH: Final = MAX_INPUT_LENGTH * 3 // 4
"""The most characters of the input of a failed span that are shown."""


class TraceOptions(NamedTuple):
    """How a trace is drawn: ``focus`` is the id of a span to open and mark; with ``is_whole`` nothing is folded."""

    focus: str | None = None
    is_whole: bool = False


_FOLDED: Final = TraceOptions()
"""How a trace is drawn by default."""


def trace_summary(trace: Trace, spans: Iterable[Span], style: Style, options: TraceOptions = _FOLDED) -> Iterator[str]:
    """Yield the facts of a trace, then its tree."""
    tree = span_tree(spans)
    yield from wrap_lines(record(_fact_rows(trace, tree, style), style).splitlines(), style)
    yield ""
    yield from _tree_lines(trace, tree, style, options)


def trace_tree(trace: Trace, spans: Iterable[Span], style: Style, options: TraceOptions = _FOLDED) -> Iterator[str]:
    """Yield the tree of a trace's spans, and the commands that show its failed spans."""
    return _tree_lines(trace, span_tree(spans), style, options)


def trace_timeline(trace: Trace, spans: Iterable[Span], style: Style, options: TraceOptions = _FOLDED) -> Iterator[str]:
    """Yield the tree with a bar for the time in which each span ran."""
    return _tree_lines(trace, span_tree(spans), style, options, is_timeline=True)


def trace_thread(trace: Trace, spans: Iterable[Span], style: Style, options: TraceOptions = _FOLDED) -> Iterator[str]:
    """Yield a trace as a conversation; long texts are cut unless ``options.is_whole``."""
    return thread_lines(trace.id, spans, style, is_whole=options.is_whole)


def trace_spans(
    trace: Trace,  # noqa: ARG001 - every view takes one
    spans: Iterable[Span],
    style: Style,
    options: TraceOptions = _FOLDED,  # noqa: ARG001
) -> Iterator[str]:
    """Yield a table of the spans in the order in which they are read, in constant memory."""
    return SPANS_OF_TRACE.lines(spans, style)


def _tree_lines(
    trace: Trace, tree: SpanTree, style: Style, options: TraceOptions, *, is_timeline: bool = False
) -> Iterator[str]:
    """Yield a tree, then notes on the spans that are not drawn and the commands that show them."""
    drawing = TreeDrawing(tree, style, focus=options.focus, is_whole=options.is_whole, is_timeline=is_timeline)
    yield from drawing.lines() if tree.size else ()
    remarks = wrap_lines((style.safe(remark) for remark in _notes(trace, tree, options, drawing)), style)
    for notes in (list(_failed_lines(trace, tree, style)), list(remarks)):
        yield from ("", *notes) if notes else ()


def _fact_rows(trace: Trace, tree: SpanTree, style: Style) -> list[tuple[str, str]]:
    kind = f" ({trace.root_kind})" if trace.root_kind else ""
    environment = f" ({trace.environment})" if trace.environment else ""
    count = tree.size if trace.span_count is None else trace.span_count
    llm = f", {trace.llm_span_count:,} of them LLM" if trace.llm_span_count else ""
    cached = f", {trace.cached_tokens:,} of them from a cache" if trace.cached_tokens else ""
    facts = {
        "Trace": trace.id,
        "Root": trace.root_name and f"{trace.root_name}{kind}",
        "Agent": trace.agent,
        "Service": trace.service and f"{trace.service}{environment}",
        "Start": trace.started_at,
        "Duration": format_elapsed(trace.duration_ns, style),
        "Spans": f"{count:,}{llm}",
        "Tokens": f"{trace.total_tokens:,}{cached}" if trace.total_tokens else None,
        "Cost": format_dollars(trace.cost) if trace.cost else None,
        "Status": style.displayable("✗ error") if trace.has_error or tree.failing else "ok",
    }
    return [(name, value) for name, value in facts.items() if value]


# Remarks below a tree -----------------------------------------------------------------------------------------------


def _failed_lines(trace: Trace, tree: SpanTree, style: Style) -> Iterator[str]:
    for node in tree.failing[:_MAX_FAILED]:
        message = f": {node.message}" if node.message else ""
        text = f"{style.displayable('✗')} {style.safe((node.name or node.id) + message)}"
        yield from (style.paint(line, "failed") for line in wrap_lines([text], style))
        if node.given:
            shown, left_out = cut_text(node.given, _SHOWN_INPUT_LENGTH)
            given = " ".join(shown.split()) + (style.displayable("…") if left_out else "")
            yield from wrap_lines(text_lines(given, style, lead=style.displayable("→ ")), style)
        yield f"  {style.command('span', 'get', trace.id, node.id)}"
    more = len(tree.failing) - _MAX_FAILED
    if more > 0 or (trace.has_error and not tree.failing):
        none_read = "No span that was read failed, but the trace has an error:"
        yield f"{counted(more, 'more step')} failed:" if tree.failing else none_read
        yield f"  {style.command('span', 'list', '--trace-id', trace.id, '--status', 'error', '--range', 'all')}"


def _notes(trace: Trace, tree: SpanTree, options: TraceOptions, drawing: TreeDrawing) -> Iterator[str]:
    total = trace.span_count or 0
    if not tree.size:
        yield "It has no spans." if not total else "No span was read."
    elif tree.size < total:
        every = Command("trace", "get", trace.id, "--all")
        yield Hint("{} of its {} spans were read; `{}` reads them all.", f"{tree.size:,}", f"{total:,}", every)
    if options.focus is not None and tree.find(options.focus) is None:
        yield f"Span {options.focus} is not among the spans that were read."
    orphans, cycles = tree.anomalies(Anomaly.ORPHAN), tree.anomalies(Anomaly.CYCLE)
    if orphans:
        named = "names a parent" if orphans == 1 else "name parents"
        yield f"{counted(orphans, 'span')} {named} not among the spans that were read."
    if cycles:
        yield f"{counted(cycles, 'cycle')} of spans below themselves, drawn from the span that began first."
    if drawing.is_folded:
        yield Hint("Some spans are folded; `{}` draws each.", Command("trace", "get", trace.id, "--no-fold"))
