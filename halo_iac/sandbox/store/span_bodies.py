"""What is searched inside the whole JSON of a span, as functions of SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import from_json, to_json

_SEARCHED: Final = ("name", "status", "attributes", "resource", "events", "links")


def add_functions(connection: sqlite3.Connection) -> None:
    """Let statements call ``attribute_text`` and ``mentions``."""
    connection.create_function("attribute_text", 3, _attribute_text, deterministic=True)
    connection.create_function("mentions", 2, _mentions, deterministic=True)


def text_of(value: object) -> str:
    """Return an attribute's value as people write it."""
    return value if isinstance(value, str) else to_json(value, inf_nan_mode="strings").decode().strip('"')


def _attribute_text(body: bytes, scope: str, key: str) -> str:
    """Return the value of an attribute of a span, or of its resource; blank where it has none."""
    span = from_json(body)
    value = (span["attributes"] if scope == "span" else span["resource"]["attributes"]).get(key)
    return "" if value is None else text_of(value)


def _mentions(body: bytes, text: str) -> bool:
    """Say whether a span has a text, in whatever case, in its name, message, attributes, events or links."""
    wanted = text.casefold()
    if wanted.isascii() and '"' not in wanted and "\\" not in wanted and wanted.encode() not in body.lower():
        return False  # a look at the bytes spares parsing most of them
    span = from_json(body)
    return any(wanted in each.casefold() for key in _SEARCHED if key in span for each in _texts(span[key]))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 (any JSON)
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case list() as values:
                left += values
            case dict() as values:
                left += values.values()
            case None:
                pass
            case other:
                yield text_of(other)
