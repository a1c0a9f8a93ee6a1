"""Which spans a run reads, and what the analyst makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from halo_iac.sandbox.call import nanoseconds
from halo_iac.sandbox.store import Tables
from halo_iac.sandbox.store.runs import RunRow


@dataclass(frozen=True, slots=True)
class Export:
    """The spans that were chosen: of which traces, how many, and how many the span limit kept out."""

    chosen: tuple[int, ...] = ()
    span_count: int = 0
    left_out: int = 0
    seen: int = 0


def choose(tables: Tables, agent: int, start: datetime, end: datetime, limit: int) -> Export:
    """Return an agent's spans in a window, whole traces from the latest back, as many as the limit takes.

    Which spans the platform leaves out is not documented. Half a trace misleads, so the first that does not fit is the
    last that is looked at; only a single trace that is too long by itself is cut.
    """
    chosen: list[int] = []
    count = total = 0
    is_full = False
    for execution in tables.spans.executions(agent, nanoseconds(start), nanoseconds(end)):
        total += execution.spans
        is_full = is_full or (bool(chosen) and count + execution.spans > limit)
        if not is_full:
            chosen.append(execution.trace)
            count = min(limit, count + execution.spans)
    return Export(tuple(reversed(chosen)), count, total - count, tables.spans.last_span())


def answer(tables: Tables, row: RunRow, agent: int) -> str:
    """Return a completed run's message: the report, or what the analyst says to a follow-up."""
    from halo_iac.sandbox.analyst.analyse import analyse_traces  # noqa: PLC0415 (only whoever reads reports pays)
    from halo_iac.sandbox.analyst.answers import answer as answered  # noqa: PLC0415
    from halo_iac.sandbox.analyst.figures import Window  # noqa: PLC0415
    from halo_iac.sandbox.analyst.report import render_report  # noqa: PLC0415

    start, end = (datetime.fromisoformat(row.asked[name]) for name in ("windowStartAt", "windowEndAt"))
    window = Window(nanoseconds(start), nanoseconds(end))
    traces = _traces(tables, row, agent)
    prompt = row.asked["prompt"]
    if row.asked["origin"] == "follow_up":
        return answered(prompt, analyse_traces(traces, window, left_out=row.left_out))
    return render_report(analyse_traces(traces, window, prompt, left_out=row.left_out))


def _traces(tables: Tables, row: RunRow, agent: int) -> Iterator[list[Any]]:
    from halo_iac.sandbox.analyst.span import Span  # noqa: PLC0415

    left = row.asked["spanLimit"]
    for trace in row.chosen:
        spans = [Span.of_row(each) for each in tables.spans.of_trace(trace, agent, until=row.seen, limit=left)]
        left -= len(spans)
        if spans:
            yield spans
