"""Which schedule an entry matches: each rule once, then compared with an exhaustive search.

See docs/semantics.md#match-order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import actual, entry, project, remote

from halo_iac.match import match
from halo_iac.model.plan import MatchResult
from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule

OutcomeByKey = dict[str, str | None]


def outcome_by_key(pairing: MatchResult) -> OutcomeByKey:
    """Return key → the id it is paired with, ``None`` for a create, the reason for a blocked one."""
    pairs = {pair.entry.key.removeprefix("key-"): pair.remote.id if pair.remote else None for pair in pairing.pairs}
    return pairs | {blocked.key.removeprefix("key-"): f"! {blocked.reason}" for blocked in pairing.blocked}


def waves(pairing: MatchResult) -> dict[str, int]:
    return {pair.entry.key.removeprefix("key-"): pair.wave for pair in pairing.pairs}


def unclaimed(pairing: MatchResult) -> list[str]:
    return [each.id for each in pairing.unclaimed]


def matched(entries: Iterable[Entry], remotes: Iterable[RemoteSchedule]) -> MatchResult:
    return match(project(*entries), actual(*remotes))


# The rules ----------------------------------------------------------------------------------------------------------


def test_the_exact_title_is_the_identity() -> None:
    pairing = matched([entry("A"), entry("B")], [remote("1", "A"), remote("2", "a"), remote("3", "A ")])
    assert outcome_by_key(pairing) == {"A": "1", "B": None}
    assert unclaimed(pairing) == ["2", "3"]


def test_titles_are_compared_by_code_point() -> None:
    pairing = matched([entry("\u00e9")], [remote("1", "e\u0301")])
    assert outcome_by_key(pairing) == {"\u00e9": None}


def test_a_pin_takes_precedence_over_titles() -> None:
    pairing = matched([entry("A", id="2"), entry("B", "C")], [remote("1", "A"), remote("2", "B"), remote("3", "C")])
    assert outcome_by_key(pairing) == {"A": "2", "B": "3"}
    assert unclaimed(pairing) == ["1"]


def test_a_pin_may_name_an_archived_schedule() -> None:
    pairing = matched([entry("A", id="2")], [remote("1", "A"), remote("2", "A", is_archived=True)])
    assert outcome_by_key(pairing) == {"A": "2"}
    assert unclaimed(pairing) == ["1"]


def test_a_pin_that_the_project_does_not_hold_blocks_and_never_creates() -> None:
    pairing = matched([entry("A", id="9")], [remote("1", "A")])
    assert outcome_by_key(pairing) == {"A": "! the project holds no schedule with the id 9"}
    assert unclaimed(pairing) == ["1"]


def test_an_archived_entry_pinned_in_another_environment_is_no_change() -> None:
    pairing = matched([entry("A", id="9", is_retired=True)], [remote("1", "A")])
    assert outcome_by_key(pairing) == {"A": None}
    assert unclaimed(pairing) == ["1"]


def test_one_pin_in_two_entries_blocks_both_and_counts_as_declared() -> None:
    pairing = matched([entry("A", id="1"), entry("B", id="1")], [remote("1", "A")])
    reason = "! the id 1 is pinned by key-A, key-B"
    assert outcome_by_key(pairing) == {"A": reason, "B": reason}
    assert unclaimed(pairing) == []


def test_twins_block_their_entry_name_both_ids_and_count_as_declared() -> None:
    twins = [remote("2", "A", createdAt="2026-02"), remote("1", "A", createdAt="2026-01")]
    pairing = matched([entry("A")], twins)
    (blocked,) = pairing.blocked
    assert (blocked.reason, blocked.hint, blocked.ids) == (
        "2 active schedules match this entry: 1, 2",
        "pin the right one: `id: 1`",
        ("1", "2"),
    )
    assert unclaimed(pairing) == []


def test_a_pin_on_one_twin_settles_it_and_the_other_is_undeclared() -> None:
    pairing = matched([entry("A", id="2")], [remote("1", "A"), remote("2", "A")])
    assert (outcome_by_key(pairing), unclaimed(pairing)) == ({"A": "2"}, ["1"])


def test_two_entries_may_share_a_title_where_both_are_pinned() -> None:
    entries = [entry("A", key="one", id="1"), entry("A", key="two", id="2")]
    assert outcome_by_key(matched(entries, [remote("1", "A"), remote("2", "A")])) == {"one": "1", "two": "2"}


def test_an_active_schedule_takes_precedence_over_an_archived_one() -> None:
    pairing = matched([entry("A")], [remote("1", "A", is_archived=True), remote("2", "A")])
    assert outcome_by_key(pairing) == {"A": "2"}


def test_of_archived_schedules_the_one_archived_last_comes_back() -> None:
    archived = [remote(id_, "A", archivedAt=f"2026-0{month}") for id_, month in (("1", 3), ("2", 5), ("3", 4))]
    assert outcome_by_key(matched([entry("A")], archived)) == {"A": "2"}


def test_a_former_title_takes_precedence_over_an_archived_schedule_with_the_title() -> None:
    pairing = matched([entry("B", "A")], [remote("1", "B", is_archived=True), remote("2", "A")])
    assert outcome_by_key(pairing) == {"B": "2"}


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_retired_entry_is_matched_like_any_other(*, is_archived: bool) -> None:
    pairing = matched([entry("A", is_retired=True)], [remote("1", "A", is_archived=is_archived)])
    assert outcome_by_key(pairing) == {"A": "1"}


def test_of_a_retired_entry_only_the_title_is_looked_at() -> None:
    pairing = matched([entry("B", "A", is_retired=True)], [remote("1", "A")])
    assert (outcome_by_key(pairing), unclaimed(pairing)) == ({"B": None}, ["1"])


# Former titles ------------------------------------------------------------------------------------------------------


def test_a_former_title_is_inert_once_the_rename_has_happened() -> None:
    pairing = matched([entry("B", "A")], [remote("1", "B"), remote("2", "A")])
    assert (outcome_by_key(pairing), unclaimed(pairing)) == ({"B": "1"}, ["2"])


def test_a_former_title_that_another_entry_declares_is_not_used() -> None:
    pairing = matched([entry("B", "A"), entry("A")], [remote("1", "A")])
    assert outcome_by_key(pairing) == {"B": None, "A": "1"}
    assert [str(warning.message) for warning in pairing.warnings] == [
        "renamed_from 'A' is ignored: another entry declares that title"
    ]


def test_an_entry_yields_only_if_its_former_title_is_undeclared() -> None:
    entries = [entry("A"), entry("B", "A"), entry("C", "B")]
    assert outcome_by_key(matched(entries, [remote("1", "B")])) == {"A": None, "B": "1", "C": None}
    assert outcome_by_key(matched(entries, [remote("1", "B"), remote("2", "A")])) == {
        "A": "2",
        "B": "1",
        "C": None,
    }


def test_two_entries_with_one_former_title_are_blocked() -> None:
    pairing = matched([entry("B", "A"), entry("C", "A")], [remote("1", "A")])
    assert outcome_by_key(pairing) == {
        "B": "! renamed_from 'A' is also claimed by key-C",
        "C": "! renamed_from 'A' is also claimed by key-B",
    }
    assert unclaimed(pairing) == []


def test_an_entry_that_has_its_schedule_claims_no_former_title() -> None:
    pairing = matched([entry("B", "A"), entry("C", "A")], [remote("1", "A"), remote("2", "C")])
    assert outcome_by_key(pairing) == {"B": "1", "C": "2"}


def test_several_former_titles_that_are_active_are_not_chosen_from() -> None:
    pairing = matched([entry("C", "A", "B")], [remote("1", "A"), remote("2", "B")])
    assert outcome_by_key(pairing) == {"C": "! 2 active schedules match this entry: 1, 2"}
    assert unclaimed(pairing) == []


def test_a_former_title_that_is_given_twice_is_one() -> None:
    assert outcome_by_key(matched([entry("B", "A", "A")], [remote("1", "A")])) == {"B": "1"}


def test_the_title_itself_is_no_former_title() -> None:
    pairing = matched([entry("A", "A"), entry("B", "A")], [remote("1", "A")])
    assert outcome_by_key(pairing) == {"A": "1", "B": None}


def test_every_schedule_of_a_contested_entry_counts_as_declared() -> None:
    pairing = matched([entry("C", "A", "B"), entry("D", "B")], [remote("1", "A"), remote("2", "B")])
    assert [blocked.ids for blocked in pairing.blocked] == [("1", "2"), ("2",)]
    assert unclaimed(pairing) == []


# Chains and cycles --------------------------------------------------------------------------------------------------

CHAIN = [entry("B", "A"), entry("C", "B"), entry("D", "C")]


def test_a_chain_is_resolved_in_the_order_that_frees_a_title_before_it_is_taken() -> None:
    pairing = matched(CHAIN, [remote("1", "A"), remote("2", "B"), remote("3", "C")])
    assert outcome_by_key(pairing) == {"B": "1", "C": "2", "D": "3"}
    assert waves(pairing) == {"B": 2, "C": 1, "D": 0}


def test_a_chain_that_has_happened_is_inert_even_when_its_first_title_comes_back() -> None:
    pairing = matched(CHAIN, [remote("1", "B"), remote("2", "C"), remote("3", "D"), remote("4", "A")])
    assert (outcome_by_key(pairing), unclaimed(pairing)) == ({"B": "1", "C": "2", "D": "3"}, ["4"])


def test_a_chain_of_thousands_is_resolved() -> None:
    entries = [entry(f"{place + 1}", f"{place}") for place in range(3000)]
    pairing = matched(entries, [remote(f"s{place}", f"{place}") for place in range(3000)])
    assert outcome_by_key(pairing) == {f"{place + 1}": f"s{place}" for place in range(3000)}
    assert waves(pairing) == {f"{place + 1}": 2999 - place for place in range(3000)}


@pytest.mark.parametrize("titles", ["AB", "A", "B", ""])
def test_a_swap_is_blocked_and_asks_for_pins_whatever_is_active(titles: str) -> None:
    pairing = matched([entry("A", "B"), entry("B", "A")], [remote(title, title) for title in titles])
    assert [(blocked.key, blocked.reason, blocked.hint, blocked.ids) for blocked in pairing.blocked] == [
        (
            f"key-{title}",
            "renamed_from forms a cycle: 'A', 'B'",
            "pin the entries of the cycle with `id:`, or remove one `renamed_from:`",
            (title,) if title in titles else (),
        )
        for title in "AB"
    ]
    assert unclaimed(pairing) == []


def test_two_cycles_are_distinguished_and_block_no_other_entry() -> None:
    entries = [entry("A", "B"), entry("B", "A"), entry("C", "D"), entry("D", "C"), entry("E", "A")]
    reasons = outcome_by_key(matched(entries, [remote(title, title) for title in "ABCD"]))
    assert reasons["A"] == reasons["B"] == "! renamed_from forms a cycle: 'A', 'B'"
    assert reasons["C"] == reasons["D"] == "! renamed_from forms a cycle: 'C', 'D'"
    assert reasons["E"] is None


def test_pins_make_a_swap_possible() -> None:
    pairing = matched([entry("B", id="1"), entry("A", id="2")], [remote("1", "A"), remote("2", "B")])
    assert outcome_by_key(pairing) == {"B": "1", "A": "2"}


def test_a_pin_breaks_a_cycle_and_is_applied_first() -> None:
    entries = [entry("C", "B"), entry("A", "C"), entry("B", id="1")]
    pairing = matched(entries, [remote("1", "A"), remote("2", "B"), remote("3", "C")])
    assert outcome_by_key(pairing) == {"C": "2", "A": "3", "B": "1"}
    assert waves(pairing) == {"B": 0, "A": 1, "C": 2}


def test_a_rename_to_a_title_that_duplicates_leave_waits_for_both() -> None:
    entries = [entry("B", id="1"), entry("C", id="2"), entry("T", "S"), entry("D", "C")]
    pairing = matched(entries, [remote("1", "T"), remote("2", "T"), remote("3", "S"), remote("4", "C")])
    assert outcome_by_key(pairing) == {"B": "1", "C": "2", "T": "3", "D": "4"}
    assert waves(pairing) == {"B": 0, "D": 0, "C": 1, "T": 2}


# An oracle ----------------------------------------------------------------------------------------------------------

TITLES = "ABCD"
some_entries = st.lists(
    st.tuples(st.sampled_from(TITLES), st.lists(st.sampled_from(TITLES), max_size=2), st.booleans()),
    max_size=4,
    unique_by=lambda drawn: drawn[0],
).map(lambda drawn: [entry(title, *formers, is_retired=retired) for title, formers, retired in drawn])
some_remotes = st.lists(st.tuples(st.sampled_from(TITLES), st.integers(0, 3)), max_size=5).map(
    lambda drawn: [remote(str(at), title, is_archived=archived == 0) for at, (title, archived) in enumerate(drawn)]
)


def oracle(entries: Sequence[Entry], remotes: Sequence[RemoteSchedule]) -> OutcomeByKey:
    """Work out the pairs of unpinned entries from the words of docs/semantics.md#match-order, trying every set that
    might give way.
    """
    active = {title: [r.id for r in remotes if r.is_active and r.title == title] for title in TITLES}
    formers = {e.key: {f for f in e.renamed_from if f != e.title and not e.is_retired} for e in entries}

    def may_give_way(each: Entry, others: Iterable[Entry]) -> bool:
        takers = [heir for heir in entries if each.title in formers[heir.key]]
        kept = {other.title for other in entries} - {other.title for other in others}
        has_past = any(active[former] and former not in kept for former in formers[each.key])
        return has_past and any(not active[str(heir.title)] or heir in others for heir in takers)

    holders = [each for each in entries if active[str(each.title)]]
    sets = [set_ for size in range(len(holders) + 1) for set_ in combinations(holders, size)]
    giving_way = [e for set_ in sets if all(may_give_way(e, set_) for e in set_) for e in set_]
    kept = {e.title: e for e in holders if e not in giving_way}
    open_ = [each for each in entries if each not in kept.values()]

    def verdict(each: Entry) -> str | None:
        if kept.get(each.title) is each:
            candidates = active[str(each.title)]
        else:
            mine = [title for title in TITLES if title in formers[each.key] and active[title] and title not in kept]
            if any(title in formers[other.key] for title in mine for other in open_ if other is not each):
                return "!"
            candidates = [id_ for title in mine for id_ in active[title]]
        archived = [r.id for r in remotes if not r.is_active and r.title == each.title]
        return ("!" if len(candidates) > 1 else candidates[0]) if candidates else max(archived, default=None)

    return {str(each.title): verdict(each) for each in entries}


def leads_back(start: Entry, entries: Sequence[Entry]) -> bool:
    """Say whether some way along former titles leads from an entry back to it."""
    by_title = {each.title: each for each in entries}

    def is_ahead(each: Entry, seen: frozenset[str]) -> bool:
        formers = () if each.is_retired else {*each.renamed_from} - {str(each.title)} - seen
        known = [former for former in formers if former in by_title]
        return start.title in known or any(is_ahead(by_title[former], seen | {former}) for former in known)

    return is_ahead(start, frozenset())


@given(some_entries, some_remotes)
def test_matches_equal_those_of_an_exhaustive_search(entries: list[Entry], remotes: list[RemoteSchedule]) -> None:
    circular = [each for each in entries if leads_back(each, entries)]
    theirs = [each.title for each in circular]
    rest = [each for each in entries if each not in circular]
    expected = oracle(rest, [r for r in remotes if not (r.is_active and r.title in theirs)])
    found = outcome_by_key(matched(entries, remotes))
    verdicts = {title: id_ and ("!" if id_.startswith("!") else id_) for title, id_ in found.items()}
    assert verdicts == expected | dict.fromkeys(theirs, "!")


some_pins = st.dictionaries(st.sampled_from(TITLES), st.integers(0, 4), max_size=3)


def with_pins(entries: Iterable[Entry], pins: dict[str, int]) -> list[Entry]:
    return [each._replace(id=str(pins[str(each.title)])) if each.title in pins else each for each in entries]


@given(some_entries, some_remotes, some_pins)
def test_every_entry_is_matched_once_and_every_schedule_at_most_once(
    entries: list[Entry], remotes: list[RemoteSchedule], pins: dict[str, int]
) -> None:
    pairing = matched(with_pins(entries, pins), remotes)
    keys = [pair.entry.key for pair in pairing.pairs] + [blocked.key for blocked in pairing.blocked]
    assert sorted(keys) == sorted(each.key for each in entries)
    paired = [pair.remote.id for pair in pairing.pairs if pair.remote]
    assert len(paired) == len(set(paired))
    concerned = {*paired, *(id_ for blocked in pairing.blocked for id_ in blocked.ids)}
    assert [r.id for r in remotes if r.is_active and r.id not in concerned] == unclaimed(pairing)


@given(some_entries, some_remotes, some_pins, st.randoms(use_true_random=False))
def test_interrupted_renames_continue_with_the_same_schedules(
    entries: list[Entry], remotes: list[RemoteSchedule], pins: dict[str, int], chance: random.Random
) -> None:
    entries = with_pins(entries, pins)
    pairing = matched(entries, remotes)
    if pairing.blocked:
        return
    moves = [pair for pair in pairing.pairs if pair.remote and pair.spec]
    for pair in sorted(moves, key=lambda pair: (pair.wave, chance.random())):
        remotes = [
            remote(
                r.id,
                pair.spec.title if pair.remote and pair.spec and r.id == pair.remote.id else r.title,
                is_archived=not r.is_active,
            )
            for r in remotes
        ]
        assert outcome_by_key(matched(entries, remotes)) == outcome_by_key(pairing)


@given(some_entries, some_remotes, some_pins, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_schedules_does_not_matter(
    entries: list[Entry], remotes: list[RemoteSchedule], pins: dict[str, int], chance: random.Random
) -> None:
    entries = with_pins(entries, pins)
    pairing = matched(entries, remotes)
    shuffled = matched(chance.sample(entries, len(entries)), chance.sample(remotes, len(remotes)))
    assert outcome_by_key(shuffled) == outcome_by_key(pairing)
    assert waves(shuffled) == waves(pairing)
    assert sorted(map(str, shuffled.blocked)) == sorted(map(str, pairing.blocked))
