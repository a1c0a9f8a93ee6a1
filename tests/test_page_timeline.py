"""The timeline of a page: the fires of a period, and how often the traces of each moment are analysed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import cadence, entry, numbers, project

from halo_iac.fire_times import upcoming_fires
from halo_iac.model.project import Entry
from halo_iac.model.schedule import Cadence
from halo_iac.page.contents import Page, ProjectInput, build_page
from halo_iac.page.timeline import Coverage, Period, Timeline

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
LORD_HOWE = datetime(2027, 9, 30, tzinfo=UTC)
"""Some days before the clocks there go forward by half an hour."""
HOUR = 3600
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")


def around(timezone: str = "UTC", now: datetime = NOW, ahead: int = 7, back: int = 0) -> Period:
    return Period.around(now, timezone, back=back, ahead=ahead)


def hours(coverage: Coverage) -> list[tuple[float, float, int]]:
    """Return stretches in hours from the start of their period."""
    start = coverage.stretches[0].start
    return [((each.start - start) / HOUR, (each.end - start) / HOUR, each.reads) for each in coverage.stretches]


@st.composite
def cadences(draw: st.DrawFn) -> Cadence:
    frequency = draw(st.sampled_from(["hourly", "daily", "weekly", "monthly"]))
    return Cadence(
        frequency,
        tuple(draw(numbers(0, 6))) if frequency == "weekly" else (),
        tuple(draw(numbers(1, 31))) if frequency == "monthly" else (),
        () if frequency == "hourly" else tuple(sorted(draw(st.sets(st.integers(0, 23), min_size=1, max_size=3)))),
        tuple(sorted(draw(st.sets(st.integers(0, 59), min_size=1, max_size=2)))),
        draw(st.sampled_from(ZONES)),
    )


INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


# How often a moment is analysed -------------------------------------------------------------------------------------


@given(cadences(), st.integers(1, 24 * 40), INSTANTS, st.integers(0, 10))
@example(cadence(frequency="hourly", hours=(), minutes=(0, 1), zone="Australia/Lord_Howe"), 6, LORD_HOWE, 2)
def test_a_moment_is_analysed_by_every_fire_that_looks_back_on_it(
    when: Cadence, lookback: int, now: datetime, back: int
) -> None:
    period = around("Europe/Berlin", now, back=back)
    found = Timeline(period, {}).track(when, lookback).coverage.stretches
    assert (found[0].start, found[-1].end) == (period.start, period.end)
    assert all(one.end == other.start and one.reads != other.reads for one, other in pairwise(found))
    for stretch in (found[0], found[len(found) // 2], found[-1]):
        for moment in {stretch.start, (stretch.start + stretch.end) // 2, stretch.end - 1}:
            trace = datetime.fromtimestamp(moment, UTC)
            fires = takewhile(lambda fire: fire <= trace + timedelta(hours=lookback), upcoming_fires(when, trace))  # noqa: B023
            assert sum(1 for _ in fires) == stretch.reads


@given(st.lists(st.tuples(cadences(), st.integers(1, 100)), max_size=3), INSTANTS)
def test_the_analyses_of_several_schedules_add_up(looks: list[tuple[Cadence, int]], now: datetime) -> None:
    timeline = Timeline(around(now=now), {})
    together = timeline.combined_coverage(looks)
    for stretch in together.stretches:
        apart = [timeline.track(*look).coverage.stretches for look in looks]
        assert stretch.reads == sum(
            each.reads for track in apart for each in track if each.start <= stretch.start < each.end
        )


def test_a_gap_an_overlap_and_what_comes_after_the_last_day() -> None:
    """Mon 12:00; fires of weekdays at 09:00 look back a day, so weekends are left out from 09:00 on."""
    track = Timeline(around(), {}).track(cadence(frequency="weekly", days_of_week=(1, 2, 3, 4, 5)), 24)
    assert hours(track.coverage) == [(0, 9 + 4 * 24, 1), (9 + 4 * 24, 9 + 6 * 24, 0), (9 + 6 * 24, 7 * 24, 1)]
    coming = track.coverage.since(around().present)
    assert (coming.unread_seconds, coming.repeated_seconds, coming.seconds) == (48 * HOUR, 0, (6 * 24 + 12) * HOUR)
    twice = Timeline(around(ahead=1), {}).track(cadence(hours=(9, 17)), 16).coverage
    assert hours(twice) == [(0, 1, 1), (1, 9, 2), (9, 24, 1)]
    assert twice.max_reads == 2


def test_a_fire_after_the_last_day_counts_whatever_another_schedule_of_its_cadence_looks_back() -> None:
    monthly = cadence(frequency="monthly", days_of_month=(1,))
    timeline = Timeline(around(), {monthly: 24})
    assert timeline.track(monthly, 24).coverage.unread_seconds == 7 * 24 * HOUR
    longer = Timeline(around(), {monthly: 31 * 24})
    assert longer.track(monthly, 31 * 24).coverage.unread_seconds == 0
    assert longer.track(monthly, 24).coverage.unread_seconds == 7 * 24 * HOUR


@pytest.mark.parametrize(
    ("when", "lookback", "times"),
    [
        (cadence(frequency="hourly", hours=(), minutes=tuple(range(60))), 2, 120),
        (cadence(hours=tuple(range(24)), minutes=tuple(range(0, 60, 10))), 1, 6),
    ],
)
def test_fires_too_dense_to_draw_are_counted(when: Cadence, lookback: int, times: int) -> None:
    track = Timeline(around(), {}).track(when, lookback)
    assert track.fires is None
    assert [each.reads for each in track.coverage.stretches] == [times]


# The period ---------------------------------------------------------------------------------------------------------


def test_days_are_equally_wide_however_long_they_are() -> None:
    spring = around("Europe/Berlin", datetime(2027, 3, 27, 12, tzinfo=UTC), ahead=3)
    assert [end - start for start, end in pairwise(spring.midnights)] == [24 * HOUR, 23 * HOUR, 24 * HOUR]
    assert [spring.position(each) for each in spring.midnights] == [0, 1, 2, 3]
    assert (spring.position(spring.start - 1), spring.position(spring.end + 1)) == (0, 3)


@pytest.mark.parametrize(
    ("now", "zones", "found"),
    [
        (NOW, ("UTC",), []),
        (datetime(2027, 3, 26, tzinfo=UTC), ("Europe/Berlin",), [("02:00", "03:00", "2027-03-28T01:00:00+00:00")]),
        (datetime(2026, 10, 23, tzinfo=UTC), ("Europe/Berlin",), [("03:00", "02:00", "2026-10-25T01:00:00+00:00")]),
        (
            datetime(2026, 10, 2, tzinfo=UTC),
            ("Australia/Lord_Howe",),
            [("02:00", "02:30", "2026-10-03T15:30:00+00:00")],
        ),
    ],
)
def test_the_clocks_that_change_in_the_period_are_named(
    now: datetime, zones: tuple[str, ...], found: list[tuple[str, str, str]]
) -> None:
    changes = Timeline(around(now=now), {}).clock_changes(zones)
    at = [datetime.fromtimestamp(each.at, UTC).isoformat() for each in changes]
    assert [(each.before, each.after, when) for each, when in zip(changes, at, strict=True)] == found


# The contents -------------------------------------------------------------------------------------------------------


def page_of(*entries: Entry, **policy: object) -> Page:
    return build_page([ProjectInput(project(*entries, **policy))], NOW, "Asia/Tokyo", ahead=28)


def test_schedules_stand_under_their_agents_and_what_is_archived_apart() -> None:
    found = page_of(
        entry("A", agent="shop"),
        entry("B", agent="bot"),
        entry("C", agent="checkout", enabled=False),
        entry("D", is_retired=True),
        aliases={"shop": "checkout"},
    )
    (one,) = found.projects
    assert [(each.name, each.reference, [s.name for s in each.schedules]) for each in one.agents] == [
        ("shop", "checkout", ["A", "C"]),
        ("bot", "bot", ["B"]),
    ]
    assert [each.name for each in one.archived] == ["D"]
    assert [each.track is None for each in found.schedules] == [False, True, False]


def test_days_begin_in_the_zone_that_all_share_else_in_the_readers() -> None:
    berlin, tokyo = entry("A", timezone="Europe/Berlin"), entry("B", timezone="Asia/Tokyo")
    assert page_of(berlin).period.timezone == "Europe/Berlin"
    assert page_of(berlin, entry("C", timezone="UTC")).period.timezone == "Asia/Tokyo"
    assert page_of(berlin, tokyo._replace(spec=None)).period.timezone == "Europe/Berlin"
    assert page_of().period.timezone == "Asia/Tokyo"
