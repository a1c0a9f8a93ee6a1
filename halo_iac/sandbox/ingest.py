"""Taking traces in: what is kept of a span, whose it is, and the executions that makes.

An attribute of an odd type (a token count
that is no number, nor a text that says one) counts as absent: exporters differ, and the span is still worth having.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from itertools import islice
from typing import Any, BinaryIO, Final, Literal
from uuid import UUID, uuid5

from pydantic_core import to_json

from halo_iac.sandbox import trace_files
from halo_iac.sandbox.analyst.spans import EXCERPT, AgentIdentity, AgentSource, Link, Span, attribute
from halo_iac.sandbox.run_state import nanoseconds
from halo_iac.sandbox.store import Store, Tables
from halo_iac.sandbox.trace_files import BadLine

_MESSAGE: Final = 2000
_COUNT: Final = re.compile(r"(\d{1,13})(?:\.0)?", re.ASCII)
"""A token count; some exporters write numbers as texts, or as floating point numbers."""
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


class BadSpanError(ValueError):
    """A line that is no span; ``reason`` says why, in words that follow the line's number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_spans(stream: BinaryIO) -> Iterator[Span | BadLine]:
    """Yield the spans of a file of any format that is known, and what of it is none, with the reason."""
    for found in trace_files.read_spans(stream):
        if isinstance(found, BadLine):
            yield found
            continue
        try:
            yield span_of(found.span)
        except BadSpanError as bad:
            yield BadLine(found.line, bad.reason)


def span_of(found: dict[str, Any]) -> Span:
    """Return the span of one parsed line; raise :class:`BadSpanError` where it lacks what the format requires."""
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


def _instants(found: dict[str, Any]) -> tuple[int, int]:
    try:
        start, end = nanoseconds(found["start_time"]), nanoseconds(found["end_time"])
    except ValueError:
        raise BadSpanError("has a start_time or end_time that is not an ISO 8601 instant with a zone") from None
    if end < start:
        raise BadSpanError("ends before it starts")
    return start, end


def _status(status: dict[str, Any]) -> Literal["OK", "ERROR", "UNSET"]:
    code = status.get("code")
    found: Any = _STATUS.get(code) if isinstance(code, str) else None
    if found is None:
        raise BadSpanError("has a status.code other than STATUS_CODE_OK, STATUS_CODE_ERROR and STATUS_CODE_UNSET")
    return found  # type: ignore[no-any-return]


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
        if isinstance(value, str | int | float) and (found := _COUNT.fullmatch(str(value).strip())):
            count = int(found[1])
            if count <= _MOST:
                return count
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


_NAMESPACE = UUID("5a4db0c5-0000-4000-8000-0000000000a9")


class SpanIngest:
    """Takes spans into one project, in one transaction."""

    def __init__(self, tables: Tables, project_id: str, *, is_demo: bool = False) -> None:
        self._tables = tables
        self._project_id = project_id
        self._is_demo = is_demo
        self._places = tables.agent_places(project_id)
        self.agents: dict[tuple[str, str], str] = {}
        """The agents that spans were found to belong to, and their ids."""

    def take(self, spans: Iterable[Span]) -> int:
        """Take some spans in and return how many are new.

        A trace that is new is settled with what there is of it; one that gets more spans has to be settled again.
        """
        traces: dict[str, list[Span]] = {}
        for span in spans:
            traces.setdefault(span.trace_id, []).append(span)
        rows: list[tuple[Any, ...]] = []
        executions: list[tuple[int, int, int, int]] = []
        for trace_id, found in traces.items():
            trace, is_new = self._tables.spans.trace(self._project_id, trace_id)
            owners = self._owners(Link(span.span_id, span.parent_id, span.own_agent) for span in found)
            rows += [(trace, owners[span.span_id], *span.row()[1:]) for span in found]
            if is_new:
                executions += _executions(trace, min(span.start for span in found), owners)
        self._tables.spans.add_executions(executions, is_demo=self._is_demo)
        return self._tables.spans.add(rows)

    def settle(self, trace: int) -> None:
        """Reckon anew whose the spans of a trace are, and the executions that makes."""
        rows = self._tables.spans.links(trace)
        owners = self._owners(Link(row[2], row[3], _identity(row[4], row[5])) for row in rows)
        self._tables.spans.mark({row[0]: owners[row[2]] for row in rows})
        self._tables.spans.settle(trace)
        executions = _executions(trace, min(row[1] for row in rows), owners)
        self._tables.spans.add_executions(executions, is_demo=self._is_demo)

    def _owners(self, links: Iterable[Link]) -> dict[str, int | None]:
        found = attribute(links)
        return {span_id: None if owner is None else self._place(owner) for span_id, owner in found.items()}

    def _place(self, identity: AgentIdentity) -> int:
        if identity not in self.agents:
            self.agents[identity] = self._appeared(identity)
        return self._places[identity][0]

    def _appeared(self, identity: AgentIdentity) -> str:
        """Let an agent be seen, be it new, known or forgotten, and return its id."""
        known = self._places.get(identity)
        agent_id = str(uuid5(_NAMESPACE, f"{identity.source}/{identity.value}")) if known is None else known[1]
        if known is None or self._tables.agent(self._project_id, agent_id) is None:
            wire = {"id": agent_id, "identitySource": identity.source, "identityValue": identity.value}
            place = self._tables.put_agent(self._project_id, wire, None, is_counted=True)
            self._places[identity] = (place, agent_id)
        return agent_id


