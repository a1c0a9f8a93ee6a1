"""SQL functions that search the JSON of a span."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import from_json, to_json

_ESCAPED: Final = frozenset('"\\')
_EXCERPT_MARGIN: Final = 80
"""Characters of an excerpt before and after the match."""
_SEARCHED: Final = ("name", "status", "attributes", "resource", "events", "links")


def add_functions(connection: sqlite3.Connection) -> None:
    """Register ``attribute_text`` and ``mentions`` with a connection."""
    connection.create_function("attribute_text", 3, _attribute_text, deterministic=True)
    connection.create_function("mentions", 2, _mentions, deterministic=True)


def text_of(value: object) -> str:
    """Return an attribute's value as text."""
    return value if isinstance(value, str) else to_json(value, inf_nan_mode="strings").decode().strip('"')


def _attribute_text(body: bytes, scope: str, key: str) -> str:
    """Return the value of an attribute of a span or of its resource; blank if it has none."""
    span = from_json(body)
    value = (span["attributes"] if scope == "span" else span["resource"]["attributes"]).get(key)
    return "" if value is None else text_of(value)


def _mentions(body: bytes, text: str) -> bool:
    """Return whether a text occurs, in any case, in a span's name, message, attributes, events or links."""
    wanted = text.casefold()
    is_plain = wanted.isascii() and wanted.isprintable() and not _ESCAPED.intersection(wanted)
    if is_plain and wanted.encode() not in body.lower():
        return False  # a search of the bytes avoids parsing most bodies
    return any(wanted in each.casefold() for _, each in _texts(from_json(body)))


def find_excerpt(body: bytes, text: str) -> tuple[str, str]:
    """Return the field of the first occurrence of a text in a span, and an excerpt around it."""
    wanted = text.casefold()
    for where, each in _texts(from_json(body)):
        at = each.casefold().find(wanted)
        if at >= 0:
            first, last = max(0, at - _EXCERPT_MARGIN), at + len(text) + _EXCERPT_MARGIN
            return where, f"{'…' if first else ''}{each[first:last]}{'…' if last < len(each) else ''}"
    return "", ""


def _texts(span: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every text of a span with its path, such as ``attributes.tool.name``."""
    left: list[tuple[str, Any]] = [(key, span[key]) for key in reversed(_SEARCHED) if key in span]
    while left:
        where, value = left.pop()
        match value:
            case list() as values:
                left += [(f"{where}[{index}]", each) for index, each in enumerate(values)][::-1]
            case dict() as values:
                left += [(f"{where}.{key}", each) for key, each in values.items()][::-1]
            case None:
                pass
            case other:
                yield where, text_of(other)
