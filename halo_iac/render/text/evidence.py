"""The traces that a report cites, as a table, with their failed spans and notes on traces that cannot be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from halo_iac.model.evidence import Citation, Evidence, Place
from halo_iac.render.style import Style
from halo_iac.render.text.traces.rows import NO_VALUE, TRACES, Columns, status_cell
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.text import counted, list_first

_WITH_SECTIONS: Final = 120
"""Columns of a screen that has room for the headings under which a trace is cited."""
_MAX_FAILED: Final = 5
"""For how many failed spans the commands that show them are printed."""
_MAX_NAMED: Final = 5


def evidence_text(found: Sequence[Evidence], spans: Sequence[Citation], style: Style) -> str:
    """Return a line for every cited trace, then the failed spans, then the traces that could not be shown."""
    if not found and not spans:
        return "The report cites no trace.\n"
    parts = ["".join(f"{line}\n" for line in _COLUMNS.lines(found, style))] if found else []
    for lines in (_failed(found, style), _spans(spans, style), wrap_lines(_notes(found, style), style)):
        shown = "\n".join(lines)
        parts += [f"{shown}\n"] if shown else []
    return "\n".join(parts)


def _trace_cell(name: str) -> Callable[[Evidence, Style], str]:
    cell = TRACES.cells[name]
    return lambda found, style: NO_VALUE if found.trace is None else cell(found.trace, style)


def _places_cell(found: Evidence, style: Style) -> str:
    places = found.citation.places
    is_wide = style.width is None or style.width >= _WITH_SECTIONS
    return format_places(places) if is_wide else format_places([Place(place.line, "") for place in places])


_COLUMNS: Final = Columns[Evidence](
    {
        "TRACE": lambda found, _: found.citation.id if found.trace is None else found.trace.id,
        **{name: _trace_cell(name) for name in ("START", "DURATION")},
        "STATUS": lambda found, _: _status_cell(found),
        **{name: _trace_cell(name) for name in ("SPANS", "COST", "AGENT")},
        "CITED": _places_cell,
    },
    room={"START": 130, "SPANS": 90, "COST": 100, "AGENT": 110},
    uncut=frozenset({"TRACE", "START"}),
)


def format_places(places: Sequence[Place]) -> str:
    """Return where a trace is cited: ``Errors: line 24; Volume: lines 31, 40``."""
    parts = []
    for section, same in groupby(places[:_MAX_NAMED], key=lambda place: place.section):
        numbers = [str(place.line) for place in same]
        said = f"line{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
        parts.append(f"{section}: {said}" if section else said)
    more = len(places) - _MAX_NAMED
    return "; ".join(parts) + (f" and {more:,} more" if more > 0 else "")


def _status_cell(found: Evidence) -> str:
    if found.trace is not None:
        return status_cell(found.trace.has_error)
    if found.read_error is not None:
        return "unreadable"
    if found.alike:
        return f"{len(found.alike):,} alike"
    return "not read" if found.is_unread else "not found"


def _failed(found: Sequence[Evidence], style: Style) -> Iterator[str]:
    steps = [(each.trace.id, span) for each in found if each.trace is not None for span in each.failed]
    for trace, span in steps[:_MAX_FAILED]:
        message = f": {span.status_message}" if span.status_message else ""
        said = f"{style.displayable('✗')} {style.safe((span.name or span.id) + message)}"
        yield from (style.paint(line, "failed") for line in wrap_lines([said], style))
        yield f"  {style.command('span', 'get', trace, span.id)}"
    if len(steps) > _MAX_FAILED:
        yield f"{counted(len(steps) - _MAX_FAILED, 'more step')} failed."


def _spans(spans: Sequence[Citation], style: Style) -> Iterator[str]:
    for each in spans[:_MAX_NAMED]:
        yield from wrap_lines([style.safe(f"The report cites span {each.id}: {format_places(each.places)}")], style)
        if each.trace is not None and not each.is_cut:
            yield f"  {style.command('span', 'get', each.trace, each.id)}"
    if len(spans) > _MAX_NAMED:
        yield f"It cites {counted(len(spans) - _MAX_NAMED, 'more span')}."


def _notes(found: Sequence[Evidence], style: Style) -> Iterator[str]:
    for each in found:
        if each.alike:
            ids = list_first(each.alike, len(each.alike), _MAX_NAMED)
            yield style.safe(f"{each.citation.id} may be {ids}.")
        if each.read_error is not None:
            what = "" if each.trace is None else ": what failed in it"
            yield style.safe(f"{each.citation.id}{what} could not be read: {each.read_error.message}")
    missing = [each.citation.id for each in found if is_missing(each)]
    if missing:
        verb, noun = ("is", "trace") if len(missing) == 1 else ("are", "traces")
        named = list_first(missing, len(missing), _MAX_NAMED)
        yield style.safe(f"{len(missing):,} cited {noun} {verb} not found in this project: {named}.")
    unread = sum(each.is_unread for each in found)
    if unread:
        verb, them = ("was", "it") if unread == 1 else ("were", "them")
        yield f"{counted(unread, 'more trace')} {verb} not read; use --limit to read {them}."


def is_missing(found: Evidence) -> bool:
    """Return whether the platform has no trace of this id."""
    return found.trace is None and not (found.alike or found.read_error or found.is_unread)
