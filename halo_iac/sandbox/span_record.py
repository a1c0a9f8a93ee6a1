"""Converts a span to its stored record: searched columns, the analyst's values, and the whole JSON.

An attribute of a wrong type (a token count that is not a number or a numeric text) counts as absent: exporters differ,
and the span is still useful.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

from pydantic_core import from_json, to_json

from halo_iac.sandbox.analyst.spans import EXCERPT, AgentIdentity, AgentSource, Span
from halo_iac.sandbox.run_state import nanoseconds

_MESSAGE: Final = 2000
_COUNT: Final = re.compile(r"(\d{1,13})(?:\.0)?", re.ASCII)
"""A token count; some exporters write numbers as texts, or as floating point numbers."""
_MAX_COUNT: Final = 10**12
"""A count beyond this is no measurement, and would not fit into SQLite's integers when summed."""
_LEAST, _DEAREST = Decimal(), Decimal(10**9)
_FINEST: Final = -18
"""Costs go up to 10⁹ in steps of 10⁻¹⁸: all within the 28 digits in which decimals are exact."""

_Status = Literal["OK", "ERROR", "UNSET"]
_ESCAPES: Final = re.compile(rb"\\[u/]")
_STATUS: Final = {"STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR", "STATUS_CODE_UNSET": "UNSET"}
_MESSAGES: Final = ("exception.message", "error.message", "exception.type", "error.type")
_SERVICE: Final = ("service.name",)
_ENVIRONMENT: Final = ("deployment.environment", "deployment.environment.name")


class _Keys(NamedTuple):
    """The attribute names of each field, by precedence."""

    kind: tuple[str, ...]
    agent_id: tuple[str, ...]
    agent_name: tuple[str, ...]
    provider: tuple[str, ...]
    model: tuple[str, ...]
    user: tuple[str, ...]
    session: tuple[str, ...]
    prompt: tuple[str, ...]
    completion: tuple[str, ...]
    total: tuple[str, ...]
    cached: tuple[str, ...]
    cost: tuple[str, ...]
    tool: tuple[str, ...]


_KEYS: Final = _Keys(
    kind=("openinference.span.kind", "inference.observation_kind"),
    agent_id=("agent.id",),
    agent_name=("agent.name", "inference.agent_name"),
    provider=("llm.provider", "inference.llm.provider", "llm.system", "gen_ai.system"),
    model=("llm.model_name", "inference.llm.model_name"),
    user=("user.id", "inference.user_id", "enduser.id"),
    session=("session.id", "inference.session_id", "gen_ai.conversation.id"),
    prompt=("llm.token_count.prompt", "inference.llm.input_tokens"),
    completion=("llm.token_count.completion", "inference.llm.output_tokens"),
    total=("llm.token_count.total",),
    cached=("llm.token_count.prompt_details.cache_read", "inference.llm.cache_read_tokens"),
    cost=("inference.llm.cost.total",),
    tool=("tool.name",),
)


class _Shape:
    """The attribute names that a span uses, cached by its set of attribute names, which millions of spans share."""

    def __init__(self, names: tuple[str, ...]) -> None:
        known = frozenset(names)
        self.names = names
        self.keys = keys = _Keys._make(tuple(key for key in each if key in known) for each in _KEYS)
        shared = (keys.kind, keys.agent_id, keys.agent_name, keys.provider, keys.model, keys.tool)
        self.shared = tuple(key for each in shared for key in each)


_shape: Final = lru_cache(maxsize=4096)(_Shape)


