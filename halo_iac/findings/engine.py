"""Runs the rules and makes findings of their violations, with severity and position."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from halo_iac.findings.prompts import list_credentials
from halo_iac.findings.rule_input import RuleInput, Violation, rule_input
from halo_iac.findings.rules import CREDENTIALS, RULES, UNUSED_GLOB, Rule, unused_globs
from halo_iac.hints import Command, Hint
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.project import Entry, Origin, Project, UndeclaredPolicy
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.model.plan import Plan
    from halo_iac.model.remote import PlatformState

MAX_LISTED: Final = 100
"""How many findings of one rule are listed, the rest counted: a reader fixes the first ones before reading more."""

_WHOLE_FILE: Final = (1, 1)
"""The position that a prompt file has as an origin, and that no key inside an entry can have."""

_NAMED: Final = 3
"""How many titles and ids the finding about undeclared schedules has; the plan lists more of them."""

_ORDER: Final = attrgetter("path", "line", "column", "rule", "message")


def run_rules(project: Project, concerned: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return the findings of the declared schedules, file by file and line by line.

    Of one rule, :data:`MAX_LISTED` are listed, and all those of the ``concerned`` entries.
    """
    switching = [entry for entry in project.entries if entry.rule_severities]
    whole: RuleInput | None = None
    found: list[Finding] = []
    for rule in RULES:
        if rule.check is None:
            continue
        if any(rule.name in entry.rule_severities for entry in switching):
            subject = rule_input(project, [entry for entry in project.entries if severity_of(rule, project, entry)])
        elif severity_of(rule, project):
            subject = whole = whole or rule_input(project, project.entries)
        else:
            continue
        found += _findings(rule, rule.check(subject), project, concerned)
    return tuple(sorted(found, key=_ORDER))


def find_in_plan(project: Project, plan: Plan) -> tuple[Finding, ...]:
    """Return the findings of a project, with all of those of changed entries; with targets, only those of targets."""
    targets = frozenset(plan.targets)
    if not targets:
        return run_rules(project, {change.key for change in plan.changes if change.key is not None})
    return tuple(finding for finding in run_rules(project, targets) if finding.key in targets)


def find_credentials(project: Project, plan: Plan) -> frozenset[str]:
    """Return what looks like a credential in the prompts that a plan shows, unless the rule is off."""
    entries = {entry.key: entry for entry in project.entries}
    return frozenset(
        credential
        for change in plan.changes
        if severity_of(CREDENTIALS, project, entries.get(change.key or ""))
        for spec in (change.before, change.after)
        if spec is not None
        for credential in list_credentials(spec.prompt)
    )


def find_unused_globs(project: Project, plan: Plan, actual: PlatformState) -> tuple[Finding, ...]:
    """Return the globs of ``protect`` that cover no declared and no existing title; none for a plan with targets."""
    severity = severity_of(UNUSED_GLOB, project)
    if severity is None or plan.targets:
        return ()
    titles = chain((entry.title or "" for entry in project.entries), (remote.title for remote in actual.schedules))
    return tuple(
        _finding(UNUSED_GLOB, severity, violation, None, violation.at or project.origin(violation.field))
        for violation in unused_globs(project, titles)
    )


def find_undeclared(project: Project, plan: Plan) -> tuple[Finding, ...]:
    """Return one finding for all undeclared schedules under ``undeclared: error``.

    There is none with targets, or while some declarations are unknown; see docs/semantics.md#undeclared-schedules.
    The policy is the plan's: that of a base, an option or a variable may be stricter than the project's.
    """
    undeclared = plan.undeclared
    if plan.policy.undeclared != UndeclaredPolicy.ERROR or not undeclared or plan.targets or project.unread:
        return ()
    titles = ", ".join(repr(schedule.title) for schedule in undeclared[:_NAMED])
    more = f" and {len(undeclared) - _NAMED:,} more" if len(undeclared) > _NAMED else ""
    number = counted(len(undeclared), "schedule is", "schedules are")
    message = f"{number} declared in no file, which `undeclared: error` does not allow: {titles}{more}"
    ids = [schedule.id for schedule in undeclared] if len(undeclared) <= _NAMED else []
    them = "it" if len(undeclared) == 1 else "them"
    hint = Hint(f"run `{{}}` to add {them} to {{}}, or archive {them}", Command("import", *ids), project.path)
    at = project.origin("undeclared")
    place = (at.path, at.line, at.column) if at.path is not None else (project.path, 1, 1)
    return (Finding("undeclared", Severity.ERROR, message, hint, None, *place),)


