"""What the analyst finds, figure by figure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from analyst_spans import MS, WINDOW, Field, analyse, call, figures, model_call, span

from halo_iac.sandbox.analyst.analysis import analyse_traces, render_report
from halo_iac.sandbox.analyst.failures import mask_varying_parts
from halo_iac.sandbox.analyst.figures import (
    ErrorGroup,
    FixKind,
    LargeOutput,
    Loop,
    ModelUse,
    Percentiles,
    Repeat,
    Retry,
    SkippedStep,
    Timing,
    Volume,
)
from halo_iac.sandbox.analyst.spans import Span
from halo_iac.sandbox.analyst.statistics import nearest_rank, share
from halo_iac.sandbox.analyst.traces import Node, Trace


def test_no_spans_have_no_figures() -> None:
    found = figures([])
    assert found.volume == Volume(0, 0, 0, 0, 0, 0, (), None, None, None)
    assert (found.errors, found.timings, found.repeats, found.retries, found.loops) == ((), (), (), (), ())
    assert (found.models, found.outputs, found.skipped, found.fixes) == ((), (), (), ())


def test_a_quiet_trace_has_figures_and_nothing_to_fix() -> None:
    top = span("agent", "AGENT", took=3000)
    found = figures([top, call("grep", "x", 100, parent_id=top.span_id), model_call("m", 10, 5, "0.1", at=500)])
    assert found.fixes == ()


def test_volume_counts_spans_traces_kinds_and_failures() -> None:
    top = span("agent", "AGENT", took=2000, message="no")
    spans = [top, call("grep", "x", 100, parent_id=top.span_id, message="no"), span(trace_id="t2", at=5000, took=500)]
    assert analyse(spans, WINDOW, left_out=7).volume == Volume(
        spans=3,
        traces=2,
        failed_spans=2,
        failed_traces=1,
        failed_roots=1,
        left_out=7,
        kinds=(("AGENT", 1), ("CHAIN", 1), ("TOOL", 1)),
        first=0,
        last=5500 * MS,
        lengths=Percentiles(500 * MS, 2000 * MS, 2000 * MS, 2000 * MS),
    )


def test_a_repeated_span_counts_once() -> None:
    once = span(span_id="s")
    assert figures([once, once]).volume.spans == 1


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("timed out after 30000 ms", "timed out after <*> ms"),
        ("request 8f3a12bc90de failed\n twice", "request <*> failed twice"),
        ("no user 550e8400-e29b-41d4-a716-446655440000", "no user <*>"),
        ("at 0xDEADbeef, 1,234.5 left", "at <*>, <*> left"),
        ("req_608526884747 and ord-8f3k2x", "<*> and <*>"),
        ("HTTP 503 from 10.0.0.1:8080", "HTTP 503 from <*>"),
        ("status code: 404", "status code: 404"),
        ("time_out of a well-known kind", "time_out of a well-known kind"),
        ("", ""),
        ("x" * 999, "x" * 200),
    ],
)
def test_a_message_loses_what_differs_each_time(message: str, expected: str) -> None:
    assert mask_varying_parts(message) == expected


def test_failures_are_grouped_by_step_and_message() -> None:
    spans = [
        call("pay", "1", 0, 30, message="timed out after 30 ms", output="no answer"),
        call("pay", "2", 100, 31, message="timed out after 31 ms"),
        call("pay", "3", 200, 10, trace_id="t2", message="timed out after 10 ms"),
        call("pay", "4", 300, 10, trace_id="t2", message="refused"),
        call("pay", "5", 400, 10, trace_id="t3"),
    ]
    assert figures(spans).errors == (
        ErrorGroup(
            name="function.pay",
            kind="TOOL",
            tool="pay",
            message="timed out after <*> ms",
            count=3,
            above=0,
            elsewhere=0,
            calls=5,
            affected=2,
            time=71 * MS,
            example="timed out after 30 ms — no answer",
            traces=("t1", "t2"),
        ),
        ErrorGroup("function.pay", "TOOL", "pay", "refused", 1, 0, 0, 5, 1, 10 * MS, "refused", ("t2",)),
    )


def test_a_failure_that_is_only_passed_on_comes_last_and_asks_for_no_fix() -> None:
    top = span("agent", "AGENT", message="gave up")
    turn = span("turn", parent_id=top.span_id)
    found = figures([top, turn, call("pay", "1", parent_id=turn.span_id, message="refused")])
    assert [(group.message, group.above) for group in found.errors] == [("refused", 0), ("gave up", 1)]
    assert [(fix.kind, fix.subject) for fix in found.fixes] == [(FixKind.ERROR, "Failing: `pay`")]


# Time ---------------------------------------------------------------------------------------------------------------


def test_percentiles_are_nearest_rank() -> None:
    ranked = list(range(1, 101))
    assert [nearest_rank(ranked, percent) for percent in (1, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert [nearest_rank([10, 20, 30], percent) for percent in (33, 34, 50, 95)] == [10, 20, 20, 30]
    assert nearest_rank([7], 50) == 7


def test_own_time_excludes_children_that_overlap_or_outlast_their_parent() -> None:
    top = span("top", took=1000)
    below = {"parent_id": top.span_id}
    spans = [
        top,
        *(span("child", "TOOL", at, took, **below) for at, took in ((100, 200), (200, 300), (250, 50), (900, 400))),
    ]
    by_name = {timing.name: timing for timing in figures(spans).timings}
    assert by_name["top"].self_time == 500 * MS
    assert by_name["child"] == Timing(
        name="child",
        kind="TOOL",
        count=4,
        affected=1,
        took=Percentiles(200 * MS, 400 * MS, 400 * MS, 400 * MS),
        self_time=950 * MS,
        self_time_ok=950 * MS,
        traces=("t1",),
    )


@pytest.mark.parametrize(
    ("kind", "took", "fields", "is_slow"),
    [
        ("TOOL", 2000, {}, True),
        ("RETRIEVER", 2000, {}, True),
        ("LLM", 2000, {}, False),
        ("TOOL", 1999, {}, False),
        ("TOOL", 2000, {"message": "timed out"}, False),
    ],
)
def test_a_step_is_slow_by_its_duration_and_share(
    kind: str, took: int, fields: dict[str, Field], *, is_slow: bool
) -> None:
    found = figures([span("fetch", kind, 0, took, **fields), span("rest", "LLM", took, 5990)])
    assert any(fix.kind == FixKind.SLOW for fix in found.fixes) == is_slow


def nested() -> tuple[list[Span], list[Node]]:
    """A trace in which the tool of an agent is another agent, whose own tool fails; the first one's spans, and all."""
    top = span("agent", "AGENT", took=1000, message="gave up")
    asked = call("ask", "x", 100, 800, parent_id=top.span_id, message="helper failed")
    helper = span("helper", "AGENT", 200, 400, parent_id=asked.span_id)
    failed = call("fetch", "x", 500, 200, parent_id=helper.span_id, message="refused")
    spans = [top, asked, helper, failed]
    return spans[:2], [Node(each.span_id, each.parent_id, each.start, each.end, each.has_failed) for each in spans]