class BadSpanError(ValueError):
    """A line that is not a span; ``reason`` continues a sentence that begins with its line number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Labels(NamedTuple):
    """Values that many spans have in common, blank if missing."""

    kind: str
    status: str
    service: str
    environment: str
    provider: str
    model: str
    keys: tuple[str, ...]
    """The names of its attributes."""
    resource_keys: tuple[str, ...]


class SpanRecord(NamedTuple):
    """A span to be stored; a named tuple, since millions are created."""

    span: Span
    labels: Labels
    agent_name: str | None
    """The name of the agent that the span names, which may be known by an id."""
    user: str | None
    session: str | None
    cached_tokens: int | None
    body: bytes
    """The whole span as JSON, as it came."""


class _Shared(NamedTuple):
    """Values that many spans have in common."""

    kind: str
    agent_source: AgentSource | None
    agent_value: str | None
    agent_name: str | None
    model: str | None
    tool: str | None
    labels: Labels


_SHARED: Final[dict[tuple[Any, ...], _Shared]] = {}
_MAX_SHARED, _MAX_VALUE_LENGTH = 4096, 256
"""How many are cached, and the longest value in characters; a span with larger values is read anew."""


def span_of(found: dict[str, Any], text: bytes | None = None) -> SpanRecord:
    """Return the record of a span in HALO's format; raises :class:`BadSpanError` for an invalid value.

    ``text`` is its JSON, if available; it is stored unless it has escapes that a search would not match.
    """
    attributes: dict[str, Any] = found["attributes"]
    resource: dict[str, Any] = found["resource"]["attributes"]
    shape, status = _shape(tuple(attributes)), _status(found["status"])
    resource_key = (status, _name(resource, _SERVICE), _name(resource, _ENVIRONMENT), tuple(resource))
    cache_key = (shape, *resource_key, *map(attributes.__getitem__, shape.shared))
    try:
        shared = _SHARED.get(cache_key)
    except TypeError:  # a value that is a list, or an object
        shared = None
    shared, keys = shared or _shared(cache_key, resource_key), shape.keys
    return SpanRecord(
        _span(found, attributes, keys, status, shared),
        shared.labels,
        shared.agent_name,
        _name(attributes, keys.user) if keys.user else None,
        _name(attributes, keys.session) if keys.session else None,
        _count(attributes, keys.cached) if keys.cached else None,
        to_json(found, inf_nan_mode="constants") if text is None or _ESCAPES.search(text) else text.strip(),
    )


def _shared(cache_key: tuple[Any, ...], resource_key: tuple[str, str | None, str | None, tuple[str, ...]]) -> _Shared:
    """Return the shared values of a span from its cache key: shape, status, resource, and its shared attributes."""
    shape: _Shape = cache_key[0]
    attributes = dict(zip(shape.shared, cache_key[1 + len(resource_key) :], strict=True))
    status, service, environment, resource_keys = resource_key
    keys, kind = shape.keys, (_name(attributes, shape.keys.kind) or "SPAN").upper()
    provider, model = _name(attributes, keys.provider), _name(attributes, keys.model)
    texts = (kind, status, service or "", environment or "", provider or "", model or "")
    agent_name, tool = _name(attributes, keys.agent_name), _name(attributes, keys.tool) if kind == "TOOL" else None
    labels = Labels(*texts, shape.names, resource_keys)
    source, agent = _agent(attributes, keys)
    found = _Shared(kind, source, agent, agent_name, model, tool, labels)
    held = [*texts, *resource_keys, *attributes.values()]
    if all(isinstance(each, str) and len(each) <= _MAX_VALUE_LENGTH for each in held):
        if len(_SHARED) >= _MAX_SHARED:
            _SHARED.clear()
        _SHARED[cache_key] = found
    return found


def _span(found: dict[str, Any], attributes: dict[str, Any], keys: _Keys, status: _Status, shared: _Shared) -> Span:
    kind, source, agent, _, model, tool, labels = shared
    start, end = _instants(found)
    prompt = _count(attributes, keys.prompt) if keys.prompt else None
    completion = _count(attributes, keys.completion) if keys.completion else None
    total = _count(attributes, keys.total) if keys.total else None
    is_tool, has_failed = kind == "TOOL", status == "ERROR"
    arguments = _text(attributes.get("input.value")) if is_tool else None
    result = _text(attributes.get("output.value")) if is_tool or has_failed else None
    return Span(  # by position, which takes a third of the time that names take
        found["trace_id"],
        found["span_id"],
        found.get("parent_span_id") or None,
        found["name"],
        kind,
        start,
        end,
        status,
        _message(found["status"], attributes) if has_failed else "",
        source,
        agent,
        labels.service or None,
        model,
        prompt,
        completion,
        _total(total, prompt, completion),
        tool,
        arguments and _digest(arguments),
        arguments and arguments[:EXCERPT],
        None if result is None else _digest(result),
        None if result is None else result[:EXCERPT],
        None if result is None else len(result),
        _cost(attributes[keys.cost[0]]) if keys.cost else None,
    )


def span_of_row(row: tuple[Any, ...]) -> Span:
    """Return a span from the store's values: its columns without excerpts, and its body if it has one."""
    *values, cost, body = row
    span = Span._make((*values, None if cost is None else Decimal(cost)))
    if body is None:
        return span
    attributes = from_json(body)["attributes"]
    given = None if span.input_digest is None else _text(attributes.get("input.value"))
    result = None if span.output_digest is None else _text(attributes.get("output.value"))
    return span._replace(input_excerpt=given and given[:EXCERPT], output_excerpt=result and result[:EXCERPT])


# Required fields ----------------------------------------------------------------------------------------------------


def _instants(found: dict[str, Any]) -> tuple[int, int]:
    try:
        start, end = nanoseconds(found["start_time"]), nanoseconds(found["end_time"])
    except ValueError:
        raise BadSpanError("has a start_time or end_time that is not an ISO 8601 instant with a zone") from None
    return start, end


def _status(status: dict[str, Any]) -> _Status:
    code = status.get("code")
    found: Any = _STATUS.get(code) if isinstance(code, str) else None
    if found is None:
        raise BadSpanError("has a status.code other than STATUS_CODE_OK, STATUS_CODE_ERROR and STATUS_CODE_UNSET")
    return found  # type: ignore[no-any-return]


# Optional fields ----------------------------------------------------------------------------------------------------


def _agent(attributes: dict[str, Any], keys: _Keys) -> AgentIdentity | tuple[None, None]:
    if not (keys.agent_id or keys.agent_name):
        return (None, None)
    sources: tuple[tuple[tuple[str, ...], AgentSource], ...] = (
        (keys.agent_id, "agent_id"),
        (keys.agent_name, "agent_name"),
    )
    for names, source in sources:
        for key in names:
            value = attributes[key]
            if isinstance(value, str) and value.strip():
                return AgentIdentity(source, value)
    return (None, None)


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


def _count(attributes: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = attributes[key]
        if type(value) is int and 0 <= value <= _MAX_COUNT:
            return value
        if isinstance(value, str | int | float) and (found := _COUNT.fullmatch(str(value).strip())):
            count = int(found[1])
            if count <= _MAX_COUNT:
                return count
    return None


def _total(total: int | None, prompt: int | None, completion: int | None) -> int | None:
    if total is None and not (prompt is None and completion is None):
        return (prompt or 0) + (completion or 0)
    return total


def _cost(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        cost = Decimal(str(value).strip())
        if not _LEAST <= cost <= _DEAREST:
            return None
        return cost if int(cost.as_tuple().exponent) >= _FINEST else cost.quantize(Decimal(1).scaleb(_FINEST))
    except InvalidOperation:
        return None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
