"""A YAML text with its nodes and their offsets, and edits of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from halo_iac.load.yaml_builder import Event, NextEvent
from halo_iac.load.yaml_events import read_events
from halo_iac.load.yaml_parser import parse_text


class Form(StrEnum):
    """The style in which a node is written."""

    PLAIN = "plain"
    SINGLE = "single-quoted"
    DOUBLE = "double-quoted"
    BLOCK = "a block of text"
    ALIAS = "an alias"
    FLOW_MAPPING = "{…}"
    FLOW_LIST = "[…]"
    BLOCK_MAPPING = "keys and values"
    BLOCK_LIST = "a list"


_SCALARS = {"'": Form.SINGLE, '"': Form.DOUBLE, "|": Form.BLOCK, ">": Form.BLOCK}


@dataclass(frozen=True, slots=True)
class Node:
    """A node; ``end`` is the offset after it, for a block the offset after its last scalar or bracket.

    A node begins with its anchor, if it has one. ``children`` are elements, or alternating keys and values.
    """

    form: Form
    start: int
    end: int
    anchor: str | None = None
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def is_flow(self) -> bool:
        """Return whether it is written in flow style, with brackets."""
        return self.form in {Form.FLOW_MAPPING, Form.FLOW_LIST}

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Yield the keys and values of a mapping; nothing for any other node."""
        if self.form in {Form.FLOW_MAPPING, Form.BLOCK_MAPPING}:
            yield from zip(self.children[::2], self.children[1::2], strict=True)

    def pair(self, key: str) -> tuple[Node, Node] | None:
        """Return a key and its value; ``None`` if this mapping itself does not have the key."""
        return next((pair for pair in self.pairs if pair[0].text == key), None)


def outline(text: str) -> Node:
    """Return the top node of a text that the loader accepts."""
    next_event = read_events(text)
    next_event()
    next_event()
    return _node(next_event(), next_event)


def _node(event: Event, next_event: NextEvent) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Node(Form.ALIAS, start, end)
    if isinstance(event, ScalarEvent):
        return Node(_SCALARS.get(event.style, Form.PLAIN), start, end, event.anchor, event.value)
    is_mapping = isinstance(event, MappingStartEvent)
    children = []
    while not isinstance(inner := next_event(), MappingEndEvent | SequenceEndEvent):
        children.append(_node(inner, next_event))
    if event.flow_style:
        form, end = Form.FLOW_MAPPING if is_mapping else Form.FLOW_LIST, inner.end_mark.index
    else:
        form, end = Form.BLOCK_MAPPING if is_mapping else Form.BLOCK_LIST, children[-1].end
    return Node(form, start, end, event.anchor, "", tuple(children))


class CannotEdit(Exception):  # noqa: N818 - names the reason why a file is left unchanged
    """An edit that cannot be made safely; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replaces the characters from ``start`` to ``end`` by ``new``; an insertion if the two are equal."""

    start: int
    end: int
    new: str


class YamlText:
    """A text that the loader accepts; ``top`` is its top node."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.top = outline(text)

    def values(self) -> dict[str, Any]:
        """Return the values after the last line is terminated, which a block scalar can depend on."""
        root = parse_text(self.text if self.text.endswith("\n") else f"{self.text}\n", "").root
        assert root is not None  # noqa: S101 - the loader has accepted it
        return root

    def apply(self, edits: Sequence[TextEdit], expected: dict[str, Any]) -> str:
        """Return the text with edits applied; raises :class:`CannotEdit` unless its values are then as expected.

        New lines get the file's line ends; an unterminated last line is terminated before lines are added after it.
        """
        text = self.text
        end_of_line = "\r\n" if "\r\n" in text else "\n"
        for edit in sorted(edits, key=lambda each: each.start, reverse=True):
            new = edit.new.replace("\n", end_of_line)
            if edit.start == len(text) and not text.endswith("\n"):
                new = end_of_line + new
            text = text[: edit.start] + new + text[edit.end :]
        document = parse_text(text, "")
        if document.problems or document.root != expected:
            raise CannotEdit("the edit would also change other parts of the file")
        return text

    def column(self, index: int) -> int:
        """Return the column, from 0, of an offset."""
        return index - (self.text.rfind("\n", 0, index) + 1)

    def end_of_content(self, node: Node) -> int:
        """Return the end of a node's content; empty lines below a block scalar count only if it keeps them."""
        node = _last_scalar(node)
        if node.form is Form.BLOCK and not self.keeps_empty_lines(node):
            return node.start + len(self.text[node.start : node.end].rstrip())
        return node.end

    def keeps_empty_lines(self, node: Node) -> bool:
        """Return whether a node ends with a block scalar (``|+``) that includes the empty lines below it."""
        node = _last_scalar(node)
        has_keep = re.match(r"(?:&\S+[ \t]+)?[|>]\d?\+", self.text[node.start : node.end]) is not None
        return node.form is Form.BLOCK and has_keep

    def next_line_start(self, index: int) -> int:
        """Return the offset of the next line's start, or the end of the text.

        Only a comment may follow on the line: anything else would be separated from it.
        """
        text = self.text
        if text[index - 1 : index] == "\n":  # a block scalar ends with its line
            return index
        end = text.find("\n", index)
        if not re.fullmatch(r"[ \t]*(?:[ \t]#.*)?\r?", text[index : len(text) if end < 0 else end]):
            raise CannotEdit("other text follows on the line before the new one")
        return len(text) if end < 0 else end + 1

    def find_entry(self, key: str) -> Node:
        """Return the mapping of an entry; raises :class:`CannotEdit` if the file does not contain it itself."""
        schedules = self.top.pair("schedules")
        found = schedules[1].pair(key) if schedules else None
        if found is None:
            raise CannotEdit("its entry is an alias, or is merged from another mapping")
        if found[1].form is Form.ALIAS:
            raise CannotEdit("its entry is an alias of another")
        return found[1]

    def insert_below(self, entry: Node, pair: tuple[Node, Node], line: str) -> TextEdit:
        """Return the insertion of ``name: value`` after one of an entry's pairs, in the entry's style."""
        name, value = pair
        if entry.is_flow:
            field, _, rest = line.partition(":")
            quote = '"' if name.form is Form.DOUBLE else ""
            return TextEdit(value.end, value.end, f", {quote}{field}{quote}:{rest}")
        at = self.next_line_start(self.end_of_content(value))
        return TextEdit(at, at, f"{' ' * self.column(name.start)}{line}\n")


def _last_scalar(node: Node) -> Node:
    while node.children and not node.is_flow:
        node = node.children[-1]
    return node


def check_own(node: Node, what: str) -> None:
    """Raise for a value that is shared by aliases or written on several lines."""
    if node.form is Form.ALIAS:
        raise CannotEdit(f"{what} is an alias")
    if node.anchor is not None:
        raise CannotEdit(f"{what} has an anchor, so other values may be aliases of it")
    if node.form is Form.BLOCK:
        raise CannotEdit(f"{what} is a block of text")
