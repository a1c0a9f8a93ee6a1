"""The project files of a list together: reading them, and what those of one project share.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from halo_iac.errors import Problem, ProjectError, ProjectNotFound
from halo_iac.load.files import display_path
from halo_iac.load.siblings import with_siblings

if TYPE_CHECKING:
    from halo_iac.cli.context import CommandContext
    from halo_iac.model.project import Project


def display_name(context: CommandContext) -> str:
    """Return what messages call the project file of a context."""
    return display_path(context.project_path, context.cwd)


def load_projects(contexts: Sequence[CommandContext]) -> tuple[Project, ...]:
    """Read the project file of every context; what is wrong with any of them is one error.

    Of a list, each then knows the other files of its project, and has to say which that is.
    """
    loaded: list[Project] = []
    problems: list[Problem] = []
    for context in contexts:
        try:
            loaded.append(context.load())
        except ProjectNotFound:
            raise
        except ProjectError as error:
            problems += error.problems
    if problems:
        raise ProjectError(problems)
    return tuple(loaded)


def relate(contexts: Sequence[CommandContext], loaded: Sequence[Project]) -> tuple[Project, ...]:
    """Return projects that know the other files of theirs, and have their contexts know it too."""
    related = with_siblings(loaded)
    for context, project in zip(contexts, related, strict=True):
        context.relate(project)
    return related
