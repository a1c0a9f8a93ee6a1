"""Suggestions for values that people write in many ways; following one gives the value that was meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from golden_files import assert_golden
from project_files import entry_fields, entry_text, one_entry, problems_of_text
from suggestion_cases import NO_HINT, TABLE, Case, cases, suggestions, with_suggestions

from halo_iac.load.cron import from_cron
from halo_iac.load.suggestions.keys import ENTRY_KEYS, PROJECT_KEYS, suggest_key


def hints(**fields: str | None) -> list[str | None]:
    """Return the hint of each problem of a good entry with these fields laid over it, without those that are None."""
    return [problem.hint for problem in problems_of_text(one_entry(**fields))]


# What is null because a comment begins ------------------------------------------------------------------------------

COMMENT = "` #` begins a comment: put the value in quotes"


@pytest.mark.parametrize("is_pure", [True, False])
@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"title": "#1"}, COMMENT),
        ({"prompt": "#1 priority"}, COMMENT),
        ({"prompt": "   #1"}, COMMENT),
        ({"agent": "&a #1"}, COMMENT),
        ({"renamed_from": "\n    - B\n    - #1"}, COMMENT),
        ({"renamed_from": "\n    - #1"}, COMMENT),
        ({"title": "# to be named"}, "give it a value, such as `title: Daily checkout review`"),
        ({"title": ""}, "give it a value, such as `title: Daily checkout review`"),
        ({"title": "null #1"}, "give it a value, such as `title: Daily checkout review`"),
    ],
    ids=str,
)
def test_a_value_read_as_a_comment_is_reported(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], hint: str, is_pure: bool
) -> None:
    monkeypatch.setattr("halo_iac.load.yaml_parser.parse_text.__kwdefaults__", {"pure": is_pure})
    assert hints(**fields) == [hint]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"title": '["a":b]'}, 1),
        ({"prompt": '["a":b]'}, 1),
        ({"title": "['a':b, c]"}, 1),
        ({"at": '["9":00, "17":30]', "hours": None}, 2),
        ({"renamed_from": '["a":b]'}, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_pure", [True, False])
def test_a_colon_after_quotes_in_a_list_is_reported_by_both_parsers(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, str | None], count: int, is_pure: bool
) -> None:
    monkeypatch.setattr("halo_iac.load.yaml_parser.parse_text.__kwdefaults__", {"pure": is_pure})
    suggested = hints(**fields)
    assert suggested == ["put a value with a colon in it in quotes"] * (1 if is_pure else count)


# The table ----------------------------------------------------------------------------------------------------------


def test_common_mistakes_get_the_suggestions_of_the_golden_table() -> None:
    def answered(line: str | Case) -> str:
        if isinstance(line, str):
            return line
        return f"{line.text} => {' / '.join(hint or NO_HINT for hint in hints(**line.fields))}"

    assert_golden(TABLE, "".join(f"{answered(line)}\n" for line in [*cases()]))


def test_every_suggestion_passes_when_it_is_pasted() -> None:
    refused, count = [], 0
    for case in [*cases()]:
        if not isinstance(case, Case):
            continue
        written = entry_fields(case.fields)
        found = problems_of_text(entry_text(written))
        for codes in suggestions(found[0].hint) if found else []:
            count += 1
            pasted = with_suggestions(written, found, codes)
            is_key = codes[0] in ENTRY_KEYS
            left = [each.message for each in problems_of_text(entry_text(pasted))]
            refused += [(codes, pasted, message) for message in left if not is_key or message.startswith("unknown key")]
    assert refused == []
    assert count > 300


@pytest.mark.parametrize("key", ["tz", "days", "every", "start", "status", "paused", "archived", "prune", "windowDays"])
def test_an_unknown_key_may_have_any_value(key: str) -> None:
    values = (
        None,
        True,
        1,
        1.5,
        "",
        "UTC",
        [],
        ["UTC"],
        [None],
        [[1]],
        [{"a": 1}],
        {},
        {"hours": 6},
        {"a": "b"},
        {1: 2},
    )
    for value in values:
        for allowed in (ENTRY_KEYS, PROJECT_KEYS):
            hint = suggest_key(key, value, allowed)
            assert hint is None or hint.count("`") % 2 == 0


@pytest.mark.parametrize(
    "cron", ['" 0 9 * * * "', '"0 9\\t* * *\\n"', '"@Daily"', '" @hourly"', '"0 9 * JAN-DEC MON-FRI"']
)
def test_a_cron_expression_may_have_spaces_around_it_and_capitals(cron: str) -> None:
    assert hints(frequency=None, hours=None, cron=cron) == []


# Time zones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [hours for hours in range(-12, 15) if hours])
def test_the_zone_that_is_named_for_an_offset_has_that_offset(hours: int) -> None:
    [hint] = hints(timezone=f"UTC{hours:+}")
    assert hint is not None
    zone = hint.split("`")[3]
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() == timedelta(hours=hours)


# Frequencies --------------------------------------------------------------------------------------------------------

EVEN = [
    *(("minutes", count, count) for count in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(("hours", count, count * 60) for count in (2, 3, 4, 6, 8, 12)),
]


@pytest.mark.parametrize(("unit", "count", "minutes"), EVEN)
def test_the_cron_expression_for_an_interval_fires_at_that_interval(unit: str, count: int, minutes: int) -> None:
    [hint] = hints(frequency=f"every {count} {unit}")
    assert hint is not None
    parts = from_cron(hint.split('"')[1])
    fires = [hour * 60 + minute for hour in parts.get("hours", range(24)) for minute in parts["minutes"]]
    assert fires == list(range(0, 24 * 60, minutes))


def test_no_cron_expression_is_named_for_an_uneven_interval() -> None:
    even = {(unit, count) for unit, count, _ in EVEN} | {("hours", 1), ("hours", 24), ("minutes", 60)}
    uneven = {("minutes", count) for count in range(1, 61)} | {("hours", count) for count in range(1, 30)}
    for unit, count in sorted(uneven - even):
        [hint] = hints(frequency=f"every {count} {unit}")
        assert hint is not None
        assert hint.startswith("this interval cannot be expressed, since it must divide an hour or a day evenly; ")


# Quotes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"hours": None, "at": "\u201c09:00\u201d"},
        {"hours": None, "at": "[\u201cnoon\u201d]"},
        {"frequency": "\u201edaily\u201c"},
        {"frequency": "weekly", "days_of_week": "\u2018mon\u2019"},
        {"frequency": None, "hours": None, "cron": "\u201c0 9 * * *\u201d"},
        {"timezone": "\u00abUTC\u00bb"},
        {"max_turns": "\u201c9\u201d"},
        {"prompt_file": "\u201ca.md\u201d"},
    ],
)
def test_typographic_quotes_around_a_refused_value_are_mentioned(fields: dict[str, str | None]) -> None:
    assert hints(**fields) == ["use plain quotes, or none: YAML does not read typographic ones"]


def test_a_title_may_have_typographic_quotes() -> None:
    assert hints(title="\u201cA one\u201d") == []
