"""``halo validate``: check the project files offline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext, TargetOptions
from halo_iac.cli.output import OutputWriter
from halo_iac.errors import Problem, ProjectError, ProjectNotFound
from halo_iac.findings import run_rules
from halo_iac.model.finding import errors
from halo_iac.render.values import counted_findings
from halo_iac.render.view import ReviewFormat
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.model.finding import Finding


def validate(
    ctx: typer.Context,
    file: options.File = None,
    checkout: options.Checkout = None,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,  # noqa: A002 - the option's name
    json: options.Json = False,
    no_color: options.NoColor = False,
    sandbox: options.SandboxAnywhere = False,
) -> int:
    """Check the project file and everything it includes, offline.

    Every problem of every file is reported at once, as path:line:column: message. If there is none, findings about the
    schedules follow, each with its rule, which `findings:` can change or turn off. Exit codes: 0 no problems, 1
    problems, or a finding of severity error.

    \b
    Examples:
      halo validate
      halo validate --file halo.staging.yaml --json
      halo validate --format github --also markdown=problems.md
    """
    console: Console = ctx.obj
    console.prepare(json=json, format=format, no_color=no_color)
    context = CommandContext(console, TargetOptions(file, sandbox=sandbox, checkout=checkout))
    with OutputWriter(context, format, also) as results:
        told, problems, findings = _checked(context)
        results.put(lambda view: view.problems(problems, findings, told))
    return 1 if problems or errors(findings) else 0


def _checked(context: CommandContext) -> tuple[str, Sequence[Problem], Sequence[Finding]]:
    """Return what to say of files that are fine, the problems of those that are not, and what is odd in either."""
    try:
        project = context.load()
    except ProjectNotFound:
        raise
    except ProjectError as error:
        return "", error.problems, ()
    findings = run_rules(project)
    odd = f", {counted_findings(findings)}" if findings else ""
    return f"{project.path}: {counted(len(project.entries), 'schedule')}, no problems{odd}", (), findings
