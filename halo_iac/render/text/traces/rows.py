"""Traces and spans as table rows: all tables share these columns, so that a value always looks the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from halo_iac.model.traces import Span, Trace
from halo_iac.render.style import Style
from halo_iac.render.text.table import table_lines
from halo_iac.render.values import format_dollars, format_elapsed

T = TypeVar("T")

NO_VALUE: Final = "-"
_SECOND: Final = len("2026-11-27T09:00:00")
_MILLISECOND: Final = len("2026-11-27T09:00:00.000")


class Columns(NamedTuple, Generic[T]):
    """The columns of a table: ``cells`` maps each to its text, ``room`` to the screen width from which it is shown.

    Columns that are not in ``room`` are always shown; those in ``uncut`` are never cut.
    """

    cells: Mapping[str, Callable[[T, Style], str]]
    room: Mapping[str, int]
    uncut: frozenset[str]

    def lines(self, items: Iterable[T], style: Style) -> Iterator[str]:
        """Yield the table line by line."""
        shown = {name: cell for name, cell in self.cells.items() if self.has_room(name, style)}
        rows = ([cell(each, style) for cell in shown.values()] for each in items)
        return table_lines(tuple(shown), rows, style, uncut=self.uncut)

    def has_room(self, name: str, style: Style) -> bool:
        """Return whether a screen has room for a column."""
        return style.width is None or style.width >= self.room.get(name, 0)


def count_cell(value: int | None) -> str:
    """Return a count as text."""
    return NO_VALUE if value is None else f"{value:,}"


def instant_cell(instant: str | None, length: int = _SECOND) -> str:
    """Return an instant to the second in the form that ``--from`` takes; other text is returned as received."""
    if instant is not None and len(instant) > length + 1 and instant[_SECOND] == "." and instant[-1] == "Z":
        return f"{instant[:length]}Z"
    return instant or NO_VALUE


def status_cell(has_error: bool) -> str:
    """Return the status of a trace or a span."""
    return "error" if has_error else "ok"


TRACES: Final = Columns[Trace](
    {
        "TRACE": lambda trace, _: trace.id,
        "START": lambda trace, _: instant_cell(trace.started_at),
        "DURATION": lambda trace, style: format_elapsed(trace.duration_ns, style),
        "STATUS": lambda trace, _: status_cell(trace.has_error),
        "SPANS": lambda trace, _: count_cell(trace.span_count),
        "TOKENS": lambda trace, _: count_cell(trace.total_tokens),
        "COST": lambda trace, _: format_dollars(trace.cost),
        "AGENT": lambda trace, _: trace.agent or NO_VALUE,
        "ROOT SPAN": lambda trace, _: trace.root_name or NO_VALUE,
    },
    room={"DURATION": 90, "SPANS": 110, "TOKENS": 120, "COST": 120, "AGENT": 100},
    uncut=frozenset({"TRACE", "START", "STATUS"}),
)
"""The columns of a list of traces."""

SPANS: Final = Columns[Span](
    {
        "SPAN": lambda span, _: span.id,
        "TRACE": lambda span, _: span.trace_id,
        "START": lambda span, _: instant_cell(span.started_at),
        "DURATION": lambda span, style: format_elapsed(span.duration_ns, style),
        "STATUS": lambda span, _: status_cell(span.is_error),
        "KIND": lambda span, _: span.kind or NO_VALUE,
        "TOKENS": lambda span, _: count_cell(span.total_tokens),
        "COST": lambda span, _: format_dollars(span.cost),
        "MODEL": lambda span, _: span.model or NO_VALUE,
        "NAME": lambda span, _: span.name or NO_VALUE,
    },
    room={"START": 130, "DURATION": 100, "TOKENS": 150, "COST": 150, "MODEL": 140},
    uncut=frozenset({"SPAN", "TRACE", "START", "STATUS"}),
)
"""The columns of a list of spans of any trace."""

SPANS_OF_TRACE: Final = Columns[Span](
    {
        "SPAN": SPANS.cells["SPAN"],
        "PARENT": lambda span, _: span.parent_id or NO_VALUE,
        "NAME": SPANS.cells["NAME"],
        "KIND": SPANS.cells["KIND"],
        "STATUS": SPANS.cells["STATUS"],
        "START": lambda span, _: instant_cell(span.started_at, _MILLISECOND),
        **{name: SPANS.cells[name] for name in ("DURATION", "TOKENS", "COST", "MODEL")},
    },
    room={"PARENT": 150, "KIND": 80, "STATUS": 60, "START": 130, "TOKENS": 110, "COST": 110, "MODEL": 100},
    uncut=frozenset({"SPAN"}),
)
"""The columns of the spans of one trace; times have milliseconds, since the spans are close together."""
