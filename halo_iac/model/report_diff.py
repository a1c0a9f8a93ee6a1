"""How two reports differ, as data: by section, by line with its words, and by row (docs/semantics.md#report-diff)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class DiffKind(StrEnum):
    """How a section, a line or a row differs, in the order in which the kinds are counted."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


class Words(NamedTuple):
    """A piece of a changed line: in both reports, or only in the one given by ``kind``."""

    kind: DiffKind | None
    text: str


class LineDiff(NamedTuple):
    """A line of markdown that is new (``before`` is ``None``), gone (``after`` is ``None``) or changed.

    ``words`` are the pieces of a changed line, in their order: those that are not gone make up ``after``.
    """

    before: str | None
    after: str | None
    words: tuple[Words, ...] = ()

    @property
    def kind(self) -> DiffKind:
        """Return how it differs."""
        return _kind(self.before, self.after)


class RowDiff(NamedTuple):
    """A row of a table, cells in the order of its head; ``changed`` are the columns in which both differ."""

    name: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    changed: tuple[int, ...] = ()

    @property
    def kind(self) -> DiffKind:
        """Return how it differs."""
        return _kind(self.before, self.after)


class TableDiff(NamedTuple):
    """The rows in which two tables with the same head differ."""

    head: tuple[str, ...]
    rows: tuple[RowDiff, ...]


class SectionDiff(NamedTuple):
    """A section that differs: ``path`` are the headings that lead to it, from the outermost to its own.

    The path is empty for what stands before the first heading. A section that is new or gone has all its lines, those
    of the sections in it as well, and no tables.
    """

    kind: DiffKind
    path: tuple[str, ...]
    lines: tuple[LineDiff, ...] = ()
    tables: tuple[TableDiff, ...] = ()


class ReportDiff(NamedTuple):
    """How two reports differ, in the order of the later one; what is gone stands where it was.

    ``unchanged`` counts the sections that are the same. ``shared`` of ``compared`` lines, rows and headings have a
    counterpart; where next to none has one, the reports are ``unrelated`` and no section is listed.
    """

    sections: tuple[SectionDiff, ...]
    unchanged: int
    shared: int
    compared: int
    is_unrelated: bool = False

    def count(self, kind: DiffKind) -> int:
        """Return how many sections are new, gone or changed."""
        return sum(section.kind is kind for section in self.sections)


class ComparedReport(NamedTuple):
    """One of two reports: what it was named by, and where it comes from in the platform's own field names."""

    name: str
    facts: Mapping[str, Any]


class ReportComparison(NamedTuple):
    """Two reports, the earlier one first, and how they differ."""

    before: ComparedReport
    after: ComparedReport
    diff: ReportDiff


def _kind(before: object, after: object) -> DiffKind:
    return DiffKind.NEW if before is None else DiffKind.GONE if after is None else DiffKind.CHANGED
