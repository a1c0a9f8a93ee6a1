"""Traces as conversations, and single spans: as agreed, and with any text (docs/protocol.md#trace-views)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import assert_harmless
from render_samples import HOSTILE
from trace_samples import ASKED, CONVERSATION, DETAIL, SYSTEM, TRACE, span, span_id, trace

from halo_iac.model.messages import ChatMessage, Part, PartKind, read_messages
from halo_iac.model.traces import Span, SpanDetail
from halo_iac.render.style import PLAIN, Style, display_width, strip_colour
from halo_iac.render.text.traces.span import span_attributes, span_events, span_io, span_links, span_summary
from halo_iac.render.text.traces.views import TraceOptions, trace_thread

STYLES = {
    "pipe": PLAIN,
    "40": Style(width=40),
    "100-colour": Style(colour=True, width=100),
    "100-ascii": Style(unicode=False, width=100),
}
VIEWS: dict[str, Callable[[SpanDetail, Style], Iterator[str]]] = {
    "summary": span_summary,
    "io": span_io,
    "attributes": span_attributes,
    "events": span_events,
    "links": span_links,
}


def thread(*spans: Span, style: Style = PLAIN, is_whole: bool = False) -> str:
    lines = trace_thread(trace(spans), iter(spans), style, TraceOptions(is_whole=is_whole))
    return "\n".join([*lines, ""])


def view_text(view: str, detail: SpanDetail, style: Style = PLAIN) -> str:
    return "\n".join([*VIEWS[view](detail, style), ""])


def llm(number: int, given: list[dict[str, Any]], came: list[dict[str, Any]], **more: Any) -> Span:  # noqa: ANN401
    messages = {"inputMessages": json.dumps(given), "outputMessages": json.dumps(came)}
    return span(number, kind="LLM", at=number * 1_000, took=500, **messages | more)


def message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


# As agreed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STYLES)
def test_a_conversation_looks_as_agreed(name: str) -> None:
    assert_golden(f"render/trace-thread-{name}.txt", thread(*CONVERSATION, style=STYLES[name]))


@pytest.mark.parametrize("name", STYLES)
def test_a_failed_span_shows_its_arguments_and_its_error(name: str) -> None:
    assert_golden(f"render/span-summary-{name}.txt", view_text("summary", DETAIL, STYLES[name]))


@pytest.mark.parametrize("view", ["io", "attributes", "events", "links"])
def test_a_span_looks_as_agreed(view: str) -> None:
    assert_golden(f"render/span-{view}.txt", view_text(view, DETAIL, Style(width=80)))


def test_a_model_call_shows_its_latest_messages_and_all_of_them_on_demand() -> None:
    detail = SpanDetail(CONVERSATION[5].wire)
    summary = view_text("summary", detail)
    assert "│ … 4 messages before these\n│ assistant\n│ Two payments; I refund the second.\n" in summary
    assert f"  halo span get {TRACE} {span_id(6)} --view io\n" in summary
    whole = view_text("io", detail)
    assert "You help with payments." in whole
    assert whole.count("The gateway is silent.") == 200


def test_a_span_without_anything_says_so() -> None:
    bare = SpanDetail({"traceId": TRACE, "spanId": span_id(1)})
    said = [view_text(view, bare) for view in ("io", "attributes", "events", "links")]
    assert said == [
        f"It has {what}.\n" for what in ("neither input nor output", "no attributes", "no events", "no links")
    ]
    assert view_text("summary", bare).endswith(f"See also\n  halo trace get {TRACE} --span {span_id(1)}\n")


@pytest.mark.parametrize("odd", ["text", 7, None, {"name": 7}, [1], {"attributes": "no object", "timestamp": True}])
def test_events_and_links_of_any_shape_are_shown(odd: object) -> None:
    detail = SpanDetail({**DETAIL.wire, "events": [odd], "links": [odd], "spanAttributes": {"odd": odd}})
    for view in VIEWS:
        assert view_text(view, detail)


@pytest.mark.parametrize("events", ['[{"name": "retry"}]', {"name": "retry"}, [{"name": "retry"}], "retry", ["retry"]])
def test_events_are_shown_however_they_are_sent(events: object) -> None:
    assert "retry" in view_text("events", SpanDetail({**DETAIL.wire, "events": events}))


@pytest.mark.parametrize("given", [{"order": "1234"}, '{"order":"1234"}', [{"order": "1234"}]])
def test_input_is_shown_however_it_is_sent(given: object) -> None:
    assert '"order": "1234"' in view_text("io", SpanDetail({**DETAIL.wire, "input": given}))


# What is shown once -------------------------------------------------------------------------------------------------


def test_repeated_messages_are_shown_at_their_first_occurrence() -> None:
    text = thread(*CONVERSATION)
    words = ("refund order 1234", "Be brief", "→ lookup_order", "I refund the second")
    assert [text.count(each) for each in words] == [1, 1, 1, 1]


def test_a_message_that_is_repeated_is_shown_again() -> None:
    again = [message("user", "go on"), message("assistant", "one"), message("user", "go on")]
    text = thread(llm(1, again[:1], [again[1]]), llm(2, again, [message("assistant", "one")]))
    assert text.count("go on") == 2
    assert text.count("│ one") == 2


def test_a_model_call_within_a_model_call_speaks_once() -> None:
    inner = llm(1, [ASKED], [message("assistant", "done")], parentSpanId=span_id(2))
    text = thread(
        inner, llm(2, [ASKED], [message("assistant", "done")], startTime="2026-11-23T09:00:00Z", durationNs=10**10)
    )
    assert text.count("│ done") == 1


def test_parallel_calls_are_distinguished_by_their_results() -> None:
    tools = [span(n, kind="TOOL", name=f"t{n}", at=n, took=100, input='{"same": 1}', output=f"r{n}") for n in (1, 2)]
    text = thread(*tools)
    asked = ["tool t1", '│ → {"same": 1}', "tool t2", '│ → {"same": 1}']
    answered = ["tool t1 · 100 ms", "│ ← r1", "tool t2 · 100 ms", "│ ← r2"]
    assert [line for line in text.splitlines() if line] == [*asked, *answered]


def test_a_retriever_answers_with_its_documents() -> None:
    found = span(1, kind="RETRIEVER", name="search", input="refunds", retrievalDocuments='[{"content": "five days"}]')
    assert '│ ← [{"content": "five days"}]' in thread(found)


def test_other_spans_are_shown_if_no_conversation_exists() -> None:
    state = span(1, kind="CHAIN", input='{"step": 3}', output="done")
    assert '│ {"step": 3}' in thread(state)
    assert "Not shown: input and output of 1 span of other kinds." in thread(state, llm(2, [ASKED], []))


def test_a_trace_without_messages_is_reported() -> None:
    assert thread(span(1)) == "\nNo conversation: the spans that were read have neither input nor output.\n"


def test_a_long_text_is_cut_with_a_note_unless_it_is_asked_for() -> None:
    spans = [llm(1, [message("user", "x " * 5_000)], [])]
    assert f"│ … 8,000 more characters\n  halo span get {TRACE} {span_id(1)} --view io\n" in thread(*spans)
    assert thread(*spans, is_whole=True).count("x ") + 1 >= 5_000


# Arbitrary content --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_neither_raw_nor_commands(words: str) -> None:
    said = [
        message(words, words),
        {"role": "assistant", "tool_calls": [{"function": {"name": words, "arguments": words}}]},
    ]
    fields = {"statusMessage": words, "retrievalDocuments": words, "userId": words, "llmModelName": words}
    spans = [
        llm(1, said, [message("assistant", [{"type": "thinking", "thinking": words}, {"type": words}])], **fields),  # type: ignore[arg-type]
        span(2, kind="TOOL", name=words, input=words, output=words, failed=True, **fields),
    ]
    held = {"spanAttributes": {words: words}, "events": [{"name": words, words: words}], "links": [{"spanId": words}]}
    for style in (PLAIN, Style(width=40), Style(unicode=False, width=60)):
        texts = [thread(*spans, style=style)]
        texts += [view_text(view, SpanDetail({**each.wire, **held}), style) for view in VIEWS for each in spans]
        for text in texts:
            assert_harmless(text)
            assert style.unicode or text.isascii()


WORDS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["go on", "→ x", "日本語", "\n\n"])
NAMES = st.sampled_from(["role", "content", "type", "text", "tool_calls", "function", "message", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(st.tuples(JSON, JSON, st.sampled_from(["LLM", "TOOL", "AGENT", "CHAIN", ""])), max_size=6), st.booleans()
)
def test_anything_is_drawn_within_the_screen(rows: list[tuple[Any, Any, str]], is_whole: bool) -> None:
    spans = [
        span(
            number,
            kind=kind,
            input=json.dumps(given),
            outputMessages=json.dumps(came),
            failed=number == 1,
            events=[came],
        )
        for number, (given, came, kind) in enumerate(rows)
    ]
    style = Style(width=60)
    texts = [thread(*spans, style=style, is_whole=is_whole)]
    texts += [view_text(view, SpanDetail(each.wire), style) for each in spans for view in VIEWS]
    for line in "\n".join(texts).splitlines():
        shown = strip_colour(line)
        assert display_width(shown) <= 60 or "halo " in shown or len(shown.split()) <= 3


# The forms of messages ----------------------------------------------------------------------------------------------

TEXT, CALL, RESULT = PartKind.TEXT, PartKind.CALL, PartKind.RESULT
HELLO = ChatMessage("user", (Part(TEXT, "hello"),))
CALLS = ChatMessage("assistant", (Part(CALL, '{"a": 1}', "look"),))
LOOK = {"name": "look", "arguments": '{"a": 1}'}


def results(text: str, role: str = "tool", name: str | None = None) -> ChatMessage:
    return ChatMessage(role, (Part(RESULT, text, name),))


FORMS: dict[str, tuple[Any, tuple[ChatMessage, ...]]] = {
    "text": ([message("user", "hello")], (HELLO,)),
    "parts": ([{"role": "user", "content": [{"type": "text", "text": "hello"}]}], (HELLO,)),
    "one message": (message("user", "hello"), (HELLO,)),
    "a request": ({"model": "m", "messages": [message("human", "hello")]}, (HELLO,)),
    "a response": ({"choices": [{"message": message("user", "hello")}]}, (HELLO,)),
    "lists of lists": ([[message("user", "hello")]], (HELLO,)),
    "chat completions": ([{"role": "assistant", "tool_calls": [{"type": "function", "function": LOOK}]}], (CALLS,)),
    "their result": (
        [{"role": "tool", "tool_call_id": "1", "name": "look", "content": "found"}],
        (results("found", name="look"),),
    ),
    "responses": (
        [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
            {"type": "function_call", "call_id": "1", **LOOK},
            {"type": "function_call_output", "call_id": "1", "output": "found"},
        ],
        (HELLO, CALLS, results("found")),
    ),
    "anthropic": (
        [
            {"role": "assistant", "content": [{"type": "tool_use", "name": "look", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "found"}]}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "so"}]},
        ],
        (CALLS, results("found", "user"), ChatMessage("assistant", (Part(PartKind.THINKING, "so"),))),
    ),
    "google": (
        {
            "contents": [
                {"role": "user", "parts": [{"text": "hello"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"a": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"b": 2}}}]},
            ]
        },
        (HELLO, CALLS, results('{"b": 2}', "user", "look")),
    ),
    "vercel": (
        [
            {"role": "assistant", "content": [{"type": "tool-call", "toolName": "look", "args": {"a": 1}}]},
            {"role": "tool", "content": [{"type": "tool-result", "toolName": "look", "result": "found"}]},
        ],
        (CALLS, results("found", name="look")),
    ),
    "opentelemetry": (
        [
            {"role": "user", "parts": [{"type": "text", "content": "hello"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "arguments": {"a": 1}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "result": "found"}]},
        ],
        (HELLO, CALLS, results("found")),
    ),
    "openinference": (
        [
            {"message.role": "user", "message.content": "hello"},
            {
                "message.role": "assistant",
                "message.tool_calls": [{f"tool_call.function.{name}": value for name, value in LOOK.items()}],
            },
        ],
        (HELLO, CALLS),
    ),
    "openinference, nested": (
        [
            {"message": {"role": "user", "contents": [{"message_content": {"type": "text", "text": "hello"}}]}},
            {"message": {"role": "assistant", "tool_calls": [{"tool_call": {"function": LOOK}}]}},
        ],
        (HELLO, CALLS),
    ),
    "an image": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:…"}}]}],
        (ChatMessage("user", (Part(PartKind.OTHER, "image_url"),)),),
    ),
    "no messages": ({"step": 3}, ()),
    "numbers": ([1, 2], ()),
}


@pytest.mark.parametrize("form", FORMS)
def test_messages_are_read_in_every_form(form: str) -> None:
    written, read = FORMS[form]
    assert read_messages(json.dumps(written)) == read


@pytest.mark.parametrize("text", [None, "", "hello", "{", "[" * 100_000, '{"message": ' * 500 + "1" + "}" * 500])
def test_invalid_messages_are_ignored(text: str | None) -> None:
    assert read_messages(text) == ()


def test_a_system_message_is_read() -> None:
    assert read_messages(json.dumps([SYSTEM]))[0].role == "system"
