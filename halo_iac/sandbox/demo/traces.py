"""Traces of the three demo agents: what OpenTelemetry and OpenInference would have recorded, with known flaws.

Each agent's module says which flaws its traces have; they have no others. The traces of the hours before an instant are
always the same, so that a run over a recent window finds them, and finds them again tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from halo_iac.sandbox.demo import checkout, research, support_bot
from halo_iac.sandbox.demo.trace_builder import TraceBuilder
from halo_iac.sandbox.run_state import SECOND, nanoseconds

_DAYS: Final = 7
_DAY: Final = 24 * 3600 * SECOND

_RECORDERS: Final[Mapping[str, tuple[Callable[[TraceBuilder], None], int, Mapping[str, str]]]] = {
    checkout.AGENT: (checkout.record, checkout.EVERY, {}),
    support_bot.AGENT: (support_bot.record, support_bot.EVERY, {}),
    research.AGENT: (research.record, research.EVERY, {"inference.agent_name": research.AGENT}),
}
"""Per agent what it does, every how many minutes, and what its exporter puts on every span."""

TRACED_AGENTS: Final = tuple(_RECORDERS)


def demo_spans(anchor: int, agent: str, days: int = _DAYS) -> Iterator[dict[str, Any]]:
    """Yield the spans of an agent's traces in the days before an instant (nanoseconds), as HALO exports them.

    A trace begins within the first two minutes of its slot, counted from 1970, and is there once it has ended.
    """
    return spans_between(anchor - days * _DAY, anchor, agent)


def spans_between(since: int, until: int, agent: str) -> Iterator[dict[str, Any]]:
    """Yield the same of the slots that begin between two instants, as far as their traces have ended by the second."""
    slot = _slot(agent)
    for number in range(-(-since // slot), until // slot + 1):
        trace = _recorded(agent, number)
        if nanoseconds(trace.spans[0]["end_time"]) <= until:
            yield from trace.spans


def ended_at(agent: str, number: int) -> int:
    """Return when the trace of an agent's slot ended, in nanoseconds."""
    return nanoseconds(_recorded(agent, number).spans[0]["end_time"])


def _recorded(agent: str, number: int) -> TraceBuilder:
    record, _, stamp = _RECORDERS[agent]
    trace = TraceBuilder(agent, number, number * _slot(agent), stamp)
    trace.advance(0, 120_000)
    record(trace)
    return trace


def _slot(agent: str) -> int:
    return _RECORDERS[agent][1] * 60 * SECOND
