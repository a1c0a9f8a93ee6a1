"""validate_project and plan_project: problems of the project file, and what an apply would change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from halo_iac.errors import Problem
from halo_iac.mcp.arguments import Paged, ProjectFile
from halo_iac.mcp.pagination import collect_all, excerpt
from halo_iac.mcp.tool import MAX_CHARACTERS, Answer, Call, Line, Result, Tool, Total
from halo_iac.model.finding import Finding, Severity, errors
from halo_iac.model.plan import Change, FieldChange, Plan
from halo_iac.render.style import PLAIN
from halo_iac.render.values import format_value
from halo_iac.text import counted

_MAX_BLOCKERS: Final = 5_000
"""How many characters of entries, guards or warnings are listed of each; the plan's text has all of them."""


class CheckProject(Paged):
    """The arguments of validate_project."""

    file: ProjectFile = None


class Issue(Result):
    """A problem or finding at one position of a file."""

    path: Annotated[Line, Field(description="The file.")]
    line: Annotated[int, Field(description="The line, from 1; 0 for the whole file.")]
    column: Annotated[int, Field(description="The column, from 1; 0 for the whole file.")]
    severity: Annotated[str, Field(description="problem for invalid files; a finding is an error or a warning.")]
    rule: Annotated[str | None, Field(description="The rule of a finding; `findings:` sets its severity.")] = None
    message: Annotated[str, Field(description="What is wrong.")]
    hint: Annotated[str | None, Field(description="What to do about it.")] = None


class Validation(Result):
    """The answer of validate_project."""

    file: Annotated[Line, Field(description="The project file.")]
    is_valid: Annotated[bool, Field(description="Whether there is no problem, and no finding that is an error.")]
    issues: Annotated[list[Issue], Field(description="Every problem of every file; findings only without problems.")]
    total: Total


def validate_project(call: Call[CheckProject]) -> Answer:
    """Check the project file and everything that it includes, offline."""
    session, wanted, start = call
    check = session.check(wanted.file)
    issues = [*map(_problem_issue, check.problems), *map(_finding_issue, check.findings)]
    rows, rest = collect_all(issues, lambda issue: issue, start, wanted.limit)
    is_valid = not check.problems and not errors(check.findings)
    found = f"{counted(len(check.problems), 'problem')} and {counted(len(check.findings), 'finding')}"
    summary = f"The project file is {'valid' if is_valid else 'not valid'}: {found}."
    return Answer(Validation(file=check.file, is_valid=is_valid, issues=rows, total=len(issues)), summary, rest)


def _problem_issue(problem: Problem) -> Issue:
    return Issue(
        path=problem.path,
        line=problem.line,
        column=problem.column,
        severity="problem",
        message=problem.message,
        hint=problem.hint,
    )


def _finding_issue(finding: Finding) -> Issue:
    return Issue(
        path=finding.path,
        line=finding.line,
        column=finding.column,
        severity="error" if finding.severity is Severity.ERROR else "warning",
        rule=finding.rule,
        message=finding.message,
        hint=finding.hint,
    )


class PlanProject(Paged):
    """The arguments of plan_project."""

    file: ProjectFile = None
    schedule: Annotated[
        str | None, Field(description="Key of a schedule in the project file, to plan only this one.")
    ] = None


class PlannedField(Result):
    """A field that changes."""

    field: Annotated[str, Field(description="The field, as the project file names it.")]
    before: Annotated[str, Field(description="The platform's value.")]
    after: Annotated[str, Field(description="The declared value.")]
    origin: Annotated[Line, Field(description="File and line of the declared value.")]


class PlannedChange(Result):
    """What an apply would do to one schedule."""

    action: Annotated[str, Field(description="create, update, unarchive or archive.")]
    cause: Annotated[str, Field(description="Why the change is planned.")]
    schedule: Annotated[Line | None, Field(description="Its key; left out for an undeclared schedule.")] = None
    schedule_id: Annotated[str | None, Field(description="Its id; left out for one that does not exist yet.")] = None
    title: Annotated[Line, Field(description="Its title after the change.")]
    origin: Annotated[Line, Field(description="File and line of its entry.")] = ""
    fields: Annotated[list[PlannedField], Field(description="The changed fields.")]


class Stop(Result):
    """Why something is not planned, or may not be applied."""

    subject: Annotated[Line, Field(description="The entry or guard concerned.")]
    message: Annotated[str, Field(description="Why it is blocked or refused.")]
    hint: Annotated[str | None, Field(description="What to do about it.")] = None