def test_time_and_failures_of_another_agent_are_not_counted() -> None:
    self_time, around = nested()
    found = analyse_traces([Trace(self_time, around)], WINDOW)
    assert {timing.name: timing.self_time for timing in found.timings} == {"agent": 200 * MS, "function.ask": 300 * MS}
    assert [(group.message, group.above, group.elsewhere) for group in found.errors] == [
        ("gave up", 1, 1),
        ("helper failed", 1, 1),
    ]
    assert found.fixes == ()
    assert "Of 2 failures the failed step is another agent's, whose own report has it." in render_report(found)


def test_own_time_excludes_descendants_that_outlast_their_parent() -> None:
    top = span("top", took=1000)
    child = span("child", at=100, took=100, parent_id=top.span_id)
    late = span("late", at=500, took=300, parent_id=child.span_id)
    times = {timing.name: timing.self_time for timing in figures([top, child, late]).timings}
    assert times == {"top": 600 * MS, "child": 100 * MS, "late": 300 * MS}


def test_deep_and_wide_traces_take_linear_time() -> None:
    deep = [span(at=number, took=1, span_id=f"d{number}", parent_id=f"d{number - 1}") for number in range(20_000)]
    wide = [span(at=7919 * number % 20_000, took=1, trace_id="t2", parent_id="w") for number in range(20_000)]
    found = figures([*deep, *wide, span(took=20_000, trace_id="t2", span_id="w")])
    assert [timing.self_time for timing in found.timings] == [40_000 * MS]


