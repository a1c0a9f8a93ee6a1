"""A span with the fields that findings need: one step of an agent's work."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal, NamedTuple, Protocol

AgentSource = Literal["agent_id", "agent_name"]
"""The field that identifies an agent, as the platform names it (docs/protocol.md#fields)."""

EXCERPT: Final = 200
"""The most characters kept of a tool's input and output, since a window may have a million calls."""


class AgentIdentity(NamedTuple):
    """The agent that a span names: its ``agent_id`` or ``agent_name``."""

    source: AgentSource
    value: str


class Span(NamedTuple):
    """One step of a trace; a tuple, because millions are made.

    Instants are nanoseconds since 1970 UTC. Inputs and outputs are kept of tools only, and the outputs of
    failed steps: a digest for comparison, an excerpt, and the length of the output.
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
    """The recorded error message; empty if the step did not fail."""
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
        """Return the duration in nanoseconds."""
        return self.end - self.start

    @property
    def has_failed(self) -> bool:
        """Return whether the step reports an error."""
        return self.status == "ERROR"

    @property
    def call(self) -> str:
        """Return the name of the tool that is called; of a span that names no tool, its own name."""
        return self.tool or self.name


def sort_key(span: Span) -> tuple[int, int, str, str]:
    """Return the sort key of spans, so that results do not depend on the order of the input."""
    return (span.start, span.end, span.trace_id, span.span_id)


class _Linked(Protocol):
    """The fields of a span that attribution reads."""

    @property
    def span_id(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def own_agent(self) -> AgentIdentity | None: ...


class Link(NamedTuple):
    """The fields of a span that attribution reads, as a tuple."""

    span_id: str
    parent_id: str | None
    own_agent: AgentIdentity | None


def attribute_agents(trace: Iterable[_Linked]) -> dict[str, AgentIdentity | None]:
    """Return the agent of each span of one trace, by span id: the one that it or its nearest ancestor names.

    A span without such an ancestor, such as the task that an SDK wraps around an agent, belongs to the agent of the
    trace if the trace names exactly one, else to none. Parents that are missing or part of a cycle count as none. The
    order of the spans has no influence.
    """
    links = {link.span_id: link for link in trace}
    named = {link.own_agent for link in links.values() if link.own_agent is not None}
    fallback = next(iter(named)) if len(named) == 1 else None
    if len(named) < 2:  # then no span is an ancestor of another
        return dict.fromkeys(links, fallback)
    owners: dict[str, AgentIdentity | None] = {}
    for link in links.values():
        _climb(link, links, owners)
    return {span_id: owners[span_id] for span_id in links}


def _climb(link: _Linked, links: dict[str, _Linked], owners: dict[str, AgentIdentity | None]) -> None:
    """Determine the agent of a span, and of its ancestors without one, in ``owners``."""
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
