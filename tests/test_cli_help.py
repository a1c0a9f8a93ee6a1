"""The help of every command, held against golden files; ``HALO_UPDATE_GOLDEN=1`` writes them anew."""

from __future__ import annotations

import re

import pytest
import typer.main
from command_line import CommandLine, commands
from golden_files import GOLDEN, assert_golden
from typer.core import TyperGroup

from halo_iac.cli.app import command_line

COMMANDS = list(commands())


def golden_of(words: tuple[str, ...]) -> str:
    return f"help/{'-'.join(('halo', *words))}.txt"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_matches_its_golden_file(halo: CommandLine, words: tuple[str, ...]) -> None:
    ended = halo(*words, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert_golden(golden_of(words), ended.out)
    assert ended == halo(*words, "-h")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(halo: CommandLine, words: tuple[str, ...]) -> None:
    text = halo(*words, "--help").out
    assert "\n  Example" in text
    assert f"\n    {' '.join(('halo', *words))}" in text
    assert text.isascii()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "..." not in text.partition("Commands:")[2]
    assert not re.search(r"<\w", text), "a type where a name is enough"


def test_the_list_of_commands_says_of_each_what_it_says_itself() -> None:
    whole, listed = (typer.main.get_command(command_line(first)) for first in (None, "--help"))
    assert isinstance(whole, TyperGroup)
    assert isinstance(listed, TyperGroup)
    assert [(name, each.get_short_help_str(), each.hidden) for name, each in listed.commands.items()] == [
        (name, each.get_short_help_str(), each.hidden) for name, each in whole.commands.items()
    ]


def test_no_golden_help_is_of_a_command_that_is_gone() -> None:
    assert {path.name for path in (GOLDEN / "help").iterdir()} == {
        golden_of(words).removeprefix("help/") for words in COMMANDS
    }


@pytest.mark.parametrize("group", ["agent", "model", "schedule"])
def test_ls_is_an_alias_of_list(halo: CommandLine, group: str) -> None:
    assert halo(group, "ls", "--sandbox") == halo(group, "list", "--sandbox")
