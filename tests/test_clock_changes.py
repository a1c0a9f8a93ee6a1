"""Fires around clock changes in every zone that has them, compared with zoneinfo minute by minute."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cadence, numbers

from halo_iac.fire_times import ClockChange, Fire, describe_reason, fires_with_reasons, upcoming_fires
from halo_iac.model.schedule import Cadence
from halo_iac.model.zones import zone_names

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
YEARS = (2011, 2026)
"""A year in which Samoa left out a whole day, and one in which clocks change by the rules of today."""


# A slow and plain second opinion ------------------------------------------------------------------------------------


def changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """Yield the first minute, in UTC, of each new offset of a year."""

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    days = [datetime(year, 1, 1, tzinfo=UTC) + count * DAY for count in range(366)]
    for (before, old), (_, new) in pairwise([(each, offset(each)) for each in days]):
        if old != new:
            minutes = [before + count * MINUTE for count in range(1, 1441)]
            yield minutes[bisect(minutes, 0, key=lambda at, old=old: offset(at) != old)]


@cache
def changing_zones() -> dict[str, tuple[datetime, ...]]:
    """Return every zone whose clocks change in one of the years, and when."""
    found = {name: tuple(each for year in YEARS for each in changes(ZoneInfo(name), year)) for name in zone_names()}
    return {name: instants for name, instants in sorted(found.items()) if instants}


def expected(when: Cadence, start: datetime, end: datetime) -> list[Fire]:
    """Return the fires after ``start`` and until ``end``, by asking each minute of each day what becomes of it."""
    zone = ZoneInfo(when.timezone)
    first = start.replace(second=0, microsecond=0) - 2 * DAY
    minutes = [first + count * MINUTE for count in range((end + DAY - first) // MINUTE)]
    lived: dict[datetime, list[datetime]] = {}
    for minute in minutes:
        lived.setdefault(minute.astimezone(zone).replace(tzinfo=None), []).append(minute)
    found: dict[datetime, ClockChange | None] = {}
    earliest, latest = min(lived), max(lived)
    for wall in (earliest + count * MINUTE for count in range((latest - earliest) // MINUTE)):
        if is_named(when, wall):
            found |= nearest_change(when, wall, lived, found)
    return [Fire(at.astimezone(zone), found[at]) for at in sorted(found) if start < at <= end]


def nearest_change(
    when: Cadence, wall: datetime, lived: dict[datetime, list[datetime]], found: dict[datetime, ClockChange | None]
) -> dict[datetime, ClockChange | None]:
    """Return when a time on the wall fires: where it is, twice if every hour counts, else at once after the gap."""
    if wall in lived:
        reason = ClockChange.FOLD if len(lived[wall]) > 1 else None
        minutes = lived[wall] if when.frequency == "hourly" else lived[wall][:1]
        return {minute: found.get(minute) or reason for minute in minutes}
    if when.frequency == "hourly":
        return {}
    while wall not in lived:
        wall += MINUTE
    return {lived[wall][0]: ClockChange.GAP}


def is_named(when: Cadence, wall: datetime) -> bool:
    return (
        wall.minute in when.minutes
        and (when.frequency == "hourly" or wall.hour in when.hours)
        and (when.frequency != "weekly" or (wall.weekday() + 1) % 7 in when.days_of_week)
        and (when.frequency != "monthly" or wall.day in when.days_of_month)
    )


# Laws ---------------------------------------------------------------------------------------------------------------


@st.composite
def moments(draw: st.DrawFn) -> tuple[Cadence, datetime, datetime]:
    """Draw a cadence that likely fires where its clocks change, and a span of time around the change."""
    name = draw(st.sampled_from(sorted(changing_zones())))
    change = draw(st.sampled_from(changing_zones()[name]))
    wall = change.astimezone(ZoneInfo(name))
    near = st.lists(st.integers(-3, 3), min_size=1, max_size=3).map(lambda away: [(wall.hour + n) % 24 for n in away])
    when = cadence(
        draw(st.sampled_from(["hourly", "daily", "weekly", "monthly"])),
        name,
        days_of_week=tuple(draw(numbers(0, 6))),
        days_of_month=(wall.day, *draw(numbers(1, 31))),
        hours=tuple(draw(st.one_of(near, numbers(0, 23)))),
        minutes=tuple(draw(st.one_of(st.just([0, 30]), numbers(0, 59)))),
    )
    start = change + timedelta(seconds=draw(st.integers(-2 * 86_400, 7_200)))
    return when, start, change + DAY + DAY


def as_instants(found: list[Fire]) -> list[tuple[datetime, str | None]]:
    """Return fires so that the two of one time of day differ, which aware datetimes of one zone do not."""
    return [(fire.at.astimezone(UTC), fire.reason) for fire in found]


@given(moments())
def test_fires_and_their_reasons_are_what_the_clocks_say(moment: tuple[Cadence, datetime, datetime]) -> None:
    when, start, end = moment
    found = as_instants(list(takewhile(lambda fire: fire.at <= end, fires_with_reasons(when, start))))
    assert found == as_instants(expected(when, start, end))


ODD_CHANGES = (
    *(("Australia/Lord_Howe", year) for year in (1981, 1985, 2026, 2027)),  # by an hour once, by half of one since
    *(("Antarctica/Troll", year) for year in (2026, 2027)),  # by two hours
    *(("Africa/Accra", year) for year in (1942, 1950)),  # by twenty minutes
    *(("America/Caracas", year) for year in (2007, 2016)),
    *(("Asia/Pyongyang", year) for year in (2015, 2018)),
    *(("Pacific/Apia", 2011), ("Pacific/Kwajalein", 1993)),  # by a day
    *(("Africa/Monrovia", 1972), ("Europe/Amsterdam", 1937)),  # by seconds, too
)


@st.composite
def hourly_moments(draw: st.DrawFn) -> tuple[Cadence, datetime]:
    """Draw minutes of an hour, and an instant shortly before clocks change by what is not an hour."""
    name, year = draw(st.sampled_from(ODD_CHANGES))
    change = draw(st.sampled_from(tuple(changes(ZoneInfo(name), year)) or (datetime(year, 1, 7, tzinfo=UTC),)))
    minutes = tuple(draw(st.lists(st.integers(0, 59), min_size=1, max_size=3)))
    return cadence("hourly", name, minutes=minutes), change - timedelta(seconds=draw(st.integers(-7_200, 7_200)))


@given(hourly_moments(), st.integers(0, 59))
def test_an_hourly_cadence_fires_at_each_minute_independently(moment: tuple[Cadence, datetime], more: int) -> None:
    when, start = moment
    end = start + timedelta(hours=6)

    def fired(minutes: tuple[int, ...]) -> list[datetime]:
        found = takewhile(
            lambda at: at <= end, upcoming_fires(cadence("hourly", when.timezone, minutes=minutes), start)
        )
        return [at.astimezone(UTC) for at in found]

    both, one, other = fired((*when.minutes, more)), fired(when.minutes), fired((more,))
    assert sorted({*one, *other}) == both
    if more not in when.minutes:
        assert [at for at in both if at not in other] == one


@given(hourly_moments())
def test_an_hourly_cadence_fires_at_every_minute_that_shows_its_minutes(moment: tuple[Cadence, datetime]) -> None:
    when, start = moment
    zone = ZoneInfo(when.timezone)
    first = start.replace(microsecond=0) + timedelta(seconds=1)
    walls = ((first + timedelta(seconds=count)).astimezone(zone) for count in range(6 * 3600))
    shown = [wall.astimezone(UTC) for wall in walls if wall.second == 0 and wall.minute in when.minutes]
    found = takewhile(lambda at: at < first + timedelta(hours=6), upcoming_fires(when, start))
    assert [at.astimezone(UTC) for at in found] == shown


@given(moments())
def test_forecast_fires_equal_upcoming_fires(moment: tuple[Cadence, datetime, datetime]) -> None:
    when, start, _ = moment
    seen = [fire.at for _, fire in zip(range(5), fires_with_reasons(when, start), strict=False)]
    assert [at.isoformat() for at in seen] == [at.isoformat() for at in islice(upcoming_fires(when, start), 5)]


@given(moments())
def test_no_fire_is_lost_or_found_twice_where_a_search_goes_on(moment: tuple[Cadence, datetime, datetime]) -> None:
    when, start, end = moment
    found = [at.astimezone(UTC) for at in takewhile(lambda at: at <= end, upcoming_fires(when, start))]
    assert found == sorted(set(found))
    assert [next(upcoming_fires(when, at)).astimezone(UTC) for at in found[:-1]] == found[1:]


@given(
    st.deferred(lambda: st.sampled_from(sorted(zone_names() - set(changing_zones())))), numbers(0, 23), numbers(0, 59)
)
def test_no_fire_has_a_reason_in_a_zone_without_clock_changes(zone: str, hours: list[int], minutes: list[int]) -> None:
    year = takewhile(
        lambda fire: fire.at.year == 2026,
        fires_with_reasons(
            cadence("daily", zone, hours=tuple(hours), minutes=tuple(minutes)), datetime(2026, 1, 1, 12, tzinfo=UTC)
        ),
    )
    assert {fire.reason for fire in year} == {None}


# Cases --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "after", "expected"),
    [
        (
            cadence("daily", "Europe/Berlin", hours=(2,), minutes=(30,)),
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            ["2026-03-29T03:00:00+02:00 the clocks skip from 02:00 to 03:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            cadence("daily", "Europe/Berlin", hours=(2, 3)),  # perhaps it fires twice
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            ["2026-03-29T03:00:00+02:00 the clocks skip from 02:00 to 03:00", "2026-03-30T02:00:00+02:00"],
        ),
        (
            cadence("daily", "Europe/Berlin", hours=(2,), minutes=(30,)),
            datetime(2026, 10, 24, 12, tzinfo=UTC),
            ["2026-10-25T02:30:00+02:00 the clocks go back, so 02:30 comes twice", "2026-10-26T02:30:00+01:00"],
        ),
        (
            cadence("hourly", "America/New_York", minutes=(30,)),
            datetime(2026, 11, 1, 5, tzinfo=UTC),
            [
                "2026-11-01T01:30:00-04:00 the clocks go back, so 01:30 comes twice",
                "2026-11-01T01:30:00-05:00 the clocks go back, so 01:30 comes twice",
                "2026-11-01T02:30:00-05:00",
            ],
        ),
        (
            cadence("daily", "Australia/Lord_Howe", hours=(2,), minutes=(15,)),
            datetime(2026, 10, 3, 12, tzinfo=UTC),
            ["2026-10-04T02:30:00+11:00 the clocks skip from 02:00 to 02:30", "2026-10-05T02:15:00+11:00"],
        ),
        (
            cadence("daily", "Africa/Cairo", hours=(0,), minutes=(15,)),
            datetime(2026, 4, 23, 12, tzinfo=UTC),
            ["2026-04-24T01:00:00+03:00 the clocks skip from 00:00 to 01:00", "2026-04-25T00:15:00+03:00"],
        ),
        (
            cadence("daily", "Pacific/Apia", hours=(9,)),
            datetime(2011, 12, 29, 9, tzinfo=UTC),
            [
                "2011-12-29T09:00:00-10:00",
                "2011-12-31T00:00:00+14:00 the clocks skip from 2011-12-30 00:00 to 2011-12-31 00:00",
                "2011-12-31T09:00:00+14:00",
            ],
        ),
    ],
)
def test_a_fire_in_a_gap_or_a_fold_says_what_the_clocks_do(when: Cadence, after: datetime, expected: list[str]) -> None:
    found = [fire for _, fire in zip(expected, fires_with_reasons(when, after), strict=False)]
    assert [
        f"{fire.at.isoformat()} {describe_reason(fire) if fire.reason else ''}".rstrip() for fire in found
    ] == expected


def test_a_search_from_the_second_of_two_equal_hours_does_not_go_back_to_the_first() -> None:
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 in Berlin for the second time
    when = cadence("daily", "Europe/Berlin", hours=(2,), minutes=(30,))
    assert next(upcoming_fires(when, second)).isoformat() == "2026-10-26T02:30:00+01:00"
