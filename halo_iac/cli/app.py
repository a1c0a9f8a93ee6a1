"""The commands and their groups; each is one module, which imports what it needs when it runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from enum import EnumType
from functools import cache, partial
from importlib import import_module
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any, Final, cast

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException
from typer.main import get_command

from halo_iac.cli.home_folder import expand_home
from halo_iac.errors import UsageError
from halo_iac.version import full_version

_COMMANDS: Final = {
    "init": ("init.init", "Write a small commented project file to start from."),
    "import": ("import_.import_", "Add the platform's existing schedules to the project file."),
    "rename": ("rename.rename", "Change an entry's title and record the old one."),
    "validate": ("validate.validate", "Check the project file and everything it includes, offline."),
    "plan": ("plan.plan", "Show what apply would change; change nothing."),
    "drift": ("drift.drift", "Show how the platform and the files differ; change nothing."),
    "apply": ("apply.apply", "Show the plan, ask for confirmation, and apply it."),
    "undo": ("undo.undo", "Undo an apply, a pause or a resume, using its receipt."),
    "pause": ("pause.pause", "Pause schedules at once, declared or not."),
    "resume": ("pause.resume", "Resume paused schedules at once, declared or not."),
    "preview": ("preview.preview", "Show upcoming fires and a calendar of the week, offline."),
    "page": ("page.page", "Write the schedules as one HTML page."),
    "ci": ("ci.ci", "Run a command as a job of a pipeline."),
    "schema": ("schema.schema", "Print the JSON Schema of a project file."),
    "doctor": ("doctor.doctor", "Check the set-up: project file, key, URL and project."),
    "mcp": ("mcp.mcp", "Serve reports and traces to a coding assistant."),
    "agent": ("agent.group", "List the agents seen in the project's traces."),
    "model": ("model.group", "List the models that a schedule can use."),
    "schedule": ("schedule.group", "List, show and fire the platform's schedules."),
    "report": ("report.group", "Run, read and download reports on an agent's traces."),
    "run": ("run.group", "Start and watch runs; each analyses an agent's traces once."),
    "conversation": ("conversation.group", "List and show conversations: reports and follow-ups."),
    "conv": ("conversation.alias", "List and show conversations: reports and follow-ups."),
    "trace": ("trace.group", "List and show the traces that reports analyse."),
    "traces": ("trace.alias", "List and show the traces that reports analyse."),
    "span": ("span.group", "List and show spans, the steps of traces."),
    "spans": ("span.alias", "List and show spans, the steps of traces."),
    "sandbox": ("sandbox.group", "Run a HALO platform on this machine: no key, no cost."),
}
"""Command or group → its module, its name in that module, and its line in ``halo --help``."""

_HIDDEN: Final = {"conv", "spans", "traces"}

PATHS: Final = {"FILE", "PATH", "DIR", "FILE|DIR", "FORMAT=FILE", "PLAN", "RECEIPT"}
"""Names in help of values that are paths."""
IDS: Final = {"ID", "ID|KEY", "KEY|ID", "CONVERSATION", "TRACE", "SPAN"}
"""Names in help of values that may be ids of the platform, which are compared in their canonical form."""

_NEW_FILE: Final = {"--out", "--output"}
_FORMATS: Final = {"github", "json", "markdown", "name", "table", "text", "wide", "yaml"}
"""Formats of kubectl and other tools, which ``-o`` does not take; ``./json`` is a file."""

_ONE_FILE: Final = "run the command once for each file; validate, plan, drift, preview, page and apply take several"
_HELP_OPTIONS: Final = {"-h", "--help"}
_PLAIN_NUMBER: Final = re.compile("[0-9]{1,9}(?:[.][0-9]{1,9})?")
_ONE_DASH: Final = re.compile("-[^-].", re.DOTALL)

_HELP: Final = """HALO schedules as code: declare them in YAML, review the plan, apply it.

