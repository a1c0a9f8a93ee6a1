"""One file's YAML text → values, and where each of them stands.

Built from the parser's event stream rather than with a loader, for three reasons: a loader drops the marks, lets
through what a project file must not hold (tags, several documents, duplicate keys), and takes five times as long
(performance.md, Where the time goes). Marks are kept beside the values, four bytes a node; line and column are computed
only when somebody asks. Merge keys (``<<``) mean what they mean to ruamel.yaml's safe loader: a mapping's own keys win,
then the earliest mapping of a list.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from halo_iac.errors import Problem
from halo_iac.load.scalars import FIRST_CHARACTERS, Scalar, resolve
from halo_iac.load.wording import shown

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # a C extension without stubs
except ImportError:  # ruamel.yaml 0.19 no longer brings its C parser, and PyPy has none
    CParser = None

MAX_DEPTH: Final = 50
MAX_EXPANSION: Final = 10
"""How many times its own size a file may grow when its aliases are followed (design §10)."""

Event = Any
"""An event of either parser; ruamel.yaml has no types for what each kind holds."""

Node = Any
"""A value of a file: a mapping, a list, or a scalar."""

Values = dict[str, Node]
Location = Sequence[str | int]
Take = Callable[[], Event]

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def parser_name() -> str:
    """Say which parser reads the events: ``C`` or ``pure Python``."""
    return "pure Python" if CParser is None else "C"


class Document:
    """A file as read: ``root`` holds its values, ``problems`` what is wrong with them.

    ``root`` is ``None`` if the file could not be understood; ``problems`` then says why. ``path`` is what messages
    show, ``has_dollars`` whether the file might refer to a variable.
    """

    __slots__ = ("_key_places", "_keys", "_line_starts", "_marks", "_text", "has_dollars", "path", "problems", "root")

    def __init__(self, path: str, text: str = "") -> None:
        self.path = path
        self.root: Values | None = None
        self.problems: list[Problem] = []
        self.has_dollars = "$" in text
        self._text = text
        self._marks = array("I")
        self._keys: dict[int, array[int]] = {}
        self._key_places: dict[int, dict[str, int]] = {}
        self._line_starts: array[int] | None = None

    def problem(self, location: Location, message: str, hint: str | None = None, *, at_key: bool = False) -> Problem:
        """Return a problem at a value, or at its key; at the nearest place above where there is no such value."""
        return Problem(self.path, *self.place(location, at_key=at_key), message, hint)

    def place(self, location: Location, *, at_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of the value at a path of keys and indexes, or of its key."""
        node: Node = self.root
        ordinal = key_ordinal = 0
        for step in location:
            if isinstance(node, dict) and step in node:
                key_ordinal = self._key_ordinals(node)[str(step)]
                ordinal = key_ordinal + 1
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                if not any(isinstance(sibling, dict | list) for sibling in node[:step]):
                    key_ordinal = ordinal = ordinal + 1 + step
                node = node[step]
            else:
                break
        return self.line_and_column(self._marks[key_ordinal if at_key else ordinal])

    def line_and_column(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character."""
        if self._line_starts is None:
            # Same length, so that indexes stay true: \r\n is one line end, a lone \r another.
            text = self._text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in self._text else self._text
            self._line_starts = array("I", accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def _key_ordinals(self, mapping: Values) -> dict[str, int]:
        places = self._key_places.get(id(mapping))
        if places is None:
            places = self._key_places[id(mapping)] = dict(zip(mapping, self._keys[id(mapping)], strict=True))
        return places

    def read(self, take: Take) -> None:
        """Fill the document from an event stream."""
        builder = _Builder(self._marks, self._keys, take)
        try:
            self.root = builder.document()
        except _Stop as stop:
            builder.complaints.append((stop.index, stop.message, stop.hint))
        except YAMLError as error:
            builder.complaints.append(_syntax(error, self._text))
        for index, message, hint in builder.complaints:
            text = message if isinstance(message, str) else message(self)
            self.problems.append(Problem(self.path, *self.line_and_column(index), text, hint))


Wording = str | Callable[[Document], str]
"""A message, or how to word one that names another line."""


class _Stop(Exception):  # noqa: N818 - ends the reading of one file, and never leaves this module
    def __init__(self, index: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.message = message
        self.hint = hint


def parse(data: bytes, path: str) -> Document:
    """Read a project file's bytes; never raises for what they hold (see :class:`Document`)."""
    if data.startswith(_BYTE_ORDER_MARKS):
        return _unreadable(path, "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _badly_encoded(path, data, error.start)
    if "\0" in text:
        document = Document(path, text)
        place = document.line_and_column(text.index("\0"))
        document.problems.append(Problem(path, *place, "holds a NUL byte", "is it a binary file, or UTF-16?"))
        return document
    return read_text(text, path)


def read_text(text: str, path: str, *, pure: bool = CParser is None) -> Document:
    """Read a project file's text, with the pure Python parser if asked to or if there is no other."""
    document = Document(path, text)
    try:
        take = _pure_events(text) if pure else CParser(text).get_event
    except YAMLError as error:
        index, message, hint = _syntax(error, text)
        document.problems.append(Problem(path, *document.line_and_column(index), message, hint))
        return document
    document.read(take)
    return document


def _pure_events(text: str) -> Take:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only where the C parser is missing

    take: Take = YAML(typ="safe", pure=True).parse(text).__next__
    return take


def _unreadable(path: str, message: str, hint: str | None = None) -> Document:
    document = Document(path)
    document.problems.append(Problem(path, 0, 0, message, hint))
    return document


def _badly_encoded(path: str, data: bytes, start: int) -> Document:
    before = data[:start].decode("utf-8-sig")
    document = Document(path, before)
    place = document.line_and_column(len(before))
    document.problems.append(Problem(path, *place, "is not valid UTF-8", "save it as UTF-8"))
    return document


def _syntax(error: YAMLError, text: str) -> tuple[int, str, str | None]:
    """Word a parser's complaint; tabs are looked for in the text, since every parser words them differently."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, MarkedYAMLError) or mark is None:
        found = _UNPRINTABLE.search(text)
        return (found.start() if found else 0), "holds a control character", "write it as an escape in double quotes"
    index = min(mark.index, len(text))
    line = text[text.rfind("\n", 0, index) + 1 :]
    if "\t" in line[: len(line) - len(line.lstrip(" \t"))] or text[index : index + 1] == "\t":
        return index, "a tab is no indentation in YAML", "use spaces"
    # What stands in quotes may be the file's own text; a file that was not understood is not quoted (design §10).
    problem = re.sub(r"\s*(['\"]).*\1", "", str(error.problem))
    return index, f"not valid YAML: {problem}", None


class _Builder:
    """Turns one document's events into values; ``marks`` and ``keys`` are filled for :class:`Document`.

    ``marks`` has the character index of every node in document order (its position there is the node's *ordinal*),
    ``keys`` the ordinals of every mapping's keys in the mapping's own order. A value's ordinal is its key's plus one.
    """

    def __init__(self, marks: array[int], keys: dict[int, array[int]], take: Take) -> None:
        self.complaints: list[tuple[int, Wording, str | None]] = []
        self._marks = marks
        self._keys = keys
        self._take = take
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._expanded = 0
        self._depth = 0
        self._names: dict[str, str] = {}

    def document(self) -> Values | None:
        """Return the one document's top mapping; ``None`` where something was wrong with the file as a whole."""
        take = self._take
        take()
        event = take()
        if event.__class__ is StreamEndEvent:
            raise _Stop(0, "the file is empty", "a file without schedules says `schedules: {}`")
        self._check_directives(event)
        event = take()
        if event.__class__ is not MappingStartEvent:
            raise _Stop(event.start_mark.index, "expected keys and values at the top of the file")
        root: Values = self._node(event)
        take()
        event = take()
        if event.__class__ is DocumentStartEvent:
            raise _Stop(event.start_mark.index, "a second document begins here; a file holds one")
        return root

    def _check_directives(self, event: Event) -> None:
        if event.version is not None and tuple(event.version) != (1, 2):
            raise _Stop(event.start_mark.index, "files are YAML 1.2", "remove the %YAML line")

    def _node(self, event: Event) -> Node:
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event)
        self._marks.append(event.start_mark.index)
        if event.ctag is not None:
            self._complain(event, "tags have no meaning here", "remove the tag")
        if event.anchor is None:
            return self._scalar(event) if kind is ScalarEvent else self._collection(event)
        size = len(self._marks) + self._expanded - 1
        value = self._scalar(event) if kind is ScalarEvent else self._collection(event)
        self._anchors[event.anchor] = (value, len(self._marks) + self._expanded - size)
        return value

    def _scalar(self, event: Event) -> Scalar:
        text: str = event.value
        if event.implicit[0] and (not text or text[0] in FIRST_CHARACTERS):
            return resolve(text)
        return text

    def _alias(self, event: Event) -> Node:
        self._marks.append(event.start_mark.index)
        if event.anchor not in self._anchors:
            self._complain(event, f"no anchor named {shown(event.anchor)} stands before this alias")
            return None
        value, size = self._anchors[event.anchor]
        self._expanded += size
        if self._expanded > MAX_EXPANSION * len(self._marks):
            raise _Stop(event.start_mark.index, "aliases expand to more than ten times the file")
        return value

    def _collection(self, event: Event) -> Values | list[Any]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Stop(event.start_mark.index, f"nested more than {MAX_DEPTH} levels deep")
        value = self._mapping() if event.__class__ is MappingStartEvent else self._list()
        self._depth -= 1
        return value

    def _list(self) -> list[Any]:
        values = []
        take = self._take
        while (event := take()).__class__ is not SequenceEndEvent:
            values.append(self._node(event))
        return values

    def _mapping(self) -> Values:
        values: Values = {}
        ordinals = array("I")
        merged: list[Values] | None = None
        take, marks, node = self._take, self._marks, self._node
        while (event := take()).__class__ is not MappingEndEvent:
            ordinal = len(marks)
            key = self._key(event)
            value = node(take())
            if key is None:
                continue
            if key == "<<" and event.implicit[0]:
                merged = self._bases(event, value, merged)
            elif key in values:
                self._complain_of_duplicate(event, key, ordinals[list(values).index(key)])
            else:
                values[key] = value
                ordinals.append(ordinal)
        self._keys[id(values)] = ordinals
        return self._merge(values, merged) if merged else values

    def _key(self, event: Event) -> str | None:
        if event.__class__ is ScalarEvent and event.anchor is None and event.ctag is None:
            self._marks.append(event.start_mark.index)
            key = self._scalar(event)
        else:
            key = self._node(event)
        if key.__class__ is str:
            return self._names.setdefault(key, key)
        self._complain(event, "a key has to be a string", "put it in quotes")
        return None

    def _bases(self, event: Event, value: Node, earlier: list[Values] | None) -> list[Values]:
        bases = value if isinstance(value, list) else [value]
        if earlier is not None:
            self._complain(event, "key `<<` is given twice", "merge several with a list: `<<: [*one, *two]`")
        elif not all(isinstance(base, dict) for base in bases):
            self._complain(event, "`<<` merges mappings, and this is none")
        else:
            return bases
        return earlier or []

    def _merge(self, own: Values, bases: list[Values]) -> Values:
        """Return a mapping's own keys over those of the mappings it merges, places included."""
        places: dict[str, int] = {}
        values: Values = {}
        for mapping in (*reversed(bases), own):
            values.update(mapping)
            places.update(zip(mapping, self._keys[id(mapping)], strict=True))
        self._keys[id(values)] = array("I", places.values())
        return values

    def _complain(self, event: Event, message: Wording, hint: str | None = None) -> None:
        self.complaints.append((event.start_mark.index, message, hint))

    def _complain_of_duplicate(self, event: Event, key: str, first: int) -> None:
        index = self._marks[first]
        self._complain(
            event, lambda document: f"key {shown(key)} is already in line {document.line_and_column(index)[0]}"
        )
