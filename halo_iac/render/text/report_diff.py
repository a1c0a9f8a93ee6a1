"""How two reports differ, as text: section by section, changed words and cells marked (docs/cli.md#formats)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from halo_iac.model.report_diff import DiffKind, ReportComparison, RowDiff, SectionDiff, TableDiff
from halo_iac.render.report_diff import SIGNS, diff_counts, line_words, row_cells, section_title, source_parts
from halo_iac.render.style import Style
from halo_iac.render.text.wrap import wrap_lines

_ROLES: Final = {DiffKind.NEW: "added", DiffKind.GONE: "removed", DiffKind.CHANGED: "update"}
_MARK_ROLES: Final = {"[": "removed", "{": "added"}
_MARKED: Final = re.compile(r"\[-[^\]]*-\]|\{\+[^}]*\+\}")


def report_diff_text(comparison: ReportComparison, style: Style) -> str:
    """Return what differs as text that ends in a newline: which reports, the sections, and their numbers last."""
    sources = (("Before: ", comparison.before), ("After:  ", comparison.after))
    lines = [
        label + ", ".join(f"{part}{style.safe(value)}" for part, value in source_parts(report))
        for label, report in sources
    ]
    for section in comparison.diff.sections:
        lines += ["", *_section(section, style)]
    return "\n".join(wrap_lines([*lines, "", diff_counts(comparison.diff), ""], style))


def _section(section: SectionDiff, style: Style) -> Iterator[str]:
    role = _ROLES[section.kind]
    yield style.paint(f"{SIGNS[section.kind]} {style.safe(section_title(section, ' > '))}", role)
    for line in section.lines:
        shown = f"{SIGNS[line.kind]} {style.safe(line_words(line))}".rstrip()
        if line.kind is DiffKind.CHANGED:  # only its marked words have the colours of what is gone and what is new
            yield f"  {_MARKED.sub(lambda found: style.paint(found[0], _MARK_ROLES[found[0][0]]), shown)}"
        else:
            yield f"  {style.paint(shown, _ROLES[line.kind])}"
    for table in section.tables:
        yield from (_row(table, row, style) for row in table.rows)


def _row(table: TableDiff, row: RowDiff, style: Style) -> str:
    arrow = style.displayable("→")
    cells = "; ".join(
        f"{style.safe(head)}: {_cell(value, style)}" + ("" if after is None else f" {arrow} {_cell(after, style)}")
        for head, value, after in row_cells(table, row)
    )
    sign = style.paint(SIGNS[row.kind], _ROLES[row.kind])
    return f"  {sign} {style.paint(style.safe(row.name), 'bold')}  {cells}".rstrip()


def _cell(text: str, style: Style) -> str:
    return style.safe(text) or "(empty)"
