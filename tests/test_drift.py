"""Drift: how the platform and the files differ, in every format, and the exit code of a nightly run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from golden_files import assert_golden
from hypothesis import given
from render_asserts import assert_harmless
from render_samples import HOSTILE, every_section, hostile_plan, large_plan, nasty_plan, plan_of
from strategies import THEN, actual, entry, planned, project, remote
from test_render_markdown import ASCII, MARKER, ODD, assert_only_ours

from halo_iac.errors import HaloError
from halo_iac.model.drift import Drift, DriftKind
from halo_iac.model.plan import Action, Plan
from halo_iac.model.project import Entry, Project, UndeclaredPolicy
from halo_iac.model.remote import RemoteSchedule
from halo_iac.plan.drift import find_drift
from halo_iac.render.formats import ProjectDrift, RenderContext
from halo_iac.render.github import GithubView
from halo_iac.render.json import JsonView
from halo_iac.render.markdown.drift import drift_markdown, drifts_markdown
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.text.drift import drift_text
from halo_iac.render.text.plan import plan_text

NOTHING = actual()


def drift_of(plan: Plan, *ignored: DriftKind) -> Drift:
    return find_drift(plan, NOTHING, ignored)


def found_drift(project_: Project, *remotes: RemoteSchedule) -> list[tuple[str, str | None, str]]:
    return [(str(each.kind), each.key, each.reason) for each in drift_of(planned(project_, *remotes)).items]


# What differs -------------------------------------------------------------------------------------------------------

AUTO = {"autoPausedAt": THEN, "autoPauseReason": "agent_not_found"}
PAUSED = "it is paused on the platform, and the file says `enabled: true`"
RETIRED = "it is active on the platform, and the file says `state: archived`"
KINDS: dict[str, tuple[Entry | None, dict[str, Any] | None, list[tuple[str, str]]]] = {
    "as declared": (entry("A"), {}, []),
    "another hour": (entry("A", hours=(1,)), {}, [("changed", "")]),
    "paused in the file alone": (entry("A", enabled=False), {"enabled": True}, [("changed", "")]),
    "active though retired": (entry("A", is_retired=True), {}, [("changed", RETIRED)]),
    "no schedule": (entry("A"), None, [("missing", "no schedule on the platform has this title")]),
    "archived by hand": (entry("A"), {"archivedAt": THEN}, [("missing", "it is archived on the platform")]),
    "retired and archived": (entry("A", is_retired=True), {"archivedAt": THEN}, []),
    "paused by hand": (entry("A"), {"enabled": False}, [("paused", "")]),
    "paused, and the file says otherwise": (entry("A", enabled=True), {"enabled": False}, [("paused", PAUSED)]),
    "paused, as the file says": (entry("A", enabled=False), {"enabled": False}, []),
    "paused and edited": (entry("A", hours=(1,)), {"enabled": False}, [("changed", ""), ("paused", "")]),
    "paused and edited, and the file says otherwise": (
        entry("A", hours=(1,), enabled=True), {"enabled": False}, [("changed", ""), ("paused", PAUSED)],
    ),
    "paused by the platform": (entry("A"), AUTO, [("auto-paused", "agent_not_found")]),
    "undeclared": (None, {}, [("undeclared", "")]),
    "undeclared and paused": (None, {"enabled": False}, [("undeclared", "paused")]),
    "undeclared and archived": (None, {"archivedAt": THEN}, []),
}  # fmt: skip
"""An entry, what the platform holds of its schedule, and the kinds and reasons of drift."""


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_drift_is_found(name: str) -> None:
    declared, held, expected = KINDS[name]
    entries = [] if declared is None else [declared]
    remotes = [] if held is None else [remote("1", "A", **held)]
    key = None if declared is None else declared.key
    assert found_drift(project(*entries), *remotes) == [(kind, key, reason) for kind, reason in expected]


def test_a_schedule_that_the_next_apply_archives_is_undeclared() -> None:
    archiving = project(entry("A"), undeclared=UndeclaredPolicy.ARCHIVE)
    reason = "the next apply archives it (`undeclared: archive`)"
    assert found_drift(archiving, remote("1", "A"), remote("2", "B")) == [("undeclared", None, reason)]


def test_a_blocked_entry_is_drift_and_its_schedules_are_not_undeclared() -> None:
    ((kind, key, reason),) = found_drift(project(entry("A")), remote("1", "A"), remote("2", "A"))
    assert (kind, key, "1" in reason, "2" in reason) == ("blocked", "key-A", True, True)


def test_guards_hide_no_drift() -> None:
    gone = project(*(entry(f"T{number}", is_retired=True) for number in range(9)))
    plan = planned(gone, *(remote(str(number), f"T{number}") for number in range(9)))
    assert [refusal.guard for refusal in plan.refusals] == ["removals"]
    assert len(drift_of(plan).items) == 9


def test_a_rename_is_suggested_for_a_schedule_retitled_by_hand() -> None:
    plan = planned(project(entry("A"), entry("Other", prompt="Else.")), remote("1", "A (edited)"))
    edited, other = (item.hint or "" for item in drift_of(plan).items if item.kind is DriftKind.MISSING)
    assert "run `halo rename key-A --from 'A (edited)'`, or add `renamed_from: " in edited
    assert edited.endswith("; to create another one, run `halo apply --allow-create key-A`")
    assert other.startswith("to create or unarchive what is missing, run `halo apply`")


def test_the_hint_for_many_paused_schedules_is_shown_once() -> None:
    titles = [f"T{number}" for number in range(3)]
    plan = planned(project(*map(entry, titles)), *(remote(title, title, enabled=False) for title in titles))
    command = "`halo resume key-T0 key-T1 key-T2`"
    hint = f"add `enabled: true` to the entry or to `defaults:`, or run {command}"
    for drawn in (
        drift_text(drift_of(plan), PLAIN),
        plan_text(plan, PLAIN),
        drift_markdown(drift_of(plan), PLAIN, marker=""),
    ):
        assert (drawn.count("halo resume"), drawn.count("enabled: true")) == (1, 1)
    assert f"to resume them: {hint}\n" in plan_text(plan, PLAIN)
    assert f"hint: to resume, {hint}\n" in drift_text(drift_of(plan), PLAIN)


def test_an_ignored_kind_is_counted_and_takes_nothing_else_along() -> None:
    plan = planned(project(entry("A", hours=(1,), enabled=True)), remote("1", "A", enabled=False), remote("2", "B"))
    drift = drift_of(plan, DriftKind.PAUSED, DriftKind.UNDECLARED)
    (item,) = drift.items
    assert item.change is not None
    assert (item.kind, [field.field for field in item.change.fields]) == (DriftKind.CHANGED, ["hours"])
    assert drift.ignored == {DriftKind.PAUSED: 1, DriftKind.UNDECLARED: 1}
    assert drift_text(drift, PLAIN).splitlines()[-2] == (
        "Drift: 1 changed; 0 schedules are as declared. Ignored: 1 paused, 1 undeclared."
    )


def test_an_incomplete_listing_leaves_drift_unknown() -> None:
    with pytest.raises(HaloError, match="so drift is unknown: the platform repeated a cursor"):
        find_drift(plan_of(), actual(gap="the platform repeated a cursor"))


# How it looks -------------------------------------------------------------------------------------------------------

DRAWN = {
    "txt": lambda drift, style=PLAIN: drift_text(drift, style),
    "md": lambda drift, style=PLAIN: drift_markdown(drift, style, marker=MARKER),
    "github.txt": lambda drift, style=PLAIN: GithubView(RenderContext(style)).drift(drift),
    "json": lambda drift, style=PLAIN: JsonView(RenderContext(style)).drift(drift),
}


@pytest.mark.parametrize("suffix", DRAWN)
def test_drift_looks_as_agreed(suffix: str) -> None:
    assert_golden(f"render/drift.{suffix}", DRAWN[suffix](drift_of(every_section())))


@pytest.mark.parametrize("suffix", DRAWN)
def test_no_drift_is_reported(suffix: str) -> None:
    text = DRAWN[suffix](drift_of(plan_of()))
    assert ("No drift. 12 schedules are as declared." in text) == (suffix != "json")
    assert "merge" not in text


@pytest.mark.parametrize("words", HOSTILE)
def test_untrusted_text_takes_no_effect(words: str) -> None:
    drift = drift_of(hostile_plan(words))
    for style in (PLAIN, ASCII):
        assert_only_ours(DRAWN["md"](drift, style))
        assert_only_ours(drifts_markdown([ProjectDrift(drift)] * 2, style, marker=MARKER))
        for suffix in ("txt", "json"):
            assert_harmless(DRAWN[suffix](drift, style))
    assert DRAWN["txt"](drift_of(nasty_plan()), Style(unicode=False)).isascii()


@given(ODD)
def test_no_mixture_of_special_characters_takes_effect(words: str) -> None:
    assert_only_ours(DRAWN["md"](drift_of(hostile_plan(words))))


def test_a_page_fits_into_an_issue_and_counts_what_it_leaves_out() -> None:
    plan = large_plan(5_000)
    drift = drift_of(plan)
    page = DRAWN["md"](drift)
    assert len(page) <= MAX_PAGE_LENGTH
    assert "more; the JSON document has them all." in page
    assert_only_ours(page)
    several = drifts_markdown([ProjectDrift(drift)] * 200, PLAIN, marker=MARKER)
    assert len(several) <= MAX_PAGE_LENGTH
    assert_only_ours(several)


def test_every_update_is_shown_as_a_difference_of_its_fields() -> None:
    plan = every_section()
    updates = [change.key for change in plan.changes if change.action is Action.UPDATE]
    assert [item.key for item in drift_of(plan).items if item.change is not None] == updates


# The command --------------------------------------------------------------------------------------------------------

DAILY = 'version: 1\nschedules:\n  daily: {title: Daily, agent: checkout, frequency: daily, at: "09:00"}\n'


@pytest.fixture
def applied(halo: CommandLine, folder: Path) -> Path:
    """A project file that the sandbox agrees with."""
    path = folder / "halo.yaml"
    path.write_text(DAILY)
    assert halo("apply", "--sandbox", "--yes").code == 0
    return path


def test_the_exit_code_is_2_if_there_is_drift(halo: CommandLine, applied: Path) -> None:
    same = halo("drift", "--sandbox")
    assert (same.code, same.out.splitlines()[-1]) == (0, "No drift. 1 schedule is as declared.")
    assert halo("pause", "daily", "--sandbox", "--yes").code == 0
    paused = halo("drift", "--sandbox")
    assert (paused.code, "or run `halo resume daily --sandbox`" in paused.out) == (2, True)
    assert halo("drift", "--sandbox", "--ignore", "paused").code == 0
    assert halo("drift", "--sandbox", "--ignore", "missing", "--ignore", "changed").code == 2
    applied.write_text(DAILY.replace("checkout", "nobody"))
    assert halo("drift", "--sandbox", "--ignore", "paused").code == 2
    applied.write_text("schedules: {}\n")
    assert halo("drift", "--sandbox").code == 1
    assert halo("drift", "--sandbox", "--ignore", "x").code == 64


def test_a_page_has_its_own_marker_with_any_content(halo: CommandLine, applied: Path) -> None:
    def marker(*words: str) -> str:
        return halo(*words, "--sandbox", "--format", "markdown").out.partition("\n")[0]

    same = marker("drift")
    assert same.startswith("<!-- halo-drift: ")
    assert same.replace("drift", "plan") == marker("plan")
    applied.write_text(DAILY.replace("09:00", "08:00"))
    assert marker("drift") == same
    applied.write_text("version: 2\n")
    assert marker("drift") == same


def test_copies_are_written_over_those_of_an_earlier_night(halo: CommandLine, applied: Path) -> None:
    for text in (DAILY, DAILY.replace("09:00", "08:00")):
        applied.write_text(text)
        ended = halo("drift", "--sandbox", "--also", "markdown=d.md", "--also", "json=d.json")
        assert ended.code == (2 if "08" in text else 0), ended.err
    (only,) = json.loads(Path("d.json").read_text())["differences"]
    assert (only["kind"], only["fields"][0]) == (
        "changed", {"field": "hours", "platform": [9], "file": [8], "origin": "halo.yaml:3"},
    )  # fmt: skip


# Several project files ----------------------------------------------------------------------------------------------


def test_several_project_files_are_one_result(halo: CommandLine, folder: Path) -> None:
    for name, number in (("a", 1), ("b", 2)):
        text = DAILY.replace("schedules", f"project: 2f6c1c5e-0000-4000-8000-00000000000{number}\nschedules")
        (folder / f"{name}.yaml").write_text(text)
    shared = ("-f", "?.yaml", "--sandbox-file", "both.db")
    assert halo("apply", *shared, "--yes").code == 0
    same = halo("drift", *shared)
    assert (same.code, same.out.splitlines()[-1]) == (0, "No drift in 2 project files.")
    (folder / "b.yaml").write_text((folder / "b.yaml").read_text().replace("Daily", "Nightly"))
    ended = halo("drift", *shared)
    assert (ended.code, ended.out.splitlines()[-1]) == (2, "Drift in 1 of 2 project files.")
    assert ended.out.startswith("==> a.yaml <==\n")
    assert "`halo import --file b.yaml --sandbox-file both.db`" in ended.out
    document = halo("drift", *shared, "--json").json
    assert [(each["file"], each["drift"]["missing"], each["drift"]["undeclared"]) for each in document["projects"]] == [
        ("a.yaml", 0, 0),
        ("b.yaml", 1, 1),
    ]
    page = halo("drift", *shared, "--format", "markdown").out
    assert page.splitlines()[2] == "### halo drift · Drift in 1 of 2 project files"
    assert page.count("<!-- halo-drift") == 1
    annotated = halo("drift", *shared, "--format", "github").out.splitlines()
    assert [line.split("title=")[0] for line in annotated[:2]] == ["::warning file=work/b.yaml,line=4,", "::warning "]
    assert annotated[2].startswith("a.yaml: No drift.")
    (folder / "a.yaml").write_text("version: 2\n")
    assert halo("drift", *shared).code == 1
