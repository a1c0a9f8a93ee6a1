"""Derives the state of a run: its status, events and logs follow from its row and the clock, without workers.

The platform's statuses are known (docs/protocol.md#run-status); their durations and the names of events and logs are
not. Chosen here: a run takes three seconds, a follow-up, which exports nothing, two; ``Sandbox.open`` takes another
``pace``. While a run is analysed, its events include heartbeats and the agent's steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.store.runs import RunRow

ENDINGS: Final = ("completed", "incomplete", "failed", "export_failed", "timed_out", "cancelled", "no_traces")
"""The final statuses of a run; ``cancelled`` without a cancellation only if set in advance."""

_TIME_LIMIT: Final = 60.0
_HEARTBEAT: Final = 30.0
"""The most seconds between heartbeats, of which there are at least four."""
_TOOLS: Final = ("get_dataset_overview", "query_traces", "view_trace", "search_trace", "synthesize_traces")
"""The tools of HALO's engine, which the agent calls in its turns."""
_ERRORS: Final = {
    "incomplete": "The analysis ran out of turns before it had an answer.",
    "failed": "The analysis failed, as requested.",
    "export_failed": "The traces could not be exported, as requested.",
    "timed_out": "The run took longer than a run may take.",
    "no_traces": "The agent has no traces in this window.",
}


@dataclass(frozen=True, slots=True)
class StateChange:
    """An event of a run, ``after`` seconds after it was created; most change its status."""

    after: float
    event: str
    status: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    level: str = "info"


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run at an instant; ``past`` has the changes so far, each with its instant."""

    row: RunRow
    past: tuple[tuple[str, StateChange], ...]

    @property
    def status(self) -> str:
        """Return the current status."""
        return next(change.status for _, change in reversed(self.past) if change.status is not None)

    @property
    def is_over(self) -> bool:
        """Return whether the state is final."""
        return self.status in ENDINGS

    @property
    def updated_at(self) -> str:
        """Return the instant of the last change of status."""
        return next(at for at, change in reversed(self.past) if change.status is not None)

    @property
    def completed_at(self) -> str | None:
        """Return the instant at which the run ended; ``None`` before that."""
        return self.updated_at if self.is_over else None

    @property
    def started_at(self) -> str | None:
        """Return the instant at which the analysis began; ``None`` before that."""
        return next((at for at, change in self.past if change.status == "running"), None)

    @property
    def error(self) -> str | None:
        """Return the error message of a run that has ended without a result."""
        if self.status == "cancelled":
            return f"Cancelled: {self.row.cancel_reason}." if self.row.cancel_reason else "Cancelled."
        return self.row.error or _ERRORS[self.status] if self.status in _ERRORS else None


def run_state(row: RunRow, now: str) -> RunState:
    """Return the state of a run at an instant; before its creation, its first state."""
    created_at = datetime.fromisoformat(row.created_at)
    past: list[tuple[str, StateChange]] = []
    for change in _timeline(row):
        at = format_instant(created_at + timedelta(seconds=change.after * row.pace))
        if row.cancelled_at is not None and at > row.cancelled_at:
            break
        if at > now and past:
            return RunState(row, tuple(past))
        past.append((at, change))
    else:
        return RunState(row, tuple(past))
    reason = {} if row.cancel_reason is None else {"reason": row.cancel_reason}
    return RunState(row, (*past, (row.cancelled_at, StateChange(0, "run.cancelled", "cancelled", reason, "warn"))))


def set_duration(row: RunRow, seconds: float | None) -> RunRow:
    """Return a run that ends so many seconds after its start; ``None`` leaves its pace unchanged."""
    return row if seconds is None else replace(row, pace=seconds / max(change.after for change in _timeline(row)))


def _timeline(row: RunRow) -> Iterator[StateChange]:
    if row.asked["origin"] == "follow_up":
        yield StateChange(0, "run.created", "queued")
        yield from _analysis(row, after=0.4, most=1.6)
        return
    yield StateChange(0, "run.created", "pending_export")
    yield StateChange(0.4, "export.started", "exporting_traces")
    if row.ending in {"export_failed", "no_traces"}:
        level = "error" if row.ending == "export_failed" else "warn"
        yield StateChange(0.8, f"export.{row.ending.removeprefix('export_')}", row.ending, level=level)
        return
    spans = {"spanCount": row.span_count, "traceCount": len(row.chosen)}
    yield StateChange(0.8, "export.completed", None, spans)
    yield StateChange(0.8, "run.queued", "queued")
    yield from _analysis(row, after=1.2, most=1.8)


def _analysis(row: RunRow, *, after: float, most: float) -> Iterator[StateChange]:
    begins, ends = after + 0.4, after + (_TIME_LIMIT if row.ending == "timed_out" else most)
    yield StateChange(after, "run.starting", "starting")
    yield StateChange(begins, "run.started", "running")
    debug = [StateChange(begins + 0.2, "analysis.debug", None, {"spans": row.span_count}, "debug")]
    meanwhile = [*(debug if row.asked["debug"] else ()), *_steps(row, begins, ends), *_heartbeats(row, begins, ends)]
    yield from sorted(meanwhile, key=lambda change: change.after)
    reason = {"message": row.error or _ERRORS[row.ending]} if row.ending in _ERRORS else {}
    level = {"completed": "info", "cancelled": "warn"}.get(row.ending, "error")
    yield StateChange(ends, f"run.{row.ending}", row.ending, reason, level)


def _steps(row: RunRow, begins: float, ends: float) -> Iterator[StateChange]:
    """Yield the agent's turns; an incomplete run has used all that are allowed."""
    most = row.asked["maxTurns"]
    turns = most if row.ending == "incomplete" else min(most, len(_TOOLS))
    for turn in range(1, turns + 1):
        payload = {"turn": turn, "maxTurns": most, "tool": _TOOLS[(turn - 1) % len(_TOOLS)]}
        yield StateChange(begins + (ends - begins) * turn / (turns + 1), "agent.step", None, payload)


def _heartbeats(row: RunRow, begins: float, ends: float) -> Iterator[StateChange]:
    count = max(5, ceil((ends - begins) * row.pace / _HEARTBEAT))
    for number in range(1, count):
        passed = (ends - begins) * number / count
        yield StateChange(begins + passed, "run.heartbeat", None, {"secondsRunning": round(passed * row.pace)})
