"""The finding of ``undeclared: error``: schedules that no file declares (docs/semantics.md#undeclared-schedules)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from halo_iac.hints import Command, Hint
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.model.plan import Plan

_NAMED: Final = 3
"""How many titles and ids the finding has; the plan lists more of them."""


def find_undeclared(project: Project, plan: Plan) -> tuple[Finding, ...]:
    """Return one finding for all that is undeclared; none with targets, or while some declarations are unknown.

    The policy is the plan's: that of a base, an option or a variable may be stricter than the project's.
    """
    there = plan.undeclared
    if plan.policy.undeclared != UndeclaredPolicy.ERROR or not there or plan.targets or project.unread:
        return ()
    titles = ", ".join(repr(schedule.title) for schedule in there[:_NAMED])
    more = f" and {len(there) - _NAMED:,} more" if len(there) > _NAMED else ""
    number = counted(len(there), "schedule is", "schedules are")
    message = f"{number} declared in no file, which `undeclared: error` does not allow: {titles}{more}"
    ids = [schedule.id for schedule in there] if len(there) <= _NAMED else []
    them = "it" if len(there) == 1 else "them"
    hint = Hint(f"run `{{}}` to add {them} to {{}}, or archive {them}", Command("import", *ids), project.path)
    at = project.origin("undeclared")
    place = (at.path, at.line, at.column) if at.path is not None else (project.path, 1, 1)
    return (Finding("undeclared", Severity.ERROR, message, hint, None, *place),)
