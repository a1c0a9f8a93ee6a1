"""Suggested fixes: each follows from one figure and is ranked by affected traces times the weight of its kind.

A finding becomes a fix only if its cost is clear. One cause gives one fix: a call that fails and is retried again and
again gives a fix for the retries and none for the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from halo_iac.sandbox.analyst.figures import ErrorGroup, Figures, Finding, Fix, FixKind, Repeat, Retry
from halo_iac.sandbox.analyst.report_sections import code, counted, format_cost, format_duration, join_and
from halo_iac.sandbox.analyst.statistics import share

_ADVICE: Final = tuple(
    (re.compile(words, re.IGNORECASE), advice)
    for words, advice in (
        (
            r"time[d\s-]*out|deadline|ETIMEDOUT",
            "Find out why it does not answer in time; give up sooner, and say in the prompt what to do instead.",
        ),
        (
            r"rate.?limit|too many requests|\b429\b|quota",
            "Space the calls out, wait as long as the answer asks for, or raise the limit.",
        ),
        (
            r"unauthori[sz]|forbidden|permission|\b40[13]\b|credential|api.?key",
            "Check the credentials and what they permit.",
        ),
        (
            r"context.{0,12}(?:length|window)|maximum.{0,12}tokens|too long",
            "Cut what goes into the prompt: shorter tool answers, a summary of old turns.",
        ),
        (
            r"no such file|not found|does not exist|\b404\b",
            "Say in the tool's description what exists, and answer a miss with near matches.",
        ),
        (
            r"\bin?valid|must be|expected|required|schema|\b4(?:00|22)\b|JSON|pars(?:e|ing)",
            "State the allowed values in the tool's schema, and let the error say which field to fix.",
        ),
        (
            r"connect|ECONN|refused|\breset|DNS|unreachable|\b50[0234]\b",
            "Check that the service behind it is up; repeat the call after a pause.",
        ),
        (r"max.{0,8}turns|recursion", "Check what the turns were spent on before allowing more of them."),
    )
)
_DEFAULT_ADVICE: Final = "Read one of the traces up to the failing step; the message alone does not say more."


def find_advice(group: ErrorGroup | None = None) -> str:
    """Return advice on a group of failures, or general advice without a group."""
    said = f"{group.message} {group.example}" if group else ""
    return next((advice for words, advice in _ADVICE if words.search(said)), _DEFAULT_ADVICE)


_NOT_STEPS: Final = frozenset({"AGENT", "CHAIN", "LLM", "SPAN"})
"""Kinds that are slow because of the steps below them, or, as model calls, by nature."""
_SLOW_PERCENT: Final = 25
_SLOW_NANOSECONDS: Final = 2_000_000_000
_EXPENSIVE_COST_PERCENT: Final = 50
_EXPENSIVE_CALLS_PERCENT: Final = 25
_MANY_ATTEMPTS: Final = 4


class _Proposal(NamedTuple):
    finding: Finding
    subject: str
    advice: str
    evidence: str


def propose_fixes(figures: Figures) -> tuple[Fix, ...]:
    """Return the suggested fixes, the greatest weight first."""
    found = [
        Fix(kind, each.subject, each.advice, each.evidence, each.finding.affected * weight, each.finding.traces)
        for kind, (weight, propose) in _RULES.items()
        for each in propose(figures)
    ]
    return tuple(
        sorted(found, key=lambda fix: (-fix.weight, -_RULES[fix.kind][0], fix.kind, fix.subject, fix.evidence))
    )


def _errors(figures: Figures) -> Iterator[_Proposal]:
    for group in figures.errors:
        if group.count == group.above or any(_covers(retry, group) for retry in figures.retries):
            continue
        rate = f"{group.count:,} of {counted(group.calls, 'call')} failed ({share(group.count, group.calls)} %)"
        spread = f"in {counted(group.affected, 'trace')}, taking {format_duration(group.time)}"
        yield _Proposal(
            group,
            subject=f"Failing: {code(group.tool or group.name)}",
            advice=find_advice(group),
            evidence=f"{rate} with {_message(group)}, {spread}.",
        )


def _is_recurring(retry: Retry) -> bool:
    return retry.recovered < retry.tried or retry.most >= _MANY_ATTEMPTS


def _covers(retry: Retry, group: ErrorGroup) -> bool:
    """Return whether most failures of a group are repetitions of calls for which there is a fix for the retries."""
    return _is_recurring(retry) and retry.tool == group.tool and 2 * retry.affected >= group.affected


def _message(group: ErrorGroup) -> str:
    return code(group.message) if group.message else "no message"


def _retries(figures: Figures) -> Iterator[_Proposal]:
    for retry in filter(_is_recurring, figures.retries):
        causes = [group for group in figures.errors if group.tool == retry.tool]
        cause = f" It fails with {_message(causes[0])}." if causes else ""
        advice = find_advice(*causes[:1])
        yield _Proposal(
            retry,
            subject=f"Retried unchanged: {code(retry.tool)}",
            advice=f"Stop repeating a call that failed without changing it. {advice}",
            evidence=(
                f"{counted(retry.calls, 'further attempt')} with the same arguments, up to {retry.most} in a row "
                f"counting the first, in {counted(retry.affected, 'trace')}; {retry.recovered:,} of "
                f"{counted(retry.tried, 'call')} came through in the end.{cause}"
            ),
        )


def _loops(figures: Figures) -> Iterator[_Proposal]:
    for loop in figures.loops:
        if len(loop.tools) > 1:  # repetitions of a single call are counted as a repeat or a retry
            yield _Proposal(
                loop,
                subject=f"Looping: {' → '.join(map(code, loop.tools))}",
                advice="Say in the prompt when to stop, or end the run when a sequence of calls comes back unchanged.",
                evidence=f"The same calls up to {loop.most} times in a row, in {counted(loop.affected, 'trace')}.",
            )


def _repeats(figures: Figures) -> Iterator[_Proposal]:
    for repeat in figures.repeats:
        yield _Proposal(
            repeat,
            subject=f"Asked again: {code(repeat.tool)}",
            advice=(
                "See whether it polls for a change; if so, wait inside the tool, else keep the answer."
                if repeat.other_answer
                else "Keep the answer for the length of the conversation, or remind the model that it has it."
            ),
            evidence=(
                f"{counted(repeat.calls, 'call')} made again with the same arguments ({_answers(repeat)}), up to "
                f"{repeat.most} of one in a trace, in {counted(repeat.affected, 'trace')}, "
                f"taking {format_duration(repeat.time)}."
            ),
        )


def _answers(repeat: Repeat) -> str:
    unknown = repeat.calls - repeat.same_answer - repeat.other_answer
    found = (
        (repeat.same_answer, "same answer"),
        (repeat.other_answer, "another answer"),
        (unknown, "answer unrecorded"),
    )
    return ", ".join(f"{name}: {count:,}" for count, name in found if count)


def _slow(figures: Figures) -> Iterator[_Proposal]:
    whole = sum(timing.self_time for timing in figures.timings)
    for timing in figures.timings:
        has_share = 100 * timing.self_time_ok >= _SLOW_PERCENT * whole
        if has_share and timing.took.p95 >= _SLOW_NANOSECONDS and timing.kind not in _NOT_STEPS:
            yield _Proposal(
                timing,
                subject=f"Slow: {code(timing.name)}",
                advice="Make it faster, ask it for less, or call it beside other work rather than before it.",
                evidence=(
                    f"{share(timing.self_time_ok, whole)} % of all time passes in it; half of its "
                    f"{counted(timing.count, 'call')} take {format_duration(timing.took.p50)} or more, "
                    f"one in twenty {format_duration(timing.took.p95)} or more."
                ),
            )


def _expensive_models(figures: Figures) -> Iterator[_Proposal]:
    priced = [use for use in figures.models if use.cost]
    whole, calls = sum((use.cost for use in priced), Decimal(0)), sum(use.calls for use in priced)
    for use in priced if len(priced) > 1 else ():
        if 100 * use.cost >= _EXPENSIVE_COST_PERCENT * whole and 100 * use.calls <= _EXPENSIVE_CALLS_PERCENT * calls:
            yield _Proposal(
                use,
                subject=f"Costly: {code(use.model or 'model not named')}",
                advice=f"Try a smaller model for {join_and(list(map(code, use.steps)))}, and compare the answers.",
                evidence=(
                    f"{round(100 * use.cost / whole)} % of the cost ({format_cost(use.cost)}) for "
                    f"{share(use.calls, calls)} % of the model calls ({use.calls:,})."
                ),
            )


def _outputs(figures: Figures) -> Iterator[_Proposal]:
    for output in figures.outputs:
        read = f"; the model call after the longest reads {output.next_prompt:,} tokens" if output.next_prompt else ""
        yield _Proposal(
            output,
            subject=f"Long answers: {code(output.tool)}",
            advice="Return less: a limit, pages, or a summary with a way to ask for more.",
            evidence=f"{counted(output.calls, 'answer')} of up to {output.most:,} characters{read}.",
        )


def _skipped(figures: Figures) -> Iterator[_Proposal]:
    for step in figures.skipped:
        whole = step.having + step.affected
        yield _Proposal(
            step,
            subject=f"Left out: {join_and([code(name) for name in step.names])}",
            advice="See why, and if it is not meant, make the step part of the flow rather than the model's choice.",
            evidence=(
                f"{step.affected:,} of {counted(whole, 'trace')} ({share(step.affected, whole)} %) answer without any "
                f"{code(step.kind)} step, which the others have."
            ),
        )


_RULES: Final[Mapping[FixKind, tuple[int, Callable[[Figures], Iterator[_Proposal]]]]] = {
    FixKind.ERROR: (4, _errors),
    FixKind.RETRY: (4, _retries),
    FixKind.SKIPPED: (3, _skipped),
    FixKind.LOOP: (3, _loops),
    FixKind.SLOW: (2, _slow),
    FixKind.COST: (2, _expensive_models),
    FixKind.OUTPUT: (2, _outputs),
    FixKind.REPEAT: (1, _repeats),
}
"""For each kind of fix its weight and the function that proposes fixes.

Failures weigh most, then loops and skipped steps, then slow and expensive steps, then repeats.
"""
