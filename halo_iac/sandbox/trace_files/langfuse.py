"""Langfuse: traces with their observations, or observations by themselves.

The keys are in camelCase in answers of its API, and in snake_case in exported files, whose instants are in UTC without
a zone. Each observation becomes a span. The trace becomes their parent, unless one of them is the parent of all others;
then that one gets the fields of the trace. Fields without a name in HALO's format are kept as ``langfuse.…``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from pydantic_core import to_json

from halo_iac.sandbox.instants import parse_nanoseconds
from halo_iac.sandbox.trace_files.notations import CamelCase, read_instant
from halo_iac.sandbox.trace_files.problems import NotASpanError

Json = dict[str, Any]

_KINDS: Final = {"GENERATION": "LLM", "EVENT": "SPAN"}
"""Types of observations with another name in HALO."""
_NAMED: Final = {"AGENT": "agent.name", "TOOL": "tool.name"}
"""Kinds whose name is an attribute as well."""
_TOKENS: Final = {
    "llm.token_count.prompt": ("input", "promptTokens", "prompt_tokens", "input_tokens"),
    "llm.token_count.completion": ("output", "completionTokens", "completion_tokens", "output_tokens"),
    "llm.token_count.total": ("total", "totalTokens", "total_tokens"),
    "llm.token_count.prompt_details.cache_read": (
        "input_cached_tokens",
        "cache_read_input_tokens",
        "input_cache_read",
    ),
}
_OLD_TOKENS: Final = ("promptTokens", "completionTokens", "totalTokens")
"""Older versions' fields of the token usage."""
_COUNTED: Final = (None, "TOKENS")
"""Units of a usage that is counted in tokens."""
_READ: Final = frozenset(
    {
        "id", "traceId", "parentObservationId", "type", "name", "level", "statusMessage", "startTime", "endTime",
        "timestamp", "input", "output", "model", "providedModelName", "modelParameters", "usage", "usageDetails",
        "costDetails", "totalCost", "calculatedTotalCost", "metadata", "tags", "userId", "sessionId", "environment",
        "observations", "latency",
    }
)  # fmt: skip
"""Keys that are converted, or that follow from those that are.

Costs of traces are those of their observations, and would count twice.
"""
_TRACE_ID: Final = frozenset({"traceId", "trace_id"})
_PLAIN: Final = (str, int, float)
_camel: Final = CamelCase(_READ)


class _Form:
    """The keys of an object, as all objects of their kind in a file have them."""

    def __init__(self, keys: tuple[str, ...], prefix: str) -> None:
        self.camel = _camel.convert_keys(keys)
        self.is_camel = self.camel == keys
        self.others = tuple((key, prefix + key) for key in dict.fromkeys(self.camel) if key not in _READ)
        """Those without a name in HALO's format, each with the attribute for it."""
        self.old_tokens = tuple(key for key in _OLD_TOKENS if key in self.camel)


_form: Final = lru_cache(maxsize=1024)(_Form)


def _to_camel_case(found: Json, prefix: str) -> tuple[Json, _Form]:
    """Return an object with its keys in camelCase, and their cached :class:`_Form`."""
    form = _form(tuple(found), prefix)
    return found if form.is_camel else dict(zip(form.camel, found.values(), strict=True)), form


def is_trace(found: Json) -> bool:
    """Return whether an object is a trace."""
    if not isinstance(found.get("id"), str) or not _TRACE_ID.isdisjoint(found):
        return False
    return "timestamp" in found or isinstance(found.get("observations"), list)


def is_observation(found: Json) -> bool:
    """Return whether an object is an observation."""
    return "id" in found and "type" in found and "value" not in found and not _TRACE_ID.isdisjoint(found)


def convert_trace(trace: Json) -> Iterator[Json | NotASpanError]:
    """Yield the spans of a trace, and for invalid observations the reason.

    Observations given only by id are skipped; their content is elsewhere.
    """
    spans: list[Json] = []
    trace, form = _to_camel_case(trace, "langfuse.trace.")
    observations = trace.get("observations") or []
    if not isinstance(observations, list):
        yield NotASpanError("has observations that are no list")
        observations = []
    for observation in observations:
        if isinstance(observation, str):
            continue
        try:
            spans.append(convert_observation(_object(observation), trace))
        except NotASpanError as bad:
            yield bad
    ids = {span["span_id"] for span in spans}
    tops = [span for span in spans if span["parent_span_id"] not in ids]
    if len(tops) == 1:
        _add_trace(tops[0]["attributes"], trace, form)
    else:
        try:
            yield _root(trace, form, spans)
        except NotASpanError as bad:
            yield bad
        for span in tops:
            span["parent_span_id"] = span["parent_span_id"] or trace["id"]
    yield from spans


def convert_observation(observation: Json, trace: Json | None = None) -> Json:
    """Return an observation as a span in HALO's format."""
    about = trace or {}
    observation, form = _to_camel_case(observation, "langfuse.")
    start = _instant(observation, "startTime")
    kind = str(observation.get("type") or "SPAN").upper()
    name = observation.get("name")
    metadata = observation.get("metadata")
    attributes = _metadata(metadata)
    _add_common(attributes, observation, form)
    _add_model(attributes, observation, form)
    attributes["openinference.span.kind"] = _KINDS.get(kind, kind)
    if name and kind in _NAMED:
        attributes.setdefault(_NAMED[kind], name)
    if session := observation.get("sessionId") or about.get("sessionId"):
        attributes["session.id"] = session
    if user := observation.get("userId") or about.get("userId"):
        attributes["user.id"] = user
    return {
        "trace_id": _text(observation, "traceId") or _text(about, "id"),
        "span_id": _text(observation, "id"),
        "parent_span_id": _text(observation, "parentObservationId"),
        "name": str(name or kind.lower()),
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": start,
        "end_time": start if observation.get("endTime") is None else _instant(observation, "endTime"),
        "status": _status(observation),
        "resource": {"attributes": _resource(observation, about, metadata)},
        "scope": {"name": "langfuse"},
        "attributes": attributes,
    }


