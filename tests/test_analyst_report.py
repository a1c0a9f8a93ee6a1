"""The report and the answers as markdown."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from analyst_spans import SECOND, WINDOW, analyse, call, figures, model_call, span
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import assert_harmless

from halo_iac.sandbox.analyst.analysis import render_report
from halo_iac.sandbox.analyst.answers import answer
from halo_iac.sandbox.analyst.figures import Window
from halo_iac.sandbox.analyst.report_sections import code, counted, format_cost, format_duration, join_and

NOTHING = """\
# What the traces show

No spans, so no findings.

Asked: `Find what fails.`

## Volume

There are no spans from 1970-01-01 00:00:00 UTC to 1970-01-01 01:00:00 UTC.

## How this was computed
"""

_ODD = (
    "`",
    "``",
    "a|b",
    "<b>",
    "@team",
    "::error::x",
    "##[group]",
    "##vso[x]",
    "\x1b[31m",
    "\u202e",
    "\n# x",
    "\\",
    " ",
    "",
)


def test_a_report_without_spans_says_so() -> None:
    report = render_report(analyse([], WINDOW, "Find what\nfails."))
    assert report[: len(NOTHING)] == NOTHING


def test_a_report_without_findings_says_so_in_each_section() -> None:
    report = render_report(figures([span()]))
    assert "1 trace, none of them with a failure. Nothing stands out that would need a fix." in report
    for said in (
        "No span failed.",
        "No span reports an error.",
        "No tool is called twice with the same arguments within a trace, other than after a failure.",
        "No failed tool call is tried again with the same arguments.",
        "No sequence of tool calls comes three times in a row.",
        "No model call is recorded.",
        "Too few traces to compare: 0 traces came whole and did not fail, of the 5 it takes.",
        "Looked at: steps of every kind but `AGENT`, `CHAIN`, `LLM`, `SPAN` and `TOOL`.",
    ):
        assert said in report


def test_a_report_counts_the_spans_beyond_the_limit() -> None:
    report = render_report(analyse([span()], WINDOW, left_out=1200))
    assert "- The span limit left out 1,200 more spans of this window.\n" in report


def test_long_tables_end_with_a_count_of_the_rest() -> None:
    report = render_report(figures([span(f"step {number}") for number in range(20)]))
    assert "… and 8 more steps." in report


def test_a_cost_that_some_calls_lack_is_called_too_low() -> None:
    report = render_report(figures([model_call("m", 1, 1, "0.5"), model_call("m", 1, 1), model_call("m", 1, 1)]))
    assert (
        "Together 6 tokens in 3 model calls; cost 0.5000. 2 calls recorded no cost, so the true cost is higher."
        in report
    )


_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
"""A code span as CommonMark has it: it ends with as many backticks as it began with."""
_PIPE = re.compile(r"(?<!\\)\|")


def _report_on(name: str, message: str, tool: str, arguments: str, model: str, trace: str) -> str:
    place = {"name": f"x{name}", "trace_id": f"x{trace}"}
    failing = [
        call(f"x{tool}", f"x{arguments}", at, output=f"x{message}", message=f"x{message}", **place)
        for at in (0, 200, 400, 600)
    ]
    return render_report(analyse([*failing, model_call(f"x{model}", 1, 1, "0.1", **place)], WINDOW, f"x{message}"))


def _cells(report: str) -> list[int]:
    return [len(_PIPE.findall(line)) for line in report.split("\n") if line.startswith("|")]


@given(st.lists(st.sampled_from(_ODD), min_size=6, max_size=6))
def test_foreign_text_stays_inside_code_spans(odd: list[str]) -> None:
    plain, strange = _report_on(*"abcdef"), _report_on(*odd)
    assert _CODE.sub("…", strange) == _CODE.sub("…", plain)
    assert _cells(strange) == _cells(plain)
    assert_harmless(strange)


@given(st.lists(st.text(max_size=20), min_size=6, max_size=6))
def test_no_text_in_a_report_is_obeyed_by_a_runner(odd: list[str]) -> None:
    assert_harmless(_report_on(*odd))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("`x", "`` `x ``"),
        ("two\n\tlines", "`two lines`"),
        ("\x1b[31m\u202e", "`�[31m�`"),
        ("##[group]x", "`##\\[group]x`"),
        (" \n", "(empty)"),
        ("x" * 200, f"`{'x' * 119}…`"),
    ],
)
def test_untrusted_text_becomes_one_code_span(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.50 µs"),
        (12_345_678, "12.3 ms"),
        (320_000_000, "320 ms"),
        (1_639_899_000, "1.64 s"),
        (99_960 * 1_000_000, "100.0 s"),
        (100 * SECOND, "1 min 40 s"),
        (3599 * SECOND, "59 min 59 s"),
        (3660 * SECOND, "1 h 1 min"),
    ],
)
def test_a_duration_has_the_largest_unit_that_fits(nanoseconds: int, expected: str) -> None:
    assert format_duration(nanoseconds) == expected


@pytest.mark.parametrize(
    ("amount", "expected"), [("0", "0"), ("0.0012", "0.0012"), ("0.00000123", "0.0000012"), ("1234.5", "1,234.5000")]
)
def test_a_cost_has_four_decimals_or_two_significant_digits(amount: str, expected: str) -> None:
    assert format_cost(Decimal(amount)) == expected


def test_counts_are_pluralised_and_lists_joined() -> None:
    assert (counted(1, "trace"), counted(1200, "trace"), counted(2, "fix", "fixes")) == (
        "1 trace",
        "1,200 traces",
        "2 fixes",
    )
    assert [join_and(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


# Follow-ups ---------------------------------------------------------------------------------------------------------

FOUND = figures(
    [
        *(call("send", "x", at, message="refused") for at in (0, 200, 400)),
        *(call("look", "x", at, output="1") for at in (600, 800)),
        model_call("m", 10, 5, "0.5"),
    ]
)


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ("Which errors are there?", ["Errors"]),
        ("Why did it fail?", ["Errors"]),
        ("What is the slowest step?", ["Where the time goes"]),
        ("how long does a trace take", ["Where the time goes"]),
        ("What did it cost, in tokens?", ["Tokens and cost"]),
        ("Are there repeated calls?", ["Repeated tool calls"]),
        ("Any retries? Is it stuck in a loop?", ["Retries and loops"]),
        ("What should we fix first?", ["Fixes to try"]),
        ("How many traces and spans?", ["Volume"]),
        ("Which traces should I read?", ["Traces to look at"]),
        ("Does it answer without retrieval?", ["Steps left out"]),
        ("Were there timeouts, and what did they cost?", ["Errors", "Tokens and cost"]),
    ],
)
def test_a_question_is_answered_with_the_reports_own_sections(question: str, titles: list[str]) -> None:
    said = answer(question, FOUND)
    assert [line.removeprefix("## ") for line in said.split("\n") if line.startswith("## ")] == titles


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Are there more errors than last week?", "last week"),
        ("Compared to yesterday, what is slow?", "yesterday"),
        ("How does this compare with the previous run?", "previous run"),
        ("Which of these errors are new?", "new"),
        ("Is it slower than another agent?", "another agent"),
        ("Which agent has the most errors?", "Which agent"),
        ("Does it cost more than support-bot?", "than support-bot"),
        ("checkout vs. support-bot: who fails more?", "vs. support-bot"),
        ("How does it compare to research?", "compare to research"),
        ("Errors compared with the sender?", "compared with the sender"),
        ("What failed before the deploy?", "before the deploy"),
        ("What got slower since we deployed v1.2?", "since we deployed"),
        ("Did the error rate increase? It increased!", "increased"),
        ("Is latency getting worse?", "worse"),
        ("Is it still failing?", "still"),
        ("What is the trend of the cost?", "trend"),
        ("Costs week over week?", "week over week"),
        ("How many failed two days ago?", "days ago"),
        ("Does it fail more often than usual?", "than usual"),
        ("How do errors differ from other projects?", "other projects"),
        ("Was it faster a month earlier?", "month earlier"),
    ],
)
def test_an_answer_says_what_it_cannot_compare_with(question: str, words: str) -> None:
    said = answer(question, FOUND).split("\n\n", maxsplit=1)[0]
    assert said == (
        f"`{words}` reaches beyond what I can see, so I cannot compare: I know the traces of one agent "
        "from 1970-01-01 00:00:00 UTC to 1970-01-01 01:00:00 UTC, and no other time, run or agent. "
        "What follows is about these traces alone."
    )


@pytest.mark.parametrize(
    "question",
    [
        "Which errors are there?",
        "What should we change first?",
        "How can we decrease the cost?",
        "Which tool is slower than the others?",
        "Does send fail more than look?",
        "Which calls take longer than 2 seconds?",
        "Which calls take longer than a second?",
        "Is m cheaper than any other model?",
        "Compare the tools",
        "What is the last call before a failure?",
        "What fails after the first call?",
        "What happened in the past 24 hours?",
        "What could be better?",
        "Which traces should I read?",
        "Does it retry more often than needed?",
        "Is the time spent in send more than half?",
    ],
)
def test_a_comparison_within_the_report_is_answered(question: str) -> None:
    assert "beyond what I can see" not in answer(question, FOUND)


def test_an_answer_says_what_the_report_says() -> None:
    report = render_report(FOUND)
    for question in ("errors?", "repeated?", "retries?", "cost?", "how many?"):
        assert answer(question, FOUND).split("\n\n", maxsplit=1)[1].rstrip() in report


def test_the_answer_to_which_traces_cites_every_fix() -> None:
    assert answer("Which traces?", FOUND) == (
        "## Traces to look at\n\n- Retried unchanged: `send`: `t1`\n- Asked again: `look`: `t1`\n"
    )
    assert "No trace stands out" in answer("Which traces?", figures([span()]))


def test_another_question_gets_the_list_of_those_it_can_answer() -> None:
    said = answer("Who wrote this agent?", FOUND)
    assert said.startswith("I cannot answer that. ")
    assert "- Which errors are there?\n- What is slow?\n" in said


def test_every_question_it_offers_it_can_answer() -> None:
    offered = [line[2:] for line in answer("", FOUND).split("\n") if line.startswith("- ")]
    assert len(offered) == 9
    assert [question for question in offered if answer(question, FOUND).startswith("I cannot")] == []


def test_the_window_is_shown_in_utc() -> None:
    report = render_report(analyse([span()], Window(1776922320 * SECOND, 1777008720 * SECOND)))
    assert "- Window: from 2026-04-23 05:32:00 UTC to 2026-04-24 05:32:00 UTC; " in report
