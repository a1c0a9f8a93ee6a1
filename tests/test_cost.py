"""What runs cost a month, where the project file states a fee: beside runs a month, and never without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine

from halo_iac.render.values import format_amount

DAILY = "version: 1\n{}schedules:\n  daily: {{title: A, agent: checkout, frequency: daily, at: [{}], prompt: Why}}\n"
FEE = "cost_per_run: 0.50\n"
ONE, TWO = '"09:00"', '"09:00", "17:00"'
TOTAL = "Estimated cost a month: 15.22 → 30.44 (+15.22), at 0.50 a run; inference comes on top."


@pytest.fixture
def edited_project(halo: CommandLine, folder: Path) -> Path:
    """A project file that says twice a day where the platform has once."""
    path = folder / "halo.yaml"
    path.write_text(DAILY.format("", ONE))
    assert halo("apply", "--sandbox", "--yes").code == 0
    path.write_text(DAILY.format(FEE, TWO))
    return path


def test_a_plan_names_the_cost_of_each_change_and_of_all(halo: CommandLine, edited_project: Path) -> None:
    assert edited_project.exists()
    text = halo("plan", "--sandbox").out
    assert "      cost a month  15.22 → 30.44 (+15.22) (estimate)\n" in text
    assert TOTAL in text
    page = halo("plan", "--sandbox", "--format", "markdown").out
    assert "30.4 → 60.9 (+30.4)<br>cost 15.22 → 30.44 (+15.22) (estimate) |" in page
    assert "| cost a month | 15.22 → 30.44" in page
    assert "Estimated cost a month" in page
    github = halo("plan", "--sandbox", "--format", "github").out
    assert "; cost a month: 15.22 → 30.44 (+15.22) (estimate)" in github
    assert TOTAL in github
    cost = halo("plan", "--sandbox", "--json").json["cost_per_month"]
    rounded = [(each["name"], round(each["before"], 2), round(each["after"], 2)) for each in cost["changes"]]
    assert (cost["per_run"], rounded) == (0.5, [("daily", 15.22, 30.44)])
    assert (round(cost["before"], 2), round(cost["after"], 2)) == (15.22, 30.44)


def test_a_saved_plan_with_a_cost_is_applied(halo: CommandLine, edited_project: Path) -> None:
    assert edited_project.exists()
    assert halo("plan", "--sandbox", "--out", "plan.json").code == 0
    assert halo("apply", "plan.json", "--sandbox", "--yes").code == 0
    assert "Estimated cost a month: 30.44, at 0.50 a run" in halo("plan", "--sandbox").out


def test_a_preview_names_the_cost_of_each_schedule_and_of_all(halo: CommandLine, edited_project: Path) -> None:
    assert edited_project.exists()
    text = halo("preview").out
    assert "runs a month: 60.9, cost a month: 30.44 (estimate)\n" in text
    assert text.endswith("Estimated cost a month: 30.44, at 0.50 a run; inference comes on top.\n")
    document = halo("preview", "--json").json
    assert (document["cost_per_run"], document["schedules"][0]["cost_per_month"]) == (0.5, 30.44)


def test_without_a_fee_no_money_is_named(halo: CommandLine, edited_project: Path) -> None:
    edited_project.write_text(edited_project.read_text().replace(FEE, ""))
    for words in (("plan", "--sandbox"), ("preview",)):
        assert "cost" not in halo(*words).out
    for name in ("markdown", "github"):
        assert "cost" not in halo("plan", "--sandbox", "--format", name).out
    assert halo("plan", "--sandbox", "--json").json["cost_per_month"] is None
    assert "cost" not in str(halo("preview", "--json").json)


def test_each_of_several_files_has_its_own_cost_and_no_total(halo: CommandLine, folder: Path) -> None:
    for name, number in (("a", 1), ("b", 2)):
        top = f"project: 2f6c1c5e-0000-4000-8000-00000000000{number}\n{FEE if number == 1 else ''}"
        (folder / f"{name}.yaml").write_text(DAILY.format(top, ONE))
    several = ("-f", "a.yaml", "-f", "b.yaml")
    shared = ("plan", "--sandbox-file", "both.db", *several)
    for words in (shared, ("preview", *several)):
        assert halo(*words).out.count("Estimated cost a month") == 1
    assert halo(*shared, "--format", "markdown").out.count("<br>cost 0.00 → 15.22 (+15.22) (estimate) |") == 1
    costs = [each["cost_per_month"] for each in halo(*shared, "--json").json["projects"]]
    assert [cost is None for cost in costs] == [False, True]


@pytest.mark.parametrize(
    ("amount", "written"), [(0, "0.00"), (0.0031, "0.0031"), (-0.5, "-0.50"), (1217.5, "1,217.50"), (15.218, "15.22")]
)
def test_an_amount_has_two_digits_unless_they_would_be_nothing(amount: float, written: str) -> None:
    assert format_amount(amount) == written
