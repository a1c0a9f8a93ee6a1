"""Reading HALO's span-per-line JSONL as a stream: a line at a time, however long the file.

Required of a line are ``trace_id``, ``span_id``, ``name``, ``kind``, ``start_time``, ``end_time``, ``status``,
``resource.attributes``, ``scope`` and ``attributes``; more keys are allowed. An attribute of an odd type (a token count
that is no number) counts as absent: exporters differ, and the span is still worth having.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, BinaryIO, Final, Literal

from pydantic_core import from_json, to_json

from halo_iac.sandbox.analyst.span import EXCERPT, AgentIdentity, AgentSource, Span
from halo_iac.sandbox.instants import nanoseconds

MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes of a line; real spans carry whole conversations, but a file without line ends must not fill the memory."""

_REST: Final = 1024 * 1024
_MESSAGE: Final = 2000
_MOST: Final = 10**12
"""A count beyond this is no measurement, and would not fit into SQLite's integers when summed."""
_DEAREST: Final = 10**9
_FINEST: Final = -18
"""Costs go up to 10⁹ in steps of 10⁻¹⁸: all within the 28 digits in which decimals are exact."""

_STATUS: Final = {"STATUS_CODE_OK": "OK", "STATUS_CODE_ERROR": "ERROR", "STATUS_CODE_UNSET": "UNSET"}
_AGENT_KEYS: Final[tuple[tuple[str, AgentSource], ...]] = (
    ("agent.id", "agent_id"),
    ("agent.name", "agent_name"),
    ("inference.agent_name", "agent_name"),
)
_OTLP_KEYS: Final = frozenset({"resourceSpans", "scopeSpans", "traceId", "spanId", "startTimeUnixNano"})
_TEXTS: Final = ("trace_id", "span_id", "name", "kind", "start_time", "end_time")
_OBJECTS: Final = ("status", "resource", "scope", "attributes")


class BadSpanError(ValueError):
    """A line that is no span; ``reason`` says why, in words that follow the line's number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was skipped: its number, from 1, and why."""

    number: int
    reason: str


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines in bounded memory; one that is too long comes cut off, for :func:`read_spans` to refuse."""
    while line := stream.readline(MAX_LINE + 1):
        yield line
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(_REST)) and not rest.endswith(b"\n"):
                pass


def read_spans(lines: Iterable[bytes]) -> Iterator[Span | BadLine]:
    """Yield a span, or the reason why not, for every line that is not blank."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            span = parse_line(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
        except BadSpanError as bad:
            yield BadLine(number, bad.reason)
        else:
            yield span


def parse_line(line: bytes) -> Span:
    """Return the span of one line; raise :class:`BadSpanError` for anything else."""
    if len(line) > MAX_LINE:
        raise BadSpanError(f"is longer than {MAX_LINE // 1024**2} MiB")
    try:
        found = from_json(line, cache_strings="keys")
    except ValueError as error:
        raise BadSpanError(_not_json(line, error)) from None
    if not isinstance(found, dict):
        raise BadSpanError("is no JSON object; HALO's format has one span, as an object, on each line")
    return span_of(found)


def span_of(found: dict[str, Any]) -> Span:
    """Return the span of one parsed line; raise :class:`BadSpanError` where it lacks what the format requires."""
    _check_shape(found)
    attributes: dict[str, Any] = found["attributes"]
    start, end = _instants(found)
    kind = _kind(attributes)
    status = _status(found["status"])
    prompt = _count(attributes, "llm.token_count.prompt", "inference.llm.input_tokens")
    completion = _count(attributes, "llm.token_count.completion", "inference.llm.output_tokens")
    agent = _agent(attributes)
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
        service=_name(found["resource"]["attributes"], "service.name"),
        model=_name(attributes, "llm.model_name", "inference.llm.model_name"),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_total(attributes, prompt, completion),
        tool=_name(attributes, "tool.name") if is_tool else None,
        input_digest=arguments and _digest(arguments),
        input_excerpt=arguments and arguments[:EXCERPT],
        output_digest=None if result is None else _digest(result),
        output_excerpt=None if result is None else result[:EXCERPT],
        output_length=None if result is None else len(result),
        cost=_cost(attributes.get("inference.llm.cost.total")),
    )


# What has to be there ------------------------------------------------------------------------------------------------


def _check_shape(found: dict[str, Any]) -> None:
    lacking = [key for key in _TEXTS if not isinstance(found.get(key), str)]
    lacking += [key for key in _OBJECTS if not isinstance(found.get(key), dict)]
    if lacking and not _OTLP_KEYS.isdisjoint(found):
        raise BadSpanError(
            "is raw OTLP (camelCase keys such as traceId), not HALO's span-per-line format; "
            "export the traces from HALO, or convert them to one object with trace_id, span_id, … a line"
        )
    if lacking:
        raise BadSpanError(f"lacks {', '.join(lacking)}, or has it with another type")
    if not isinstance(found["resource"].get("attributes"), dict):
        raise BadSpanError("lacks resource.attributes, or has it with another type")
    _check_ids(found)


def _check_ids(found: dict[str, Any]) -> None:
    if not found["trace_id"] or not found["span_id"]:
        raise BadSpanError("has an empty trace_id or span_id")
    if not found["kind"].startswith("SPAN_KIND_"):
        raise BadSpanError("has a kind that does not start with SPAN_KIND_")
    if not isinstance(found.get("parent_span_id") or "", str):
        raise BadSpanError("has a parent_span_id that is no text")


def _instants(found: dict[str, Any]) -> tuple[int, int]:
    try:
        start, end = nanoseconds(found["start_time"]), nanoseconds(found["end_time"])
    except ValueError:
        raise BadSpanError("has a start_time or end_time that is no ISO 8601 instant with a zone") from None
    if end < start:
        raise BadSpanError("ends before it starts")
    return start, end


def _status(status: dict[str, Any]) -> Literal["OK", "ERROR", "UNSET"]:
    code = status.get("code")
    found: Any = _STATUS.get(code) if isinstance(code, str) else None
    if found is None:
        raise BadSpanError("has a status.code other than STATUS_CODE_OK, STATUS_CODE_ERROR and STATUS_CODE_UNSET")
    return found  # type: ignore[no-any-return]


def _not_json(line: bytes, error: ValueError) -> str:
    if line.lstrip().startswith(b"["):
        return "starts a JSON list; HALO's format has one span, as an object, on each line"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    return f"is no JSON ({str(error).split(' at line', maxsplit=1)[0]})"


# What may be there ---------------------------------------------------------------------------------------------------


def _agent(attributes: dict[str, Any]) -> AgentIdentity | None:
    for key, source in _AGENT_KEYS:
        value = attributes.get(key)
        if isinstance(value, str) and value.strip():
            return AgentIdentity(source, value)
    return None


def _kind(attributes: dict[str, Any]) -> str:
    return (_name(attributes, "openinference.span.kind", "inference.observation_kind") or "SPAN").upper()


def _name(attributes: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def _message(status: dict[str, Any], attributes: dict[str, Any]) -> str:
    said = status.get("message")
    if not (isinstance(said, str) and said.strip()):
        said = _name(attributes, "exception.message", "error.message", "exception.type", "error.type") or ""
    return said[:_MESSAGE]


def _count(attributes: dict[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
            return value
    return None


def _total(attributes: dict[str, Any], prompt: int | None, completion: int | None) -> int | None:
    total = _count(attributes, "llm.token_count.total")
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
