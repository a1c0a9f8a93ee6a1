"""Import: schedules → a project file that says the same (docs/semantics.md#import)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_files import load_text
from strategies import AGENT_IDS, ODD_PROMPTS, ODD_TITLES, THEN, actual, platforms, remote, wires

from halo_iac.errors import ProjectError, UsageError
from halo_iac.importing.entries import ImportResult, agent_names, import_schedules, select
from halo_iac.importing.layout import omit_defaults, put_prompts_in_files, shared_fields
from halo_iac.model import schedule as defaults
from halo_iac.model.project import Project
from halo_iac.model.remote import Agent, PlatformState, RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import Spec
from halo_iac.render.yaml import project_text
from halo_iac.resolve import Catalog

Entries = dict[str, dict[str, Any]]


def problems_of(entries: Entries) -> dict[str, str]:
    written = project_text(omit_defaults(entries, defaults.BUILT_IN))
    try:
        load_text(written.text)
    except ProjectError as error:
        return {written.entry_at(problem.line) or "": problem.message for problem in error.problems}
    return {}


def imported(
    *remotes: RemoteSchedule,
    has_archived: bool = False,
    taken: dict[str, str | None] | None = None,
    **platform: Any,  # noqa: ANN401 - what a platform is made of
) -> ImportResult:
    """Adopt what is active, into a file without defaults."""
    there = actual(*remotes, **platform)
    choice = select(
        there.schedules, is_declared=lambda _: False, is_in_scope=lambda _: True, with_archived=has_archived
    )
    names = agent_names(there, Catalog(Project("halo.yaml", ()), there))
    adoption = import_schedules(choice.wanted, there, names, problems_of, titles=taken)
    return replace(adoption, entries=omit_defaults(adoption.entries, defaults.BUILT_IN), owners={})


NINE = {"hours": [9], "minutes": [0]}


def test_values_equal_to_the_defaults_are_left_out() -> None:
    assert imported(remote("1", "A", prompt=defaults.PROMPT)).entries == {
        "a": {"title": "A", "agent": "checkout", "frequency": "daily", "hours": [9], "minutes": [0]}
    }


def test_other_values_are_written_in_the_order_of_the_documentation() -> None:
    there = remote(
        "1",
        "A",
        frequency="weekly",
        daysOfWeek=[4, 1],
        timezone="Asia/Tokyo",
        spanLimit=7,
        lookbackHours=48,
        maxSubagentDepth=1,
        maxTurns=9,
        enabled=False,
    )
    (entry,) = imported(there).entries.values()
    assert list(entry.items()) == [
        ("title", "A"),
        ("agent", "checkout"),
        ("frequency", "weekly"),
        ("days_of_week", ["mon", "thu"]),
        ("hours", [9]),
        ("minutes", [0]),
        ("timezone", "Asia/Tokyo"),
        ("prompt", "Look."),
        ("span_limit", 7),
        ("lookback_hours", 48),
        ("max_subagent_depth", 1),
        ("max_turns", 9),
        ("enabled", False),
    ]


@pytest.mark.parametrize(
    ("frequency", "parts"),
    [
        ("hourly", {"minutes": [0]}),
        ("daily", {"hours": [9], "minutes": [0]}),
        ("monthly", {"days_of_month": [1, 15], "hours": [9], "minutes": [0]}),
    ],
)
def test_parts_that_the_frequency_ignores_are_left_out(frequency: str, parts: dict[str, list[int]]) -> None:
    (entry,) = imported(remote("1", "A", frequency=frequency, daysOfMonth=[15, 1], daysOfWeek=[1])).entries.values()
    assert {name: value for name, value in entry.items() if isinstance(value, list)} == parts


def test_archived_schedules_are_not_imported() -> None:
    assert imported(remote("1", "A", is_archived=True)) == ImportResult({})


def test_an_archived_schedule_is_imported_by_title_and_by_id_if_ambiguous() -> None:
    there = [remote("1", "A", is_archived=True, frequency="yearly"), remote("2", "B", is_archived=True)]
    assert imported(*there, remote("3", "B"), has_archived=True).entries == {
        "a": {"title": "A", "state": "archived"},
        "b": {"title": "B", "id": "2", "state": "archived"},
        "b-2": {"title": "B", "id": "3", "agent": "checkout", "frequency": "daily", **NINE, "prompt": "Look."},
    }


def test_a_title_that_an_entry_without_a_pin_has_is_left_out_and_one_with_a_pin_makes_another() -> None:
    adoption = imported(remote("1", "A"), remote("2", "B"), taken={"A": "mine", "B": None})
    assert [(each.id, reason) for each, reason in adoption.left_out] == [
        ("1", "mine declares the same title without an `id:`")
    ]
    assert [entry["id"] for entry in adoption.entries.values()] == ["2"]


def test_a_schedule_paused_by_the_platform_is_not_declared_paused() -> None:
    (entry,) = imported(remote("1", "A", enabled=False, autoPausedAt=THEN)).entries.values()
    assert "enabled" not in entry


def test_twins_are_pinned_and_come_in_one_order() -> None:
    entries = imported(remote("2", "A"), remote("1", "A"), remote("3", "B")).entries
    assert [(key, entry.get("id")) for key, entry in entries.items()] == [("a", "1"), ("a-2", "2"), ("b", None)]


def test_the_readable_twin_of_an_opaque_schedule_is_pinned() -> None:
    adoption = imported(remote("1", "A", frequency="yearly"), remote("2", "A"))
    assert adoption.entries["a"]["id"] == "2"
    assert [(each.id, reason) for each, reason in adoption.left_out] == [("1", "unknown frequency 'yearly'")]


@pytest.mark.parametrize("title", [" A", "A\u200b", "e\u0301", "\ufeffA", "A\n", "x" * 201])
def test_a_title_that_is_not_allowed_is_pinned(title: str) -> None:
    (entry,) = imported(remote("1", title)).entries.values()
    assert (entry["title"], entry["id"]) == (title, "1")


def test_schedules_that_cannot_be_declared_are_left_out_and_named() -> None:
    there = [remote("1", "A", prompt=" "), remote("2", "B", maxTurns=0), remote("3", "C", timezone="Mars/Base")]
    adoption = imported(*there, remote("4", "D", hours=[]), remote("5", "E"))
    assert list(adoption.entries) == ["e"]
    assert [each.id for each, _ in adoption.left_out] == ["1", "2", "3", "4"]
    assert all(reason for _, reason in adoption.left_out)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Daily Review!", "daily-review"),
        ("123", "123"),
        ("--", "schedule"),
        ("日次", "schedule"),
        ("x" * 100, "x" * 48),
        ("null", "null"),
    ],
)
def test_keys_are_slugs_of_titles(title: str, key: str) -> None:
    assert list(imported(remote("1", title)).entries) == [key]


def test_keys_are_unique() -> None:
    entries = imported(remote("1", "A!"), remote("2", "a"), remote("3", "a-2"), remote("4", "A?")).entries
    assert sorted(entries) == ["a", "a-2", "a-2-2", "a-3"]


@pytest.mark.parametrize(
    ("agents", "written"),
    [
        ((Agent(AGENT_IDS[0], "checkout"),), "checkout"),
        ((Agent(AGENT_IDS[0], "checkout"), Agent(AGENT_IDS[1], "checkout")), AGENT_IDS[0]),
        ((Agent(AGENT_IDS[0], None),), AGENT_IDS[0]),
        ((Agent(AGENT_IDS[0], " odd "),), AGENT_IDS[0]),
        ((Agent(AGENT_IDS[0], "${HOME}"),), AGENT_IDS[0]),
        ((Agent(AGENT_IDS[0], AGENT_IDS[1]),), AGENT_IDS[0]),
        ((), AGENT_IDS[0]),
    ],
)
def test_an_agent_is_named_where_the_name_is_plain_and_its_own(agents: tuple[Agent, ...], written: str) -> None:
    (entry,) = imported(remote("1", "A"), agents=agents).entries.values()
    assert entry["agent"] == written


@pytest.mark.parametrize("title", ["\ud83d", "a\ud800b"])
def test_half_a_character_is_left_out_without_a_traceback(title: str) -> None:
    adoption = imported(remote("1", title), remote("2", "B"))
    assert (list(adoption.entries), [each.id for each, _ in adoption.left_out]) == (["b"], ["1"])


# The way there and back ---------------------------------------------------------------------------------------------


def comparable(spec: Spec | UnreadableSchedule | None, names: dict[str, str]) -> dict[str, object]:
    """Return what an entry says of a schedule: all but models, and ``enabled`` only where it is off."""
    assert isinstance(spec, Spec)
    fields = {name: getattr(spec, name) for name in spec.__slots__}
    return {**fields, "agent": names.get(spec.agent, spec.agent), "model_id": None, "enabled": spec.enabled is False}


@given(platforms(st.sampled_from(ODD_TITLES) | st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text)))
def test_a_written_file_says_what_the_schedules_are(drawn: list[dict[str, Any]]) -> None:
    remotes = [RemoteSchedule({**each, "autoPausedAt": None}) for each in drawn]
    adoption = imported(*remotes)
    project = load_text(project_text(adoption.entries).text)
    names = {agent.id: agent.identity or "" for agent in actual().agents}
    left_out = {each.id for each, _ in adoption.left_out}
    expected = [
        comparable(each.spec(), names)
        for each in sorted(remotes, key=lambda each: (each.title, each.id))
        if each.is_active and each.id not in left_out
    ]
    assert [comparable(entry.spec, names) for entry in project.entries] == expected


texts = st.sampled_from(ODD_PROMPTS) | st.text(
    alphabet=st.sampled_from(" \n\t#-:'\"\\|>a\x85\u2028\ufeff😀"), min_size=1
)


@given(texts.filter(str.strip), wires("1", st.just("A")))
def test_a_prompt_is_written_as_it_is(prompt: str, drawn: dict[str, Any]) -> None:
    there = RemoteSchedule({**drawn, "prompt": prompt, "archivedAt": None})
    if isinstance(spec := there.spec(), Spec):
        (entry,) = load_text(project_text(imported(there).entries).text).entries
        assert entry.spec is not None
        assert entry.spec.prompt == spec.prompt


def test_a_file_knows_on_which_line_each_entry_begins() -> None:
    adoption = imported(remote("1", "A", prompt="a\n\nb"), remote("2", "B", prompt="x\u2028y"), remote("3", "C"))
    written = project_text(adoption.entries)
    lines = written.text.splitlines(keepends=False)
    assert {key: lines[line - 1] for key, line in written.lines.items()} == {"a": "  a:", "b": "  b:", "c": "  c:"}
    assert [written.entry_at(line) for line in (1, written.lines["a"], written.lines["b"] - 1)] == [None, "a", "a"]


def test_notes_are_comments_of_one_line_each() -> None:
    text = project_text({}, project_id="p-1", notes=["one\ntwo", "x: y"]).text
    lines = text.splitlines()
    assert lines[2:7] == ["version: 1", "project: p-1", "undeclared: report", "", "schedules: {}"]
    assert [line[:2] for line in lines[7:]] == ["# ", "# "]
    assert load_text(text).entries == ()


def test_a_platform_without_schedules_is_a_file_without_entries() -> None:
    assert import_schedules((), PlatformState((), ()), {}, problems_of) == ImportResult({})


# Layout -------------------------------------------------------------------------------------------------------------


def fields(**own: object) -> dict[str, Any]:
    whole = {name: value for name, value in defaults.BUILT_IN.items() if value is not None}
    return {**whole, "agent": "checkout", **own}


def test_values_of_most_entries_become_defaults_and_the_others_state_the_built_in_ones() -> None:
    entries = {"a": fields(timezone="Asia/Tokyo"), "b": fields(timezone="Asia/Tokyo"), "c": fields()}
    entries |= {key: fields(timezone="Asia/Tokyo", prompt="Look.\nAgain.") for key in "de"}
    shared = shared_fields(entries.values())
    assert shared == {"agent": "checkout", "timezone": "Asia/Tokyo"}
    assert omit_defaults(entries, {**defaults.BUILT_IN, **shared}) == {
        "a": {},
        "b": {},
        "c": {"timezone": "UTC"},
        "d": {"prompt": "Look.\nAgain."},
        "e": {"prompt": "Look.\nAgain."},
    }


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"title": "A", "state": "archived"}],
        [fields()],
        [fields(), fields()],  # two lines of `defaults:` and one in it for two that are saved
        [fields(agent=agent, max_turns=turns) for turns, agent in enumerate("abcd")],
        [fields(agent=agent, lookback_hours=48) for agent in "ab"] + [fields(agent="c")],
    ],
)
def test_defaults_that_make_no_file_shorter_are_not_written(entries: list[dict[str, Any]]) -> None:
    assert shared_fields(entries) == {}


def test_an_agent_is_a_default_only_where_nearly_all_have_it() -> None:
    entries = [fields() for _ in range(8)]
    assert shared_fields([*entries, fields(agent="research"), fields(agent="research")]) == {}
    assert shared_fields([*entries, fields(), fields(agent="research")]) == {"agent": "checkout"}


def test_unset_fields_are_unmanaged_except_a_pause() -> None:
    models = {"model_id": "halo-large", "summarization_model_id": "halo-small"}
    entries = {"a": {**models, "enabled": True}, "b": {**models, "enabled": False}}
    assert omit_defaults(entries, defaults.BUILT_IN) == {"a": {}, "b": {"enabled": False}}
    base = {**defaults.BUILT_IN, "model_id": "halo-mini", "enabled": False}
    assert omit_defaults(entries, base) == {
        "a": {"model_id": "halo-large", "enabled": True},
        "b": {"model_id": "halo-large"},
    }


def test_prompts_of_several_lines_get_files_that_equal_ones_share() -> None:
    mappings = [("a", {"prompt": "1\n2", "max_turns": 1}), ("b", {"prompt": "1\n2"}), ("c", {"prompt": "one line"})]
    replaced, texts = put_prompts_in_files([*mappings, ("d", {"prompt": "\ufeff1\n2"})], lambda _name, _text: True)
    assert replaced == [
        {"prompt_file": "prompts/a.md", "max_turns": 1},
        {"prompt_file": "prompts/a.md"},
        {"prompt": "one line"},
        {"prompt": "\ufeff1\n2"},
    ]
    assert texts == {"prompts/a.md": "1\n2\n"}


def test_an_existing_prompt_file_with_another_text_is_not_overwritten() -> None:
    there = {"prompts/a.md": "3\n4\n", "prompts/a-2.md": "1\n2\n"}
    replaced, texts = put_prompts_in_files(
        [("a", {"prompt": "1\n2"})], lambda name, text: there.get(name, text) == text
    )
    assert (replaced, texts) == ([{"prompt_file": "prompts/a-2.md"}], {"prompts/a-2.md": "1\n2\n"})


# Choice -------------------------------------------------------------------------------------------------------------


THERE = (remote("1", "[prod] x"), remote("2", "DA"), remote("3", "DB", is_archived=True), remote("4", "p"))


def selected_titles(
    *named: str, has_archived: bool = False, scope: str = "", declared: str = ""
) -> tuple[str, str, str]:
    choice = select(
        THERE,
        named,
        is_declared=lambda each: each.id in declared,
        is_in_scope=lambda each: each.title.startswith(scope),
        with_archived=has_archived,
    )
    wanted, known, outside = (
        "".join(each.id for each in part) for part in (choice.wanted, choice.declared, choice.outside)
    )
    return wanted, known, outside


def test_without_names_active_schedules_in_scope_are_selected() -> None:
    assert selected_titles() == ("214", "", "")
    assert selected_titles(scope="D") == ("2", "", "")
    assert selected_titles(has_archived=True, declared="2") == ("314", "2", "")


def test_names_are_ids_and_globs_of_titles_as_in_protect() -> None:
    assert selected_titles("1") == ("1", "", "")
    assert selected_titles("[prod] x") == ("1", "", "")
    assert selected_titles("[prod] *") == ("1", "", "")
    assert selected_titles("D*", "p") == ("24", "", "")
    assert selected_titles("D*", has_archived=True, declared="3") == ("2", "3", "")
    assert selected_titles("*", scope="D") == ("2", "", "14")


@pytest.mark.parametrize(
    ("names", "message", "hint"),
    [
        (
            ["x", "D*", "E*"],
            "no schedule has the id or title 'x', 'E*'",
            "run `halo schedule list` to see the schedules",
        ),
        (["DB"], "no active schedule has the id or title 'DB'", "add --include-archived to import archived schedules"),
    ],
)
def test_a_name_that_matches_nothing_is_wrong_usage(names: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        selected_titles(*names)
    assert (caught.value.message, caught.value.hint) == (message, hint)
