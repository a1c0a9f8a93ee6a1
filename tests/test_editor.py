"""What an editor says of project files: yaml-language-server with our schemas, held against what ``load`` accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import suggestion_cases
import test_anchors
import test_json_schema
import test_load_problems
from language_server import LanguageServer, needs_server, run_server
from project_files import one_entry
from suggestion_cases import Case
from test_json_schema import ENTRY, EXAMPLES, LEFT_OUT

from halo_iac.errors import ProjectError
from halo_iac.load import load
from halo_iac.load.json_schema import schema_text
from halo_iac.load.suggestions.timezone import zone_names

BASE = "x-base: &base {agent: checkout, frequency: weekly, hours: 9}\n"
ACCEPTED = {
    "a merge before the own keys": BASE + "version: 1\nschedules: {a: {<<: *base, title: A, frequency: daily}}\n",
    "and behind them": BASE + "version: 1\nschedules: {a: {title: A, frequency: daily, <<: *base}}\n",
    "several bases": BASE + "x-b: &b {frequency: daily}\nversion: 1\nschedules: {a: {<<: [*b, *base], title: A}}\n",
    "an archived base": "x-b: &b {state: archived}\n"
    "version: 1\nschedules: {a: {<<: *b, state: active, agent: x, cron: '@daily', title: A}}\n",
    "a base that needs more": "x-b: &b {frequency: monthly}\n"
    "version: 1\nschedules: {a: {<<: *b, frequency: hourly, agent: x, title: A}}\n",
    "a base with too much": "x-b: &b {frequency: monthly, days_of_month: 1}\n"
    "version: 1\ndefaults: {agent: x}\nschedules: {a: {<<: *b, frequency: monthly, at: '9:00', title: A}}\n",
    "merged policy": "x-p: &p {version: 1, undeclared: report}\n<<: *p\nundeclared: archive\nschedules: {}\n",
    "anything below x-": "version: 1\nx-a: {schedules: 5, hours: [a], '<<': 1}\nschedules: {}\n",
    "101 emoji": one_entry(title="😀" * 101),
    "200 emoji": one_entry(title="😀" * 200),
    "a glob of emoji": "version: 1\nprotect: ['" + "😀" * 1_000 + "']\nschedules: {}\n",
    "a prompt of emoji": one_entry(prompt="😀" * 60_000),
    "digits in groups": one_entry(lookback_hours="2_4", span_limit="1_000_000", hours="[0_9, 2_0]"),
    "other bases": one_entry(lookback_hours="0x1_8", span_limit="0b11", max_turns="0o17", hours="+9"),
    "variables": one_entry(timezone="${Z:-UTC}", frequency="${F:-daily}", lookback="${L:-7d}"),
    "a name with other line ends": one_entry(agent='"a\\rb\\u2028c"'),
    "a name that begins with U+FEFF": one_entry(agent='"\\uFEFFx"'),
    "an anchor of no use": "x-a: &a 1\nversion: 1\nschedules: {}\n",
    "an older zone": one_entry(timezone="US/Pacific"),
    "a zone without an area": one_entry(timezone="EST5EDT"),
}


def _with(changes: dict[str, Any], base: dict[str, Any]) -> str:
    """Return a file as a table of ``test_json_schema`` means it, as JSON, which is YAML."""
    values = {key: value for key, value in {**base, **changes}.items() if value is not LEFT_OUT}
    return json.dumps(values, ensure_ascii=False).replace("\u2028", "\\u2028")


def _entries(table: list[dict[str, Any]]) -> Iterator[str]:
    for changes in table:
        entry = {key: value for key, value in {**ENTRY, **changes}.items() if value is not LEFT_OUT}
        yield _with({}, {"version": 1, "schedules": {"a": entry}})


def _projects(table: list[dict[str, Any]]) -> Iterator[str]:
    yield from (_with(changes, {"version": 1, "schedules": {"a": ENTRY}}) for changes in table)


def _cases(test: Any) -> list[Any]:  # noqa: ANN401 - a test function with its marks
    """Return the table of a parametrized test."""
    return [case for mark in test.pytestmark if mark.name == "parametrize" for case in mark.args[1]]


REFUSED_FOR_FORM = [*_entries(test_json_schema.BROKEN_ENTRIES), *_projects(test_json_schema.BROKEN_PROJECTS)]
ALL_TEXTS = [
    *ACCEPTED.values(),
    *REFUSED_FOR_FORM,
    *_entries([*test_json_schema.GOOD_ENTRIES, *test_json_schema.NOT_SAYABLE]),
    *_projects(test_json_schema.GOOD_PROJECTS),
    *test_anchors.FINE.values(),
    *test_anchors.WRONG.values(),
    *(one_entry(**fields) for fields, _ in _cases(test_load_problems.test_an_invalid_entry_is_a_problem_at_its_place)),
    *(text for text, _ in _cases(test_load_problems.test_an_invalid_project_file_is_a_problem_at_its_place)),
    *(one_entry(**case.fields) for case in suggestion_cases.cases() if isinstance(case, Case)),
    "version: 1\nschedules:\n"
    + "".join(
        f"  z{number}: {{title: T{number}, agent: x, cron: '@daily', timezone: {zone}}}\n"
        for number, zone in enumerate(sorted(zone_names()))
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("editor")
    for name in ("halo.schema.json", "halo.include.schema.json"):
        (folder / name).write_text(schema_text(name))
    globs = {"halo.schema.json": "**/project/*.yaml", "halo.include.schema.json": "**/include/*.yaml"}
    with run_server(folder, globs) as server:
        yield server


def is_accepted(folder: Path, text: str) -> bool:
    (folder / "halo.yaml").write_text(text)
    try:
        load(folder / "halo.yaml", variables={"HALO_VAR_V": "UTC", "HALO_VAR_F": "daily", "HALO_VAR_L": "1d"})
    except ProjectError:
        return False
    return True


@needs_server
def test_no_file_that_loads_has_an_error_in_the_editor(server: LanguageServer, tmp_path: Path) -> None:
    for name in ("p.md", "a b/p.md", "a.md", "s/x.yml", "x.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("schedules: {}")
    good = [text for text in ALL_TEXTS if is_accepted(tmp_path, text)]
    assert len(good) > len(ACCEPTED) + 40
    assert {text: said for text, said in zip(good, server.complaints(good), strict=True) if said} == {}


@pytest.mark.parametrize("name", ACCEPTED)
def test_files_with_unusual_values_load(tmp_path: Path, name: str) -> None:
    assert is_accepted(tmp_path, ACCEPTED[name])


@needs_server
def test_no_example_has_an_error_in_the_editor(server: LanguageServer) -> None:
    texts = {path: re.sub(r"\A# yaml-language-server.*", "", path.read_text(encoding="utf-8")) for path in EXAMPLES}
    for kind, is_project in (("project", True), ("include", False)):
        chosen = {path: text for path, text in texts.items() if ("version: 1" in text) == is_project}
        said = zip(chosen, server.complaints(chosen.values(), kind), strict=True)
        assert {path: lines for path, lines in said if lines} == {}


@needs_server
def test_every_file_that_the_schema_refuses_has_a_readable_error(server: LanguageServer) -> None:
    """Every such file has one, and none shows a regular expression, the name of a class or the server's own message."""
    said = server.complaints(REFUSED_FOR_FORM)
    silent = [text for text, lines in zip(REFUSED_FOR_FORM, said, strict=True) if not lines]
    unreadable = re.compile(r"pattern of|Matches a schema|Fields|Valid values|\(HALO")
    assert (silent, [line for lines in said for line in lines if unreadable.search(line)]) == ([], [])


