"""``haloExportDataset.*``: the traces exported for a run; the official client shows them to users who have signed in.

How the platform describes a trace is not documented; the fields here are the sandbox's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure, is_covered
from halo_iac.sandbox.instants import EPOCH, format_instant, to_nanoseconds
from halo_iac.sandbox.protocol import RequestRefused, encoded
from halo_iac.sandbox.run_state import RunState, run_state
from halo_iac.sandbox.store import Tables
from halo_iac.sandbox.store.runs import RunRow
from halo_iac.sandbox.validation import Shape, nullable, optional, required

if TYPE_CHECKING:
    from halo_iac.sandbox.analyst.traces import Trace


@dataclass(frozen=True, slots=True)
class TraceSelection:
    """The selected traces, the number of their spans, and how many spans and traces the span limit excluded."""

    chosen: tuple[int, ...] = ()
    span_count: int = 0
    left_out: int = 0
    left_out_traces: int = 0
    seen: int = 0


def select_traces(tables: Tables, agent: int, start: datetime, end: datetime, limit: int) -> TraceSelection:
    """Select an agent's traces in a window, from the latest back, until one would exceed the span limit.

    Which spans the platform leaves out is not documented. Traces are selected whole, since a part of one misleads; only
    a latest trace that alone exceeds the limit is cut.
    """
    chosen: list[int] = []
    count = total = traces = 0
    is_full = False
    for execution in tables.spans.executions(agent, to_nanoseconds(start), to_nanoseconds(end)):
        total += execution.spans
        traces += 1
        is_full = is_full or (bool(chosen) and count + execution.spans > limit)
        if not is_full:
            chosen.append(execution.trace)
            count = min(limit, count + execution.spans)
    left_out = (total - count, traces - len(chosen))
    return TraceSelection(tuple(reversed(chosen)), count, *left_out, tables.spans.last_span())


def answer(tables: Tables, row: RunRow, agent: int) -> str:
    """Return the message of a completed run: the report, or the answer to a follow-up question."""
    from halo_iac.sandbox.analyst.analysis import (
        analyse_traces,
        render_report,
    )
    from halo_iac.sandbox.analyst.answers import answer as answered
    from halo_iac.sandbox.analyst.figures import Window

    start, end = (datetime.fromisoformat(row.asked[name]) for name in ("windowStartAt", "windowEndAt"))
    window = Window(to_nanoseconds(start), to_nanoseconds(end))
    traces = _traces(tables, row, agent)
    prompt = row.asked["prompt"]
    if row.asked["origin"] == "follow_up":
        return answered(prompt, analyse_traces(traces, window, left_out=row.left_out))
    return render_report(analyse_traces(traces, window, prompt, left_out=row.left_out))


def _traces(tables: Tables, row: RunRow, agent: int) -> Iterator[Trace]:
    from halo_iac.sandbox.analyst.traces import Node, Trace
    from halo_iac.sandbox.span_record import span_of_row

    left = row.asked["spanLimit"]
    for trace in row.chosen:
        spans = [span_of_row(each) for each in tables.spans.of_trace(trace, agent, until=row.seen, limit=left)]
        left -= len(spans)
        if spans:
            yield Trace(spans, map(Node._make, tables.spans.shape_of_trace(trace, until=row.seen)))


def serialize_run(standing: RunState) -> dict[str, Any]:
    """Return a run in the wire format."""
    row, asked = standing.row, dict(standing.row.asked)
    retried = asked.pop("retryOfRunId")
    root = asked.pop("rootRunId", None) or retried or row.id
    is_completed = standing.status == "completed"
    return {
        "id": row.id,
        "conversationId": row.conversation_id,
        "kind": "agent",
        "status": standing.status,
        "scheduleId": row.schedule_id,
        "scheduledForAt": row.scheduled_for,
        "haloExportDatasetId": row.dataset_id,
        "rootRunId": root,
        "retriedFromRunId": retried,
        "runAttempt": asked.pop("runAttempt", 1),
        "inputPreviousRunId": asked.pop("inputPreviousRunId", None),
        "promptMessageId": f"{root}-user",
        "resultMessageId": f"{row.id}-assistant" if is_completed else None,
        **dict.fromkeys(_REPOSITORY),
        **asked,
        "resolvedRouteId": "sandbox" if standing.started_at else None,
        "createdAt": row.created_at,
        "updatedAt": standing.updated_at,
        "startedAt": standing.started_at,
        "completedAt": standing.completed_at,
        "errorMessage": standing.error,
        "resultR2Key": f"halo/{row.id}.md" if is_completed else None,
    }


def serialize_dataset(standing: RunState) -> dict[str, Any]:
    """Return a run's dataset in the wire format; it has no counts before the export is done."""
    row, status = standing.row, _lifecycle(standing)
    counts: tuple[int | None, ...] = (row.span_count, len(row.chosen), row.left_out, row.left_out_traces)
    if status != "ready" or standing.status == "no_traces":
        counts = (0 if standing.is_over else None,) * 4
    return {
        "id": row.dataset_id,
        "lifecycleStatus": status,
        "agentUuid": row.asked["agentUuid"],
        **dict(zip(("spanCount", "traceCount", "droppedSpanCount", "droppedTraceCount"), counts, strict=True)),
        "windowStartAt": row.asked["windowStartAt"],
        "windowEndAt": row.asked["windowEndAt"],
        "createdAt": row.created_at,
    }


