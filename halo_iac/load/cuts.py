"""Texts that `` #`` cuts short: what follows is a comment to YAML, and was part of the text to whoever wrote it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from halo_iac.load.yaml_document import Document, Location, Node
from halo_iac.model.project import Cut, Origin, Source

_TEXTS: Final = frozenset({"title", "prompt", "agent", "renamed_from", "protect", "agents", "title_prefix"})
_IN_ENTRIES: Final = frozenset({"schedules", "defaults", "overrides"})
_MAY_CUT: Final = (r" #\S", r"\t#\S")
_LINE: Final = r"(?m)^[ \t]*[^\s#][^\n]*?(?<=\S)([ \t]+)#([^\n]?)[^\n]*"
"""A line with a comment behind something else; only its first one can cut a text."""
_ANCHOR: Final = re.compile(r"(?:&\S+\s+)?")
_NOT_PLAIN: Final = frozenset("\"'|>*!{[")


def cuts(document: Document) -> Iterator[Cut]:
    """Yield the texts of a document that a comment without a space behind its ``#`` follows at once."""
    text = document.text
    if not any(re.search(pattern, text) for pattern in _MAY_CUT):
        return
    found = dict(_cut(text, document))
    for location, ordinal, value in _texts(document, document.root, (), set()) if found else ():
        end = found.get(ordinal)
        words = value.split()
        if end is not None and words and text[:end].endswith(words[-1]):
            key = str(location[1]) if location[0] == "schedules" else None
            at = Origin(Source.ENTRY, document.path, *document.place(location))
            yield Cut(key, _field(location), value, at)


def _cut(text: str, document: Document) -> Iterator[tuple[int, int]]:
    """Yield the ordinals of plain scalars that a comment may cut, each with where it then ends."""
    for found in re.finditer(_LINE, text):
        if found[2].isspace() or not found[2]:
            continue
        ordinal = bisect_right(document.marks, found.start(1)) - 1
        anchor = _ANCHOR.match(text, document.marks[ordinal])
        if anchor is not None and text[anchor.end()] not in _NOT_PLAIN:
            yield ordinal, found.start(1)


def _texts(
    document: Document, node: Node, location: Location, seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], int, str]]:
    """Yield the location, ordinal and value of every text of a field that holds text."""
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
        if isinstance(value, str) and _field(place) in _TEXTS:
            yield place, ordinal, value
        else:
            yield from _texts(document, value, place, seen)


def _field(location: Location) -> str:
    """Return the field that a value belongs to: its own key, or that of its list; of an alias, ``agents``."""
    names = [step for step in location if isinstance(step, str)]
    return names[-1] if names[0] in _IN_ENTRIES or names[0] == "scope" else names[0]
