"""Summarises a trace from its spans, for lists and searches.

A trace need not be a tree: spans may name parents that are missing, form cycles, or have no root or several. Tokens and
cost are those of its model calls, as in reports: wrappers and agents that add up theirs are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import sub
from typing import Any, Final, NamedTuple

NAME: Final = 0
USER: Final = 1
SESSION: Final = 2
"""Which word of a span: its name, its user, its session."""

_MODEL_KINDS: Final = frozenset({"LLM", "EMBEDDING"})


class SpanRow(NamedTuple):
    """A row of a span; numbers refer to rows of the store, instants are nanoseconds."""

    seq: int
    trace: int
    profile: int
    name: int
    span_id: str
    parent_id: str | None
    started: int
    ended: int
    own_agent: int | None
    user: int | None
    session: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cost: str | None
    message: str
    tool: str | None
    input_digest: str | None
    output_digest: str | None
    output_length: int | None


class Profile(NamedTuple):
    """The values of a span's profile that its trace needs."""

    agent: int
    """0 for none."""
    kind: str
    has_failed: bool
    has_model: bool


class Summary(NamedTuple):
    """A trace as it is listed and searched; numbers and instants as in its spans."""

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
    longest: int
    """The duration of its longest span, in nanoseconds."""
    agents: dict[int, int]
    """The number of spans of each agent."""
    words: frozenset[tuple[int, int]]
    """Names, users and sessions of its spans: which of these, and the word."""


def summarise(rows: Sequence[tuple[Any, ...]], profiles: Mapping[int, Profile]) -> Summary:
    """Return the summary of a trace from the rows of its spans, at least one, and their profiles by number."""
    spans: Any = SpanRow._make(zip(*rows, strict=True))  # columns: a loop for each takes longer
    counts = [(profiles[number], count) for number, count in Counter(spans.profile).items()]
    root, calls = _find_root(spans), _find_model_calls(spans, profiles)
    costs = [Decimal(cost) for cost in _known(spans.cost, calls)]
    agents: dict[int, int] = {}
    for profile, count in counts:
        if profile.agent:
            agents[profile.agent] = agents.get(profile.agent, 0) + count
    words = {(NAME, name) for name in set(spans.name)}
    words.update((USER, user) for user in set(spans.user) if user is not None)
    words.update((SESSION, session) for session in set(spans.session) if session is not None)
    return Summary(
        started=min(spans.started),
        ended=max(*spans.started, *spans.ended),  # clocks that disagree end a span before it starts
        profiles=tuple(sorted(set(spans.profile))),
        root=spans.seq[root],
        agent=profiles[spans.profile[root]].agent or _first_agent(spans, profiles, root),
        spans=len(rows),
        llm_spans=sum(count for profile, count in counts if profile.kind == "LLM"),
        failed=sum(count for profile, count in counts if profile.has_failed),
        prompt_tokens=_sum(spans.prompt_tokens, calls),
        completion_tokens=_sum(spans.completion_tokens, calls),
        cached_tokens=_sum(spans.cached_tokens, calls),
        total_tokens=_sum(spans.total_tokens, calls),
        cost=format(sum(costs, Decimal()), "f") if costs else None,
        longest=max(map(sub, spans.ended, spans.started)),
        agents=agents,
        words=frozenset(words),
    )


def _find_root(spans: Any) -> int:  # noqa: ANN401 - a SpanRow of columns
    """Return the index of the first span without a parent.

    Without any, it is the first span whose parent is missing; in a cycle, the first of all.
    """
    parents: Sequence[str | None] = spans.parent_id
    if parents.count(None) == 1:
        return parents.index(None)
    tops = [index for index, parent in enumerate(parents) if parent is None]
    if not tops:
        known = set(spans.span_id)
        tops = [index for index, parent in enumerate(parents) if parent not in known]
    return min(tops or range(len(parents)), key=lambda index: (spans.started[index], spans.seq[index]))


def _first_agent(spans: Any, profiles: Mapping[int, Profile], root: int) -> int:  # noqa: ANN401 - likewise
    """Return the agent of the first span that has one, or 0 if the root started before it."""
    agents = [profiles[number].agent for number in spans.profile]
    timed = enumerate(zip(spans.started, agents, strict=True))
    return min(found for index, found in timed if found[1] or index == root)[1]


def _find_model_calls(spans: Any, profiles: Mapping[int, Profile]) -> Sequence[int]:  # noqa: ANN401 - likewise
    """Return the indices of the model calls; of a trace without any, those of the spans with token counts or a cost."""
    calling = {
        number
        for number in set(spans.profile)
        if profiles[number].kind in _MODEL_KINDS or (profiles[number].kind == "SPAN" and profiles[number].has_model)
    }
    calls = [index for index, number in enumerate(spans.profile) if number in calling]
    if not calls:
        counted = zip(spans.total_tokens, spans.cost, strict=True)
        calls = [index for index, found in enumerate(counted) if found != (None, None)]
    wrappers = {spans.parent_id[call] for call in calls}
    return [call for call in calls if spans.span_id[call] not in wrappers]


def _known(column: Sequence[Any], indices: Iterable[int]) -> list[Any]:
    return [value for index in indices if (value := column[index]) is not None]


def _sum(column: Sequence[int | None], indices: Iterable[int]) -> int | None:
    known = _known(column, indices)
    return sum(known) if known else None
