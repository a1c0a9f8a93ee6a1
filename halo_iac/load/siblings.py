"""Project files that one command reads together: files of one project share its counts and claims.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from halo_iac.errors import Problem
from halo_iac.load.limits import MAX_PROBLEMS
from halo_iac.model.project import Entry, Project

_Claim = tuple[str, str]
"""The key by which an entry is matched: its ``id``, else its title."""


def add_siblings(projects: Sequence[Project]) -> tuple[Project, ...]:
    """Return the projects, each with the other files that have the same ``project:``."""
    groups: defaultdict[str | None, list[Project]] = defaultdict(list)
    for project in projects:
        groups[project.project_id].append(project)
    return tuple(
        project._replace(siblings=tuple(each for each in groups[project.project_id] if each is not project))
        if project.project_id is not None and len(groups[project.project_id]) > 1
        else project
        for project in projects
    )


def find_shared_claims(projects: Sequence[Project]) -> Mapping[str, Sequence[Problem]]:
    """Return the problems of entries that an earlier file of the same project declares too, by project file."""
    first: dict[tuple[str, _Claim], tuple[Project, Entry]] = {}
    found: dict[str, Sequence[Problem]] = {}
    for project in projects:
        problems = _shared(project, first)
        listed = tuple(islice(problems, MAX_PROBLEMS))
        rest = sum(1 for _ in problems)
        if rest:
            listed += (Problem(project.path, 0, 0, f"… and {rest:,} more entries that another file declares too"),)
        if listed:
            found[project.path] = listed
    return found


def _shared(project: Project, first: dict[tuple[str, _Claim], tuple[Project, Entry]]) -> Iterator[Problem]:
    if project.project_id is None:
        return
    for entry in project.entries:
        claim = ("id", entry.id) if entry.id is not None else ("title", entry.title or "")
        other, earlier = first.setdefault((project.project_id, claim), (project, entry))
        if other is project:
            continue
        at = entry.origins.of("id" if entry.id is not None else "title")
        kind, value = claim
        message = f"the {kind} {value!r} is also declared at {earlier.origins.entry}, for the same project"
        hint = f"keep it in {project.path} or in {other.path}"
        yield Problem(at.path or project.path, at.line, at.column, message, hint)
