"""The fields of a span from its JSON: input, output, messages and attributes (docs/protocol.md#trace-fields).

OpenInference flattens a conversation into attributes such as ``llm.input_messages.0.message.role``; others write it as
one JSON text. Without either, an input or output that is a conversation is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic_core import from_json, to_json

from halo_iac.sandbox.store.span_bodies import text_of

Json = dict[str, Any]

_PREFIX: Final = {"input": "llm.input_messages", "output": "llm.output_messages"}
_TEXTS: Final = {
    "input": ("gen_ai.input.messages", "gen_ai.prompt", "input.value"),
    "output": ("gen_ai.output.messages", "gen_ai.completion", "output.value"),
}
_DOCUMENTS: Final = "retrieval.documents"
_PARTS: Final = re.compile(r"[^.]+")


def add_bodies(span: Json, text: bytes) -> Json:
    """Return a span of the wire format with its input and output, from its JSON."""
    body = from_json(text)
    return {**span, "scopeName": _scope(body), **read_bodies(body)}


def add_details(span: Json, text: bytes) -> Json:
    """Return a span of the wire format with every field, attribute, event and link, from its JSON."""
    body = from_json(text)
    scope = body.get("scope") or {}
    return {
        **span,
        "kind": body.get("kind"),
        "traceState": body.get("trace_state") or "",
        "scopeName": _scope(body),
        "scopeVersion": scope.get("version") or "",
        **read_bodies(body),
        "events": body.get("events") or [],
        "links": body.get("links") or [],
        **_by_type("spanAttributes", body["attributes"]),
        **_by_type("resourceAttributes", body["resource"]["attributes"]),
    }


def read_bodies(body: Json) -> dict[str, str]:
    """Return input, output, messages and documents of a parsed span as text, empty if missing."""
    attributes = body["attributes"]
    return {
        "input": _text(attributes.get("input.value")),
        "output": _text(attributes.get("output.value")),
        "inputMessages": _messages(attributes, "input"),
        "outputMessages": _messages(attributes, "output"),
        "retrievalDocuments": _documents(attributes),
    }


def _by_type(name: str, attributes: Mapping[str, Any]) -> Json:
    """Return attributes by type, as the platform does: integers, other numbers, and all others as text."""
    whole = {key: value for key, value in attributes.items() if isinstance(value, int) and not isinstance(value, bool)}
    other = {key: value for key, value in attributes.items() if isinstance(value, float)}
    texts = {key: text_of(value) for key, value in attributes.items() if key not in whole and key not in other}
    return {
        name: {key: value for key, value in texts.items() if attributes[key] is not None},
        f"{name}Int": whole,
        f"{name}Double": other,
    }


def _scope(body: Mapping[str, Any]) -> str:
    name = (body.get("scope") or {}).get("name")
    return name if isinstance(name, str) else ""


def _text(value: object) -> str:
    return "" if value is None else text_of(value)


# Conversations --------------------------------------------------------------------------------------------------------


def _messages(attributes: Mapping[str, Any], which: Literal["input", "output"]) -> str:
    """Return the messages as JSON text: ``[{role, content, …}]``; blank if there are none."""
    found = _unflattened(attributes, _PREFIX[which])
    listed = [_message(each) for each in found] if found else next(_written(attributes, which), [])
    return to_json(listed, inf_nan_mode="strings").decode() if listed else ""


def _documents(attributes: Mapping[str, Any]) -> str:
    """Return the documents of a retrieval as JSON text; blank if there are none."""
    found = _unflattened(attributes, _DOCUMENTS)
    listed = [each.get("document", each) if isinstance(each, dict) else each for each in found]
    return to_json(listed, inf_nan_mode="strings").decode() if listed else ""


def _written(attributes: Mapping[str, Any], which: str) -> Iterator[list[Any]]:
    """Yield the conversations that are one value: a list or its JSON text."""
    for key in (_PREFIX[which], *_TEXTS[which]):
        value = attributes.get(key)
        if isinstance(value, str) and value[:1] in {"[", "{"}:
            try:
                value = from_json(value)
            except ValueError:
                continue
        listed = [_message(each) for each in _conversation(value)]
        if listed and all(isinstance(each, dict) and "role" in each for each in listed):
            yield listed


def _conversation(value: Any) -> list[Any]:  # noqa: ANN401 (any JSON)
    """Return the messages in a list, in a request to a model or in its response."""
    match value:
        case list():
            return value
        case {"messages": list(found)}:
            return found
        case {"choices": list(found)}:
            return [each.get("message") for each in found if isinstance(each, dict)]
        case {"role": str()}:
            return [value]
        case _:
            return []


def _message(value: Any) -> Any:  # noqa: ANN401 (likewise)
    """Return a message as ``{role, content, …}``: OpenInference wraps it, and each of its parts."""
    if not isinstance(value, dict):
        return value
    found = value.get("message", value)
    if not isinstance(found, dict):
        return value
    found = dict(found)
    if isinstance(parts := found.pop("contents", None), list):
        found["content"] = [_part(part) for part in parts]
    if isinstance(calls := found.get("tool_calls"), list):
        found["tool_calls"] = [each.get("tool_call", each) if isinstance(each, dict) else each for each in calls]
    return found


def _part(value: Any) -> Any:  # noqa: ANN401 (likewise)
    return value.get("message_content", value) if isinstance(value, dict) else value


def _unflattened(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """Return the list that was flattened into attributes such as ``prefix.0.name.1.other``."""
    root: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(prefix + ".") and value is not None:
            *path, last = _PARTS.findall(key[len(prefix) :])
            target = root
            for part in path:
                inner = target.setdefault(part, {})
                target = inner if isinstance(inner, dict) else target
            target[last] = value
    found = _lists(root)
    return found if isinstance(found, list) else []


def _lists(value: Any) -> Any:  # noqa: ANN401 (likewise)
    """Return a value with objects whose keys are numbers turned into lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(each) for key, each in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
