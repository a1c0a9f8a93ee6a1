"""Agent names → ids, and what lies outside the scope (docs/semantics.md#agent-names, docs/semantics.md#scope)."""

from __future__ import annotations

from typing import Any

import pytest
from strategies import AGENT_IDS, AGENTS, actual, entry, project, remote

from halo_iac.errors import ProjectError
from halo_iac.match import match
from halo_iac.model.plan import MatchResult
from halo_iac.model.project import Entry, Origin, Project, Scope, Source
from halo_iac.model.remote import Agent, PlatformState
from halo_iac.resolve import resolve

CHECKOUT, SUPPORT, RESEARCH = AGENT_IDS
STRANGER = "0badcafe-0000-4000-8000-00000000000a"


def resolve_project(project_: Project, actual_: PlatformState | None = None) -> MatchResult:
    actual_ = actual_ or actual()
    return resolve(project_, match(project_, actual_), actual_)


def agent_of(reference: str, agents: tuple[Agent, ...] = AGENTS, **aliases: str) -> str | tuple[str, str | None]:
    """Return the id that an entry's agent resolves to, or the reason and the hint of its block."""
    pairing = resolve_project(project(entry("A", agent=reference), aliases=aliases), actual(agents=agents))
    if pairing.blocked:
        return pairing.blocked[0].reason, pairing.blocked[0].hint
    (pair,) = pairing.pairs
    assert pair.spec is not None
    return pair.spec.agent


# Names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["checkout", CHECKOUT, CHECKOUT.upper()])
def test_an_agent_is_found_by_identity_or_by_id_in_any_case(reference: str) -> None:
    assert agent_of(reference) == CHECKOUT


@pytest.mark.parametrize("target", ["support-bot", SUPPORT, SUPPORT.upper()])
def test_an_alias_stands_for_an_identity_or_an_id(target: str) -> None:
    assert agent_of("desk", desk=target) == SUPPORT


def test_an_alias_for_the_agent_that_is_called_so_is_fine() -> None:
    assert agent_of("checkout", checkout=CHECKOUT) == CHECKOUT


def test_an_alias_that_is_another_agents_name_is_a_problem() -> None:
    assert agent_of("checkout", checkout="research") == (
        f"the alias 'checkout' is also the name of another agent, {CHECKOUT}",
        "give the alias another name",
    )


def test_an_alias_equal_to_an_agents_name_is_reported_before_use() -> None:
    aliases = {"checkout": "research", "support-bot": SUPPORT, "gone": "nobody"}
    pairing = resolve_project(project(entry("A", agent="research"), aliases=aliases))
    reason = f"the alias 'checkout' is also the name of another agent, {CHECKOUT}"
    assert (pairing.blocked, [warning.message for warning in pairing.warnings]) == (
        (),
        [f"{reason}; give the alias another name"],
    )


def test_an_alias_that_is_another_agents_id_is_a_problem() -> None:
    reason, hint = agent_of(CHECKOUT, **{CHECKOUT: "research"})
    assert reason == f"the alias {CHECKOUT!r} is also the id of another agent, {CHECKOUT}"
    assert hint == "give the alias another name"


def test_an_identity_that_looks_like_an_id_is_an_identity() -> None:
    assert agent_of(STRANGER, (*AGENTS, Agent(RESEARCH, STRANGER))) == RESEARCH


def test_an_id_that_is_no_uuid_is_one_once_the_platform_has_it() -> None:
    assert agent_of("agent-7", (Agent("agent-7", "seven"),)) == "agent-7"


def test_no_agent_of_that_name_blocks_and_shows_near_ones() -> None:
    assert agent_of("chekout") == ("no agent named 'chekout' was seen in the last 90 days", "did you mean 'checkout'?")
    assert agent_of("zzz") == (
        "no agent named 'zzz' was seen in the last 90 days",
        "run `halo agent list --time-range 90d` to see the agents, or use a UUID",
    )


def test_near_aliases_are_shown_as_well() -> None:
    assert agent_of("dezk", desk="support-bot")[1] == "did you mean 'desk'?"


@pytest.mark.parametrize("is_turned", [False, True])
def test_several_agents_of_one_name_block_in_one_order(*, is_turned: bool) -> None:
    twins = (Agent(CHECKOUT, "twin"), Agent(SUPPORT, "twin"))
    assert agent_of("twin", twins[::-1] if is_turned else twins) == (
        f"2 agents are named 'twin': {CHECKOUT}, {SUPPORT}",
        f"use the UUID: `agent: {CHECKOUT}`",
    )


def test_the_hint_names_the_agent_of_an_existing_schedule() -> None:
    pairing = resolve_project(project(entry("A", agent="gone")), actual(remote("1", "A")))
    (blocked,) = pairing.blocked
    assert (blocked.hint, blocked.ids) == (f"use `agent: {CHECKOUT}`, the agent of its schedule", ("1",))


