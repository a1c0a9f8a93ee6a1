"""The commands and their groups; each is one module, which imports what it needs when it runs."""

from __future__ import annotations

import typer

from halo_iac.cli import (
    agent,
    apply,
    doctor,
    importing,
    init,
    model,
    plan,
    sandbox,
    schedule,
    schema,
    validate,
)

_HELP = """HALO schedules as code: declare them in YAML, review the plan, apply it.

\b
Examples:
  halo init --agent checkout
  halo plan --sandbox
  halo apply --sandbox
"""
_EPILOG = (
    "Exit codes: 0 done or nothing to do, 1 failed, 2 changes pending, 3 refused or declined, 4 partly applied, "
    "5 an outcome is unknown, 64 wrong usage, 130 interrupted."
)

app = typer.Typer(
    name="halo",
    help=_HELP,
    epilog=_EPILOG,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
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


app.command("init")(init.init)
app.command("import")(importing.import_)
app.command("validate")(validate.validate)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.add_typer(agent.group)
app.add_typer(model.group)
app.add_typer(schedule.group)
app.add_typer(sandbox.group)
