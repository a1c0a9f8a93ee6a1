"""Summarises a trace from its spans, for lists and searches.

A trace need not be a tree: spans may name parents that are missing, form cycles, or have no root or several. Tokens and
cost are those of its model calls, as in reports: wrappers and agents that add up theirs are not counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

NAME: Final = 0
USER: Final = 1
SESSION: Final = 2
"""Which word of a span: its name, its user, its session."""

_MODEL_KINDS: Final = frozenset({"LLM", "EMBEDDING"})


class Step(NamedTuple):
    """The values of a span that its trace needs; numbers refer to rows of the store, instants are nanoseconds."""

    seq: int
    span_id: str
    parent_id: str | None
    started: int
    ended: int
    kind: str
    has_failed: bool
    has_model: bool
    agent: int
    """Whose it is; 0: no agent's."""
    profile: int
    name: int
    user: int | None
    session: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    total_tokens: int | None
    cost: Decimal | None


class Summary(NamedTuple):
    """A trace as it is listed and searched."""

    started: int
    ended: int
    profiles: tuple[int, ...]
    root: int
    agent: int
    spans: int
    llm_spans: int
    failed: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    total_tokens: int | None
    cost: str | None
    words: frozenset[tuple[int, int]]
    """Names, users and sessions of its spans: which of these, and the word."""


def summarise(steps: Sequence[Step]) -> Summary:
    """Return the summary of a trace that has at least one span."""
    columns: Any = Step._make(zip(*steps, strict=True))  # each field of all of them: a loop a field would take longer
    root = _root(steps, columns.parent_id)
    calls = _model_calls(steps)
    costs = [call.cost for call in calls if call.cost is not None]
    words = {(NAME, name) for name in columns.name}
    words.update((USER, user) for user in set(columns.user) if user is not None)
    words.update((SESSION, session) for session in set(columns.session) if session is not None)
    return Summary(
        started=min(columns.started),
        ended=max(*columns.started, *columns.ended),  # clocks that disagree end a span before it starts
        profiles=tuple(sorted(set(columns.profile))),
        root=root.seq,
        agent=root.agent or min((step.started, step.agent) for step in steps if step.agent or step is root)[1],
        spans=len(steps),
        llm_spans=columns.kind.count("LLM"),
        failed=sum(columns.has_failed),
        prompt_tokens=_sum([call.prompt_tokens for call in calls]),
        completion_tokens=_sum([call.completion_tokens for call in calls]),
        cached_tokens=_sum([call.cached_tokens for call in calls]),
        total_tokens=_sum([call.total_tokens for call in calls]),
        cost=format(sum(costs, Decimal()), "f") if costs else None,
        words=frozenset(words),
    )


def _root(steps: Sequence[Step], parents: Sequence[str | None]) -> Step:
    """Return the first span without a parent, else the first whose parent is missing, else the first of all."""
    if parents.count(None) == 1:
        return steps[parents.index(None)]
    tops = [step for step in steps if step.parent_id is None]
    if not tops:
        known = {step.span_id for step in steps}
        tops = [step for step in steps if step.parent_id not in known]
    return min(tops or steps, key=_order)


def _order(step: Step) -> tuple[int, int]:
    return (step.started, step.seq)


def _model_calls(steps: Sequence[Step]) -> Collection[Step]:
    """Return the spans that each are one model call; without any, those with token counts or cost."""
    calls = [step for step in steps if step.kind in _MODEL_KINDS or (step.kind == "SPAN" and step.has_model)]
    if not calls:
        calls = [step for step in steps if step.total_tokens is not None or step.cost is not None]
    wrappers = {call.parent_id for call in calls}
    return [call for call in calls if call.span_id not in wrappers]


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
