"""The views of a span (docs/protocol.md#trace-views): each takes a span, and yields lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from halo_iac.model.messages import ChatMessage, json_text, json_value, read_messages
from halo_iac.model.span_tree import nanoseconds
from halo_iac.model.traces import SpanDetail
from halo_iac.render.style import Style
from halo_iac.render.text.table import record
from halo_iac.render.text.traces.thread import MAX_PART_LENGTH, part_lines, text_lines
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import cut_text, format_dollars, format_elapsed
from halo_iac.text import counted, join_and

_HEADINGS: Final = {
    "TOOL": ("Arguments", "Result"),
    "RETRIEVER": ("Query", "Answer"),
    "GUARDRAIL": ("Checked", "Verdict"),
}
_SHOWN_MESSAGES: Final = 2
"""The number of input messages of a model call that a summary shows."""
_ERROR_ATTRIBUTES: Final = ("exception.message", "error.message", "error.type", "otel.status_description")
_TIMES: Final = ("timestamp", "time", "timeUnixNano", "time_unix_nano", "timestampNs")


def span_summary(span: SpanDetail, style: Style) -> Iterator[str]:
    """Yield the facts of a span, its error, its input and output, and the commands that show more."""
    yield from wrap_lines(record(_fact_rows(span, style), style).splitlines(), style)
    sections = [*_error_sections(span), *_sections(span, most=MAX_PART_LENGTH)]
    for section in sections:
        yield ""
        yield from wrap_lines(_section_lines(section, style), style)
    yield from ("", style.paint("See also", "bold"))
    views = {
        "io": any(section.left_out for section in sections),
        "attributes": span.attributes or span.resource_attributes,
        "events": span.events,
        "links": span.links,
    }
    for view, has_more in views.items():
        if has_more:
            yield f"  {style.command('span', 'get', span.trace_id, span.id, '--view', view)}"
    yield f"  {style.command('trace', 'get', span.trace_id, '--span', span.id)}"


def span_io(span: SpanDetail, style: Style) -> Iterator[str]:
    """Yield the whole input and output of a span; JSON is indented."""
    sections = list(_sections(span, most=None))
    for place, section in enumerate(sections):
        yield from ("",) if place else ()
        yield from wrap_lines(_section_lines(section, style), style)
    if not sections:
        yield "It has neither input nor output."


def span_attributes(span: SpanDetail, style: Style) -> Iterator[str]:
    """Yield the attributes of a span and of its resource, by name; long values are cut."""
    found = {"Attributes": span.attributes, "Resource attributes": span.resource_attributes}
    shown = [(title, values) for title, values in found.items() if values]
    for place, (title, values) in enumerate(shown):
        yield from ("",) if place else ()
        yield style.paint(title, "bold")
        yield from _value_lines(values, style)
    if not shown:
        yield "It has no attributes."


def span_events(span: SpanDetail, style: Style) -> Iterator[str]:
    """Yield the events of a span, each with the time since the span's start."""
    for place, event in enumerate(span.events):
        yield from ("",) if place else ()
        yield from _event_lines(event, span, style)
    if not span.events:
        yield "It has no events."


def span_links(span: SpanDetail, style: Style) -> Iterator[str]:
    """Yield the links of a span, each with the command that shows the linked span."""
    for place, link in enumerate(span.links):
        yield from ("",) if place else ()
        values = _all_values(link) if isinstance(link, Mapping) else {"link": link}
        yield from _value_lines(values, style)
        trace, other = (_first_text(values, *names) for names in (("traceId", "trace_id"), ("spanId", "span_id")))
        if trace and other:
            yield f"  {style.command('span', 'get', trace, other)}"
    if not span.links:
        yield "It has no links."


# Sections -----------------------------------------------------------------------------------------------------------


def _fact_rows(span: SpanDetail, style: Style) -> list[tuple[str, str]]:
    cached = f" ({span.cached_tokens:,} of them from a cache)" if span.cached_tokens else ""
    counts = (span.input_tokens, span.output_tokens)
    tokens = None if counts == (None, None) else f"{counts[0] or 0:,} read{cached}, {counts[1] or 0:,} written"
    holds = [
        counted(len(found), noun)
        for noun, found in (("attribute", span.attributes), ("event", span.events), ("link", span.links))
        if found
    ]
    facts = {
        "Span": span.id,
        "Trace": span.trace_id,
        "Parent": span.parent_id,
        "Name": span.name,
        "Kind": span.kind,
        "Status": style.displayable("✗ error") if span.is_error else "ok",
        "Start": span.started_at,
        "Duration": format_elapsed(span.duration_ns, style),
        "Agent": span.agent,
        "Service": span.service and span.service + (f" ({span.environment})" if span.environment else ""),
        "Recorded by": span.scope,
        "Model": span.model and span.model + (f" ({span.provider})" if span.provider else ""),
        "Tokens": tokens,
        "Cost": format_dollars(span.cost) if span.cost else None,
        "User": span.user_id,
        "Session": span.session_id,
        "Holds": join_and(holds) if holds else None,
    }
    return [(name, value) for name, value in facts.items() if value]