\b
Examples:
  halo init --agent checkout
  halo plan --sandbox
  halo apply --sandbox
"""
_EPILOG: Final = (
    "Exit codes: 0 done or nothing to do, 1 failed, 2 changes pending, 3 refused or declined, 4 partly applied, "
    "5 an outcome is unknown, 64 wrong usage, 130 interrupted."
)


def _parse_arguments(command: TyperCommand, ctx: typer.Context, args: list[str]) -> list[str]:
    """Parse a command line as typer does, with the checks that apply to every command."""
    try:
        if not ctx.resilient_parsing:  # a shell that requests completions
            _check_single_dashes(command, ctx, args)
            _check_each_option_once(command, ctx, args)
        rest = super(TyperCommand, command).parse_args(ctx, args)
    except TyperException as error:
        error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined] # typer leaves some without it
        raise
    from halo_iac.model.ids import canonical_id

    read: Callable[[str], str]
    for parameter in command.params:
        if parameter.metavar in PATHS and parameter.name in ctx.params:
            name = max(parameter.opts, key=len) if isinstance(parameter, TyperOption) else parameter.metavar
            if name in _NEW_FILE and ctx.params[parameter.name] in _FORMATS:
                from halo_iac.cli.usage import format_for_file, option_names

                raise format_for_file(name, str(ctx.params[parameter.name]), option_names(command))
            read = partial(_expand_home, name=name, is_pair="=" in parameter.metavar)
        elif parameter.metavar in IDS and parameter.name in ctx.params:
            read = canonical_id
        else:
            continue
        ctx.params[parameter.name] = _map_values(read, ctx.params[parameter.name])
    return rest


def _check_single_dashes(command: TyperCommand, ctx: typer.Context, args: list[str]) -> None:
    """Raise an error for a long option with one dash, as in Terraform: typer would read it as short options."""
    words = ["", *(args[: args.index("--")] if "--" in args else args)]
    if ctx.ignore_unknown_options or not any(map(_ONE_DASH.match, words)):
        return
    from halo_iac.cli.usage import option_names, option_with_one_dash

    options = [each for each in command.params if isinstance(each, TyperOption)]
    with_value = {name for each in options if not each.is_flag for name in each.opts}
    for before, word in pairwise(words):
        if _ONE_DASH.match(word) and before not in with_value:
            error = option_with_one_dash(ctx.command_path, word, option_names(command))
            if error is not None:
                raise error


def _find_command(group: TyperGroup, ctx: typer.Context, args: list[str]) -> Any:  # noqa: ANN401 - typer's own
    """Find a group's command as typer does; for an unknown word, suggest a command."""
    word = args[0]
    if word in group.commands or word.startswith("-") or ctx.resilient_parsing:
        return find_by_typer(group, ctx, args)
    from halo_iac.cli.usage import unknown_command

    raise unknown_command(ctx.command_path, args, group, _COMMANDS)


def _map_values(read: Callable[[str], str], value: object) -> object:
    """Return a text, or each text of a list, converted by ``read``; other values are returned unchanged."""
    if isinstance(value, list | tuple):  # a tuple if typer did not convert the values
        return [_map_values(read, each) for each in value]
    if isinstance(value, Path):
        return Path(read(str(value)))
    return read(value) if isinstance(value, str) else value


def _expand_home(value: str, *, name: str, is_pair: bool) -> str:
    """Return a path, or FORMAT=FILE, with ``~`` expanded, as no shell does in ``--dir=~/reports``."""
    format_, sign, file = value.partition("=") if is_pair else ("", "", value)
    return f"{format_}{sign}{expand_home(file, name)}"


