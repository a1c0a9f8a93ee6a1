"""How long a cadence leaves between two fires, and how many look at one trace: held against years of fires."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cadence, numbers

from halo_iac.findings.intervals import Intervals, intervals, longest_gap, max_reads_per_trace
from halo_iac.fire_times import upcoming_fires
from halo_iac.model.schedule import Cadence

START = datetime(2026, 1, 1, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)
YEARS = {"daily": 2, "weekly": 2, "monthly": 28}
"""How long it takes until everything that a cadence can meet has come up; months meet leap years and weekdays."""
LEAP_CYCLE = 4 * 365 + 1
"""Days after which months are as long as before."""

ZONES = (
    *("UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/Berlin", "Australia/Sydney"),
    "Australia/Lord_Howe",  # half an hour
    "Antarctica/Troll",  # two hours
    "Africa/Casablanca",  # back and forth within weeks, by another calendar
)


def elapsed_gaps(when: Cadence, start: datetime = START, days: int | None = None) -> list[int]:
    """Return the minutes from each fire to the next, for as long as it takes unless ``days`` says how long."""
    until = start + timedelta(days=days or YEARS[when.frequency] * 366)
    instants = [fire.astimezone(UTC) for fire in takewhile(lambda fire: fire < until, upcoming_fires(when, start))]
    return [(after - before) // timedelta(minutes=1) for before, after in pairwise(instants)]


@st.composite
def cadences(draw: st.DrawFn, zones: tuple[str, ...]) -> Cadence:
    return cadence(
        draw(st.sampled_from(["daily", "weekly", "monthly"])),
        draw(st.sampled_from(zones)),
        days_of_week=draw(numbers(0, 6)),
        days_of_month=draw(numbers(1, 31)),
        hours=draw(st.lists(st.integers(0, 23), min_size=1, max_size=2)),
        minutes=draw(st.lists(st.integers(0, 59), min_size=1, max_size=2)),
    )


@given(cadences(("UTC",)))
@settings(max_examples=20)
def test_the_shortest_and_the_longest_are_those_of_all_fires(when: Cadence) -> None:
    between = elapsed_gaps(when)
    assert intervals(when) == Intervals(min(between), max(between))


@given(cadences(ZONES))
@settings(max_examples=20)
def test_the_longest_is_that_of_all_fires_or_of_the_wall_where_clocks_always_go_forward(when: Cadence) -> None:
    longest = max(elapsed_gaps(when))
    assert longest_gap(when) == max(longest, intervals(when).longest)
    assert when.frequency == "monthly" or longest >= intervals(when).longest


@given(numbers(0, 59))
def test_an_hourly_cadence_does_not_notice_that_clocks_go_back(minutes: list[int]) -> None:
    when = cadence("hourly", "Europe/Berlin", minutes=minutes)
    between = elapsed_gaps(when, OCTOBER, days=10)
    assert (intervals(when), longest_gap(when)) == (Intervals(min(between), max(between)), max(between))


def count_reads(when: Cadence, hours: int, *, days: int) -> int:
    """Return how many fires at most look at one trace of some days: those within the look-back that begins with it."""
    lookback = timedelta(hours=hours)
    until = START + timedelta(days=days) + lookback
    instants = [fire.astimezone(UTC) for fire in takewhile(lambda fire: fire < until, upcoming_fires(when, START))]
    return max(
        bisect_left(instants, trace + lookback) - first
        for first, trace in enumerate(instants)
        if trace + lookback <= until
    )


@given(cadences(("UTC",)), st.integers(1, 24 * 80) | st.integers(1, 80).map(lambda days: days * 24))
@settings(max_examples=20)
def test_the_maximum_of_reads_per_trace_is_exact(when: Cadence, hours: int) -> None:
    assert max_reads_per_trace(when, hours) == count_reads(when, hours, days=LEAP_CYCLE)


@given(numbers(0, 59), st.integers(1, 50))
def test_a_look_back_of_hours_meets_as_many_fires_of_each_of_them(minutes: list[int], hours: int) -> None:
    when = cadence("hourly", "Europe/Berlin", minutes=minutes)
    assert max_reads_per_trace(when, hours) == count_reads(when, hours, days=2)


DAY = 24 * 60


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (cadence("hourly"), (60, 60)),
        (cadence("hourly", minutes=[0, 45]), (15, 45)),
        (cadence("daily"), (DAY, DAY)),
        (cadence("daily", hours=[9, 17]), (8 * 60, 16 * 60)),
        (cadence("weekly", days_of_week=[1]), (7 * DAY, 7 * DAY)),
        (cadence("weekly", days_of_week=[1, 4]), (3 * DAY, 4 * DAY)),
        (cadence("weekly", days_of_week=[1, 2, 3, 4, 5]), (DAY, 3 * DAY)),
        (cadence("monthly", days_of_month=[1]), (28 * DAY, 31 * DAY)),
        (cadence("monthly", days_of_month=[29]), (29 * DAY, 59 * DAY)),
        (cadence("monthly", days_of_month=[31]), (31 * DAY, 61 * DAY)),
        (cadence("monthly", days_of_month=[1, 31]), (DAY, 30 * DAY)),
    ],
)
def test_the_shortest_and_longest_interval_of_a_cadence(when: Cadence, expected: tuple[int, int]) -> None:
    assert intervals(when) == Intervals(*expected)


@pytest.mark.parametrize(
    ("when", "hours"),
    [
        (cadence("daily", "America/Los_Angeles"), 25),
        (cadence("daily", "America/Phoenix"), 24),
        (cadence("daily", "Antarctica/Troll"), 26),
        (cadence("daily", "Australia/Lord_Howe"), 24.5),
        (cadence("weekly", "Europe/Berlin", days_of_week=[6]), 7 * 24 + 1),
        (cadence("weekly", "Europe/Berlin", days_of_week=[1, 3]), 5 * 24 + 1),  # Wednesday to Monday, over the Sunday
        (cadence("daily", "Europe/Berlin", hours=[2]), 25),  # shown twice, fires once
        (cadence("monthly", "America/Los_Angeles", days_of_month=[1]), 31 * 24 + 1),  # where it is a Sunday, in 2026
    ],
)
def test_the_longest_gap_counts_the_hours_that_clocks_repeat(when: Cadence, hours: float) -> None:
    assert longest_gap(when) == hours * 60


@pytest.mark.parametrize(
    ("when", "hours", "expected"),
    [
        (cadence("daily"), 24, 1),  # what is a day old was looked at yesterday
        (cadence("daily"), 25, 2),
        (cadence("daily"), 4 * 24, 4),
        (cadence("daily", hours=[9, 10]), 24, 2),
        (cadence("daily", minutes=[0, 5]), 24, 2),
        (cadence("daily", minutes=[0, 5]), 25, 4),
        (cadence("weekly", days_of_week=[1, 2]), 7 * 24, 2),
        (cadence("weekly", days_of_week=[1, 2]), 8 * 24, 3),
        (cadence("weekly", days_of_week=[1, 2, 3, 4, 5]), 3 * 24, 3),
        (cadence("monthly", days_of_month=[1, 31]), 29 * 24, 2),
        (cadence("monthly", days_of_month=[1, 31]), 30 * 24, 3),  # 31 January, 1 February and 1 March
        (cadence("hourly", minutes=[0, 20, 40]), 1, 3),
        (cadence("monthly", days_of_month=[29]), 2_147_483_647, 2_756_012),
    ],
)
def test_the_most_reads_per_trace_follow_from_cadence_and_lookback(when: Cadence, hours: int, expected: int) -> None:
    assert max_reads_per_trace(when, hours) == expected
