"""``haloExportDataset.*``: what was exported for a run; the official client shows it to whoever has signed in.

How the platform describes a trace is not documented; the fields here are the sandbox's own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from halo_iac.sandbox import rules
from halo_iac.sandbox.call import Call, Kind, Procedure, instant
from halo_iac.sandbox.life import Life, life
from halo_iac.sandbox.lookup import is_covered
from halo_iac.sandbox.protocol import Refusal, encoded
from halo_iac.sandbox.rules import Shape, nullable, optional, required
from halo_iac.sandbox.wires import dataset_wire

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL_LIMIT: Final = 50
_BY_ID: Final[Shape] = {"id": required(rules.identifier)}
_TRACES: Final[Shape] = {**_BY_ID, "cursor": nullable(rules.text), "limit": optional(rules.whole(1, 100))}


def get_by_id(call: Call) -> bytes:
    """Return an export dataset."""
    return encoded(dataset_wire(_found(call, rules.checked(call.input, _BY_ID)["id"])))


def list_traces(call: Call) -> bytes:
    """Return a page of a dataset's traces, oldest first; none before it is exported."""
    wanted = rules.checked(call.input, _TRACES)
    standing = _found(call, wanted["id"])
    chosen = standing.row.chosen if dataset_wire(standing)["lifecycleStatus"] == "ready" else ()
    first = _place(wanted.get("cursor"))
    last = first + wanted.get("limit", _USUAL_LIMIT)
    traces = [_trace(call, trace, standing.row.seen) for trace in chosen[first:last]]
    return encoded({"traces": traces, "nextCursor": f"after-{last}" if last < len(chosen) else None})


def _found(call: Call, dataset_id: str) -> Life:
    row = call.tables.runs.of_dataset(dataset_id)
    if row is None or not is_covered(call, row):
        raise Refusal("NOT_FOUND", f"Export dataset {dataset_id} was not found.")
    return life(row, call.now)


def _trace(call: Call, trace: int, seen: int) -> dict[str, Any]:
    trace_id, started, ended, spans = call.tables.spans.summary(trace, until=seen)
    return {"traceId": trace_id, "startedAt": _at(started), "endedAt": _at(ended), "spanCount": spans}


def _at(nanoseconds: int) -> str:
    return instant(_EPOCH + timedelta(microseconds=nanoseconds // 1000))


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    place = cursor.removeprefix("after-")
    if place == cursor or not place.isdecimal() or len(place) > 18:
        raise Refusal("BAD_REQUEST", "cursor is none that this list gave out.")
    return int(place)


PROCEDURES: Final = {
    "haloExportDataset.getById": Procedure(Kind.QUERY, get_by_id),
    "haloExportDataset.listTraces": Procedure(Kind.QUERY, list_traces),
}
