"""A parsed YAML file: its values and their positions."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, repeat, takewhile
from operator import add
from typing import Any

from halo_iac.errors import Problem

Node = Any
"""A value of a file: a mapping, a list, or a scalar."""

Values = dict[str, Node]
Location = Sequence[str | int]
"""A path of keys and indexes from the top of a file."""


class Diagnostic(Exception):  # noqa: N818 - raised where reading cannot continue, collected where it can
    """A problem at a character offset; ``first`` is the offset of the first of two equal keys."""

    def __init__(self, index: int, message: str, hint: str | None = None, *, first: int | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.message = message
        self.hint = hint
        self.first = first


class Document:
    """A parsed file: ``root`` has its values, ``problems`` what is wrong with them.

    ``root`` is ``None`` if the file could not be parsed; ``problems`` then says why. ``path`` is the path for messages,
    ``text`` the text of the file, ``has_dollars`` whether it may contain a variable reference.

    ``marks`` has the character offset of every node in document order (a node's index there is its *ordinal*), ``keys``
    the ordinals of each mapping's keys, by the mapping's ``id()`` and in its own order, ``lists`` the ordinal of each
    list, by its ``id()``. An alias has an ordinal of its own, different from its target's. A value follows its key, so
    its ordinal is the key's plus one.

    That is four bytes per node; line and column are computed on demand.
    """

    __slots__ = (
        "_key_places",
        "_leading",
        "_line_starts",
        "has_dollars",
        "keys",
        "lists",
        "marks",
        "path",
        "problems",
        "root",
        "text",
    )

    def __init__(self, path: str, text: str = "") -> None:
        self.path = path
        self.root: Values | None = None
        self.problems: list[Problem] = []
        self.has_dollars = "$" in text
        self.marks = array("I")
        self.keys: dict[int, array[int]] = {}
        self.lists: dict[int, int] = {}
        self.text = text
        self._key_places: dict[int, dict[str, int]] = {}
        self._leading: dict[int, int] = {}
        self._line_starts: array[int] | None = None

    def add_problem(self, location: Location, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Add a problem at a value or at its key; at the nearest existing parent if there is no such value."""
        self.problems.append(Problem(self.path, *self.position(location, at_key=at_key), message, hint))

    def add_problem_at(self, index: int, message: str, hint: str | None = None) -> None:
        """Add a problem at a character offset; a problem with the whole file is reported at offset 0."""
        self.problems.append(Problem(self.path, *self.line_and_column(index), message, hint))

    def position(self, location: Location, *, at_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of a value or of its key."""
        node: Node = self.root
        ordinal = key_ordinal = 0
        for step in location:
            if isinstance(node, dict) and step in node:
                key_ordinal = self._key_ordinals(node)[str(step)]
                ordinal = key_ordinal + 1
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                if step <= self._leading_scalars(node):  # otherwise the list's own position
                    key_ordinal = ordinal = self.lists[id(node)] + 1 + step
                node = node[step]
            else:
                break
        return self.line_and_column(self.marks[key_ordinal if at_key else ordinal])

    def value(self, location: Location) -> Node:
        """Return the value at a location, with variables as written; the nearest existing parent's if there is none.

        A number written in place of a list of one counts as that list, as in :meth:`position`.
        """
        node: Node = self.root
        for step in location:
            is_there = step in node if isinstance(node, dict) else isinstance(node, list) and step in range(len(node))
            if not is_there:
                break
            node = node[step]
        return node

    def key_position(self, mapping: Values, key: str) -> tuple[int, int]:
        """Return line and column, from 1, of a key of one of this file's mappings."""
        return self.line_and_column(self.marks[self._key_ordinals(mapping)[key]])

    def rest_of_line(self, location: Location, *, at_key: bool = False) -> str:
        """Return the text from a value, or from its key, to the end of its line."""
        line, column = self.position(location, at_key=at_key)
        return self.text.split("\n")[line - 1][column - 1 :]

    def line_and_column(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character offset."""
        if self._line_starts is None:
            lengths = map(add, map(len, self.text.split("\n")), repeat(1))
            self._line_starts = array("I", accumulate(lengths, initial=0))
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def _key_ordinals(self, mapping: Values) -> dict[str, int]:
        places = self._key_places.get(id(mapping))
        if places is None:
            places = self._key_places[id(mapping)] = dict(zip(mapping, self.keys[id(mapping)], strict=True))
        return places

    def _leading_scalars(self, values: list[Node]) -> int:
        """Return how many elements of a list precede the first with elements of its own, which has many nodes."""
        count = self._leading.get(id(values))
        if count is None:
            scalars = takewhile(lambda element: not isinstance(element, dict | list), values)
            count = self._leading[id(values)] = sum(1 for _ in scalars)
        return count