BELOW_A_SCHEDULE = "version: 1\nschedules:\n  a:\n    "
SAID = {
    "agent: ' x'": "Write the agent's name, without a space at either end.",
    "agent:": "Write the agent's name, without a space at either end.",
    "timezone: PST": "Write an IANA time zone, such as Europe/Berlin or UTC.",
    "hours: '9'": "Write a whole number, 0 to 23.",
    "hours: 24": "Value is above the maximum of 23.",
    "hours: []": "Array has too few items. Expected 1 or more.",
    "at: 9am": 'Write times in quotes, from "00:00" to "23:59".',
    "at: 9": 'Write times in quotes, from "00:00" to "23:59".',
    "cron: 0 9 * *": 'Write five cron fields in quotes, such as "0 9 * * 1-5".',
    "lookback: 1 day": "Write a number with h, d or w, such as 36h, 7d or 2w.",
    "prompt_file: ../.x/p": "Write the path of a .md or .txt file, relative to this file and with /; no part of it "
    "begins with a dot.",
    "frequency: dayly": "Write hourly, daily, weekly or monthly.",
    "frequency: daily": 'Add `at`, such as at: "09:00".',
    "enabled: 1": "Write true or false, without quotes.",
    "span_limit: 0": "Value is below the minimum of 1.",
    "max_turns: '5'": "Write a whole number, 1 to 100.",
    "days_of_week: monday": "Write sun, mon, tue, wed, thu, fri or sat, or 0 for Sunday to 6.",
    "findings: {paid-twice: no}": "Write error, warning or off.",
    "title: ' A'": "A title has no space at either end.",
}


