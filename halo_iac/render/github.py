"""Annotations for GitHub's runner: commands that put problems, findings and changes beside their lines.

See docs/cli.md#formats.

The one format whose lines a runner is meant to obey. They are ours up to the message; what is foreign in them is
escaped as the runner's own toolkit does, after ``Style.safe`` has broken what another runner would obey. GitHub shows
ten annotations of a level in a step, so the most serious come first and the closing lines say how many there are.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple

from halo_iac.errors import HaloError, Problem, ProjectError
from halo_iac.hints import Hint, join_hints
from halo_iac.model.apply_result import ApplyOutcome, Summary
from halo_iac.model.drift import Drift, DriftKind
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import Change, PausedSchedule, Plan, PlanWarning
from halo_iac.render.calendar import Calendar
from halo_iac.render.drift import CAVEAT, drift_counts, drifted_files, item_rows
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.headings import plan_counts, remedy_label, run_counts
from halo_iac.render.rows import ATTRIBUTIONS, Row, format_monthly_cost, monthly_runs, summary_rows
from halo_iac.render.style import Style
from halo_iac.render.values import problem_counts
from halo_iac.text import counted

_MAX_SHOWN: Final = 10
"""How many annotations of a level GitHub shows of one step."""


class _Level(StrEnum):
    """GitHub's levels of annotations, the most serious first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class _Annotation(NamedTuple):
    """One annotation; ``path`` is relative to the working directory, ``line`` and ``column`` are 0 where unknown."""

    level: _Level
    title: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0


