"""``overrides``: what an environment says of all schedules, and of single ones (``overrides.schedules``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import AGENT_NAMES, layers, plain_titles, written_cadences, written_entries

from halo_iac.errors import ProjectError
from halo_iac.load import load
from halo_iac.model.project import Project

SHARED = """\
schedules:
  daily: {title: Daily, agent: bot, frequency: daily, at: "09:30", lookback: 2d}
  cron: {title: Cron, agent: bot, cron: "0 9 * * 1"}
  weekly: {title: Weekly, agent: bot, frequency: weekly, days_of_week: mon, hours: [9], minutes: 5, id: w-1}
  old: {title: Old, state: archived, prompt_file: gone.md}
"""


def load_overrides(folder: Path, overrides: str, shared: str = SHARED) -> Project:
    (folder / "shared.yaml").write_text(shared, encoding="utf-8")
    text = f"version: 1\ninclude: [shared.yaml]\noverrides:\n{overrides}"
    (folder / "halo.yaml").write_text(text, encoding="utf-8")
    return load(Path("halo.yaml"), variables={"HALO_VAR_STATE": "archived"}, cwd=folder)


def override_problems(folder: Path, overrides: str) -> list[str]:
    with pytest.raises(ProjectError) as raised:
        load_overrides(folder, overrides)
    return [str(problem) for problem in raised.value.problems]


def active_keys(project: Project) -> list[str]:
    return [entry.key for entry in project.entries if not entry.is_retired]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ("  state: archived\n", []),
        ("  state: ${STATE}\n", []),
        ("  state: archived\n  schedules: {daily: {state: active}}\n", ["daily"]),
        ("  schedules: {daily: {state: archived}, weekly: {}}\n", ["cron", "weekly"]),
        ("  schedules: {old: {state: active, cron: '@daily', agent: x, prompt: p}}\n", ["daily", "cron", "weekly"]),
    ],
)
def test_an_environment_says_which_schedules_it_runs(tmp_path: Path, overrides: str, expected: list[str]) -> None:
    if "old" in overrides:
        (tmp_path / "gone.md").write_text("back", encoding="utf-8")
        expected = [*expected, "old"]
    assert active_keys(load_overrides(tmp_path, overrides)) == expected


def test_a_prompt_file_of_what_an_environment_archives_may_be_gone(tmp_path: Path) -> None:
    shared = "schedules: {a: {title: A, agent: x, cron: '@daily', prompt_file: gone.md}}"
    assert active_keys(load_overrides(tmp_path, "  state: archived\n", shared)) == []


@pytest.mark.parametrize(
    ("override", "cadence", "origins"),
    [
        ("{at: '07:15'}", ("daily", (7,), (15,)), {"frequency": "shared.yaml:2", "minutes": "halo.yaml:5 (overrides)"}),
        ("{hours: 7}", ("daily", (7,), (30,)), {"hours": "halo.yaml:5 (overrides)", "minutes": "shared.yaml:2"}),
        ("{minutes: [0, 15]}", ("daily", (9,), (0, 15)), {"hours": "shared.yaml:2"}),
        ("{hours: 7, minutes: 5}", ("daily", (7,), (5,)), {}),
        ("{frequency: hourly}", ("hourly", (), (0,)), {"minutes": "built-in default", "hours": "built-in default"}),
        ("{cron: '5 7 * * *'}", ("daily", (7,), (5,)), {"minutes": "halo.yaml:5 (overrides)"}),
    ],
)
def test_a_cadence_is_replaced_in_parts_or_as_a_whole(
    tmp_path: Path, override: str, cadence: tuple[Any, ...], origins: dict[str, str]
) -> None:
    entry = load_overrides(tmp_path, f"  schedules:\n    daily: {override}\n").entries[0]
    assert entry.spec is not None
    assert (entry.spec.frequency, entry.spec.hours, entry.spec.minutes) == cadence
    assert {field: str(entry.origins.of(field)) for field in origins} == origins


def test_the_override_of_one_schedule_takes_precedence_over_that_of_all(tmp_path: Path) -> None:
    text = "  lookback: 3d\n  enabled: false\n  schedules:\n    daily: {enabled: true, id: d-1}\n"
    entry = load_overrides(tmp_path, text).entries[0]
    assert entry.spec is not None
    assert (entry.spec.enabled, entry.spec.lookback_hours, entry.id) == (True, 72, "d-1")
    assert [str(entry.origins.of(field)) for field in ("enabled", "lookback_hours", "timezone", "id")] == [
        "halo.yaml:7 (overrides)",
        "halo.yaml:4 (overrides)",
        "built-in default",
        "halo.yaml:7 (overrides)",
    ]


KEYS = "the keys are those under `schedules:` here and in the included files"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            "  state: active\n",
            "4:10: `state`: expected archived (write `state: active` below `schedules` and the keys of those that run)",
        ),
        (
            "  daily: {state: active}\n",
            "4:3: unknown key `daily` (if this is the key of an entry, indent it under `schedules`)",
        ),
        ("  schedule: {daily: {state: active}}\n", "4:3: unknown key `schedule` (did you mean `schedules`?)"),
        (
            "  at: '09:00'\n",
            "4:3: unknown key `at` (set it in each entry, or for single ones below `schedules` and their keys)",
        ),
        ("  schedules: {dailly: {enabled: false}}\n", "4:15: no entry has the key `dailly` (did you mean `daily`?)"),
        ("  schedules: {zzz: {}}\n", f"4:15: no entry has the key `zzz` ({KEYS})"),
        (
            "  schedules: {cron: {at: '10:00'}}\n",
            (
                "4:22: `at` cannot replace a part of the entry's `cron` (shared.yaml:3) "
                "(write `cron`, or `frequency` and its times, which replace the whole cadence)"
            ),
        ),
        (
            "  schedules: {weekly: {frequency: monthly, at: '09:00'}}\n",
            "4:15: `days_of_month` is missing: monthly needs it (such as `days_of_month: [1, 15]`)",
        ),
        (
            "  schedules: {daily: {frequency: hourly, at: '09:15'}}\n",
            (
                "4:42: `at` is for daily, weekly and monthly, not for hourly "
                "(write `minutes: 15` to fire in every hour, or change `frequency`)"
            ),
        ),
        (
            "  schedules: {daily: {days_of_week: mon}}\n",
            "4:23: `days_of_week` is for weekly, not for daily (remove it, or change `frequency`)",
        ),
        (
            "  schedules: {daily: {title: X}}\n",
            "4:23: unknown key `title` (set it in the entry: it is the same in every environment)",
        ),
        (
            "  schedules: {daily: {cron: '@daily', at: '09:00'}}\n",
            "4:39: `at` and `cron` set the same value (keep one)",
        ),
        (
            "  schedules: {daily: {cron: '0 9 1 * 1'}}\n",
            "4:29: cron fires where either the day of the month or the day of",
        ),
        (
            "  schedules: {daily: }\n",
            "4:15: `daily` has no fields (indent the overrides below `daily`, such as `state: active`)",
        ),
        (
            "  schedules: [daily]\n",
            (
                "4:14: `overrides.schedules` must be keys and values "
                "(write the key of an entry below it, and its overrides below that)"
            ),
        ),
        (
            "  schedules: {at: '09:00'}\n",
            (
                "4:15: `at` is a field of a schedule, but the key of an entry is expected "
                "(write the entry's key above its fields)"
            ),
        ),
    ],
)
def test_an_invalid_override_is_a_problem_at_its_place(tmp_path: Path, overrides: str, expected: str) -> None:
    found = override_problems(tmp_path, overrides)
    assert [each.removeprefix("halo.yaml:")[: len(expected)] for each in found] == [expected]


def test_a_form_error_is_reported_at_the_override_only(tmp_path: Path) -> None:
    text = "  schedules:\n    daily: {frequency: wekly, days_of_week: mon}\n    weekly: {max_turns: 0, hour: 3}\n"
    assert [each.partition(" (")[0] for each in override_problems(tmp_path, text)] == [
        "halo.yaml:5:24: `frequency`: expected hourly, daily, weekly or monthly",
        "halo.yaml:6:25: `max_turns`: expected 1 to 100",
        "halo.yaml:6:28: unknown key `hour`",
    ]


def test_a_file_that_cannot_be_read_makes_no_key_unknown(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("schedules: {a: ", encoding="utf-8")
    text = "version: 1\ninclude: [shared.yaml]\noverrides: {schedules: {a: {enabled: false}}}\n"
    (tmp_path / "halo.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        load(tmp_path / "halo.yaml", variables={}, cwd=tmp_path)
    assert {problem.path for problem in raised.value.problems} == {"shared.yaml"}


# What lies over an entry is what the same keys in the entry would say ------------------------------------------------

CADENCE = {"frequency", "days_of_week", "days_of_month", "hours", "minutes", "at", "cron"}
ONE_FIELD = ({"lookback", "lookback_hours"}, {"prompt", "prompt_file"})


@st.composite
def overridden(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Draw an entry, what ``overrides`` says of all, and what it says of this one."""
    entry = {"agent": "checkout", **draw(written_entries(draw(plain_titles), AGENT_NAMES, ["i-1"]))}
    of_all = {**draw(layers(AGENT_NAMES)), **draw(st.sampled_from([{}, {}, {"state": "archived"}]))}
    cadence = draw(st.sampled_from([{}, {"at": ["07:15"]}, {"minutes": 20}, draw(written_cadences())]))
    other = draw(st.sampled_from([{}, {"state": "active"}, {"state": "archived"}, {"id": "i-2"}]))
    return entry, of_all, {**draw(layers(AGENT_NAMES)), **cadence, **other}


