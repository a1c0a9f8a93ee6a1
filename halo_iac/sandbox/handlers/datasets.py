"""``haloExportDataset.*``: the traces exported for a run; the official client shows them to users who have signed in.

How the platform describes a trace is not documented; the fields here are the sandbox's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure, is_covered, parse_offset
from halo_iac.sandbox.instants import EPOCH, format_instant, to_nanoseconds
from halo_iac.sandbox.protocol import RequestRefused, encode_json
from halo_iac.sandbox.run_state import RunState, run_state
from halo_iac.sandbox.store import Tables
from halo_iac.sandbox.store.runs import RunRow
from halo_iac.sandbox.validation import BY_ID, Shape, nullable, optional

if TYPE_CHECKING:
    from halo_iac.sandbox.analyst.traces import Trace


class TraceSelection(NamedTuple):
    """The fields of a run that tell which traces it reads; see :class:`RunRow`."""

    chosen: tuple[int, ...]
    span_count: int
    left_out: int
    left_out_traces: int
    seen: int


def select_traces(tables: Tables, agent: int, start: datetime, end: datetime, limit: int) -> TraceSelection:
    """Select an agent's traces in a window, from the latest back, until one would exceed the span limit.

    Which spans the platform leaves out is not documented. Traces are selected whole, since a part of one misleads; only
    a latest trace that alone exceeds the limit is cut.
    """
    chosen: list[int] = []
    count = total = traces = 0
    is_full = False
    for trace, spans in tables.spans.executions(agent, to_nanoseconds(start), to_nanoseconds(end)):
        total += spans
        traces += 1
        is_full = is_full or (bool(chosen) and count + spans > limit)
        if not is_full:
            chosen.append(trace)
            count = min(limit, count + spans)
    left_out = (total - count, traces - len(chosen))
    return TraceSelection(tuple(reversed(chosen)), count, *left_out, tables.spans.last_row_id("spans"))


def write_answer(tables: Tables, row: RunRow, agent: int) -> str:
    """Return the message of a completed run: the report, or the answer to a follow-up question."""
    from halo_iac.sandbox.analyst.analysis import analyse_traces, render_report
    from halo_iac.sandbox.analyst.answers import answer
    from halo_iac.sandbox.analyst.figures import Window

    start, end = (datetime.fromisoformat(row.asked[name]) for name in ("windowStartAt", "windowEndAt"))
    window = Window(to_nanoseconds(start), to_nanoseconds(end))
    traces = _traces(tables, row, agent)
    prompt = row.asked["prompt"]
    if row.asked["origin"] == "follow_up":
        return answer(prompt, analyse_traces(traces, window, left_out=row.left_out))
    return render_report(analyse_traces(traces, window, prompt, left_out=row.left_out))


def _traces(tables: Tables, row: RunRow, agent: int) -> Iterator[Trace]:
    from halo_iac.sandbox.analyst.traces import Node, Trace
    from halo_iac.sandbox.span_record import to_analyst_span

    left = row.asked["spanLimit"]
    for trace in row.chosen:
        spans = [
            to_analyst_span(each) for each in tables.spans.spans_of_agent(trace, agent, until=row.seen, limit=left)
        ]
        left -= len(spans)
        if spans:
            yield Trace(spans, map(Node._make, tables.spans.nodes_of_trace(trace, until=row.seen)))


def serialize_run(state: RunState) -> dict[str, Any]:
    """Return a run in the wire format."""
    row, asked = state.row, dict(state.row.asked)
    retried = asked.pop("retryOfRunId")
    root = asked.pop("rootRunId", None) or retried or row.id
    is_completed = state.status == "completed"
    return {
        "id": row.id,
        "conversationId": row.conversation_id,
        "kind": "agent",
        "status": state.status,
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
        "resolvedRouteId": "sandbox" if state.started_at else None,
        "createdAt": row.created_at,
        "updatedAt": state.updated_at,
        "startedAt": state.started_at,
        "completedAt": state.completed_at,
        "errorMessage": state.error,
        "resultR2Key": f"halo/{row.id}.md" if is_completed else None,
    }


def serialize_dataset(state: RunState) -> dict[str, Any]:
    """Return a run's dataset in the wire format; it has no counts before the export is done."""
    row, status = state.row, _lifecycle(state)
    counts: tuple[int | None, ...] = (row.span_count, len(row.chosen), row.left_out, row.left_out_traces)
    if status != "ready" or state.status == "no_traces":
        counts = (0 if state.is_over else None,) * 4
    return {
        "id": row.dataset_id,
        "lifecycleStatus": status,
        "agentUuid": row.asked["agentUuid"],
        **dict(zip(("spanCount", "traceCount", "droppedSpanCount", "droppedTraceCount"), counts, strict=True)),
        "windowStartAt": row.asked["windowStartAt"],
        "windowEndAt": row.asked["windowEndAt"],
        "createdAt": row.created_at,
    }


def _lifecycle(state: RunState) -> str:
    """Return the state of an export; one without traces is ready, and a cancelled one has failed."""
    names = {moment.event for _, moment in state.past}
    if "export.completed" in names or state.row.asked["origin"] == "follow_up" or state.status == "no_traces":
        return "ready"
    if state.is_over:
        return "failed"
    return "exporting" if "export.started" in names else "pending"


_REPOSITORY: Final = [f"githubRepository{part}" for part in ("FullName", "Branch", "CommitSha", "Subpath")]
"""Fields about the agent's repository, which are null in a sandbox."""
_DEFAULT_LIMIT: Final = 50
_TRACES: Final[Shape] = {**BY_ID, "cursor": nullable(rules.text), "limit": optional(rules.integer(1, 100))}


def get_by_id(call: Call) -> bytes:
    """Return an export dataset."""
    return encode_json(serialize_dataset(_find_dataset(call, call.read_input(BY_ID)["id"])))


def list_traces(call: Call) -> bytes:
    """Return a page of a dataset's traces, oldest first; it is empty before the export is done."""
    wanted = call.read_input(_TRACES)
    state = _find_dataset(call, wanted["id"])
    chosen = state.row.chosen if serialize_dataset(state)["lifecycleStatus"] == "ready" else ()
    first = parse_offset(wanted.get("cursor"))
    last = first + wanted.get("limit", _DEFAULT_LIMIT)
    traces = [_trace(call, trace, state.row.seen) for trace in chosen[first:last]]
    return encode_json({"traces": traces, "nextCursor": f"after-{last}" if last < len(chosen) else None})


def _find_dataset(call: Call, dataset_id: str) -> RunState:
    row = call.tables.runs.of_dataset(dataset_id)
    if row is None or not is_covered(call, row):
        raise RequestRefused("NOT_FOUND", f"Export dataset {dataset_id} was not found.")
    return run_state(row, call.now)


def _trace(call: Call, trace: int, seen: int) -> dict[str, Any]:
    trace_id, started, ended, spans = call.tables.spans.extent_of_trace(trace, until=seen)
    return {"traceId": trace_id, "startedAt": _at(started), "endedAt": _at(ended), "spanCount": spans}


def _at(nanoseconds: int) -> str:
    return format_instant(EPOCH + timedelta(microseconds=nanoseconds // 1000))


PROCEDURES: Final = {
    "haloExportDataset.getById": Procedure(Kind.QUERY, get_by_id),
    "haloExportDataset.listTraces": Procedure(Kind.QUERY, list_traces),
}
