"""Tables and records: aligned columns of foreign words, as one string (docs/performance.md#text)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from halo_iac.render.style import Style, columns, pad, truncate

_GAP: Final = "  "
_NARROWEST: Final = 8
"""No column is made narrower than this: below it, nothing can be told apart."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, whole: Collection[str] = ()) -> str:
    """Return headers and rows in aligned columns, ending in a newline.

    On a screen too narrow for them the widest columns are cut, but not those that ``whole`` names: an id is there to be
    copied. If it is too narrow even so, each row becomes a record. Without a width nothing is cut. Columns of numbers
    stand to the right.
    """
    cells = [[style.safe(cell) for cell in row] for row in rows]
    natural = [max(map(columns, column)) for column in zip(headers, *cells, strict=True)]
    least = [width if name in whole else min(width, _NARROWEST) for name, width in zip(headers, natural, strict=True)]
    if style.width is not None and whole and _total(least) > style.width:
        return "\n".join(record(list(zip(headers, row, strict=True)), style) for row in rows)
    widths = _fitting(natural, least, style.width)
    is_number = [bool(cells) and all(row[index].isdecimal() for row in cells) for index in range(len(headers))]
    head = _line(headers, widths, is_number, style)
    return "\n".join([style.paint(head, "bold"), *(_line(row, widths, is_number, style) for row in cells), ""])


def record(pairs: Sequence[tuple[str, str]], style: Style) -> str:
    """Return one name and value a line; a value of several lines goes on behind a bar."""
    names = [style.safe(name) for name, _ in pairs]
    width = max(map(columns, names), default=0)
    bar = style.own("│")
    lines = []
    for name, (_, value) in zip(names, pairs, strict=True):
        first, *others = style.safe_lines(value)
        label = style.paint(pad(name, width), "bold")
        lines.append(f"{label}{_GAP}{first}".rstrip())
        lines += (f"{' ' * width}{bar} {line}".rstrip() for line in others)
    return "\n".join([*lines, ""]) if lines else ""


def _line(cells: Sequence[str], widths: Sequence[int], is_number: Sequence[bool], style: Style) -> str:
    ellipsis = style.own("…")
    parts = []
    for cell, width, is_right in zip(cells, widths, is_number, strict=True):
        shown = truncate(cell, width, ellipsis)
        parts.append(shown.rjust(width) if is_right else pad(shown, width))
    return _GAP.join(parts).rstrip()


def _fitting(natural: Sequence[int], least: Sequence[int], room: int | None) -> list[int]:
    """Return widths that fit into ``room``, taking from the widest column that has any to give."""
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
