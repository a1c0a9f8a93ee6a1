"""Project files → Project: layers, includes, prompts, variables, environments, and where every value stands."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest
from project_files import write_files

from halo_iac.errors import ProjectError
from halo_iac.load import files as globs
from halo_iac.load import files as reader
from halo_iac.load import load, load_head
from halo_iac.load.files import DiskFiles
from halo_iac.model import schedule as defaults
from halo_iac.model.project import Origin, Project, Scope, Source, UndeclaredPolicy
from halo_iac.model.schedule import FIELDS, Cadence, Spec

EVERYTHING = """\
# yaml-language-server: $schema=./halo.schema.json
version: 1
project: 2f6c1c5e
undeclared: archive
scope:
  agents: [checkout]
  title_prefix: "Checkout: "
protect: ["Checkout: nightly*"]
include: [schedules/*.yaml]
agents: {checkout: 6f1e2a9c}
defaults: {timezone: America/Los_Angeles, lookback_hours: 48}
overrides: {enabled: false}
schedules:
  weekly-review:
    title: "Checkout: weekly review"
    agent: checkout
    frequency: weekly
    days_of_week: [thu, 1]
    hours: 9
    minutes: [30, 0, 30]
    prompt: |
      Look for errors.

    model_id: m1
    summarization_model_id: m2
    span_limit: 20000
    lookback: 7d
    max_subagent_depth: 2
    max_turns: 40
    enabled: true
    state: active
    renamed_from: Old title
    id: 0b9d6c1e
"""
INCLUDED = """\
# Kept by the checkout team
schedules:
  hourly:
    title: "Checkout: hourly"
    agent: checkout
    cron: "*/30 * * * *"
    prompt_file: prompts/hourly.md
  gone: {title: "Checkout: gone", state: archived, prompt_file: prompts/gone.md}
"""


def load_project(folder: Path, text: str, **variables: str) -> Project:
    return load(Path("halo.yaml"), variables=variables, cwd=write_files(folder, {"halo.yaml": text}))


@pytest.fixture
def everything(tmp_path: Path) -> Project:
    files = {
        "halo.yaml": EVERYTHING,
        "schedules/team.yaml": INCLUDED,
        "schedules/prompts/hourly.md": "\ufeffLook at\r\nthe last hour.  \r\n\r\n",
    }
    return load(Path("halo.yaml"), variables={}, cwd=write_files(tmp_path, files))


def test_the_example_of_the_design_loads_whole(everything: Project) -> None:
    assert everything.entries[0].spec == Spec(
        title="Checkout: weekly review",
        agent="checkout",
        frequency="weekly",
        days_of_week=(1, 4),
        days_of_month=(),
        hours=(9,),
        minutes=(0, 30),
        timezone="America/Los_Angeles",
        prompt="Look for errors.",
        model_id="m1",
        summarization_model_id="m2",
        span_limit=20000,
        lookback_hours=168,
        max_subagent_depth=2,
        max_turns=40,
        enabled=False,
    )
    assert [(entry.key, entry.renamed_from, entry.id, entry.is_retired) for entry in everything.entries] == [
        ("weekly-review", ("Old title",), "0b9d6c1e", False),
        ("hourly", (), None, False),
        ("gone", (), None, True),
    ]


def test_policy_and_aliases_are_read(everything: Project) -> None:
    assert (everything.path, everything.project_id, everything.undeclared) == (
        "halo.yaml",
        "2f6c1c5e",
        UndeclaredPolicy.ARCHIVE,
    )
    assert everything.scope == Scope(("checkout",), "Checkout: ")
    assert (everything.protect, everything.aliases) == (("Checkout: nightly*",), {"checkout": "6f1e2a9c"})


def test_policy_keys_say_where_they_are_written(everything: Project) -> None:
    keys = ("project", "scope", "scope.agents", "scope.title_prefix", "protect", "agents.checkout", "undeclared")
    assert [str(everything.origin(key)) for key in keys] == [f"halo.yaml:{line}" for line in (3, 5, 6, 7, 8, 10, 4)]


def test_an_included_entry_takes_its_prompt_from_beside_its_own_file(everything: Project) -> None:
    spec = everything.entries[1].spec
    assert spec is not None
    assert spec.prompt == "Look at\nthe last hour."
    assert spec.cadence == Cadence("hourly", (), (), (), (0, 30), "America/Los_Angeles")


def test_a_retired_entry_needs_no_more_than_its_title(everything: Project) -> None:
    entry = everything.entries[2]
    assert (entry.title, entry.spec, entry.is_retired) == ("Checkout: gone", None, True)


def test_every_field_says_which_layer_decided_it(everything: Project) -> None:
    origins = everything.entries[0].origins
    assert {field: str(origins.of(field)) for field in FIELDS if field not in {"model_id", "span_limit"}} == {
        "title": "halo.yaml:15",
        "agent": "halo.yaml:16",
        "frequency": "halo.yaml:17",
        "days_of_week": "halo.yaml:18",
        "days_of_month": "built-in default",
        "hours": "halo.yaml:19",
        "minutes": "halo.yaml:20",
        "timezone": "halo.yaml:11 (defaults)",
        "prompt": "halo.yaml:21",
        "summarization_model_id": "halo.yaml:25",
        "lookback_hours": "halo.yaml:27",
        "max_subagent_depth": "halo.yaml:28",
        "max_turns": "halo.yaml:29",
        "enabled": "halo.yaml:12 (overrides)",
    }
    assert origins.entry == Origin(Source.ENTRY, "halo.yaml", 14, 3)


def test_fields_of_a_cron_expression_and_a_prompt_file_say_so_too(everything: Project) -> None:
    origins = everything.entries[1].origins
    assert {field: str(origins.of(field)) for field in ("frequency", "minutes", "prompt", "span_limit")} == {
        "frequency": "schedules/team.yaml:6",
        "minutes": "schedules/team.yaml:6",
        "prompt": "schedules/prompts/hourly.md:1",
        "span_limit": "built-in default",
    }


def test_omitted_fields_have_the_documented_defaults(tmp_path: Path) -> None:
    project = load_project(tmp_path, "version: 1\nschedules: {a: {title: T, agent: x, frequency: daily, hours: 9}}")
    assert project.entries[0].spec == Spec(
        title="T",
        agent="x",
        frequency="daily",
        days_of_week=(),
        days_of_month=(),
        hours=(9,),
        minutes=(0,),
        timezone="UTC",
        prompt=defaults.PROMPT,
        model_id=None,
        summarization_model_id=None,
        span_limit=10_000,
        lookback_hours=24,
        max_subagent_depth=3,
        max_turns=50,
        enabled=None,
    )


def test_a_project_without_schedules_is_one(tmp_path: Path) -> None:
    assert load_project(tmp_path, "version: 1\nschedules: {}").entries == ()


def test_two_spellings_are_one_field_across_layers(tmp_path: Path) -> None:
    text = (
        "version: 1\ndefaults: {agent: x, lookback_hours: 5, prompt_file: p.md}\noverrides: {lookback: 2d}\n"
        "schedules: {a: {title: T, frequency: hourly, lookback_hours: 7, prompt: mine}}"
    )
    write_files(tmp_path, {"p.md": "theirs"})
    entry = load_project(tmp_path, text).entries[0]
    assert entry.spec is not None
    assert (entry.spec.lookback_hours, entry.spec.prompt) == (48, "mine")
    assert str(entry.origins.of("lookback_hours")) == "halo.yaml:3 (overrides)"


def test_environments_share_included_files(tmp_path: Path) -> None:
    shared = "schedules:\n  a: {title: 'Review${SUFFIX:-}', agent: bot, cron: '@daily'}\n"
    head = "version: 1\ninclude: [shared/*.yaml]\nagents: {bot: %s}\n"
    write_files(
        tmp_path,
        {
            "shared/all.yaml": shared,
            "halo.yaml": head % "prod-bot",
            "halo.staging.yaml": head % "staging-bot" + "overrides: {enabled: false, agent: other}\n",
        },
    )
    production = load(Path("halo.yaml"), variables={}, cwd=tmp_path)
    staging = load(Path("halo.staging.yaml"), variables={"HALO_VAR_SUFFIX": " (staging)"}, cwd=tmp_path)
    specs = [project.entries[0].spec for project in (production, staging)]
    assert [(spec.title, spec.agent, spec.enabled) for spec in specs if spec] == [
        ("Review", "bot", None),
        ("Review (staging)", "other", False),
    ]
    assert str(staging.entries[0].origins.of("enabled")) == "halo.staging.yaml:4 (overrides)"
    assert (production.aliases, staging.aliases) == ({"bot": "prod-bot"}, {"bot": "staging-bot"})


def test_a_file_included_twice_is_loaded_once_and_in_order_of_name(tmp_path: Path) -> None:
    body = "schedules: {%s: {title: %s, agent: x, cron: '@daily'}}"
    names = ("s/b", "s/a", "s/deep/er/c", "s/.hidden/d", "z")
    write_files(tmp_path, {f"{name}.yaml": body % (name[-1], name[-1]) for name in names})
    (tmp_path / "s" / "link.yaml").symlink_to(tmp_path / "s" / "a.yaml")
    (tmp_path / "s" / "circle").symlink_to(tmp_path / "s")
    project = load_project(tmp_path, "version: 1\ninclude: [z.yaml, 's/*.yaml', 's/**/[a-c].yaml', '**/*.yaml']")
    assert [entry.key for entry in project.entries] == ["z", "a", "b", "c"]


def test_paths_are_shown_relative_to_the_working_directory(tmp_path: Path) -> None:
    write_files(tmp_path, {"project/halo.yaml": "version: 3\nschedules: {}\n", "elsewhere/x": ""})
    with pytest.raises(ProjectError) as raised:
        load(tmp_path / "project" / "halo.yaml", variables={}, cwd=tmp_path / "elsewhere")
    assert raised.value.message.startswith("../project/halo.yaml:1:10: ")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("${A}", "1"),
        ("a ${A}-${B_2} z", "a 1-two z"),
        ("${NONE:-fall back}", "fall back"),
        ("x${EMPTY:-}y", "xy"),
        ("${EMPTY:-f}", "f"),
        ("${A:-f}", "1"),
        ("$$ $${A} $5 a$", "$ ${A} $5 a$"),
        ("${INNER}", "${A}"),
        ("${HALO_VAR_C}", "c"),
    ],
)
def test_variables_stand_for_their_values(tmp_path: Path, title: str, expected: str) -> None:
    variables = {
        "HALO_VAR_A": "1",
        "HALO_VAR_B_2": "two",
        "HALO_VAR_EMPTY": "",
        "HALO_VAR_INNER": "${A}",
        "HALO_VAR_HALO_VAR_C": "c",
        "NONE": "no",
    }
    text = f"version: 1\nschedules:\n  a: {{title: '{title}', agent: x, cron: '@daily'}}\n"
    assert load_project(tmp_path, text, **variables).entries[0].title == expected


def test_variables_are_read_in_every_string_of_an_entry_but_not_in_prompts_and_policy(tmp_path: Path) -> None:
    text = (
        "version: 1\nprotect: ['${V}']\ndefaults: {timezone: '${TZ}', model_id: '${V}'}\nschedules:\n"
        "  a: {title: T, agent: '${V}', frequency: '${F}', days_of_week: ['${D}'], at: '${AT}', lookback: '${L}',"
        " prompt: 'costs ${V}', renamed_from: ['${V}'], id: '${V}', state: '${S:-active}'}\n"
    )
    variables = {"V": "v", "TZ": "Asia/Tokyo", "F": "weekly", "D": "mon", "AT": "09:30", "L": "2d"}
    project = load_project(tmp_path, text, **{f"HALO_VAR_{name}": value for name, value in variables.items()})
    entry = project.entries[0]
    assert entry.spec is not None
    assert (entry.spec.agent, entry.spec.model_id, entry.spec.prompt, entry.spec.lookback_hours) == (
        "v",
        "v",
        "costs ${V}",
        48,
    )
    assert entry.spec.cadence == Cadence("weekly", (1,), (), (9,), (30,), "Asia/Tokyo")
    assert (entry.renamed_from, entry.id, project.protect) == (("v",), "v", ("${V}",))


def test_entries_may_share_fields_by_merge_keys(tmp_path: Path) -> None:
    text = (
        "version: 1\nschedules:\n  a: &a\n    title: A\n    agent: x\n    cron: '@daily'\n"
        "  b:\n    <<: *a\n    title: B\n"
    )
    entry = load_project(tmp_path, text).entries[1]
    assert (entry.title, str(entry.origins.of("title")), str(entry.origins.of("agent"))) == (
        "B",
        "halo.yaml:9",
        "halo.yaml:5",
    )


def test_a_project_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_FILES", 3)
    files = {f"s/{name}.yaml": "schedules: {}" for name in "abcd"}
    write_files(tmp_path, files)
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\ninclude: ['s/[a-c].yaml', 's/d.yaml']\n")
    message = "too many files: a project may have at most 3"
    assert raised.value.message == f"halo.yaml:2:11: `s/c.yaml`: {message}"  # and not once more for each other file


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        ("MAX_FILES", 3, "too many files: a project may have at most 3"),
        ("MAX_TOTAL", 500, "too large: a project's files may have at most 0 MiB in all"),
    ],
)
def test_a_project_wide_limit_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, message: str
) -> None:
    monkeypatch.setattr(reader, bound, value)
    entry = "  {0}: {{title: {0}, agent: x, cron: '@daily', prompt_file: {0}.md}}\n"
    write_files(tmp_path, {f"{key}.md": "Look. " * 20 for key in "abcdef"})
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\nschedules:\n" + "".join(map(entry.format, "abcdef")))
    (problem,) = raised.value.problems
    assert problem.message.endswith(f".md`: {message}")


def test_a_glob_that_matches_too_many_files_reads_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_FILES", 3)
    write_files(tmp_path, {f"s/{name}.yaml": "not: read" for name in "abcd"})
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\ninclude: ['s/*.yaml']\n")
    message = "it matches more than 3 files, the most that a project may have"
    assert raised.value.message == f"halo.yaml:2:11: `s/*.yaml`: {message}"


def test_many_ways_to_one_file_do_not_count_as_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_FILES", 5)
    body = "schedules: {%s: {title: %s, agent: x, cron: '@daily'}}"
    names = [f"{folder}{number}" for folder in "ab" for number in "12"]
    write_files(tmp_path, {f"t/{name[0]}/x/y/z/schedules/{name}.yaml": body % (name, name) for name in names})
    project = load_project(tmp_path, "version: 1\ninclude: ['t/*/**/*/**/*.yaml']\n")
    assert [entry.key for entry in project.entries] == names


def test_no_depth_of_folders_is_too_much_for_a_glob(tmp_path: Path) -> None:
    folder = tmp_path / "/".join("d" * 200)
    folder.mkdir(parents=True)
    (folder / "deepest.yaml").touch()
    disk, limit = DiskFiles(), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)  # rather than a depth that not every system allows
    try:
        found = list(globs.matches(str(tmp_path), "d/**/*.yaml", disk, disk.children))
    finally:
        sys.setrecursionlimit(limit)
    assert found == [str(folder / "deepest.yaml")]


def test_the_walk_of_the_globs_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NAMES", 50)
    write_files(tmp_path, {"s/a.yaml": "schedules: {}"})
    for number in range(10):
        (tmp_path / f"circle{number}").symlink_to(tmp_path)
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\ninclude: [s/a.yaml, '*/*/*/*/*/*/a.yaml', '*/*/*/*/b.yaml']\n")
    message = "the globs look at more than 50 files and folders; name the folders they mean"
    assert raised.value.message == f"halo.yaml:2:21: `*/*/*/*/*/*/a.yaml`: {message}"


def test_all_files_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TOTAL", 60)
    write_files(tmp_path, {"a.yaml": "schedules: {}"})
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\ninclude: [a.yaml]\n# " + "x" * 20)
    assert (
        raised.value.message == "halo.yaml:2:11: `a.yaml`: too large: a project's files may have at most 0 MiB in all"
    )


def test_more_schedules_than_anyone_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_iac.load.loader.MAX_SCHEDULES", 1)
    with pytest.raises(ProjectError) as raised:
        load_project(tmp_path, "version: 1\nschedules: {a: {}, b: {}}")
    assert raised.value.message == "halo.yaml:2:1: more than 1 schedules in all"


def test_a_long_prompt_in_the_file_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as raised:
        load_project(
            tmp_path, f"version: 1\nschedules: {{a: {{title: T, agent: x, cron: '@daily', prompt: {'é' * 140_000}}}}}"
        )
    assert raised.value.message == "halo.yaml:2:61: the prompt is longer than 256 KiB"


def test_drafts_count_instead_of_what_is_on_disk(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": "schedules: {a: {title: Old, agent: x, cron: '@daily'}}"})
    drafts = {
        tmp_path / "halo.yaml": b"version: 1\ninclude: [a.yaml]\ndefaults: {prompt_file: new/p.md}\n",
        tmp_path / "a.yaml": b"schedules: {a: {title: New, agent: x, cron: '@daily'}}",
        tmp_path / "new" / "p.md": b"Look.\n",
    }
    (entry,) = load(tmp_path / "halo.yaml", variables={}, cwd=tmp_path, drafts=drafts).entries
    assert entry.spec is not None
    assert (entry.title, entry.spec.prompt) == ("New", "Look.")
    assert not (tmp_path / "halo.yaml").exists()


def test_a_draft_has_to_lie_inside_of_the_project_as_well(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "p").symlink_to(tmp_path)
    drafts = {
        tmp_path / "work" / "halo.yaml": b"version: 1\ndefaults: {prompt_file: p/p.md}\nschedules: {}\n",
        tmp_path / "work" / "p" / "p.md": b"Look.\n",
    }
    with pytest.raises(ProjectError) as raised:
        load(tmp_path / "work" / "halo.yaml", variables={}, cwd=tmp_path, drafts=drafts, checkout=tmp_path / "work")
    assert raised.value.message == "work/halo.yaml:2:25: `p/p.md`: a link leads outside the checkout"


def test_a_project_says_what_an_entry_means_that_says_nothing(tmp_path: Path) -> None:
    layers = "version: 1\nschedules: {}\ndefaults: {agent: x, lookback: 2d, max_turns: 9}\noverrides: {max_turns: 8}\n"
    expected = {**defaults.BUILT_IN, "agent": "x", "lookback_hours": 48, "max_turns": 8}
    assert load_project(tmp_path, layers).fallback == expected


UUID = "2f6c1c5e-0000-4000-8000-00000000000a"
HEADS = {
    "plain": ("version: 1\nproject: 2f6c1c5e\nschedules: {}\n", "2f6c1c5e"),
    "capitals": (f"project: {UUID.upper()}\nschedules: {{}}\n", UUID),
    "in quotes, with CR and a comment": ('# x\r\n"project": "2f6c1c5e" # y\r\nschedules:\r\n', "2f6c1c5e"),
    "includes alone": ("version: 1\ninclude: [a.yaml]\nproject: 2f6c1c5e\n", "2f6c1c5e"),
    "other problems are told later": ("version: 9\nproject: 2f6c1c5e\nscope: 3\nschedules: {a: 1}\n", "2f6c1c5e"),
    "unreadable schedules": ("version: 1\nproject: 2f6c1c5e\nschedules: {a: [}\n", "2f6c1c5e"),
    "missing": ("version: 1\nschedules: {}\n", None),
    "below the schedules": ("version: 1\nschedules: {}\nproject: 2f6c1c5e\n", None),
    "in a text": ("version: 1\ndefaults:\n  prompt: |\n    project: 2f6c1c5e\nschedules: {}\n", None),
    "twice": ("project: 2f6c1c5e\nproject: 2f6c1c5f\nschedules: {}\n", None),
    "a number": ("project: 12\nschedules: {}\n", None),
    "a list": ("project: [2f6c1c5e]\nschedules: {}\n", None),
    "a variable": ("project: ${HALO_VAR_PROJECT}\nschedules: {}\n", None),
    "broken": ("project: 2f6c1c5e\nscope: {\nschedules: {}\n", None),
    "cut in a text in quotes": ("project: 2f6c1c5e\ndefaults: {prompt: 'a\nschedules: b'}\n", None),
    "a list at the top": ("- project: 2f6c1c5e\n", None),
    "empty": ("", None),
    "too far down": (f"project: 2f6c1c5e\n#{'x' * 70_000}\nschedules: {{}}\n", None),
    "far down, and short": (f"project: 2f6c1c5e\nschedules: {{}}\n#{'x' * 70_000}\n", "2f6c1c5e"),
}


@pytest.mark.parametrize(("text", "project"), HEADS.values(), ids=HEADS)
def test_the_project_is_known_before_schedules_are_read(tmp_path: Path, text: str, project: str | None) -> None:
    path = tmp_path / "halo.yaml"
    path.write_bytes(text.encode())
    assert load_head(path, cwd=tmp_path, checkout=None) == Project("halo.yaml", (), project)


def test_a_head_that_cannot_be_read_names_no_project(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("project: 2f6c1c5e\nschedules: {}\n")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "link.yaml").symlink_to(outside)
    for name in ("link.yaml", "missing.yaml", "."):
        path = tmp_path / "checkout" / name
        assert load_head(path, cwd=tmp_path, checkout=tmp_path / "checkout").project_id is None
