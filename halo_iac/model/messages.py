"""Messages to and from models, in the formats in which spans record them (docs/protocol.md#trace-views).

Read are the messages of OpenAI's, Anthropic's, Google's and Vercel's APIs, those of OpenTelemetry's conventions for
generative AI, and OpenInference's with its dotted names. What is none of these stays as it is: text, or JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

ROLES: Final = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
"""Other names of roles, and the usual ones."""


class PartKind(Enum):
    """The kind of a message part; the text of a call has its arguments."""

    TEXT = "text"
    THINKING = "thinking"
    CALL = "call"
    RESULT = "result"
    OTHER = "other"
    """Something that is no text, such as an image; its text says what."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message; ``name`` is that of the tool, for a call and, if known, for a result."""

    kind: PartKind
    text: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message; ``role`` is ``system``, ``user``, ``assistant``, ``tool`` or what the recorder calls it."""

    role: str
    parts: tuple[Part, ...]


_KINDS: Final = {
    PartKind.TEXT: "text input_text output_text summary_text refusal",
    PartKind.THINKING: "thinking reasoning redacted_thinking",
    PartKind.CALL: "tool_use tool_call function_call server_tool_use custom_tool_call mcp_call functioncall",
    PartKind.RESULT: "tool_result tool_call_response function_call_output custom_tool_call_output functionresponse",
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_PREFIXES: Final = ("message.", "message_content.", "tool_call.")
_WRAPPERS: Final = ("message", "message_content", "tool_call", "functionCall", "functionResponse")
_LISTS: Final = ("messages", "input", "output", "choices", "contents", "candidates")
"""Where requests and answers have their messages."""
_TEXT_OF: Final = {
    PartKind.TEXT: ("text", "content", "refusal"),
    PartKind.THINKING: ("thinking", "text", "reasoning", "content", "summary"),
    PartKind.CALL: ("arguments", "input", "args", "function.arguments"),
    PartKind.RESULT: ("content", "output", "result", "response"),
}
_NAMES: Final = ("name", "toolName", "tool_name", "function.name")
_MAX_DEPTH: Final = 5


def read_messages(text: str | None) -> tuple[ChatMessage, ...]:
    """Return the messages in a recorded text; empty if it has none."""
    found = json_value(text)
    try:
        return tuple(_messages(found, _MAX_DEPTH)) if isinstance(found, dict | list) else ()
    except RecursionError:
        return ()


def json_value(text: str | None) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the value of a JSON text; ``None`` for any other text."""
    if not text or text.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_text(value: object) -> str:
    """Return a value on one line: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _messages(value: Any, depth: int) -> Iterator[ChatMessage]:  # noqa: ANN401 - what JSON can hold
    if depth == 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _messages(each, depth - 1)
    elif isinstance(value, dict):
        item = _plain(value)
        if "role" in item or _kind(item) in {PartKind.CALL, PartKind.RESULT, PartKind.THINKING}:
            yield from _message(item)
        else:
            lists = (item[name] for name in _LISTS if isinstance(item.get(name), list))
            yield from _messages(next(lists, item.get("content")), depth - 1)


def _message(item: Mapping[str, Any]) -> Iterator[ChatMessage]:
    kind = _kind(item)
    role = item.get("role")
    if not isinstance(role, str):
        role = "tool" if kind is PartKind.RESULT else "assistant"
    role = ROLES.get(role.lower(), role)
    parts = tuple(_parts_of_message(item, role, kind))
    if parts:
        yield ChatMessage(role, parts)


def _parts_of_message(item: Mapping[str, Any], role: str, kind: PartKind | None) -> Iterator[Part]:
    if kind is not None and kind is not PartKind.TEXT:
        yield from _part(item)
        return
    thought = item.get("reasoning_content")
    if isinstance(thought, str) and thought:
        yield Part(PartKind.THINKING, thought)
    content = next((item[name] for name in ("content", "contents", "parts") if item.get(name)), None)
    parts = _parts(content)
    if role == "tool" and all(part.kind is PartKind.TEXT for part in parts):
        text = "\n".join(part.text for part in parts) if parts else json_text(content or "")
        yield Part(PartKind.RESULT, text, _name(item))
    else:
        yield from parts
    calls = item.get("tool_calls") or item.get("function_call") or ()
    for call in calls if isinstance(calls, list) else [calls]:
        if isinstance(call, dict):
            yield _called(_plain(call))


def _parts(content: Any) -> Sequence[Part]:  # noqa: ANN401 - what JSON can hold
    if isinstance(content, str):
        return [Part(PartKind.TEXT, content)] if content else []
    items = content if isinstance(content, list) else [content] if isinstance(content, dict) else []
    found: list[Part] = []
    for item in items:
        found += _part(_plain(item)) if isinstance(item, dict) else _parts(item if isinstance(item, str) else None)
    return found


def _part(item: Mapping[str, Any]) -> Iterator[Part]:
    kind = _kind(item)
    if kind is PartKind.CALL:
        yield _called(item)
    elif kind is not None:
        found = next((item[name] for name in _TEXT_OF[kind] if item.get(name) is not None), "")
        texts = [part.text for part in _parts(found) if part.kind is PartKind.TEXT]
        text = "\n".join(texts) if texts else json_text(found)
        if text or kind is PartKind.RESULT:
            yield Part(kind, text, _name(item) if kind is PartKind.RESULT else None)
    else:
        type_ = item.get("type")
        yield Part(PartKind.OTHER, type_ if isinstance(type_, str) and type_ else json_text(dict(item)))


def _called(item: Mapping[str, Any]) -> Part:
    function = item.get("function")
    inner = _plain(function) if isinstance(function, dict) else item
    arguments = next((inner[name] for name in _TEXT_OF[PartKind.CALL] if inner.get(name) is not None), "")
    return Part(PartKind.CALL, json_text(arguments), _name(inner) or "(no name)")


def _kind(item: Mapping[str, Any]) -> PartKind | None:
    kind = item.get("type")
    if isinstance(kind, str):
        return _KIND_OF.get(kind.lower().replace("-", "_"))
    return PartKind.TEXT if isinstance(item.get("text"), str) else None


def _name(item: Mapping[str, Any]) -> str | None:
    return next((item[name] for name in _NAMES if isinstance(item.get(name), str) and item[name]), None)


def _plain(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an item without the wrappers and name prefixes of some formats."""
    for wrapper in _WRAPPERS:
        inner = item.get(wrapper)
        if isinstance(inner, dict):
            kind = {"type": wrapper} if wrapper.startswith("function") else {}
            return {**kind, **_plain(inner)}
    if any(name.startswith(_PREFIXES) for name in item):
        return {name.split(".", 1)[1] if name.startswith(_PREFIXES) else name: value for name, value in item.items()}
    return item
