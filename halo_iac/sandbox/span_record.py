"""A span as it is taken in: what is searched, what the analyst reads, and all of it as it came.

An attribute of an odd type (a token count that is no number, nor a text that says one) counts as absent: exporters
differ, and the span is still worth having.
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
_MOST: Final = 10**12
"""A count beyond this is no measurement, and would not fit into SQLite's integers when summed."""
_DEAREST: Final = 10**9
_FINEST: Final = -18
"""Costs go up to 10⁹ in steps of 10⁻¹⁸: all within the 28 digits in which decimals are exact."""

_STATUS: Final = {"STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR", "STATUS_CODE_UNSET": "UNSET"}
_MESSAGES: Final = ("exception.message", "error.message", "exception.type", "error.type")
_ENVIRONMENT: Final = ("deployment.environment", "deployment.environment.name")


class _Keys(NamedTuple):
    """The names of the attributes in which a span says something, the first that does before the others."""

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


@lru_cache(maxsize=4096)
def _keys_among(names: tuple[str, ...]) -> _Keys:
    """Return which of the keys a span has that has attributes of these names, as millions of spans do."""
    known = frozenset(names)
    return _Keys._make(tuple(key for key in keys if key in known) for keys in _KEYS)


class BadSpanError(ValueError):
    """A line that is no span; ``reason`` says why, in words that follow the line's number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Labels(NamedTuple):
    """What many spans have in common, blank where they say nothing of it."""

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
    """A span to be stored; millions are made."""

    span: Span
    labels: Labels
    agent_name: str | None
    """The name of the agent that the span names, which may be known by an id."""
    user: str | None
    session: str | None
    cached_tokens: int | None
    body: bytes
    """The whole span as JSON, as it came."""


def span_of(found: dict[str, Any], text: bytes | None = None) -> SpanRecord:
    """Return the record of a span in HALO's format; raise :class:`BadSpanError` where a value of it cannot be.

    ``text`` is its JSON, where there is one already; it is kept unless it has escapes that a search would not find.
    """
    attributes: dict[str, Any] = found["attributes"]
    resource: dict[str, Any] = found["resource"]["attributes"]
    names = tuple(attributes)
    keys = _keys_among(names)
    span = _span(found, attributes, keys, _name(resource, ("service.name",)))
    return SpanRecord(
        span,
        Labels(
            span.kind,
            span.status,
            span.service or "",
            _name(resource, _ENVIRONMENT) or "",
            _name(attributes, keys.provider) or "",
            span.model or "",
            names,
            tuple(resource),
        ),
        _name(attributes, keys.agent_name),
        _name(attributes, keys.user),
        _name(attributes, keys.session),
        _count(attributes, keys.cached),
        to_json(found, inf_nan_mode="constants") if text is None or b"\\u" in text or b"\\/" in text else text.strip(),
    )


def _span(found: dict[str, Any], attributes: dict[str, Any], keys: _Keys, service: str | None) -> Span:
    start, end = _instants(found)
    kind = (_name(attributes, keys.kind) or "SPAN").upper()
    status = _status(found["status"])
    prompt, completion = _count(attributes, keys.prompt), _count(attributes, keys.completion)
    agent = _agent(attributes, keys)
    is_tool = kind == "TOOL"
    arguments = _text(attributes.get("input.value")) if is_tool else None
    result = _text(attributes.get("output.value")) if is_tool or status == "ERROR" else None
    return Span(
        trace_id=found["trace_id"],
        span_id=found["span_id"],
        parent_id=found.get("parent_span_id") or None,
        name=found["name"],
        kind=kind,
        start=start,
        end=end,
        status=status,
        message=_message(found["status"], attributes) if status == "ERROR" else "",
        agent_source=agent and agent.source,
        agent_value=agent and agent.value,
        service=service,
        model=_name(attributes, keys.model),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_total(_count(attributes, keys.total), prompt, completion),
        tool=_name(attributes, keys.tool) if is_tool else None,
        input_digest=arguments and _digest(arguments),
        input_excerpt=arguments and arguments[:EXCERPT],
        output_digest=None if result is None else _digest(result),
        output_excerpt=None if result is None else result[:EXCERPT],
        output_length=None if result is None else len(result),
        cost=_cost(attributes[keys.cost[0]]) if keys.cost else None,
    )


def span_of_row(row: tuple[Any, ...]) -> Span:
    """Return the span that the store gives these values of: its own without excerpts, and its body if it has any."""
    *values, cost, body = row
    span = Span._make((*values, None if cost is None else Decimal(cost)))
    if body is None:
        return span
    attributes = from_json(body)["attributes"]
    given = None if span.input_digest is None else _text(attributes.get("input.value"))
    result = None if span.output_digest is None else _text(attributes.get("output.value"))
    return span._replace(input_excerpt=given and given[:EXCERPT], output_excerpt=result and result[:EXCERPT])


# What has to be there ------------------------------------------------------------------------------------------------


def _instants(found: dict[str, Any]) -> tuple[int, int]:
    try:
        start, end = nanoseconds(found["start_time"]), nanoseconds(found["end_time"])
    except ValueError:
        raise BadSpanError("has a start_time or end_time that is not an ISO 8601 instant with a zone") from None
    return start, end


def _status(status: dict[str, Any]) -> Literal["OK", "ERROR", "UNSET"]:
    code = status.get("code")
    found: Any = _STATUS.get(code) if isinstance(code, str) else None
    if found is None:
        raise BadSpanError("has a status.code other than STATUS_CODE_OK, STATUS_CODE_ERROR and STATUS_CODE_UNSET")
    return found  # type: ignore[no-any-return]


# What may be there ---------------------------------------------------------------------------------------------------


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


def _count(attributes: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = attributes[key]
        if type(value) is int and 0 <= value <= _MOST:
            return value
        if isinstance(value, str | int | float) and (found := _COUNT.fullmatch(str(value).strip())):
            count = int(found[1])
            if count <= _MOST:
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
        if not 0 <= cost <= _DEAREST:
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
