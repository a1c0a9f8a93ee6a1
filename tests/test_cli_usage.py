"""Wrong usage: what users of Terraform, kubectl and git type leads them to the command or option of halo."""

import re
import shlex
from pathlib import Path

import pytest
from command_line import CommandLine, CommandResult
from typer.core import TyperGroup

from halo_iac.cli import other_tools
from halo_iac.cli.app import built_command
from halo_iac.cli.usage import option_names

ARCHIVE = "halo archives schedules and never deletes them: set `state: archived` in the entry, then run `halo apply`"


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        # kubectl
        (["get", "schedules"], "did you mean `halo schedule list`?"),
        (["get", "schedule", "daily"], "did you mean `halo schedule get daily`?"),
        (["describe", "report", "daily"], "did you mean `halo report get daily`?"),
        (["get", "Agents", "-o", "json"], "did you mean `halo agent list`?"),
        (["get", "model", "x"], "did you mean `halo model list`?"),
        (["get", "runs"], "did you mean `halo schedule runs KEY` or `halo conversation list`?"),
        (["get"], "say of what: `halo schedule list`, `halo agent list`, `halo report list` or `halo trace list`"),
        (["delete", "schedule", "daily"], ARCHIVE),
        # Terraform
        (["destroy"], ARCHIVE),
        (["fmt"], "halo does not reformat files; run `halo validate` to check them"),
        (["version"], "run `halo --version`"),
        # git
        (["help"], "run `halo --help`"),
        (["help", "plan"], "run `halo plan --help`"),
        (["help", "nope"], "run `halo --help`"),
        (["status"], "run `halo drift` to see how the platform and the files differ"),
        (["revert"], "run `halo undo RECEIPT` to undo what a run has changed"),
        # A command of a group without its group, and the other way round
        (["logs"], "did you mean `halo run logs`?"),
        (["facets"], "did you mean `halo trace facets` or `halo span facets`?"),
        (["schedule", "pause", "daily"], "did you mean `halo pause`?"),
        (["schedule", "trigger"], "did you mean `halo schedule fire`?"),
        (["schedule", "delete"], ARCHIVE),
        (["report", "show"], "did you mean `halo report get` or `halo report list`?"),
        (["report", "delete"], "run `halo report --help` for usage"),
        # A name or an id without a command
        (["report", "checkout-daily"], "did you mean `halo report get checkout-daily`?"),
        (["run", "checkout"], "did you mean `halo report run checkout`?"),
        (
            ["run", "5a4db0c5-a000-4000-8000-000000000001"],
            "did you mean `halo run get 5a4db0c5-a000-4000-8000-000000000001`?",
        ),
        (["report", ""], "run `halo report --help` for usage"),
        (["report", "help"], "run `halo report --help` for usage"),
        (["run", "list"], "did you mean `halo schedule runs KEY` or `halo conversation list`?"),
        (["sandbox", "start"], "did you mean `halo sandbox serve`?"),
    ],
)
def test_an_unknown_command_suggests_the_right_one(halo: CommandLine, argv: list[str], hint: str) -> None:
    word = argv[1] if argv[0] in {"schedule", "report", "run", "sandbox"} else argv[0]
    assert halo(*argv) == CommandResult(64, "", f"error: No such command '{word}'\nhint: {hint}\n")


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["plan", "-out", "p.json"], "No such option: -out", "did you mean `--out`?"),
        (["plan", "-out=p.json"], "No such option: -out", "did you mean `--out`?"),
        (["plan", "-target=daily"], "No such option: -target", "did you mean `--target`?"),
        (["plan", "-f=a b.yaml"], "-f takes its value without `=`", "write `-f 'a b.yaml'`"),
        (["plan", "-lock=false"], "No such option: -lock", "run `halo plan --help` for usage"),
        (["apply", "-auto-approve"], "No such option: -auto-approve", "use `--yes` to skip the question"),
        (["apply", "--auto-approve"], "No such option: --auto-approve", "use `--yes` to skip the question"),
        (
            ["apply", "--dry-run"],
            "No such option: --dry-run",
            "run `halo plan` with the same options to see what would change",
        ),
        (
            ["pause", "--dry-run"],
            "No such option: --dry-run",
            "leave out `--yes`: the command shows what it would change and asks first",
        ),
        (["schedule", "list", "-o", "json"], "No such option: -o", "use `--format`, such as `--format json`"),
        (
            ["plan", "-var", "a=b"],
            "No such option: -var",
            "set the environment variable HALO_VAR_NAME, which a project file reads as `${NAME}`",
        ),
        (["-f", "x.yaml", "plan"], "No such option: -f", "put options after the command, as in `halo plan -f`"),
        (["--json", "run", "get"], "No such option: --json", "put options after the command, as in `halo run --json`"),
        (["-V"], "No such option: -V", "run `halo --version`"),
        (
            ["plan", "--targte", "x"],
            "No such option: --targte. Did you mean --target?",
            "run `halo plan --help` for usage",
        ),
        (["plan", "--sandbox=yes"], "Option '--sandbox' does not take a value", "run `halo plan --help` for usage"),
        (["plan", "--sandbox", "-t"], "Option '-t' requires an argument", "run `halo plan --help` for usage"),
        (
            ["apply", "--concurrency", "many"],
            "Invalid value for '--concurrency': not a whole number",
            "run `halo apply --help` for usage",
        ),
        (
            ["apply", "--max-rps", "1/2"],
            "Invalid value for '--max-rps': not a number",
            "run `halo apply --help` for usage",
        ),
        (
            ["ci"],
            "Missing argument 'COMMAND'. Choose from: validate, plan, apply, drift, undo, report, fixes",
            "run `halo ci --help` for usage",
        ),
    ],
)
def test_an_unknown_option_suggests_the_right_one(halo: CommandLine, argv: list[str], message: str, hint: str) -> None:
    result = halo(*argv)
    if "--json" in argv:
        assert (result.code, result.error["message"], result.error["hint"]) == (64, message, hint)
    else:
        assert result == CommandResult(64, "", f"error: {message}\nhint: {hint}\n")