def _lifecycle(standing: RunState) -> str:
    """Return the state of an export; one without traces is ready, and a cancelled one has failed."""
    names = {moment.event for _, moment in standing.past}
    if "export.completed" in names or standing.row.asked["origin"] == "follow_up" or standing.status == "no_traces":
        return "ready"
    if standing.is_over:
        return "failed"
    return "exporting" if "export.started" in names else "pending"


_REPOSITORY: Final = [f"githubRepository{part}" for part in ("FullName", "Branch", "CommitSha", "Subpath")]
"""Fields about the agent's repository, which are null in a sandbox."""
_DEFAULT_LIMIT: Final = 50
_BY_ID: Final[Shape] = {"id": required(rules.identifier)}
_TRACES: Final[Shape] = {**_BY_ID, "cursor": nullable(rules.text), "limit": optional(rules.integer(1, 100))}


def get_by_id(call: Call) -> bytes:
    """Return an export dataset."""
    return encoded(serialize_dataset(_found(call, rules.checked(call.input, _BY_ID)["id"])))


def list_traces(call: Call) -> bytes:
    """Return a page of a dataset's traces, oldest first; it is empty before the export is done."""
    wanted = rules.checked(call.input, _TRACES)
    standing = _found(call, wanted["id"])
    chosen = standing.row.chosen if serialize_dataset(standing)["lifecycleStatus"] == "ready" else ()
    first = _place(wanted.get("cursor"))
    last = first + wanted.get("limit", _DEFAULT_LIMIT)
    traces = [_trace(call, trace, standing.row.seen) for trace in chosen[first:last]]
    return encoded({"traces": traces, "nextCursor": f"after-{last}" if last < len(chosen) else None})


def _found(call: Call, dataset_id: str) -> RunState:
    row = call.tables.runs.of_dataset(dataset_id)
    if row is None or not is_covered(call, row):
        raise RequestRefused("NOT_FOUND", f"Export dataset {dataset_id} was not found.")
    return run_state(row, call.now)


def _trace(call: Call, trace: int, seen: int) -> dict[str, Any]:
    trace_id, started, ended, spans = call.tables.spans.summary(trace, until=seen)
    return {"traceId": trace_id, "startedAt": _at(started), "endedAt": _at(ended), "spanCount": spans}


def _at(nanoseconds: int) -> str:
    return format_instant(EPOCH + timedelta(microseconds=nanoseconds // 1000))


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    place = cursor.removeprefix("after-")
    if place == cursor or not place.isdecimal() or len(place) > 18:
        raise RequestRefused("BAD_REQUEST", "cursor was not returned by this list.")
    return int(place)


PROCEDURES: Final = {
    "haloExportDataset.getById": Procedure(Kind.QUERY, get_by_id),
    "haloExportDataset.listTraces": Procedure(Kind.QUERY, list_traces),
}
