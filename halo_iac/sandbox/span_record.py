"""Converts a span to its stored record: searched columns, the analyst's values, and the whole JSON.

An attribute of a wrong type (a token count that is not a number or a numeric text) counts as absent: exporters differ,
and the span is still useful.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

from pydantic_core import from_json, to_json

from halo_iac.sandbox.analyst.spans import EXCERPT, AgentIdentity, AgentSource, Span
from halo_iac.sandbox.instants import parse_nanoseconds
from halo_iac.sandbox.trace_files.problems import NotASpanError

_MESSAGE: Final = 2000
_COUNT: Final = re.compile(r"(\d{1,13})(?:\.0)?", re.ASCII)
"""A token count; some exporters write numbers as texts, or as floating point numbers."""
_MAX_COUNT: Final = 10**12
"""A count beyond this is no measurement, and would not fit into SQLite's integers when summed."""
_NUMBERS: Final = (str, int, float)
"""Types that a number may have."""
_LEAST, _DEAREST = Decimal(), Decimal(10**9)
_FINEST: Final = -18
"""Costs go up to 10⁹ in steps of 10⁻¹⁸: all within the 28 digits in which decimals are exact."""
_PLAIN_FLOATS: Final = (1e-4, 1e9)
"""Floating point numbers whose text is a decimal's, with no exponent in it."""

_Status = Literal["OK", "ERROR", "UNSET"]
_ESCAPES: Final = re.compile(rb"\\[u/]")
_STATUS: Final = {"STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR", "STATUS_CODE_UNSET": "UNSET"}
_MESSAGES: Final = ("exception.message", "error.message", "exception.type", "error.type")
_SERVICE: Final = ("service.name",)
_ENVIRONMENT: Final = ("deployment.environment", "deployment.environment.name")


class _Keys(NamedTuple):
    """The attribute names of each field, by precedence; of one span, those that it has."""

    kind: tuple[str, ...] = ("openinference.span.kind", "inference.observation_kind")
    agent_id: tuple[str, ...] = ("agent.id",)
    agent_name: tuple[str, ...] = ("agent.name", "inference.agent_name")
    provider: tuple[str, ...] = ("llm.provider", "inference.llm.provider", "llm.system", "gen_ai.system")
    model: tuple[str, ...] = ("llm.model_name", "inference.llm.model_name")
    user: tuple[str, ...] = ("user.id", "inference.user_id", "enduser.id")
    session: tuple[str, ...] = ("session.id", "inference.session_id", "gen_ai.conversation.id")
    prompt: tuple[str, ...] = ("llm.token_count.prompt", "inference.llm.input_tokens")
    completion: tuple[str, ...] = ("llm.token_count.completion", "inference.llm.output_tokens")
    total: tuple[str, ...] = ("llm.token_count.total",)
    cached: tuple[str, ...] = ("llm.token_count.prompt_details.cache_read", "inference.llm.cache_read_tokens")
    cost: tuple[str, ...] = ("inference.llm.cost.total",)
    tool: tuple[str, ...] = ("tool.name",)


class _Shape:
    """The attribute names that a span uses, cached by all names of its attributes, which millions of spans share."""

    def __init__(self, names: tuple[str, ...], resource_names: tuple[str, ...]) -> None:
        if not all(isinstance(name, str) for name in (*names, *resource_names)):
            raise NotASpanError("has an attribute whose key is not text")
        known = frozenset(names)
        self.names, self.resource_names = names, resource_names
        self.keys = keys = _Keys._make(tuple(key for key in each if key in known) for each in _Keys())
        shared = (keys.kind, keys.agent_id, keys.agent_name, keys.provider, keys.model, keys.tool)
        self.shared = tuple(key for each in shared for key in each)
        self.shared_of_resource = tuple(key for key in (*_SERVICE, *_ENVIRONMENT) if key in resource_names)
        self.is_counted = any((keys.prompt, keys.completion, keys.total, keys.cached, keys.cost))