# Calls --------------------------------------------------------------------------------------------------------------


def test_a_call_made_again_after_an_answer_is_a_repeat() -> None:
    spans = [
        call("look", "x", 0, output="1"),
        call("look", "y", 200, output="1"),
        call("look", "x", 400, output="1"),
        call("look", "x", 600, 50, output="2"),
        call("look", "x", 800, 60),
        call("look", "x", 0, trace_id="t2"),
    ]
    found = figures(spans)
    assert found.repeats == (Repeat("look", 3, 1, 1, affected=1, most=4, time=210 * MS, arguments="x", traces=("t1",)),)
    assert found.retries == ()


def test_a_call_made_again_after_a_failure_is_a_retry() -> None:
    spans = [
        call("send", "x", 0, message="no"),
        call("send", "x", 200, message="no"),
        call("send", "x", 400),
        call("send", "y", 600, message="no"),
        call("send", "y", 800, message="no"),
    ]
    found = figures(spans)
    assert found.retries == (
        Retry("send", 3, tried=2, recovered=1, affected=1, most=3, time=300 * MS, arguments="x", traces=("t1",)),
    )
    assert found.repeats == ()
    assert [fix.kind for fix in found.fixes] == [FixKind.RETRY]


def test_a_call_made_while_the_first_still_runs_cannot_be_its_retry() -> None:
    found = figures([call("send", "x", 0, 100, message="no"), call("send", "x", 50, 100)])
    assert ([repeat.calls for repeat in found.repeats], found.retries) == ([1], ())


def test_a_successful_retry_gives_no_fix() -> None:
    found = figures([call("send", "x", 0, message="no"), call("send", "x", 200)])
    assert [fix.kind for fix in found.fixes] == [FixKind.ERROR]


def test_a_stubborn_retry_leaves_the_errors_of_other_traces_their_own_fix() -> None:
    stubborn = [call("send", "x", at, message="no") for at in (0, 200, 400)]
    others = [call("send", "x", trace_id=f"o{number}", message="no") for number in range(2)]
    assert [fix.kind for fix in figures(stubborn + others).fixes] == [FixKind.ERROR, FixKind.RETRY]


def test_calls_without_arguments_are_not_compared() -> None:
    found = figures([call("look", None, at) for at in (0, 200, 400)])
    assert (found.repeats, found.retries, found.loops, found.uncompared) == ((), (), (), 3)


def test_a_sequence_that_comes_three_times_in_a_row_is_a_loop() -> None:
    calls = ["start", *("search", "read") * 4, "end"]
    spans = [call(tool, "x", 200 * place) for place, tool in enumerate(calls)]
    found = figures(spans)
    assert found.loops == (Loop(("search", "read"), affected=1, most=4, traces=("t1",)),)
    assert FixKind.LOOP in {fix.kind for fix in found.fixes}


def test_two_rounds_or_other_arguments_are_no_loop() -> None:
    twice = [call(tool, "x", 200 * place) for place, tool in enumerate(("search", "read") * 2)]
    others = [call(tool, str(place), 200 * place, trace_id="t2") for place, tool in enumerate(("search", "read") * 5)]
    assert figures(twice + others).loops == ()


def test_one_call_over_and_over_is_a_loop_whose_fix_is_the_repeat() -> None:
    found = figures([call("look", "x", 200 * place) for place in range(5)])
    assert found.loops == (Loop(("look",), affected=1, most=5, traces=("t1",)),)
    assert [fix.kind for fix in found.fixes] == [FixKind.REPEAT]


# Models -------------------------------------------------------------------------------------------------------------


def test_tokens_and_cost_are_summed_by_model_and_exactly() -> None:
    cheap = [model_call("small", 10, 1, "0.1", at=place, name="plan") for place in range(3)]
    dear = model_call("large", 100, 10, "1.000000000000000001", trace_id="t2")
    lost = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"))
    unknown = model_call("large", 0, 0, None, **lost)
    assert figures([*cheap, dear, unknown]).models == (
        ModelUse("large", 2, 2, 100, 10, 110, 1, 0, Decimal("1.000000000000000001"), 1, ("chat",), ("t2", "t1")),
        ModelUse("small", 3, 1, 30, 3, 33, 0, 0, Decimal("0.3"), 0, ("plan",), ("t1",)),
    )