class _Section(NamedTuple):
    """A heading with messages or a text below it; ``left_out`` describes what is not shown."""

    title: str
    messages: Sequence[ChatMessage] = ()
    text: str = ""
    left_out: str = ""
    is_error: bool = False


def _sections(span: SpanDetail, *, most: int | None) -> Iterator[_Section]:
    """Yield the input, the output and the retrieved documents of a span, each cut to ``most`` characters."""
    input_title, output_title = _HEADINGS.get((span.kind or "").upper(), ("Input", "Output"))
    yield from _message_sections(input_title, span.input_messages, span.input, most)
    yield from _message_sections(output_title, span.output_messages, span.output, most)
    yield from _message_sections("Documents", None, span.retrieval_documents, most)


def _message_sections(title: str, messages: str | None, text: str | None, most: int | None) -> Iterator[_Section]:
    found = read_messages(messages)
    if found:
        left_out = len(found) - _SHOWN_MESSAGES if most is not None else 0
        if left_out > 0:
            yield _Section(title, found[-_SHOWN_MESSAGES:], left_out=f"{counted(left_out, 'message')} before these")
        else:
            yield _Section(title, found)
    elif text or messages:
        yield _text_section(title, _indented(text or messages or ""), most)


def _text_section(title: str, text: str, most: int | None, *, is_error: bool = False) -> _Section:
    shown, left_out = (text, 0) if most is None else cut_text(text, most)
    return _Section(title, (), shown, counted(left_out, "more character") if left_out else "", is_error)


def _error_sections(span: SpanDetail) -> Iterator[_Section]:
    """Yield the error of a span in every form in which it was recorded."""
    events = [event for event in span.events if isinstance(event, Mapping)]
    raised = [_all_values(event) for event in events if str(event.get("name", "")).startswith("exception")]
    statements = [
        span.status_message,
        *(_exception(values) for values in raised),
        *(_first_text(span.attributes, name) for name in _ERROR_ATTRIBUTES),
    ]
    reasons = [reason for reason in statements if reason]
    whole = [
        reason for reason in dict.fromkeys(reasons) if not any(reason in each and reason != each for each in reasons)
    ]
    if whole and (span.is_error or raised):
        yield _text_section("Error", "\n".join(whole), MAX_PART_LENGTH, is_error=True)


def _exception(values: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (_first_text(values, "exception.type"), _first_text(values, "exception.message"))))


# Drawing ------------------------------------------------------------------------------------------------------------


def _section_lines(section: _Section, style: Style) -> Iterator[str]:
    yield style.paint(section.title, "failed" if section.is_error else "bold")
    left_out = f"{style.displayable('│ … ')}{section.left_out}"
    if section.messages and section.left_out:
        yield style.paint(left_out, "dim")
    for place, message in enumerate(section.messages):
        yield from (style.displayable("│"),) if place else ()
        yield f"{style.displayable('│ ')}{style.paint(style.safe(message.role), 'bold')}"
        for part in message.parts:
            yield from part_lines(part, style)
    if section.text:
        yield from text_lines(section.text, style)
        if section.left_out:
            yield style.paint(left_out, "dim")


def _event_lines(event: object, span: SpanDetail, style: Style) -> Iterator[str]:
    if not isinstance(event, Mapping):
        yield from text_lines(_indented(json_text(event)), style)
        return
    at = next((event[name] for name in _TIMES if event.get(name) is not None), None)
    start = nanoseconds(span.started_at)
    instant = nanoseconds(at) if isinstance(at, str) and not at.isdecimal() else _parse_integer(at)
    name = style.paint(style.safe(str(event.get("name") or "(no name)")), "bold")
    since = f"+{format_elapsed(instant - start, style)}" if instant is not None and start is not None else json_text(at)
    yield f"{name}{style.displayable(' · ')}{style.safe(since)}" if at is not None else name
    values = {key: value for key, value in _all_values(event).items() if key not in {"name", *_TIMES}}
    yield from _value_lines(values, style)


def _value_lines(values: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Yield names and values, sorted, long ones cut."""
    pairs = []
    for name, value in sorted(values.items()):
        text, left_out = cut_text(json_text(value), MAX_PART_LENGTH)
        pairs.append((name, f"{text}\n… {counted(left_out, 'more character')}" if left_out else text))
    return wrap_lines(record(pairs, style).splitlines(), style)


def _all_values(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of an event and its attributes in one mapping."""
    attributes = event.get("attributes")
    rest = {key: value for key, value in event.items() if key != "attributes"}
    return {**rest, **attributes} if isinstance(attributes, Mapping) else dict(event)


def _indented(text: str) -> str:
    value = json_value(text)
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return value if isinstance(value, str) else text


def _first_text(values: Mapping[str, Any], *names: str) -> str | None:
    return next((values[name] for name in names if isinstance(values.get(name), str) and values[name]), None)


def _parse_integer(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 20 else None
