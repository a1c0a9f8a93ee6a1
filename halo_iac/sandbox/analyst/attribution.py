"""Whose span is it: in most traces only a few spans name their agent.

A span without one belongs to the nearest ancestor that names one. Parents may come after their children, and in another
file, so this works on a whole trace; whoever keeps spans calls it again for every trace that got new ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from halo_iac.sandbox.analyst.span import AgentIdentity


class Link(NamedTuple):
    """What attribution reads of a span."""

    span_id: str
    parent_id: str | None
    own_agent: AgentIdentity | None


def attribute(trace: Iterable[Link]) -> dict[str, AgentIdentity | None]:
    """Return whose each span of one trace is, by span id, whatever the order they come in.

    A span above every agent, such as the task that an SDK wraps around one, has no ancestor to ask; where the trace
    names exactly one agent it belongs to that one, else to nobody. Parents that are missing, or that run in a circle,
    count as none.
    """
    links = {link.span_id: link for link in trace}
    named = {link.own_agent for link in links.values() if link.own_agent is not None}
    fallback = next(iter(named)) if len(named) == 1 else None
    owners: dict[str, AgentIdentity | None] = {}
    for link in links.values():
        _climb(link, links, owners)
    return {span_id: owner or fallback for span_id, owner in owners.items()}


def _climb(link: Link, links: dict[str, Link], owners: dict[str, AgentIdentity | None]) -> None:
    """Settle a span and every unsettled ancestor on its way up."""
    way: dict[str, None] = {}
    owner: AgentIdentity | None = None
    step: Link | None = link
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
