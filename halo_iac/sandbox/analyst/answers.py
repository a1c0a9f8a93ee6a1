"""Answers to follow-up questions: a fixed set of topics, recognised by keywords, answered from the report's figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from halo_iac.sandbox.analyst import report_sections as sections
from halo_iac.sandbox.analyst.comparisons import find_comparison
from halo_iac.sandbox.analyst.figures import Figures
from halo_iac.sandbox.analyst.report_sections import cite


def _traces(figures: Figures) -> list[str]:
    if not figures.fixes:
        return ["No trace stands out: nothing was found that would need a fix."]
    return [f"- {fix.subject}: {cite(fix.traces)}" for fix in figures.fixes[: sections.ROWS]]


class _Topic(NamedTuple):
    title: str
    example: str
    """A question that the topic answers."""
    section: Callable[[Figures], list[str]]
    words: str
    """A pattern for the beginnings of words by which the topic is recognised."""

    def matches(self, question: str) -> bool:
        return re.search(rf"\b(?:{self.words})", question, re.IGNORECASE) is not None


_TOPICS: Final = (
    _Topic(
        "Fixes to try",
        "What should we fix first?",
        sections.fixes,
        r"fix|priorit|improve|recommend|suggest|important|worst problem|"
        r"first\b|what (?:should|can|do) (?:i|we)\b",
    ),
    _Topic(
        "Errors",
        "Which errors are there?",
        sections.errors,
        r"error|fail|exception|broke|crash|wrong\b|time-?d? ?outs?\b",
    ),
    _Topic(
        "Where the time goes",
        "What is slow?",
        sections.time,
        r"slow|latenc|fast|duration|percentile|longest|p(?:50|95|99)\b|"
        r"(?:how|too|so) long\b|took\b|takes?\b|time\b(?!-? ?outs?)",
    ),
    _Topic(
        "Tokens and cost",
        "What do the models cost?",
        sections.models,
        r"cost|token|pric|expens|dear|cheap|spend|spent|money|models?\b",
    ),
    _Topic(
        "Repeated tool calls",
        "Which calls are repeated?",
        sections.repeats,
        r"repeat|identical|duplicat|redundan|same call|again\b|cach",
    ),
    _Topic(
        "Retries and loops",
        "Are there retries or loops?",
        sections.retries,
        r"retry|retri(?:es|ed)|loop|circle|cycle|stuck|attempt",
    ),
    _Topic(
        "Steps left out",
        "Which steps are left out?",
        sections.skipped,
        r"skip|left out|leave|missing|without|retriev|guardrail|ground",
    ),
    _Topic(
        "Volume",
        "How many traces and spans are there?",
        sections.volume,
        r"how many|how much (?:data|traffic)|volume|count\b|number of|window|period",
    ),
    _Topic(
        "Traces to look at",
        "Which traces should I read?",
        _traces,
        r"(?:which|what|example) traces?|trace ids?|traces (?:to|should)|show me",
    ),
)


def answer(question: str, figures: Figures) -> str:
    """Return the answer as markdown, ending in one newline; for an unknown topic, the questions that can be answered.

    If the question refers to something that the figures do not cover, the answer begins with a note on that.
    """
    lines = _note_on_limits(question, figures)
    asked = [topic for topic in _TOPICS if topic.matches(question)]
    if not asked:
        examples = [f"- {topic.example}" for topic in _TOPICS]
        return "\n".join([*lines, _UNKNOWN_TOPIC, "", *examples, ""])
    for topic in asked:
        lines += [f"## {topic.title}", "", *topic.section(figures), ""]
    return "\n".join(lines)


def _note_on_limits(question: str, figures: Figures) -> list[str]:
    words = find_comparison(question, _names(figures))
    if words is None:
        return []
    window = f"from {sections.format_instant(figures.window.start)} to {sections.format_instant(figures.window.end)}"
    limits = f"I know the traces of one agent {window}, and no other time, run or agent."
    note = f"{sections.code(words)} reaches beyond what I can see, so I cannot compare: {limits}"
    return [f"{note} What follows is about these traces alone.", ""]


def _names(figures: Figures) -> Iterator[str]:
    """Yield the names in the report: tools, steps and models."""
    yield from (timing.name for timing in figures.timings)
    yield from (use.model for use in figures.models if use.model)
    yield from (repeat.tool for repeat in figures.repeats)
    yield from (retry.tool for retry in figures.retries)
    yield from (kind for kind, _ in figures.volume.kinds)


_UNKNOWN_TOPIC: Final = """\
I cannot answer that. The sandbox's analyst is a fixed program: it knows the figures of its report and nothing else of \
the traces. It can answer:"""
