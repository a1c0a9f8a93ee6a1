"""Traces as trees, timelines and tables: golden output, and what holds of any spans (docs/protocol.md#trace-views)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from time import process_time

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import assert_harmless
from render_samples import HOSTILE
from trace_samples import CHECKOUT, ODD, TRACE, span, span_id, trace, trace_of_chain, trace_of_turns

from halo_iac.model.span_tree import nanoseconds, span_tree
from halo_iac.model.traces import Span
from halo_iac.render.style import PLAIN, Style, display_width, strip_colour
from halo_iac.render.text.table import table_lines
from halo_iac.render.text.traces.tree import TreeDrawing
from halo_iac.render.text.traces.views import (
    TraceOptions,
    trace_spans,
    trace_summary,
    trace_timeline,
    trace_tree,
)
from halo_iac.render.values import format_dollars, format_elapsed

STYLES = {
    "pipe": PLAIN,
    "40": Style(width=40),
    "60": Style(width=60),
    "100-colour": Style(colour=True, width=100),
    "100-ascii": Style(unicode=False, width=100),
    "160": Style(width=160),
}
VIEWS: dict[str, Callable[..., Iterator[str]]] = {
    "summary": trace_summary,
    "tree": trace_tree,
    "timeline": trace_timeline,
    "spans": trace_spans,
}
MANY = 10_000


def view_text(view: str, spans: Sequence[Span], style: Style, options: TraceOptions = TraceOptions()) -> str:  # noqa: B008
    return "\n".join([*VIEWS[view](trace(spans), spans, style, options), ""])


# As agreed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("view", ["summary", "timeline", "spans"])
def test_a_trace_looks_as_agreed(view: str, name: str) -> None:
    assert_golden(f"render/trace-{view}-{name}.txt", view_text(view, CHECKOUT, STYLES[name]))


@pytest.mark.parametrize("width", [60, 100])
def test_a_long_trace_opens_the_way_to_what_failed_and_counts_the_rest(width: int) -> None:
    assert_golden(f"render/trace-turns-{width}.txt", view_text("tree", trace_of_turns(60, 41), Style(width=width)))


def test_a_deep_trace_leaves_out_the_middle_of_the_way() -> None:
    assert_golden("render/trace-chain.txt", view_text("tree", trace_of_chain(100), Style(width=80)))


@pytest.mark.parametrize("view", ["tree", "timeline"])
def test_an_unusual_trace_matches_its_golden_file(view: str) -> None:
    assert_golden(f"render/trace-odd-{view}.txt", view_text(view, ODD, Style(width=100)))


def test_the_span_that_is_asked_for_is_opened_and_marked() -> None:
    text = view_text("tree", trace_of_turns(60, 41), PLAIN, TraceOptions(focus=span_id(152)))
    assert "▶ chat LLM" in text
    assert "turn 51 CHAIN" in text


def test_a_long_trace_shows_how_it_began_and_ended_and_what_took_longest() -> None:
    spans = [span(0, None, "root"), *(span(n, 0, f"s{n}", at=n, took=n % 97) for n in range(1, 301))]
    shown = re.findall(r"\b(s\d+) ", "\n".join(TreeDrawing(span_tree(spans), PLAIN).lines()))
    assert {"s1", "s2", "s3", "s96", "s193", "s290", "s300"} <= set(shown)
    assert len(shown) < 60


def test_a_missing_span_is_reported() -> None:
    text = view_text("tree", CHECKOUT, PLAIN, TraceOptions(focus="none"))
    assert text.endswith("\nSpan none is not among the spans that were read.\n")


def test_a_failed_step_shows_the_beginning_of_what_it_was_given() -> None:
    given = json.dumps({"order": "1234", "lines": list(range(200))}, indent=2)
    lines = view_text("tree", [span(1, None, "refund", "TOOL", failed=True, input=given)], Style(width=60)).splitlines()
    assert lines[2:4] == ["✗ refund", '│ → { "order": "1234", "lines": [ 0, 1, 2, 3, 4, 5, 6, 7, 8,']
    assert (lines[-2][-1], lines[-1]) == ("…", f"  halo span get {TRACE} {span_id(1)}")


def test_a_trace_that_is_not_folded_shows_every_span() -> None:
    lines = list(TreeDrawing(span_tree(trace_of_turns(60, 41)), PLAIN, is_whole=True).lines())
    assert len(lines) == 181


def test_the_command_of_the_failed_step_names_the_deepest_that_failed() -> None:
    lines = view_text("tree", CHECKOUT, Style(width=40)).splitlines()
    assert f"  halo span get {TRACE} {span_id(6)}" in lines
    assert not any(span_id(4) in line for line in lines)


def test_more_failed_steps_than_are_named_are_counted() -> None:
    text = view_text("tree", [span(0), *(span(number, 0, failed=True) for number in range(1, 9))], PLAIN)
    assert f"5 more steps failed:\n  halo span list --trace-id {TRACE} --status error --range all\n" in text


def test_unread_spans_are_counted() -> None:
    spans = CHECKOUT[:3]
    text = "\n".join(trace_tree(trace(spans, spanCount=5_230, hasError=True), spans, PLAIN))
    assert f"3 of its 5,230 spans were read; `halo trace get {TRACE} --all` reads them all." in text
    assert "No span that was read failed, but the trace has an error:" in text


def test_a_trace_without_spans_says_so() -> None:
    assert view_text("tree", (), PLAIN) == "\nIt has no spans.\n"


# Any spans ----------------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 30)
LENGTHS = st.none() | st.integers(-(10**12), 10**25) | st.integers(0, 10**12).map(str) | st.sampled_from([0, "x", 1e9])
STARTS = st.sampled_from([None, "", "yesterday", "2026-11-23T09:00:00Z", "1970-01-01T00:00:00+00:00"]) | st.integers(
    0, 10**9 - 1
).map(lambda fraction: f"2026-11-23T09:00:01.{fraction:09}Z")


@st.composite
def any_spans(draw: st.DrawFn, names: st.SearchStrategy[str]) -> list[Span]:
    """Return spans of every shape, each under a number of its own, which its name ends in."""
    rows = draw(st.lists(st.tuples(NUMBERS, st.none() | NUMBERS, LENGTHS, STARTS, st.booleans(), names), max_size=90))
    return [
        span(number, parent, f"{name}#{place}#", failed=failed, durationNs=length, startTime=start)
        for place, (number, parent, length, start, failed, name) in enumerate(rows)
    ]


FOLDS = re.compile(r"… ([\d,]+) (?:more )?(?:\w+ )?spans?(?: between)?(?: and ([\d,]+) below)?| \(?\+([\d,]+)")


def shown_and_counted(text: str) -> tuple[list[str], int]:
    counts = [int(count.replace(",", "")) for groups in FOLDS.findall(text) for count in groups if count]
    return sorted(re.findall(r"#(\d+)#", text), key=int), sum(counts)


@given(any_spans(st.just("step")), st.booleans(), st.none() | NUMBERS)
def test_every_span_is_shown_once_or_counted_once(spans: list[Span], is_whole: bool, focus: int | None) -> None:
    wanted = None if focus is None else span_id(focus)
    drawing = TreeDrawing(span_tree(spans), PLAIN, focus=wanted, is_whole=is_whole)
    shown, counted = shown_and_counted("\n".join(drawing.lines()))
    assert len(set(shown)) == len(shown)
    assert len(shown) + counted == len(spans)
    assert bool(counted) == drawing.is_folded
    assert not (is_whole and counted)


@given(st.integers(1, 400), st.integers(0, 10**6), st.integers(40, 200))
def test_long_traces_of_any_shape_are_counted_on_any_screen(count: int, seed: int, width: int) -> None:
    spans = [
        span(number, (seed * number) % number if number else None, at=number, failed=(seed + number) % 37 == 0)
        for number in range(count)
    ]
    text = "\n".join(TreeDrawing(span_tree(spans), Style(width=width)).lines())
    shown = len(re.findall(r"step", text))
    assert shown + shown_and_counted(text)[1] == count
    assert shown <= 101


@given(any_spans(st.sampled_from([*HOSTILE, "", "日本語", "x" * 300])), st.integers(40, 200), st.booleans())
def test_no_line_is_wider_than_the_screen(spans: list[Span], width: int, is_timeline: bool) -> None:
    for style in (Style(width=width), Style(width=width, unicode=False, colour=True)):
        drawing = TreeDrawing(span_tree(spans), style, is_timeline=is_timeline)
        assert max((display_width(strip_colour(line)) for line in drawing.lines()), default=0) <= width


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_neither_raw_nor_commands(words: str) -> None:
    spans = [
        span(1, None, words, words, failed=True, statusMessage=words, llmModelName=words, spanId=words),
        span(2, 1, words, words, parentSpanId=words, traceId=words, startTime=words),
    ]
    for view in VIEWS:
        for style in (PLAIN, Style(width=40), Style(width=200), Style(unicode=False)):
            assert_harmless(view_text(view, spans, style))
        assert view_text(view, spans, Style(unicode=False)).isascii()


@pytest.mark.parametrize("width", [None, 40, 100])
def test_ids_are_never_broken(width: int | None) -> None:
    for view in ("summary", "spans"):
        text = view_text(view, [*CHECKOUT, span(10, 77)], Style(width=width))
        words = re.findall(r"(?<![.\w])[0-9a-f]{7,}…?", text)
        assert {len(word) for word in words} <= {16, 32}
        assert {span_id(number) for number in (3, 6)} & set(words)


# However many -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["chain", "cycle", "wide", "orphans"])
def test_many_spans_take_time_in_proportion(shape: str) -> None:
    parent = {
        "chain": lambda number: number - 1 if number else None,
        "cycle": lambda number: (number + 1) % MANY,
        "wide": lambda number: 0 if number else None,
        "orphans": lambda number: number + MANY,
    }[shape]
    started = process_time()
    tree = span_tree(span(number, parent(number), failed=number % 100 == 0) for number in range(MANY))
    text = "\n".join(TreeDrawing(tree, PLAIN).lines())
    assert process_time() - started < 10
    shown = len(re.findall("step", text))
    assert (shown + shown_and_counted(text)[1], shown <= 101) == (MANY, True)


def test_a_table_of_any_length_is_written_as_its_rows_are_read() -> None:
    asked = 0

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal asked
        for number in range(MANY):
            asked += 1
            yield (f"{number:032}", "x" * (100 if number > 2_000 else 3))

    lines = table_lines(("SPAN", "NAME"), rows(), Style(width=60), uncut={"SPAN"})
    first = [next(lines) for _ in range(3)]
    assert first[1:] == [f"{number:032}  xxx" for number in range(2)]
    assert asked == 1_000
    *_, last = lines
    assert last == f"{MANY - 1:032}  xxx…"


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (None, "-"),
        (0, "0 s"),
        (850, "850 ns"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (12_345_678, "12.3 ms"),
        (999_949_999, "1.00 s"),
        (2_494_000_000, "2.49 s"),
        (59_950_000_000, "1 min 00 s"),
        (123_000_000_000, "2 min 03 s"),
        (3_599_600_000_000, "1 h 00 min"),
        (90_000_000_000_000, "1 d 01 h"),
        (-2_000_000, "-2.00 ms"),
        (10**400, "over 300 years"),
    ],
)
def test_lengths_of_time_are_read_as_people_read_them(length: int | None, said: str) -> None:
    assert format_elapsed(length, PLAIN) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (None, "-"),
        (0, "$0.00"),
        (0.0099, "<$0.01"),
        (0.01, "$0.01"),
        (1217.5, "$1,217.50"),
        (-3, "-$3.00"),
        (1e300, "$1e+300"),
    ],
)
def test_costs_are_read_as_people_read_them(amount: float | None, said: str) -> None:
    assert format_dollars(amount) == said


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01.123456789Z", 1_123_456_789),
        ("1970-01-01 00:00:01", 1_000_000_000),
        ("1970-01-01T02:00:01+02:00", 1_000_000_000),
        ("1970-13-01T00:00:01Z", None),
        ("1970-01-01T00:00:01+24:00", None),
        ("٢026-01-01T00:00:00Z", None),
        (None, None),
    ],
)
def test_instants_are_read_to_the_nanosecond(text: str | None, instant: int | None) -> None:
    assert nanoseconds(text) == instant