def test_a_count_that_no_call_recorded_is_absent() -> None:
    half = model_call("half", 5, 0, completion_tokens=None)
    embedding = model_call("embed", 5, 0, kind="EMBEDDING", completion_tokens=None)
    nothing = model_call("none", 0, 0, prompt_tokens=None, completion_tokens=None, total_tokens=None)
    assert [
        (use.model, use.prompt_tokens, use.completion_tokens, use.total_tokens, use.uncounted, use.partial)
        for use in figures([half, embedding, nothing]).models
    ] == [("embed", 5, None, 5, 0, 0), ("half", 5, None, 5, 0, 1), ("none", None, None, None, 1, 0)]


def test_tokens_that_wrappers_agents_and_turns_repeat_are_not_counted_again() -> None:
    agent = model_call("m", 9, 9, kind="AGENT")
    turn = model_call("m", 9, 9, kind="CHAIN", parent_id=agent.span_id)
    wrapper = model_call("m", 9, 9, parent_id=turn.span_id)
    inner = model_call("m", 9, 9, parent_id=wrapper.span_id)
    plain = model_call("m", 1, 1, kind="SPAN", parent_id=turn.span_id)
    assert [(use.calls, use.total_tokens) for use in figures([agent, turn, wrapper, inner, plain]).models] == [(2, 20)]


@pytest.mark.parametrize(
    ("small", "large", "is_dear"),
    [(3, "3.1", True), (2, "3.1", False), (9, "0.8", False), (9, None, False)],
    ids=["dear", "not rare", "not dear", "no cost"],
)
def test_a_model_is_costly_if_few_calls_cause_most_of_the_cost(small: int, large: str | None, *, is_dear: bool) -> None:
    found = figures([*(model_call("small", 1, 1, "0.1") for _ in range(small)), model_call("large", 1, 1, large)])
    assert [fix.subject for fix in found.fixes] == (["Costly: `large`"] if is_dear else [])


def test_a_long_answer_is_shown_with_the_prompt_that_follows_it() -> None:
    spans = [
        model_call("m", 300, 5, at=0, took=50),
        call("list", "x", 100, output="y" * 20_000),
        call("list", "y", 300, output="y" * 30_000),
        call("read", "y", 300, output="y" * 19_999),
        model_call("m", 125_000, 5, at=500),
        model_call("m", 130_000, 5, at=2000),
    ]
    assert figures(spans).outputs == (
        LargeOutput("list", calls=2, affected=1, most=30_000, next_prompt=125_000, traces=("t1",)),
    )


# Steps left out -----------------------------------------------------------------------------------------------------


def _answers(trace: str, *, looks_up: bool = True, **top_fields: Field) -> list[Span]:
    top = span("agent", "AGENT", trace_id=trace, **top_fields)
    below = {"trace_id": trace, "parent_id": top.span_id}
    return [top, model_call("m", 1, 1, at=500, **below), *([span("search", "RETRIEVER", 100, 50, **below)] * looks_up)]


def test_an_answer_without_the_retrieval_that_most_have_is_found() -> None:
    spans = [each for number in range(6) for each in _answers(f"t{number}", looks_up=number > 1)]
    found = figures(spans)
    assert found.skipped == (SkippedStep("RETRIEVER", having=4, affected=2, names=("search",), traces=("t0", "t1")),)
    assert [fix.subject for fix in found.fixes] == ["Left out: `search`"]


@pytest.mark.parametrize(
    ("having", "lacking", "fields"),
    [(6, 0, {}), (2, 4, {}), (3, 1, {}), (5, 1, {"message": "failed"}), (5, 1, {"parent_id": "gone", "span_id": "x"})],
    ids=["all have it", "most lack it", "too few", "failed before", "comes with its parent missing"],
)
def test_no_step_is_called_left_out_without_good_reason(having: int, lacking: int, fields: dict[str, str]) -> None:
    spans = [each for number in range(having) for each in _answers(f"t{number}")]
    spans += [each for number in range(lacking) for each in _answers(f"u{number}", looks_up=False, **fields)]
    if "parent_id" in fields:
        spans.append(span(trace_id="u0", parent_id="gone too"))
    assert figures(spans).skipped == ()


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 8, 13), (1, 3, 33), (0, 5, 0), (5, 5, 100), (0, 0, 0)])
def test_shares_are_rounded_half_up(part: int, whole: int, expected: int) -> None:
    assert share(part, whole) == expected
