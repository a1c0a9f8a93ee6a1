"""How two reports differ, as markdown for an issue or a summary (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from halo_iac.model.report_diff import DiffKind, LineDiff, ReportComparison, SectionDiff, TableDiff
from halo_iac.render.markdown.escape import code, fence, message, prose
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH, NOTES_LENGTH, joined, page
from halo_iac.render.markdown.sections import table_head, table_line
from halo_iac.render.prompt_diff import NOTE, PromptLine
from halo_iac.render.report_diff import SIGNS, diff_counts, line_words, row_cells, section_title, source_parts
from halo_iac.render.style import Style
from halo_iac.text import counted

_FENCED: Final = {**SIGNS, DiffKind.CHANGED: "!"}
"""Signs of a fenced difference, each of which has a colour."""


def report_diff_markdown(comparison: ReportComparison, style: Style, *, limit: int = MAX_PAGE_LENGTH) -> str:
    """Return what differs as a page of ``limit`` characters at most; the sections beyond that are counted."""
    style = style.without_colour()
    sources = (
        f"**{label}** " + ", ".join(f"{part}{code(value, style)}" for part, value in source_parts(report))
        for label, report in (("before", comparison.before), ("after", comparison.after))
    )
    parts = ["### halo report diff", "<br>\n".join(sources), message(diff_counts(comparison.diff), style)]
    room = limit - NOTES_LENGTH - len(style.displayable(joined(parts)))
    sections = comparison.diff.sections
    for index, section in enumerate(sections):
        drawn = style.displayable(joined(_section(section, style, room)))
        room -= len(drawn) + 2
        if room < 0:
            left = counted(len(sections) - index, "more section")
            parts.append(f"… and {left}; `--format json` has them all.")
            break
        parts.append(drawn)
    return page(parts, style)


def _section(section: SectionDiff, style: Style, room: int) -> Iterator[str]:
    yield f"#### {code(SIGNS[section.kind], style)} {prose(section_title(section, ' → '), style)}"
    if section.lines:
        yield fence(_lines(section.lines, style, room // 2))
    for table in section.tables:
        yield "\n".join(_table(table, style))


def _lines(lines: Sequence[LineDiff], style: Style, room: int) -> Iterator[PromptLine]:
    for index, line in enumerate(lines):
        shown = style.safe(line_words(line))
        room -= len(shown) + 3
        if room < 0 and index:
            yield PromptLine(NOTE, counted(len(lines) - index, "more line"))
            return
        yield PromptLine(_FENCED[line.kind], shown)


def _table(table: TableDiff, style: Style) -> Iterator[str]:
    yield table_head(("", prose(table.head[0], style), "before → after"))
    for row in table.rows:
        shown = (
            f"{prose(head, style)}: {_cell(value, style)}" + ("" if after is None else f" → {_cell(after, style)}")
            for head, value, after in row_cells(table, row)
        )
        yield table_line((code(SIGNS[row.kind], style), _cell(row.name, style), "<br>".join(shown)))


def _cell(text: str, style: Style) -> str:
    """Return a cell as code, without the backticks that made code of parts of it."""
    plain = text.replace("`", "")
    return code(plain, style) if plain else "(empty)"
