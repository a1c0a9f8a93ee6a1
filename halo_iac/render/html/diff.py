"""How a report on a page differs from the one before, as lines in the order of the later report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from halo_iac.model.report_diff import DiffKind, ReportDiff, SectionDiff, TableDiff, Words
from halo_iac.text import counted

MAX_LINES: Final = 40
"""How many lines of one difference are shown; the rest is counted."""


class DiffLine(NamedTuple):
    """A line: ``kind`` is ``section`` for the headings above the next ones, else how it differs."""

    kind: str
    pieces: tuple[Words, ...]


def counts(diff: ReportDiff) -> str:
    """Return ``2 sections changed, 1 new``, or that nothing or everything differs."""
    if diff.is_unrelated:
        return "the two have next to nothing in common"
    found = [(kind, diff.count(kind)) for kind in (DiffKind.CHANGED, DiffKind.NEW, DiffKind.GONE)]
    parts = [(kind, count) for kind, count in found if count]
    if not parts:
        return "nothing new"
    (first, count), *others = parts
    return ", ".join([f"{counted(count, 'section')} {first}", *(f"{count:,} {kind}" for kind, count in others)])


def lines(diff: ReportDiff) -> tuple[list[DiffLine], int]:
    """Return the first lines, and how many more there are."""
    found = (line for section in diff.sections for line in _section(section))
    shown = [*islice(found, MAX_LINES)]
    return shown, sum(1 for _ in found)


def _section(section: SectionDiff) -> Iterator[DiffLine]:
    yield _line("section", " › ".join(section.path) or "Beginning")
    for line in section.lines:
        if line.words:
            yield DiffLine(line.kind, line.words)
        else:
            yield _line(line.kind, line.before if line.after is None else line.after)
    for table in section.tables:
        yield from _table(table)


def _table(table: TableDiff) -> Iterator[DiffLine]:
    for row in table.rows:
        if row.before is None or row.after is None:
            yield _line(row.kind, " | ".join(row.after or row.before or ()))
            continue
        pieces = [Words(None, f"{row.name}: ")]
        for place, column in enumerate(row.changed):
            pieces += [
                Words(None, f"{'; ' if place else ''}{table.head[column]} "),
                Words(DiffKind.GONE, row.before[column]),
                Words(None, " → "),
                Words(DiffKind.NEW, row.after[column]),
            ]
        yield DiffLine(DiffKind.CHANGED, tuple(pieces))


def _line(kind: str, text: str | None) -> DiffLine:
    return DiffLine(kind, (Words(None, text or ""),))
