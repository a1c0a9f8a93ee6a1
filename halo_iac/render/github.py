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
from halo_iac.hints import Hint, joined
from halo_iac.model.apply_result import ApplyOutcome, Event, Summary
from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import Blocked, Change, GuardViolation, PausedSchedule, Plan
from halo_iac.render.calendar import Calendar
from halo_iac.render.drift import CAVEAT, drift_counts, drifted_files, item_rows
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.headings import plan_counts, run_counts
from halo_iac.render.rows import SHARES, Row, cost_in_words, runs_of, summary
from halo_iac.render.style import Style
from halo_iac.render.values import problem_counts
from halo_iac.text import counted

SHOWN_ANNOTATIONS: Final = 10
"""How many annotations of a level GitHub shows of one step."""


class Level(StrEnum):
    """What GitHub calls how serious an annotation is, the most serious first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(NamedTuple):
    """One annotation; ``path`` is relative to the working directory, ``line`` and ``column`` are 0 where unknown."""

    level: Level
    title: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0


def plan_github(plan: Plan, style: Style, *, prefix: str = "", summary: Summary | None = None) -> str:
    """Return a plan as annotations, changes that failed first, and the counts last.

    ``prefix`` is the way from the root of the repository to the working directory, with ``/``.
    """
    style = style.unpainted()
    found = [*(_not_done(summary, style) if summary else ()), *_of_plan(plan, style)]
    ending = [plan_counts(plan, style), *([run_counts(summary)] if summary else ())]
    return _lines(found, ending, style, prefix)


def plans_github(plans: Sequence[ProjectPlan], style: Style, *, prefix: str = "") -> str:
    """Return the plans of several project files as annotations, and for each of them the counts last."""
    style = style.unpainted()
    found: list[Annotation] = []
    ending = []
    for each in plans:
        summary, own = None if each.outcome is None else each.outcome.summary, each.styled(style)
        annotations = (*(_not_done(summary, own) if summary else ()), *_of_plan(each.shown, own))
        found += [one._replace(message=own.filled(one.message)) for one in annotations]
        counts = [plan_counts(each.shown, style), *([run_counts(summary)] if summary else ())]
        ending += [f"{style.safe(each.shown.file)}: {line}" for line in counts]
    return _lines(found, ending, style, prefix)


def problems_github(
    problems: Sequence[Problem],
    style: Style,
    *,
    prefix: str = "",
    findings: Sequence[Finding] = (),
    conclusion: str = "",
) -> str:
    """Return problems and findings as annotations; ``conclusion`` comes last."""
    found = [*map(_of_problem, problems), *map(_of_finding, findings)]
    return _lines(found, [style.safe(conclusion) or problem_counts(problems, findings)], style, prefix)


def checks_github(checks: Sequence[ProjectCheck], style: Style, *, prefix: str = "") -> str:
    """Return the problems and findings of several project files; the conclusions about valid ones come last."""
    problems = [problem for check in checks for problem in check.problems]
    findings = [finding for check in checks for finding in check.findings]
    conclusion = [style.safe(check.conclusion) for check in checks if check.conclusion]
    ending = [*conclusion, *([problem_counts(problems, findings)] if problems else ())]
    return _lines([*map(_of_problem, problems), *map(_of_finding, findings)], ending, style, prefix)


def drift_github(drift: Drift, style: Style, *, prefix: str = "") -> str:
    """Return each difference as an annotation of its entry, and the counts last."""
    style = style.unpainted()
    ending = [drift_counts(drift), *([style.safe(CAVEAT)] if drift.items else ())]
    return _lines(_of_drift(drift, style), ending, style, prefix)


def drifts_github(found: Sequence[ProjectDrift], style: Style, *, prefix: str = "") -> str:
    """Return the same of several project files, with a line of counts for each."""
    style = style.unpainted()
    annotations = [each for one in found for each in _of_drift(one.drift, one.styled(style))]
    counts = [f"{style.safe(each.drift.plan.file)}: {drift_counts(each.drift)}" for each in found]
    return _lines(annotations, [*counts, f"{drifted_files(found)}."], style, prefix)


def error_github(error: HaloError, style: Style, *, prefix: str = "") -> str:
    """Return an error as annotations: the problems of project files, or what happened and what to do."""
    if isinstance(error, ProjectError):
        return problems_github(error.problems, style, prefix=prefix)
    return _lines([Annotation(Level.ERROR, "halo", _with_hint(error.message, error.hint))], [], style, prefix)


class GithubView:
    """Draws results as annotations."""

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style
        self._prefix = context.prefix()

    def plan(self, planned: Plan, shown: Plan) -> str:  # noqa: ARG002 - annotations are for people
        """Return the plan with what depends on the clock."""
        return plan_github(shown, self._style, prefix=self._prefix)

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Return the plan and its changes that failed."""
        summary = None if outcome is None else outcome.summary
        return plan_github(planned, self._style, prefix=self._prefix, summary=summary)

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans of all project files."""
        return plans_github(plans, self._style, prefix=self._prefix)

    def all_applied(self, plans: Sequence[ProjectPlan]) -> str:
        """Return the plans of all project files and their changes that failed."""
        return plans_github(plans, self._style, prefix=self._prefix)

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Return the problems and the findings, and the conclusion about files without problems."""
        return problems_github(problems, self._style, prefix=self._prefix, findings=findings, conclusion=conclusion)

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Return the problems and the findings of all project files."""
        return checks_github(checks, self._style, prefix=self._prefix)

    def drift(self, drift: Drift) -> str:
        """Return the differences."""
        return drift_github(drift, self._style, prefix=self._prefix)

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Return the differences of all project files."""
        return drifts_github(found, self._style, prefix=self._prefix)

    def error(self, error: HaloError) -> str:
        """Return what happened and what to do."""
        return error_github(error, self._style, prefix=self._prefix)