def test_an_unseen_id_is_accepted_in_lower_case_with_a_warning() -> None:
    pairing = resolve_project(project(entry("A", agent=STRANGER.upper())))
    assert [pair.spec and pair.spec.agent for pair in pairing.pairs] == [STRANGER]
    assert [(warning.key, warning.message) for warning in pairing.warnings] == [
        ("key-A", f"agent {STRANGER} has no traces in the last 90 days and no schedule yet")
    ]


def test_an_id_that_only_a_schedule_has_is_known() -> None:
    pairing = resolve_project(project(entry("A", agent=STRANGER)), actual(remote("1", "B", agentUuid=STRANGER)))
    assert pairing.warnings == ()


def test_a_retired_entry_needs_no_agent() -> None:
    pairing = resolve_project(project(entry("A", is_retired=True)), actual(remote("1", "A", agentUuid=STRANGER)))
    assert (pairing.blocked, [pair.remote and pair.remote.id for pair in pairing.pairs]) == ((), ["1"])


# Scope --------------------------------------------------------------------------------------------------------------


def blocked_reasons(entry_: Entry, scope: Scope, **fields: object) -> list[tuple[str, tuple[str, ...]]]:
    pairing = resolve_project(project(entry_, scope=scope), actual(remote("1", "A", **fields)))
    return [(blocked.reason, blocked.ids) for blocked in pairing.blocked]


def test_a_match_of_another_agent_is_outside_of_the_scope() -> None:
    assert blocked_reasons(entry("A"), Scope(agents=("checkout",)), agentUuid=SUPPORT) == [
        (f"its schedule 1 belongs to agent {SUPPORT} and is outside the project's scope", ("1",))
    ]


def test_an_entry_of_another_agent_is_outside_of_the_scope() -> None:
    assert blocked_reasons(entry("A", agent="research"), Scope(agents=("checkout",))) == [
        (f"its agent {RESEARCH} is outside the project's scope", ("1",))
    ]


def test_a_match_without_the_prefix_is_outside_of_the_scope() -> None:
    assert blocked_reasons(entry("Team: A", "A"), Scope(title_prefix="Team: ")) == [
        ("its schedule 1 has a title that does not start with 'Team: ' and is outside the project's scope", ("1",))
    ]


TAKE_OVER = (
    "widen `scope:`; or, once no other file declares the schedule, "
    "run `halo plan --allow-takeover 'key-Team: A'` to take it over"
)


@pytest.mark.parametrize(
    ("taking", "held", "hint"),
    [
        (entry("Team: A", "A"), {}, TAKE_OVER),
        (entry("Team: A", id="1"), {}, TAKE_OVER),
        (entry("Team: A", id="1"), {"is_archived": True}, TAKE_OVER),
        (
            entry("Team: A"),
            {"title": "Team: A", "agentUuid": SUPPORT},
            "widen `scope:`; or add `id: 1` to the entry, which may then take it over",
        ),
    ],
)
def test_a_schedule_outside_of_the_scope_is_taken_over_by_an_entry_that_names_it(
    taking: Entry, held: dict[str, Any], hint: str
) -> None:
    declared = project(taking, scope=Scope(agents=("checkout",), title_prefix="Team: "))
    there = actual(remote("1", held.pop("title", "A"), **held))
    pairing = match(declared, there)
    assert [blocked.hint for blocked in resolve(declared, pairing, there).blocked] == [hint]
    taken = resolve(declared, pairing, there, takeovers=[taking.key])
    assert [pair.remote and pair.remote.id for pair in taken.pairs] == (["1"] if hint == TAKE_OVER else [])
    assert [blocked.hint for blocked in resolve(declared, pairing, there, takeovers=["other"]).blocked] == [hint]


def test_a_match_within_the_scope_is_fine() -> None:
    assert blocked_reasons(entry("A"), Scope(agents=("checkout",), title_prefix="A")) == []


def test_scope_agents_are_listed_by_id_in_stable_order() -> None:
    scope = Scope(agents=("research", CHECKOUT.upper(), "checkout"))
    assert resolve_project(project(scope=scope)).scope_agents == (CHECKOUT, RESEARCH)
    assert resolve_project(project()).scope_agents is None


def test_scope_agents_that_do_not_resolve_stop_the_whole_plan_all_at_once() -> None:
    scope = Scope(agents=("gone", "checkout", "lost"))
    origins = {"scope": Origin(Source.ENTRY, "halo.yaml", 3, 1)}
    with pytest.raises(ProjectError) as caught:
        resolve_project(project(scope=scope, origins=origins))
    assert list(map(str, caught.value.problems)) == [
        f"halo.yaml:3:1: scope: no agent named '{name}' was seen in the last 90 days; undeclared schedules "
        "cannot be determined (run `halo agent list --time-range 90d` to see the agents, or use a UUID)"
        for name in ("gone", "lost")
    ]


def test_blocked_entries_keep_the_order_of_the_file() -> None:
    entries = (entry("B", agent="gone"), entry("A", id="9"), entry("C", agent="gone"))
    assert [blocked.key for blocked in resolve_project(project(*entries)).blocked] == ["key-B", "key-A", "key-C"]
