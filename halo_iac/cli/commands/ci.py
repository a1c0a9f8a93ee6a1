"""``halo ci``: the ordinary commands as a job of a pipeline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from halo_iac.cli.ci.commands import COMMANDS
from halo_iac.cli.ci.job import CiJob
from halo_iac.cli.console import Console


class CiCommand(StrEnum):
    """The commands of a job."""

    VALIDATE = "validate"
    PLAN = "plan"
    APPLY = "apply"
    DRIFT = "drift"
    UNDO = "undo"
    REPORT = "report"
    FIXES = "fixes"


def ci(
    ctx: typer.Context,
    command: Annotated[
        CiCommand, typer.Argument(metavar="COMMAND", help="validate, plan, apply, drift, undo, report or fixes.")
    ],
    args: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="Options of the command, after `--`.", show_default=False)
    ] = None,
) -> int:
    """Run a command as a job of a pipeline.

    Works on GitHub, GitLab and other hosts. Reads the job's environment: HALO_CI_FILES, HALO_CI_BASE, HALO_CI_NAME,
    HALO_CI_ALLOW_ARCHIVE and others, and the host's information about the pull request, its labels and its base. Writes
    the job's summary and outputs. With HALO_CI_TOKEN it keeps these up to date: one comment on the pull request, one
    issue for drift, and for fixes one issue per schedule with its latest report. docs/ci.md lists all variables.

    A plan with changes is a success. Without a key (a fork, Dependabot, a merge queue), or if no file of the project
    differs from the base, plan only validates. apply applies the plan that plan saved. Exit codes: as for the command;
    0 for a plan with changes, and for drift that is reported in an issue.

    \b
    Examples:
      halo ci plan
      halo ci plan -- --target checkout-daily
      halo ci fixes -- --schedule checkout-daily
    """
    console: Console = ctx.obj
    console.prepare(json=False)
    return COMMANDS[command](CiJob(console, args or (), Path.cwd()))
