"""Traces and spans, in the platform's own words (docs/protocol.md#trace-fields).

As in :mod:`~halo_iac.model.runs`, each is the plain mapping it arrived as, seen through attributes: what the platform
left out, and a number that is none, is ``None``; ``wire`` is what ``--json`` prints. Numbers come as numbers or as
decimal text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from halo_iac.model.instants import utc_instant
from halo_iac.model.wire_field import WireField, read_text

ERROR: Final = "STATUS_CODE_ERROR"
"""The one status code that is an error."""

OBSERVATION_KINDS: Final = (
    "LLM",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EMBEDDING",
    "AGENT",
    "RERANKER",
    "GUARDRAIL",
    "EVALUATOR",
    "PROMPT",
    "UNKNOWN",
    "SPAN",
)

FACETS: Final = (
    "observation_kind",
    "status",
    "service_name",
    "deployment_environment",
    "agent_name",
    "agent_id",
    "llm_provider",
    "llm_model_name",
    "user_id",
    "session_id",
    "duration_ns",
    "total_tokens",
    "input_tokens",
    "cache_read_tokens",
    "output_tokens",
    "cost_total",
    "span_count",
    "llm_span_count",
    "span_attributes",
    "resource_attributes",
)
"""What traces and spans can be counted by, in the order in which the official client asks for them."""


_MAX_DIGITS: Final = 32
"""The most digits of a number that is accepted."""


def _whole(value: object) -> int | None:
    if isinstance(value, str) and len(value) < _MAX_DIGITS and value.removeprefix("-").isdecimal():
        value = int(value)  # nanoseconds since 1970 are beyond what a float holds exactly
    if not isinstance(value, int) or isinstance(value, bool):
        value = _number(value)
    return None if value is None or abs(value) >= 10**_MAX_DIGITS else int(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _body(value: object) -> str | None:
    """Return an input or output, which is text; a value of another type as JSON."""
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, ensure_ascii=False)


def _list(value: object) -> Sequence[Any]:
    """Return a list, which may be JSON text; a value of another type as its only item, so that nothing is lost."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    if isinstance(value, list):
        return value
    return () if not value else [value]


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace as a list shows it; ``wire`` always has a string ``traceId``."""

    wire: Mapping[str, Any]

    id = WireField("traceId", str)
    started_at = WireField("startTime", read_text)
    """When its first span began, as the platform writes instants."""
    start = WireField("startTime", utc_instant)
    """The same as an instant with a zone."""
    duration_ns = WireField("durationNs", _whole)
    root_name = WireField("rootSpanName", read_text)
    root_kind = WireField("rootObservationKind", read_text)
    """What its root span observed: one of :data:`OBSERVATION_KINDS`."""
    service = WireField("serviceName", read_text)
    environment = WireField("deploymentEnvironment", read_text)
    agent = WireField("agentName", read_text)
    """The name of its agent."""
    span_count = WireField("spanCount", _whole)
    llm_span_count = WireField("llmSpanCount", _whole)
    """How many of its spans call a model; only a trace that is read by its id says so."""
    cached_tokens = WireField("cacheReadTokens", _whole)
    """How many input tokens came from a cache."""
    total_tokens = WireField("totalTokens", _whole)
    cost = WireField("totalCost", _number)
    """What its model calls cost, in US dollars."""
    has_error = WireField("hasError", lambda value: value is True)
    """Whether a span of it ended with an error."""


@dataclass(frozen=True, slots=True)
class Span:
    """One span as a list shows it; ``wire`` always has the strings ``traceId`` and ``spanId``."""

    wire: Mapping[str, Any]

    id = WireField("spanId", str)
    trace_id = WireField("traceId", str)
    parent_id = WireField("parentSpanId", read_text)
    """The id of the span that it is part of; ``None`` at a root."""
    kind = WireField("observationKind", read_text)
    """What was observed: one of :data:`OBSERVATION_KINDS`."""
    started_at = WireField("startTime", read_text)
    """When it began, as the platform writes instants."""
    start = WireField("startTime", utc_instant)
    """The same as an instant with a zone."""
    duration_ns = WireField("durationNs", _whole)
    """How long it took, in nanoseconds; negative where the recorder's clocks disagreed."""
    status_message = WireField("statusMessage", read_text)
    """The recorder's words for how it ended, where the platform sends them."""
    service = WireField("serviceName", read_text)
    environment = WireField("deploymentEnvironment", read_text)
    agent = WireField("agentName", read_text)
    """The name of its agent."""
    scope = WireField("scopeName", read_text)
    """The library that recorded it."""
    user_id = WireField("userId", read_text)
    session_id = WireField("sessionId", read_text)
    provider = WireField("llmProvider", read_text)
    model = WireField("llmModelName", read_text)
    input_tokens = WireField("inputTokens", _whole)
    cached_tokens = WireField("cacheReadTokens", _whole)
    """How many of the input tokens came from a cache."""
    output_tokens = WireField("outputTokens", _whole)
    total_tokens = WireField("totalTokens", _whole)
    cost = WireField("costTotal", _number)
    """What it cost, in US dollars."""

    # Rows of a trace and details have these; rows of `spans.list` may leave them out.
    input = WireField("input", _body)
    """What it was given, such as a tool's arguments; often JSON."""
    output = WireField("output", _body)
    """What came of it; often JSON."""
    input_messages = WireField("inputMessages", _body)
    """The messages that a model was given, as JSON text: ``[{role, content}]``."""
    output_messages = WireField("outputMessages", _body)
    """The messages that a model answered with, in the same form."""
    retrieval_documents = WireField("retrievalDocuments", _body)
    """The documents that a retriever found, as JSON text."""

    # Methods, which are read twice as fast as a WireField: a tree reads them for each of a hundred thousand spans.

    @property
    def name(self) -> str:
        """Return its name; empty where it has none."""
        return read_text(self.wire.get("spanName")) or ""

    @property
    def is_error(self) -> bool:
        """Return whether it ended with an error."""
        return self.wire.get("statusCode") == ERROR


