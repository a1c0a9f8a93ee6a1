"""Laws of the analyst for any spans: their order does not matter, and a plain recount gives the same figures."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from random import Random

from analyst_spans import WINDOW, analyse, call, figures, model_call, span
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.sandbox.analyst.analysis import analyse_traces, render_report
from halo_iac.sandbox.analyst.answers import answer
from halo_iac.sandbox.analyst.failures import mask_varying_parts
from halo_iac.sandbox.analyst.figures import Figures
from halo_iac.sandbox.analyst.spans import Span, sort_key
from halo_iac.sandbox.analyst.traces import Node, Trace

_PLACES = st.fixed_dictionaries(
    {
        "trace_id": st.sampled_from(("t1", "t2", "t3")),
        "parent_id": st.none() | st.sampled_from(("s0", "s1", "s2", "s9")),
        "at": st.integers(0, 50),
        "took": st.integers(0, 5000),
    }
)
_FAILURES = st.just({}) | st.fixed_dictionaries({"message": st.sampled_from(("", "timed out after 3 s", "refused"))})
_STEPS = st.builds(
    lambda name, kind, place, failure: span(name, kind, **place, **failure),
    st.sampled_from(("a", "b|c", "`d`")),
    st.sampled_from(("AGENT", "CHAIN", "RETRIEVER", "GUARDRAIL")),
    _PLACES,
    _FAILURES,
)
_CALLS = st.builds(
    lambda tool, arguments, output, place, failure: call(tool, arguments, output=output, **place, **failure),
    st.sampled_from(("look", "send")),
    st.none() | st.sampled_from(("x", "y")),
    st.none() | st.sampled_from(("1", "2" * 25_000)),
    _PLACES,
    _FAILURES,
)
_MODEL_CALLS = st.builds(
    lambda model, prompt, cost, place, lost: model_call(model, prompt, 7, cost, **place, **dict.fromkeys(lost)),
    st.none() | st.sampled_from(("small", "large")),
    st.integers(0, 10**6),
    st.none() | st.decimals(0, 10**6, places=18).map(str),
    _PLACES,
    st.sampled_from(((), ("completion_tokens",), ("prompt_tokens", "completion_tokens", "total_tokens"))),
)


def _numbered(spans: list[Span]) -> list[Span]:
    """Give the spans ids that the generated parents may hit upon."""
    return [each._replace(span_id=f"s{number}") for number, each in enumerate(spans)]


_SPANS = st.lists(_STEPS | _CALLS | _MODEL_CALLS, max_size=25).map(_numbered)


@given(_SPANS, st.randoms(use_true_random=False))
def test_the_same_spans_in_any_order_give_the_same_report(spans: list[Span], random: Random) -> None:
    shuffled = spans * 2
    random.shuffle(shuffled)
    expected = figures(spans)
    assert figures(shuffled) == expected
    assert render_report(figures(shuffled)) == render_report(expected)


@given(_SPANS, st.randoms(use_true_random=False))
def test_traces_one_by_one_give_the_same_figures_as_all_at_once(spans: list[Span], random: Random) -> None:
    traces = list(_by_trace(spans).values())
    random.shuffle(traces)
    assert analyse_traces(map(Trace, traces), WINDOW) == analyse(spans, WINDOW)


@given(_SPANS)
def test_every_figure_equals_a_plain_recount(spans: list[Span]) -> None:
    found = figures(spans)
    _recount_volume(found, spans)
    _recount_errors(found, spans)
    _recount_times(found, spans)
    _recount_models(found, spans)
    _recount_calls(found, spans)


def _by_trace(spans: list[Span]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = defaultdict(list)
    for each in spans:
        found[each.trace_id].append(each)
    return found


def _recount_volume(found: Figures, spans: list[Span]) -> None:
    failed = [each for each in spans if each.status == "ERROR"]
    assert found.volume.spans == len(spans)
    assert found.volume.traces == len(_by_trace(spans))
    assert dict(found.volume.kinds) == Counter(each.kind for each in spans)
    assert (found.volume.failed_spans, found.volume.failed_traces) == (len(failed), len(_by_trace(failed)))


def _recount_errors(found: Figures, spans: list[Span]) -> None:
    groups: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    for each in spans:
        if each.status == "ERROR":
            groups[each.name, each.kind, mask_varying_parts(each.message)].append(each)
    assert {(group.name, group.kind, group.message): (group.count, group.affected) for group in found.errors} == {
        key: (len(failed), len(_by_trace(failed))) for key, failed in groups.items()
    }
    for group in found.errors:
        assert set(group.traces) <= {each.trace_id for each in groups[group.name, group.kind, group.message]}
        assert group.calls == sum((each.name, each.kind) == (group.name, group.kind) for each in spans)


def _recount_times(found: Figures, spans: list[Span]) -> None:
    for timing in found.timings:
        ranked = sorted(each.end - each.start for each in spans if (each.name, each.kind) == (timing.name, timing.kind))
        expected = [ranked[math.ceil(Decimal(percent) / 100 * len(ranked)) - 1] for percent in (50, 95, 99, 100)]
        took = timing.took
        assert ([took.p50, took.p95, took.p99, took.most], timing.count) == (expected, len(ranked))
        assert 0 <= timing.self_time_ok <= timing.self_time <= sum(ranked)
    assert sum(timing.count for timing in found.timings) == len(spans)


def _recount_models(found: Figures, spans: list[Span]) -> None:
    """Count each model call that has no other right beneath it; a sum of nothing that was recorded is none."""
    asked = [each for each in spans if each.kind == "LLM"]
    wrappers = {(each.trace_id, _parents(spans)[each.trace_id, each.span_id]) for each in asked}
    inner = [each for each in asked if (each.trace_id, each.span_id) not in wrappers]
    assert sum(use.calls for use in found.models) == len(inner)
    for use in found.models:
        calls = [each for each in inner if each.model == use.model]
        sums = (use.prompt_tokens, use.completion_tokens, use.total_tokens)
        for total, field in zip(sums, ("prompt_tokens", "completion_tokens", "total_tokens"), strict=True):
            recorded = [getattr(each, field) for each in calls if getattr(each, field) is not None]
            assert total == (sum(recorded) if recorded else None)
        assert use.uncounted == sum(each.total_tokens is None for each in calls)
        assert use.cost == sum((each.cost or Decimal(0) for each in calls), Decimal(0))


def _recount_calls(found: Figures, spans: list[Span]) -> None:
    repeats: Counter[str] = Counter()
    retries: Counter[str] = Counter()
    latest: dict[tuple[str, str | None, str], Span] = {}
    for each in sorted(spans, key=sort_key):
        if each.input_digest is None:
            continue
        key = (each.trace_id, each.tool, each.input_digest)
        before = latest.get(key)
        if before is not None:
            is_retry = before.status == "ERROR" and before.end <= each.start
            (retries if is_retry else repeats)[each.call] += 1
        latest[key] = each
    assert {repeat.tool: repeat.calls for repeat in found.repeats} == repeats
    assert {retry.tool: retry.calls for retry in found.retries} == retries


# Nested agents ------------------------------------------------------------------------------------------------------

_NESTED = st.lists(st.tuples(_STEPS | _CALLS | _MODEL_CALLS, st.sampled_from("ab")), min_size=1, max_size=25)
"""Spans of one trace in which two agents call each other, each with its agent."""


def _parents(spans: list[Span]) -> dict[tuple[str, str], str | None]:
    """Each span's parent: none where it is not there, or where the way up comes back to the span."""
    named = {(each.trace_id, each.span_id): each.parent_id for each in spans}
    found: dict[tuple[str, str], str | None] = {}
    for (trace, span_id), parent in named.items():
        way: list[str] = []
        step = parent
        while step is not None and (trace, step) in named and step not in way:
            way.append(step)
            step = named[trace, step]
        found[trace, span_id] = parent if way and span_id not in way else None
    return found


