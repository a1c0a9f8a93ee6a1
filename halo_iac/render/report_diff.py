"""The words that all formats share about two reports that differ (docs/semantics.md#report-diff)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from halo_iac.model.report_diff import (
    ComparedReport,
    DiffKind,
    LineDiff,
    ReportComparison,
    ReportDiff,
    RowDiff,
    SectionDiff,
    TableDiff,
)
from halo_iac.render.json import document
from halo_iac.text import Document, counted

SIGNS: Final = {DiffKind.NEW: "+", DiffKind.GONE: "-", DiffKind.CHANGED: "~"}
_MARKS: Final = {DiffKind.NEW: ("{+", "+}"), DiffKind.GONE: ("[-", "-]"), None: ("", "")}
_TOP: Final = "(before the first heading)"


def report_diff_json(comparison: ReportComparison) -> Document:
    """Return both reports' facts and what differs, as a document."""
    return document(report_diff_fields(comparison))


def report_diff_fields(comparison: ReportComparison) -> dict[str, object]:
    """Return the fields of :func:`report_diff_json`."""
    diff = comparison.diff
    return {
        "before": {"name": comparison.before.name, **comparison.before.facts},
        "after": {"name": comparison.after.name, **comparison.after.facts},
        "unrelated": diff.is_unrelated,
        "shared": diff.shared,
        "compared": diff.compared,
        "counts": {**{str(kind): diff.count(kind) for kind in DiffKind}, "unchanged": diff.unchanged},
        "sections": [
            {
                "kind": section.kind,
                "path": section.path,
                "lines": [*map(_line_fields, section.lines)],
                "tables": [{"head": table.head, "rows": [*_row_fields(table)]} for table in section.tables],
            }
            for section in diff.sections
        ],
    }


def diff_counts(diff: ReportDiff) -> str:
    """Return ``1 section new, 2 changed, 5 unchanged``, or why no section is listed."""
    if diff.is_unrelated:
        compared = counted(diff.compared, "line, row or heading", "lines, rows and headings")
        if not diff.shared:
            return "The reports have nothing in common."
        return f"The reports have next to nothing in common: {diff.shared:,} of {compared}."
    if not diff.sections:
        return "No differences except ids, instants and small changes of durations."
    numbers = [(diff.count(kind), str(kind)) for kind in DiffKind] + [(diff.unchanged, "unchanged")]
    (first, kind), *others = [each for each in numbers if each[0]]
    return ", ".join([f"{counted(first, 'section')} {kind}", *(f"{number:,} {kind}" for number, kind in others)]) + "."


def source_parts(report: ComparedReport) -> Iterator[tuple[str, str]]:
    """Yield the name of a report, and its run and window if they are known, each with the label before it."""
    facts = report.facts
    run, start, end = (facts.get(name) for name in ("runId", "windowStartAt", "windowEndAt"))
    yield "", report.name
    if run:
        yield "run ", str(run)
    if start and end:
        yield "window ", f"{start} to {end}"


def section_title(section: SectionDiff, separator: str) -> str:
    """Return the headings that lead to a section."""
    return separator.join(section.path) or _TOP


def line_words(line: LineDiff) -> str:
    """Return a line with its changed words as ``git diff --word-diff`` marks them."""
    if not line.words:
        return line.after or line.before or ""
    return "".join(f"{_MARKS[kind][0]}{text}{_MARKS[kind][1]}" for kind, text in line.words)


def row_cells(table: TableDiff, row: RowDiff) -> Iterator[tuple[str, str, str | None]]:
    """Yield head, value and later value of each cell that differs; of a row that is new or gone, of every cell."""
    if row.before is not None and row.after is not None:
        yield from ((table.head[column], row.before[column], row.after[column]) for column in row.changed)
    else:
        cells = row.after or row.before or ()
        yield from ((head, cell, None) for head, cell in zip(table.head, cells, strict=True) if cell != row.name)


def _line_fields(line: LineDiff) -> dict[str, object]:
    fields: dict[str, object] = {"kind": line.kind, "before": line.before, "after": line.after}
    return {**fields, "words": [each._asdict() for each in line.words]} if line.words else fields


def _row_fields(table: TableDiff) -> Iterator[dict[str, object]]:
    for row in table.rows:
        changed = [table.head[column] for column in row.changed]
        yield {"kind": row.kind, "name": row.name, "before": row.before, "after": row.after, "changed": changed}
