"""Finds texts that YAML reads differently from how they look: cut by a `` #`` comment, or joined by ``>``."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from halo_iac.load.fields import IGNORED
from halo_iac.load.yaml_document import Document, Location, Node
from halo_iac.model.project import FoldedItem, Origin, Source, TruncatedText

_TEXTS: Final = frozenset({"title", "prompt", "agent", "renamed_from", "protect", "agents", "title_prefix"})
_IN_ENTRIES: Final = frozenset({"schedules", "defaults", "overrides"})
_MAY_CUT: Final = (r" #\S", r"\t#\S")
_LINE: Final = r"(?m)^[ \t]*[^\s#][^\n]*?(?<=\S)([ \t]+)#([^\n]?)[^\n]*"
"""A line with a comment after a value; only the first comment of a line can cut a text."""
_ANCHOR: Final = re.compile(r"&(\S+)\s+")
_ALIAS: Final = re.compile(r"\*([^\s,\]}]+)")
_BLOCK: Final = re.compile(r"[|>][-+0-9]*")
_QUOTED: Final = re.compile(r"""(?s)"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'""")
_NOT_PLAIN: Final = frozenset("\"'|>*!{[")
_INSTEAD: Final = re.compile(r"(?:[^\s#:]+[ \t]*:)?[ \t]*(?:&\S+)?[ \t]+#\S")
"""A comment in the place of a value, from its key on: parsers disagree about where a missing value begins."""


def find_truncated_texts(document: Document) -> Iterator[TruncatedText]:
    """Yield the texts of a document that a `` #`` without a space after it cuts short."""
    text = document.text
    if not any(re.search(pattern, text) for pattern in _MAY_CUT):
        return
    found = dict(_cut_scalars(text, document))
    anchors = {_skip_anchor(text, document.marks[ordinal])[0]: ordinal for ordinal in found}
    for location, ordinal, value in _text_scalars(document, document.root, (), set()) if found else ():
        alias = _ALIAS.match(text, document.marks[ordinal])
        truncated = ordinal if alias is None else anchors.get(alias[1], ordinal)
        end, words = found.get(truncated), value.split()
        if truncated in found and words and (end is None or text.endswith(words[-1], 0, end)):
            key = _entry_key(location)
            at = Origin(Source.ENTRY, document.path, *document.line_and_column(document.marks[truncated]))
            yield TruncatedText(key, _field_name(location), value, at, is_beginning=end is None)


_FOLDED: Final = re.compile(r"(?:&(\S{1,200})[ \t]+)?>[-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n")
_MAY_FOLD: Final = r"(?m)>[-+0-9]*[ \t]*(?:#.*)?\r?$"
_ITEM: Final = re.compile(r" *(?:[-*+]|[0-9]{1,3}[.)]|#{1,6})[ \t]+\S")
"""The start of a list item or of a heading."""


def find_folded_items(document: Document) -> Iterator[FoldedItem]:
    """Yield the first line of each list item in a prompt that ``>`` joins to the line above it."""
    text = document.text
    if re.search(_MAY_FOLD, text) is None:
        return
    anchored = {found[1]: found.end() for found in _FOLDED.finditer(text) if found[1]}
    for location, ordinal, _ in _text_scalars(document, document.root, (), set()):
        if _field_name(location) != "prompt":
            continue
        mark = document.marks[ordinal]
        header, alias = _FOLDED.match(text, mark), _ALIAS.match(text, mark)
        start = header.end() if header is not None else anchored.get(alias[1]) if alias is not None else None
        index = None if start is None else _joined_item(text, start)
        if index is not None:
            key = _entry_key(location)
            yield FoldedItem(key, Origin(Source.ENTRY, document.path, *document.line_and_column(index)))


