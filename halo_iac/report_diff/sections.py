"""Parses markdown into a tree of sections, and a section into lines and tables.

Read line by line instead of with markdown-it, which takes ten times as long, and seconds for a megabyte: headings,
fences and tables are all that a comparison needs.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t](.*))?")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE: Final = re.compile(r"\s*(?:[-*+]\s+|\d{1,9}[.)]\s+)?(`{3,}|~{3,})(.*)")
_DELIMITER: Final = re.compile(r"[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)*[ \t]*:?-+:?[ \t]*\|?[ \t]*")
_ITEM: Final = re.compile(r"[-*+>|]|\d{1,9}[.)]\s")
_PIPE: Final = re.compile(r"(?<!\\)\|")
_SENTENCE_END: Final = re.compile(r"(?<!\d[.])(?<=[.!?])\s+(?=[\"'(*`]*[A-Z0-9])")
_MIN_WRAPPED_LENGTH: Final = 60
"""Characters from which on a line of prose is taken to go on in the next."""
_LONG_PARAGRAPH_LENGTH: Final = 160
"""Characters from which on a paragraph is compared sentence by sentence."""


class Table(NamedTuple):
    """A table; each row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Section(NamedTuple):
    """A heading and what is below it: its own lines as they are written, and the sections in it."""

    title: str
    heading: tuple[str, ...]
    level: int
    lines: list[str]
    children: list["Section"]

    def whole(self) -> Iterator[str]:
        """Yield every line, including headings and subsections."""
        yield from self.heading
        yield from self.lines
        for child in self.children:
            yield from child.whole()


def read_sections(markdown: str) -> Section:
    """Return a report as a section without a title, which holds what stands before the first heading and the rest."""
    root = Section("", (), 0, [], [])
    path = [root]
    fence = ""
    for line in markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        lines = path[-1].lines
        fence, is_code = _fence_after(line, fence), bool(fence)
        title, level = ("", 0) if is_code or fence else _heading(line, lines)
        if not level:
            lines.append(line)
            continue
        heading = (line,) if line.lstrip().startswith("#") else (lines.pop(), line)
        while path[-1].level >= level:
            path.pop()
        section = Section(title, heading, level, [], [])
        path[-1].children.append(section)
        path.append(section)
    return root


def _heading(line: str, before: Sequence[str]) -> tuple[str, int]:
    """Return the title and level of the heading that a line is, or that it makes of the line before it."""
    found = _HEADING.fullmatch(line)
    if found:
        title = (found[2] or "").strip()
        opened = title.rstrip("#")
        return (title if opened and not opened[-1].isspace() else opened.rstrip()), len(found[1])
    if before and (found := _UNDERLINE.fullmatch(line)):
        title = before[-1].strip()
        is_prose = title and not _ITEM.match(title) and (len(before) == 1 or not before[-2].strip())
        if is_prose and "|" not in title:
            return title, 1 if found[1][0] == "=" else 2
    return "", 0


def _fence_after(line: str, fence: str) -> str:
    """Return the fence that is open after a line, empty where none is; ``fence`` is the one before it."""
    found = _FENCE.fullmatch(line)
    if found is None:
        return fence
    if not fence:
        return "" if found[1][0] == "`" and "`" in found[2] else found[1]
    closes = found[1].startswith(fence) and not found[2].strip()
    return "" if closes else fence


def read_blocks(lines: Sequence[str]) -> tuple[list[str], list[Table]]:
    """Return the content of a section: lines that are not empty, and tables.

    A paragraph that was wrapped is one line; a long one is a line a sentence. Code keeps its lines.
    """
    texts: list[str] = []
    tables: list[Table] = []
    fence, index, may_continue = "", 0, False
    while index < len(lines):
        line = lines[index]
        fence, was_code = _fence_after(line, fence), bool(fence)
        if not (was_code or fence) and (head := _table_head(lines, index)):
            index, rows = _table_rows(lines, index + 2, len(head))
            tables.append(Table(head, tuple(rows)))
            may_continue = False
            continue
        index += 1
        if was_code or fence or not line.strip():
            texts += [line.rstrip()] if line.strip() else []
            may_continue = False
            continue
        if may_continue and not _ITEM.match(line.lstrip()):
            texts[-1] += f" {line.strip()}"
        else:
            texts.append(line.rstrip())
        may_continue = len(line) >= _MIN_WRAPPED_LENGTH and not line.endswith(("  ", "\\"))
    return [part for text in texts for part in _sentences(text)], tables


def _sentences(text: str) -> list[str]:
    return [text] if len(text) <= _LONG_PARAGRAPH_LENGTH else _SENTENCE_END.split(text)


def _table_head(lines: Sequence[str], index: int) -> tuple[str, ...]:
    """Return the head of the table that begins at a line; empty where none does."""
    line = lines[index]
    if "|" not in line or index + 1 == len(lines):
        return ()
    below = lines[index + 1]
    if "-" not in below or not _DELIMITER.fullmatch(below):
        return ()
    head = _split_row(line)
    return head if len(head) == len(_split_row(below)) else ()


def _table_rows(lines: Sequence[str], index: int, width: int) -> tuple[int, list[tuple[str, ...]]]:
    """Return the line after a table, and its rows; what a row has beyond the head belongs to its last cell."""
    rows = []
    while index < len(lines) and "|" in lines[index]:
        cells = _split_row(lines[index])
        rest = " | ".join(cells[width - 1 :])
        rows.append((*cells[: width - 1], *([""] * (width - 1 - len(cells))), rest))
        index += 1
    return index, rows


def _split_row(line: str) -> tuple[str, ...]:
    """Return the cells of a row of a table, the bars within them without their backslash."""
    text = line.strip().removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return tuple(cell.strip().replace("\\|", "|") for cell in _PIPE.split(text))
