"""Spans that come in: they become rows, and the agents that they name appear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        self._places: dict[tuple[str, str], int] = {
            key: place for key, (place, _) in tables.agent_places(project_id).items()
        }

    def take(self, spans: Iterable[Span]) -> int:
        """Take some spans in and return how many are new.

        A trace that is new is settled with what there is of it; one that gets more spans has to be settled again.
        """
        traces: dict[str, list[Span]] = {}
        for span in spans:
            traces.setdefault(span.trace_id, []).append(span)
        return sum(self._take_trace(trace_id, found) for trace_id, found in traces.items())

    def settle(self, trace: int) -> None:
        """Reckon anew whose the spans of a trace are."""
        rows = self._tables.spans.links(trace)
        links = [Link(row[2], row[3], _identity(row[4], row[5])) for row in rows]
        owners = self._owners(links)
        self._tables.spans.mark({row[0]: owners[row[2]] for row in rows})
        self._settled(trace, min(row[1] for row in rows), owners)

    def _take_trace(self, trace_id: str, spans: list[Span]) -> int:
        trace, is_new = self._tables.spans.trace(self._project_id, trace_id)
        if not is_new:
            return self._tables.spans.add((trace, None, *span.row()[1:]) for span in spans)
        owners = self._owners([Link(span.span_id, span.parent_id, span.own_agent) for span in spans])
        count = self._tables.spans.add((trace, owners[span.span_id], *span.row()[1:]) for span in spans)
        self._settled(trace, min(span.start for span in spans), owners)
        return count

    def _settled(self, trace: int, started: int, owners: Mapping[str, int | None]) -> None:
        self._tables.spans.settle(trace, started, owners.values(), is_demo=self._is_demo)

    def _owners(self, links: list[Link]) -> dict[str, int | None]:
        found = attribute(links)
        return {span_id: None if owner is None else self._place(owner) for span_id, owner in found.items()}

    def _place(self, identity: AgentIdentity) -> int:
        place = self._places.get(identity)
        if place is None:
            agent_id = str(uuid5(_NAMESPACE, f"{identity.source}/{identity.value}"))
            wire = {"id": agent_id, "identitySource": identity.source, "identityValue": identity.value}
            place = self._tables.put_agent(self._project_id, wire, None, is_counted=True)
            self._places[identity] = place
        return place


def _identity(source: str | None, value: str | None) -> AgentIdentity | None:
    return None if source is None or value is None else AgentIdentity(source, value)  # type: ignore[arg-type]
