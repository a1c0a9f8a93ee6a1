"""Every kind of bad input and the exact words it gets, as ``path:line:column: message (hint)``."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_files import one_entry, problems_of_files

from halo_iac.errors import ProjectNotFound
from halo_iac.load import load
from halo_iac.load.suggestions.keys import ENTRY_KEYS, PROJECT_KEYS

NO_GIT = "(the file is in no git repository; pass --checkout DIR to read other folders)"
OR_CRON = "it cannot read a variable; write the numbers, or use `cron`, which can"
ALWAYS_TEXT = "it cannot read a variable; write the value, under `overrides` where environments differ"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # form of one field
        ({"hours": "24"}, "7:12: `hours`: expected 0 to 23 (write `0`: 24:00 is the start of the next day)"),
        ({"hours": "[9, -1]"}, "7:16: `hours`: expected 0 to 23"),
        ({"hours": '["9"]'}, "7:13: `hours`: expected a whole number, 0 to 23 (write it without quotes)"),
        ({"hours": "9.0"}, "7:12: `hours`: expected a list of numbers from 0 to 23"),
        ({"hours": "[9.0]"}, "7:13: `hours`: expected a whole number, 0 to 23"),
        ({"hours": "true"}, "7:12: `hours`: expected a list of numbers from 0 to 23"),
        ({"hours": "[]"}, "7:12: `hours`: must not be empty (give it a value, such as `hours: [9]`)"),
        ({"hours": ""}, "7:11: `hours` has no value (give it a value, such as `hours: [9]`)"),
        ({"hours": "{a: 1}"}, "7:12: `hours`: expected a list of numbers from 0 to 23"),
        ({"minutes": "60"}, "8:14: `minutes`: expected 0 to 59"),
        ({"span_limit": "0"}, "8:17: `span_limit`: expected 1 to 2147483647"),
        ({"span_limit": "true"}, "8:17: `span_limit`: expected a whole number, 1 to 2147483647"),
        ({"lookback_hours": "-1"}, "8:21: `lookback_hours`: expected 1 to 2147483647"),
        ({"max_subagent_depth": "6"}, "8:25: `max_subagent_depth`: expected 1 to 5"),
        ({"max_turns": "101"}, "8:16: `max_turns`: expected 1 to 100"),
        ({"max_turns": "'9'"}, "8:16: `max_turns`: expected a whole number, 1 to 100 (write it without quotes)"),
        ({"enabled": "yes"}, "8:14: `enabled`: expected true or false (write `true`)"),
        ({"enabled": "Off"}, "8:14: `enabled`: expected true or false (write `false`)"),
        ({"enabled": "'true'"}, "8:14: `enabled`: expected true or false (write it without quotes)"),
        ({"enabled": "maybe"}, "8:14: `enabled`: expected true or false"),
        ({"agent": "''"}, "5:12: `agent`: must not be empty (give it a value, such as `agent: checkout`)"),
        ({"timezone": "''"}, "8:15: `timezone`: must not be empty (give it a value, or remove the key)"),
        ({"enabled": "1"}, "8:14: `enabled`: expected true or false (write `true`)"),
        ({"lookback": "24"}, "8:15: `lookback`: expected text (write `lookback_hours: 24`, or `lookback: 24h`)"),
        ({"lookback": "forever"}, "8:15: `lookback`: expected hours, days or weeks, such as 36h, 7d or 2w"),
        ({"timezone": "PST"}, "8:15: unknown time zone `PST` (write `America/Los_Angeles`)"),
        ({"timezone": "utc"}, "8:15: unknown time zone `utc` (did you mean `UTC`?)"),
        ({"timezone": "Berlin"}, "8:15: unknown time zone `Berlin` (did you mean `Europe/Berlin`?)"),
        ({"timezone": "Factory"}, "8:15: unknown time zone `Factory`"),
        ({"timezone": "../x"}, "8:15: `timezone`: expected an IANA time zone, such as America/Los_Angeles"),
        ({"prompt": "' '"}, "8:13: `prompt`: the prompt is empty"),
        ({"prompt": '"a\\0b"'}, "8:13: the prompt contains a NUL byte"),
        ({"id": "a b"}, "8:9: `id`: expected up to 200 printable characters without spaces"),
        ({"id": "7"}, "8:9: `id`: expected text (put it in quotes)"),
        ({"model_id": "' m'"}, "8:15: `model_id`: expected text without leading or trailing spaces"),
        ({"renamed_from": "[]"}, "8:19: `renamed_from`: must not be empty (give it a value, or remove the key)"),
        ({"renamed_from": "[5]"}, "8:20: `renamed_from`: expected text (put it in quotes)"),
        ({"state": "inactive"}, "8:12: `state`: expected active or archived"),
        ({"state": "paused"}, "8:12: `state`: expected active or archived (write `enabled: false`)"),
        (
            {"frequency": "dayly"},
            "6:16: `frequency`: expected hourly, daily, weekly or monthly (did you mean `daily`?)",
        ),
        (
            {"frequency": "weekdays"},
            (
                "6:16: `frequency`: expected hourly, daily, weekly or monthly "
                "(write `frequency: weekly` with `days_of_week: [mon, tue, wed, thu, fri]`)"
            ),
        ),
        # keys
        ({"timeZone": "UTC"}, "8:5: unknown key `timeZone` (did you mean `timezone`?)"),
        ({"daysOfWeek": "[1]"}, "8:5: unknown key `daysOfWeek` (did you mean `days_of_week`?)"),
        ({"agentUuid": "x"}, "8:5: unknown key `agentUuid` (did you mean `agent`?)"),
        ({"max_turn": "5"}, "8:5: unknown key `max_turn` (did you mean `max_turns`?)"),
        ({"suspend": "true"}, "8:5: unknown key `suspend` (write `enabled: false`)"),
        ({"paused": "false"}, "8:5: unknown key `paused` (write `enabled: true`)"),
        ({"active": "false"}, "8:5: unknown key `active` (write `enabled: false`)"),
        ({"archived": "true"}, "8:5: unknown key `archived` (write `state: archived`)"),
        ({"name": "x"}, "8:5: unknown key `name` (did you mean `title`?)"),
        ({"schedule": "often"}, "8:5: unknown key `schedule` (did you mean `frequency` or `cron`?)"),
        ({"every": "2 hours"}, '8:5: unknown key `every` (write `cron: "0 */2 * * *"`)'),
        ({"undeclared": "report"}, "8:5: unknown key `undeclared` (move it to the top level of the project file)"),
        ({"wholly_odd": "1"}, "8:5: unknown key `wholly_odd`"),
        ({'"\\e[31m"': "1"}, "8:5: unknown key `\\x1b[31m`"),
        # switches
        (
            {"findings": "{coverge-gap: off}"},
            "8:16: unknown rule `coverge-gap` (did you mean `coverage-gap`?)",
        ),
        (
            {"findings": "{coverage_gap: off}"},
            "8:16: unknown rule `coverage_gap` (did you mean `coverage-gap`?)",
        ),
        (
            {"findings": "{x: off}"},
            (
                "8:16: unknown rule `x` (the rules are coverage-gap, coverage-gap-dst, credential-in-prompt, "
                "crowded-minute, cut-by-comment, declared-twice, doubled-fire, folded-list, missing-day, "
                "paid-twice, skipped-fire, special-glob, too-many-runs, unfinished-prompt, unused-glob)"
            ),
        ),
        ({"findings": "{paid-twice: on}"}, "8:28: `paid-twice`: expected error, warning or off (write `warning`)"),
        ({"findings": "{paid-twice: true}"}, "8:28: `paid-twice`: expected error, warning or off (write `warning`)"),
        ({"findings": "{paid-twice: false}"}, "8:28: `paid-twice`: expected error, warning or off (write `off`)"),
        ({"findings": "{paid-twice: ignore}"}, "8:28: `paid-twice`: expected error, warning or off (write `off`)"),
        ({"findings": "{paid-twice: Error}"}, "8:28: `paid-twice`: expected error, warning or off (write `error`)"),
        (
            {"findings": "{paid-twice: erorr}"},
            "8:28: `paid-twice`: expected error, warning or off (did you mean `error`?)",
        ),
        ({"findings": "{paid-twice: 5}"}, "8:28: `paid-twice`: expected error, warning or off"),
        ({"findings": "{paid-twice: }"}, "8:28: `paid-twice` has no value (give it a value, or remove the key)"),
        ({"findings": "off"}, "8:15: `findings`: expected keys and values (such as `findings: {coverage-gap: off}`)"),
        (
            {"max_runs_per_month": "5"},
            "8:5: unknown key `max_runs_per_month` (move it to the top level of the project file)",
        ),
        # cadence
        (
            {"frequency": None},
            "3:3: `frequency` is missing (set it to hourly, daily, weekly or monthly, or use `cron`)",
        ),
        ({"hours": None}, '3:3: `hours` is missing: daily needs it (such as `hours: [9]`, or `at: "09:00"`)'),
        (
            {"frequency": "weekly"},
            "3:3: `days_of_week` is missing: weekly needs it (such as `days_of_week: [mon, thu]`)",
        ),
        (
            {"frequency": "monthly"},
            "3:3: `days_of_month` is missing: monthly needs it (such as `days_of_month: [1, 15]`)",
        ),
        (
            {"frequency": "hourly"},
            "7:5: `hours` is for daily, weekly and monthly, not for hourly (remove it, or change `frequency`)",
        ),
        ({"days_of_week": "1"}, "8:5: `days_of_week` is for weekly, not for daily (remove it, or change `frequency`)"),
        (
            {"days_of_month": "1"},
            "8:5: `days_of_month` is for monthly, not for daily (remove it, or change `frequency`)",
        ),
        (
            {"frequency": "weekly", "days_of_week": "[Monday]"},
            "8:20: `days_of_week`: expected 0 to 6, or sun to sat (write `mon`)",
        ),
        (
            {"frequency": "weekly", "days_of_week": "7"},
            "8:19: `days_of_week`: expected 0 to 6, or sun to sat (write `sun` for Sunday)",
        ),
        (
            {"hours": None, "at": "['09:00', '17:30']"},
            (
                "7:9: `at` combines every hour with every minute, so these times would also fire at 09:30, 17:00 "
                "(split them into several entries)"
            ),
        ),
        (
            {"hours": None, "at": "9"},
            '7:9: `at`: expected a list of times, such as ["09:30"] (write `"09:00"`)',
        ),
        (
            {"hours": None, "at": "2500"},
            '7:9: `at`: expected a list of times, such as ["09:30"] (write it in quotes, such as "09:00")',
        ),
        ({"hours": None, "at": "9am"}, '7:9: `at`: expected a time of day such as "09:30" (write `"09:00"`)'),
        ({"at": "09:00"}, "7:5: `hours` and `at` set the same value (keep one)"),
        ({"cron": "'0 9 * * *'", "frequency": None}, "6:5: `hours` and `cron` set the same value (keep one)"),
        (
            {"cron": "'0 9 1 * 1'", "frequency": None, "hours": None},
            (
                "6:11: cron fires where either the day of the month or the day of the week matches, which a schedule "
                "cannot express (restrict one of the two, or write two entries, which both fire on a day that matches "
                "both)"
            ),
        ),
        (
            {"cron": "often", "frequency": None, "hours": None},
            '6:11: `cron`: expected five cron fields, such as "0 9 * * 1-5"',
        ),
        # what an entry lacks
        ({"title": None}, "3:3: `title` is missing"),
        ({"agent": None}, "3:3: `agent` is missing (set it here or under `defaults`)"),
        ({"title": None, "state": "archived"}, "3:3: an archived entry needs a `title` or an `id`"),
        ({"state": "archived", "hours": "99"}, "7:12: `hours`: expected 0 to 23"),
        # two spellings
        (
            {"lookback": "1d", "lookback_hours": "24"},
            "8:5: `lookback` and `lookback_hours` set the same value (keep one)",
        ),
        # titles
        ({"title": "' T'"}, "4:12: a title cannot begin or end with a space (write `T`)"),
        ({"title": '"T\\u00a0"'}, "4:12: a title cannot begin or end with a space (write `T`)"),
        (
            {"title": '"a\\u200bb"'},
            "4:12: a title cannot contain control, format or zero-width characters (write `ab`)",
        ),
        ({"title": '"a\\nb"'}, "4:12: a title cannot contain control, format or zero-width characters (write `a b`)"),
        ({"title": '"e\\u0301"'}, "4:12: a title must be in Unicode's composed form (NFC) (write `é`)"),
        ({"title": '"\\u200b"'}, "4:12: a title cannot contain control, format or zero-width characters"),
        ({"title": "x" * 201}, f"4:12: a title has 1 to 200 characters, and this one has 201 (write `{'x' * 200}`)"),
        ({"title": "''"}, "4:12: `title`: must not be empty (give it a value, such as `title: Daily checkout review`)"),
        ({"title": "2026"}, "4:12: `title`: expected text (put it in quotes)"),
        # variables
        ({"title": "${REGION} T"}, "4:12: `${REGION}` is not set (set HALO_VAR_REGION, or write ${REGION:-fallback})"),
        (
            {"title": "${HALO_VAR_A:-B}"},
            "4:12: `${HALO_VAR_A}` would read HALO_VAR_HALO_VAR_A (write ${A}, which reads HALO_VAR_A)",
        ),
        (
            {"agent": "${a-b}"},
            "5:12: invalid variable reference after `${` (write ${NAME} or ${NAME:-fallback}, or $$ for a dollar sign)",
        ),
        ({"hours": "'${HOUR:-9}'"}, f"7:12: `hours`: expected a whole number, 0 to 23 ({OR_CRON})"),
        ({"minutes": "[0, '${MINUTE:-9}']"}, f"8:18: `minutes`: expected a whole number, 0 to 59 ({OR_CRON})"),
        ({"max_turns": "${TURNS:-9}"}, f"8:16: `max_turns`: expected a whole number, 1 to 100 ({ALWAYS_TEXT})"),
        ({"enabled": "${ON:-true}"}, f"8:14: `enabled`: expected true or false ({ALWAYS_TEXT})"),
        # prompt files
        ({"prompt_file": "gone.md"}, "8:18: `gone.md`: no such file"),
        ({"prompt_file": "folder.md"}, "8:18: `folder.md`: a directory, not a file"),
        ({"prompt_file": "blank.md"}, "8:18: `blank.md`: empty"),
        ({"prompt_file": "latin.md"}, "8:18: `latin.md:2:4`: not valid UTF-8 (save it as UTF-8)"),
        ({"prompt_file": "nul.md"}, "8:18: `nul.md:1:2`: the file contains a NUL byte (save it as UTF-8 text)"),
        (
            {"prompt_file": "utf16.md"},
            "8:18: `utf16.md:1:1`: the file is UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)",
        ),
        ({"prompt_file": "long.md"}, "8:18: `long.md`: larger than 256 KiB"),
        ({"prompt_file": "out.md"}, f"8:18: `out.md`: a link leads outside the checkout {NO_GIT}"),
        ({"prompt_file": "circle.md"}, None),
        ({"prompt_file": "socket.md"}, "8:18: `socket.md`: not a regular file"),
        ({"prompt_file": "/etc/x.md"}, "8:18: `/etc/x.md`: a path must be relative to the file that names it"),
        ({"prompt_file": "C:x.md"}, "8:18: `C:x.md`: a path must be relative to the file that names it"),
        ({"prompt_file": "a\\x.md"}, "8:18: `a\\x.md`: use `/` in a path, not a backslash"),
        ({"prompt_file": "../x.md"}, f"8:18: `../x.md`: the path leads outside the checkout {NO_GIT}"),
        ({"prompt_file": ".git/x.md"}, "8:18: `.git/x.md`: files of .git are not read"),
        ({"prompt_file": '"a\\0.md"'}, "8:18: `a\\x00.md`: a path cannot contain control characters"),
        ({"prompt_file": "halo.yaml"}, "8:18: `halo.yaml`: the file name must end in .md or .txt"),
        (
            {"prompt_file": "${X}.md"},
            "8:18: `${X}.md`: no such file (`prompt_file` cannot contain variables)",
        ),
        ({"prompt_file": "fine.md", "prompt": "x"}, "9:5: `prompt` and `prompt_file` set the same value (keep one)"),
    ],
)
def test_an_invalid_entry_is_a_problem_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str | None], expected: str | None
) -> None:
    project = tmp_path / "project"
    (project / "folder.md").mkdir(parents=True)
    (tmp_path / "elsewhere.md").write_text("x")
    (project / "out.md").symlink_to(tmp_path / "elsewhere.md")
    (project / "circle.md").symlink_to(project / "circle.md")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(project)  # a socket's path is short
        listener.bind("socket.md")
        prompts = {"blank.md": " \n", "nul.md": "a\0", "long.md": "x" * 262_145, "fine.md": "x"}
        prompts |= {"latin.md": "\ufeffä: b\r\nnaï".encode() + b"\xe9", "utf16.md": "ä".encode("utf-16")}
        found = problems_of_files(project, {"halo.yaml": one_entry(**fields), **prompts})
    if expected is None:
        assert found[0].startswith("halo.yaml:8:18: `circle.md`: cannot be read: ")
    else:
        assert found == [f"halo.yaml:{expected}"]


def test_an_empty_variable_is_distinguished_from_an_empty_value(tmp_path: Path) -> None:
    text = one_entry(agent="${AGENT}", hours=None, at="['09:00', '${AT}']", timezone="''")
    reason = "must not be empty (the variable that it reads is empty)"
    assert problems_of_files(tmp_path, text, HALO_VAR_AGENT="", HALO_VAR_AT="") == [
        f"halo.yaml:5:12: `agent`: {reason}",
        f"halo.yaml:7:19: `at`: {reason}",
        "halo.yaml:8:15: `timezone`: must not be empty (give it a value, or remove the key)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schedules: {}", ["1:1: `version` is missing"]),
        ("version: 2\nschedules: {}", ["1:10: `version`: expected 1, the only version so far"]),
        ("version: '1'\nschedules: {}", ["1:10: `version`: expected 1, the only version so far"]),
        ("version: true\nschedules: {}", ["1:10: `version`: expected 1, the only version so far"]),
        ("version: 1", ["1:1: `schedules` is missing (for no schedules, write `schedules: {}`)"]),
        ("version: 1\nschedules:", ["2:11: `schedules` has no value (for no schedules, write `schedules: {}`)"]),
        (
            "version: 1\nschedules: []",
            ["2:12: `schedules` must be keys and values (for no schedules, write `schedules: {}`)"],
        ),
        (
            "version: 1\nschedules: x",
            ["2:12: `schedules` must be keys and values (for no schedules, write `schedules: {}`)"],
        ),
        (
            "version: 1\nschedules: {a: x}",
            ["2:13: `a` must be keys and values (indent the fields of the schedule below `a`)"],
        ),
        (
            "version: 1\nschedules: {'My report!': {title: T, state: archived, hours: 25}}",
            [
                (
                    "2:13: invalid key `My report!`: expected up to 64 letters, digits, - and _, the first a letter or "
                    "digit "
                    "(write `My-report`)"
                ),
                "2:62: `hours`: expected 0 to 23",
            ],
        ),
        (
            'version: 1\nschedules: {"a\\n": {title: T, state: archived}}',
            [
                (
                    "2:13: invalid key `a\\n`: expected up to 64 letters, digits, - and _, the first a letter or digit "
                    "(write `a`)"
                )
            ],
        ),
        (
            "version: 1\nschedule: {}",
            ["2:1: unknown key `schedule` (did you mean `schedules`?)"],
        ),
        ("versio: 1\nschedules: {}", ["1:1: unknown key `versio` (did you mean `version`?)"]),
        ("version: 1\nschedules: {}\nprune: true", ["3:1: unknown key `prune` (write `undeclared: archive`)"]),
        (
            "version: 1\nschedules: {}\napi_key: x",
            ["3:1: unknown key `api_key` (API keys, URLs, teams and the sandbox cannot be set in YAML)"],
        ),
        (
            "version: 1\nschedules: {}\ntimezone: UTC\nhours: 9",
            [
                "3:1: unknown key `timezone` (move it under `defaults`, `overrides` or an entry)",
                "4:1: unknown key `hours` (move it to an entry under `schedules`)",
            ],
        ),
        (
            "version: 1\nschedules: {}\nundeclared: delete",
            ["3:13: `undeclared`: expected report, archive or error (write `archive`)"],
        ),
        (
            "version: 1\nschedules: {}\ncost_per_run: -1",
            ["3:15: `cost_per_run`: expected 0 to 1000000"],
        ),
        (
            "version: 1\nschedules: {}\ncost_per_run: $0,50",
            ["3:15: `cost_per_run`: expected a number, 0 to 1000000 (write `0.50`)"],
        ),
        (
            "version: 1\nschedules: {}\ncost_per_run: .inf",
            ["3:15: `cost_per_run`: expected a number, 0 to 1000000 (write a number such as 0.50, without a currency)"],
        ),
        (
            "version: 1\nschedules: {}\nundeclared: fail",
            ["3:13: `undeclared`: expected report, archive or error (write `error`)"],
        ),
        (
            "version: 1\nschedules: {}\nproject: ''",
            ["3:10: `project`: must not be empty (give it a value, or remove the key)"],
        ),
        (
            "version: 1\nschedules: {}\ndefaults: '${'",
            ["3:11: `defaults`: expected keys and values"],
        ),
        ("version: 1\nschedules: {}\nscope: {}", ["3:8: `scope` is empty (leave the key out)"]),
        (
            "version: 1\nschedules: {}\nscope: {agents: []}",
            ["3:17: `agents`: must not be empty (give it a value, or remove the key)"],
        ),
        (
            "version: 1\nschedules: {}\nscope: {title_prefix: ''}",
            ["3:23: `title_prefix`: must not be empty (give it a value, or remove the key)"],
        ),
        ("version: 1\nschedules: {}\nscope: {agent: [x]}", ["3:9: unknown key `agent` (did you mean `agents`?)"]),
        (
            "version: 1\nschedules: {}\nprotect: x",
            ['3:10: `protect`: expected a list of titles, where * matches anything (write `["x"]`)'],
        ),
        ("version: 1\nschedules: {}\nagents: {a: 1}", ["3:13: `a`: expected text (put it in quotes)"]),
        (
            "version: 1\nschedules: {}\nagents: {' a': x}",
            ["3:10: ` a`: expected text without leading or trailing spaces"],
        ),
        (
            "version: 1\nschedules: {}\ndefaults: {title: x, hours: [9], state: archived}",
            [
                "3:12: unknown key `title` (set it in each entry)",
                "3:22: unknown key `hours` (set it in each entry)",
                "3:34: unknown key `state` (set it in each entry)",
            ],
        ),
        (
            f"version: 1\nschedules: {{}}\nprotect: ['{'*a' * 501}']",
            ["3:11: `protect`: longer than 1,000 characters"],
        ),
        ("version: 1\nschedules: {}\noverrides: 5", ["3:12: `overrides`: expected keys and values"]),
        (
            "version: 1\nschedules: {}\ndefaults: {timezone: PST, lookback: 1d, lookback_hours: 24}",
            [
                "3:22: unknown time zone `PST` (write `America/Los_Angeles`)",
                "3:27: `lookback` and `lookback_hours` set the same value (keep one)",
            ],
        ),
    ],
)
def test_an_invalid_project_file_is_a_problem_at_its_place(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems_of_files(tmp_path, text) == [f"halo.yaml:{problem}" for problem in expected]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("none/*.yaml", "`none/*.yaml`: no file matches"),
        ("/etc/x.yaml", "`/etc/x.yaml`: a path must be relative to the file that names it"),
        ("./a.yaml", "`./a.yaml`: no file matches"),
        (".a/*.yaml", "`.a/*.yaml`: hidden files and folders are not read, except for the project file's own folders"),
        ("../a.yaml", f"`../a.yaml`: the path leads outside the checkout {NO_GIT}"),
        ("a.txt", "`a.txt`: the file name must end in .yaml or .yml"),
        ("folder.yaml", "`folder.yaml`: a directory, not a file"),
        ("out.yaml", f"`out.yaml`: a link leads outside the checkout {NO_GIT}"),
        ("circ*.yaml", "`circle.yaml`: cannot be read: its symbolic links form a loop"),
        (f"{'long' * 80}.yaml", f"`{('long' * 80)[:59]}…`: no file matches"),
        (f"{'*a' * 498}.yaml", f"`{('*a' * 498)[:59]}…`: a path has at most 1,000 characters"),
    ],
)
def test_an_invalid_include_is_a_problem_at_its_place(tmp_path: Path, glob: str, expected: str) -> None:
    project = tmp_path / "project"
    (project / "folder.yaml").mkdir(parents=True)
    (tmp_path / "elsewhere.yaml").write_text("schedules: {}")
    (project / "out.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (project / "circle.yaml").symlink_to(project / "circle.yaml")
    assert problems_of_files(project, f"version: 1\ninclude: ['{glob}']\n") == [f"halo.yaml:2:11: {expected}"]


@pytest.mark.parametrize(
    ("first", "key"),
    [
        ("title: A one", "a-one"),
        ("title: 'Checkout: daily!'", "checkout-daily"),
        ("title: 名", "my-key"),
        ("title: '2024'", "my-key"),
        ("title: 'Null'", "my-key"),
        ("title: [x]", "my-key"),
        ("agent: x", "my-key"),
        ("x", "my-key"),
        (f"title: {'a ' * 30}", "-".join("a" * 20)),
    ],
    ids=str,
)
def test_schedules_in_a_list_are_asked_for_their_keys(tmp_path: Path, first: str, key: str) -> None:
    hint = f"each schedule needs a key: write `{key}:` on a line of its own instead of `-`"
    expected = [f"halo.yaml:3:3: `schedules` must be keys and values ({hint})"]
    assert problems_of_files(tmp_path, f"version: 1\nschedules:\n  - {first}\n") == expected


BETWEEN = "is a field of a schedule, but a schedule's key is expected"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ("  a-one:", "  title: A", "  hours: [9]", "  prompt:", "  findings: {coverage-gap: off}"),
            ["3:3: `a-one` has no fields (indent the fields of the schedule below `a-one`)"],
        ),
        (
            ("  title: A", "  agent: x"),
            [f"3:3: `title` {BETWEEN} (each schedule needs a key: write `my-key:` above its fields, and indent them)"],
        ),
        (
            ("  a: {title: A, state: archived}", "  id: x", "  hours: 9", "  b:", "  cron: x", "  c: y", "  at: z"),
            [
                f"4:3: `id` {BETWEEN} (indent the fields below `a`)",
                "6:3: `b` has no fields (indent the fields of the schedule below `b`)",
                "8:3: `c` must be keys and values (indent the fields of the schedule below `c`)",
                f"9:3: `at` {BETWEEN} (indent the fields below `c`)",
            ],
        ),
        (("  title: {titel: A, state: archived}",), ["3:11: unknown key `titel` (did you mean `title`?)"]),
        (("  title: {title: A, state: archived}",), []),
    ],
    ids=str,
)
def test_fields_beside_schedules_are_one_problem(tmp_path: Path, lines: tuple[str, ...], expected: list[str]) -> None:
    found = problems_of_files(tmp_path, "\n".join(["version: 1", "schedules:", *lines]))
    assert found == [f"halo.yaml:{problem}" for problem in expected]


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("b-two", "{title: B, agent: x}", "if this is a schedule, indent it under `schedules`"),
        ("agent-b", "{cron: '@daily'}", "if this is a schedule, indent it under `schedules`"),
        ("default", "{agent: x}", "did you mean `defaults`?"),
        ("default", "{timezone: UTC, frequency: daily}", "did you mean `defaults`?"),
        ("override", "{enabled: false, state: archived}", "did you mean `overrides`?"),
        ("defualts", "{title: x}", "did you mean `defaults`?"),
        ("entries", "{b: {title: B}}", "did you mean `schedules`?"),
    ],
)
def test_a_schedule_at_the_top_of_a_file_is_taken_for_one(tmp_path: Path, key: str, value: str, hint: str) -> None:
    found = problems_of_files(tmp_path, f"version: 1\nschedules: {{}}\n{key}: {value}\n")
    assert found == [f"halo.yaml:3:1: unknown key `{key}` ({hint})"]


def test_a_schedule_at_the_top_of_an_included_file_is_taken_for_one(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "halo.yaml": "version: 1\ninclude: [s.yaml]\n",
        "s.yaml": "schedules: {}\nb: {title: B}\n",
    }
    hint = "if this is a schedule, indent it under `schedules`"
    assert problems_of_files(tmp_path, files) == [f"s.yaml:2:1: unknown key `b` ({hint})"]


def test_all_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    found = problems_of_files(
        tmp_path,
        {
            "halo.yaml": (
                "version: 1\ninclude: [s/*.yaml, none.yaml]\ndefaults: {max_turns: 0, agent: x}\n"
                "schedules: {k: {title: T}}\n"
            ),
            "s/a.yaml": "defaults: {}\nschedules:\n  b: {titel: x}\n  c: {title: ' x', cron: '@never'}\n",
            "s/b.yaml": "schedules: {a: b: c}\n",
            "s/c.yaml": "schedules: {k: {title: U, cron: '@dayly'}}\n",
            "s/d.yaml": "- x\n",
        },
    )
    assert found == [
        "halo.yaml:2:21: `none.yaml`: no file matches",
        "halo.yaml:3:23: `max_turns`: expected 1 to 100",
        "halo.yaml:4:13: `frequency` is missing (set it to hourly, daily, weekly or monthly, or use `cron`)",
        "s/a.yaml:1:1: an included file holds only `schedules`, not `defaults` (move it to the project file)",
        "s/a.yaml:3:3: `frequency` is missing (set it to hourly, daily, weekly or monthly, or use `cron`)",
        "s/a.yaml:3:7: unknown key `titel` (did you mean `title`?)",
        "s/a.yaml:4:14: a title cannot begin or end with a space (write `x`)",
        "s/a.yaml:4:26: unknown nickname; `cron` accepts @hourly, @daily, @midnight, @weekly, @monthly",
        (
            "s/b.yaml:1:17: not valid YAML: did not find expected ',' or '}' "
            "(put a comma between a value and the next key, or a value with a colon in it in quotes)"
        ),
        "s/c.yaml:1:13: duplicate key `k`: already used at halo.yaml:4",
        "s/c.yaml:1:33: unknown nickname; `cron` accepts @hourly, @daily, @midnight, @weekly, @monthly",
        "s/d.yaml:1:1: expected keys and values at the top of the file",
    ]


@pytest.mark.parametrize(
    ("field", "place"),
    [("title", "4:12"), ("agent", "5:12"), ("timezone", "8:15"), ("id", "8:9"), ("renamed_from", "8:19")],
)
def test_a_variable_that_is_no_text_is_refused(tmp_path: Path, field: str, place: str) -> None:
    found = problems_of_files(
        tmp_path, one_entry(**{field: '"a${BYTE}"'}), HALO_VAR_BYTE="\udcff"
    )  # how Python passes a byte on
    message = f"`{field}`: not valid Unicode (check the variable that it reads)"
    assert found == [f"halo.yaml:{place}: {message}"]


def test_very_many_problems_of_one_file_end_in_their_number(tmp_path: Path) -> None:
    lines = "".join(f"  a{number}: {number}\n" for number in range(9_000))
    found = problems_of_files(tmp_path, f"version: 1\nschedules: {{}}\nagents:\n{lines}")
    assert found == [
        *(
            f"halo.yaml:{at + 4}:{len(f'  a{at}: ') + 1}: `a{at}`: expected text (put it in quotes)"
            for at in range(100)
        ),
        "halo.yaml:104:9: … and 8,900 more problems in this file, from here on",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "version: 1\nschedules: {}\n" + "".join(f"k{number}: 1\n" for number in range(10_001)),
            ["halo.yaml:1:1: too many problems to list one by one"],
        ),
        (
            f"version: 1\nschedules: {{a: {{title: T, agent: a, frequency: daily, hours: [{'99,' * 10_001}]}}}}",
            ["halo.yaml:2:13: too many problems to list one by one"],
        ),
        (
            "version: 1\n" + "version: 1\n" * 20_000,
            [
                *(f"halo.yaml:{line}:1: duplicate key `version`: already used in line 1" for line in range(2, 102)),
                "halo.yaml:102:1: … and 9,901 more problems in this file, from here on",
            ],
        ),
    ],
)
def test_more_problems_than_memory_has_room_for_are_not_worded(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems_of_files(tmp_path, text) == expected


def test_many_problems_of_one_file_are_all_shown(tmp_path: Path) -> None:
    lines = "".join(f"  - {number}\n" for number in range(101))
    found = problems_of_files(tmp_path, f"version: 1\nschedules: {{}}\nprotect:\n{lines}")
    assert found == [f"halo.yaml:{line}:5: `protect`: expected text (put it in quotes)" for line in range(4, 105)]


def test_a_title_is_declared_once(tmp_path: Path) -> None:
    one = "agent: x, cron: '@daily', title"
    text = f"version: 1\nschedules:\n  a: {{{one}: T}}\n  b: {{{one}: T, id: i}}\n  c: {{{one}: '${{T}}'}}\n"
    rule = "(titles must be unique, unless each entry has an `id`)"
    assert problems_of_files(tmp_path, text, HALO_VAR_T="T") == [
        f"halo.yaml:4:40: duplicate title: `a` already has it (halo.yaml:3) {rule}",
        f"halo.yaml:5:40: duplicate title: `a` already has it (halo.yaml:3) {rule}",
    ]


def test_a_title_repeated_by_an_alias_is_reported_at_the_alias(tmp_path: Path) -> None:
    one = "{title: T, agent: x, cron: '@daily'}"
    text = f"version: 1\nschedules:\n  a: &a {one}\n  b: *a\n  c: {{<<: *a, cron: '@weekly'}}\n"
    rule = "(titles must be unique, unless each entry has an `id`)"
    assert problems_of_files(tmp_path, text) == [
        f"halo.yaml:4:3: duplicate title: `a` already has it (halo.yaml:3) {rule}",
        f"halo.yaml:5:3: duplicate title: `a` already has it (halo.yaml:3) {rule}",
    ]


def test_a_title_may_repeat_where_every_entry_has_an_id(tmp_path: Path) -> None:
    one = "agent: x, cron: '@daily', title: ' odd\\u200b ', id"
    assert problems_of_files(tmp_path, f"version: 1\nschedules:\n  a: {{{one}: i}}\n  b: {{{one}: j}}\n") == []


def test_an_entry_outside_the_scope_is_a_problem(tmp_path: Path) -> None:
    text = "version: 1\nscope: {title_prefix: 'C: '}\nschedules: {a: {title: D, agent: x, cron: '@daily'}}\n"
    assert problems_of_files(tmp_path, text) == [
        "halo.yaml:3:24: the title is outside the scope: it must begin with `C: `"
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "halo.yaml:1:1: the file is empty (for no schedules, write `schedules: {}`)"),
        (b"x" * (5 * 1024 * 1024 + 1), "halo.yaml:1:1: larger than 5 MiB"),
        (b"\xff\xfea\0", "halo.yaml:1:1: the file is UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)"),
    ],
)
def test_a_project_file_that_cannot_be_understood(tmp_path: Path, data: bytes, expected: str) -> None:
    assert problems_of_files(tmp_path, {"halo.yaml": data}) == [expected]


def test_a_directory_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / "halo.yaml").mkdir()
    assert problems_of_files(tmp_path, {}) == [
        "halo.yaml:1:1: a directory, not a file (name a file in it, such as halo.yaml/halo.yaml)"
    ]


def test_a_project_file_that_is_a_link_is_read_within_its_folder_only(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("secret: value")
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "halo.yaml").symlink_to("../outside.yaml")
    assert problems_of_files(folder, {}) == [f"halo.yaml:1:1: a link leads outside the checkout {NO_GIT}"]
    (folder / "halo.yaml").unlink()
    (folder / "halo.yaml").symlink_to("data/halo.yaml")
    assert problems_of_files(folder, {"data/halo.yaml": "version: 1\nschedules: {}"}) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_an_unreadable_file_says_why(tmp_path: Path) -> None:
    (tmp_path / "halo.yaml").touch(mode=0)
    assert problems_of_files(tmp_path, {}) == ["halo.yaml:1:1: cannot be read: Permission denied"]


def test_a_missing_file_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound) as raised:
        load(Path("halo.yaml"), variables={}, cwd=tmp_path)
    assert (raised.value.message, raised.value.hint) == ("halo.yaml: no such file", "run `halo init` or `halo import`")


def test_unknown_values_are_not_quoted(tmp_path: Path) -> None:
    found = problems_of_files(tmp_path, "version: SECRET\nproject: SE CRET\napiKey: SECRET\nschedules: [SECRET]\n")
    assert "SECRET" not in "".join(found)


WORDS = st.sampled_from(
    [
        "daily",
        "weekly",
        "mon",
        "09:00",
        "7d",
        "0 9 * * 1",
        "@daily",
        "UTC",
        "a.md",
        "*.yaml",
        "${A}",
        "${",
        "$",
        "archived",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | WORDS,
    lambda node: st.lists(node, max_size=3) | st.dictionaries(st.text(max_size=5), node, max_size=2),
    max_leaves=4,
)


def mappings(keys: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(sorted(keys)) | st.text(max_size=5), VALUES, max_size=8)


@given(
    policy=mappings(PROJECT_KEYS),
    layers=st.dictionaries(st.sampled_from(["defaults", "overrides"]), mappings(ENTRY_KEYS | {"schedules"})),
    of_one=st.none() | st.dictionaries(st.sampled_from(["a", "b"]), mappings(ENTRY_KEYS)),
    entries=st.dictionaries(st.sampled_from(["a", "b"]), mappings(ENTRY_KEYS)) | VALUES,
)
@settings(deadline=None, max_examples=120)
def test_no_values_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory,
    policy: dict[str, Any],
    layers: dict[str, Any],
    of_one: dict[str, Any] | None,
    entries: object,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    if of_one is not None:
        layers["overrides"] = {**layers.get("overrides", {}), "schedules": of_one}
    text = json.dumps({"version": 1, **policy, **layers, "schedules": entries}, ensure_ascii=False)
    found = problems_of_files(folder, text, HALO_VAR_A="x")
    assert all(problem.startswith("halo.yaml:") and problem.isprintable() for problem in found)


TITLE = "3:3: `title` is missing"
AGENT = "3:3: `agent` is missing (set it here or under `defaults`)"
FREQUENCY = "3:3: `frequency` is missing (set it to hourly, daily, weekly or monthly, or use `cron`)"
DAYS = "3:3: `days_of_week` is missing: weekly needs it (such as `days_of_week: [mon, thu]`)"
HOURS = '3:3: `hours` is missing: weekly needs it (such as `hours: [9]`, or `at: "09:00"`)'


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        (("foo: T", "bar: x"), [TITLE, AGENT, FREQUENCY]),
        (("titel: T", "cron: '0 9 * * *'"), [AGENT]),
        (("name: T", "agentId: x", "every: x"), []),
        (("Title: T", "agnet: x", "frequncy: daily"), []),
        (("foo: 1", "frequency: weekly"), [TITLE, AGENT, DAYS, HOURS]),
        (("title: T", "agent: x", "frequency: weekly", "days: mon", "time: 9"), []),
        (("title: T", "agent: x", "frequency: dayly"), []),
        (("title: T", "max_turns: 0", "cron: x"), [AGENT]),
        (("enabled: ${X}",), [TITLE, AGENT, FREQUENCY]),
        (("state: archived", "foo: 1"), ["3:3: an archived entry needs a `title` or an `id`"]),
        (("archived: true",), []),
        (("state: archivd",), []),
    ],
    ids=str,
)
def test_missing_and_wrong_fields_are_named_once(tmp_path: Path, fields: tuple[str, ...], missing: list[str]) -> None:
    lines = "".join(f"    {field}\n" for field in fields)
    found = [
        each.removeprefix("halo.yaml:")
        for each in problems_of_files(tmp_path, f"version: 1\nschedules:\n  a:\n{lines}")
    ]
    assert [each for each in found if each.startswith("3:3:")] == missing
    assert len(found) > len(missing)


@pytest.mark.parametrize(
    ("field", "example"),
    [
        ("title", "title: Daily checkout review"),
        ("agent", "agent: checkout"),
        ("frequency", "frequency: daily"),
        ("at", 'at: "09:00"'),
        ("cron", 'cron: "0 9 * * *"'),
        ("days_of_week", "days_of_week: [mon, thu]"),
    ],
)
@pytest.mark.parametrize("empty", ["", " null", " ~", "  # not yet", " []"])
def test_hints_never_remove_a_required_field(tmp_path: Path, field: str, example: str, empty: str) -> None:
    found = problems_of_files(tmp_path, f"version: 1\nschedules:\n  a:\n    {field}:{empty}\n")
    (problem,) = (each for each in found if each.startswith("halo.yaml:4:"))
    is_list = empty == " []" and field in {"title", "agent", "frequency", "cron"}
    assert is_list or problem.endswith(f"(give it a value, such as `{example}`)")
    assert "remove" not in problem


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("agent: [a, b]", "12: `agent`: expected text, not a list (a schedule has one agent: write an entry for each)"),
        ("agent: [a]", "12: `agent`: expected text, not a list (write it without brackets and dashes)"),
        (
            "prompt: [a, b]",
            "13: `prompt`: expected text, not a list (write `prompt: |` with the text indented below it)",
        ),
        (
            "cron: ['0 9 * * *', '0 17 * * *']",
            "11: `cron`: expected text, not a list (a schedule has one cron expression: write an entry for each)",
        ),
        ("enabled: ${E}", f"14: `enabled`: expected true or false ({ALWAYS_TEXT})"),
        ("span_limit: ${E}", f"17: `span_limit`: expected a whole number, 1 to 2147483647 ({ALWAYS_TEXT})"),
        ("lookback_hours: '${E}0'", f"21: `lookback_hours`: expected a whole number, 1 to 2147483647 ({ALWAYS_TEXT})"),
        ("hours: ${E}", f"12: `hours`: expected a whole number, 0 to 23 ({OR_CRON})"),
        ("days_of_month: ['${E}']", f"21: `days_of_month`: expected a whole number, 1 to 31 ({OR_CRON})"),
        ("prompt: |", "13: `prompt`: must not be empty (indent the text below the key)"),
    ],
)
@pytest.mark.parametrize("variables", [{}, {"HALO_VAR_E": "1"}])
def test_values_of_wrong_form_get_a_hint(tmp_path: Path, field: str, expected: str, variables: dict[str, str]) -> None:
    found = problems_of_files(tmp_path, f"version: 1\nschedules:\n  a:\n    {field}\n", **variables)
    assert [each for each in found if each.startswith("halo.yaml:4:")] == [f"halo.yaml:4:{expected}"]


def test_a_variable_in_the_policy_is_a_problem(tmp_path: Path) -> None:
    found = problems_of_files(
        tmp_path,
        "version: 1\nproject: ${P}\nagents: {a: x, b: '${B}'}\nschedules: {}\n"
        "scope:\n  agents: [x, 'y-${Y}']\n  title_prefix: '${T}: '\ninclude: ['${I}/*.yaml']\n",
    )
    itself = "write the text itself; each environment has its own project file"
    assert [each.removeprefix("halo.yaml:") for each in found] == [
        "2:10: `project` cannot read a variable (write the id itself, or leave the key out and pass --project)",
        "3:19: `agents` cannot read a variable (write the id or name itself; an entry's `agent` can read one)",
        f"6:15: `scope` cannot read a variable ({itself})",
        f"7:17: `scope` cannot read a variable ({itself})",
        "8:11: `${I}/*.yaml`: no file matches (`include` cannot read a variable)",
    ]


HAS = "a project file has `version: 1`, and entries with title, agent and cadence under `schedules:`"


@pytest.mark.parametrize(
    ("text", "tool", "cron"),
    [
        (
            "apiVersion: batch/v1\nkind: CronJob\nspec:\n  schedule: '*/15 3 * * *'\n  jobTemplate: {}\n",
            "a Kubernetes CronJob",
            "*/15 3 * * *",
        ),
        ("on: {schedule: [{cron: '0 9 * * *'}]}\njobs: {a: {}}\n", "a GitHub Actions workflow", "0 9 * * *"),
        ("d:\n  default_args: {}\n  schedule: '@daily'\n  tasks: {}\n", "an Airflow DAG", None),
        ("name: x\ndeployments:\n- schedule: {cron: 0 0 * * 1}\n", "a Prefect deployment file", "0 0 * * 1"),
        ("name: x\nversion: '1.0'\nconfig-version: 2\n", "a dbt project file", None),
        ("stages: [a]\njob: {script: [x]}\n", "a GitLab pipeline", None),
    ],
)
def test_a_file_of_another_tool_is_one_problem(tmp_path: Path, text: str, tool: str, cron: str | None) -> None:
    hint = HAS if cron is None else f'{HAS}; write its cadence as `cron: "{cron}"`'
    assert problems_of_files(tmp_path, text) == [
        f"halo.yaml:1:1: this looks like {tool}, not like a project file ({hint})"
    ]
    project = "version: 1\ninclude: [s/*.yaml]\n"
    assert problems_of_files(tmp_path, {"halo.yaml": project, "s/a.yaml": text}) == [
        f"s/a.yaml:1:1: this looks like {tool}, not like a file of schedules ({hint})"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# why\nfrom airflow import DAG\nwith DAG('x') as d:\n  pass\n", "Python for Airflow, not like a"),
        ("import prefect\n\n@prefect.flow\ndef x(): ...\n", "Python for Prefect, not like a"),
        ("# m h\n0 9 * * 1-5 /usr/bin/x\n", "a crontab, not like a"),
        ("MAILTO=x\n*/5 * * * * root /usr/bin/x\n", "a crontab, not like a"),
    ],
)
def test_a_file_that_is_not_yaml_is_named_by_its_format(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems_of_files(tmp_path, text)
    assert f"this looks like {expected} project file" in problem


def test_a_file_that_only_lacks_its_schedules_is_no_other_tools(tmp_path: Path) -> None:
    for text in ("version: 1\ninclude: []\njobs: {}\n", "schedules: {}\njobs: {}\n", "agents: {}\n", "x: {y: 1}\n"):
        assert "looks like" not in str(problems_of_files(tmp_path, text))
