"""Problems and findings of a project file, as ``validate`` reports them."""

from __future__ import annotations

from halo_iac.cli.context import CommandContext
from halo_iac.errors import ProjectError, ProjectNotFound
from halo_iac.findings import run_rules
from halo_iac.model.project import Project
from halo_iac.render.values import counted_findings
from halo_iac.render.view import ProjectCheck
from halo_iac.text import counted


def check_project(context: CommandContext) -> ProjectCheck:
    """Return the problems of a command's project file; a missing file is an error."""
    try:
        return check_findings(context.load())
    except ProjectNotFound:
        raise
    except ProjectError as error:
        return ProjectCheck("", error.problems)


def check_findings(project: Project) -> ProjectCheck:
    """Return the findings of a project without problems, and the conclusion to print."""
    findings = run_rules(project)
    odd = f", {counted_findings(findings)}" if findings else ""
    conclusion = f"{project.path}: {counted(len(project.entries), 'schedule')}, no problems{odd}"
    return ProjectCheck(project.path, (), findings, conclusion)
