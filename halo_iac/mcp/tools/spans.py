"""get_span: one span with its input, output, attributes and error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from halo_iac.mcp.arguments import ASpanId, ATraceId, Long
from halo_iac.mcp.pagination import Part, parts
from halo_iac.mcp.tool import FIRST_POSITION, MAX_TEXT_LENGTH, Answer, Call, Line, Result, Tool
from halo_iac.mcp.tools.code_places import code_places
from halo_iac.mcp.tools.traces import milliseconds
from halo_iac.model.traces import SpanDetail
from halo_iac.text import counted

_MAX_PLACES: Final = 20
_STACK_TRACE: Final = "exception.stacktrace"
_MAX_ATTRIBUTES: Final = 8_000
"""How long the attributes of a span may be in all."""
_OMITTED_ATTRIBUTES: Final = (
    "input.value",
    "output.value",
    "llm.input_messages.",
    "llm.output_messages.",
    _STACK_TRACE,
)
"""Attributes that the platform returns as separate fields, and stack traces, which are long."""


class GetSpan(Long):
    """The arguments of get_span."""

    trace_id: ATraceId
    span_id: ASpanId


class Place(Result):
    """A line of code that a span names."""

    file: Annotated[Line, Field(description="The file, as named on the machine of the agent.")]
    line: Annotated[int | None, Field(description="The line.")] = None
    function: Annotated[Line | None, Field(description="The function.")] = None
    is_library: Annotated[bool, Field(description="Whether it belongs to an installed library.")]


class Body(Result):
    """A long text of a span, or a part of one."""

    name: Annotated[
        str, Field(description="stack trace, input, output, input messages, output messages, documents, events, links.")
    ]
    content: Annotated[str, Field(description="The text; often JSON.")]
    total: Annotated[int, Field(description="Its total length in characters.")]
    is_continued: Annotated[bool, Field(description="Whether it continues a text of the previous result.")] = False
    is_cut: Annotated[bool, Field(description="Whether it continues in the next result.")] = False


class SpanFacts(Result):
    """The answer of get_span."""

    trace_id: Annotated[str, Field(description="The trace that it belongs to.")]
    span_id: Annotated[str, Field(description="Its id.")]
    parent_span_id: Annotated[str | None, Field(description="The parent span.")] = None
    name: Annotated[Line, Field(description="Its name, such as that of a tool.")]
    kind: Annotated[Line | None, Field(description="Its kind: LLM, TOOL, AGENT, CHAIN, ...")] = None
    is_error: Annotated[bool, Field(description="Whether it failed.")]
    message: Annotated[str | None, Field(description="The error.")] = None
    code: Annotated[
        list[Place] | None,
        Field(description="Files and lines in the stack trace, the innermost of the application first."),
    ] = None
    agent: Annotated[Line | None, Field(description="The name of its agent.")] = None
    service: Annotated[Line | None, Field(description="The service that recorded it.")] = None
    started_at: Annotated[Line | None, Field(description="When it began.")] = None
    duration_ms: Annotated[float | None, Field(description="How long it took, in milliseconds.")] = None
    model: Annotated[Line | None, Field(description="The model that it called.")] = None
    input_tokens: Annotated[int | None, Field(description="Number of input tokens.")] = None
    output_tokens: Annotated[int | None, Field(description="Number of output tokens.")] = None
    cost_usd: Annotated[float | None, Field(description="What it cost, in US dollars.")] = None
    attributes: Annotated[
        dict[str, Any] | None,
        Field(description="Its attributes, long values cut; only in the first result."),
    ] = None
    attributes_left_out: Annotated[int | None, Field(description="Number of attributes left out.")] = None
    bodies: Annotated[list[Body], Field(description="Its long texts, the stack trace first.")]


def get_span(call: Call[GetSpan]) -> Answer:
    """Return a span; its long texts as far as they fit."""
    session, wanted, start = call
    span = session.platform.trace_reader.span(wanted.trace_id, wanted.span_id)
    texts = [*_texts(span)]
    found, rest = parts([text for _, text in texts], start, wanted.max_chars)
    is_first = start == FIRST_POSITION
    attributes, left_out = _attributes(span) if is_first else ({}, 0)
    data = SpanFacts(
        trace_id=span.trace_id,
        span_id=span.id,
        parent_span_id=span.parent_id,
        name=span.name,
        kind=span.kind,
        is_error=span.is_error,
        message=span.status_message or _exception(span),
        code=[*_places(span, texts)] or None,
        agent=span.agent,
        service=span.service,
        started_at=span.started_at,
        duration_ms=milliseconds(span.duration_ns),
        model=span.model,
        input_tokens=span.input_tokens,
        output_tokens=span.output_tokens,
        cost_usd=span.cost,
        attributes=attributes or None,
        attributes_left_out=left_out or None,
        bodies=[_body(*texts[part.number], part) for part in found],
    )
    how = "failed" if span.is_error else "did not fail"
    return Answer(data, f"A span that {how}, {len(found)} of {counted(len(texts), 'long text')} of it here.", rest)


def _body(name: str, text: str, part: Part) -> Body:
    return Body(name=name, content=part.text, total=len(text), is_continued=part.is_continued, is_cut=part.is_cut)


def _texts(span: SpanDetail) -> Iterator[tuple[str, str]]:
    """Yield the long texts of a span by name, what tells most of a failure first."""
    traces = [str(_event_attributes(event).get(_STACK_TRACE) or "") for event in span.events]
    traces.append(str(span.attributes.get(_STACK_TRACE) or ""))
    yield from (("stack trace", trace) for trace in dict.fromkeys(traces) if trace)
    named = {
        "input": span.input,
        "output": span.output,
        "input messages": span.input_messages,
        "output messages": span.output_messages,
        "documents": span.retrieval_documents,
    }
    yield from ((name, text) for name, text in named.items() if text)
    for name, rows in (("events", [*map(_without_stack_trace, span.events)]), ("links", [*span.links])):
        if rows:
            yield name, json.dumps(rows, ensure_ascii=False)


def _event_attributes(event: object) -> Mapping[str, Any]:
    """Return an event's attributes, which some recorders put beside its name."""
    found = event.get("attributes") if isinstance(event, Mapping) else None
    return found if isinstance(found, Mapping) else event if isinstance(event, Mapping) else {}