def severity_of(rule: Rule, project: Project, entry: Entry | None = None) -> Severity | None:
    """Return the severity of a rule: the entry's, else the project's, else the rule's own; ``None`` if it is off."""
    by_project = project.rule_severities.get(rule.name, rule.severity)
    return by_project if entry is None else entry.rule_severities.get(rule.name, by_project)


def make_finding(rule: Rule, violation: Violation, project: Project, entry: Entry) -> Finding:
    """Return a violation of one entry as a finding."""
    severity = severity_of(rule, project, entry) or Severity.WARNING
    return _finding(rule, severity, violation, entry.key, _position(entry, violation))


def _findings(
    rule: Rule, violations: Iterable[Violation], project: Project, concerned: Collection[str]
) -> Iterator[Finding]:
    shown: list[tuple[Entry, Violation]] = []
    for violation in violations:
        if violation.is_shared:
            yield _shared_finding(rule, violation, project)
        else:
            shown += [(entry, violation) for entry in violation.entries]
    rest: list[tuple[Entry, Violation]] = []
    if len(shown) > MAX_LISTED + 1:
        shown.sort(key=lambda one: one[0].key)
        rest = [one for one in shown[MAX_LISTED:] if one[0].key not in concerned]
        shown = [*shown[:MAX_LISTED], *(one for one in shown[MAX_LISTED:] if one[0].key in concerned)]
    for entry, violation in shown:
        yield make_finding(rule, violation, project, entry)
    if rest:
        yield _rest_finding(rule, [entry for entry, _ in rest], project)


def _shared_finding(rule: Rule, violation: Violation, project: Project) -> Finding:
    """Return the finding of a shared violation, at the first of its entries; without entries, at the project's key."""
    if not violation.entries:
        severity = severity_of(rule, project) or Severity.WARNING
        return _finding(rule, severity, violation, None, violation.at or project.origin(violation.field))
    first = min(violation.entries, key=lambda entry: entry.key)
    key = first.key if len(violation.entries) == 1 else None
    return _finding(rule, _most_severe(rule, violation.entries, project), violation, key, _position(first, violation))


def _rest_finding(rule: Rule, rest: Sequence[Entry], project: Project) -> Finding:
    """Return one finding that counts the entries that are not listed, at the first of them."""
    first = rest[0]
    violation = Violation(rest, "", f"{len(rest):,} more entries have the same problem, starting with this one", None)
    return _finding(rule, _most_severe(rule, rest, project), violation, first.key, first.origins.entry)


def _most_severe(rule: Rule, entries: Iterable[Entry], project: Project) -> Severity:
    is_error = any(severity_of(rule, project, entry) is Severity.ERROR for entry in entries)
    return Severity.ERROR if is_error else Severity.WARNING


def _position(entry: Entry, violation: Violation) -> Origin:
    """Return the position of a violation: where the entry itself sets the field, else the entry's own.

    A prompt is pointed at wherever it is written, in a prompt file at the line.
    """
    if violation.at is not None:
        return violation.at
    origin = entry.origins.of(violation.field)
    if violation.field == "prompt" and origin.path is not None:
        is_file = (origin.line, origin.column) == _WHOLE_FILE
        return Origin(origin.source, origin.path, violation.line, 1) if is_file else origin
    return origin if origin.is_of_one_entry else entry.origins.entry


def _finding(rule: Rule, severity: Severity, violation: Violation, key: str | None, at: Origin) -> Finding:
    return Finding(rule.name, severity, violation.message, violation.hint, key, at.path or "", at.line, at.column)
