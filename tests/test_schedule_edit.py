"""The official client's commands that change a schedule: each is told which lines of the project file do so."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command_line import CommandLine, schedules

PROJECT = """\
version: 1
include: [shop.yaml]
schedules:
  daily:
    title: Daily review
    agent: checkout
    id: 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01
    cron: "0 9 * * *"
"""
INCLUDED = """\
schedules:
  weekly: {title: Weekly review, agent: checkout, frequency: weekly, days_of_week: [mon], at: "09:00"}
"""
ID = "0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01"
OTHER = "00000000-0000-4000-8000-000000000000"
PAUSE = "; to pause it at once, run `halo pause daily`"
DISABLED = "\n  daily:\n    enabled: false"
CHANGED = "is not a command of halo: schedules are changed in the project file"
DECLARED = "is not a command of halo: schedules are declared in the project file"


@pytest.fixture
def declared(folder: Path) -> Path:
    (folder / "shop.yaml").write_text(INCLUDED)
    (folder / "halo.yaml").write_text(PROJECT)
    return folder


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (
            "update daily --enabled false",
            f"set this in halo.yaml:4, then run `halo apply`{PAUSE}{DISABLED}",
        ),
        (
            f"update {ID.upper()} --enabled=true --file halo.yaml",
            (
                "set this in halo.yaml:4, then run `halo apply --file halo.yaml`; to resume it at once, run "
                "`halo resume daily --file halo.yaml`\n  daily:\n    enabled: true"
            ),
        ),
        ("archive weekly -y", "set this in shop.yaml:2, then run `halo apply`\n  weekly:\n    state: archived"),
        (f"archive --yes --id {ID}", "set this in halo.yaml:4, then run `halo apply`\n  daily:\n    state: archived"),
        ("unarchive weekly", "set this in shop.yaml:2, then run `halo apply`\n  weekly:\n    state: active"),
        (
            "update weekly --hours 9,17 --minutes [0,30] --days-of-week 1,4",
            (
                "set this, in place of its `at` or `cron`, in shop.yaml:2, then run `halo apply`\n"
                "  weekly:\n    hours: [9, 17]\n    minutes: [0, 30]\n    days_of_week: [1, 4]"
            ),
        ),
        (
            (
                "update daily --prompt 'Why?' --agent-uuid research --timezone Europe/Berlin --model-id halo-large"
                " --span-limit 5 --lookback-hours 168 --max-subagent-depth 1 --max-turns 3"
            ),
            (
                "set this in halo.yaml:4, then run `halo apply`\n"
                '  daily:\n    prompt: "Why?"\n    agent: research\n    timezone: Europe/Berlin\n'
                "    model_id: halo-large\n    span_limit: 5\n"
                "    lookback_hours: 168\n    max_subagent_depth: 1\n    max_turns: 3"
            ),
        ),
        ("update daily --title 'New title'", "run `halo rename daily 'New title'`, then run `halo apply`"),
        (
            "update daily --title New --enabled false",
            f"run `halo rename daily New`, set this in halo.yaml:4, then run `halo apply`{PAUSE}{DISABLED}",
        ),
        ("update daily", "set its fields in halo.yaml:4, then run `halo apply`"),
        (
            f"update {OTHER} --enabled false",
            (
                f"find its entry in halo.yaml, or run `halo import {OTHER}` to add it, set this, "
                f"then run `halo apply`; to pause it at once, run `halo pause {OTHER}`\n"
                "  KEY:\n    enabled: false"
            ),
        ),
        ("archive", "find its entry in halo.yaml, set this, then run `halo apply`\n  KEY:\n    state: archived"),
    ],
)
def test_a_change_names_entry_file_and_line(halo: CommandLine, declared: Path, typed: str, hint: str) -> None:
    ended = halo("schedule", *shlex.split(typed), "--json")
    assert declared.is_dir()
    assert (ended.code, ended.out) == (64, "")
    assert ended.error["message"] == f"`schedule {typed.split(maxsplit=1)[0]}` {CHANGED}"
    assert ended.error["hint"] == hint


def test_the_entry_of_an_id_that_no_file_names_is_found_on_the_platform(halo: CommandLine, declared: Path) -> None:
    (declared / "halo.yaml").write_text(PROJECT.replace(f"    id: {ID}\n", ""))
    assert halo("apply", "--sandbox", "--yes").code == 0
    listed = schedules(halo)
    (id_,) = (each["id"] for each in listed if each["title"] == "Weekly review")
    ended = halo("schedule", "archive", id_, "--sandbox")
    assert ended.code == 64
    assert ended.err.endswith(
        "hint: set this in shop.yaml:2, then run `halo apply --sandbox`\n│   weekly:\n│     state: archived\n"
    )


def test_a_new_schedule_is_printed_as_an_entry(halo: CommandLine, declared: Path) -> None:
    ended = halo(
        *("schedule", "create", "--title", "Checkout: 100 %", "--agent-uuid", "checkout", "--frequency", "weekly"),
        *("--days-of-week", "1,4", "--hours", "9", "--minutes", "0,30", "--enabled", "false"),
    )
    assert declared.is_dir()
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == (
        f"error: `schedule create` {DECLARED}\n"
        "hint: add this entry below `schedules:` in halo.yaml, then run `halo apply`\n"
        "│   checkout-100:\n"
        '│     title: "Checkout: 100 %"\n'
        "│     agent: checkout\n"
        "│     frequency: weekly\n"
        "│     days_of_week: [1, 4]\n"
        "│     hours: [9]\n"
        "│     minutes: [0, 30]\n"
        "│     enabled: false\n"
    )


@pytest.mark.parametrize("content", [None, "version: 2\n"])
def test_the_hint_does_not_need_a_readable_project_file(halo: CommandLine, folder: Path, content: str | None) -> None:
    if content is not None:
        (folder / "halo.yaml").write_text(content)
    ended = halo("schedule", "update", "daily", "--enabled", "false", "--json")
    assert (ended.code, ended.error["hint"]) == (
        64,
        f"find its entry in halo.yaml, set this, then run `halo apply`{PAUSE}\n  daily:\n    enabled: false",
    )
    created = halo("schedule", "create", "--json").error["hint"]
    assert created.startswith("run `halo init` to write a project file, add this entry below `schedules:` in halo.yaml")
