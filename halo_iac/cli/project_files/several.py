"""Reads several project files, and checks that files of one project do not overlap.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from halo_iac.cli.project_files.options import MAX_CONCURRENT_PROJECTS
from halo_iac.errors import Problem, ProjectError, ProjectNotFound, SettingsError
from halo_iac.load.siblings import add_siblings, find_shared_claims
from halo_iac.paths import display_path

if TYPE_CHECKING:
    from halo_iac.cli.context import CommandContext
    from halo_iac.model.project import Project


def display_name(context: CommandContext) -> str:
    """Return the name of a context's project file for messages."""
    return display_path(context.project_path, context.cwd)


def load_each(contexts: Sequence[CommandContext]) -> list[tuple[str, Project | Sequence[Problem]]]:
    """Return the name of each project file with its project, or with its problems.

    An entry that overlaps one of an earlier file of the same project is a problem as well.
    """
    found: dict[str, Project | Sequence[Problem]] = {}
    loaded: list[Project] = []
    for context in contexts:
        name = display_name(context)
        try:
            found[name] = project = context.load()
            loaded.append(project)
        except ProjectNotFound:
            raise
        except ProjectError as error:
            found[name] = error.problems
    found.update((project.path, project) for project in add_siblings(loaded))
    found.update(find_shared_claims(loaded))
    return [*found.items()]


def load_project_list(context: CommandContext) -> frozenset[str]:
    """Read every project file of a list, relate the files of each project, and return the keys of all.

    The problems of all files, such as a missing ``project``, are one error. The platform is read for the first files
    while the next are read; not so the sandbox, which invalid files should not create.
    """
    contexts = context.projects
    if context.console.env.get("INF_PROJECT_ID"):
        context.console.log("INF_PROJECT_ID is ignored: with several project files, each sets its own `project:`")
    is_sandbox = contexts[0].sandbox_path is not None
    projects = load_projects(contexts, None if is_sandbox else _begin_observing, needs_id=True)
    for each, project in zip(contexts, add_siblings(projects), strict=True):
        each.replace_project(project)
    return frozenset(entry.key for project in projects for entry in project.entries)


def _begin_observing(context: CommandContext) -> None:
    """Start reading the platform; errors of settings are raised after all files were read."""
    with suppress(SettingsError):
        context.begin_observing()


def load_projects(
    contexts: Sequence[CommandContext],
    loaded: Callable[[CommandContext], None] | None = None,
    *,
    needs_id: bool = False,
) -> tuple[Project, ...]:
    """Read the project file of every context; the problems of all are one error.

    ``loaded`` is called with the contexts of the first files as soon as they are read.
    """
    projects: list[Project] = []
    problems: list[Problem] = []
    for number, context in enumerate(contexts):
        try:
            project = context.load()
        except ProjectNotFound:
            raise
        except ProjectError as error:
            problems += error.problems
            continue
        if needs_id and project.project_id is None:
            message = "`project` is missing: with several project files, each must set it"
            problems.append(Problem(project.path, 0, 0, message, "add `project: ID`"))
        elif loaded is not None and number < MAX_CONCURRENT_PROJECTS and not problems:
            loaded(context)
        projects.append(project)
    if problems:
        raise ProjectError(problems)
    return tuple(projects)
