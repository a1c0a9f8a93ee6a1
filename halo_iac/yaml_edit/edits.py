"""Where things stand in a YAML file: its nodes with the characters they begin and end at."""

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

from halo_iac.load.yaml_builder import Event, Take
from halo_iac.load.yaml_events import events
from halo_iac.load.yaml_parser import parse_text


class Form(StrEnum):
    """How a node is written."""

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
    """A node; ``end`` is the character behind it, of a block behind the last scalar or bracket in it.

    An anchor belongs to its node, which begins with it. ``children`` are elements, or keys and values in turn.
    """

    form: Form
    start: int
    end: int
    anchor: str | None = None
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def is_flow(self) -> bool:
        """Return whether it is written with brackets."""
        return self.form in {Form.FLOW_MAPPING, Form.FLOW_LIST}

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Yield the keys and values of a mapping; nothing for any other node."""
        if self.form in {Form.FLOW_MAPPING, Form.BLOCK_MAPPING}:
            yield from zip(self.children[::2], self.children[1::2], strict=True)

    def pair(self, key: str) -> tuple[Node, Node] | None:
        """Return a key and its value; ``None`` where this very mapping does not hold the key."""
        return next((pair for pair in self.pairs if pair[0].text == key), None)


def outline(text: str) -> Node:
    """Return the top node of a text that the loader accepts."""
    take = events(text)
    take()
    take()
    return _node(take(), take)


def _node(event: Event, take: Take) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Node(Form.ALIAS, start, end)
    if isinstance(event, ScalarEvent):
        return Node(_SCALARS.get(event.style, Form.PLAIN), start, end, event.anchor, event.value)
    is_mapping = isinstance(event, MappingStartEvent)
    children = []
    while not isinstance(inner := take(), MappingEndEvent | SequenceEndEvent):
        children.append(_node(inner, take))
    if event.flow_style:
        form, end = Form.FLOW_MAPPING if is_mapping else Form.FLOW_LIST, inner.end_mark.index
    else:
        form, end = Form.BLOCK_MAPPING if is_mapping else Form.BLOCK_LIST, children[-1].end
    return Node(form, start, end, event.anchor, "", tuple(children))


class CannotEdit(Exception):  # noqa: N818 - says why a file is left as it is
    """An edit that cannot be made safely; ``reason`` says what of the file stands in its way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TextEdit:
    """The characters from ``start`` to ``end`` give way to ``new``; an insertion where the two are equal."""

    start: int
    end: int
    new: str


def apply_edits(text: str, splices: Sequence[TextEdit], expected: dict[str, Any]) -> str:
    """Return the text with its splices made; raises :class:`CannotEdit` unless it then holds just what is expected.

    New lines end as the file's own do; the last line of the file is ended first if new ones follow it.
    """
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    for splice in sorted(splices, key=lambda each: each.start, reverse=True):
        new = splice.new.replace("\n", end_of_line)
        if splice.start == len(text) and not text.endswith("\n"):
            new = end_of_line + new
        text = text[: splice.start] + new + text[splice.end :]
    document = parse_text(text, "")
    if document.problems or document.root != expected:
        raise CannotEdit("the edit would also change other parts of the file")
    return text


def values(text: str) -> dict[str, Any]:
    """Return what a text that the loader accepts holds once its last line is ended, which a block of text can tell."""
    root = parse_text(text if text.endswith("\n") else f"{text}\n", "").root
    assert root is not None  # noqa: S101 - the loader has accepted it
    return root


def column(text: str, index: int) -> int:
    """Return how many characters stand before one in its line."""
    return index - (text.rfind("\n", 0, index) + 1)


def end_of_content(text: str, node: Node) -> int:
    """Return where what is written of a node ends: empty lines below a block of text only count if it keeps them."""
    while node.children and not node.is_flow:
        node = node.children[-1]
    if node.form is Form.BLOCK and not preserves_line_breaks(text, node):
        return node.start + len(text[node.start : node.end].rstrip())
    return node.end


def preserves_line_breaks(text: str, node: Node) -> bool:
    """Return whether a node ends with a block of text (``|+``) to which empty lines below it belong."""
    while node.children and not node.is_flow:
        node = node.children[-1]
    return node.form is Form.BLOCK and re.match(r"(?:&\S+[ \t]+)?[|>]\d?\+", text[node.start : node.end]) is not None


def next_line_start(text: str, index: int) -> int:
    """Return the offset of the next line's start, or the end of the text.

    Only a comment may follow what ends before the character: anything else would be torn from it.
    """
    if text[index - 1 : index] == "\n":  # a block of text ends with its line
        return index
    end = text.find("\n", index)
    if not re.fullmatch(r"[ \t]*(?:[ \t]#.*)?\r?", text[index : len(text) if end < 0 else end]):
        raise CannotEdit("other text follows on the line before the new one")
    return len(text) if end < 0 else end + 1


def own_entry(top: Node, key: str) -> Node:
    """Return the mapping of an entry; raises :class:`CannotEdit` where the file does not hold one of its own."""
    schedules = top.pair("schedules")
    found = schedules[1].pair(key) if schedules else None
    if found is None:
        raise CannotEdit("its entry is an alias, or is merged from another mapping")
    if found[1].form is Form.ALIAS:
        raise CannotEdit("its entry is an alias of another")
    return found[1]


def check_own(node: Node, what: str) -> None:
    """Refuse a value that others share, or that stands on several lines."""
    if node.form is Form.ALIAS:
        raise CannotEdit(f"{what} is an alias")
    if node.anchor is not None:
        raise CannotEdit(f"{what} has an anchor, so other values may be aliases of it")
    if node.form is Form.BLOCK:
        raise CannotEdit(f"{what} is a block of text")


def insert_below(text: str, entry: Node, pair: tuple[Node, Node], line: str) -> TextEdit:
    """Return the insertion of ``name: value`` behind one of an entry's pairs, in the way that the entry is written."""
    name, value = pair
    if entry.is_flow:
        field, _, rest = line.partition(":")
        quote = '"' if name.form is Form.DOUBLE else ""
        return TextEdit(value.end, value.end, f", {quote}{field}{quote}:{rest}")
    at = next_line_start(text, end_of_content(text, value))
    return TextEdit(at, at, f"{' ' * column(text, name.start)}{line}\n")