def _joined_item(text: str, index: int) -> int | None:
    """Return the offset of the first joined item of a block scalar; lines that are deeper or after a gap stay apart."""
    indent: int | None = None
    was_text = False
    while index < len(text):
        end = text.find("\n", index)
        line = text[index : len(text) if end < 0 else end].rstrip("\r")
        depth = len(line) - len(line.lstrip(" "))
        indent = depth if indent is None and line.strip() else indent
        if line.strip() and indent is not None and (depth < indent or indent == 0):
            return None
        if was_text and depth == indent and _ITEM.match(line):
            return index + depth
        was_text = bool(line.strip()) and depth == indent
        index += len(line) + (2 if text.startswith("\r\n", index + len(line)) else 1)
    return None


def is_comment_instead(document: Document, location: Location) -> bool:
    """Return whether a value is null because its text begins with ``#``, so that YAML reads a comment."""
    return _INSTEAD.match(document.rest_of_line(location, at_key=True)) is not None


def _skip_anchor(text: str, index: int) -> tuple[str | None, int]:
    """Return the name of the anchor at an offset, if there is one, and the offset after it."""
    found = _ANCHOR.match(text, index)
    return (None, index) if found is None else (found[1], found.end())


def _cut_scalars(text: str, document: Document) -> Iterator[tuple[int, int | None]]:
    """Yield the ordinals of scalars that a comment may cut, each with the offset at which it then ends.

    ``None`` marks a scalar that begins on the next line: after the ``|`` of a block, a key or a dash.
    """
    last = len(document.marks) - 1
    ends: dict[int, int] = {}  # offset of a quoted or block scalar → where it ends, or the end of the text
    for found in re.finditer(_LINE, text):
        start = found.start(1)
        ordinal = bisect_right(document.marks, start) - 1
        if found[2].isspace() or not found[2] or document.marks[ordinal] == start:  # the ordinal of a missing value
            continue
        _, begin = _skip_anchor(text, document.marks[ordinal])
        if _BLOCK.fullmatch(text, begin, start):
            yield ordinal, None
            continue
        if begin not in ends:
            ends[begin] = _scalar_end(text, begin)
        if start < ends[begin]:
            continue  # a `#` within the scalar
        if ordinal < last and (text[start - 1] == ":" or text.endswith((" -", "\n-"), 0, start)):
            yield ordinal + 1, None
        elif text[begin] not in _NOT_PLAIN:
            yield ordinal, start


def _scalar_end(text: str, begin: int) -> int:
    """Return the offset after a quoted scalar; for a block scalar, whose text is never cut, the end of the text."""
    if text[begin] in "|>":
        return len(text)
    quoted = _QUOTED.match(text, begin)
    return begin if quoted is None else quoted.end()


def _text_scalars(
    document: Document, node: Node, location: Location, seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], int, str]]:
    """Yield the location, ordinal and value of every text in a field of texts."""
    if id(node) in seen or not isinstance(node, dict | list):
        return
    seen.add(id(node))
    if isinstance(node, dict):
        ordinals = [ordinal + 1 for ordinal in document.keys[id(node)]]
        inner = list(zip(node, ordinals, node.values(), strict=True))
    else:
        first = document.lists[id(node)] + 1
        inner = [(step, first + step, value) for step, value in enumerate(node)]
    for step, ordinal, value in inner:
        place = (*location, step)
        if not location and str(step).startswith(IGNORED):  # anchors, which are visited where aliases refer to them
            continue
        if isinstance(value, str) and _field_name(place) in _TEXTS:
            yield place, ordinal, value
        else:
            yield from _text_scalars(document, value, place, seen)


def _entry_key(location: Location) -> str | None:
    """Return the key of the entry that a value belongs to: its own, or one that ``overrides`` name."""
    below = location[1:] if location[0] == "overrides" else location
    return str(below[1]) if len(below) > 1 and below[0] == "schedules" else None


def _field_name(location: Location) -> str:
    """Return the field that a value belongs to: its own key, or that of its list; ``agents`` for an alias."""
    names = [step for step in location if isinstance(step, str)]
    return names[-1] if names[0] in _IN_ENTRIES or names[0] == "scope" else names[0]
