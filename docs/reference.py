"""Writes ``commands.md``, the reference of every command, from what ``--help`` says.

``make generate`` runs it, and ``tests/test_docs.py`` holds the page to the command line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup

from halo_iac.cli.app import command_line

PAGE: Final = Path(__file__).parent / "commands.md"

_COMMON: Final = ("file", "checkout", "project", "team", "sandbox", "sandbox_file", "format", "json", "no_color")
"""Options that nearly every command has; those that say what they usually say are described once."""
_HEAD: Final = """# Commands

Every command with its arguments and options, as `--help` says them. This page is generated (`make generate`); what
the options have in common, exit codes, settings and environment variables are in [cli.md](cli.md).

## Common options

Commands name those that they take; where one means something else there, it is in the command's own table.
"""

Row = tuple[str, str]


def commands(group: TyperGroup, prefix: str = "halo") -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command that is not hidden, in the order of ``--help``, with its full name."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            if not command.hidden:
                yield from commands(command, f"{prefix} {name}")
        elif isinstance(command, TyperCommand) and not command.hidden:
            yield f"{prefix} {name}", command


def records(name: str, command: TyperCommand) -> tuple[str, list[Row], Mapping[str, Row]]:
    """Return a command's usage, its arguments, and its options by parameter name."""
    with command.make_context(name, [], resilient_parsing=True) as context:
        arguments: list[Row] = []
        options: dict[str, Row] = {}
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if record is None:
                continue
            if isinstance(parameter, TyperArgument):
                arguments.append(record)
            else:
                options[str(parameter.name)] = record
        return " ".join([name, *command.collect_usage_pieces(context)]), arguments, options


def page() -> str:
    """Return the whole page."""
    root = typer.main.get_command(command_line())
    assert isinstance(root, TyperGroup)  # noqa: S101 - that is what has commands
    found = {name: records(name, command) for name, command in commands(root)}
    usual = {key: _usual(key, [options for _, _, options in found.values()]) for key in _COMMON}
    parts = [_HEAD, _table("option", usual.values())]
    for name, command in commands(root):
        parts += _section(name, command, found[name], usual)
    return "\n".join(parts)


def _usual(key: str, found: Iterable[Mapping[str, Row]]) -> Row:
    rows = [options[key] for options in found if key in options]
    return max(rows, key=rows.count)


def _section(
    name: str, command: TyperCommand, found: tuple[str, list[Row], Mapping[str, Row]], usual: Mapping[str, Row]
) -> Iterator[str]:
    usage, arguments, options = found
    words, _, examples = (command.help or "").partition("\n\n\b\nExamples:\n")
    yield f"## {name}\n\n`{usage}`\n\n{words.strip()}\n"
    if examples:
        yield f"```console\n{re.sub(r'(?m)^ *(?=halo )', '$ ', examples.rstrip())}\n```\n"
    shared = [row for key, row in options.items() if usual.get(key) == row]
    own = [row for row in options.values() if row not in shared]
    if arguments:
        yield _table("argument", arguments)
    if own:
        yield _table("option", own)
    if shared:
        yield f"Common options: {', '.join(f'`{_long(row)}`' for row in shared)}.\n"


def _long(row: Row) -> str:
    """Return an option's long name."""
    return next(word.rstrip(",") for word in row[0].split() if word.startswith("--"))


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {head} | means |", "| --- | --- |"]
    for names, meaning in rows:
        cells = (f"`{names}`", " ".join(meaning.split()))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    written = page()
    if "--print" in sys.argv:
        sys.stdout.write(written)
    else:
        PAGE.write_text(written, encoding="utf-8", newline="\n")
