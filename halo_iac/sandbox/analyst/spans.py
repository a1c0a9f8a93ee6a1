"""A span as the analyst sees it: one step of an agent's work, without what no finding needs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal, NamedTuple, Protocol

AgentSource = Literal["agent_id", "agent_name"]
"""What an agent is known by, in the platform's words (docs/protocol.md#fields)."""

EXCERPT: Final = 200
"""Characters kept of a tool's input and output: enough to recognise a call, little enough for a million of them."""


class AgentIdentity(NamedTuple):
    """The agent that a span names: its ``agent_id`` or ``agent_name``."""

    source: AgentSource
    value: str


class Span(NamedTuple):
    """One step of a trace; a tuple, because millions are made.

    Instants are nanoseconds since 1970 UTC. Of inputs and outputs only those of tools are kept, and the outputs of
    failed steps: a digest to compare them by, an excerpt to show, and the output's length.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    """``AGENT LLM TOOL RETRIEVER CHAIN GUARDRAIL SPAN …``"""
    start: int
    end: int
    status: Literal["OK", "ERROR", "UNSET"]
    message: str
    """Why it failed, as far as the span says; empty where it did not fail."""
    agent_source: AgentSource | None
    agent_value: str | None
    service: str | None
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    tool: str | None
    input_digest: str | None
    input_excerpt: str | None
    output_digest: str | None
    output_excerpt: str | None
    output_length: int | None
    cost: Decimal | None

    @property
    def duration(self) -> int:
        """How long it took, in nanoseconds."""
        return self.end - self.start

    @property
    def has_failed(self) -> bool:
        """Whether the step reports an error."""
        return self.status == "ERROR"

    @property
    def own_agent(self) -> AgentIdentity | None:
        """Return the agent that the span itself names; most spans name none (:mod:`.attribution`)."""
        if self.agent_source is None or self.agent_value is None:
            return None
        return AgentIdentity(self.agent_source, self.agent_value)

    @property
    def call(self) -> str:
        """What was called: the tool's name, else the span's."""
        return self.tool or self.name


def order(span: Span) -> tuple[int, int, str, str]:
    """Return what spans are sorted by, so that the order they come in never matters."""
    return (span.start, span.end, span.trace_id, span.span_id)


class _Linked(Protocol):
    """What attribution reads of a span."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def own_agent(self) -> AgentIdentity | None: ...


class Link(NamedTuple):
    """A span as far as attribution is concerned."""

    span_id: str
    parent_id: str | None
    own_agent: AgentIdentity | None


def attribute(trace: Iterable[_Linked]) -> dict[str, AgentIdentity | None]:
    """Return whose each span of one trace is, by span id in the order they come in, which decides nothing.

    A span above every agent, such as the task that an SDK wraps around one, has no ancestor to ask; where the trace
    names exactly one agent it belongs to that one, else to none. Parents that are missing, or that run in a circle,
    count as none.
    """
    links = {link.span_id: link for link in trace}
    named = {link.own_agent for link in links.values() if link.own_agent is not None}
    fallback = next(iter(named)) if len(named) == 1 else None
    if len(named) < 2:  # then none is above another's
        return dict.fromkeys(links, fallback)
    owners: dict[str, AgentIdentity | None] = {}
    for link in links.values():
        _climb(link, links, owners)
    return {span_id: owners[span_id] for span_id in links}


def _climb(link: _Linked, links: dict[str, _Linked], owners: dict[str, AgentIdentity | None]) -> None:
    """Settle a span and every unsettled ancestor on its way up."""
    way: dict[str, None] = {}
    owner: AgentIdentity | None = None
    step: _Linked | None = link
    while step is not None and step.span_id not in way:
        if step.span_id in owners:
            owner = owners[step.span_id]
            break
        way[step.span_id] = None
        owner = step.own_agent
        if owner is not None:
            break
        step = links.get(step.parent_id) if step.parent_id else None
    owners.update(dict.fromkeys(way, owner))