_shape: Final = lru_cache(maxsize=4096)(_Shape)


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Values that many spans have in common, blank if missing; compared by identity, since millions are looked up."""

    kind: str
    status: str
    service: str
    environment: str
    provider: str
    model: str
    keys: tuple[str, ...]
    """The names of its attributes."""
    resource_keys: tuple[str, ...]


class Counts(NamedTuple):
    """Token counts and cost of a span."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None
    cost: str | None = None


class Outcome(NamedTuple):
    """Input and output of a tool call, and the error of a failed step; empty for other spans."""

    message: str = ""
    tool: str | None = None
    input_digest: str | None = None
    output_digest: str | None = None
    output_length: int | None = None


_UNCOUNTED: Final = Counts()
_PLAIN: Final = Outcome()


class SpanRecord(NamedTuple):
    """A span to be stored; a named tuple, since millions are created. Instants are nanoseconds since 1970 UTC."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start: int
    end: int
    own_agent: AgentIdentity | None
    """The agent that the span itself names; most spans name none."""
    agent_name: str | None
    """The name of that agent, which may be identified by an id."""
    labels: Labels
    user: str | None
    session: str | None
    counts: Counts
    outcome: Outcome
    body: bytes
    """The whole span as JSON, as it came."""


_Shared = tuple[Labels, AgentIdentity | None, str | None, str | None, bool]
"""Values that many spans have in common: labels, own agent, its name, tool, and whether the span has an outcome."""

_SHARED: Final[dict[tuple[Any, ...], _Shared]] = {}
_MAX_SHARED, _MAX_VALUE_LENGTH = 4096, 256
"""The most cached entries, and the longest cached value in characters; a span with a longer one is not cached."""


def to_record(found: dict[str, Any], text: bytes | None = None) -> SpanRecord:
    """Return the record of a span in HALO's format; raises :class:`NotASpanError` for an invalid value.

    ``text`` is its JSON, if available; it is stored unless it has escapes that a search would not match.
    """
    attributes: dict[str, Any] = found["attributes"]
    resource: dict[str, Any] = found["resource"]["attributes"]
    status: dict[str, Any] = found["status"]
    shape = _shape(tuple(attributes), tuple(resource))
    cache_key = (
        shape,
        status.get("code"),
        *map(attributes.__getitem__, shape.shared),
        *map(resource.__getitem__, shape.shared_of_resource),
    )
    try:
        shared = _SHARED.get(cache_key)
    except TypeError:  # a value that is a list, or an object
        shared = None
    labels, own_agent, agent_name, tool, has_outcome = shared or _shared(found, shape, cache_key)
    keys = shape.keys
    try:
        start, end = parse_nanoseconds(found["start_time"]), parse_nanoseconds(found["end_time"])
    except ValueError:
        raise NotASpanError("has a start_time or end_time that is not an ISO 8601 instant with a zone") from None
    return SpanRecord(  # by position, which takes a third of the time that names take
        found["trace_id"],
        found["span_id"],
        found.get("parent_span_id") or None,
        found["name"],
        start,
        end,
        own_agent,
        agent_name,
        labels,
        _name(attributes, keys.user) if keys.user else None,
        _name(attributes, keys.session) if keys.session else None,
        _counts(attributes, keys) if shape.is_counted else _UNCOUNTED,
        _outcome(status, attributes, labels, tool) if has_outcome else _PLAIN,
        to_json(found, inf_nan_mode="constants") if text is None or _ESCAPES.search(text) else text.strip(),
    )


def _shared(found: dict[str, Any], shape: _Shape, cache_key: tuple[Any, ...]) -> _Shared:
    """Return the values that a span shares with others, and cache them."""
    attributes, resource = found["attributes"], found["resource"]["attributes"]
    keys, status = shape.keys, _status(found["status"])
    kind = (_name(attributes, keys.kind) or "SPAN").upper()
    service, environment = _name(resource, _SERVICE) or "", _name(resource, _ENVIRONMENT) or ""
    provider, model = _name(attributes, keys.provider) or "", _name(attributes, keys.model) or ""
    labels = Labels(kind, status, service, environment, provider, model, shape.names, shape.resource_names)
    tool = _name(attributes, keys.tool) if kind == "TOOL" else None
    agent, agent_name = _agent(attributes, keys), _name(attributes, keys.agent_name)
    shared = (labels, agent, agent_name, tool, kind == "TOOL" or status == "ERROR")
    held = [*cache_key[1:], *shape.resource_names]
    if all(isinstance(each, str) and len(each) <= _MAX_VALUE_LENGTH for each in held):
        if len(_SHARED) >= _MAX_SHARED:
            _SHARED.clear()
        _SHARED[cache_key] = shared
    return shared


def to_analyst_span(row: tuple[Any, ...]) -> Span:
    """Return a span from the store's values: its columns without excerpts, and its body if it has one."""
    *values, cost, body = row
    span = Span._make((*values, None if cost is None else Decimal(cost)))
    if body is None:
        return span
    attributes = from_json(body)["attributes"]
    given = None if span.input_digest is None else _text(attributes.get("input.value"))
    result = None if span.output_digest is None else _text(attributes.get("output.value"))
    return span._replace(input_excerpt=given and given[:EXCERPT], output_excerpt=result and result[:EXCERPT])


