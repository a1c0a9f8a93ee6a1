"""``halo validate``: check the project files offline."""

from __future__ import annotations

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.workplace import Choice, Workplace
from halo_iac.errors import ProjectError, ProjectNotFound


def validate(
    ctx: typer.Context,
    file: options.File = None,
    format: options.FormatOption = options.Format.TEXT,  # noqa: A002 - the option's name
    json: options.Json = False,
    no_color: options.NoColor = False,
    _sandbox: options.SandboxAnywhere = False,
) -> int:
    """Check the project file and all it includes, offline.

    Every problem of every file is reported in one go, as path:line:column: message. Exit codes: 0 fine, 1 problems.

    \b
    Examples:
      halo validate
      halo validate --file halo.staging.yaml --json
    """
    console: Console = ctx.obj
    as_json = console.prepare(json=json, format=format, no_color=no_color)
    workplace = Workplace(console, Choice(file))
    try:
        project = workplace.load()
    except ProjectNotFound:
        raise
    except ProjectError as error:
        return _report(console, error, as_json=as_json)
    if as_json:
        from halo_iac.render.json import problems_json

        console.out(problems_json(()))
    else:
        from halo_iac.render.words import counted

        console.out(f"{console.out_style.safe(project.path)}: {counted(len(project.entries), 'schedule')}, no problems")
    return 0


def _report(console: Console, error: ProjectError, *, as_json: bool) -> int:
    """Write the problems as the result they are here, on standard output."""
    if as_json:
        from halo_iac.render.json import problems_json

        console.out(problems_json(error.problems))
    else:
        from halo_iac.render.problems import problems_text

        console.out(problems_text(error.problems, console.out_style))
    return error.exit_code