@needs_server
def test_an_error_says_what_to_write(server: LanguageServer) -> None:
    said = server.complaints(BELOW_A_SCHEDULE + line + "\n" for line in SAID)
    messages = [[each.partition(": ")[2] for each in lines if "Missing" not in each] for lines in said]
    assert dict(zip(SAID, messages, strict=True)) == {line: [message] for line, message in SAID.items()}


WRITTEN = {
    "schedules": "schedules:\n  ${1:checkout}:\n    title: ${2:Checkout review}\n    agent: ${3:checkout}\n"
    '    frequency: daily\n    at: "${4:09:00}"\n    prompt: ${5:What went wrong, how often, and what would fix it?}',
    "max_runs_per_month": "max_runs_per_month: ${1:1000}",
    "cost_per_run": "cost_per_run: ${1:0.50}",
    "defaults": "defaults:\n  ",
    "span_limit": "span_limit: ${1:10000}",
    "lookback_hours": "lookback_hours: ${1:24}",
    "max_subagent_depth": "max_subagent_depth: ${1:3}",
    "max_turns": "max_turns: ${1:50}",
    "hours": "hours: ${1:9}",
    "minutes": "minutes: ${1:0}",
    "days_of_month": "days_of_month: ${1:1}",
    "at": 'at: "${1:09:00}"',
    "weekly": "title: ${2:Checkout review}\nagent: ${3:checkout}\nfrequency: weekly\ndays_of_week: ${6:mon}\n"
    'at: "${4:09:00}"\nprompt: ${5:What went wrong, how often, and what would fix it?}',
}


@needs_server
def test_completion_writes_what_validate_takes(server: LanguageServer) -> None:
    offered = server.offers("version: 1\n|") | server.offers(BELOW_A_SCHEDULE + "|")
    assert {name: offered[name]["insertText"] for name in WRITTEN} == WRITTEN
    assert [name for name, item in offered.items() if "{1:0}" in item["insertText"]] == ["minutes"]


@needs_server
def test_a_snippet_is_a_file_that_loads(server: LanguageServer, tmp_path: Path) -> None:
    for label in ("daily", "weekly", "monthly"):
        item = server.offers(BELOW_A_SCHEDULE + "|")[label]
        filled = re.sub(r"\$\{\d:([^}]*)\}", r"\1", item["insertText"]).replace("\n", "\n    ")
        assert is_accepted(tmp_path, BELOW_A_SCHEDULE + filled + "\n")


@needs_server
@pytest.mark.parametrize("place", [BELOW_A_SCHEDULE + "timezone: |", "version: 1\ndefaults:\n  timezone: |"])
def test_time_zones_are_offered(server: LanguageServer, place: str) -> None:
    offered = list(server.offers(place))
    assert {"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"} <= set(offered)
    assert set(offered) <= zone_names()
    assert offered[0] == "UTC"


@needs_server
@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("version: 1\nsched|ules: {}\n", "Schedules"),
        ("version: 1\ndef|aults: {}\nschedules: {}\n", "Defaults"),
        ("version: 1\nover|rides: {}\nschedules: {}\n", "Overrides"),
        ("version: 1\nfind|ings: {}\nschedules: {}\n", "Findings"),
        ("version: 1\nschedules:\n  |a:\n    title: A\n    agent: x\n    cron: '@daily'\n", "Schedule"),
        (BELOW_A_SCHEDULE + "timezone: Europe/Ber|lin\n", "Timezone"),
        (BELOW_A_SCHEDULE + "freq|uency: daily\n", "Frequency"),
        (BELOW_A_SCHEDULE + "ho|urs: 9\n", "Hours"),
        (BELOW_A_SCHEDULE + "span_|limit: 9\n", "Span limit"),
        (BELOW_A_SCHEDULE + "days_of_|week: mon\n", "Days of week"),
        (BELOW_A_SCHEDULE + "at: '09|:00'\n", "At"),
    ],
)
def test_a_hover_is_titled_in_peoples_words_and_short(server: LanguageServer, text: str, title: str) -> None:
    shown = server.hover(text)
    assert shown.splitlines()[0] == f"#### {title}"
    assert len(shown.splitlines()) < 40
