"""Traces of the three demo agents: what OpenTelemetry and OpenInference would have recorded, with known flaws.

Each agent's module says which flaws its traces have; they have no others. The traces of the hours before an instant are
always the same, so that a run over a recent window finds them, and finds them again tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from halo_iac.sandbox import demo
from halo_iac.sandbox.demo import checkout, research, support_bot
from halo_iac.sandbox.demo.trace_builder import TraceBuilder
from halo_iac.sandbox.instants import SECOND, parse_nanoseconds

_RECORDERS: Final[Mapping[str, tuple[Callable[[TraceBuilder], None], Mapping[str, str]]]] = {
    checkout.AGENT: (checkout.record, {}),
    support_bot.AGENT: (support_bot.record, {}),
    research.AGENT: (research.record, {"inference.agent_name": research.AGENT}),
}
"""For each agent the function that records a trace, and the attributes that its exporter puts on every span."""

_SLOTS: Final = {str(each["identityValue"]): demo.MINUTES_PER_TRACE[each["id"]] * 60 * SECOND for each in demo.AGENTS}
"""Nanoseconds from one trace of an agent to the next."""

TRACED_AGENTS: Final = tuple(_RECORDERS)


def spans_between(since: int, until: int, agent: str) -> Iterator[dict[str, Any]]:
    """Yield the spans of an agent's traces, as HALO exports them, from the slots that begin between two instants.

    Instants are in nanoseconds. A trace begins within the first two minutes of its slot, counted from 1970; it is left
    out if it has not ended by ``until``.
    """
    for number in range(-(-since // _SLOTS[agent]), until // _SLOTS[agent] + 1):
        trace = _recorded(agent, number)
        if parse_nanoseconds(trace.spans[0]["end_time"]) <= until:
            yield from trace.spans


def ended_at(agent: str, number: int) -> int:
    """Return when the trace of an agent's slot ended, in nanoseconds."""
    return parse_nanoseconds(_recorded(agent, number).spans[0]["end_time"])


def _recorded(agent: str, number: int) -> TraceBuilder:
    record, attributes = _RECORDERS[agent]
    trace = TraceBuilder(agent, number, number * _SLOTS[agent], attributes)
    trace.advance(0, 120_000)
    record(trace)
    return trace
