"""Answers to follow-up questions: a fixed set of topics, recognised by keywords, answered from the report's figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from halo_iac.sandbox.analyst import report_sections as sections
from halo_iac.sandbox.analyst.comparisons import unseen
from halo_iac.sandbox.analyst.figures import Figures
from halo_iac.sandbox.analyst.report_sections import cite


def _traces(figures: Figures) -> list[str]:
    if not figures.fixes:
        return ["No trace stands out: nothing was found that would need a fix."]
    return [f"- {fix.subject}: {cite(fix.traces)}" for fix in figures.fixes[: sections.ROWS]]


@dataclass(frozen=True, slots=True)
class _Topic:
    title: str
    example: str
    section: Callable[[Figures], list[str]]
    words: re.Pattern[str]


def _topic(title: str, example: str, section: Callable[[Figures], list[str]], *words: str) -> _Topic:
    return _Topic(title, example, section, re.compile(rf"\b(?:{'|'.join(words)})", re.IGNORECASE))


_TOPICS: Final = (
    _topic(
        "Fixes to try",
        "What should we fix first?",
        sections.fixes,
        r"fix|priorit|improve|recommend|suggest|important|worst problem",
        r"first\b|what (?:should|can|do) (?:i|we)\b",
    ),
    _topic(
        "Errors",
        "Which errors are there?",
        sections.errors,
        r"error|fail|exception|broke|crash|wrong\b|time-?d? ?outs?\b",
    ),
    _topic(
        "Where the time goes",
        "What is slow?",
        sections.time,
        r"slow|latenc|fast|duration|percentile|longest|p(?:50|95|99)\b",
        r"(?:how|too|so) long\b|took\b|takes?\b|time\b(?!-? ?outs?)",
    ),
    _topic(
        "Tokens and cost",
        "What do the models cost?",
        sections.models,
        r"cost|token|pric|expens|dear|cheap|spend|spent|money|models?\b",
    ),
    _topic(
        "Repeated tool calls",
        "Which calls are repeated?",
        sections.repeats,
        r"repeat|identical|duplicat|redundan|same call|again\b|cach",
    ),
    _topic(
        "Retries and loops",
        "Are there retries or loops?",
        sections.retries,
        r"retry|retri(?:es|ed)|loop|circle|cycle|stuck|attempt",
    ),
    _topic(
        "Steps left out",
        "Which steps are left out?",
        sections.skipped,
        r"skip|left out|leave|missing|without|retriev|guardrail|ground",
    ),
    _topic(
        "Volume",
        "How many traces and spans are there?",
        sections.volume,
        r"how many|how much (?:data|traffic)|volume|count\b|number of|window|period",
    ),
    _topic(
        "Traces to look at",
        "Which traces should I read?",
        _traces,
        r"(?:which|what|example) traces?|trace ids?|traces (?:to|should)|show me",
    ),
)


def answer(question: str, figures: Figures) -> str:
    """Return the answer as markdown, ending in one newline; for an unknown topic, the questions that can be answered.

    If the question refers to something that the figures do not have, the answer begins with a note of that.
    """
    lines = _beyond(question, figures)
    asked = [topic for topic in _TOPICS if topic.words.search(question)]
    if not asked:
        can = [f"- {topic.example}" for topic in _TOPICS]
        return "\n".join([*lines, _CANNOT, "", *can, ""])
    for topic in asked:
        lines += [f"## {topic.title}", "", *topic.section(figures), ""]
    return "\n".join(lines)


def _beyond(question: str, figures: Figures) -> list[str]:
    words = unseen(question, _names(figures))
    if words is None:
        return []
    window = f"from {sections.format_instant(figures.window.start)} to {sections.format_instant(figures.window.end)}"
    limits = f"I know the traces of one agent {window}, and no other time, run or agent."
    said = f"{sections.code(words)} reaches beyond what I can see, so I cannot compare: {limits}"
    return [f"{said} What follows is about these traces alone.", ""]


def _names(figures: Figures) -> Iterator[str]:
    """Yield the names in the report: tools, steps and models."""
    yield from (timing.name for timing in figures.timings)
    yield from (use.model for use in figures.models if use.model)
    yield from (repeat.tool for repeat in figures.repeats)
    yield from (retry.tool for retry in figures.retries)
    yield from (kind for kind, _ in figures.volume.kinds)


_CANNOT: Final = """\
I cannot answer that. The sandbox's analyst is a fixed program: it knows the figures of its report and nothing else of \
the traces. It can answer:"""
