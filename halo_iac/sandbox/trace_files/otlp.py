"""OTLP as JSON: requests with resources, scopes and spans; keys in camelCase, or as in the protobuf schema.

Written by the OpenTelemetry collector's file exporter and by SDKs. Ids are hexadecimal, or base64 if a library used
protobuf's JSON mapping; 64-bit integers are texts.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterator
from itertools import product
from math import isfinite
from typing import Any, Final

from halo_iac.sandbox.trace_files.notations import CamelCase, read_instant, read_span_kind, read_status_code
from halo_iac.sandbox.trace_files.problems import NotASpanError

Json = dict[str, Any]

GROUPS: Final = ("resourceSpans", "resource_spans")

SCOPES: Final = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans")
_SCOPE: Final = ("scope", "instrumentationLibrary", "instrumentation_library")
_ID_LENGTHS: Final = {24: 16, 12: 8}
"""The length of an id in base64 → its number of bytes."""
_WRONG: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a value of the wrong type raises."""


def convert_request(request: Json) -> Iterator[Json | NotASpanError]:
    """Yield the spans of a request or of one element of its lists, and an error for each that is invalid."""
    for group in _listed(request, *GROUPS) or [request]:
        yield from _valid_prefix(_spans_of_resource(group))


def _spans_of_resource(group: Json) -> Iterator[Json | NotASpanError]:
    resource = _resource(group)
    for scoped in _listed(group, *SCOPES) or [group]:
        yield from _valid_prefix(_spans_of_scope(scoped, resource))


def _spans_of_scope(scoped: Json, resource: Json) -> Iterator[Json | NotASpanError]:
    scope = _scope(scoped)
    for span in _listed(scoped, "spans"):
        try:
            yield convert_span(span, resource, scope)
        except NotASpanError as bad:
            yield bad


def _valid_prefix(spans: Iterator[Json | NotASpanError]) -> Iterator[Json | NotASpanError]:
    """Yield the spans of a part of a request; an error in one part does not drop the others."""
    try:
        yield from spans
    except _WRONG as error:
        yield error if isinstance(error, NotASpanError) else NotASpanError("has a part that is not valid OTLP")


def convert_span(span: Json, resource: Json, scope: Json) -> Json:
    """Return an OTLP span in HALO's format."""
    try:
        span = _camel(span)
        start = span.get("startTimeUnixNano")
        found: Json = {
            "trace_id": to_hexadecimal(span["traceId"]),
            "span_id": to_hexadecimal(span["spanId"]),
            "parent_span_id": to_hexadecimal(span.get("parentSpanId") or ""),
            "trace_state": to_text(span.get("traceState"), "traceState"),
            "name": to_text(span.get("name"), "name"),
            "kind": read_span_kind(span.get("kind")) or "SPAN_KIND_UNSPECIFIED",
            "start_time": read_instant(start, "startTimeUnixNano"),
            "end_time": read_instant(span.get("endTimeUnixNano") or start, "endTimeUnixNano"),
            "status": _status(span.get("status") or {}),
            "resource": resource,
            "scope": scope,
            "attributes": read_attributes(span.get("attributes")),
        }
        if events := span.get("events"):
            found["events"] = [_event(event) for event in events]
        if links := span.get("links"):
            found["links"] = [_link(link) for link in links]
    except _WRONG as error:
        if isinstance(error, NotASpanError):
            raise
        raise NotASpanError("has an invalid OTLP span") from None
    if not found["trace_id"] or not found["span_id"]:
        raise NotASpanError("has an OTLP span without traceId or spanId")
    return found


# Attributes ----------------------------------------------------------------------------------------------------------


def read_attributes(pairs: object) -> Json:
    """Return attributes, a list of key-value pairs, as an object."""
    if isinstance(pairs, dict):  # hand-written files have objects
        return pairs
    listed: Any = pairs or ()
    return {
        pair["key"]: text
        if (text := (value := pair["value"]).get("stringValue")) is not None
        else read_any_value(value)
        for pair in listed
    }


def read_any_value(value: Json) -> Any:  # noqa: ANN401 - OTLP's AnyValue
    """Return the value of an AnyValue; ``None`` if it is empty."""
    for name, held in value.items():
        return _VALUES[name](held)
    return None


def _double(held: object) -> object:
    """Return a float; one that JSON numbers cannot express is a text, in OTLP and here."""
    number = float(held)  # type: ignore[arg-type]
    return number if isfinite(number) else str(held)


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "string": lambda held: held,
    "int": int,
    "double": _double,
    "bool": lambda held: held,
    "bytes": lambda held: held,
    "array": lambda held: [read_any_value(each) for each in held.get("values") or ()],
    "kvlist": lambda held: read_attributes(held.get("values")),
}
_VALUES: Final = {
    f"{name}{ending}": reader for (name, reader), ending in product(_READERS.items(), ("Value", "_value"))
}


# Fields of a span ----------------------------------------------------------------------------------------------------


def _resource(group: object) -> Json:
    if not isinstance(group, dict):
        raise NotASpanError("has resourceSpans that is not a JSON object")
    found = group.get("resource") or {}
    return {"attributes": read_attributes(found.get("attributes"))}


def _scope(scoped: Json) -> Json:
    found: Json = next((scoped[key] for key in _SCOPE if scoped.get(key)), {})
    scope = {key: to_text(found.get(key), f"scope.{key}") for key in ("name", "version")}
    return scope | ({"attributes": read_attributes(found["attributes"])} if found.get("attributes") else {})


def _status(value: Json) -> Json:
    return {"code": read_status_code(value.get("code")), "message": to_text(value.get("message"), "status.message")}


def _event(event: Json) -> Json:
    event = _camel(event)
    at = read_instant(event["timeUnixNano"], "timeUnixNano")
    return {
        "name": to_text(event.get("name"), "name of an event"),
        "timestamp": at,
        "attributes": read_attributes(event.get("attributes")),
    }


def _link(link: Json) -> Json:
    link = _camel(link)
    found = {"trace_id": to_hexadecimal(link["traceId"]), "span_id": to_hexadecimal(link["spanId"])}
    state = {"trace_state": link["traceState"]} if link.get("traceState") else {}
    return found | state | {"attributes": read_attributes(link.get("attributes"))}


def to_hexadecimal(text: str) -> str:
    """Return an id in hexadecimal, as in OTLP's JSON; it may be given in base64."""
    if text.endswith("=") and (size := _ID_LENGTHS.get(len(text))):
        try:
            found = b64decode(text, validate=True)
        except Error:
            return text
        return found.hex() if len(found) == size else text
    return text


_camel: Final = CamelCase(
    ("traceId", "spanId", "parentSpanId", "traceState", "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano")
)


def to_text(found: object, what: str) -> str:
    """Return a text, empty if missing; raises :class:`NotASpanError` for another type."""
    if not isinstance(found or "", str):
        raise NotASpanError(f"has a {what} that is not text")
    return found or ""  # type: ignore[return-value]


def _listed(found: Json, *keys: str) -> list[Any]:
    for key in keys:
        if (held := found.get(key)) is not None:
            if isinstance(held, list):
                return held
            raise NotASpanError(f"has {key} that are no list")
    return []
