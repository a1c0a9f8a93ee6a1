"""Problems and findings of a project file, and notes on the schemas beside it, as ``validate`` reports them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from halo_iac.cli.context import CommandContext
from halo_iac.errors import ProjectError, ProjectNotFound
from halo_iac.findings import run_rules
from halo_iac.model.project import Project
from halo_iac.paths import display_path
from halo_iac.render.formats import ProjectCheck
from halo_iac.render.values import counted_findings
from halo_iac.storage.schema_files import INCLUDE_SCHEMA, outdated_schemas
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
    counts = f", {counted_findings(findings)}" if findings else ""
    conclusion = f"{project.path}: {counted(len(project.entries), 'schedule')}, no problems{counts}"
    return ProjectCheck(project.path, (), findings, conclusion)


def schema_notes(project_paths: Iterable[Path], cwd: Path) -> list[str]:
    """Return a sentence on each schema in the folders of project files that is not this version's."""
    folders = sorted({path.parent for path in project_paths})
    return [
        _schema_note(display_path(folder / name, cwd), name) for folder in folders for name in outdated_schemas(folder)
    ]


def _schema_note(shown: str, name: str) -> str:
    which = "schema include" if name == INCLUDE_SCHEMA else "schema"
    return f"{shown} is not this version's: run `halo {which} > {shlex.quote(shown)}`"
