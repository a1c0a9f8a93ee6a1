"""Several project files in one command: what ``-f`` names, and what ``validate`` says of them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from project_files import replace_in, write_project
from ruamel.yaml import YAML
from typer.core import TyperOption

from halo_iac.cli.app import built_command
from halo_iac.load.limits import MAX_PROJECTS

PROJECT = "2f6c1c5e-0000-4000-8000-00000000000{}"


def entry(title: str, at: str = "09:00") -> str:
    return f'{{title: {title}, agent: checkout, frequency: daily, at: "{at}", prompt: "What went wrong?"}}'


def write(path: Path, number: int | None = 1, **titles: str) -> None:
    """Write a project file for the project of a number with an entry for each title, by key."""
    project = {} if number is None else {"project": PROJECT.format(number)}
    write_project(
        path.parent, *(f"  {key}: {entry(title)}\n" for key, title in titles.items()), name=path.name, **project
    )


@pytest.fixture
def envs(folder: Path) -> Path:
    write(folder / "envs/prod/halo.yaml", 1, daily="Daily")
    write(folder / "envs/staging/halo.yaml", 2, daily="Daily")
    return folder


# Which files are named ----------------------------------------------------------------------------------------------

FINE = "{}: 1 schedule, no problems\n"
PROD, STAGING = "envs/prod/halo.yaml", "envs/staging/halo.yaml"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["envs/*/halo.yaml"], [PROD, STAGING]),
        (["envs/*/*.yaml"], [PROD, STAGING]),
        (["**/halo.yaml"], [PROD, STAGING]),
        (["./envs/p*/halo.y?ml"], [PROD]),
        (["envs/[!p]*/halo.yaml"], [STAGING]),
        ([STAGING, PROD], [STAGING, PROD]),
        ([STAGING, "envs/p*/halo.yaml"], [STAGING, PROD]),
        (["envs/prod/../*/halo.yaml"], [PROD, STAGING]),
        (["{cwd}/envs/*/halo.yaml"], ["{cwd}/" + PROD, "{cwd}/" + STAGING]),
    ],
)
def test_words_and_globs_name_files_in_order(halo: CommandLine, envs: Path, words: list[str], found: list[str]) -> None:
    files = [part for word in words for part in ("-f", word.format(cwd=envs))]
    message = [FINE.format(name.format(cwd=envs).removeprefix(f"{envs}/")) for name in found]
    assert (halo("validate", *files).out, halo("validate", *files).code) == ("".join(message), 0)


def test_hidden_folders_are_named_only_by_name(halo: CommandLine, envs: Path) -> None:
    write(envs / "envs/.old/halo.yaml", 1, daily="Daily")
    assert ".old" not in halo("validate", "-f", "envs/*/halo.yaml").out
    assert halo("validate", "-f", "envs/.old/*.yaml").code == 0


BAD: dict[str, tuple[list[str], int, str]] = {
    "no match": (["x/*.yaml"], 1, "x/*.yaml: no file matches\n"),
    "one of several missing": ([PROD, "gone.yaml", "x/*"], 1, "gone.yaml: no such file\nx/*: no file matches\n"),
    "twice": ([PROD, "./" + PROD], 64, f"error: --file: {PROD} and ./{PROD} are the same file\n"),
    "twice, by a glob": ([PROD, "envs/*/halo.yaml"], 64, f"error: --file: {PROD} is named twice\n"),
    "twice, by a link": (["links/*.yaml"], 64, "error: --file: links/a.yaml and links/b.yaml are the same file\n"),
    "twice, by a link to the folder": (
        ["latest/halo.yaml", PROD], 64, f"error: --file: latest/halo.yaml and {PROD} are the same file\n",
    ),
    "empty": ([PROD, " "], 64, "error: --file is empty\n"),
}  # fmt: skip


@pytest.mark.parametrize("command", [("validate",), ("preview",)], ids=" ".join)
@pytest.mark.parametrize("name", BAD)
def test_invalid_file_options(halo: CommandLine, envs: Path, name: str, command: tuple[str, ...]) -> None:
    (envs / "latest").symlink_to("envs/prod")
    (envs / "links").mkdir()
    (envs / "links/a.yaml").symlink_to("../" + PROD)
    (envs / "links/b.yaml").hardlink_to(envs / PROD)
    words, code, message = BAD[name]
    ended = halo(*command, *(part for word in words for part in ("-f", word)))
    assert (ended.code, ended.out, ended.err.startswith(message)) == (code, "", True), ended.err


def test_a_directory_is_no_project_file(halo: CommandLine, envs: Path) -> None:
    ended = halo("validate", "-f", "envs/*")
    assert (
        ended.code,
        "envs/prod:1:1: a directory, not a file (name a file in it, such as envs/prod/halo.yaml)\n" in ended.out,
    ) == (1, True)
    assert envs.exists()


def test_the_number_of_project_files_is_limited(halo: CommandLine, folder: Path) -> None:
    for number in range(MAX_PROJECTS + 1):
        (folder / f"{number}.yaml").touch()
    ended = halo("validate", "-f", "*.yaml")
    assert (ended.code, f"--file names {MAX_PROJECTS + 1:,} files" in ended.err) == (64, True)


def test_a_file_named_like_a_glob_does_not_take_its_place(halo: CommandLine, envs: Path) -> None:
    """Or a branch could have a pipeline check a file of its own instead of all."""
    write(envs / "envs/*/halo.yaml", 1)
    assert STAGING in halo("validate", "-f", "envs/*/halo.yaml").out


SINGLE = [
    ("rename", "daily", "X"), ("init",), ("import",), ("undo", "r.jsonl"), ("doctor",), ("agent", "list"),
    ("schedule", "list"), ("report", "run"), ("run", "get", "x"), ("conversation", "list"),
]  # fmt: skip


@pytest.mark.parametrize("files", [["-f", PROD, "-f", STAGING], ["--file", "envs/*/halo.yaml"]], ids=["two", "glob"])
@pytest.mark.parametrize("command", SINGLE, ids=" ".join)
def test_other_commands_take_one(halo: CommandLine, envs: Path, command: tuple[str, ...], files: list[str]) -> None:
    assert envs.exists()
    ended = halo(*command, *files)
    assert (ended.code, "--file" in ended.err) == (64, True), ended.err


def test_only_six_commands_take_several_project_files() -> None:
    root = built_command()
    files = {
        name: option.multiple
        for name, command in root.commands.items()
        for option in command.params
        if isinstance(option, TyperOption) and "--file" in option.opts
    }
    several = {name for name, is_several in files.items() if is_several}
    assert several == {"validate", "plan", "drift", "apply", "preview", "page"}
    assert {command[0] for command in SINGLE if len(command) == 1} <= files.keys()


def test_one_file_of_a_list_has_the_form_of_a_list(halo: CommandLine, envs: Path) -> None:
    assert envs.exists()
    (found,) = halo("validate", "-f", "envs/p*/halo.yaml", "--json").json["projects"]
    assert found == {"file": PROD, "problems": [], "findings": []}
    assert "projects" not in halo("validate", "-f", PROD, "--json").json


# What is said of them -----------------------------------------------------------------------------------------------


def test_every_problem_of_every_file_is_reported(halo: CommandLine, envs: Path) -> None:
    replace_in(envs / PROD, "09:00", "25:00")
    replace_in(envs / STAGING, "daily, ", "dayly, ")
    write(envs / "envs/test/halo.yaml", 3, daily="Daily")
    ended = halo("validate", "-f", "envs/*/halo.yaml")
    lines = ended.out.splitlines()
    assert (ended.code, [line.partition(":")[0] for line in lines]) == (
        1,
        [PROD, STAGING, "envs/test/halo.yaml", "2 problems in 2 files"],
    )
    projects = halo("validate", "-f", "envs/*/halo.yaml", "--json").json["projects"]
    assert [(each["file"], len(each["problems"])) for each in projects] == [
        (PROD, 1), (STAGING, 1), ("envs/test/halo.yaml", 0),
    ]  # fmt: skip
    page = halo("validate", "-f", "envs/*/halo.yaml", "--format", "markdown").out
    assert "### halo · 3 project files: 2 problems in 2 files\n" in page
    assert "- `envs/test/halo.yaml:` 1 schedule, no problems\n" in page
    annotated = halo("validate", "-f", "envs/*/halo.yaml", "--format", "github").out
    assert annotated.count("::error ") == 2


@pytest.mark.parametrize(
    ("number", "here", "there", "what"),
    [
        (1, "title: Daily", "title: Daily", "the title 'Daily'"),
        (1, "title: Daily, state: archived", "title: Daily", "the title 'Daily'"),
        (1, "title: A, id: {}", "title: B, id: {}", "the id '2f6c1c5e-0000-4000-8000-0000000000a0'"),
        (1, "title: A, id: {}", "title: A", None),
        (2, "title: Daily", "title: Daily", None),
        (None, "title: Daily", "title: Daily", None),
        (1, "title: daily", "title: Daily", None),
    ],
)
def test_two_files_of_one_project_declare_a_schedule_once(
    halo: CommandLine, folder: Path, number: int | None, here: str, there: str, what: str | None
) -> None:
    for name, of, line in (("a.yaml", None if number is None else 1, here), ("b.yaml", number, there)):
        write(folder / name, of, key="Daily")
        replace_in(folder / name, "title: Daily", line.format("2f6c1c5e-0000-4000-8000-0000000000a0"))
    ended = halo("validate", "-f", "a.yaml", "-f", "b.yaml")
    if what is None:
        assert ended.code == 0, ended.out
    else:
        assert ended.code == 1
        assert f": {what} is also declared at a.yaml:4, for the same project (keep it in b.yaml" in ended.out


def test_runs_are_counted_over_the_files_of_one_project(halo: CommandLine, folder: Path) -> None:
    for name, number in (("a", 1), ("b", 1), ("c", 2)):
        write(folder / f"{name}.yaml", number, daily=name)
    replace_in(folder / "a.yaml", "schedules:", "max_runs_per_month: 40\nschedules:")
    assert halo("validate", "-f", "a.yaml", "-f", "c.yaml").code == 0
    ended = halo("validate", "-f", "a.yaml", "-f", "b.yaml", "-f", "c.yaml")
    assert ended.code == 1
    assert "the schedules of this file and `b.yaml` run 60.9 times a month; `max_runs_per_month` allows 40" in ended.out
    replace_in(folder / "b.yaml", "daily: {", "daily: {findings: {too-many-runs: off}, ")
    assert halo("validate", "-f", "a.yaml", "-f", "b.yaml", "-f", "c.yaml").code == 0


def test_the_marker_is_made_of_the_words_as_typed(halo: CommandLine, envs: Path) -> None:
    def marker(*words: str) -> str:
        files = (part for word in words for part in ("-f", word))
        return halo("validate", *files, "--format", "markdown").out.partition("\n")[0]

    first = marker("envs/*/halo.yaml")
    write(envs / "envs/test/halo.yaml", 3)
    assert first == marker("envs/*/halo.yaml") != marker(PROD, STAGING) != marker(STAGING, PROD)


def test_the_hook_checks_a_repository_without_a_project_file_at_its_root(halo: CommandLine, envs: Path) -> None:
    path = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"
    hooks: Any = YAML(typ="safe").load(path.read_text())
    (hook,) = hooks
    assert hook["pass_filenames"] is False
    ended = halo(*hook["entry"].split()[1:], "-f", "envs/*/halo.yaml")
    assert (ended.code, ended.out) == (0, FINE.format(PROD) + FINE.format(STAGING))
    assert halo(*hook["entry"].split()[1:]).code == 1
    assert not (envs / "halo.yaml").exists()
