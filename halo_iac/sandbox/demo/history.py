"""What the demo agents have been doing: their traces, written only for the days that are read.

They have been at work since a month before their project came into being, and go on for as long as the clock does.
Each works in slots of so many minutes, counted from 1970, one trace a slot, which is here within five minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from halo_iac.sandbox import demo
from halo_iac.sandbox.call import nanoseconds
from halo_iac.sandbox.store import AgentRow, Tables

_MINUTE: Final = 60_000_000_000
_DAY: Final = 24 * 60 * _MINUTE
_DELAY: Final = 5 * _MINUTE
_BEFORE: Final = timedelta(days=30)


def count(tables: Tables, project_id: str, agent: AgentRow, since: int, until: int) -> int:
    """Return how many slots of a demo agent began in a time range, without writing a trace; 0 for any other agent."""
    if agent.id not in demo.EVERY:
        return 0
    slot = demo.EVERY[agent.id] * _MINUTE
    first = max(since, _began(tables, project_id))
    return max(0, -(-until // slot) + (-first // slot))


def provide(tables: Tables, project_id: str, agent: AgentRow, start: datetime, end: datetime, now: str) -> None:
    """Write down a demo agent's traces of the days of a window, as far as they are not; others have their own."""
    if agent.id not in demo.EVERY:
        return
    slot = demo.EVERY[agent.id] * _MINUTE
    reached = (nanoseconds(datetime.fromisoformat(now)) - _DELAY) // slot * slot + _DELAY
    first = max(nanoseconds(start), _began(tables, project_id)) // _DAY
    for day in range(first, min(nanoseconds(end) - 1, reached) // _DAY + 1):
        done, until = tables.spans.demo_until(agent.place, day), min((day + 1) * _DAY, reached)
        if done < until:
            since = max(day * _DAY, done - _DELAY + 1)  # behind the last slot whose trace is there
            _write(tables, project_id, agent, since, until)
            tables.spans.set_demo_until(agent.place, day, until)


def _write(tables: Tables, project_id: str, agent: AgentRow, since: int, until: int) -> None:
    from halo_iac.sandbox.demo.traces import spans_between
    from halo_iac.sandbox.ingest import (
        SpanIngest,
        span_of,
    )

    spans = spans_between(since, until, str(agent.wire["identityValue"]))
    SpanIngest(tables, project_id, is_demo=True).take(map(span_of, spans))


def _began(tables: Tables, project_id: str) -> int:
    """Return the midnight at which a project's demo agents began, in nanoseconds."""
    created_at = next(each["createdAt"] for each in tables.projects() if each["id"] == project_id)
    return nanoseconds(datetime.fromisoformat(created_at) - _BEFORE) // _DAY * _DAY