class GithubView:
    """Draws results as annotations."""

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style.without_colour()
        self._prefix = context.prefix()

    def plan(self, planned: Plan, shown: Plan) -> str:  # noqa: ARG002 - annotations are for people
        """Return the plan with what depends on the clock."""
        return self._draw(_annotate_plan(shown, self._style), [plan_counts(shown, self._style)])

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Return the plan and its changes that failed."""
        annotations, counts = _annotate_project(planned, outcome, self._style)
        return self._draw(annotations, counts)

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans of all project files and their changes that failed, and the counts of each file last."""
        found: list[_Annotation] = []
        ending: list[str] = []
        for each in plans:
            style = each.styled(self._style)
            annotations, counts = _annotate_project(each.shown, each.outcome, style)
            found += (one._replace(message=style.format_hint(one.message)) for one in annotations)
            ending += (f"{style.safe(each.shown.file)}: {line}" for line in counts)
        return self._draw(found, ending)

    all_applied = plans

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Return the problems and the findings, and the conclusion about files without problems."""
        ending = self._style.safe(conclusion) or problem_counts(problems, findings)
        return self._draw([*map(_annotate_problem, problems), *map(_annotate_finding, findings)], [ending])

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Return the problems and the findings of all project files; the conclusions about valid ones come last."""
        problems = [problem for check in checks for problem in check.problems]
        findings = [finding for check in checks for finding in check.findings]
        ending = [self._style.safe(check.conclusion) for check in checks if check.conclusion]
        ending += [problem_counts(problems, findings)] if problems else []
        return self._draw([*map(_annotate_problem, problems), *map(_annotate_finding, findings)], ending)

    def drift(self, drift: Drift) -> str:
        """Return each difference as an annotation of its entry, and the counts last."""
        ending = [drift_counts(drift), *([self._style.safe(CAVEAT)] if drift.items else ())]
        return self._draw(_annotate_drift(drift, self._style), ending)

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Return the differences of all project files, with a line of counts for each."""
        annotations = [each for one in found for each in _annotate_drift(one.drift, one.styled(self._style))]
        counts = [f"{self._style.safe(each.drift.plan.file)}: {drift_counts(each.drift)}" for each in found]
        return self._draw(annotations, [*counts, f"{drifted_files(found)}."])

    def error(self, error: HaloError) -> str:
        """Return an error as annotations: the problems of project files, or what happened and what to do."""
        if isinstance(error, ProjectError):
            return self.problems(error.problems, (), "")
        return self._draw([_Annotation(_Level.ERROR, "halo", _with_hint(error.message, error.hint))], [])

    def _draw(self, found: Iterable[_Annotation], ending: Sequence[str]) -> str:
        levels = [*_Level]
        annotations = sorted(found, key=lambda each: levels.index(each.level))
        numbers = Counter(each.level for each in annotations)
        commands = [_command(each, self._style, self._prefix) for each in annotations]
        if any(number > _MAX_SHOWN for number in numbers.values()):
            total = ", ".join(counted(numbers[level], level) for level in _Level if numbers[level])
            commands.append(f"{total}; GitHub shows the first {_MAX_SHOWN} of each.")
        return "\n".join([*commands, *ending, ""])


# Annotations --------------------------------------------------------------------------------------------------------


def _annotate_project(plan: Plan, outcome: ApplyOutcome | None, style: Style) -> tuple[list[_Annotation], list[str]]:
    """Return the annotations of a plan, changes that failed first, and the lines of counts."""
    if outcome is None:
        return [*_annotate_plan(plan, style)], [plan_counts(plan, style)]
    failures = _annotate_failures(outcome.summary, style)
    return [*failures, *_annotate_plan(plan, style)], [plan_counts(plan, style), run_counts(outcome.summary)]


def _annotate_plan(plan: Plan, style: Style) -> Iterator[_Annotation]:
    origins = {change.key: change.origin for change in plan.changes} | {each.key: each.origin for each in plan.blocked}
    for refusal in plan.refusals:
        level, verdict = (_Level.WARNING, "withheld") if refusal.withholds else (_Level.ERROR, "refused")
        remedy = Hint("{}: {}", remedy_label(refusal), refusal.override)
        message = _with_hint(Hint("{}, {}: {}", verdict, refusal.guard, refusal.message), remedy)
        origin = next((origins[name] for name in refusal.names if name in origins), "")
        yield _Annotation(level, "halo plan", message, *_position(origin))
    for entry in plan.blocked:
        message = _with_hint(f"blocked {style.safe(entry.key)}: {entry.reason}", entry.hint)
        yield _Annotation(_Level.ERROR, "halo plan", message, *_position(entry.origin))
    yield from map(_annotate_finding, plan.findings)
    for warning in plan.warnings:
        origin = origins.get(warning.key, "")
        yield _Annotation(_Level.WARNING, "halo plan", _warning_message(warning, style), *_position(origin))
    yield from (_annotate_paused(each, style) for each in plan.paused)
    calendar = Calendar(None, style).with_cost(plan.cost_per_month)
    for change in sorted(plan.changes, key=attrgetter("is_removal"), reverse=True):
        yield _annotate_change(change, calendar, style)


def _annotate_paused(paused: PausedSchedule, style: Style) -> _Annotation:
    by = "by hand" if paused.reason is None else f"by the platform ({style.safe(paused.reason)})"
    message = f"{style.safe(paused.key)}: {style.quoted(paused.title)} is paused {by} and left alone"
    remedy = Hint("to resume it: {}", paused.hint)
    return _Annotation(_Level.WARNING, "halo plan", _with_hint(message, remedy), *_position(paused.origin))


def _annotate_change(change: Change, calendar: Calendar, style: Style) -> _Annotation:
    short = ", ".join(_row_text(row, style) for row in summary_rows(change, calendar, style, {}))
    name = style.safe(change.key or f"{change.title} ({change.id})")
    share = f" ({ATTRIBUTIONS[change.share]})" if change.share else ""
    runs, fee = monthly_runs(change, calendar), calendar.cost_per_run
    cost = f"; cost a month: {format_monthly_cost(*runs, fee, style)}" if fee is not None and runs[0] != runs[1] else ""
    message = f"{change.action} {name}: {short}{cost}{share}"
    return _Annotation(_Level.NOTICE, "halo plan", message, *_position(change.origin))


def _row_text(row: Row, style: Style) -> str:
    before = "" if row.before is None else f"{row.before} {style.displayable('→')} "
    return f"{row.label} {before}{row.after}".strip()


def _annotate_drift(drift: Drift, style: Style) -> Iterator[_Annotation]:
    for item in drift.items:
        level = _Level.ERROR if item.kind is DriftKind.BLOCKED else _Level.WARNING
        rows = ", ".join(_row_text(row, style) for row in item_rows(drift, item, style))
        name = style.safe(item.key) if item.key else f"{style.quoted(item.title)} ({style.safe(', '.join(item.ids))})"
        text = ": ".join(filter(None, (f"{item.kind} {name}", rows or item.reason)))
        message = _with_hint(text, item.hint and style.format_hint(item.hint))
        yield _Annotation(level, "halo drift", message, *_position(item.origin))
    for warning in drift.plan.warnings:
        yield _Annotation(_Level.WARNING, "halo drift", _warning_message(warning, style))


def _warning_message(warning: PlanWarning, style: Style) -> str:
    return f"{style.safe(warning.key or 'project')}: {warning.message}"


def _annotate_finding(finding: Finding) -> _Annotation:
    level = _Level.ERROR if finding.severity is Severity.ERROR else _Level.WARNING
    message = _with_hint(finding.message, finding.hint)
    return _Annotation(level, f"halo: {finding.rule}", message, finding.path, finding.line, finding.column)


def _annotate_problem(problem: Problem) -> _Annotation:
    message = _with_hint(problem.message, problem.hint)
    return _Annotation(_Level.ERROR, "halo", message, problem.path, problem.line, problem.column)


def _annotate_failures(run: Summary, style: Style) -> Iterator[_Annotation]:
    for event in run.events:
        if not event.status.is_success:
            change = event.change
            reason = f": {event.message}" if event.message else ""
            message = _with_hint(f"{event.status}, {change.action} {style.safe(change.name)}{reason}", event.hint)
            yield _Annotation(_Level.ERROR, "halo apply", message, *_position(change.origin))


def _with_hint(message: str, hint: str | None) -> str:
    return join_hints("\n", (message, hint))


def _position(origin: str) -> tuple[str, int]:
    """Return the file and the line of ``file:line``."""
    path, _, line = origin.rpartition(":")
    return (path, int(line)) if path and line.isdecimal() else ("", 0)


# Workflow commands --------------------------------------------------------------------------------------------------


def _command(annotation: _Annotation, style: Style, prefix: str) -> str:
    """Return an annotation as a command; its path begins at the root of the repository, where GitHub looks for it."""
    path = posixpath.normpath(posixpath.join(prefix, annotation.path)) if annotation.path else ""
    properties = {
        "file": style.safe(path),
        "line": str(annotation.line or ""),
        "col": str(annotation.column or ""),
        "title": style.safe(annotation.title),
    }
    escaped = (
        f"{name}={_escape(value).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
        if value
    )
    return f"::{annotation.level} {','.join(escaped)}::{_escape(chr(10).join(style.safe_lines(annotation.message)))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