def _spans_below(spans: list[Span], top: Span) -> list[Span]:
    """All spans whose way up comes past one."""
    parents = _parents(spans)
    found = []
    for each in spans:
        step = parents[each.trace_id, each.span_id]
        while step is not None and (each.trace_id, step) != (top.trace_id, top.span_id):
            step = parents[each.trace_id, step]
        if step is not None:
            found.append(each)
    return found


def _idle_beneath(span: Span, beneath: list[Span]) -> int:
    """How long a span ran while nothing beneath it did, from one instant at which anything changes to the next."""
    ends = sorted({span.start, span.end, *(at for each in beneath for at in (each.start, each.end))})
    return sum(
        later - earlier
        for earlier, later in pairwise(ends)
        if span.start <= earlier < span.end and not any(each.start <= earlier < each.end for each in beneath)
    )


@given(_NESTED)
def test_own_time_and_propagated_failures_consider_spans_of_all_agents(nested: list[tuple[Span, str]]) -> None:
    spans = _numbered([each._replace(trace_id="t1") for each, _ in nested])
    owners = {each.span_id: agent for each, (_, agent) in zip(spans, nested, strict=True)}
    around = [Node(each.span_id, each.parent_id, each.start, each.end, each.has_failed) for each in spans]
    for agent in set(owners.values()):
        self_time = [each for each in spans if owners[each.span_id] == agent]
        beneath = {each.span_id: _spans_below(spans, each) for each in self_time}
        found = analyse_traces([Trace(self_time, around)], WINDOW)
        times: Counter[tuple[str, str]] = Counter()
        above: Counter[tuple[str, str, str]] = Counter()
        elsewhere: Counter[tuple[str, str, str]] = Counter()
        for each in self_time:
            times[each.name, each.kind] += _idle_beneath(each, beneath[each.span_id])
            failed = [below for below in beneath[each.span_id] if below.status == "ERROR"]
            if each.status == "ERROR" and failed:
                key = (each.name, each.kind, mask_varying_parts(each.message))
                above[key] += 1
                begun = [below for below in failed if not any(one in failed for one in _spans_below(spans, below))]
                elsewhere[key] += all(owners[below.span_id] != agent for below in begun)
        assert {(timing.name, timing.kind): timing.self_time for timing in found.timings} == times
        groups = {(group.name, group.kind, group.message): group for group in found.errors}
        assert {key: group.above for key, group in groups.items() if group.above} == above
        assert {key: group.elsewhere for key, group in groups.items() if group.elsewhere} == +elsewhere
        roots = [each for each in self_time if not any(each in beneath[other.span_id] for other in self_time)]
        assert found.volume.failed_roots == any(each.status == "ERROR" for each in roots)


