"""Two reports → how they differ."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, TypeVar

from halo_iac.model.report_diff import DiffKind, LineDiff, ReportDiff, RowDiff, SectionDiff, TableDiff
from halo_iac.report_diff.alignment import Keyed, Pair, pair_by_key
from halo_iac.report_diff.lines import align_lines, line_diffs, word_diff
from halo_iac.report_diff.noise import is_about_run, is_same, mask
from halo_iac.report_diff.sections import Section, Table, read_blocks, read_sections

_EMPHASIS: Final = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_NUMBERING: Final = re.compile(r"\d+(?:\.\d+)*[.):]?\s+")
_MASKED: Final = re.compile(r"<\w+>|[\W\d_]+")
_RANK_HEADERS: Final = frozenset({"#", "no", "no.", "nr", "nr.", "rank"})
"""Headers of a first column that only numbers the rows; rows are then identified by the second column."""
_UNRELATED_ONE_IN: Final = 20
"""Reports have next to nothing in common where fewer than one in so many lines has a counterpart."""
_Part = TypeVar("_Part")


def report_diff(before: str, after: str) -> ReportDiff:
    """Return what is added, removed and changed from one report to the next; both are untrusted markdown."""
    comparison = _Comparison()
    sections = tuple(comparison.sections(*_without_title(read_sections(before), read_sections(after)), ()))
    compared = min(comparison.sizes.values(), default=0)
    is_unrelated = comparison.shared * _UNRELATED_ONE_IN < compared
    unchanged = 0 if is_unrelated else comparison.unchanged
    return ReportDiff(() if is_unrelated else sections, unchanged, comparison.shared, compared, is_unrelated)


def _without_title(old: Section, new: Section) -> tuple[Section, Section]:
    """Return both reports without the title of the document, which would stand in every path and often has a date."""
    below, below_new = _below_title(old), _below_title(new)
    if below is None or below_new is None:
        titles = {_section_key(child) for each in (old, new) if _below_title(each) is None for child in each.children}
        if below is not None and _section_key(old.children[0]) not in titles:
            return below, new
        if below_new is not None and _section_key(new.children[0]) not in titles:
            return old, below_new
        return old, new
    return below, below_new


def _below_title(root: Section) -> Section | None:
    """Return a report as its only top section, which then has its heading as a line; ``None`` where it has others."""
    if len(root.children) != 1 or root.children[0].level > 1 or any(line.strip() for line in root.lines):
        return None
    top = root.children[0]
    return top._replace(lines=[f"# {top.title}", "", *top.lines])


class _Comparison:
    """One comparison, with its running counts."""

    def __init__(self) -> None:
        self.shared = 0
        self.unchanged = 0
        self.sizes = {DiffKind.GONE: 0, DiffKind.NEW: 0}

    def sections(self, old: Section, new: Section, path: tuple[str, ...]) -> Iterator[SectionDiff]:
        """Yield the differences of two matching sections, their own lines and tables first."""
        lines, tables = self._compare_content(old, new)
        own = ((*_heading_diffs(old, new), *lines) if path else lines, tables)
        title = (new.title,) if new.title and not path else ()
        if any(own):
            yield SectionDiff(DiffKind.CHANGED, path or title, *own)
        elif any(line.strip() for line in new.lines[len(title) :]):  # more than the title of the document
            self.unchanged += 1
        for i, j in _pair_parts(old.children, new.children, _section_key, Section.whole):
            if i is None or j is None:
                yield self._unmatched(old.children[i] if i is not None else new.children[j or 0], path, i is not None)
            else:
                self._count(1, 1, 1)
                yield from self.sections(old.children[i], new.children[j], (*path, new.children[j].title))

    def _unmatched(self, section: Section, path: tuple[str, ...], is_gone: bool) -> SectionDiff:
        """Return the difference for a section that only one report has, with its subsections."""
        lines = "\n".join([*section.whole()][len(section.heading) :]).strip().split("\n")
        size = 1 + sum(map(bool, lines))
        self._count(0, size * is_gone, size * (not is_gone))
        kind = DiffKind.GONE if is_gone else DiffKind.NEW
        found = (LineDiff(line, None) if is_gone else LineDiff(None, line) for line in map(str.rstrip, lines))
        return SectionDiff(kind, (*path, section.title), tuple(found) if any(lines) else ())

    def _compare_content(self, old: Section, new: Section) -> tuple[tuple[LineDiff, ...], tuple[TableDiff, ...]]:
        """Return how the lines and tables of two sections differ, without their subsections."""
        (before, old_tables), (after, new_tables) = read_blocks(old.lines), read_blocks(new.lines)
        tables: list[TableDiff] = []
        for i, j in pair_by_key([*map(_keyed_table, old_tables)], [*map(_keyed_table, new_tables)]):
            if i is not None and j is not None:
                table = _reorder_columns(old_tables[i], new_tables[j])
                tables.append(TableDiff(table.head, tuple(self._row_diffs(old_tables[i], table))))
            elif i is not None:
                before += _table_lines(old_tables[i])
            elif j is not None:
                after += _table_lines(new_tables[j])
        pairs = align_lines(before, after)
        self._count(len(pairs), len(before), len(after))
        return tuple(line_diffs(before, after, pairs)), tuple(table for table in tables if table.rows)

    def _row_diffs(self, old: Table, new: Table) -> Iterator[RowDiff]:
        """Yield the rows that differ: they are the same row if their first cells are."""
        name = int(new.head[0].casefold() in _RANK_HEADERS and len(new.head) > 1)
        self._count(0, len(old.rows), len(new.rows))
        for i, j in _pair_parts(old.rows, new.rows, lambda row: _normalize(row[name]), lambda row: row):
            before, after = old.rows[i] if i is not None else None, new.rows[j] if j is not None else None
            if before is None or after is None:
                yield RowDiff((after or before or ("",))[name], before, after)
                continue
            self.shared += 1
            changed = tuple(
                column for column in range(name + 1, len(new.head)) if not is_same(before[column], after[column])
            )
            if changed and not is_about_run(after[name]):
                yield RowDiff(after[name], before, after, changed)

    def _count(self, shared: int, old: int, new: int) -> None:
        self.shared += shared
        self.sizes[DiffKind.GONE] += old
        self.sizes[DiffKind.NEW] += new


def _pair_parts(
    old: Sequence[_Part], new: Sequence[_Part], key: Callable[[_Part], str], texts: Callable[[_Part], Iterable[str]]
) -> list[Pair]:
    """Return the pairs with the same key; content is compared only if several items share a key."""
    keys = [[*map(key, old)], [*map(key, new)]]
    numbers = Counter(chain(*keys))

    def keyed(part: _Part, key: str) -> Keyed:
        if numbers[key] <= 2:
            return Keyed(key)
        lines = [*texts(part)]
        return Keyed(key, tuple(mask(text, numbers=True) for text in lines), tuple(map(mask, lines)))

    return pair_by_key([*map(keyed, old, keys[0])], [*map(keyed, new, keys[1])])


def _heading_diffs(old: Section, new: Section) -> Iterator[LineDiff]:
    """Yield the difference of two matching headings, such as the number in ``Timeouts (51 traces)``."""
    before, after = (_NUMBERING.sub("", section.title, count=1) for section in (old, new))
    if _normalize(before) != _normalize(after) and not is_same(before, after):
        yield LineDiff(before, after, word_diff(before, after))


def _section_key(section: Section) -> str:
    """Return the key of a heading: its text without numbers, counts, dates and emphasis."""
    plain = _normalize(section.title)
    masked = mask(_NUMBERING.sub("", plain, count=1), numbers=True)
    return masked if _MASKED.sub("", masked) else plain


def _keyed_table(table: Table) -> Keyed:
    head = tuple(map(_normalize, table.head))
    return Keyed(tuple(sorted(head)), head, table.rows)


def _reorder_columns(model: Table, table: Table) -> Table:
    """Return a table with its columns in the order of another one, which has the same ones."""
    places, columns = (
        sorted(range(len(each.head)), key=[*map(_normalize, each.head)].__getitem__) for each in (model, table)
    )
    order = [column for _, column in sorted(zip(places, columns, strict=True))]
    if order == [*range(len(order))]:
        return table
    head, *rows = (tuple(row[column] for column in order) for row in (table.head, *table.rows))
    return Table(head, tuple(rows))


def _normalize(text: str) -> str:
    """Return a heading or a cell without emphasis, case and space that tell nothing apart."""
    return " ".join(_EMPHASIS.sub("", text).split()).casefold() or text


def _table_lines(table: Table) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (table.head, *table.rows)]
