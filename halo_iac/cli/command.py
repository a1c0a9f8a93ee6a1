"""The decorators of commands: common options, declared once, and the context that they describe."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final, get_type_hints

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import UsageError

CommandFunction = Callable[..., int]

_KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY


def _open_context(  # its signature has the options that all commands with a platform share
    ctx: typer.Context,
    *,
    file: options.Files = None,
    checkout: options.Checkout = None,
    project: options.Project = None,
    team: options.Team = None,
    sandbox: options.Sandbox = False,
    sandbox_file: options.SandboxFile = None,
    format: options.FormatOption = options.Format.TEXT,
    json: options.Json = False,
    no_color: options.NoColor = False,
) -> CommandContext:
    console: Console = ctx.obj
    target = TargetOptions(None, project, team, sandbox, sandbox_file, checkout).with_files(file)
    console.prepare(json=json, format=format, no_color=no_color, format_command=target.format_command)
    if target.files and project is not None:
        hint = "remove --project; each project file sets its own `project:`"
        raise UsageError("--project cannot be used with several project files", hint=hint)
    return CommandContext(console, target)


def projects_command(command: CommandFunction) -> CommandFunction:
    """Decorate a command as :func:`platform_command` does, for one that takes several project files."""
    return _with_common_options(command, {})


def platform_command(command: CommandFunction) -> CommandFunction:
    """Give a command the common options, and pass the :class:`CommandContext` made from them as its first argument.

    A common option that a command declares itself, with more choices, is passed to it as well.
    """
    return _with_common_options(command, {"file": options.File})


def _with_common_options(command: CommandFunction, narrowed: Mapping[str, Any]) -> CommandFunction:
    common, common_hints = _common_parameters()
    _, *declared = inspect.signature(command).parameters.values()
    hints = {**common_hints, **narrowed, **get_type_hints(command, include_extras=True)}
    # A group of options is a named tuple, which several commands have.
    groups = {each.name: hints[each.name] for each in declared if hasattr(hints[each.name], "_fields")}
    named = {each.name for each in declared} - set(groups)
    own: list[inspect.Parameter] = []
    for each in declared:
        members = groups[each.name]._field_defaults if each.name in groups else {each.name: each.default}
        own += (inspect.Parameter(name, _KEYWORD_ONLY, default=default) for name, default in members.items())

    @wraps(command)
    def wrapper(**given: Any) -> int:  # noqa: ANN401 - whatever typer parsed
        with _open_context(**{name: given[name] for name in common}) as context:
            grouped = {name: group(*map(given.get, group._fields)) for name, group in groups.items()}
            return command(context, **{name: given[name] for name in named}, **grouped)

    replaced = {each.name: each for each in own if each.name in common}
    parameters = [
        *(each for each in own if each.name not in common),
        *(replaced.get(name, each) for name, each in common.items()),
    ]
    for group in groups.values():
        hints |= get_type_hints(group, include_extras=True)
    keyword_only = [each.replace(kind=_KEYWORD_ONLY, annotation=hints[each.name]) for each in parameters]
    wrapper.__signature__ = inspect.Signature(keyword_only, return_annotation=int)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: hints[each.name] for each in parameters} | {"return": int}
    del wrapper.__wrapped__  # otherwise its annotations would be read
    return wrapper


@cache
def _common_parameters() -> tuple[Mapping[str, inspect.Parameter], Mapping[str, Any]]:
    """Return the common parameters and their types, computed once for all commands."""
    return inspect.signature(_open_context).parameters, get_type_hints(_open_context, include_extras=True)