@pytest.mark.parametrize("argv", [["-o", "json"], ["-ojson"], ["--out=yaml"], ["--out", "text"]])
def test_no_plan_is_saved_under_the_name_of_a_format(halo: CommandLine, folder: Path, argv: list[str]) -> None:
    result = halo("plan", "--sandbox", *argv)
    assert (result.code, [*folder.iterdir()]) == (64, [])
    assert re.match(
        r"error: --out names a file to write, and '(json|yaml|text)' looks like a format\nhint: ", result.err
    )


def test_a_file_with_the_name_of_a_format_is_written_if_its_path_says_so(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n", encoding="utf-8")
    assert halo("plan", "--sandbox", "-o", "./json").code == 0
    assert (folder / "json").is_file()


def test_a_value_that_begins_with_one_dash_is_a_value(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n", encoding="utf-8")
    assert halo("validate", "-fhalo.yaml").code == 0
    assert "-target" in halo("plan", "--sandbox", "--target", "-target").err  # no such entry
    assert "'-out'" in halo("rename", "--", "-out", "New").err


def test_every_command_in_the_hint_tables_exists() -> None:
    root = built_command()
    words = [words for _, _, commands in other_tools.COMMANDS for words in commands]
    words += [row.command for rows in other_tools.OPTIONS.values() for row in rows if row.command]
    words += [f"{group} {name}" for group, names in other_tools.SUBCOMMANDS.items() for name in names]
    for text in words:
        first, *rest = shlex.split(text)
        if first.startswith("--"):
            assert first in {*option_names(root), "--install-completion"}
            continue
        command = root.commands[first]
        assert not isinstance(command, TyperGroup) or rest[0] in command.commands, text


def test_no_alias_in_the_hint_tables_is_a_command() -> None:
    root = built_command()
    assert not {word for words, _, _ in other_tools.COMMANDS for word in words.split()} & root.commands.keys()
    for group, names in other_tools.SUBCOMMANDS.items():
        inner = root.commands[group]
        assert isinstance(inner, TyperGroup)
        assert not {word for words in names.values() for word in words.split()} & inner.commands.keys()


def test_a_project_file_is_not_applied_as_a_saved_plan(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n", encoding="utf-8")
    assert halo("apply", "halo.yaml", "--sandbox") == CommandResult(
        1,
        "",
        "error: halo.yaml: not a saved plan\n"
        "hint: PLAN is what `plan --out` saved; a project file goes with --file, an entry with --target\n",
    )
