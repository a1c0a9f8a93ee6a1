"""What holds for the analyst whatever the spans: order never matters, and a plain recount comes to the same."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from decimal import Decimal
from random import Random

from analyst_spans import WINDOW, call, figures, model_call, span
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.sandbox.analyst import Figures, Span, analyse, analyse_traces, answer, render_report
from halo_iac.sandbox.analyst.metrics import normalised
from halo_iac.sandbox.analyst.spans import order

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
    lambda model, prompt, cost, place: model_call(model, prompt, 7, cost, **place),
    st.none() | st.sampled_from(("small", "large")),
    st.integers(0, 10**6),
    st.none() | st.decimals(0, 10**6, places=18).map(str),
    _PLACES,
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
def test_trace_by_trace_gives_the_same_as_all_at_once(spans: list[Span], random: Random) -> None:
    traces = list(_by_trace(spans).values())
    random.shuffle(traces)
    assert analyse_traces(traces, WINDOW) == analyse(spans, WINDOW)


@given(_SPANS)
def test_every_figure_is_what_a_plain_recount_comes_to(spans: list[Span]) -> None:
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
            groups[each.name, each.kind, normalised(each.message)].append(each)
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
        assert 0 <= timing.own_good <= timing.own <= sum(ranked)
    assert sum(timing.count for timing in found.timings) == len(spans)


def _recount_models(found: Figures, spans: list[Span]) -> None:
    asked = [each for each in spans if each.kind == "LLM"]
    inner = [
        each
        for each in asked
        if not any((below.trace_id, below.parent_id) == (each.trace_id, each.span_id) for below in asked)
    ]
    assert sum(use.calls for use in found.models) == len(inner)
    for use in found.models:
        calls = [each for each in inner if each.model == use.model]
        assert use.total_tokens == sum(each.total_tokens or 0 for each in calls)
        assert use.cost == sum((each.cost or Decimal(0) for each in calls), Decimal(0))


def _recount_calls(found: Figures, spans: list[Span]) -> None:
    repeats: Counter[str] = Counter()
    retries: Counter[str] = Counter()
    latest: dict[tuple[str, str | None, str], Span] = {}
    for each in sorted(spans, key=order):
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


@given(_SPANS)
def test_every_finding_cites_traces_that_are_there(spans: list[Span]) -> None:
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
