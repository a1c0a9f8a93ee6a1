"""The conversation of a trace in order: messages with their speakers, tool calls and their results.

See docs/protocol.md#trace-views. Model calls repeat all earlier messages, and agents repeat the messages of their
model: each message is kept where it occurs first. A long part is cut when it is read, so that memory holds only what
is shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Final, NamedTuple

from halo_iac.model.messages import ChatMessage, Part, PartKind, json_value, read_messages
from halo_iac.model.span_tree import nanoseconds
from halo_iac.model.traces import Span
from halo_iac.render.values import cut_text

TOOL_KINDS: Final = frozenset({"TOOL", "RETRIEVER", "RERANKER", "EMBEDDING", "GUARDRAIL", "EVALUATOR"})
"""The kinds of spans that have arguments and a result, as a tool call has."""
_MODEL_KINDS: Final = frozenset({"LLM", "AGENT"})
_MAX_NORMALIZED_LENGTH: Final = 1_000_000
"""The most characters of arguments or a result that are parsed as JSON to compare them regardless of white space."""


class Item(NamedTuple):
    """One part of a message; equal parts have equal ``key``s."""

    role: str
    kind: PartKind
    name: str | None
    key: bytes
    text: str
    left_out: int


class Source(NamedTuple):
    """The facts of a span that the conversation shows."""

    id: str
    kind: str
    name: str
    model: str | None
    duration: int | None
    message: str | None
    is_error: bool


class Event(NamedTuple):
    """The input of a span when it began, or its output when it ended; ``at`` is in nanoseconds."""

    at: int | None
    source: Source
    items: Sequence[Item]
    is_output: bool

    @property
    def sort_key(self) -> tuple[bool, int, int, int]:
        """Return the sort key of events: by instant, ends before starts, longer spans before shorter ones."""
        duration = max(self.source.duration or 0, 0)
        turn = 1 if not self.is_output else 0 if duration else 2
        return (self.at is None, self.at or 0, turn, duration if self.is_output else -duration)


class Block(NamedTuple):
    """The items that one speaker adds at one instant."""

    role: str
    event: Event
    items: Sequence[Item]

    @property
    def has_failed(self) -> bool:
        """Return whether this is the output of a failed span."""
        return self.event.source.is_error and self.event.is_output


class Conversation:
    """The conversation in some spans; ``max_length`` is how many characters of a part are kept, ``None`` for all."""

    def __init__(self, spans: Iterable[Span], max_length: int | None) -> None:
        reader = _SpanReader(max_length)
        for span in spans:
            reader.read(span)
        shown = _ShownItems(reader.outer_spans)
        self.blocks = list(_merge_tool_blocks(_blocks(reader.events(), shown)))
        self.has_repeats = shown.has_repeats
        """Whether repeated messages were left out."""
        self.left_out = reader.left_out
        """The number of spans with input or output that are not shown, since their kind is not model, agent or tool."""


# Reading ------------------------------------------------------------------------------------------------------------


class _SpanReader:
    """Reads the messages of spans; keeps each part once, cut to ``max_length`` characters."""

    def __init__(self, max_length: int | None) -> None:
        self._max_length = max_length
        self._items: dict[tuple[str, PartKind, str | None, bytes], Item] = {}
        self._events: list[Event] = []
        self._other_events: list[Event] = []
        self.outer_spans: set[str | None] = set()
        """The ids of spans with a model call below them, which repeat the messages of that call."""

    def read(self, span: Span) -> None:
        kind = (span.kind or "").upper()
        source = Source(span.id, kind, span.name, span.model, span.duration_ns, span.status_message, span.is_error)
        if kind == "LLM":
            self.outer_spans.add(span.parent_id)
        if kind in TOOL_KINDS:
            input_messages, output_messages = _tool_messages(span)
        else:
            input_messages = _messages(span.input_messages, span.input, "user")
            output_messages = _messages(span.output_messages, span.output, "assistant")
        start = nanoseconds(span.started_at)
        end = None if start is None else start + max(span.duration_ns or 0, 0)
        events = (
            Event(start, source, self._read(input_messages), is_output=False),
            Event(end, source, self._read(output_messages), is_output=True),
        )
        kept = self._events if kind in _MODEL_KINDS or kind in TOOL_KINDS else self._other_events
        kept += (event for event in events if event.items or (event.is_output and span.is_error))

    def events(self) -> Sequence[Event]:
        """Return the events in order: those of models, agents and tools, or those of other spans if there are none."""
        found = self._events if self._has_messages() else [*self._events, *self._other_events]
        return sorted(found, key=lambda event: event.sort_key)

    @property
    def left_out(self) -> int:
        """Return how many spans of other kinds have messages that are not shown."""
        return len({event.source.id for event in self._other_events if event.items}) if self._has_messages() else 0

    def _has_messages(self) -> bool:
        return any(event.items for event in self._events)

    def _read(self, messages: Sequence[ChatMessage]) -> Sequence[Item]:
        return tuple(self._item(message.role, part) for message in messages for part in message.parts)

    def _item(self, role: str, part: Part) -> Item:
        key = _part_key(role, part)
        known = self._items.get((role, part.kind, part.name, key))
        if known is None:
            text, left_out = (part.text, 0) if self._max_length is None else cut_text(part.text, self._max_length)
            known = Item(role, part.kind, part.name, key, text, left_out)
            self._items[role, part.kind, part.name, key] = known
        return known


def _messages(messages: str | None, text: str | None, role: str) -> Sequence[ChatMessage]:
    found = read_messages(messages) or read_messages(text)
    plain = messages or text
    if found or not plain:
        return found
    value = json_value(plain)
    return [ChatMessage(role, (Part(PartKind.TEXT, value if isinstance(value, str) else plain),))]


def _tool_messages(span: Span) -> tuple[Sequence[ChatMessage], Sequence[ChatMessage]]:
    call = Part(PartKind.CALL, span.input, span.name) if span.input else None
    answer = span.output or span.retrieval_documents
    result = Part(PartKind.RESULT, _result_text(answer)) if answer else None
    return [ChatMessage("tool", (call,))] if call else [], [ChatMessage("tool", (result,))] if result else []


def _result_text(text: str) -> str:
    """Return the result of a tool, without the message that some instrumentation wraps it in."""
    found = [part.text for message in read_messages(text) for part in message.parts if part.kind is PartKind.RESULT]
    value = json_value(text) if len(text) < _MAX_NORMALIZED_LENGTH else None
    return found[0] if len(found) == 1 else value if isinstance(value, str) else text


def _part_key(role: str, part: Part) -> bytes:
    """Return a key that is equal for equal parts, regardless of white space, and for a repeated call or result."""
    text = part.text.strip()
    who = role
    if part.kind in {PartKind.CALL, PartKind.RESULT}:
        value = json_value(text) if len(text) < _MAX_NORMALIZED_LENGTH else None
        text = text if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        who = (part.name or "").replace(" ", ".").rpartition(".")[2] if part.kind is PartKind.CALL else ""
    return blake2b(f"{part.kind.value}\0{who}\0{text}".encode(errors="replace"), digest_size=12).digest()


# New messages -------------------------------------------------------------------------------------------------------


class _ShownItems:
    """Counts the items shown so far, so that a message that occurs twice in one history is shown twice."""

    def __init__(self, outer_spans: set[str | None]) -> None:
        self._outer_spans = outer_spans
        self._shown: Counter[bytes] = Counter()
        self._requested_calls: Counter[bytes] = Counter()
        """The tool calls that a model requested and that have no result yet."""
        self.has_repeats = False

    def new(self, event: Event) -> Sequence[Item]:
        """Return the items of an event that were not shown before."""
        kind = event.source.kind
        if event.is_output and (kind in TOOL_KINDS or (kind == "LLM" and event.source.id not in self._outer_spans)):
            found = event.items
            self._requested_calls.update(item.key for item in found if item.kind is PartKind.CALL)
        elif kind in TOOL_KINDS:
            found = [item for item in event.items if not self._requested_calls[item.key]]
            self._requested_calls.subtract(item.key for item in event.items if self._requested_calls[item.key])
        else:
            found = self._new_in_history(event.items)
            self.has_repeats |= len(found) < len(event.items)
        self._shown.update(item.key for item in found)
        return found

    def _new_in_history(self, items: Sequence[Item]) -> Sequence[Item]:
        found, here = [], Counter[bytes]()
        for item in items:
            here[item.key] += 1
            if here[item.key] > self._shown[item.key]:
                found.append(item)
        return found


def _blocks(events: Iterable[Event], shown: _ShownItems) -> Iterator[Block]:
    for event in events:
        new = shown.new(event)
        for role, items in groupby(new, lambda item: item.role):
            yield Block(role, event, tuple(items))
        if not new and event.is_output and event.source.is_error:
            yield Block("tool" if event.source.kind in TOOL_KINDS else "assistant", event, ())


def _merge_tool_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks; a tool's arguments and its result are one block if nothing stands between them."""
    last: Block | None = None
    for block in blocks:
        if last is not None and last.event.source is block.event.source and last.role == block.role == "tool":
            last = Block(block.role, block.event, (*last.items, *block.items))
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last
