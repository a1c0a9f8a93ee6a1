"""Large projects take linear time: each of these cases was quadratic and took minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_files import problems_of_text
from strategies import actual, entry, plan_on, project, remote

from halo_iac.match import find_cycles, topological_layers
from halo_iac.model.plan import Plan
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState
from halo_iac.report_diff import report_diff

MANY = 5_000
MAX_SECONDS = 20
"""Of processor time: ten times what each takes, and far less than a search by pairs does."""


def timed_plan(project_: Project, there: PlatformState) -> Plan:
    start = process_time()
    made = plan_on(project_, there)
    assert process_time() - start < MAX_SECONDS
    return made


def test_rivals_for_one_former_title_are_counted() -> None:
    entries = [entry(f"B{place:05}", "A", key=f"k{place:05}") for place in range(MANY)]
    made = timed_plan(project(*entries), actual(remote("1", "A")))
    assert len(made.blocked) == MANY
    assert made.blocked[0].reason == (
        "renamed_from 'A' is also claimed by k00001, k00002, k00003, k00004, k00005, k00006, k00007, k00008, k00009, "
        "k00010 and 4,989 more"
    )


def test_rivals_for_many_former_titles_are_found() -> None:
    formers = [f"A{place}" for place in range(300)]
    made = timed_plan(project(*(entry(f"B{place}", *formers) for place in range(300))), actual(remote("1", "A7")))
    assert len(made.blocked) == 300


def test_a_long_cycle_of_renames_is_blocked() -> None:
    made = timed_plan(project(*(entry(f"{place}", f"{(place + 1) % MANY}") for place in range(MANY))), actual())
    (reason,) = {blocked.reason for blocked in made.blocked}
    assert reason == (
        "renamed_from forms a cycle: '0', '1', '10', '100', '1000', '1001', '1002', '1003', '1004', '1005' "
        "and 4,990 more"
    )


@pytest.mark.parametrize(("before", "after"), [('"', '"'), ("'", "'"), ("|\n  ", ""), (">\n  ", ""), ("A\n  ", "")])
def test_a_long_text_with_a_sign_of_a_comment_on_every_line_is_read(before: str, after: str) -> None:
    text = f"x-text: {before}" + "a: #1\n  " * 20_000 + f"{after}\nversion: 1\nschedules: {{}}\n"
    start = process_time()
    problems_of_text(text)
    assert process_time() - start < MAX_SECONDS


@pytest.mark.parametrize("there", [range(MANY), range(1, MANY + 1), range(0, MANY, 2)])
def test_a_long_chain_of_renames_is_planned(there: Sequence[int]) -> None:
    entries = [entry(f"{place + 1}", f"{place}") for place in range(MANY)]
    made = timed_plan(project(*entries), actual(*(remote(f"s{place}", f"{place}") for place in there)))
    assert len(made.changes) + made.unchanged == MANY


def test_a_long_chain_that_nothing_frees_is_blocked() -> None:
    entries = [entry(f"{place + 1}", id=f"s{place}") for place in range(MANY)]
    there = [remote(f"s{place}", f"{place}") for place in range(MANY + 1)]
    assert len(timed_plan(project(*entries), actual(*there)).changes) == MANY


def test_many_creates_are_held_against_many_undeclared_schedules() -> None:
    entries = [entry(f"New {place}", prompt=f"Look at {place}.") for place in range(MANY)]
    there = [remote(f"s{place}", f"new  {place}", prompt=f"See {place}.") for place in range(MANY)]
    assert len(timed_plan(project(*entries), actual(*there)).refusals) == MANY


def test_many_globs_are_held_against_many_removals() -> None:
    globs = (*(f"Nightly {place} *" for place in range(MANY)), *(f"*x{place}?*" for place in range(200)))
    entries = [entry(f"Weekly {place}", is_retired=True) for place in range(40)]
    there = [remote(f"s{place}", f"Weekly {place}") for place in range(40)]
    assert [each.guard for each in timed_plan(project(*entries, protect=globs), actual(*there)).refusals] == [
        "removals"
    ]


def test_many_unknown_agents_are_blocked() -> None:
    aliases = {f"alias number {place}": f"agent {place}" for place in range(MANY)}
    entries = [entry(f"{place}", agent=f"agent nobody {place}") for place in range(MANY)]
    assert len(timed_plan(project(*entries, aliases=aliases), actual()).blocked) == MANY


# The same as by pairs -----------------------------------------------------------------------------------------------

GRAPHS = st.lists(st.lists(st.integers(0, 7), max_size=3, unique=True), min_size=8, max_size=8).map(
    lambda edges: {str(node): [str(other) for other in others] for node, others in enumerate(edges)}
)


@given(GRAPHS)
def test_cycles_are_the_nodes_that_lead_to_each_other(graph: Mapping[str, Sequence[str]]) -> None:
    ahead = {node: set(others) for node, others in graph.items()}
    for _ in graph:
        ahead = {node: others.union(*(ahead[other] for other in others)) for node, others in ahead.items()}
    assert find_cycles(graph) == {
        node: sorted(other for other in ahead[node] if node in ahead[other]) for node in graph if node in ahead[node]
    }


@given(st.permutations(range(6)), st.lists(st.integers(0, 7), min_size=6, max_size=6), st.sets(st.integers(0, 5)))
def test_a_wave_takes_what_the_waves_before_have_freed(held: list[int], wanted: list[int], pinned: set[int]) -> None:
    names = [str(name) for name in range(6) if wanted[name] != held[name]]
    holding = {name: str(held[int(name)]) for name in names}
    wishes = {name: str(wanted[int(name)]) for name in names}
    waiting, expected = dict(holding), {}
    for wave in range(7):
        ready = [name for name in waiting if wishes[name] not in waiting.values()]
        ready = ready or [name for name in waiting if int(name) in pinned]
        for name in ready:
            expected[name] = wave
            del waiting[name]
    assert topological_layers(wishes, holding, {str(name) for name in pinned}) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## Case\n\nfirst\n" * MANY, "## Case\n\nsecond\n" * MANY),
        ("ab\nba\n" * MANY, "ba\nba\nab\n" * MANY),
        ("".join(f"{place} of {place}\n" for place in range(MANY)), "".join(f"x{place}\n" for place in range(MANY))),
        ("word " * MANY, "word other " * MANY),
        ("|" * 20 * MANY, f"{'|' * 20 * MANY}\n{'-|' * MANY}"),
        ("| a |\n| - |\n" + "| x |\n" * MANY, "| a |\n| - |\n" + "| x |\n" * 2 * MANY),
        (f"# a{' ' * 20 * MANY}b", f"{'#' * 20 * MANY}"),
        ("f" * 20 * MANY, "1-" * 10 * MANY),
        ("```\n" * MANY, "~~~\n# a\n" * MANY),
    ],
)
def test_any_two_reports_are_compared(before: str, after: str) -> None:
    start = process_time()
    report_diff(before, after)
    assert process_time() - start < MAX_SECONDS
