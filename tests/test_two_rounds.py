"""Fifteen schedules full of natural mistakes are clean after two rounds of doing what the messages say, and no more."""

from __future__ import annotations

import re

from golden_files import GOLDEN, assert_golden
from project_files import problems_of_text
from suggestion_cases import suggestions

from halo_iac.errors import Problem
from halo_iac.load import load

FOLDER = "two-rounds"


def with_suggestions(text: str, found: list[Problem]) -> str:
    """Return a project file after doing what each problem's hint says first."""
    lines = text.split("\n")
    for problem in sorted(found, key=lambda each: (each.line, each.column), reverse=True):
        index = problem.line - 1
        lines[index : index + 1] = _done(lines[index], problem)
    return "\n".join(lines)


def _done(line: str, problem: Problem) -> list[str]:
    codes = next(iter(suggestions(problem.hint)), [])
    indent, key, value = re.fullmatch(r"( *)([\w-]+): ?(.*)", line).groups()  # type: ignore[union-attr]
    if "is missing" in problem.message:
        return [line, *(f"{indent}  {code}" for code in codes)]
    if "without quotes" in (problem.hint or ""):
        return [f"{indent}{key}: {value.strip(chr(34))}"]
    assert codes, problem
    whole = [code for code in codes if re.match("[a-z_]+: ", code)]
    if whole == codes:
        return [indent + code for code in codes]
    fixed = f"{codes[0]}: {value}" if problem.message.startswith("unknown key") else f"{key}: {codes[0]}"
    return [indent + fixed, *(indent + code for code in whole)]


def test_fifteen_schedules_full_of_mistakes_are_clean_after_two_rounds() -> None:
    mistakes = (GOLDEN / FOLDER / "mistakes.yaml").read_text(encoding="utf-8")
    once = with_suggestions(mistakes, problems_of_text(mistakes))
    twice = with_suggestions(once, problems_of_text(once))

    assert_golden(f"{FOLDER}/round-one.yaml", once)
    assert_golden(f"{FOLDER}/clean.yaml", twice)
    assert len(load(GOLDEN / FOLDER / "clean.yaml", variables={}).entries) == 15