# Annotations --------------------------------------------------------------------------------------------------------


def _of_plan(plan: Plan, style: Style) -> Iterator[Annotation]:
    places = {change.key: change.origin for change in plan.changes} | {each.key: each.origin for each in plan.blocked}
    for refusal in plan.refusals:
        yield _of_refusal(refusal, next((places[name] for name in refusal.names if name in places), ""))
    yield from (_of_blocked(entry, style) for entry in plan.blocked)
    yield from map(_of_finding, plan.findings)
    for warning in plan.warnings:
        message = f"{style.safe(warning.key or 'project')}: {warning.message}"
        yield Annotation(Level.WARNING, "halo plan", message, *_place(places.get(warning.key, "")))
    yield from (_of_paused(each, style) for each in plan.paused)
    calendar = Calendar(None, style).priced(plan.cost_per_month)
    for change in sorted(plan.changes, key=attrgetter("is_removal"), reverse=True):
        yield _of_change(change, calendar, style)


def _of_refusal(refusal: GuardViolation, place: str) -> Annotation:
    level, word = (Level.WARNING, "withheld") if refusal.withholds else (Level.ERROR, "refused")
    message = Hint("{}, {}: {}", word, refusal.guard, refusal.message)
    remedy = Hint("{}: {}", "to do" if refusal.withholds else "override", refusal.override)
    return Annotation(level, "halo plan", _with_hint(message, remedy), *_place(place))


def _of_blocked(entry: Blocked, style: Style) -> Annotation:
    message = _with_hint(f"blocked {style.safe(entry.key)}: {entry.reason}", entry.hint)
    return Annotation(Level.ERROR, "halo plan", message, *_place(entry.origin))


def _of_paused(paused: PausedSchedule, style: Style) -> Annotation:
    by = "by hand" if paused.reason is None else f"by the platform ({style.safe(paused.reason)})"
    message = f"{style.safe(paused.key)}: {style.quoted(paused.title)} is paused {by} and left alone"
    remedy = Hint("to resume it: {}", paused.hint)
    return Annotation(Level.WARNING, "halo plan", _with_hint(message, remedy), *_place(paused.origin))


def _of_change(change: Change, calendar: Calendar, style: Style) -> Annotation:
    short = ", ".join(_in_short(row, style) for row in summary(change, calendar, style))
    name = style.safe(change.key or f"{change.title} ({change.id})")
    share = f" ({SHARES[change.share]})" if change.share else ""
    runs, fee = runs_of(change, calendar), calendar.cost_per_run
    cost = f"; cost a month: {cost_in_words(*runs, fee, style)}" if fee is not None and runs[0] != runs[1] else ""
    return Annotation(
        Level.NOTICE, "halo plan", f"{change.action} {name}: {short}{cost}{share}", *_place(change.origin)
    )


