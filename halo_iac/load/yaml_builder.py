"""Builds values and marks from a YAML parser's events, and refuses what a project file must not contain.

Several documents, tags, undefined aliases and depth are checked here because the C parser accepts them, and because
stopping at the 51st bracket is cheaper than reading 20,000. Merge keys (``<<``) behave as in ruamel.yaml's safe loader:
a mapping's own keys win, then the earliest mapping of a list.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from halo_iac.load.limits import MAX_COLLECTED, MAX_DEPTH, MAX_DIGITS, MAX_EXPANSION
from halo_iac.load.yaml_document import Diagnostic, Document, Node, Values
from halo_iac.text import quote

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]*[0-9][0-9_]*)")
_FLOAT: Final = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]*[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)
_BASES: Final = {"0b": 2, "0o": 8, "0x": 16}

FIRST_CHARACTERS: Final = frozenset({"", *"-+.0123456789tTfFnN~"})
"""First characters of a plain scalar that may not be a string."""


@lru_cache(maxsize=4096)
def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar; the text itself unless YAML 1.2 gives it another type.

    Cached: a file of ten thousand schedules contains ``9``, ``true`` and ``timezone`` ten thousand times each.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in FIRST_CHARACTERS or len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    base = _BASES.get(digits[:2])
    if base is None:
        return sign * int(digits)
    return sign * int(digits[2:], base) if digits[2:] else text


Event = Any
"""An event of either parser; ruamel.yaml does not type its attributes."""

NextEvent = Callable[[], Event]


def _not_a_mapping(event: Event, text: str) -> Diagnostic:
    """Return the problem of a file whose top is a list or a text: another tool's, or with no space after a colon."""
    from halo_iac.load.suggestions.form import detect_other_format
    from halo_iac.load.suggestions.yaml_syntax import suggest_colon

    index = event.start_mark.index
    other = detect_other_format(text)
    if other is not None:
        return Diagnostic(index, *other)
    hint = suggest_colon(text[index:].split("\n", 1)[0]) if event.__class__ is ScalarEvent else None
    return Diagnostic(index, "expected keys and values at the top of the file", hint)


