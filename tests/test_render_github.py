"""Annotations: what stands beside a line, and that a runner obeys no word but ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import RAW
from render_samples import (
    BASE,
    HOSTILE,
    a_run,
    archive,
    create,
    every_section,
    finding,
    hostile_plan,
    large_plan,
    nasty_plan,
    plan_of,
    reviewed_plan,
    schedule_id,
    update,
)

from halo_iac.errors import Problem, ProjectError, UsageError
from halo_iac.model.apply_result import ApplyOutcome, Event, Status, Summary
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import Blocked, Cause, GuardViolation, Plan, PlanWarning
from halo_iac.render.formats import RenderContext
from halo_iac.render.github import GithubView
from halo_iac.render.style import PLAIN, Style

COMMAND = re.compile(
    r"::(?:error|warning|notice) (?:(?:file|line|col|title)=(?:[^%:,\r\n]|%25|%0A|%3A|%2C)+,?)+::(?:[^%\r\n]|%25|%0A)*"
)
"""A command of ours, in which everything that could end a part of it is escaped."""


def view(style: Style = PLAIN, prefix: str = "") -> GithubView:
    return GithubView(RenderContext(style, prefix=lambda: prefix))


def plan_github(plan: Plan, style: Style = PLAIN, *, prefix: str = "", summary: Summary | None = None) -> str:
    return view(style, prefix).applied(plan, None if summary is None else ApplyOutcome(summary))


def problems_github(
    problems: Sequence[Problem], style: Style = PLAIN, *, prefix: str = "", findings: Sequence[Finding] = ()
) -> str:
    return view(style, prefix).problems(problems, findings, "")


def lines(text: str) -> list[str]:
    assert text.endswith("\n")
    return text.split("\n")[:-1]


def assert_only_ours(text: str) -> None:
    """Hold annotations against what we write: whole commands, and lines that are none."""
    assert RAW.search(text) is None
    assert re.search(r"##(?:vso)?\[", text, re.IGNORECASE) is None
    for line in lines(text):
        assert COMMAND.fullmatch(line) or not line.lstrip().startswith("::"), line


# What it looks like -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plan"),
    [("github.txt", every_section()), ("github-reviewed.txt", reviewed_plan()), ("github-nasty.txt", nasty_plan())],
)
def test_a_plan_looks_as_agreed(name: str, plan: Plan) -> None:
    assert_golden(f"render/{name}", plan_github(plan, PLAIN))


def test_a_run_looks_as_agreed() -> None:
    assert_golden("render/github-run.txt", plan_github(reviewed_plan(), PLAIN, summary=a_run(reviewed_plan())))


def test_a_plan_looks_as_agreed_where_only_ascii_can_be_shown() -> None:
    assert_golden("render/github-ascii.txt", plan_github(nasty_plan(), Style(unicode=False)))


def test_a_terminal_makes_no_difference() -> None:
    assert plan_github(reviewed_plan(), Style(colour=True, width=40)) == plan_github(reviewed_plan(), PLAIN)


def test_a_change_stands_beside_its_entry() -> None:
    change = replace(update("checkout-daily", BASE, replace(BASE, hours=(8,))), origin="halo.yaml:12")
    first, last = lines(plan_github(plan_of(change), PLAIN))
    assert first == "::notice file=halo.yaml,line=12,title=halo plan::update checkout-daily: at 09:00 → 08:00"
    assert last.startswith("Plan: 0 to create, 1 to update,")


def test_problems_and_findings_stand_beside_their_lines() -> None:
    unknown = Problem("halo.yaml", 3, 5, "unknown key `timeZone`", "did you mean `timezone`?")
    found = [
        finding("coverage", "daily", 7, message="a gap", hint="100 %"),
        finding("a,b:c", "daily", 8, Severity.ERROR, message="odd"),
    ]
    assert lines(problems_github([unknown, Problem("b", 0, 0, "!")], PLAIN, findings=found)) == [
        "::error file=halo.yaml,line=3,col=5,title=halo::unknown key `timeZone`%0Adid you mean `timezone`?",
        "::error file=b,title=halo::!",
        "::error file=schedules/team.yaml,line=8,col=5,title=halo%3A a%2Cb%3Ac::odd",
        "::warning file=schedules/team.yaml,line=7,col=5,title=halo%3A coverage::a gap%0A100 %25",
        "2 problems in 2 files, 2 findings",
    ]


def test_an_error_has_no_line_unless_it_is_one_of_files() -> None:
    assert view().error(UsageError("no", hint="yes")) == "::error title=halo::no%0Ayes\n"
    problem = Problem("halo.yaml", 1, 2, "empty")
    assert view().error(ProjectError([problem])) == problems_github([problem], PLAIN)


@pytest.mark.parametrize(
    ("prefix", "path", "shown"),
    [
        ("", "halo.yaml", "halo.yaml"),
        ("services/a", "halo.yaml", "services/a/halo.yaml"),
        ("services/a", "../b/halo.yaml", "services/b/halo.yaml"),
        ("services/a", "/elsewhere/halo.yaml", "/elsewhere/halo.yaml"),
        ("", "odd, name: 100%.yaml", "odd%2C name%3A 100%25.yaml"),
    ],
)
def test_paths_start_at_the_root_of_the_repository(prefix: str, path: str, shown: str) -> None:
    text = problems_github([Problem(path, 1, 2, "empty")], PLAIN, prefix=prefix)
    assert lines(text)[0] == f"::error file={shown},line=1,col=2,title=halo::empty"


def test_the_most_serious_come_first() -> None:
    plan = plan_of(
        create("new", BASE),
        archive(Cause.UNDECLARED, BASE),
        update("pause", BASE, replace(BASE, enabled=False)),
        blocked=(Blocked("b", "why", origin="a.yaml:4"),),
        warnings=(PlanWarning("odd", "b"),),
        refusals=(
            GuardViolation("removals", "3", "--x", ("b",)),
            GuardViolation("undeclared", "4", "mend", withholds=True),
        ),
    )
    titles = [line.rpartition("::")[2].split(":")[0] for line in lines(plan_github(plan, PLAIN))]
    assert (
        titles[:-1]
        == [
            "refused, removals",
            "blocked b",
            "withheld, undeclared",
            "b",
            f"archive Daily checkout review ({schedule_id(9)})",
            "update pause",
            "create new",
        ][: len(titles) - 1]
    )
    assert lines(plan_github(plan, PLAIN))[0].startswith(
        "::error file=a.yaml,line=4,title=halo plan::refused, removals"
    )


def test_a_failed_change_is_an_error_beside_its_entry() -> None:
    change = replace(update("a", BASE, replace(BASE, hours=(8,))), origin="halo.yaml:12")
    plan = plan_of(change, create("b", BASE))
    summary = Summary((Event(change, Status.FAILED, None, "HTTP 500", "ask"), Event(plan.changes[1], Status.DONE)))
    first, *_, last = lines(plan_github(plan, PLAIN, summary=summary))
    assert first == "::error file=halo.yaml,line=12,title=halo apply::failed, update a: HTTP 500%0Aask"
    assert last == "Applied: 1 created; 1 failed."


def test_more_than_github_shows_are_counted() -> None:
    *_, message, counts = lines(plan_github(large_plan(11), PLAIN))
    assert message == "11 notices; GitHub shows the first 10 of each."
    assert counts.startswith("Plan: ")
    assert "GitHub" not in plan_github(large_plan(10), PLAIN)


# What no foreign word may do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("style", [PLAIN, Style(unicode=False)])
def test_untrusted_text_is_no_command(words: str, style: Style) -> None:
    plan = hostile_plan(words)
    ends = tuple(Event(change, Status.FAILED, words, words, words) for change in plan.changes)
    text = plan_github(plan, style, prefix=words, summary=Summary(ends))
    assert_only_ours(text)
    assert style.unicode or text.isascii()
    assert_only_ours(problems_github([Problem(words, 1, 1, words, words)], style, findings=plan.findings))
    assert_only_ours(view(style).error(UsageError(words, hint=words)))


@given(st.text(st.sampled_from("a:%,# []vso0A25\n\r\t\x1b\u202e\u00a0\u2028"), max_size=16))
def test_no_mixture_of_special_characters_is_a_command(words: str) -> None:
    assert_only_ours(plan_github(hostile_plan(words), PLAIN))


def test_escaped_text_is_shown_unchanged() -> None:
    message = lines(problems_github([Problem("a", 1, 1, "100% of %0A and %25")], PLAIN))[0].rpartition("::")[2]
    assert message == "100%25 of %250A and %2525"