def _check_each_option_once(command: TyperCommand, ctx: typer.Context, args: list[str]) -> None:
    """Raise an error for an option that is given twice but takes one value: typer would use only the last.

    One of two project files would not be checked, one of two refs not required.
    """
    _, _, given = command.make_parser(ctx).parse_args(args=[*args])
    is_help = any(each.is_eager for each in given)
    for option, count in Counter(given).items() if not is_help else ():
        if count > 1 and isinstance(option, TyperOption) and not (option.multiple or option.is_flag):
            name = max(option.opts, key=len)
            hint = _ONE_FILE if name == "--file" else "give it once"
            raise UsageError(f"{name} takes one value, but was given {count} times", hint=hint)


find_by_typer: Final = TyperGroup.resolve_command
read_by_typer: Final = TyperOption.process_value


def read_value(parameter: Any, ctx: Any, value: Any) -> Any:  # noqa: ANN401 - typer's own, of options and arguments
    """Return a text, a default, a plain number or choice, or ``None``; other values are converted by typer.

    Typer 0.29 has pydantic compile a validator for every parameter of a command, given or not, which takes longer than
    to build the command.
    """
    kind, is_several = parameter.type_descriptor.annotation, parameter.multiple or parameter.nargs != 1
    if value is None:
        value, is_read = (() if is_several else None), not parameter.required
    elif is_several:
        is_read = kind == list[str] and bool(value)
    else:
        value = _plain_value(parameter, value) if isinstance(value, str) else value
        is_read = isinstance(kind, type) and isinstance(value, kind)
    if not is_read:
        return read_by_typer(parameter, ctx, value)
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)


def _plain_value(parameter: Any, value: str) -> object:  # noqa: ANN401 - typer's own
    """Return an exact choice, or a number in digits within its bounds; any other text is returned unchanged."""
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, EnumType):
        return kind(value) if value in kind._value2member_map_ else value
    if kind not in (int, float) or not _PLAIN_NUMBER.fullmatch(value):
        return value
    number = float(value)
    is_within = (parameter.min or 0) <= number <= (inf if parameter.max is None else parameter.max)
    return kind(number) if is_within and (kind is float or number.is_integer()) else value


# Typer 0.29 has no setting for these, and no way to use other classes. Help would show ``ID <str>`` for an argument.
TyperArgument.display_type_rich = lambda *_, **__: None  # type: ignore[method-assign]
TyperGroup.resolve_command = _find_command  # type: ignore[method-assign, assignment]
TyperCommand.parse_args = _parse_arguments  # type: ignore[method-assign, assignment]
TyperArgument.process_value = TyperOption.process_value = read_value  # type: ignore[method-assign, assignment]


def command_line(first: str | None = None) -> typer.Typer:
    """Return the command line; with a first word, only its command is loaded and built.

    Building all commands would make a plan a tenth slower; help that only lists them needs none.
    """
    app = typer.Typer(
        name="halo",
        help=_HELP,
        epilog=_EPILOG,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root_command)
    if first in _HELP_OPTIONS:
        for name, (_, line) in _COMMANDS.items():
            app.command(name, help=line, hidden=name in _HIDDEN)(lambda: None)  # listed, but never run
        return app
    for name in (first,) if first in _COMMANDS else _COMMANDS:
        _add_command(app, name)
    return app


def built_command(first: str | None = None) -> TyperGroup:
    """Return the command line for a first word, ready to run; a process that runs many commands builds it once."""
    return _built(first if first in _COMMANDS or first in _HELP_OPTIONS else None)


@cache
def _built(first: str | None) -> TyperGroup:
    return cast("TyperGroup", get_command(command_line(first)))  # typer returns a group for several commands


def _add_command(app: typer.Typer, name: str) -> None:
    module, _, attribute = _COMMANDS[name][0].partition(".")
    found = getattr(import_module(f"halo_iac.cli.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, hidden=name in _HIDDEN)
    else:
        app.command(name)(found)


def _root_command(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),  # noqa: FBT003 - typer's way
) -> int:
    if version:
        ctx.obj.print(f"halo {full_version()}")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        ctx.obj.print(ctx.get_help())
    return 0
