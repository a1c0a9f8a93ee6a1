"""Spans as single objects: HALO's lines, and objects with the same content under other keys.

Those are OpenInference as exported by Phoenix (objects with a ``context``, or rows of a table whose columns have dots
in their names), the output of OpenTelemetry's console exporters, OTLP spans without their request, and HALO's own with
camelCase, numeric kinds and instants, or without optional fields.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import to_json

from halo_iac.sandbox.trace_files import otlp
from halo_iac.sandbox.trace_files.notations import EXACT_CODES, read_instant, read_span_kind, read_status_code
from halo_iac.sandbox.trace_files.problems import NotASpanError

Json = dict[str, Any]

_NAMES: Final = {
    "trace_id": ("trace_id", "traceId", "context.trace_id"),
    "span_id": ("span_id", "spanId", "context.span_id"),
    "parent_span_id": ("parent_span_id", "parentSpanId", "parent_id", "parentId"),
    "trace_state": ("trace_state", "traceState", "context.trace_state"),
    "name": ("name", "span_name", "spanName"),
    "kind": ("kind", "span_kind", "spanKind"),
    "start_time": ("start_time", "startTime", "start_time_unix_nano", "startTimeUnixNano"),
    "end_time": ("end_time", "endTime", "end_time_unix_nano", "endTimeUnixNano"),
    "status": ("status",),
    "status_code": ("status_code", "statusCode"),
    "status_message": ("status_message", "statusMessage"),
    "resource": ("resource",),
    "scope": ("scope", "instrumentation_scope", "instrumentationScope"),
    "attributes": ("attributes",),
    "events": ("events",),
    "links": ("links",),
}
_KNOWN: Final = frozenset(key for keys in _NAMES.values() for key in keys) | {"context"}
"""Keys that are converted; all others are kept as they are."""
_EVENT_TIMES: Final = ("timestamp", "time", "timeUnixNano", "time_unix_nano")
_COLUMN: Final = "attributes."
_OPENINFERENCE: Final = frozenset({"context", "context.span_id", "span_kind"})
"""Keys of OpenInference spans, whose attributes may be nested, and whose instants are in UTC by default."""
_TEXTS: Final = frozenset({"metadata", "llm.prompt_template.variables", "llm.invocation_parameters", "tool.parameters"})
"""Attributes whose value is an object; OpenInference writes them as JSON texts."""


def is_span(found: Json) -> bool:
    """Return whether an object has a span id."""
    return any(key in found for key in _NAMES["span_id"]) or (
        isinstance(found.get("context"), dict) and "span_id" in found["context"]
    )


def convert_span(found: Json) -> Json:
    """Return a span in HALO's format; one that is already in it is returned unchanged."""
    return found if is_exact(found) else _Reader(found).span()


def is_exact(found: object) -> bool:
    """Return whether a value is a span in HALO's format; called for millions of spans, hence no loops."""
    if type(found) is not dict:
        return False
    get = found.get
    start, kind, parent, resource, status = (
        get("start_time"), get("kind"), get("parent_span_id"), get("resource"), get("status")
    )  # fmt: skip
    return (
        type(get("trace_id")) is type(get("span_id")) is type(get("name")) is type(get("end_time")) is str
        and type(start) is type(kind) is str
        and (parent is None or type(parent) is str)
        and type(status) is type(resource) is type(get("scope")) is type(get("attributes")) is dict
        and type(resource.get("attributes")) is dict
        and type(code := status.get("code")) is str
        and code in EXACT_CODES
        and kind.startswith("SPAN_KIND_")
        and found["trace_id"] != "" != found["span_id"]
        and start[4:5] == "-"  # otherwise it may be a number since 1970
        and (get("events") is None or _are_exact(found["events"], ("name", "timestamp")))
        and (get("links") is None or _are_exact(found["links"], ("trace_id", "span_id")))
    )


def _are_exact(listed: object, texts: tuple[str, ...]) -> bool:
    return isinstance(listed, list) and all(
        isinstance(each, dict)
        and all(type(each.get(key)) is str for key in texts)
        and type(each.get("attributes")) is dict
        for each in listed
    )