def as_if_written(entry: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Write the keys of an override into the entry, in the place of those that say the same."""
    same = set(over)
    if same & {"frequency", "cron"}:
        same |= CADENCE
    elif "at" in same:
        same |= {"hours", "minutes"}
    for spellings in ONE_FIELD:
        same |= spellings if spellings & same else set()
    return {**{key: value for key, value in entry.items() if key not in same}, **over}


def spec_fields(folder: Path, document: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return what an entry means, but for where it is written; ``None`` where it is refused."""
    (folder / "halo.yaml").write_text(json.dumps({"version": 1, **document}), encoding="utf-8")
    try:
        (entry,) = load(folder / "halo.yaml", variables={}, cwd=folder).entries
    except ProjectError:
        return None
    return entry.title, entry.spec, entry.is_retired, entry.id, entry.renamed_from


@given(overridden())
def test_an_override_means_the_same_as_its_keys_in_the_entry(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    entry, of_all, of_one = drawn
    if "at" in entry and "minutes" in of_one and "frequency" not in of_one:
        del of_one["minutes"]  # beside `at` in one entry it is refused; over it, it replaces the minutes alone
    layered = {"schedules": {"a": entry}, "overrides": {**of_all, "schedules": {"a": of_one}}}
    alone = {"schedules": {"a": as_if_written(as_if_written(entry, of_all), of_one)}}
    assert spec_fields(folder, layered) == spec_fields(folder, alone)


def test_a_text_of_an_override_that_a_comment_cuts_is_of_its_entry(tmp_path: Path) -> None:
    lines = ("  schedules:", "    daily:", "      prompt: See issue #12", "    weekly:", "      prompt: >")
    project = load_overrides(tmp_path, "\n".join((*lines, "        Look at", "        - a", "")))
    assert [(cut.key, cut.field, str(cut.at)) for cut in project.truncated_texts] == [
        ("daily", "prompt", "halo.yaml:6")
    ]
    assert [(fold.key, str(fold.at)) for fold in project.folded_items] == [("weekly", "halo.yaml:10")]
