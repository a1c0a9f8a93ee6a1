"""Errors for wrong usage, which suggest the command or option that was meant.

Users of Terraform, kubectl and git try the words they know, so an unknown word is looked up in :mod:`other_tools`
before it is taken for a typo.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from halo_iac.cli.other_tools import SHOW_VERBS, SUBCOMMANDS, command_hint, option_hint
from halo_iac.errors import UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.ids import is_uuid
from halo_iac.text import closest_match, has_invisible

_VERSION: Final = frozenset({"-V", "-v"})
_PHRASES: Final = (
    (": Value error, ", ": "),
    ("Input should be a valid integer, unable to parse string as an integer", "not a whole number"),
    ("Input should be a valid number, unable to parse string as a number", "not a number"),
    ("Input should be greater than or equal to ", "must be at least "),
    ("Input should be less than or equal to ", "must be at most "),
    (":\n\t", ": "),  # choices, each on a line of its own
    (",\n\t", ", "),
)
"""Messages of typer, and of pydantic, which parses its values → halo's messages."""
_RUNS: Final = (Command("schedule", "runs", "KEY"), Command("conversation", "list"))
"""The commands that list runs: those of a schedule, or the results of all."""


def unknown_command(path: str, words: Sequence[str], group: TyperGroup, commands: Collection[str]) -> UsageError:
    """Return the error for words that begin with an unknown command."""
    word, *rest = words
    inside = path.removeprefix("halo").strip()
    tree = {name: _visible_commands(each) for name, each in group.commands.items() if not each.hidden}
    hint = _suggest_subcommand(inside, word, tree, commands) if inside else _suggest_command(word, rest, tree)
    near = None if hint else closest_match(word, tree)
    message = f"No such command {word!r}" + (f". Did you mean {near!r}?" if near else "")
    hint = hint or (None if near else _suggest_for_name(inside, word, tree))
    return UsageError(message, hint=hint or f"run `{path} --help` for usage")


def _visible_commands(command: object) -> Collection[str]:
    """Return the commands of a group that help lists."""
    each = command.commands.items() if isinstance(command, TyperGroup) else ()
    return [name for name, command in each if not command.hidden]


def _suggest_command(word: str, rest: Sequence[str], tree: Mapping[str, Collection[str]]) -> str | None:
    if word == "help":
        return Hint("run `{}`", Command(*(each for each in rest[:1] if each in tree), "--help"))
    noun = rest[0].lower() if rest and word in SHOW_VERBS else ""
    group = noun if noun in tree else noun.removesuffix("s")
    if group in tree:
        return _suggest_for_group(group, rest[1:2], tree[group])
    groups = [name for name, commands in tree.items() if word in commands]
    return command_hint(word) or _did_you_mean(*(Command(name, word) for name in groups))


def _suggest_for_group(group: str, ids: Sequence[str], commands: Collection[str]) -> Hint | None:
    """Return the command that lists or shows the objects of a group: ``schedule list`` for ``get schedules``."""
    if ids and not ids[0].startswith("-") and "get" in commands:
        return _did_you_mean(Command(group, "get", *ids))
    return _did_you_mean(*([Command(group, "list")] if "list" in commands else _RUNS))


def _suggest_subcommand(
    group: str, word: str, tree: Mapping[str, Collection[str]], commands: Collection[str]
) -> str | None:
    for name, words in SUBCOMMANDS.get(group, {}).items():
        if word in words.split():
            return _did_you_mean(Command(group, name))
    if group == "run" and word == "list":
        return _did_you_mean(*_RUNS)
    if word in SHOW_VERBS:
        return _did_you_mean(*(Command(group, verb) for verb in ("get", "list") if verb in tree))
    if word in commands:
        return _did_you_mean(Command(word))
    return command_hint(word) if group == "schedule" else None


def _suggest_for_name(group: str, word: str, tree: Collection[str]) -> str | None:
    """Return the command for a word that is similar to no command and may be a name: ``report checkout-daily``."""
    if "get" not in tree or word == "help" or not word.strip() or has_invisible(word) or command_hint(word):
        return None
    return _did_you_mean(
        Command("report", "run", word) if group == "run" and not is_uuid(word) else Command(group, "get", word)
    )


def _did_you_mean(*commands: Command) -> Hint | None:
    """Return the hint that asks whether one of the commands was meant."""
    return Hint(f"did you mean {' or '.join(['`{}`'] * len(commands))}?", *commands) if commands else None


def option_with_one_dash(path: str, word: str, known: Collection[str]) -> UsageError | None:
    """Return the error for a word such as ``-out=FILE``, Terraform's form of ``--out``; ``None`` for other words.

    Without it ``-out`` would save the plan as ``ut``, since ``-o`` takes the rest of the word.
    """
    name, _, value = word[1:].partition("=")
    if word[:2] in known and word[2] == "=":  # the value would begin with `=`
        return UsageError(f"{word[:2]} takes its value without `=`", hint=f"write `{word[:2]} {shlex.quote(value)}`")
    hint = f"did you mean `--{name}`?" if f"--{name}" in known else option_hint(name, known)
    if hint is None and word[:2] in known:  # -f and its value, or several flags
        return None
    return UsageError(f"No such option: -{name}", hint=hint or f"run `{path} --help` for usage")


def format_for_file(option: str, value: str, known: Collection[str]) -> UsageError:
    """Return the error for ``-o json``, with which kubectl chooses a format and halo would write a file ``json``."""
    wanted = "use `--json` to print JSON" if value == "json" or "--format" not in known else "use `--format`"
    return UsageError(
        f"{option} names a file to write, and {value!r} looks like a format",
        hint=f"{wanted}, or `{option} ./{value}` to write a file with this name",
    )


def usage_error(error: TyperException, argv: Sequence[str]) -> UsageError:
    """Return typer's usage error as a halo error."""
    message = error.format_message().rstrip(".")
    for theirs, ours in _PHRASES:
        message = message.replace(theirs, ours)
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", None) or "halo"
    hint: str | None = None
    if context is not None and hasattr(error, "possibilities"):  # of an option that the command does not have
        name = str(getattr(error, "option_name", ""))
        message = f"No such option: {name}"
        known = option_names(context.command)
        hint = _suggest_position(name, argv, context.command) if path == "halo" else option_hint(name, known)
        near = None if hint else closest_match(name.lstrip("-"), [each.lstrip("-") for each in known])
        message += f". Did you mean --{near}?" if near else ""
    return UsageError(message, hint=hint or f"run `{path} --help` for usage")


def option_names(command: TyperCommand | TyperGroup) -> Collection[str]:
    """Return the names of a command's options."""
    return [name for each in command.params if isinstance(each, TyperOption) for name in each.opts]


def _suggest_position(name: str, argv: Sequence[str], halo: TyperGroup) -> str | None:
    """Return the hint for an option before the command."""
    if name in _VERSION:
        return Hint("run `{}`", Command("--version"))
    word = next((word for word in argv if word in halo.commands), None)
    if word is None or not _has_option(halo.commands[word], name):
        return None
    return f"put options after the command, as in `halo {word} {name}`"


def _has_option(command: object, name: str) -> bool:
    if isinstance(command, TyperGroup):
        return any(_has_option(each, name) for each in command.commands.values())
    return isinstance(command, TyperCommand) and name in option_names(command)