def _in_short(row: Row, style: Style) -> str:
    before = "" if row.before is None else f"{row.before} {style.displayable('→')} "
    return f"{row.label} {before}{row.after}".strip()


def _of_drift(drift: Drift, style: Style) -> Iterator[Annotation]:
    for item in drift.items:
        yield _of_difference(drift, item, style)
    for warning in drift.plan.warnings:
        yield Annotation(Level.WARNING, "halo drift", f"{style.safe(warning.key or 'project')}: {warning.message}")


def _of_difference(drift: Drift, item: DriftItem, style: Style) -> Annotation:
    level = Level.ERROR if item.kind is DriftKind.BLOCKED else Level.WARNING
    rows = ", ".join(_in_short(row, style) for row in item_rows(drift, item, style))
    name = style.safe(item.key) if item.key else f"{style.quoted(item.title)} ({style.safe(', '.join(item.ids))})"
    text = ": ".join(filter(None, (f"{item.kind} {name}", rows or item.reason)))
    message = _with_hint(text, item.hint and style.filled(item.hint))
    return Annotation(level, "halo drift", message, *_place(item.origin))


def _of_finding(finding: Finding) -> Annotation:
    level = Level.ERROR if finding.severity is Severity.ERROR else Level.WARNING
    message = _with_hint(finding.message, finding.hint)
    return Annotation(level, f"halo: {finding.rule}", message, finding.path, finding.line, finding.column)


def _of_problem(problem: Problem) -> Annotation:
    message = _with_hint(problem.message, problem.hint)
    return Annotation(Level.ERROR, "halo", message, problem.path, problem.line, problem.column)


def _not_done(summary: Summary, style: Style) -> Iterator[Annotation]:
    for event in summary.events:
        if not event.status.is_success:
            yield _of_event(event, style)


def _of_event(event: Event, style: Style) -> Annotation:
    change = event.change
    reason = f": {event.message}" if event.message else ""
    message = _with_hint(f"{event.status}, {change.action} {style.safe(change.name)}{reason}", event.hint)
    return Annotation(Level.ERROR, "halo apply", message, *_place(change.origin))


def _with_hint(message: str, hint: str | None) -> str:
    return joined("\n", (message, hint))


def _place(origin: str) -> tuple[str, int]:
    """Return the file and the line of ``file:line``."""
    path, _, line = origin.rpartition(":")
    return (path, int(line)) if path and line.isdecimal() else ("", 0)


# Workflow commands --------------------------------------------------------------------------------------------------


def _lines(found: Iterable[Annotation], ending: Sequence[str], style: Style, prefix: str) -> str:
    levels = [*Level]
    annotations = sorted(found, key=lambda each: levels.index(each.level))
    numbers = Counter(each.level for each in annotations)
    commands = [_command(each, style, prefix) for each in annotations]
    return "\n".join([*commands, *_hidden(numbers), *ending, ""])


def _hidden(numbers: Counter[Level]) -> Iterator[str]:
    if any(number > SHOWN_ANNOTATIONS for number in numbers.values()):
        conclusion = ", ".join(counted(numbers[level], level) for level in Level if numbers[level])
        yield f"{conclusion}; GitHub shows the first {SHOWN_ANNOTATIONS} of each."


def _command(annotation: Annotation, style: Style, prefix: str) -> str:
    place = {
        "file": style.safe(_from_root(annotation.path, prefix)),
        "line": str(annotation.line or ""),
        "col": str(annotation.column or ""),
        "title": style.safe(annotation.title),
    }
    properties = ",".join(f"{name}={_property(value)}" for name, value in place.items() if value)
    return f"::{annotation.level} {properties}::{_data(chr(10).join(style.safe_lines(annotation.message)))}"


def _from_root(path: str, prefix: str) -> str:
    """Return a path from the root of the repository, where GitHub looks for it."""
    return posixpath.normpath(posixpath.join(prefix, path)) if path else ""


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