@given(st.lists(st.tuples(st.sets(st.sampled_from("ABC")), st.booleans(), st.booleans()), max_size=12))
def test_every_kind_of_step_that_some_traces_leave_out_is_found(traces: list[tuple[set[str], bool, bool]]) -> None:
    spans = []
    for number, (kinds, has_failed, is_broken) in enumerate(traces):
        place = {"trace_id": f"t{number:02}", "parent_id": f"top{number}"}
        top = span(
            "agent",
            "AGENT",
            span_id=f"top{number}",
            trace_id=place["trace_id"],
            **({"message": "no"} if has_failed else {}),
        )
        spans += [top, model_call("m", 1, 1, **place), *(span(f"step {kind}", kind, **place) for kind in kinds)]
        spans += [span("lost", trace_id=place["trace_id"], parent_id="gone")] if is_broken else []
    good = [kinds for kinds, has_failed, is_broken in traces if not has_failed and not is_broken]
    having = {kind: sum(kind in kinds for kinds in good) for kind in "ABC"}
    expected = {
        kind: (count, len(good) - count) for kind, count in having.items() if len(good) / 2 <= count < len(good)
    }
    found = figures(spans)
    assert found.compared == len(good)
    assert {step.kind: (step.having, step.affected) for step in found.skipped} == (expected if len(good) >= 5 else {})
    for step in found.skipped:
        lacking = [
            f"t{number:02}" for number, (kinds, *rest) in enumerate(traces) if step.kind not in kinds and not any(rest)
        ]
        assert set(step.traces) <= set(lacking)
        assert len(step.traces) == min(3, len(lacking))


@given(_SPANS)
def test_every_finding_cites_existing_traces(spans: list[Span]) -> None:
    found = figures(spans)
    groups = (
        *found.errors,
        *found.timings,
        *found.repeats,
        *found.retries,
        *found.loops,
        *found.models,
        *found.outputs,
    )
    for finding in (*groups, *found.skipped, *found.fixes):
        assert finding.traces
        assert set(finding.traces) <= {each.trace_id for each in spans}


@given(st.text(max_size=60), _SPANS)
def test_every_question_gets_an_answer(question: str, spans: list[Span]) -> None:
    assert answer(question, figures(spans)).endswith("\n")
