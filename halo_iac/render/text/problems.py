"""Problems, findings and errors as text (docs/semantics.md#problems)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halo_iac.errors import HaloError, Problem, ProjectError, ProjectNotFound
from halo_iac.model.finding import Finding
from halo_iac.render.formats import ProjectCheck
from halo_iac.render.style import Style
from halo_iac.render.values import problem_counts


def problems_text(problems: Sequence[Problem], style: Style) -> str:
    """Return ``path:line:column: message (hint)`` one to a line, then their number; empty without problems."""
    if not problems:
        return ""
    total = style.paint(problem_counts(problems, ()), "refused")
    return "\n".join([*(_line(problem, style) for problem in problems), total, ""])


def checks_text(checks: Sequence[ProjectCheck], style: Style) -> str:
    """Return the problems or findings of each project file in order, then the number of problems."""
    lines = []
    for check in checks:
        lines += [_line(problem, style) for problem in check.problems]
        lines += [_finding_line(finding, style) for finding in check.findings]
        lines += [style.safe(check.conclusion)] if check.conclusion else []
    problems = [problem for check in checks for problem in check.problems]
    if problems:
        lines.append(style.paint(problem_counts(problems, ()), "refused"))
    return "\n".join([*lines, ""])


def findings_text(findings: Sequence[Finding], style: Style) -> str:
    """Return ``path:line:column: severity: message (hint) [rule]`` one to a line, as linters do."""
    return "".join(f"{_finding_line(finding, style)}\n" for finding in findings)


def _finding_line(finding: Finding, style: Style) -> str:
    words = str(finding.severity)
    problem = Problem(finding.path, finding.line, finding.column, f"{words}: {finding.message}", finding.hint)
    line = f"{_line(problem, style)} [{finding.rule}]"
    return line.replace(f": {words}: ", f": {style.paint(words, finding.severity)}: ", 1)


def error_text(error: HaloError, style: Style) -> str:
    """Return an error: what happened and where, then what to do.

    Problems of project files stay on separate lines, which editors and CI systems parse.
    """
    if isinstance(error, ProjectError) and error.problems:
        hints = "".join(f"{line}\n" for line in _hint(error.hint, style))
        if isinstance(error, ProjectNotFound):  # a file that is not there has no problems to count
            return "".join(f"{_line(problem, style)}\n" for problem in error.problems) + hints
        return problems_text(error.problems, style) + hints
    first, *others = style.safe_lines(error.message)
    lines = [f"{style.paint('error:', 'refused')} {first}", *_gutter(others, style)]
    return "\n".join([*lines, *_hint(error.hint, style), ""])


def _line(problem: Problem, style: Style) -> str:
    hint = f" ({style.format_hint(problem.hint)})" if problem.hint else ""
    words = style.safe(f"{problem.position}: {problem.message}{hint}")
    shown = style.safe(problem.position)
    return style.paint(shown, "bold") + words[len(shown) :] if words.startswith(shown) else words


def _hint(hint: str | None, style: Style) -> Iterator[str]:
    if hint:
        first, *others = style.safe_lines(hint)
        yield f"{style.paint('hint:', 'bold')} {first}"
        yield from _gutter(others, style)


def _gutter(lines: Sequence[str], style: Style) -> list[str]:
    return [f"{style.displayable('│')} {line}".rstrip() for line in lines]