@dataclass(frozen=True, slots=True)
class SpanDetail(Span):
    """One span with all that the platform holds of it."""

    events = WireField("events", _list)
    """What happened in it, as sent."""
    links = WireField("links", _list)
    """The spans that it refers to, as sent."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Return its attributes: text, whole numbers and other numbers, which the platform keeps apart."""
        return _attributes(self.wire, "spanAttributes")

    @property
    def resource_attributes(self) -> Mapping[str, Any]:
        """Return the attributes of what recorded it, in the same form."""
        return _attributes(self.wire, "resourceAttributes")


@dataclass(frozen=True, slots=True)
class TracePage:
    """One page of traces; ``wire`` is the answer itself, ``total`` the number of matches, if it has one."""

    wire: Mapping[str, Any]
    rows: tuple[Trace, ...]
    next_cursor: str | int | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class SpanPage:
    """One page of spans; ``wire`` is the answer itself."""

    wire: Mapping[str, Any]
    rows: tuple[Span, ...]
    next_cursor: str | int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """A value, and how many traces or spans have it."""

    value: str
    count: int | None


def _counts_by_name(value: object) -> Mapping[str, tuple[Counted, ...]]:
    if not isinstance(value, Mapping):
        return {}
    return {name: _counts(values) for name, values in value.items() if isinstance(values, list)}


def _counts(values: list[Any]) -> tuple[Counted, ...]:
    rows = (each for each in values if isinstance(each, Mapping))
    return tuple(Counted(str(each.get("value", "")), _whole(each.get("count"))) for each in rows)


def _ranges(value: object) -> Mapping[str, tuple[float, float] | None]:
    return {name: _range(bounds) for name, bounds in value.items()} if isinstance(value, Mapping) else {}


def _range(value: object) -> tuple[float, float] | None:
    if not isinstance(value, Mapping):
        return None
    least, most = _number(value.get("min")), _number(value.get("max"))
    return None if least is None or most is None else (least, most)


@dataclass(frozen=True, slots=True)
class Facets:
    """How traces or spans divide; ``wire`` is the answer itself."""

    wire: Mapping[str, Any]

    categorical = WireField("categorical", _counts_by_name)
    """The values of each facet that has any, most frequent first as the platform sends them."""
    numeric = WireField("numeric", _ranges)
    """The range of each numeric facet; ``None`` if it has no values."""
    attribute_keys = WireField("attributeKeys", _counts_by_name)
    """The attributes there are, under ``span`` and ``resource``."""
    attribute_values = WireField("attributeValues", _counts_by_name)
    """The values of the one attribute that was asked about, under ``span`` or ``resource``."""


def _attributes(wire: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    joined: dict[str, Any] = {}
    for kind in ("", "Int", "Double"):
        found = wire.get(f"{name}{kind}")
        joined |= found if isinstance(found, Mapping) else {}
    return joined
