"""The lines of a report, each with the heading above it and the kind of its ids that headings and labels give.

As much markdown as citations need, read line by line in linear time: headings, fences, tables, lists. Within a
fence that is never closed, or a table without a head, only the kinds of ids are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

TRACE: Final = "trace"
SPAN: Final = "span"
PLATFORM: Final = "platform"
OTHER: Final = "other"
_LABELS: Final = {
    TRACE: TRACE,
    SPAN: SPAN,
    "observation": SPAN,
    **dict.fromkeys(
        ("agent", "conversation", "dataset", "project", "run", "schedule", "session", "team", "user"), PLATFORM
    ),
    **dict.fromkeys(("checksum", "commit", "digest", "etag", "hash", "md5", "sha", "sha1", "sha256", "version"), OTHER),
    **dict.fromkeys(("customer", "file", "key", "message", "order", "request", "response", "token"), OTHER),
}
"""Labels and the kind of the ids beside them: the platform's own objects have UUIDs, as some traces have."""
_WORDS: Final = re.compile(r"[0-9A-Za-z_-]+")
_ID: Final = re.compile(r"[_-]?ids?$", re.IGNORECASE)
_HEADING: Final = re.compile(r" {0,3}#{1,6}(?=[ \t]|$)")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
LIST_MARK: Final = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
"""The beginning of a list item."""
_LABEL: Final = re.compile("trace|span|observation", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[`*_#\\]+")
_MAX_HEADING_LENGTH: Final = 200


class Line(NamedTuple):
    """A line: its number from 1, the heading above it, and the kind of the ids in each of its cells.

    A line outside a table is one cell. A kind is ``None`` if no heading or label gives one.
    """

    number: int
    section: str
    cells: tuple[tuple[str, str | None], ...]


def find_kind(word: str) -> str | None:
    """Return the kind of id that a word such as ``Traces``, ``trace_id``, ``parentSpanId`` or ``request`` announces."""
    name = re.split(r"[_-]|(?<=[a-z])(?=[A-Z])", _ID.sub("", word))[-1].lower()
    return _LABELS.get(name) or _LABELS.get(name.removesuffix("s"))


def _find_only_kind(text: str) -> str | None:
    """Return the kind of the ids below a column's head; ``None`` if it names none or two."""
    found = {find_kind(word) for word in _WORDS.findall(text)} - {None}
    return found.pop() if len(found) == 1 else None


def _find_trace_or_span(text: str) -> str | None:
    """Return ``trace`` or ``span`` if a heading, or the line before a list, names exactly one of them."""
    found = _find_only_kind(text) if _LABEL.search(text) else None
    return found if found in {TRACE, SPAN} else None


def lines(markdown: str) -> Iterator[Line]:
    """Yield the lines of a report in order, line ends as in a file."""
    return _LineReader().read(markdown)


class _LineReader:
    """Reads lines, and keeps the headings, table columns and labels that apply to the next one."""

    def __init__(self) -> None:
        self._section = ""
        self._fence = ""
        self._before = ""  # the line before where that is prose
        self._columns: list[str | None] = []
        self._above: str | None = None  # what a heading, or a line that ends in a colon, says of the list below it

    def read(self, markdown: str) -> Iterator[Line]:
        for number, text in enumerate((line.rstrip("\r") for line in markdown.split("\n")), 1):
            self._enter(text)
            yield Line(number, self._section, tuple(self._cells(text)))
            self._leave(text)

    def _enter(self, text: str) -> None:
        if self._fence or _FENCE.match(text):
            return
        stripped = text.strip()
        if _HEADING.match(text):
            self._begin_section(stripped)
        elif self._before and stripped and not stripped.strip("=-") and len(set(stripped)) == 1:
            self._begin_section(self._before)
        elif "|" in text and _is_delimiter(stripped):
            self._columns = [_find_only_kind(cell) for cell in _split_cells(self._before)]
        elif stripped and not (LIST_MARK.match(text) or text.startswith((" ", "\t")) or "|" in text):
            self._above = None
        if "|" not in text:
            self._columns = []

    def _begin_section(self, heading: str) -> None:
        self._section = " ".join(_MARKUP.sub("", heading).split())[:_MAX_HEADING_LENGTH]
        self._above = _find_trace_or_span(heading)

    def _cells(self, text: str) -> Iterator[tuple[str, str | None]]:
        if not self._columns:
            yield text, self._above
            return
        for index, cell in enumerate(_split_cells(text)):
            yield cell, self._columns[index] if index < len(self._columns) else None

    def _leave(self, text: str) -> None:
        stripped = text.strip()
        mark = _FENCE.match(text)
        if mark is not None:
            if not self._fence:
                self._fence = mark[1]
            elif mark[1].startswith(self._fence) and stripped == mark[1]:
                self._fence = ""
        if stripped.rstrip("*_ ").endswith(":"):
            self._above = _find_trace_or_span(text) or self._above
        self._before = "" if self._fence or mark or _HEADING.match(text) else stripped


def _is_delimiter(row: str) -> bool:
    """Return whether a row parts the head of a table from its body."""
    cells = _split_cells(row)
    return all(cell.strip() and not cell.strip().strip(":").strip("-") for cell in cells)


def _split_cells(row: str) -> list[str]:
    return re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))
