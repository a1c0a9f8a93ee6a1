"""``plan --base``, ``apply --require-head`` and what tightens a policy, in real repositories, on the sandbox."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from command_line import CommandLine, schedules
from golden_files import assert_golden
from project_files import write_project
from repositories import Git

CHECKOUT, RESEARCH = (f"5a4db0c5-a000-4000-8000-00000000000{n}" for n in (1, 3))
ENTRY = """\
  {key}:
    title: {title}
    agent: {agent}
    frequency: daily
    at: "{at}"
    prompt: What went wrong?
"""


def entry(key: str, title: str = "", agent: str = "checkout", at: str = "09:00") -> str:
    return ENTRY.format(key=key, title=title or f"The {key}", agent=agent, at=at)


def attribution_by_key(halo: CommandLine, *words: str) -> dict[str, str | None]:
    """Return whose each planned change is, by key, or by title for an undeclared schedule."""
    document = halo("plan", "--sandbox", "--json", *words).json
    return {change["key"] or change["title"]: change["share"] for change in document["changes"]}


# Whose change it is -------------------------------------------------------------------------------------------------


def four_shares(halo: CommandLine, git: Git) -> None:
    """Leave a branch whose plan holds a change of each kind."""
    write_project(
        git.folder, *map(entry, ("edited", "pending", "inherits", "both", "kept")), defaults="{lookback_hours: 24}"
    )
    assert halo("apply", "--sandbox", "--yes").code == 0
    inherited = [entry("inherits"), entry("kept").replace("    prompt", "    lookback: 24h\n    prompt")]
    drifted = [entry("pending", at="10:00").replace("    prompt", "    lookback: 24h\n    prompt")]
    write_project(
        git.folder, entry("edited"), *drifted, entry("both", at="10:00"), *inherited, defaults="{lookback_hours: 24}"
    )
    git.commit()
    git("switch", "--quiet", "--create", "feature")
    write_project(
        git.folder,
        *(entry("edited", at="11:00"), *drifted, entry("both", at="11:00"), *inherited, entry("new")),
        defaults="{lookback_hours: 48}",
    )


def test_a_plan_attributes_each_change(halo: CommandLine, git: Git) -> None:
    four_shares(halo, git)
    assert attribution_by_key(halo, "--base", "main") == {
        "both": "both",
        "edited": "branch",
        "inherits": "branch",
        "new": "branch",
        "pending": "before",
    }
    assert set(attribution_by_key(halo).values()) == {None}


def test_a_change_caused_by_the_scope_alone_is_of_an_untouched_entry(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"), entry("two", agent="research"), scope="{agents: [research]}")
    git.commit()
    write_project(git.folder, entry("one"), entry("two", agent="research"))
    assert attribution_by_key(halo, "--base", "main", "--accept-policy-change") == {"one": "untouched", "two": "before"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"defaults": "{lookback_hours: 24}"}, {"defaults": "{lookback_hours: 48}"}),
        ({}, {"defaults": "{prompt: Look again}"}),
        ({"overrides": "{timezone: Asia/Tokyo}"}, {"overrides": "{timezone: Asia/Seoul}"}),
        ({}, {"overrides": "{schedules: {one: {timezone: Asia/Tokyo}}}"}),
        ({"agents": "{mine: checkout}"}, {"agents": "{mine: research}"}),
    ],
)
def test_a_change_that_entries_inherit_is_the_branchs(
    halo: CommandLine, git: Git, before: dict[str, str], after: dict[str, str]
) -> None:
    inherits = entry("one", agent="mine" if "agents" in before else "checkout")
    inherits = inherits.replace("    prompt: What went wrong?\n", "")
    write_project(git.folder, inherits, **before)
    halo("apply", "--sandbox", "--yes")
    git.commit()
    write_project(git.folder, inherits, **after)
    assert attribution_by_key(halo, "--base", "main") == {"one": "branch"}


def test_the_text_of_a_plan_attributes_changes(halo: CommandLine, git: Git) -> None:
    four_shares(halo, git)
    ended = halo("plan", "--sandbox", "--base", "main")
    assert (ended.code, ended.err) == (0, "")
    shown = [line for line in ended.out.splitlines() if line.startswith(("Base", "~", "+", "Whose"))]
    commit = git("rev-parse", "main")[:12]
    ids = {each["title"]: each["id"] for each in schedules(halo)}
    text = "\n".join(shown).replace(commit, "COMMIT")
    for title, id_ in ids.items():
        text = text.replace(id_, f"ID of {title}")
    assert_golden("base/plan.txt", text + "\n")


def test_the_json_of_a_plan_names_the_base_and_its_commit(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"))
    commit = git.commit()
    assert halo("plan", "--sandbox", "--base", "HEAD", "--json").json["base"] == {"ref": "HEAD", "commit": commit}
    assert halo("plan", "--sandbox", "--json").json["base"] is None


def test_the_edit_of_a_prompt_file_is_an_edit_of_its_entry(halo: CommandLine, git: Git) -> None:
    (git.folder / "prompt.md").write_text("Before\n")
    write_project(git.folder, entry("one").replace("prompt: What went wrong?", "prompt_file: prompt.md"))
    halo("apply", "--sandbox", "--yes")
    git.commit()
    (git.folder / "prompt.md").write_text("After\n")
    assert attribution_by_key(halo, "--base", "main") == {"one": "branch"}


def test_a_renamed_key_is_not_a_change(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one", "The title"))
    git.commit()
    write_project(git.folder, entry("other", "The title"))
    assert attribution_by_key(halo, "--base", "main") == {"other": "before"}


def test_the_archive_of_an_entry_that_the_branch_removed_is_its_own(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"), entry("two"), entry("three"), undeclared="archive")
    halo("apply", "--sandbox", "--yes")
    write_project(git.folder, entry("one"), entry("two"), undeclared="archive")
    git.commit()
    write_project(git.folder, entry("one"), undeclared="archive")
    assert attribution_by_key(halo, "--base", "main", "--allow-archive", "2") == {
        "The two": "branch",
        "The three": "before",
    }


def test_the_project_file_of_a_base_is_found_as_in_the_checkout(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_project(git.folder, name="halo.yaml", include='["team/*.yaml"]')
    (git.folder / "team").mkdir()
    (git.folder / "team" / "a.yaml").write_text("schedules:\n" + entry("one"))
    (git.folder / "team" / "b.yaml").symlink_to("a.yaml")  # one file, however often it is named
    git.commit()
    os.chdir(git.folder / "team")
    assert attribution_by_key(halo, "--base", "main") == {"one": "before"}
    assert attribution_by_key(halo, "--base", "main", "--file", "../halo.yaml") == {"one": "before"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.chdir(elsewhere)
    assert attribution_by_key(halo, "--base", "main", "--file", str(git.folder / "halo.yaml")) == {"one": "before"}


def test_a_file_that_the_branch_puts_nearer_does_not_escape_the_policy(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"), protect="[The *]")
    git.commit()
    write_project(git.folder, entry("one"), name="below/halo.yaml")
    os.chdir(git.folder / "below")
    ended = halo("plan", "--sandbox", "--base", "main")
    assert ended.code == 3
    assert "policy: `protect` drops 'The *', which main has" in ended.out


def test_every_change_of_a_new_project_file_is_the_branchs(halo: CommandLine, git: Git) -> None:
    git.commit()
    write_project(git.folder, entry("one"))
    ended = halo("plan", "--sandbox", "--base", "main")
    assert ended.code == 0
    assert "  ! every change is attributed to this branch: main has no halo.yaml" in ended.out
    assert attribution_by_key(halo, "--base", "main") == {"one": "branch"}


def test_a_project_that_is_new_since_the_base_archives_nothing(halo: CommandLine, git: Git) -> None:
    git.commit()
    write_project(git.folder, *map(entry, ("one", "two")))
    halo("apply", "--sandbox", "--yes")
    write_project(git.folder, entry("one"), undeclared="archive")
    words = ("plan", "--sandbox", "--base", "main", "--json")
    refused = halo(*words)
    assert (refused.code, refused.json["changes"]) == (3, [])
    assert [each["message"] for each in refused.json["refusals"]] == [
        "`undeclared` is archive; halo.yaml does not exist at main"
    ]
    accepted = halo(*words, "--accept-policy-change")
    assert (accepted.code, [each["title"] for each in accepted.json["changes"]]) == (0, ["The two"])


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("halo.yaml", "sched.yaml"),
        ("old/halo.yaml", "new/halo.yaml"),
        ("below/halo.yaml", "halo.yaml"),
        ("halo.staging.yml", "below/live.yaml"),
    ],
)
def test_a_moved_project_file_keeps_its_policy(halo: CommandLine, git: Git, there: str, here: str) -> None:
    write_project(git.folder, entry("one"), entry("two"), name=there, protect="[The *]")
    git.commit()
    (git.folder / there).unlink()
    write_project(git.folder, entry("two"), name=here)
    git.commit()
    words = ("plan", "--sandbox", "--file", here, "--base", "HEAD^", "--json")
    refused = halo(*words)
    why = f"HEAD^ has no {here}, and its {there} was deleted; it may have been moved"
    assert (refused.code, [each["message"] for each in refused.json["refusals"]]) == (
        3,
        [f"the policy cannot be compared with the base's: {why}"],
    )
    assert [each["message"] for each in refused.json["warnings"]] == [
        f"every change is attributed to this branch: {why}"
    ]
    assert halo(*words, "--accept-policy-change").code == 0


def test_a_link_that_is_left_where_a_project_file_was_does_not_hide_that_it_moved(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"), protect="[The *]")
    git.commit()
    write_project(git.folder, entry("one"), name="sched.yaml")
    (git.folder / "halo.yaml").unlink()
    (git.folder / "halo.yaml").symlink_to("sched.yaml")
    assert halo("plan", "--sandbox", "--file", "sched.yaml", "--base", "main").code == 3


def test_a_branch_may_add_a_new_environment(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"), protect="[The *]")
    write_project(git.folder, entry("one"), name="halo.staging.yaml", protect="[The *]")
    (git.folder / "included.yaml").write_text("schedules: {}\n")
    (git.folder / "logging.yaml").write_text("version: 1\nformatters: {}\n")
    (git.folder / "compose.yaml").write_text("version: '3'\ninclude: [other.yaml]\nservices: {}\n")
    (git.folder / "chart.yaml").write_text("{{ no YAML }}: version: 1\n")
    git.commit()
    for gone in ("included.yaml", "logging.yaml", "compose.yaml", "chart.yaml"):
        (git.folder / gone).unlink()
    write_project(git.folder, entry("one"), name="halo.dev.yaml")
    document = halo("plan", "--sandbox", "--base", "main", "--file", "halo.dev.yaml", "--json")
    assert (document.code, document.json["refusals"]) == (0, [])
    assert [each["message"] for each in document.json["warnings"]] == [
        "every change is attributed to this branch: main has no halo.dev.yaml"
    ]


@pytest.mark.parametrize("broken", ["protect: true\n", "a: b: c\n"], ids=["policy", "YAML"])
def test_an_unreadable_policy_of_a_base_is_only_fixed_if_accepted(halo: CommandLine, git: Git, broken: str) -> None:
    write_project(git.folder, entry("one"))
    with (git.folder / "halo.yaml").open("a") as file:
        file.write(broken)
    git.commit()
    write_project(git.folder, entry("one"))
    ended = halo("plan", "--sandbox", "--base", "main")
    assert ended.code == 3
    assert "policy: the policy cannot be compared with the base's: main's project file has problems: " in ended.out
    assert halo("plan", "--sandbox", "--base", "main", "--accept-policy-change").code == 0


BROKEN = {
    "an unknown key": "nonsense: true\n",
    "an entry": "  two: {title: Two, agent: checkout, frequency: hourly, hours: 9}\n",
    "a key twice": "  one: {title: One, state: archived}\n",
    "a prompt file": "  two: {title: Two, agent: checkout, frequency: hourly, prompt_file: gone.md}\n",
    "an include": "include: [gone/*.yaml]\n",
    "a default": "defaults: {timezone: Mars/Olympus}\n",
    "a conflict in a prompt": "  two:\n    prompt: |\n<<<<<<< HEAD\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_the_policy_of_a_base_with_problems_still_counts(halo: CommandLine, git: Git, broken: str) -> None:
    write_project(git.folder, entry("one"), protect="[The *]")
    fine = (git.folder / "halo.yaml").read_text()
    (git.folder / "halo.yaml").write_text(fine + broken)
    git.commit()
    (git.folder / "halo.yaml").write_text(fine)
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    if "<<<" in broken:  # which cannot be read at all
        assert ended.code == 3
        return
    assert (ended.code, [each["share"] for each in ended.json["changes"]]) == (0, ["branch"])
    (warning,) = ended.json["warnings"]
    assert warning["message"].startswith(
        "every change is attributed to this branch: main's project file has problems: "
    )
    (git.folder / "halo.yaml").write_text(fine.replace("protect: [The *]\n", ""))
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, [each["message"] for each in ended.json["refusals"]]) == (
        3,
        ["`protect` drops 'The *', which main has"],
    )


@pytest.mark.parametrize(
    ("here", "code"), [("{agents: [checkout]}", 0), ("{agents: [checkout, research]}", 3), ("{title_prefix: The}", 3)]
)
def test_an_agent_that_is_gone_may_leave_the_scope(halo: CommandLine, git: Git, here: str, code: int) -> None:
    write_project(git.folder, entry("one"), scope="{agents: [checkout, gone]}")
    git.commit()
    write_project(git.folder, entry("one"), scope=here)
    assert halo("plan", "--sandbox", "--base", "main").code == code


@pytest.mark.parametrize("field", ["title", "agent", "timezone", "id"])
def test_a_variable_that_only_the_base_reads_need_not_be_set(halo: CommandLine, git: Git, field: str) -> None:
    text = {"title": "The ${NAME}", "agent": "${NAME}", "timezone": "${NAME}", "id": "${NAME}"}[field]
    there = entry("two").replace("The two" if field == "title" else "checkout" if field == "agent" else "\0", text)
    there += "" if field in {"title", "agent"} else f"    {field}: ${{NAME}}\n"
    write_project(git.folder, entry("one"), there, protect="[The *]")
    git.commit()
    write_project(git.folder, entry("one"), entry("two"), protect="[The *]")
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, ended.json["refusals"]) == (0, [])
    shares = {change["key"]: change["share"] for change in ended.json["changes"]}
    assert shares == {"one": "branch" if field == "timezone" else "before", "two": "branch"}


# Policy -------------------------------------------------------------------------------------------------------------

LOOSENINGS = {
    "protect": ({"protect": "[A, B]"}, {"protect": "[B]"}, "`protect` drops 'A', which main has"),
    "undeclared": ({}, {"undeclared": "archive"}, "`undeclared` is archive; at main it is report"),
    "undeclared no longer an error": (
        {"undeclared": "error"},
        {},
        "`undeclared` is report; at main it is error",
    ),
    "undeclared archived rather than an error": (
        {"undeclared": "error"},
        {"undeclared": "archive"},
        "`undeclared` is archive; at main it is error",
    ),
    "project": (
        {"project": "one"},
        {"project": "two"},
        "`project` is two; at main it is one",
    ),
    "project left out": ({"project": "one"}, {}, "`project` is not set; at main it is one"),
    "all agents": (
        {"scope": "{agents: [checkout]}"},
        {},
        f"`scope` includes every agent; at main it includes only {CHECKOUT}",
    ),
    "more agents": (
        {"scope": "{agents: [checkout]}"},
        {"scope": "{agents: [checkout, research]}"},
        f"`scope` includes {RESEARCH}; at main it includes only {CHECKOUT}",
    ),
    "the same alias for another agent": (
        {"scope": "{agents: [mine]}", "agents": "{mine: checkout}"},
        {"scope": "{agents: [mine]}", "agents": "{mine: research}"},
        f"`scope` includes {RESEARCH}; at main it includes only {CHECKOUT}",
    ),
    "all titles": (
        {"scope": '{title_prefix: "The "}'},
        {},
        "`scope` includes every title; at main only those that start with 'The '",
    ),
    "other titles": (
        {"scope": '{title_prefix: "The one"}'},
        {"scope": '{title_prefix: "The "}'},
        "`scope` includes titles that start with 'The '; at main only those that start with 'The one'",
    ),
}


@pytest.mark.parametrize(("before", "after", "message"), LOOSENINGS.values(), ids=LOOSENINGS)
def test_a_loosening_is_refused_until_it_is_accepted(
    halo: CommandLine, git: Git, before: dict[str, str], after: dict[str, str], message: str
) -> None:
    write_project(git.folder, **before)
    git.commit()
    write_project(git.folder, **after)
    refused = halo("plan", "--sandbox", "--base", "main", "--json")
    refusals = [(each["guard"], each["message"], each["override"]) for each in refused.json["refusals"]]
    assert (refused.code, refusals) == (3, [("policy", message, "--accept-policy-change")])
    accepted = halo("plan", "--sandbox", "--base", "main", "--accept-policy-change", "--json")
    assert (accepted.code, accepted.json["refusals"]) == (0, [])


@pytest.mark.parametrize(
    ("before", "after", "guards"),
    [
        ({"project": "one"}, {"project": "two"}, ["policy"]),
        ({"protect": "1"}, {}, ["policy"]),
        ({"protect": "[A]"}, {}, ["policy", "saved-plan"]),
    ],
    ids=["project", "base unreadable", "protect"],
)
def test_a_plan_saved_with_a_loosening_is_not_applied_until_that_is_accepted(
    halo: CommandLine, git: Git, before: dict[str, str], after: dict[str, str], guards: list[str]
) -> None:
    write_project(git.folder, **before)
    git.commit()
    write_project(git.folder, entry("one"), **after)
    assert halo("plan", "--sandbox", "--base", "main", "--out", "plan.json").code == 3
    refused = halo("apply", "plan.json", "--sandbox", "--yes", "--json")
    assert (refused.code, [each["guard"] for each in refused.json["plan"]["refusals"]]) == (3, guards)
    assert refused.json["plan"]["refusals"][0]["override"] == "run `halo plan` again with --accept-policy-change"
    words = ("--base", "main", "--accept-policy-change", "--out", "plan.json")
    assert halo("plan", "--sandbox", *words).code == 0
    assert halo("apply", "plan.json", "--sandbox", "--yes").code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"protect": "[A]"}, {"protect": "[B, A]"}),
        ({"undeclared": "archive"}, {}),
        ({"undeclared": "archive"}, {"undeclared": "error"}),
        ({}, {"undeclared": "error"}),
        ({}, {"project": "one"}),
        ({}, {"scope": "{agents: [checkout]}"}),
        ({"scope": "{agents: [checkout, research]}"}, {"scope": '{agents: [research], title_prefix: "The"}'}),
        ({"scope": '{title_prefix: "The"}'}, {"scope": '{title_prefix: "The one"}'}),
        ({"scope": "{agents: [mine]}", "agents": "{mine: checkout}"}, {"scope": "{agents: [checkout]}"}),
    ],
)
def test_a_branch_may_tighten_policy(
    halo: CommandLine, git: Git, before: dict[str, str], after: dict[str, str]
) -> None:
    write_project(git.folder, **before)
    git.commit()
    write_project(git.folder, **after)
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, ended.json["refusals"]) == (0, [])


def test_the_stricter_policy_holds_until_the_change_is_accepted(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, *map(entry, ("one", "two", "three", "four")))
    halo("apply", "--sandbox", "--yes")
    write_project(
        git.folder, *map(entry, ("one", "two", "three")), protect="[The three]", scope='{title_prefix: "The t"}'
    )
    text = (git.folder / "halo.yaml").read_text()
    (git.folder / "halo.yaml").write_text(text.replace(entry("one"), ""))
    git.commit()
    write_project(git.folder, *map(entry, ("one", "two")), undeclared="archive")
    document = halo("plan", "--sandbox", "--base", "main", "--json").json
    assert document["changes"] == []
    assert [each["key"] for each in document["blocked"]] == ["one"]
    assert document["policy"] == {
        "undeclared": "report",
        "scope_agents": None,
        "title_prefix": "The t",
        "protect": ["The three"],
    }
    assert [each["title"] for each in document["undeclared"]] == ["The three"]
    accepted = halo("plan", "--sandbox", "--base", "main", "--accept-policy-change", "--allow-archive", "2", "--json")
    assert {change["title"] for change in accepted.json["changes"]} == {"The three", "The four"}


def test_disjoint_scopes_leave_nothing_to_do(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, scope='{title_prefix: "A "}')
    git.commit()
    write_project(git.folder, entry("one", "B one"), scope='{title_prefix: "B "}')
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, ended.json["changes"]) == (1, [])
    assert [each["key"] for each in ended.json["blocked"]] == ["one"]


def test_accept_policy_change_requires_a_base(halo: CommandLine, git: Git) -> None:
    write_project(git.folder, entry("one"))
    ended = halo("plan", "--sandbox", "--accept-policy-change")
    assert (ended.code, ended.out) == (64, "")


# What tightens ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["option", "environment"])
def test_command_line_and_environment_tighten(halo: CommandLine, folder: Path, way: str) -> None:
    write_project(folder, *map(entry, ("one", "two", "three")), undeclared="archive", protect="[The one]")
    halo("apply", "--sandbox", "--yes")
    write_project(folder, *map(entry, ("one", "two")), undeclared="archive", protect="[The one]")
    by_option = ("--protect", "The th*", "--protect", "Other, title")
    words, env = (by_option, {}) if way == "option" else ((), {"HALO_PROTECT": "The th*\n\n  Other, title  \n"})
    protected = halo("plan", "--sandbox", "--json", *words, **env)
    assert protected.code == 3
    assert protected.json["policy"]["protect"] == ["The one", "The th*", "Other, title"]
    assert [each["guard"] for each in protected.json["refusals"]] == ["protected"]
    words, env = (("--undeclared", "report"), {}) if way == "option" else ((), {"HALO_UNDECLARED": "report"})
    reported = halo("apply", "--sandbox", "--yes", "--json", *words, **env)
    assert (reported.code, reported.json["plan"]["changes"]) == (0, [])
    assert reported.json["plan"]["policy"]["undeclared"] == "report"


STRICTEST = [
    ("archive", (), {}, "archive"),
    ("archive", ("--undeclared", "error"), {}, "error"),
    ("archive", (), {"HALO_UNDECLARED": "error"}, "error"),
    ("archive", ("--undeclared", "report"), {"HALO_UNDECLARED": "error"}, "error"),
    ("report", ("--undeclared", "error"), {"HALO_UNDECLARED": "report"}, "error"),
    ("error", ("--undeclared", "report"), {}, "error"),
    ("error", (), {"HALO_UNDECLARED": "report"}, "error"),
    ("error", ("--undeclared", "report"), {"HALO_UNDECLARED": "report", "HALO_PROTECT": "A"}, "error"),
]


@pytest.mark.parametrize(("written", "words", "env", "policy"), STRICTEST)
def test_the_strictest_policy_for_undeclared_schedules_holds(
    halo: CommandLine, folder: Path, written: str, words: tuple[str, ...], env: dict[str, str], policy: str
) -> None:
    write_project(folder, entry("one"), undeclared=written)
    assert halo("plan", "--sandbox", "--json", *words, **env).json["policy"]["undeclared"] == policy


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_only_an_edit_of_the_policy_loosens_it(halo: CommandLine, folder: Path, command: str) -> None:
    write_project(folder, entry("one"))
    by_option = halo(command, "--sandbox", "--undeclared", "archive")
    assert by_option.code == 64
    assert by_option.err == (
        "error: --undeclared archive: the command line can only tighten the policy\n"
        "hint: use `report` or `error`, or edit `undeclared:` in the project file\n"
    )
    by_environment = halo(command, "--sandbox", HALO_UNDECLARED="archive")
    assert by_environment.code == 1
    assert by_environment.err.startswith(
        "error: HALO_UNDECLARED is 'archive': the environment can only tighten the policy\n"
    )
    assert halo(command, "--sandbox", "--protect", " ").code == 64


def test_a_saved_plan_names_the_options_that_tightened_it(halo: CommandLine, folder: Path) -> None:
    write_project(folder, entry("one"))
    ended = halo("plan", "--sandbox", "--out", "plan.json", "--protect", "The one", "--undeclared", "report")
    words = "halo apply plan.json --protect 'The one' --undeclared report --sandbox"
    assert f"To apply it, run `{words}`." in ended.err
    assert halo("apply", "plan.json", "--sandbox", "--yes").code == 3
    assert halo(*words.replace("'The one'", "The_one").split()[1:], "--yes", HALO_PROTECT="The one").code == 3
    assert halo("apply", "plan.json", "--sandbox", "--yes", "--protect", "The one").code == 0


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nope", "error: no branch, tag or commit is named 'nope'\n"),
        ("-nope", "error: '-nope' is not a valid name of a branch or commit\n"),
        ("--help", "error: '--help' is not a valid name of a branch or commit\n"),
        ("main..feature", "error: 'main..feature' is not a valid name of a branch or commit\n"),
        ("a b", "error: 'a b' is not a valid name of a branch or commit\n"),
        ("\x1b[31m", r"error: '\x1b[31m' is not a valid name of a branch or commit" + "\n"),
        ("", "error: '' is not a valid name of a branch or commit\n"),
    ],
)
def test_an_invalid_base_is_an_error(halo: CommandLine, git: Git, ref: str, message: str) -> None:
    write_project(git.folder, entry("one"))
    git.commit()
    for ended in (
        halo("plan", "--sandbox", f"--base={ref}"),
        halo("plan", "--sandbox", f"--base={ref}", "--out", "plan.json"),
    ):
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(message)
        assert "hint: " in ended.err
    assert not (git.folder / "plan.json").exists()


def test_a_base_missing_from_a_shallow_clone_is_an_error(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_project(git.folder, entry("one"))
    first = git.commit()
    git.commit()
    clone = git.clone(tmp_path / "clone", "--depth=1")
    os.chdir(clone.folder)
    assert attribution_by_key(halo, "--base", "origin/main") == {"one": "before"}
    release = "+release:refs/remotes/origin/release"
    for ref, how in {
        first: f"fetch it with `git fetch --depth=1 origin {first}`",
        "origin/release": f"fetch it with `git fetch --depth=1 origin {release}`, and use origin/release",
        "release": f"fetch it with `git fetch --depth=1 origin {release}`, and use origin/release",
        "HEAD~1": "fetch its history with `git fetch --deepen=100`, or all of it with `git fetch --unshallow`",
    }.items():
        ended = halo("plan", "--sandbox", "--base", ref)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == f"error: no branch, tag or commit is named '{ref}'\nhint: {how}; this clone is shallow\n"
    git("branch", "release", first)
    clone("fetch", "--depth=1", "--quiet", "origin", release)
    assert attribution_by_key(halo, "--base", "origin/release") == {"one": "before"}


def test_a_base_outside_a_repository_is_an_error(halo: CommandLine, folder: Path) -> None:
    shutil.rmtree(folder.parent / ".git")
    write_project(folder, entry("one"))
    ended = halo("plan", "--sandbox", "--base", "main")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {folder} is not in a git repository")
    assert ended.err.endswith("hint: remove --base and --require-head outside a git repository\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [("/nowhere", "git was not found on PATH"), (".", "git on PATH is ./git, a relative path")],
)
def test_a_base_without_git_on_path_is_an_error(halo: CommandLine, git: Git, path: str, message: str) -> None:
    write_project(git.folder, entry("one"))
    git.commit()
    planted = git.folder / "git"
    planted.write_text("#!/bin/sh\ntouch ran\n")
    planted.chmod(0o755)
    ended = halo("plan", "--sandbox", "--base", "main", PATH=path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {message}\n")
    assert not (git.folder / "ran").exists()


def test_a_detached_head_plans_and_applies_as_any_other(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_project(git.folder, entry("one"))
    git.commit()
    clone = git.clone(tmp_path / "clone")
    clone("switch", "--quiet", "--detach")
    os.chdir(clone.folder)
    assert attribution_by_key(halo, "--base", "HEAD") == {"one": "before"}
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main").code == 0


def test_git_runs_no_code_of_the_checkout_and_gets_no_key(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    ran, program = tmp_path / "ran", shutil.which("git")
    evil = f"touch {ran}; cat"
    write_project(git.folder, entry("one"))
    (git.folder / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git.commit()
    for name in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor", "core.pager"):
        git("config", name, evil)
    for hook in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        path = git.folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{evil}\n")
        path.chmod(0o755)
    ran.unlink(missing_ok=True)  # what `git config` may have run is its own affair
    seen = tmp_path / "bin" / "git"
    seen.parent.mkdir()
    seen.write_text(f'#!/bin/sh\nenv >> {tmp_path / "env"}\nexec {program} "$@"\n')
    seen.chmod(0o755)
    ended = halo(
        *("plan", "--sandbox", "--base", "main"), INF_API_KEY="sk-inference-canary", PATH=f"{seen.parent}:/usr/bin:/bin"
    )
    assert ended.code == 0
    assert not ran.exists()
    assert "canary" not in (tmp_path / "env").read_text()


# --require-head -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(git: Git, tmp_path: Path) -> Git:
    """Return a clone of a repository with a project file, and go there."""
    write_project(git.folder, entry("one"))
    git.commit()
    clone = git.clone(tmp_path / "clone")
    os.chdir(clone.folder)
    return clone


REFS = ["main", "origin/main", "refs/heads/main", "refs/remotes/origin/main"]


@pytest.mark.parametrize("ref", REFS)
def test_a_checkout_that_is_the_newest_may_apply(halo: CommandLine, clone: Git, ref: str) -> None:
    assert clone.folder == Path.cwd()
    assert halo("apply", "--sandbox", "--yes", "--require-head", ref).code == 0


@pytest.mark.parametrize("ref", REFS)
def test_a_checkout_that_is_behind_changes_nothing(halo: CommandLine, git: Git, clone: Git, ref: str) -> None:
    here, there = clone("rev-parse", "HEAD")[:12], git.commit("newer")[:12]
    ended = halo("apply", "--sandbox", "--yes", "--require-head", ref)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        f"error: HEAD is {here}, but origin/main is now at {there}, so nothing was changed\n"
        "hint: apply from the newest commit, or remove --require-head\n"
    )
    assert schedules(halo) == []


def test_a_checkout_that_is_ahead_is_to_be_pushed_first(halo: CommandLine, git: Git, clone: Git) -> None:
    there, here = clone("rev-parse", "HEAD")[:12], clone.commit("not pushed")[:12]
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        f"error: HEAD is {here}, which is ahead of origin/main at {there}, so nothing was changed\n"
        "hint: push or merge it first, or remove --require-head\n"
    )
    theirs = git.commit("somebody else's")[:12]
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert f"but origin/main is now at {theirs}, so nothing was changed" in ended.err


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nope", "the remote 'origin' has no branch 'nope'"),
        ("-nope", "'-nope' is not a valid name of a branch or commit"),
    ],
)
def test_a_required_head_that_is_missing_is_an_error(halo: CommandLine, clone: Git, ref: str, message: str) -> None:
    assert clone.folder == Path.cwd()
    ended = halo("apply", "--sandbox", "--yes", f"--require-head={ref}")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {message}\n")


def test_a_missing_or_silent_remote_is_an_error(halo: CommandLine, git: Git, clone: Git) -> None:
    shutil.rmtree(git.folder)
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: the remote 'origin' did not answer: ")
    assert "fatal:" not in ended.err
    clone("remote", "remove", "origin")
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert ended.err.startswith("error: this repository has no remote\n")
