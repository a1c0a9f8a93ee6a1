"""Tables and records: aligned columns of untrusted text, as one string (docs/performance.md#text)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from halo_iac.render.style import Style, display_width, pad, truncate

_GAP: Final = "  "
_SAMPLED_ROWS: Final = 1000
_NUMBER: Final = re.compile(r"\d+|-|<?-?\$?\d[\d,.]*(?: (?:ns|[uµ]s|ms|s|min|h|d)(?: \d\d (?:s|min|h))?)?", re.ASCII)
"""Counts, costs and durations; a column with only such values is aligned to the right."""
_MAX_COLUMN_WIDTH: Final = 200
"""Without a screen no column is made wider: one huge cell would fill every other row with spaces."""
_MIN_COLUMN_WIDTH: Final = 8
"""No column is made narrower than this, so that its values can be told apart."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, uncut: Collection[str] = ()) -> str:
    """Return headers and rows in aligned columns, ending in a newline.

    On a screen too narrow for them the widest columns are cut, but not those that ``uncut`` names: an id is there to be
    copied. If it is too narrow even so, each row becomes a record. Without a width nothing is cut. Columns of numbers
    stand to the right.
    """
    return "".join(f"{line}\n" for line in _lines(headers, rows, (), style, uncut))


def table_lines(
    headers: Sequence[str], rows: Iterable[Sequence[str]], style: Style, *, uncut: Collection[str] = ()
) -> Iterator[str]:
    """Yield the table line by line, for any number of rows; the first :data:`_SAMPLED_ROWS` rows decide the widths."""
    rest = iter(rows)
    return _lines(headers, list(islice(rest, _SAMPLED_ROWS)), rest, style, uncut)


def _lines(
    headers: Sequence[str],
    first: Sequence[Sequence[str]],
    rest: Iterable[Sequence[str]],
    style: Style,
    uncut: Collection[str],
) -> Iterator[str]:
    cells = [[style.safe(cell) for cell in row] for row in first]
    natural = [max(map(display_width, column)) for column in zip(headers, *cells, strict=True)]
    if style.width is None:
        natural = [min(width, _MAX_COLUMN_WIDTH) for width in natural]
    least = [
        width if name in uncut else min(width, _MIN_COLUMN_WIDTH) for name, width in zip(headers, natural, strict=True)
    ]
    if style.width is not None and uncut and _total(least) > style.width:
        for place, row in enumerate(chain(first, rest)):
            yield from ("",) if place else ()
            yield from record(list(zip(headers, row, strict=True)), style).splitlines()
        return
    widths = _narrowed_widths(natural, least, style.width)
    fixed = [
        None if name in uncut or style.width is None else width for name, width in zip(headers, widths, strict=True)
    ]
    is_right = [_is_numeric([row[index] for row in cells]) for index in range(len(headers))]
    yield style.paint(_line(headers, widths, widths, is_right, style), "bold")
    for row in chain(cells, ([style.safe(cell) for cell in row] for row in rest)):
        yield _line(row, widths, fixed, is_right, style)


def record(pairs: Sequence[tuple[str, str]], style: Style) -> str:
    """Return one name and value per line; further lines of a value follow a bar."""
    names = [style.safe(name) for name, _ in pairs]
    width = max(map(display_width, names), default=0)
    bar = style.displayable("│")
    lines = []
    for name, (_, value) in zip(names, pairs, strict=True):
        first, *others = style.safe_lines(value)
        label = style.paint(pad(name, width), "bold")
        lines.append(f"{label}{_GAP}{first}".rstrip())
        lines += (f"{' ' * width}{bar} {line}".rstrip() for line in others)
    return "\n".join([*lines, ""]) if lines else ""


def _line(
    cells: Sequence[str], widths: Sequence[int], most: Sequence[int | None], is_right: Sequence[bool], style: Style
) -> str:
    ellipsis = style.displayable("…")
    parts = []
    for cell, width, longest, to_right in zip(cells, widths, most, is_right, strict=True):
        shown = cell if longest is None else truncate(cell, longest, ellipsis)
        parts.append(shown.rjust(width) if to_right else pad(shown, width))
    return _GAP.join(parts).rstrip()


def _is_numeric(column: Sequence[str]) -> bool:
    """Return whether a column holds nothing but numbers; one of mere dashes holds none."""
    return any(cell != "-" for cell in column) and all(map(_NUMBER.fullmatch, column))


def _narrowed_widths(natural: Sequence[int], least: Sequence[int], room: int | None) -> list[int]:
    """Return widths that fit into ``room``, made by narrowing the widest column again and again."""
    fitting = list(natural)
    excess = 0 if room is None else _total(fitting) - room
    while excess > 0:
        giving = [index for index, width in enumerate(fitting) if width > least[index]]
        if not giving:
            break
        widest = max(giving, key=fitting.__getitem__)
        second = max((fitting[index] for index in giving if index != widest), default=0)
        floor = max(min(second, fitting[widest] - 1), least[widest])
        taken = min(excess, fitting[widest] - floor)
        fitting[widest] -= taken
        excess -= taken
    return fitting


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)