def _exception(span: SpanDetail) -> str | None:
    """Return the first exception that a span names, as `type: message`."""
    for values in (*map(_event_attributes, span.events), span.attributes):
        texts = [str(values[name]) for name in ("exception.type", "exception.message") if values.get(name)]
        if texts:
            return ": ".join(texts)
    return None


def _without_stack_trace(event: object) -> object:
    if not isinstance(event, Mapping):
        return event
    return {
        name: _without_stack_trace(value) if name == "attributes" else value
        for name, value in event.items()
        if name != _STACK_TRACE
    }


def _places(span: SpanDetail, texts: Sequence[tuple[str, str]]) -> Iterator[Place]:
    attributes = {**span.resource_attributes, **span.attributes}
    for place in code_places(attributes, [text for name, text in texts if name == "stack trace"], _MAX_PLACES):
        yield Place(file=place.file, line=place.line, function=place.function, is_library=place.is_library)


def _attributes(span: SpanDetail) -> tuple[dict[str, Any], int]:
    """Return the attributes that fit, but for those that are given in another way, and how many do not."""
    found: dict[str, Any] = {}
    wanted = {name: value for name, value in span.attributes.items() if not name.startswith(_OMITTED_ATTRIBUTES)}
    room = _MAX_ATTRIBUTES
    for name, value in wanted.items():
        shown = value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
        shown = shown[:MAX_TEXT_LENGTH] if isinstance(shown, str) else shown
        room -= len(name) + len(str(shown))
        if room < 0:
            break
        found[name] = shown
    return found, len(wanted) - len(found)


GET_SPAN: Final = Tool(
    "get_span",
    "Open a span",
    "Opens one span of a trace: its error, the files and lines in its stack trace, arguments or messages, result and "
    "attributes. Use it on a failed step of get_trace to find the code to change.",
    GetSpan,
    SpanFacts,
    get_span,
)
