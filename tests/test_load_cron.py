"""``at:`` and ``cron:`` → parts of a cadence, or why there are none that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from halo_iac.load.cron import InexpressibleCron, Parts, from_cron, from_times

EVERY_MINUTE = tuple(range(60))
EVERY_HOUR = tuple(range(24))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", {"frequency": "hourly", "minutes": EVERY_MINUTE}),
        ("*/15 * * * *", {"frequency": "hourly", "minutes": (0, 15, 30, 45)}),
        ("5/20 * * * *", {"frequency": "hourly", "minutes": (5, 25, 45)}),
        ("0 */2 * * *", {"frequency": "daily", "hours": tuple(range(0, 24, 2)), "minutes": (0,)}),
        ("30 9,17 * * *", {"frequency": "daily", "hours": (9, 17), "minutes": (30,)}),
        (
            "0 9 * * 1-5",
            {"frequency": "weekly", "days_of_week": (1, 2, 3, 4, 5), "hours": (9,), "minutes": (0,)},
        ),
        ("0 9 * * FRI-sat", {"frequency": "weekly", "days_of_week": (5, 6), "hours": (9,), "minutes": (0,)}),
        ("0 9 * * 5-7", {"frequency": "weekly", "days_of_week": (0, 5, 6), "hours": (9,), "minutes": (0,)}),
        ("0 * * * 1", {"frequency": "weekly", "days_of_week": (1,), "hours": EVERY_HOUR, "minutes": (0,)}),
        ("0 9 * jan-dec 0-7", {"frequency": "daily", "hours": (9,), "minutes": (0,)}),
        ("0 0 1,15 * *", {"frequency": "monthly", "days_of_month": (1, 15), "hours": (0,), "minutes": (0,)}),
        ("0 9 1-31 * 1", {"frequency": "daily", "hours": (9,), "minutes": (0,)}),
        ("0 9 1,15 * 0-6", {"frequency": "daily", "hours": (9,), "minutes": (0,)}),
        ("0 9 15/1 * 1-7", {"frequency": "daily", "hours": (9,), "minutes": (0,)}),
        ("0 9 1,* * 1", {"frequency": "daily", "hours": (9,), "minutes": (0,)}),
        ("0 9 *,1 * 1", {"frequency": "weekly", "days_of_week": (1,), "hours": (9,), "minutes": (0,)}),
        ("0 9 */1 * 1", {"frequency": "weekly", "days_of_week": (1,), "hours": (9,), "minutes": (0,)}),
        ("0 9 1,15 * */1", {"frequency": "monthly", "days_of_month": (1, 15), "hours": (9,), "minutes": (0,)}),
        ("0 9 1-31 * */5", {"frequency": "weekly", "days_of_week": (0, 5), "hours": (9,), "minutes": (0,)}),
        ("@hourly", {"frequency": "hourly", "minutes": (0,)}),
        ("@daily", {"frequency": "daily", "hours": (0,), "minutes": (0,)}),
        ("@weekly", {"frequency": "weekly", "days_of_week": (0,), "hours": (0,), "minutes": (0,)}),
        ("@monthly", {"frequency": "monthly", "days_of_month": (1,), "hours": (0,), "minutes": (0,)}),
    ],
)
def test_cron_maps_where_a_cadence_says_the_same(expression: str, expected: Parts) -> None:
    assert from_cron(expression) == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (
            "0 9 1 * 1",
            "cron fires where either the day of the month or the day of the week matches, which",
        ),
        ("0 9 */2 * 1", "where a day field begins with `*`, cron fires on days that match both day fields"),
        ("0 9 1,15 * */2", "where a day field begins with `*`, cron fires on days that match both day fields"),
        ("0 9 15/2 * 1-5", "cron fires where either"),
        (
            "0 9-9/2 * * *",
            "the hour field of `cron` has a step over a range of one number, which programs read differently",
        ),
        ("0 9 * 1 *", "a schedule fires in every month, so the month field of `cron` must be `*`"),
        (
            "0 9 * * * *",
            "expected five fields (minute, hour, day of month, month, day of week), found 6; a schedule has no",
        ),
        ("0 9 * *", "expected five fields (minute, hour, day of month, month, day of week), found 4"),
        ("@reboot", "unknown nickname; `cron` accepts @hourly, @daily, @midnight, @weekly, @monthly"),
        ("@yearly", "unknown nickname; `cron` accepts @hourly, @daily, @midnight, @weekly, @monthly"),
        (
            f"*/{'9' * 5000} * * * *",
            "invalid minute field of `cron`: expected numbers, `*`, lists, ranges and steps",
        ),
        ("60 * * * *", "invalid minute field of `cron`: expected 0 to 59, `*`, lists, ranges and steps"),
        ("0 24 * * *", "invalid hour field of `cron`: expected 0 to 23, `*`, lists, ranges and steps"),
        ("0 9 0 * *", "invalid day of month field of `cron`: expected 1 to 31, `*`, lists, ranges and steps"),
        ("0 9 * * 8", "invalid day of week field of `cron`: expected 0 to 7, `*`, lists, ranges and steps"),
        ("*/0 * * * *", "invalid minute field of `cron`: expected 0 to 59, `*`, lists, ranges and steps"),
        ("5-1 * * * *", "invalid minute field of `cron`: expected 0 to 59, `*`, lists, ranges and steps"),
        ("1, * * * *", "invalid minute field of `cron`: expected numbers, `*`, lists, ranges and steps"),
        ("0 9 L * *", "invalid day of month field of `cron`: expected numbers, `*`, lists, ranges and steps"),
        ("0 9 * * 1#2", "invalid day of week field of `cron`: expected numbers, `*`, lists, ranges and steps"),
        ("0 ² * * *", "invalid hour field of `cron`: expected numbers, `*`, lists, ranges and steps"),
    ],
)
def test_cron_that_does_not_map_says_why(expression: str, why: str) -> None:
    with pytest.raises(InexpressibleCron) as raised:
        from_cron(expression)
    assert raised.value.message.startswith(why)


def fields(low: int, high: int, *names: str) -> st.SearchStrategy[str]:
    """Draw a field of cron: lists of stars, numbers, names and ranges, with steps and without, full ones often."""
    number = st.integers(low, high).map(str)
    ends = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    bare = st.one_of(
        st.just("*"),
        st.just(f"{low}-{high}"),
        st.just(f"{low}/1"),
        number,
        ends.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.sampled_from(names or ("*",)),
    )
    stepped = st.tuples(bare, st.sampled_from(["", "", "/1", "/2", "/7", "/40"])).map("".join)
    return st.lists(stepped.filter(lambda term: term.count("/") < 2), min_size=1, max_size=3).map(",".join)


@given(
    minute=fields(0, 59),
    hour=fields(0, 23),
    day=fields(1, 31),
    month=st.sampled_from(["*", "*/1", "1-12", "JAN-dec"]),
    week_day=fields(0, 7, "sun", "MON-fri", "Sat"),
)
@settings(deadline=None, max_examples=100)
def test_a_mapped_cadence_fires_when_cron_does(minute: str, hour: str, day: str, month: str, week_day: str) -> None:
    """In UTC, since cronsim loses fires where clocks change by half an hour."""
    expression = f"{minute} {hour} {day} {month} {week_day}"
    try:
        parts = from_cron(expression)
    except InexpressibleCron:
        return
    start = datetime(2026, 1, 30, 23, 58, tzinfo=UTC)
    assert list(islice(_fires(parts, start), 25)) == list(islice(CronSim(expression, start), 25))


@given(day=fields(1, 31), week_day=fields(0, 7))
@settings(deadline=None, max_examples=50)
def test_cron_that_does_not_map_fires_as_no_cadence_does(day: str, week_day: str) -> None:
    try:
        from_cron(f"0 9 {day} * {week_day}")
    except InexpressibleCron as error:
        if "day field" not in error.message and "either" not in error.message:
            return
        fired = list(islice(CronSim(f"0 9 {day} * {week_day}", datetime(2026, 1, 1, tzinfo=UTC)), 800))
        month_days, week_days = {at.day for at in fired}, {at.isoweekday() for at in fired}
        days = [fired[0] + timedelta(days=count) for count in range((fired[-1] - fired[0]).days + 1)]
        assert fired != [at for at in days if at.day in month_days]
        assert fired != [at for at in days if at.isoweekday() in week_days]


def _fires(parts: Parts, start: datetime) -> Iterator[datetime]:
    days = (start.replace(hour=0, minute=0) + timedelta(days=count) for count in range(10_000))
    for day in days:
        if day.isoweekday() % 7 in parts.get("days_of_week", range(7)) and day.day in parts.get(
            "days_of_month", range(32)
        ):
            times = (
                day.replace(hour=hour, minute=minute)
                for hour in parts.get("hours", EVERY_HOUR)
                for minute in parts["minutes"]
            )
            yield from (at for at in times if at > start)


def test_times_of_day_become_hours_and_minutes() -> None:
    assert from_times(["17:30", "9:00", "09:30", "17:00", "17:00"]) == {"hours": (9, 17), "minutes": (0, 30)}


def test_times_that_form_no_product_name_what_would_be_added() -> None:
    with pytest.raises(InexpressibleCron) as raised:
        from_times(["09:00", "17:30"])
    assert (raised.value.message, raised.value.hint) == (
        "`at` combines every hour with every minute, so these times would also fire at 09:30, 17:00",
        "split them into several entries",
    )
