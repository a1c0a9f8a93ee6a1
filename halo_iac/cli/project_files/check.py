"""What is wrong with a project file, or odd about it, as ``validate`` says it."""

from __future__ import annotations

from halo_iac.cli.context import CommandContext
from halo_iac.errors import ProjectError, ProjectNotFound
from halo_iac.findings import run_rules
from halo_iac.model.project import Project
from halo_iac.render.values import counted_findings
from halo_iac.render.view import ProjectCheck
from halo_iac.text import counted


def check_project(context: CommandContext) -> ProjectCheck:
    """Return what is wrong with the project file of a command; that there is none is an error."""
    try:
        return check_sound(context.load())
    except ProjectNotFound:
        raise
    except ProjectError as error:
        return ProjectCheck("", error.problems)


def check_sound(project: Project) -> ProjectCheck:
    """Return what is odd about a project that could be read, and what to say of one that is fine."""
    findings = run_rules(project)
    odd = f", {counted_findings(findings)}" if findings else ""
    conclusion = f"{project.path}: {counted(len(project.entries), 'schedule')}, no problems{odd}"
    return ProjectCheck(project.path, (), findings, conclusion)
