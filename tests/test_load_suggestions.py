"""What is guessed of values that people write in many ways, and that whoever follows a guess gets what was meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from halo_iac.errors import ProjectError
from halo_iac.load import load
from halo_iac.load.cron import from_cron

GOOD = {"title": "T", "agent": "x", "frequency": "daily", "hours": "9"}


def hints(folder: Path, **fields: str | None) -> list[str | None]:
    """Return the hint of each problem of a good entry with these fields laid over it, without those that are None."""
    written = {key: value for key, value in {**GOOD, **fields}.items() if value is not None}
    lines = [f"    {key}: {value}\n" for key, value in written.items()]
    (folder / "halo.yaml").write_text("version: 1\nschedules:\n  a:\n" + "".join(lines), encoding="utf-8")
    try:
        load(Path("halo.yaml"), variables={}, cwd=folder)
    except ProjectError as error:
        return [problem.hint for problem in error.problems]
    return []


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
        ({"title": "# to be named"}, "leave the key out"),
        ({"title": ""}, "leave the key out"),
        ({"title": "null #1"}, "leave the key out"),
    ],
    ids=str,
)
def test_a_value_that_is_a_comment_is_told_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], hint: str, is_pure: bool
) -> None:
    monkeypatch.setattr("halo_iac.load.yaml_parser.parse_text.__kwdefaults__", {"pure": is_pure})
    assert hints(tmp_path, **fields) == [hint]


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
def test_a_colon_behind_quotes_in_a_list_is_told_on_either_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str | None], count: int, is_pure: bool
) -> None:
    monkeypatch.setattr("halo_iac.load.yaml_parser.parse_text.__kwdefaults__", {"pure": is_pure})
    told = hints(tmp_path, **fields)
    assert told == ["put a value with a colon in it in quotes"] * (1 if is_pure else count)


# Time zones ---------------------------------------------------------------------------------------------------------

PLACE = "use the time zone of a place, such as `Europe/Berlin`"


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        # offsets
        ("GMT+2", f"{PLACE}; this offset is `Etc/GMT-2`, its sign reversed"),
        ("UTC-5", f"{PLACE}; this offset is `Etc/GMT+5`, its sign reversed"),
        ("UTC\u22125", f"{PLACE}; this offset is `Etc/GMT+5`, its sign reversed"),
        ("UTC +02:00", f"{PLACE}; this offset is `Etc/GMT-2`, its sign reversed"),
        ('"+0200"', f"{PLACE}; this offset is `Etc/GMT-2`, its sign reversed"),
        ("+05:30", PLACE),
        ("GMT+15", PLACE),
        ("GMT-13", PLACE),
        ("-5", PLACE),
        ("utc+0", "write `UTC`"),
        ("-00:00", "write `UTC`"),
        ("etc/gmt-2", "did you mean `Etc/GMT-2`?"),
        ("Etc/GMT+02", None),
        ("GMT2", None),
        ("PST8", None),
        # places
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("Berln", "did you mean `Europe/Berlin`?"),
        ("America/London", "did you mean `Europe/London`?"),
        ("America/San_Francisco", "write `America/Los_Angeles`"),
        ("Asia/Mumbai", "write `Asia/Kolkata`"),
        ("US/Western", None),
        ("Australia/Eastern", None),
        ("America/Bosten", None),
        # other systems' names
        ("Pacific Standard Time", "write `America/Los_Angeles`"),
        ("Eastern Time", "write `America/New_York`"),
        ("Central Time (US & Canada)", "write `America/Chicago`"),
        ("mountain daylight time", "write `America/Denver`"),
        ("W. Europe Standard Time", "write `Europe/Berlin`"),
        ("GMT Standard Time", "write `Europe/London`"),
        ("Marsian Standard Time", None),
        ("CT", "write `America/Chicago`"),
        ("WEST", "write `Europe/Lisbon`"),
        ("MSK", None),
        # spelling
        ("America/New York", "did you mean `America/New_York`?"),
        ("america/new-york", "did you mean `America/New_York`?"),
        ("New York", "did you mean `America/New_York`?"),
        ("x" * 101, None),
        ("[UTC]", None),
    ],
)
def test_a_time_zone_is_guessed_only_where_no_hour_is_lost(tmp_path: Path, zone: str, hint: str | None) -> None:
    assert hints(tmp_path, timezone=zone) == [hint]


@pytest.mark.parametrize("hours", [hours for hours in range(-12, 15) if hours])
def test_the_zone_that_is_named_for_an_offset_has_that_offset(tmp_path: Path, hours: int) -> None:
    [hint] = hints(tmp_path, timezone=f"UTC{hours:+}")
    assert hint is not None
    zone = hint.split("`")[3]
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() == timedelta(hours=hours)


# Days ---------------------------------------------------------------------------------------------------------------

WORKING_DAYS = "write `[mon, tue, wed, thu, fri]`"


@pytest.mark.parametrize(
    ("days", "hint"),
    [
        ("friday 9am", None),
        ("monday/2", None),
        ("mon 5", None),
        ("every 2", None),
        ("mon-fri", WORKING_DAYS),
        ("[mon-fri]", WORKING_DAYS),
        ("Mon \u2013 Fri", WORKING_DAYS),
        ("monday to friday", WORKING_DAYS),
        ('"1-5"', WORKING_DAYS),
        ("weekdays", WORKING_DAYS),
        ("weekend", "write `[sat, sun]`"),
        ("fri-mon", "write `[fri, sat, sun, mon]`"),
        ("Mon, Thu", "write `[mon, thu]`"),
        ("mon thu", "write `[mon, thu]`"),
        ("Mondays and Thursdays", "write `[mon, thu]`"),
        ("[tue-thu, sun]", "write `tue, wed, thu`"),
        ("every monday", "write `mon`"),
        ("[mon, Thurs]", "write `thu`"),
        ('"1"', "write `mon`"),
        ('"*"', "write `frequency: daily` instead"),
        ("Everyday", "write `frequency: daily` instead"),
        ("wednsday", "did you mean `wed`?"),
        ("munday", "did you mean `mon`?"),
        ("7", "write `0` or `sun` for Sunday"),
        # what says more or less than days
        ('"5-7"', None),
        ('"*/2"', None),
        ("monthly", None),
        ("first monday", None),
        ("every other monday", None),
        ("mon-fri except wed", None),
        ("mon-wed-fri", None),
        ("mon-mon", None),
        ('","', None),
        ("[true]", None),
        ("mon " * 26, None),
    ],
)
def test_days_are_guessed_all_or_not_at_all(tmp_path: Path, days: str, hint: str | None) -> None:
    assert hints(tmp_path, frequency="weekly", days_of_week=days) == [hint]


LAST_DAY = "the last day of a month cannot be expressed; 31 fires only in months that have it, 28 in every month"


@pytest.mark.parametrize(
    ("days", "hint"),
    [
        ("last", LAST_DAY),
        ("[1, Last day]", LAST_DAY),
        ("-1", LAST_DAY),
        ("[-1]", LAST_DAY),
        ("L", LAST_DAY),
        ('"31"', "write it without quotes"),
        ("last friday", None),
        ("-2", None),
        ("[[last]]", None),
    ],
)
def test_the_last_day_of_a_month_is_said_to_have_no_word(tmp_path: Path, days: str, hint: str | None) -> None:
    assert hints(tmp_path, frequency="monthly", days_of_month=days) == [hint]


# Times --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("9am", ['write `"09:00"`']),
        ('"9 15"', [None]),
        ('"10 05"', [None]),
        ('"9:30 PM"', ['write `"21:30"`']),
        ("9.30 p.m.", ['write `"21:30"`']),
        ('"12:00 am"', ['write `"00:00"`']),
        ("12 pm", ['write `"12:00"`']),
        ("noon", ['write `"12:00"`']),
        ("Midnight", ['write `"00:00"`']),
        ('"24:00"', ['write `"00:00"`: 24:00 is the start of the next day']),
        ('"09:00:00"', ['write `"09:00"`']),
        ('" 09:00"', ['write `"09:00"`']),
        ("9", ['write `"09:00"`']),
        ("[9, 17]", ['write `"09:00"`', 'write `"17:00"`']),
        ('"09:00, 17:00"', ['write `["09:00", "17:00"]`']),
        ('"09:00 17:00"', ['write `["09:00", "17:00"]`']),
        ("9am and noon", ['write `["09:00", "12:00"]`']),
        ('["09:00, 17:00", "20:00"]', ['write `"09:00", "17:00"`']),
        ('"09:00, 17:30"', ["split them into several entries"]),
        # what says more than times, or no time
        ("9 and 10 pm", [None]),
        ("9am-5pm", [None]),
        ('"09:00 UTC"', [None]),
        ('"09:00:30"', [None]),
        ("13 pm", [None]),
        ("24:00 am", [None]),
        ('"24:30"', [None]),
        ('"24"', [None]),
        ('"09:60"', [None]),
        ("09:00 " * 17, [None]),
        ("[true]", ["put it in quotes"]),
    ],
)
def test_times_are_guessed_all_or_not_at_all(tmp_path: Path, times: str, expected: list[str | None]) -> None:
    assert hints(tmp_path, hours=None, at=times) == expected


# Frequencies --------------------------------------------------------------------------------------------------------

EVERY_SECOND_WEEK = (
    "every second week cannot be expressed; `monthly` with `days_of_month: [1, 15]` comes near, "
    "and `weekly` fires twice as often"
)
UNEVEN = "this cannot be expressed: the interval must divide an hour or a day evenly"


@pytest.mark.parametrize(
    ("frequency", "hint"),
    [
        ("daily 9am", None),
        ("weekday only", None),
        ("bi-weeky", None),
        ("bimonthy", None),
        ("every 2 hours", 'write `cron: "0 */2 * * *"` instead'),
        ("every other hour", 'write `cron: "0 */2 * * *"` instead'),
        ("6h", 'write `cron: "0 */6 * * *"` instead'),
        ("every 30 minutes", 'write `cron: "*/30 * * * *"` instead'),
        ("Every 5 min", 'write `cron: "*/5 * * * *"` instead'),
        ("every 5 hours", UNEVEN),
        ("every 48 hours", UNEVEN),
        ("every 45 minutes", UNEVEN),
        ("every 90 minutes", UNEVEN),
        ("every hour", "write `frequency: hourly`"),
        ("everyday", "write `frequency: daily`"),
        ("every 24 hours", "write `frequency: daily`"),
        ("Weekly", "write `frequency: weekly`"),
        ("month", "write `frequency: monthly`"),
        ("every monday", "write `frequency: weekly` with `days_of_week: [mon]`"),
        ("Mondays and Thursdays", "write `frequency: weekly` with `days_of_week: [mon, thu]`"),
        ("weekday", "write `frequency: weekly` with `days_of_week: [mon, tue, wed, thu, fri]`"),
        ("biweekly", EVERY_SECOND_WEEK),
        ("bi-weekly", EVERY_SECOND_WEEK),
        ("fortnightly", EVERY_SECOND_WEEK),
        ("every other week", EVERY_SECOND_WEEK),
        ("every 14 days", EVERY_SECOND_WEEK),
        ("every 3 days", "every 3 days cannot be expressed: days are those of a week or of a month"),
        ("quarterly", "every 3 months cannot be expressed; `monthly` fires 3 times as often"),
        ("yearly", "every 12 months cannot be expressed; `monthly` fires 12 times as often"),
        # what may say something else
        ("semi-weekly", None),
        ("twice daily", None),
        ("every second monday", None),
        ("every 0 hours", None),
        ("mo", None),
        ("1-5", None),
        ("once", None),
    ],
)
def test_a_frequency_is_guessed_only_where_it_fires_as_often(tmp_path: Path, frequency: str, hint: str | None) -> None:
    assert hints(tmp_path, frequency=frequency) == [hint]


EVEN = [
    *(("minutes", count, count) for count in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(("hours", count, count * 60) for count in (2, 3, 4, 6, 8, 12)),
]


@pytest.mark.parametrize(("unit", "count", "minutes"), EVEN)
def test_the_cron_expression_for_an_interval_fires_at_that_interval(
    tmp_path: Path, unit: str, count: int, minutes: int
) -> None:
    [hint] = hints(tmp_path, frequency=f"every {count} {unit}")
    assert hint is not None
    parts = from_cron(hint.split('"')[1])
    fires = [hour * 60 + minute for hour in parts.get("hours", range(24)) for minute in parts["minutes"]]
    assert fires == list(range(0, 24 * 60, minutes))


def test_no_cron_expression_is_named_for_an_uneven_interval(tmp_path: Path) -> None:
    even = {(unit, count) for unit, count, _ in EVEN} | {("hours", 1), ("hours", 24), ("minutes", 60)}
    uneven = {("minutes", count) for count in range(1, 61)} | {("hours", count) for count in range(1, 30)}
    found = {hint for unit, count in uneven - even for hint in hints(tmp_path, frequency=f"every {count} {unit}")}
    assert found == {UNEVEN}


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
def test_a_refused_value_in_typographic_quotes_is_told_of_them(tmp_path: Path, fields: dict[str, str | None]) -> None:
    assert hints(tmp_path, **fields) == ["use plain quotes, or none: YAML does not read typographic ones"]


def test_a_title_may_have_typographic_quotes(tmp_path: Path) -> None:
    assert hints(tmp_path, title="\u201cA one\u201d") == []