class _Reader:
    """Reads the fields of a span under any of their names."""

    def __init__(self, found: Json) -> None:
        context = found.get("context")
        self._found = {**context, **found} if isinstance(context, dict) else found
        self._is_openinference = not _OPENINFERENCE.isdisjoint(found)

    def span(self) -> Json:
        lacking = [key for key in ("trace_id", "span_id", "start_time") if self._get(key) in (None, "")]
        if lacking:
            raise NotASpanError(f"lacks {', '.join(lacking)}")
        start = self._get("start_time")
        attributes = self._attributes()
        more = {key: held for key, held in self._found.items() if key not in _KNOWN and not key.startswith(_COLUMN)}
        return {
            "trace_id": self._id("trace_id"),
            "span_id": self._id("span_id"),
            "parent_span_id": self._id("parent_span_id"),
            "trace_state": self._text("trace_state").strip("[]"),  # console exporters print an empty one as a list
            "name": self._text("name"),
            "kind": self._kind(attributes),
            "start_time": read_instant(start, "start_time", is_utc=self._is_openinference),
            "end_time": read_instant(self._get("end_time") or start, "end_time", is_utc=self._is_openinference),
            "status": self._status(),
            "resource": self._resource(),
            "scope": self._scope(),
            "attributes": attributes,
            **self._events_and_links(),
            **{key: held for key, held in more.items() if key not in {"trace_id", "span_id", "trace_state"}},
        }

    def _get(self, field: str) -> Any:  # noqa: ANN401 - any JSON
        return next((held for key in _NAMES[field] if (held := self._found.get(key)) is not None), None)

    def _text(self, field: str) -> str:
        return otlp.to_text(self._get(field), field)

    def _id(self, field: str) -> str:
        return otlp.to_hexadecimal(self._text(field).removeprefix("0x"))

    def _attributes(self) -> Json:
        found = self._get("attributes")
        if isinstance(found, list):
            return _pairs(found, "attributes")
        if not isinstance(found or {}, dict):
            raise NotASpanError("has attributes that are not a JSON object")
        columns = {key[len(_COLUMN) :]: held for key, held in self._found.items() if key.startswith(_COLUMN)}
        both = {**(found or {}), **{key: held for key, held in columns.items() if held is not None}}
        return _flatten(both) if self._is_openinference else both

    def _kind(self, attributes: Json) -> str:
        """Return OpenTelemetry's kind; an OpenInference kind in its place becomes an attribute."""
        value = self._get("kind")
        found = read_span_kind(value)
        if found is None:
            attributes.setdefault("openinference.span.kind", str(value).upper())
        return found or "SPAN_KIND_INTERNAL"

    def _status(self) -> Json:
        value = self._get("status")
        if not isinstance(value, dict):
            value = {"code": value if value is not None else self._get("status_code")}
        code = value["code"] if "code" in value else value.get("status_code")
        message = value.get("message") or value.get("description") or self._get("status_message")
        return {"code": read_status_code(code), "message": message if isinstance(message, str) else ""}

    def _resource(self) -> Json:
        found = self._get("resource") or {}
        if not isinstance(found, dict):
            raise NotASpanError("has a resource that is not a JSON object")
        inner = found.get("attributes", found)
        if isinstance(inner, dict):
            return found if inner is not found else {"attributes": found}
        return {**found, "attributes": _pairs(inner, "resource.attributes")}

    def _scope(self) -> Json:
        found = self._get("scope") or {}
        return found if isinstance(found, dict) else {"name": str(found)}

    def _events_and_links(self) -> Json:
        events, links = (_objects(self._get(field), field) for field in ("events", "links"))
        return ({"events": [self._event(each) for each in events]} if events else {}) | (
            {"links": [_link(each) for each in links]} if links else {}
        )

    def _event(self, event: Json) -> Json:
        at = next((event[key] for key in _EVENT_TIMES if event.get(key) is not None), self._get("start_time"))
        held = event.get("attributes") or {}
        return {
            "name": str(event.get("name") or ""),
            "timestamp": read_instant(at, "timestamp of an event", is_utc=self._is_openinference),
            "attributes": _flatten(held) if isinstance(held, dict) else _pairs(held, "attributes of an event"),
        }


def _link(link: Json) -> Json:
    context = link.get("context")
    found = {**context, **link} if isinstance(context, dict) else link
    ids = {field: _linked_id(found, field) for field in ("trace_id", "span_id")}
    held = found.get("attributes") or {}
    return {**ids, "attributes": held if isinstance(held, dict) else _pairs(held, "attributes of a link")}


def _linked_id(found: Json, field: str) -> str:
    held = next((found[key] for key in _NAMES[field] if found.get(key) is not None), "")
    return otlp.to_hexadecimal(str(held).removeprefix("0x"))


def _objects(found: object, what: str) -> list[Json]:
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise NotASpanError(f"has {what} that are not a list of JSON objects")
    return found


def _pairs(found: object, what: str) -> Json:
    try:
        return otlp.read_attributes(found)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NotASpanError(f"has {what} that are neither an object nor pairs of key and value") from None


def _flatten(attributes: Json) -> Json:
    """Return attributes that Phoenix nests, such as ``{"llm": {"model_name": …}}``, under OpenInference's keys.

    Nulls are left out: a table has an empty cell where a span lacks an attribute.
    """
    found: Json = {}
    for key, value in attributes.items():
        _add_flattened(found, key, value)
    return found


def _add_flattened(found: Json, key: str, value: object) -> None:
    if key in _TEXTS and isinstance(value, dict):
        found[key] = to_json(value).decode()
    elif isinstance(value, dict):
        for inner, held in value.items():
            _add_flattened(found, f"{key}.{inner}", held)
    elif isinstance(value, list) and any(isinstance(held, dict) for held in value):
        for number, held in enumerate(value):
            _add_flattened(found, f"{key}.{number}", held)
    elif value is not None:
        found[key] = value
