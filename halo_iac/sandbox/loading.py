"""Loading traces: a stream of spans into the store, in bounded memory and short transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from halo_iac.sandbox.analyst.span import Span
from halo_iac.sandbox.arrivals import Arrivals
from halo_iac.sandbox.store import Store
from halo_iac.sandbox.traces import BadLine

_BATCH: Final = 5_000
_TRACES: Final = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held: spans, those of them that were not there yet, and lines that are none."""

    spans: int = 0
    added: int = 0
    bad: int = 0


def load(store: Store, project_id: str, found: Iterable[Span | BadLine], on_bad: Callable[[BadLine], None]) -> Loaded:
    """Take spans into a project. A span that is there stays as it is, so a file may be loaded again.

    ``on_bad`` is told of every line that is no span, and may raise to stop; what was taken by then stays.
    """
    tally = {"spans": 0, "bad": 0}
    added = 0

    def good() -> Iterator[Span]:
        for each in found:
            if isinstance(each, BadLine):
                tally["bad"] += 1
                on_bad(each)
            else:
                tally["spans"] += 1
                yield each

    spans = good()
    try:
        while batch := list(islice(spans, _BATCH)):
            with store.writing() as tables:
                added += Arrivals(tables, project_id).take(batch)
    finally:
        _settle(store)
    return Loaded(tally["spans"], added, tally["bad"])


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
