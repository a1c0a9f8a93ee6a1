"""Where things stand in a YAML file: its nodes with the characters they begin and end at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from halo_iac.load.build import Event, Take
from halo_iac.load.events import events


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
        """Say whether it is written with brackets."""
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
