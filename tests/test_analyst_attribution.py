"""Which agent a span belongs to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halo_iac.sandbox.analyst.spans import AgentIdentity, Link, attribute_agents

A = AgentIdentity("agent_name", "a")
B = AgentIdentity("agent_id", "b")


def test_a_span_belongs_to_the_nearest_ancestor_that_names_an_agent() -> None:
    trace = [
        Link("leaf of b", "b", None),
        Link("leaf of a", "chain", None),
        Link("b", "chain", B),
        Link("chain", "a", None),
        Link("a", None, A),
    ]
    assert attribute_agents(trace) == {"a": A, "chain": A, "leaf of a": A, "b": B, "leaf of b": B}


def test_spans_above_the_only_agent_belong_to_it() -> None:
    assert attribute_agents([Link("task", None, None), Link("a", "task", A)]) == {"task": A, "a": A}


def test_spans_above_two_agents_belong_to_neither() -> None:
    trace = [Link("task", None, None), Link("a", "task", A), Link("b", "task", B)]
    assert attribute_agents(trace) == {"task": None, "a": A, "b": B}


def test_a_missing_parent_counts_as_none() -> None:
    trace = [Link("orphan", "elsewhere", None), Link("a", None, A), Link("b", None, B)]
    assert attribute_agents(trace) == {"orphan": None, "a": A, "b": B}


def test_parents_in_a_cycle_are_followed_once() -> None:
    trace = [Link("x", "y", None), Link("y", "x", None), Link("self", "self", None), Link("below", "x", None)]
    assert attribute_agents(trace) == dict.fromkeys(("x", "y", "self", "below"))


def test_a_trace_a_hundred_thousand_levels_deep_is_attributed() -> None:
    trace = [Link(str(depth), str(depth + 1), None) for depth in range(100_000)]
    owners = attribute_agents([*trace, Link("100000", None, A), Link("b", None, B)])
    assert (owners["0"], len(owners)) == (A, 100_002)


def _climb_naively(links: dict[str, Link], span_id: str) -> AgentIdentity | None:
    seen = set()
    step: Link | None = links[span_id]
    while step is not None and step.span_id not in seen:
        if step.own_agent is not None:
            return step.own_agent
        seen.add(step.span_id)
        step = links.get(step.parent_id or "")
    return None


_IDS = st.sampled_from("abcdefgh")
_LINKS = st.lists(
    st.builds(Link, _IDS, st.none() | _IDS, st.none() | st.sampled_from((A, B))),
    unique_by=lambda link: link.span_id,
)


@given(_LINKS, st.randoms())
def test_order_never_matters_and_every_climb_ends_where_a_plain_one_does(links: list[Link], random: object) -> None:
    shuffled = list(links)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    owners = attribute_agents(shuffled)
    assert owners == attribute_agents(links)
    if len({link.own_agent for link in links if link.own_agent}) != 1:
        by_id = {link.span_id: link for link in links}
        assert owners == {span_id: _climb_naively(by_id, span_id) for span_id in by_id}
