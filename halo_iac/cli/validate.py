"""``halo validate``: check the project files offline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.workplace import Choice, Workplace
from halo_iac.errors import ProjectError, ProjectNotFound

if TYPE_CHECKING:
    from halo_iac.model.finding import Finding
    from halo_iac.model.project import Project


def validate(
    ctx: typer.Context,
    file: options.File = None,
    format: options.FormatOption = options.Format.TEXT,  # noqa: A002 - the option's name
    json: options.Json = False,
    no_color: options.NoColor = False,
    _sandbox: options.SandboxAnywhere = False,
) -> int:
    """Check the project file and all it includes, offline.

    Every problem of every file is reported in one go, as path:line:column: message; where there is none, what is odd
    about the schedules follows, each with the rule that `findings:` switches. Exit codes: 0 fine, 1 problems, or a
    finding of severity error.

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
    from halo_iac.findings import find
    from halo_iac.model.finding import errors

    findings = find(project)
    console.out(_findings(console, project, findings, as_json=as_json))
    return 1 if errors(findings) else 0


def _findings(console: Console, project: Project, findings: Sequence[Finding], *, as_json: bool) -> str:
    """Return what is odd about a project without problems, then how much of it there is."""
    if as_json:
        from halo_iac.render.json import problems_json

        return problems_json((), findings)
    from halo_iac.render.problems import findings_text
    from halo_iac.render.words import counted, counted_findings

    style = console.out_style
    odd = f", {counted_findings(findings)}" if findings else ""
    schedules = counted(len(project.entries), "schedule")
    return f"{findings_text(findings, style)}{style.safe(project.path)}: {schedules}, no problems{odd}"


def _report(console: Console, error: ProjectError, *, as_json: bool) -> int:
    """Write the problems as the result they are here, on standard output."""
    if as_json:
        from halo_iac.render.json import problems_json

        console.out(problems_json(error.problems))
    else:
        from halo_iac.render.problems import problems_text

        console.out(problems_text(error.problems, console.out_style))
    return error.exit_code