class Planned(Result):
    """The answer of plan_project."""

    project_id: Annotated[str, Field(description="The project that the plan is for.")]
    file: Annotated[Line, Field(description="The project file.")]
    changes: Annotated[list[PlannedChange], Field(description="What an apply would do, in order.")]
    total: Annotated[int, Field(description="Number of all changes.")]
    unchanged: Annotated[int, Field(description="Number of schedules that match their entries.")]
    undeclared: Annotated[int, Field(description="Number of undeclared schedules in scope; they are left alone.")]
    blocked: Annotated[list[Stop], Field(description="Entries for which no change can be planned, and why.")]
    refusals: Annotated[list[Stop], Field(description="Guards that refuse to apply this plan, and what permits it.")]
    warnings: Annotated[list[str], Field(description="Warnings.")]
    runs_per_month_before: Annotated[float, Field(description="Runs a month now.")]
    runs_per_month_after: Annotated[float, Field(description="Runs a month after an apply.")]
    plan_text: Annotated[
        str | None, Field(description="The plan as text; only in the first result, its end may be cut.")
    ] = None


def plan_project(call: Call[PlanProject]) -> Answer:
    """Return what an apply would change; nothing is changed."""
    session, wanted, start = call
    plan, text = session.plan(wanted.file, [wanted.schedule] if wanted.schedule else [])
    rows, rest = collect_all(plan.changes, _change, start, wanted.limit)
    beginning, _ = excerpt(text, 0, MAX_CHARACTERS)
    return Answer(_planned(plan, rows, None if start[1] else beginning), _summary(plan), rest)


def _summary(plan: Plan) -> str:
    summary = f"{counted(len(plan.changes), 'change')} planned, {plan.unchanged} unchanged. Nothing was changed"
    if plan.blocked:
        summary += f"; {counted(len(plan.blocked), 'entry', 'entries')} blocked"
    if plan.blocking_violations:
        summary += "; an apply would be refused"
    return f"{summary}. This server never applies: a person or the pipeline runs `halo apply`."


def _planned(plan: Plan, rows: list[PlannedChange], text: str | None) -> Planned:
    return Planned(
        project_id=plan.host.project_id,
        file=plan.file,
        changes=rows,
        total=len(plan.changes),
        unchanged=plan.unchanged,
        undeclared=len(plan.undeclared),
        blocked=_fitting(Stop(subject=each.key, message=each.reason, hint=each.hint) for each in plan.blocked),
        refusals=_fitting(Stop(subject=each.guard, message=each.message, hint=each.override) for each in plan.refusals),
        warnings=[each.message for each in _fitting(Stop(subject="", message=each.message) for each in plan.warnings)],
        runs_per_month_before=round(plan.runs_per_month.before, 1),
        runs_per_month_after=round(plan.runs_per_month.after, 1),
        plan_text=text,
    )


def _fitting(found: Iterable[Stop]) -> list[Stop]:
    """Return as many items as fit into an answer."""
    rows: list[Stop] = []
    size = 0
    for each in found:
        size += len(each.model_dump_json())
        if rows and size > _MAX_BLOCKERS:
            break
        rows.append(each)
    return rows


def _change(change: Change) -> PlannedChange:
    return PlannedChange(
        action=change.action.value,
        cause=change.cause.value,
        schedule=change.key,
        schedule_id=change.id,
        title=change.title,
        origin=change.origin,
        fields=[*map(_field, change.fields)],
    )


def _field(change: FieldChange) -> PlannedField:
    return PlannedField(
        field=change.field,
        before=format_value(change.field, change.before, PLAIN),
        after=format_value(change.field, change.after, PLAIN),
        origin=change.origin,
    )


VALIDATE_PROJECT: Final = Tool(
    "validate_project",
    "Check the project file",
    "Checks the halo project file and everything it includes, offline: every problem with file, line, column and what "
    "to do, else findings about odd schedules. Use it after every edit of such a file, before plan_project.",
    CheckProject,
    Validation,
    validate_project,
    calls_platform=False,
)
PLAN_PROJECT: Final = Tool(
    "plan_project",
    "Plan the project file",
    "Shows what applying the halo project file would change on the platform, as text and field by field. It never "
    "applies anything. Use it after validate_project to check the effect of an edit.",
    PlanProject,
    Planned,
    plan_project,
)
