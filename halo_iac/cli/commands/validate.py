"""``halo validate``: check the project files offline."""

from __future__ import annotations

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.project_files.check import check_findings, check_project, schema_notes
from halo_iac.cli.target import TargetOptions
from halo_iac.model.finding import errors
from halo_iac.model.project import Project
from halo_iac.render.formats import ProjectCheck, ReviewFormat


def validate(
    ctx: typer.Context,
    file: options.Files = None,
    checkout: options.Checkout = None,
    also: options.Also = None,
    format: options.ReviewFormatOption = ReviewFormat.TEXT,
    json: options.Json = False,
    no_color: options.NoColor = False,
    sandbox: options.SandboxAnywhere = False,
) -> int:
    """Check the project file and everything it includes, offline.

    Every problem of every file is reported at once, as path:line:column: message. If there is none, findings about the
    schedules follow, each with its rule, which `findings:` can change or turn off. Several files of the same project
    must not declare the same schedule. A warning on standard error names outdated JSON Schemas next to the project
    file. Exit codes: 0 no problems, 1 problems, or a finding of severity error.

    \b
    Examples:
      halo validate
      halo validate --file halo.staging.yaml --json
      halo validate -f halo.yaml -f 'envs/*/halo.yaml'
      halo validate --format github --also markdown=problems.md
    """
    console: Console = ctx.obj
    console.prepare(json=json, format=format, no_color=no_color)
    context = CommandContext(console, TargetOptions(sandbox=sandbox, checkout=checkout).with_files(file))
    with OutputWriter(context, format, also) as results:
        if context.is_list:
            from halo_iac.cli.project_files.several import load_each

            found = load_each(context.projects)
            checks = [
                check_findings(each) if isinstance(each, Project) else ProjectCheck(name, each) for name, each in found
            ]
            results.write(lambda view: view.checks(checks))
        else:
            check = check_project(context)
            checks = [check]
            results.write(lambda view: view.problems(check.problems, check.findings, check.conclusion))
    for note in schema_notes([each.project_path for each in context.projects], context.cwd):
        console.log(note)
    return int(any(check.problems or errors(check.findings) for check in checks))
