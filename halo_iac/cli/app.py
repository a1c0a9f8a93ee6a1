"""The commands and their groups; each is one module, which imports what it needs when it runs."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import typer

_COMMANDS: Final = {
    "init": "init.init",
    "import": "importing.import_",
    "validate": "validate.validate",
    "plan": "plan.plan",
    "apply": "apply.apply",
    "schema": "schema.schema",
    "doctor": "doctor.doctor",
    "agent": "agent.group",
    "model": "model.group",
    "schedule": "schedule.group",
    "sandbox": "sandbox.group",
}
"""Command or group → the module of this package it is in, and its name there."""

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


def command_line(first: str | None = None) -> typer.Typer:
    """Return the command line; with no other command in it where its first word names one.

    Of all the commands one runs: to load and build the rest as well would make a plan a tenth slower.
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
    app.callback(invoke_without_command=True)(_halo)
    for name in (first,) if first in _COMMANDS else _COMMANDS:
        module, _, attribute = _COMMANDS[name].partition(".")
        found = getattr(import_module(f"halo_iac.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _halo(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),  # noqa: FBT003 - typer's way
) -> int:
    from halo_iac import __version__

    if version:
        ctx.obj.out(f"halo {__version__}")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        ctx.obj.out(ctx.get_help())
    return 0