# The trace -----------------------------------------------------------------------------------------------------------


def _root(trace: Json, form: _Form, spans: list[Json]) -> Json:
    """Return a trace as the parent span of its observations; it lasts from the first to the last of them."""
    starts, ends = [span["start_time"] for span in spans], [span["end_time"] for span in spans]
    if trace.get("timestamp") is not None:
        starts.append(_instant(trace, "timestamp"))
    if not starts:
        raise NotASpanError("is a Langfuse trace without timestamp")
    attributes: Json = {"openinference.span.kind": "CHAIN"}
    _add_trace(attributes, trace, form)
    for key, attribute in (("sessionId", "session.id"), ("userId", "user.id")):
        if value := trace.get(key):
            attributes[attribute] = value
    try:
        start, end = min(starts, key=parse_nanoseconds), max(ends or starts, key=parse_nanoseconds)
    except ValueError:
        raise NotASpanError("has a Langfuse trace whose instants are not ISO 8601") from None
    return {
        "trace_id": trace["id"],
        "span_id": trace["id"],
        "parent_span_id": "",
        "name": str(trace.get("name") or "trace"),
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": start,
        "end_time": end,
        "status": {"code": "STATUS_CODE_UNSET"},
        "resource": {"attributes": _resource(trace, {}, trace.get("metadata"))},
        "scope": {"name": "langfuse"},
        "attributes": attributes,
    }


def _add_trace(attributes: Json, trace: Json, form: _Form) -> None:
    """Add a trace's own fields to the attributes of its root span, unless they are set."""
    own = _metadata(trace.get("metadata"))
    _add_common(own, trace, form)
    if trace.get("name"):
        own["langfuse.trace.name"] = trace["name"]
    for key, value in own.items():
        attributes.setdefault(key, value)


# Fields of a span ----------------------------------------------------------------------------------------------------


def _add_common(attributes: Json, found: Json, form: _Form) -> None:
    """Add the fields that traces and observations share, and those without a name in HALO's format."""
    if (value := found.get("input")) is not None:
        attributes["input.value"] = _as_text(value)
    if (value := found.get("output")) is not None:
        attributes["output.value"] = _as_text(value)
    if found.get("tags"):
        attributes["tag.tags"] = found["tags"]
    for key, attribute in form.others:
        if (value := found[key]) is None:
            continue
        if isinstance(value, _PLAIN):
            attributes[attribute] = value
        elif value:
            attributes[attribute] = _as_text(value)


def _add_model(attributes: Json, observation: Json, form: _Form) -> None:
    get = observation.get
    if model := get("model") or get("providedModelName"):
        attributes["llm.model_name"] = model
    if parameters := get("modelParameters"):
        attributes["llm.invocation_parameters"] = _as_text(parameters)
    if usage := _usage(observation, form):
        for attribute, key in _counts(tuple(usage)):
            if (count := usage[key]) is not None:
                attributes[attribute] = count
    costs = get("costDetails")
    cost = costs.get("total") if isinstance(costs, dict) else None
    if cost is None and (cost := get("totalCost")) is None:
        cost = get("calculatedTotalCost")
    if cost is not None:
        attributes["inference.llm.cost.total"] = cost


def _usage(observation: Json, form: _Form) -> Json:
    """Return the token usage; empty if usage is counted in another unit."""
    for key in ("usageDetails", "usage"):
        usage = observation.get(key)
        if usage and isinstance(usage, dict) and usage.get("unit") in _COUNTED:
            return usage
    return {key: observation[key] for key in form.old_tokens} if form.old_tokens else {}


@lru_cache(maxsize=1024)
def _counts(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the attributes for the keys of a usage; if two keys have the same attribute, the preferred one is last."""
    return tuple((attribute, key) for attribute, names in _TOKENS.items() for key in reversed(names) if key in keys)


def _metadata(metadata: object) -> Json:
    """Return metadata under OpenInference's name, and the attributes of OpenTelemetry spans that it contains."""
    if not isinstance(metadata, dict):
        return {} if metadata is None or metadata == "" else {"metadata": _as_text(metadata)}
    if not metadata:
        return {}
    held = metadata.get("attributes")
    found = {key: value for key, value in held.items() if value is not None} if isinstance(held, dict) else {}
    found["metadata"] = _as_text(metadata)
    return found


def _resource(found: Json, about: Json, metadata: object) -> Json:
    held = metadata.get("resourceAttributes") if isinstance(metadata, dict) else None
    resource = dict(held) if isinstance(held, dict) else {}
    if environment := found.get("environment") or about.get("environment"):
        resource.setdefault("deployment.environment", environment)
    return resource


def _status(observation: Json) -> Json:
    code = "STATUS_CODE_ERROR" if observation.get("level") == "ERROR" else "STATUS_CODE_UNSET"
    message = observation.get("statusMessage")
    return {"code": code, "message": str(message)} if message else {"code": code}


# Values --------------------------------------------------------------------------------------------------------------


def _instant(found: Json, key: str) -> str:
    value = found.get(key)
    if value is None:
        raise NotASpanError(f"lacks {key}")
    return read_instant(value, key, is_utc=True)


def _text(found: Json, key: str) -> str:
    value = found.get(key)
    if value is not None and not isinstance(value, str):
        raise NotASpanError(f"has {key} that is not text")
    return value or ""


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _object(found: object) -> Json:
    if not isinstance(found, dict):
        raise NotASpanError("has an observation that is not a JSON object")
    return found