def _status(status: dict[str, Any]) -> _Status:
    code = status.get("code")
    found: Any = _STATUS.get(code) if isinstance(code, str) else None
    if found is None:
        raise NotASpanError("has a status.code other than STATUS_CODE_OK, STATUS_CODE_ERROR and STATUS_CODE_UNSET")
    return found  # type: ignore[no-any-return]


def _agent(attributes: dict[str, Any], keys: _Keys) -> AgentIdentity | None:
    sources: tuple[tuple[tuple[str, ...], AgentSource], ...] = (
        (keys.agent_id, "agent_id"),
        (keys.agent_name, "agent_name"),
    )
    for names, source in sources:
        for key in names:
            value = attributes[key]
            if isinstance(value, str) and value.strip():
                return AgentIdentity(source, value)
    return None


def _name(attributes: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def _message(status: dict[str, Any], attributes: dict[str, Any]) -> str:
    said = status.get("message")
    if not (isinstance(said, str) and said.strip()):
        said = _name(attributes, _MESSAGES) or ""
    return said[:_MESSAGE]


def _counts(attributes: dict[str, Any], keys: _Keys) -> Counts:
    prompt, completion = _count(attributes, keys.prompt), _count(attributes, keys.completion)
    total = _count(attributes, keys.total)
    if total is None and not (prompt is None and completion is None):
        total = (prompt or 0) + (completion or 0)
    cost = _cost(attributes[keys.cost[0]]) if keys.cost else None
    return Counts(prompt, completion, total, _count(attributes, keys.cached), cost)


def _count(attributes: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = attributes[key]
        if type(value) is int and 0 <= value <= _MAX_COUNT:
            return value
        if isinstance(value, _NUMBERS) and (found := _COUNT.fullmatch(str(value).strip())):
            count = int(found[1])
            if count <= _MAX_COUNT:
                return count
    return None


def _cost(value: object) -> str | None:
    if type(value) is float and _PLAIN_FLOATS[0] <= value < _PLAIN_FLOATS[1]:
        text = repr(value)
        if len(text) <= -_FINEST:
            return text
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    text = str(value).strip()
    try:
        cost = Decimal(text)
        if not _LEAST <= cost <= _DEAREST:
            return None
        # The text is mostly too short for digits that are too fine; the exponent takes longer to get than all the rest.
        if cost.adjusted() - len(text) < _FINEST and int(cost.as_tuple().exponent) < _FINEST:
            cost = cost.quantize(Decimal(1).scaleb(_FINEST))
    except InvalidOperation:
        return None
    return str(cost)


def _outcome(status: dict[str, Any], attributes: dict[str, Any], labels: Labels, tool: str | None) -> Outcome:
    arguments = _text(attributes.get("input.value")) if labels.kind == "TOOL" else None
    result = _text(attributes.get("output.value"))
    return Outcome(
        _message(status, attributes) if labels.status == "ERROR" else "",
        tool,
        arguments and _digest(arguments),
        None if result is None else _digest(result),
        None if result is None else len(result),
    )


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
