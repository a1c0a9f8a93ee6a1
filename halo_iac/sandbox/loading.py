"""Loading traces: a stream of spans into the store, in bounded memory and short transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from halo_iac.sandbox.analyst.span import Span
from halo_iac.sandbox.arrivals import Arrivals
from halo_iac.sandbox.store import Store
from halo_iac.sandbox.traces import BadLine

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
                arrivals = Arrivals(tables, project_id)
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
            arrivals = {project_id: Arrivals(tables, project_id) for _, project_id in traces}
            for trace, project_id in traces:
                arrivals[project_id].settle(trace)
        if len(traces) < _TRACES:
            return