class Builder:
    """Builds one file's values from its events, and fills the document's ``marks``, ``keys`` and ``lists``."""

    def __init__(self, document: Document, next_event: NextEvent) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._text = document.text
        self._marks = document.marks
        self._keys = document.keys
        self._lists = document.lists
        self._next_event = next_event
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._expanded = 0
        self._depth = 0
        self._names: dict[str, str] = {}

    def root(self) -> Values:
        """Return the top mapping of the only document; raises a diagnostic if reading cannot continue."""
        next_event = self._next_event
        next_event()
        event = next_event()
        if event.__class__ is StreamEndEvent:
            raise Diagnostic(0, "the file is empty", "for no schedules, write `schedules: {}`")
        if event.version is not None and tuple(event.version) != (1, 2):
            line = re.search("(?m)^%YAML", self._text)  # the pure parser's event begins at the `---` below it
            index = event.start_mark.index if line is None else line.start()
            raise Diagnostic(index, "unsupported YAML version: expected 1.2", "remove the %YAML line")
        event = next_event()
        if event.__class__ is not MappingStartEvent:
            raise _not_a_mapping(event, self._text)
        root: Values = self._node(event)
        next_event()
        event = next_event()
        if event.__class__ is DocumentStartEvent:
            raise Diagnostic(
                event.start_mark.index, "a second YAML document begins on this line; a file can hold only one"
            )
        return root

    def _node(self, event: Event) -> Node:
        self._marks.append(event.start_mark.index)
        kind = event.__class__
        if kind is ScalarEvent and event.anchor is None and event.ctag is None:  # most of the scalars
            text = event.value
            return resolve(text) if text[:1] in FIRST_CHARACTERS and event.implicit[0] else text
        if kind is AliasEvent:
            return self._alias(event)
        if event.ctag is not None:
            self._add(
                event, "YAML tags are not supported", "remove the tag, or put a text that begins with `!` in quotes"
            )
        if event.anchor is None:
            return self._content(event)
        self._anchors.pop(event.anchor, None)  # of two anchors with one name, an alias refers to the later one
        size = len(self._marks) + self._expanded - 1
        value = self._content(event)
        self._anchors.setdefault(event.anchor, (value, len(self._marks) + self._expanded - size))
        return value

    def _content(self, event: Event) -> Node:
        if event.__class__ is ScalarEvent:
            return resolve(event.value) if event.implicit[0] else event.value
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Diagnostic(event.start_mark.index, f"nested more than {MAX_DEPTH} levels deep")
        value = self._mapping() if event.__class__ is MappingStartEvent else self._list()
        self._depth -= 1
        return value

    def _alias(self, event: Event) -> Node:
        if event.anchor not in self._anchors:
            message = f"undefined alias: the file has no anchor {quote(event.anchor)} before it"
            hint = "put a text that begins with `*` in quotes"
            line = self._text[self._text.rfind("\n", 0, event.start_mark.index) + 1 : event.start_mark.index]
            if re.search(r"<<[ \t]*:", line):
                hint = f"write {quote('&' + event.anchor)} before the mapping that it names, further up in this file"
            raise Diagnostic(event.start_mark.index, message, hint)
        value, size = self._anchors[event.anchor]
        self._expanded += size
        if self._expanded > MAX_EXPANSION * len(self._marks):
            raise Diagnostic(event.start_mark.index, "aliases expand to more than ten times the file")
        return value

    def _list(self) -> list[Any]:
        values: list[Any] = []
        self._lists[id(values)] = len(self._marks) - 1
        next_event, node = self._next_event, self._node
        while (event := next_event()).__class__ is not SequenceEndEvent:
            values.append(node(event))
        return values

    def _mapping(self) -> Values:
        values: Values = {}
        ordinals: dict[str, int] = {}
        merged: list[Values] | None = None
        next_event, node, marks, names = self._next_event, self._node, self._marks, self._names
        while (event := next_event()).__class__ is not MappingEndEvent:
            ordinal = len(marks)
            key = node(event)
            value = node(next_event())
            if key.__class__ is not str:
                self._add(event, "a key must be a string", "put it in quotes")
            elif key == "<<" and event.__class__ is ScalarEvent and event.implicit[0]:  # else quoted or an alias
                merged = self._mappings_to_merge(event, value, merged)
            elif key in values:
                self._add(event, f"duplicate key {quote(key)}", first=marks[ordinals[key]])
            else:
                values[names.setdefault(key, key)] = value
                ordinals[key] = ordinal
        self._keys[id(values)] = array("I", ordinals.values())
        return self._merge(values, merged) if merged else values

    def _mappings_to_merge(self, event: Event, value: Node, earlier: list[Values] | None) -> list[Values]:
        bases = value if isinstance(value, list) else [value]
        if earlier is not None:
            self._add(event, "duplicate key `<<`", "merge several with a list: `<<: [*one, *two]`")
        elif not all(isinstance(base, dict) for base in bases):
            self._add(event, "`<<` can merge only mappings")
        else:
            return bases
        return earlier or []

    def _merge(self, own: Values, bases: list[Values]) -> Values:
        """Return a mapping's own keys over those of the mappings it merges, with their positions."""
        places: dict[str, int] = {}
        values: Values = {}
        for mapping in (*reversed(bases), own):
            values.update(mapping)
            places.update(zip(mapping, self._keys[id(mapping)], strict=True))
        self._keys[id(values)] = array("I", places.values())
        return values

    def _add(self, event: Event, message: str, hint: str | None = None, *, first: int | None = None) -> None:
        self.diagnostics.append(Diagnostic(event.start_mark.index, message, hint, first=first))
        if len(self.diagnostics) == MAX_COLLECTED:
            raise Diagnostic(event.start_mark.index, "too many problems; the rest of the file was not read")
