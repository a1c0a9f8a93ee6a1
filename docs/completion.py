"""Writes ``halo_iac/cli/completion.json``: the words of every command, for shells to complete.

``make generate`` runs it, and ``tests/test_completion.py`` holds the table to the command line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from halo_iac.cli.app import command_line

TABLE: Final = Path(__file__).parent.parent / "halo_iac/cli/completion.json"
_HARMLESS: Final = {ord(each): None for each in '"`$\\[]()'} | {ord("'"): "\u2019", ord(":"): " -"}
"""What stands for characters that some shell would take for its own in a line of help."""


def table() -> str:
    """Return the whole table as JSON, a command a line."""
    root = described(typer.main.get_command(command_line()))
    commands = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in root.pop("commands").items())
    return f'{json.dumps(root)[:-1]}, "commands": {{\n{commands}\n}}}}\n'


def described(command: Any) -> dict[str, Any]:  # noqa: ANN401 - a group or a command
    """Return a command's line of help, options (names, value, help) and arguments or commands."""
    found: dict[str, Any] = {
        "help": _line(command.get_short_help_str(200)),
        "options": [
            [" ".join(sorted(each.opts, key=len)), _kind(each), _line(each.help or "")]
            for each in command.params
            if isinstance(each, TyperOption) and not each.hidden
        ],
    }
    found["options"].append(["-h --help", "", "Show this message and exit."])
    if isinstance(command, TyperGroup):
        found["commands"] = {name: described(each) for name, each in command.commands.items() if not each.hidden}
    else:
        assert isinstance(command, TyperCommand)  # noqa: S101 - there is nothing else
        arguments = [each for each in command.params if isinstance(each, TyperArgument) and not each.hidden]
        found["arguments"] = [_kind(each) + ("..." if each.nargs == -1 else "") for each in arguments]
    return found


def _kind(parameter: TyperOption | TyperArgument) -> str:
    """Return what help calls a value, its choices where there are some, nothing for a flag."""
    if isinstance(parameter, TyperOption) and (parameter.is_flag or parameter.count):
        return ""
    choices = parameter.type_descriptor.choices
    if choices is not None:
        return "|".join(str(getattr(each, "value", each)) for each in choices)
    return parameter.metavar or str(parameter.name).upper()


def _line(text: str) -> str:
    """Return the first sentence of a help text, without what a shell would read."""
    return " ".join(text.split()).split(". ", maxsplit=1)[0].split("; ", maxsplit=1)[0].translate(_HARMLESS).rstrip(".")


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8", newline="\n")