def _executions(trace: int, started: int, owners: Mapping[str, int | None]) -> list[tuple[int, int, int, int]]:
    counts = Counter(agent for agent in owners.values() if agent is not None)
    return [(agent, started, trace, spans) for agent, spans in counts.items()]


def _identity(source: str | None, value: str | None) -> AgentIdentity | None:
    return None if source is None or value is None else AgentIdentity(source, value)  # type: ignore[arg-type]


_BATCH: Final = 5_000
_TRACES: Final = 500


@dataclass(slots=True)
class Loaded:
    """What a file held, counted while it is read."""

    spans: int = 0
    added: int = 0
    """Those of them that were not there yet."""
    bad: int = 0
    """Lines that are no spans."""
    first: int | None = None
    """When the first of them began, in nanoseconds."""
    last: int | None = None
    agents: dict[tuple[str, str], str] = field(default_factory=dict)
    """Ids of the agents that were seen, by what they are known by."""
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When the first and the last trace of each of them began, by its id, whichever file they came in."""

    def count(self, batch: list[Span]) -> None:
        """Count some spans in."""
        self.spans += len(batch)
        starts = [span.start for span in batch]
        self.first = min(starts if self.first is None else [self.first, *starts])
        self.last = max(starts if self.last is None else [self.last, *starts])


def load(store: Store, project_id: str, found: Iterable[Span | BadLine], on_bad: Callable[[BadLine], bool]) -> Loaded:
    """Take spans into a project. A span that is there stays as it is, so a file may be loaded again.

    ``on_bad`` is told of every line that is no span, and says whether to go on.
    """
    loaded = Loaded()
    spans = _good(found, loaded, on_bad)
    try:
        while batch := list(islice(spans, _BATCH)):
            loaded.count(batch)
            with store.writing() as tables:
                arrivals = SpanIngest(tables, project_id)
                loaded.added += arrivals.take(batch)
            loaded.agents |= arrivals.agents
    finally:
        _settle(store)
    with store.reading() as tables:
        places = tables.agent_places(project_id)
        spells = {agent_id: tables.spans.seen(places[known][0]) for known, agent_id in loaded.agents.items()}
    loaded.seen = {agent_id: spell for agent_id, spell in spells.items() if spell is not None}
    return loaded


def _good(found: Iterable[Span | BadLine], loaded: Loaded, on_bad: Callable[[BadLine], bool]) -> Iterator[Span]:
    for each in found:
        if isinstance(each, BadLine):
            loaded.bad += 1
            if not on_bad(each):
                return
        else:
            yield each


def _settle(store: Store) -> None:
    """Settle the traces that came in pieces, those of a load that was cut off included."""
    while True:
        with store.writing() as tables:
            traces = tables.spans.unsettled(_TRACES)
            arrivals = {project_id: SpanIngest(tables, project_id) for _, project_id in traces}
            for trace, project_id in traces:
                arrivals[project_id].settle(trace)
        if len(traces) < _TRACES:
            return
