"""Finding a trace or a span by its id, or in a list of the latest; suggestions for unknown ids."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from halo_iac.api.pagination import MAX_PAGE_SIZE
from halo_iac.cli.picker import Choice, Picker
from halo_iac.cli.traces.filters import FilterOptions, TraceRange, build_filters
from halo_iac.errors import HaloError, PlatformError, Rejected, UsageError
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.render.text.traces.rows import TRACES
from halo_iac.text import closest_match

if TYPE_CHECKING:
    from halo_iac.api.traces import TraceReader
    from halo_iac.cli.context import CommandContext
    from halo_iac.model.traces import SpanDetail, Trace

_SHOWN: Final = ("START", "DURATION", "STATUS", "ROOT SPAN", "TRACE")
_LIST: Final = Command("trace", "list", "--range", "7d")
_SHORTEST_START: Final = 4
"""The fewest characters of the beginning of an id that match it."""


def read_trace(context: CommandContext, reader: TraceReader, trace_id: str) -> Trace:
    """Return a trace; the error for an unknown id names similar ids."""
    try:
        return reader.trace(trace_id)
    except Rejected as error:
        _raise_with_traces(error, context, reader, trace_id)


def read_span(context: CommandContext, reader: TraceReader, trace_id: str, span_id: str) -> SpanDetail:
    """Return a span; the error for an unknown id names spans of its trace with a similar id or name."""
    try:
        return reader.span(trace_id, span_id)
    except Rejected as error:
        if error.status != 404:
            raise
        known: dict[str, str] = {}
        with suppress(PlatformError):
            known = {span.id: span.name for span in reader.spans(trace_id, MAX_PAGE_SIZE)}
        if not known:
            _raise_with_traces(error, context, reader, trace_id)
        hint = Hint("run `{}` to see its spans", Command("trace", "get", trace_id, "--view", "spans"))
        _raise_with_suggestion(error, span_id, known, hint)


def _raise_with_traces(error: Rejected, context: CommandContext, reader: TraceReader, trace_id: str) -> NoReturn:
    """Raise the error; if the trace is unknown, with a suggestion of one of the latest traces."""
    if error.status != 404:
        raise error
    known: dict[str, str] = {}
    with suppress(PlatformError):
        every = build_filters(FilterOptions(range_=TraceRange.ALL), context.now)
        known = {trace.id: "" for trace in reader.traces(every, limit=MAX_PAGE_SIZE).rows}
    _raise_with_suggestion(error, trace_id, known, Hint("run `{}` to see the ids", _LIST))


def _raise_with_suggestion(error: Rejected, wanted: str, known: dict[str, str], otherwise: Hint) -> NoReturn:
    """Raise the error with a suggestion of a similar id; ``known`` maps ids to names."""
    near = _find_similar(wanted, known)
    error.hint = join_hints(" ", (near and f"did you mean {near}? If not,", otherwise))
    raise error


def _find_similar(wanted: str, known: dict[str, str]) -> str | None:
    """Return the only id with this beginning or this name, else the most similar one."""
    if len(wanted) >= _SHORTEST_START:
        begun = [id_ for id_ in known if id_.startswith(wanted.casefold())]
        if len(begun) == 1:
            return begun[0]
    named = [id_ for id_, name in known.items() if name == wanted]
    return named[0] if named else closest_match(wanted, known)


def choose_trace(context: CommandContext, reader: TraceReader) -> str:
    """Ask on the terminal for one of the latest traces and return it; a single one is returned without a question.

    Without a terminal it is an error that no id was given.
    """
    console = context.console
    if not console.is_interactive or console.wants_json:
        raise UsageError("no trace was given", hint=Hint("name one; run `{}` to see them", Command("trace", "list")))
    traces = reader.traces(build_filters(FilterOptions(), context.now)).rows
    if not traces:
        raise HaloError("there is no trace in the last day", hint=Hint("run `{}` to look further back", _LIST))
    if len(traces) == 1:
        return traces[0].id
    style = console.err_style
    shown = [name for name in _SHOWN if TRACES.has_room(name, style)]
    picker = Picker("trace", shown, TRACES.uncut, "Which trace (number, name or id)? ")
    choices = (
        Choice(trace, trace.root_name or trace.id, trace.id, [TRACES.cells[name](trace, style) for name in shown])
        for trace in traces
    )
    chosen = picker.ask(console, [*choices])
    if chosen is None:
        raise UsageError("no trace was chosen", hint="answer with a number or an id from the list")
    return chosen.id
