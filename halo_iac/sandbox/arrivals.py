"""Spans that come in: they become rows, and the agents that they name appear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from halo_iac.sandbox.analyst.attribution import Link, attribute
from halo_iac.sandbox.analyst.span import AgentIdentity, Span
from halo_iac.sandbox.store import Tables

_NAMESPACE = UUID("5a4db0c5-0000-4000-8000-0000000000a9")


class Arrivals:
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
