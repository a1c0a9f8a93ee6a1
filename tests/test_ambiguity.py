"""Which schedule is meant where more than one could be, or none: what is planned, what is said, what apply leaves.

The stages have tests of their own (``test_match``, ``test_resolve``, ``test_plan``, ``test_guards``). Here a platform
and a project file go in, and the output and the state of the platform afterwards come out
(docs/semantics.md#matching).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from sandbox_calls import PROJECT
from strategies import wire

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox

ENTRY = {"agent": "checkout", "frequency": "daily", "hours": 9, "prompt": "Look."}
"""What ``wire`` makes a schedule of, as an entry says it."""

Observed = tuple[str, str, str]


def title_or_archived(wire: dict[str, Any]) -> str:
    return f"({wire['title']})" if wire["archivedAt"] else str(wire["title"])


@dataclass
class Harness:
    """A sandbox in a file and a project file beside it."""

    halo: CommandLine
    folder: Path

    @property
    def sandbox(self) -> Sandbox:
        (self.folder / ".halo").mkdir(exist_ok=True)
        return Sandbox.open(self.folder / ".halo" / "sandbox.db")

    def hold(self, *wires: dict[str, Any]) -> None:
        """Let the platform hold these schedules."""
        with self.sandbox as sandbox:
            sandbox.seed(PROJECT, wires)

    def declare(self, policy: Mapping[str, Any] | None = None, /, **entries: Mapping[str, Any]) -> None:
        """Write the project file, which is JSON and so YAML; entries differ from ``ENTRY`` as given."""
        schedules = {key: (entry if entry.get("state") else ENTRY | entry) for key, entry in entries.items()}
        document = {"version": 1, **(policy or {}), "schedules": schedules}
        (self.folder / "halo.yaml").write_text(json.dumps(document), encoding="utf-8")

    def plan(self, *argv: str) -> dict[str, Any]:
        document: dict[str, Any] = self.halo("plan", "--sandbox", "--json", *argv).json
        return document

    def changes(self, *argv: str) -> list[Observed]:
        """Return what is planned: action, key and id; a create has none."""
        return [(each["action"], each["key"], each["id"] or "") for each in self.plan(*argv)["changes"]]

    def blocked(self) -> dict[str, tuple[str, str]]:
        """Return why entries are blocked, and what to do, by key."""
        return {each["key"]: (each["reason"], each["hint"]) for each in self.plan()["blocked"]}

    def refusals(self) -> list[str]:
        return [each["message"] for each in self.plan()["refusals"]]

    def undeclared(self) -> list[str]:
        return [each["id"] for each in self.plan()["undeclared"]]

    def apply(self, *argv: str) -> int:
        return self.halo("apply", "--sandbox", "--yes", *argv).code

    @property
    def held(self) -> dict[str, str]:
        """Return the title of every schedule by id, in brackets where it is archived; new ones are new1, …"""
        with self.sandbox as sandbox:
            found = sandbox.schedules()
        new = iter(f"new{number}" for number in range(1, 100))
        return {(each["id"] if len(each["id"]) < 36 else next(new)): title_or_archived(each) for each in found}


@pytest.fixture
def harness(halo: CommandLine, folder: Path) -> Harness:
    return Harness(halo, folder)


# Titles that look alike ---------------------------------------------------------------------------------------------

LOOKALIKES = {
    "case": ("Daily review", "daily Review"),
    "two spaces": ("Daily review", "Daily  review"),
    "a space at the end": ("Daily review", "Daily review "),
    "a no-break space": ("Daily review", "Daily\u00a0review"),
    "Unicode form": ("Caf\u00e9 review", "Cafe\u0301 review"),
    "full width": ("Daily review", "\uff24aily review"),
    "a zero-width space": ("Daily review", "Daily\u200b review"),
    "a zero-width joiner and a mark": ("Daily review", "\ufeffDai\u200dly review"),
    "a soft hyphen": ("Daily review", "Daily re\u00adview"),
}
each_lookalike = pytest.mark.parametrize(("declared", "held"), LOOKALIKES.values(), ids=LOOKALIKES)
OTHERWISE = {"hours": [17], "prompt": "Look elsewhere."}


@each_lookalike
def test_a_title_that_only_looks_alike_is_neither_taken_nor_doubled(harness: Harness, declared: str, held: str) -> None:
    harness.hold(wire("1", held, **OTHERWISE))
    harness.declare(daily={"title": declared})
    (refusal,) = harness.refusals()
    assert refusal.startswith("daily would be created, but the undeclared schedule 1 (")
    assert "has the same title except for case, spacing, Unicode form or invisible characters" in refusal
    assert (harness.apply(), harness.held) == (3, {"1": held})


@each_lookalike
def test_the_id_named_in_the_refusal_pins_the_lookalike(harness: Harness, declared: str, held: str) -> None:
    harness.hold(wire("1", held, **OTHERWISE))
    harness.declare(daily={"title": declared, "id": "1"})
    assert harness.changes() == [("update", "daily", "1")]
    assert (harness.apply(), harness.held, harness.changes()) == (0, {"1": declared}, [])


@each_lookalike
def test_a_former_title_renames_the_lookalike(harness: Harness, declared: str, held: str) -> None:
    harness.hold(wire("1", held, **OTHERWISE))
    harness.declare(daily={"title": declared, "renamed_from": held})
    assert harness.changes() == [("update", "daily", "1")]
    assert (harness.apply(), harness.held, harness.changes()) == (0, {"1": declared}, [])


@each_lookalike
def test_only_an_option_declares_two_schedules_distinct(harness: Harness, declared: str, held: str) -> None:
    harness.hold(wire("1", held, **OTHERWISE))
    harness.declare(daily={"title": declared})
    assert harness.apply("--allow-create", "daily") == 0
    assert harness.held == {"1": held, "new1": declared}


# Twins --------------------------------------------------------------------------------------------------------------


def test_neither_of_two_active_duplicates_is_chosen_or_changed(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"), wire("2", "Daily", hours=[17]))
    harness.declare({"undeclared": "archive"}, daily={"title": "Daily"})
    reason = "2 active schedules match this entry: 1, 2"
    assert harness.blocked() == {"daily": (reason, "pin the right one: `id: 1`")}
    assert (harness.undeclared(), harness.apply(), harness.held) == ([], 1, {"1": "Daily", "2": "Daily"})


def test_a_pin_chooses_one_duplicate_and_the_other_is_undeclared(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"), wire("2", "Daily", hours=[17]))
    harness.declare(daily={"title": "Daily", "id": "2"})
    assert (harness.changes(), harness.undeclared()) == ([("update", "daily", "2")], ["1"])
    assert (harness.apply(), harness.changes(), harness.held) == (0, [], {"1": "Daily", "2": "Daily"})


def test_the_last_archived_of_ten_duplicates_is_unarchived(harness: Harness) -> None:
    harness.hold(*(wire(f"{n}", "Daily", archivedAt=f"2026-0{1 + n * 7 % 10}-01T00:00:00.000Z") for n in range(9)))
    harness.hold(wire("9", "Daily", hours=[17], archivedAt="2026-10-01T00:00:00.000Z"))
    harness.declare(daily={"title": "Daily"})
    assert harness.changes() == [("unarchive", "daily", "9")]
    assert (harness.apply(), harness.changes()) == (0, [])
    assert harness.held == {**{f"{n}": "(Daily)" for n in range(9)}, "9": "Daily"}


def test_an_active_schedule_takes_precedence_over_ten_archived_ones(harness: Harness) -> None:
    harness.hold(*(wire(f"{n}", "Daily", is_archived=True) for n in range(10)), wire("10", "Daily", hours=[17]))
    harness.declare(daily={"title": "Daily"})
    assert harness.changes() == [("update", "daily", "10")]


# Pins ---------------------------------------------------------------------------------------------------------------


def test_a_pin_to_an_unknown_id_never_creates(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"))
    harness.declare({"undeclared": "archive"}, daily={"title": "Daily", "id": "2"})
    reason = "the project holds no schedule with the id 2"
    assert harness.blocked() == {"daily": (reason, "correct `id:` or remove it")}
    assert (harness.apply(), harness.held) == (1, {"1": "Daily"})


def test_a_pin_to_an_archived_schedule_brings_it_back_beside_an_active_one_of_its_title(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"), wire("2", "Daily", is_archived=True))
    harness.declare(daily={"title": "Daily", "id": "2"})
    assert (harness.changes(), harness.undeclared()) == ([("unarchive", "daily", "2")], ["1"])
    assert (harness.apply(), harness.held) == (0, {"1": "Daily", "2": "Daily"})


def test_a_pin_to_what_another_entry_matches_takes_it_and_the_other_gets_its_own(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"))
    harness.declare(daily={"title": "Daily"}, other={"title": "Other", "id": "1"})
    assert harness.changes() == [("update", "other", "1"), ("create", "daily", "")]
    assert (harness.apply(), harness.held, harness.changes()) == (0, {"1": "Other", "new1": "Daily"}, [])


def test_two_pins_to_one_schedule_are_both_blocked(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"))
    harness.declare(a={"title": "A", "id": "1"}, b={"title": "B", "id": "1"})
    reason = ("the id 1 is pinned by a, b", "keep the pin in one entry")
    assert harness.blocked() == {"a": reason, "b": reason}
    assert (harness.apply(), harness.held) == (1, {"1": "Daily"})


# Renames ------------------------------------------------------------------------------------------------------------


def test_a_chain_of_renames_keeps_every_schedule(harness: Harness) -> None:
    harness.hold(wire("1", "A"), wire("2", "B"), wire("3", "C"))
    harness.declare(
        b={"title": "B", "renamed_from": "A"},
        c={"title": "C", "renamed_from": "B"},
        d={"title": "D", "renamed_from": "C"},
    )
    assert harness.changes() == [("update", "d", "3"), ("update", "c", "2"), ("update", "b", "1")]
    assert (harness.apply(), harness.held, harness.changes()) == (0, {"1": "B", "2": "C", "3": "D"}, [])


def test_a_swap_asks_for_pins(harness: Harness) -> None:
    harness.hold(wire("1", "A"), wire("2", "B"))
    harness.declare(a={"title": "A", "renamed_from": "B"}, b={"title": "B", "renamed_from": "A"})
    hint = "pin the entries of the cycle with `id:`, or remove one `renamed_from:`"
    circle = ("renamed_from forms a cycle: 'A', 'B'", hint)
    assert harness.blocked() == {"a": circle, "b": circle}
    assert (harness.apply(), harness.held) == (1, {"1": "A", "2": "B"})


def test_pins_make_a_swap_and_keep_both_schedules(harness: Harness) -> None:
    harness.hold(wire("1", "A"), wire("2", "B"))
    harness.declare(a={"title": "A", "id": "2"}, b={"title": "B", "id": "1"})
    assert (harness.apply(), harness.held, harness.changes()) == (0, {"1": "B", "2": "A"}, [])


def test_a_rename_that_has_happened_is_inert_when_the_former_title_comes_back(harness: Harness) -> None:
    harness.hold(wire("1", "New"), wire("2", "Old"))
    harness.declare(new={"title": "New", "renamed_from": "Old"})
    assert (harness.changes(), harness.undeclared()) == ([], ["2"])


def test_a_former_title_of_two_schedules_is_ambiguous(harness: Harness) -> None:
    harness.hold(wire("1", "Old"), wire("2", "Old"))
    harness.declare(new={"title": "New", "renamed_from": "Old"})
    reason = "2 active schedules match this entry: 1, 2"
    assert harness.blocked() == {"new": (reason, "pin the right one: `id: 1`")}
    assert (harness.apply(), harness.held) == (1, {"1": "Old", "2": "Old"})


def test_a_rename_takes_precedence_over_an_archived_schedule_of_the_new_title(harness: Harness) -> None:
    harness.hold(wire("1", "New", is_archived=True), wire("2", "Old"))
    harness.declare(new={"title": "New", "renamed_from": "Old"})
    assert (harness.apply(), harness.held) == (0, {"1": "(New)", "2": "New"})


# Scopes -------------------------------------------------------------------------------------------------------------


def test_a_schedule_that_has_left_the_scope_is_blocked_and_not_created_again(harness: Harness) -> None:
    harness.hold(wire("1", "Daily", agentUuid=demo.SUPPORT_BOT_ID))
    harness.declare({"scope": {"agents": ["checkout"]}, "undeclared": "archive"}, daily={"title": "Daily"})
    reason = f"its schedule 1 belongs to agent {demo.SUPPORT_BOT_ID} and is outside the project's scope"
    assert harness.blocked() == {
        "daily": (reason, "widen `scope:`; or add `id: 1` to the entry, which may then take it over")
    }
    assert (harness.apply(), harness.held) == (1, {"1": "Daily"})


def test_schedules_outside_a_narrowed_scope_are_left_alone(harness: Harness) -> None:
    harness.hold(wire("1", "Shop: daily"), wire("2", "Help: daily"))
    policy = {"undeclared": "archive", "scope": {"title_prefix": "Shop: "}}
    harness.declare(policy, daily={"title": "Shop: daily"})
    assert (harness.apply(), harness.changes(), harness.undeclared()) == (0, [], [])
    assert harness.held == {"1": "Shop: daily", "2": "Help: daily"}


def test_a_widened_scope_archives_at_most_what_the_guard_allows(harness: Harness) -> None:
    harness.hold(wire("1", "Shop: daily"), wire("2", "Help: daily"), wire("3", "Help: weekly"))
    harness.declare({"undeclared": "archive"}, daily={"title": "Shop: daily"})
    (refusal,) = harness.refusals()
    assert refusal == "2 of 3 firing schedules in scope would stop; at most 1 is allowed without --allow-archive N"
    assert (harness.apply(), len(harness.held)) == (3, 3)
    assert "(" not in "".join(harness.held.values())


# Agents -------------------------------------------------------------------------------------------------------------


def test_an_agent_that_was_renamed_blocks_its_entry_with_the_line_to_paste(harness: Harness) -> None:
    harness.hold(wire("1", "Daily", hours=[17]))
    with harness.sandbox as sandbox:
        sandbox.add_agent(PROJECT, {**demo.AGENTS[0], "identityValue": "till"})
    harness.declare(daily={"title": "Daily"})
    paste = f"use `agent: {demo.CHECKOUT_ID}`, the agent of its schedule"
    assert harness.blocked() == {"daily": ("no agent named 'checkout' was seen in the last 90 days", paste)}
    assert (harness.apply(), harness.held) == (1, {"1": "Daily"})
    harness.declare(daily={"title": "Daily", "agent": demo.CHECKOUT_ID})
    assert harness.changes() == [("update", "daily", "1")]


def test_a_missing_agent_blocks_by_name_and_works_by_id(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"))
    with harness.sandbox as sandbox:
        sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
    harness.declare({"undeclared": "archive"}, daily={"title": "Daily"})
    assert list(harness.blocked()) == ["daily"]
    assert (harness.apply(), harness.held) == (1, {"1": "Daily"})
    harness.declare(daily={"title": "Daily", "agent": demo.CHECKOUT_ID})
    assert (harness.blocked(), harness.changes()) == ({}, [])


def test_of_two_agents_with_one_name_none_is_chosen(harness: Harness) -> None:
    twin = "5a4db0c5-a000-4000-8000-0000000000ff"
    with harness.sandbox as sandbox:
        sandbox.add_agent(PROJECT, {**demo.AGENTS[0], "id": twin})
    harness.declare(daily={"title": "Daily"})
    reason = f"2 agents are named 'checkout': {demo.CHECKOUT_ID}, {twin}"
    assert harness.blocked() == {"daily": (reason, f"use the UUID: `agent: {demo.CHECKOUT_ID}`")}
    assert (harness.apply(), harness.held) == (1, {})


def test_an_agent_that_another_has_replaced_under_its_name_is_a_change_to_be_reviewed(harness: Harness) -> None:
    harness.hold(wire("1", "Daily"))
    heir = "5a4db0c5-a000-4000-8000-0000000000ff"
    with harness.sandbox as sandbox:
        sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
        sandbox.add_agent(PROJECT, {**demo.AGENTS[0], "id": heir})
    harness.declare(daily={"title": "Daily"})
    (change,) = harness.plan()["changes"]
    assert [(each["field"], each["before"], each["after"]) for each in change["fields"]] == [
        ("agent", demo.CHECKOUT_ID, heir)
    ]
