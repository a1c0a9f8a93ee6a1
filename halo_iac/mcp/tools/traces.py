"""Traces and spans: the evidence that a report cites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from halo_iac.api.pagination import Cursor, Page
from halo_iac.api.traces import TraceReader
from halo_iac.mcp.arguments import Agent, ATraceId, Paged
from halo_iac.mcp.pagination import collect
from halo_iac.mcp.tool import FIRST_POSITION, Answer, Call, Line, Result, Tool
from halo_iac.model.instants import format_instant
from halo_iac.model.span_tree import Node, span_tree
from halo_iac.model.traces import Span, Trace
from halo_iac.text import counted

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS_PER_TREE: Final = 1_000
"""The number of spans of a tree: a longer trace is several trees, one after the other."""
_MAX_FAILED: Final = 10
_NANOSECONDS: Final = 1_000_000

TimeRange = Annotated[
    Literal["1h", "6h", "12h", "1d", "3d", "7d", "14d", "30d", "90d", "all"],
    Field(description="How far back to look, by the start of a trace."),
]


class ListTraces(Paged):
    """The arguments of list_traces."""

    agent: Agent = None
    status: Annotated[
        Literal["ok", "error"] | None, Field(description="Only traces without an error, or only those with one.")
    ] = None
    time_range: TimeRange = "1d"


class TraceRow(Result):
    """A trace."""

    trace_id: Annotated[str, Field(description="Its id; open it with get_trace.")]
    has_error: Annotated[bool, Field(description="Whether a span of it failed.")]
    root: Annotated[Line | None, Field(description="The name of its root span.")] = None
    agent: Annotated[Line | None, Field(description="The name of its agent.")] = None
    service: Annotated[Line | None, Field(description="The service that recorded it.")] = None
    environment: Annotated[Line | None, Field(description="The environment of that service.")] = None
    started_at: Annotated[Line | None, Field(description="When it began.")] = None
    duration_ms: Annotated[float | None, Field(description="How long it took, in milliseconds.")] = None
    span_count: Annotated[int | None, Field(description="How many spans it has.")] = None
    total_tokens: Annotated[int | None, Field(description="Number of tokens of its model calls.")] = None
    cost_usd: Annotated[float | None, Field(description="Their cost in US dollars.")] = None

    @classmethod
    def of(cls, trace: Trace) -> TraceRow:
        """Return a trace as a row."""
        return cls(
            trace_id=trace.id,
            has_error=trace.has_error,
            root=trace.root_name,
            agent=trace.agent,
            service=trace.service,
            environment=trace.environment,
            started_at=trace.started_at,
            duration_ms=milliseconds(trace.duration_ns),
            span_count=trace.span_count,
            total_tokens=trace.total_tokens,
            cost_usd=trace.cost,
        )


class Traces(Result):
    """The answer of list_traces."""

    traces: Annotated[list[TraceRow], Field(description="Newest first.")]
    total: Annotated[int | None, Field(description="Total number, if the platform returns it.")] = None


def list_traces(call: Call[ListTraces]) -> Answer:
    """Return traces, newest first."""
    session, wanted, start = call
    filters: dict[str, Any] = {
        "startDate": format_instant(_since(wanted.time_range, session.now)),
        "endDate": format_instant(session.now),
    }
    if wanted.agent is not None:
        filters["agents"] = [session.agent_name(wanted.agent)]
    if wanted.status is not None:
        filters["status"] = wanted.status
    reader = session.platform.trace_reader
    total: int | None = None

    def read_page(cursor: Cursor | None) -> Page:
        nonlocal total
        page = reader.traces(filters, limit=wanted.limit, cursor=cursor)
        total = page.total
        return Page(page.rows, page.next_cursor)

    rows, rest = collect(read_page, TraceRow.of, start, wanted.limit)
    when = "ever" if wanted.time_range == "all" else f"in the last {wanted.time_range}"
    summary = f"{counted(len(rows), 'trace')} that began {when}, newest first."
    return Answer(Traces(traces=rows, total=total), summary, rest)


def _since(time_range: str, now: datetime) -> datetime:
    if time_range == "all":
        return _BEGINNING
    count, unit = int(time_range[:-1]), time_range[-1]
    return now - (timedelta(hours=count) if unit == "h" else timedelta(days=count))


def milliseconds(nanoseconds: int | None) -> float | None:
    """Return a duration in milliseconds."""
    return None if nanoseconds is None else round(nanoseconds / _NANOSECONDS, 3)


# One trace ----------------------------------------------------------------------------------------------------------


class GetTrace(Paged):
    """The arguments of get_trace."""

    trace_id: ATraceId
    limit: Annotated[int, Field(description="Maximum number of spans to return.", ge=1, le=100)] = 50


class SpanRow(Result):
    """A span in its place in the trace."""

    span_id: Annotated[str, Field(description="Its id; open it with get_span.")]
    depth: Annotated[int, Field(description="Its depth; 0 for a root.")]
    name: Annotated[Line, Field(description="Its name, such as that of a tool.")]
    kind: Annotated[Line, Field(description="Its kind: LLM, TOOL, AGENT, CHAIN, ...")]
    is_error: Annotated[bool, Field(description="Whether it failed.")]
    message: Annotated[Line | None, Field(description="The error.")] = None
    duration_ms: Annotated[float | None, Field(description="How long it took, in milliseconds.")] = None
    model: Annotated[Line | None, Field(description="The model that it called.")] = None
    oddity: Annotated[str | None, Field(description="Why it is at the top although it has a parent id.")] = None


class FailedStep(Result):
    """A span that failed with none below it that did: where it went wrong."""

    span_id: Annotated[str, Field(description="Its id; open it with get_span for arguments, message and stack trace.")]
    name: Annotated[Line, Field(description="Its name.")]
    message: Annotated[str | None, Field(description="The error.")] = None
    path: Annotated[list[Line], Field(description="The names of its ancestors, from the root down.")]


class TraceDetail(Result):
    """The answer of get_trace."""

    trace: Annotated[TraceRow, Field(description="The trace as a whole.")]
    failed: Annotated[
        list[FailedStep] | None,
        Field(description="Failed steps, those that caused most failures first; only in the first result."),
    ] = None
    spans: Annotated[list[SpanRow], Field(description="Its spans, parents before children.")]


def get_trace(call: Call[GetTrace]) -> Answer:
    """Return a trace as the tree of its spans, and where it went wrong."""
    session, wanted, start = call
    reader = session.platform.trace_reader
    trace = reader.trace(wanted.trace_id)
    failed: list[FailedStep] = []

    def read_page(cursor: Cursor | None) -> Page:
        pages = reader.span_pages(wanted.trace_id, limit=_SPANS_PER_TREE, cursor=cursor)
        spans, rest = _read_spans(pages)
        tree = span_tree(spans)
        if cursor is None:
            failed.extend(map(_failed_step, tree.failing[:_MAX_FAILED]))
        return Page(tuple(tree.walk()), rest)

    rows, rest = collect(read_page, _span_row, start, wanted.limit)
    is_first = start == FIRST_POSITION
    if is_first and trace.has_error and not failed:
        failed.extend(_failed_elsewhere(reader, wanted.trace_id, session.now))
    data = TraceDetail(trace=TraceRow.of(trace), failed=failed if is_first else None, spans=rows)
    return Answer(data, _summary(trace, len(rows), len(failed) if is_first else 0), rest)


def _summary(trace: Trace, shown: int, failed: int) -> str:
    spans = f"{shown} of {counted(trace.span_count, 'span')}" if trace.span_count else counted(shown, "span")
    if not failed:
        return f"A trace, {spans} here."
    return f"A trace, {spans} here; {counted(failed, 'step')} failed. Open a failed step with get_span."


def _read_spans(pages: Iterator[Page]) -> tuple[list[Span], Cursor | None]:
    spans: list[Span] = []
    rest: Cursor | None = None
    for page in pages:
        spans += map(Span, page.rows)
        rest = page.next_cursor
    return spans, rest


def _span_row(node: Node) -> SpanRow:
    return SpanRow(
        span_id=node.id,
        depth=node.depth,
        name=node.name,
        kind=node.kind,
        is_error=node.is_error,
        message=node.message,
        duration_ms=milliseconds(node.duration),
        model=node.model,
        oddity=None if node.anomaly is None else node.anomaly.value,
    )


def _failed_step(node: Node) -> FailedStep:
    path = [above.name for above in islice(node.ancestors(), _SPANS_PER_TREE)]
    return FailedStep(span_id=node.id, name=node.name, message=node.message, path=path[::-1][-_MAX_FAILED:])


def _failed_elsewhere(reader: TraceReader, trace_id: str, now: datetime) -> Sequence[FailedStep]:
    """Return failed spans of a trace that is too long to be read whole, as the platform lists them."""
    filters: Mapping[str, Any] = {
        "startDate": format_instant(_BEGINNING),
        "endDate": format_instant(now + timedelta(days=1)),
        "traceId": trace_id,
        "status": "error",
    }
    found = reader.span_list(filters, limit=_MAX_FAILED).rows
    return [
        FailedStep(span_id=span.id, name=span.name, message=span.status_message, path=[])
        for span in found
        if span.is_error
    ]


LIST_TRACES: Final = Tool(
    "list_traces",
    "List traces",
    "Lists traces of agents, newest first: whether each failed, how long it took and what it cost. Use it to look for "
    "failures of an agent that no report names; for a trace that a report cites use get_trace with its id.",
    ListTraces,
    Traces,
    list_traces,
)
GET_TRACE: Final = Tool(
    "get_trace",
    "Open a trace",
    "Opens one trace: its failed steps with their ancestors, then every span as a tree. Use it to verify a trace that "
    "a report cites, then open a failed step with get_span.",
    GetTrace,
    TraceDetail,
    get_trace,
)
