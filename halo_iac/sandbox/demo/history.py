"""The traces of the demo agents, stored only for the days that are read.

The agents have been active since a month before their project was created. Each has one trace per slot of some
minutes, counted from 1970; the trace has ended five minutes after the slot began.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from halo_iac.sandbox import demo
from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.instants import to_nanoseconds
from halo_iac.sandbox.store import AgentRow, Tables

if TYPE_CHECKING:
    from halo_iac.sandbox.span_record import SpanRecord

_MINUTE: Final = 60_000_000_000
_DAY: Final = 24 * 60 * _MINUTE
_DELAY: Final = 5 * _MINUTE
_ANY_TIME: Final = {"startDate": "1970-01-01T00:00:00Z", "endDate": "9999-01-01T00:00:00Z"}
_AGE_AT_START: Final = timedelta(days=30)
_MAX_WINDOW: Final = timedelta(days=31)
"""The longest part of a query's time range, counted from its end, whose traces are stored."""


def count_traces(tables: Tables, project_id: str, agent: AgentRow, since: int, until: int) -> int:
    """Return how many traces of a demo agent ended in a time range, without writing one; 0 for any other agent."""
    if not _is_active(agent):
        return 0
    first = max(since, _find_start(tables, project_id))
    return max(0, _count_ended(agent, until) - _count_ended(agent, first))


def ensure_traces(tables: Tables, project_id: str, agent: AgentRow, start: datetime, end: datetime, now: str) -> None:
    """Store a demo agent's traces of the days of a window, unless they are stored; does nothing for other agents."""
    for day, since, until in _find_missing(tables, project_id, agent, (start, end), now):
        _write(tables, project_id, agent, since, until)
        tables.spans.set_demo_until(agent.row_id, day, until)


def has_traces(tables: Tables, given: Any, now: str) -> bool:  # noqa: ANN401 (JSON)
    """Return whether the traces of demo agents that a query reads are stored, or the query is invalid."""
    query = _read_query(given)
    if query is None:
        return True
    project_id, start, end = query
    trace_id = given.get("traceId") or (given.get("filters") or {}).get("traceId")
    if isinstance(trace_id, str) and tables.spans.trace_row_ids(project_id, [trace_id]):
        return True  # and complete, since a trace belongs to one day
    window = _clip(start, end, now)
    return not any(_find_missing(tables, project_id, agent, window, now) for agent in tables.agents(project_id))


def ensure_all_traces(tables: Tables, given: Any, now: str) -> None:  # noqa: ANN401 (JSON)
    """Store the traces of all demo agents in the time range of a query, or in its last 31 days."""
    query = _read_query(given)
    if query is not None:
        project_id, start, end = query
        for agent in tables.agents(project_id):
            ensure_traces(tables, project_id, agent, *_clip(start, end, now), now)


def _read_query(given: Any) -> tuple[str, datetime, datetime] | None:  # noqa: ANN401 (JSON)
    """Return the project and the time range of a query; ``None`` for an invalid query, which the procedure refuses."""
    if isinstance(given, dict) and isinstance(filters := given.get("filters") or {}, dict):
        with suppress(rules.InvalidInput):
            start, end = (rules.instant(filters.get(name) or usual) for name, usual in _ANY_TIME.items())
            return rules.identifier(given.get("projectId")), start, end
    return None


def _clip(start: datetime, end: datetime, now: str) -> tuple[datetime, datetime]:
    end = min(end, datetime.fromisoformat(now))
    return max(start, end - _MAX_WINDOW), end


def _find_missing(
    tables: Tables, project_id: str, agent: AgentRow, window: tuple[datetime, datetime], now: str
) -> list[tuple[int, int, int]]:
    """Return the days of a window that lack traces of a demo agent, each with the range in which these begin."""
    if not _is_active(agent):
        return []
    slot = demo.MINUTES_PER_TRACE[agent.id] * _MINUTE
    reached = (to_nanoseconds(datetime.fromisoformat(now)) - _DELAY) // slot * slot + _DELAY
    first = max(to_nanoseconds(window[0]), _find_start(tables, project_id)) // _DAY
    last = min(to_nanoseconds(window[1]) - 1, reached) // _DAY
    done = tables.spans.demo_until(agent.row_id, first, last)
    ends = ((day, done.get(day, 0), min((day + 1) * _DAY, reached)) for day in range(first, last + 1))
    # Each begins after the last slot that has a trace.
    return [(day, max(day * _DAY, begun - _DELAY + 1), until) for day, begun, until in ends if begun < until]


def _is_active(agent: AgentRow) -> bool:
    """Return whether an agent is a demo agent under its own name; a renamed one has no further traces."""
    return any(agent.id == each["id"] and agent.wire["identityValue"] == each["identityValue"] for each in demo.AGENTS)


def _count_ended(agent: AgentRow, instant: int) -> int:
    """Return how many of an agent's traces since 1970 ended before an instant."""
    slot = demo.MINUTES_PER_TRACE[agent.id] * _MINUTE
    last = (instant - 1) // slot
    if instant - last * slot > _DELAY:
        return last + 1
    from halo_iac.sandbox.demo.traces import ended_at

    return last + (ended_at(str(agent.wire["identityValue"]), last) < instant)


def _write(tables: Tables, project_id: str, agent: AgentRow, since: int, until: int) -> None:
    from halo_iac.sandbox.ingest import SpanIngest

    records = _read_records(since, until, str(agent.wire["identityValue"]))
    SpanIngest(tables, project_id, is_demo=True).add(records)


@lru_cache(maxsize=16)
def _read_records(since: int, until: int, agent: str) -> tuple[SpanRecord, ...]:
    """Return an agent's spans between two instants; cached, since they are the same in every project."""
    from halo_iac.sandbox.demo.traces import spans_between
    from halo_iac.sandbox.span_record import to_record

    return tuple(map(to_record, spans_between(since, until, agent)))


def _find_start(tables: Tables, project_id: str) -> int:
    """Return the midnight at which a project's demo agents began, in nanoseconds."""
    created_at = next(each["createdAt"] for each in tables.projects() if each["id"] == project_id)
    return to_nanoseconds(datetime.fromisoformat(created_at) - _AGE_AT_START) // _DAY * _DAY
