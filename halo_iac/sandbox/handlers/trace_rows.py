"""The fields of a span that are read from its JSON (docs/protocol.md#trace-fields)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from halo_iac.sandbox.span_messages import documents, messages
from halo_iac.sandbox.store.span_bodies import text_of

Json = dict[str, Any]


def with_bodies(span: Json, text: bytes) -> Json:
    """Return a span of the wire format with its input and output, from its JSON."""
    body = from_json(text)
    return {**span, "scopeName": _scope(body), **bodies_of(body)}


def with_details(span: Json, text: bytes) -> Json:
    """Return a span of the wire format with every field, attribute, event and link, from its JSON."""
    body = from_json(text)
    scope = body.get("scope") or {}
    return {
        **span,
        "kind": body.get("kind"),
        "traceState": body.get("trace_state") or "",
        "scopeName": _scope(body),
        "scopeVersion": scope.get("version") or "",
        **bodies_of(body),
        "events": body.get("events") or [],
        "links": body.get("links") or [],
        **_by_type("spanAttributes", body["attributes"]),
        **_by_type("resourceAttributes", body["resource"]["attributes"]),
    }


def bodies_of(body: Json) -> dict[str, str]:
    """Return input, output, messages and documents of a parsed span as text, empty if missing."""
    attributes = body["attributes"]
    return {
        "input": _text(attributes.get("input.value")),
        "output": _text(attributes.get("output.value")),
        "inputMessages": messages(attributes, "input"),
        "outputMessages": messages(attributes, "output"),
        "retrievalDocuments": documents(attributes),
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
