"""When a cadence fires: in words, as instants, as a mean (docs/semantics.md#fires)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BASE, cadence, numbers

from halo_iac.fire_times import describe, run_rate, runs_per_month, upcoming_fires
from halo_iac.model.schedule import Cadence

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (cadence("hourly"), "every hour, on the hour (UTC)"),
        (cadence("hourly", minutes=(15,)), "every hour at :15 (UTC)"),
        (cadence("hourly", minutes=(0, 30)), "every hour at :00 and :30 (UTC)"),
        (cadence("hourly", minutes=range(0, 60, 20)), "every 20 minutes (UTC)"),
        (cadence("hourly", minutes=range(60)), "every minute (UTC)"),
        (cadence("hourly", minutes=(5, 25, 45)), "every hour at :05, :25 and :45 (UTC)"),
        (cadence("daily"), "every day at 09:00 (UTC)"),
        (cadence("daily", hours=(9, 17), minutes=(0, 30)), "every day at 09:00, 09:30, 17:00 and 17:30 (UTC)"),
        (cadence("daily", hours=range(0, 24, 6)), "every 6 hours at :00 (UTC)"),
        (cadence("daily", hours=range(24), minutes=(5,)), "every hour at :05 (UTC)"),
        (cadence("daily", hours=(1, 2, 3, 4), minutes=(0, 30)), "every day at 01:00, 01:30, … 04:30 (8 times) (UTC)"),
        (cadence("weekly", days_of_week=(4, 1)), "Mon and Thu at 09:00 (UTC)"),
        (cadence("weekly", days_of_week=(0, 6)), "Sat and Sun at 09:00 (UTC)"),
        (cadence("weekly", days_of_week=range(1, 6)), "Mon to Fri at 09:00 (UTC)"),
        (cadence("weekly", days_of_week=range(7)), "every day of the week at 09:00 (UTC)"),
        (cadence("monthly", days_of_month=(1,)), "on the 1st of the month at 09:00 (UTC)"),
        (
            cadence("monthly", days_of_month=(2, 3, 11, 12, 13, 21, 31)),
            "on the 2nd, 3rd, 11th, 12th, 13th, 21st and 31st of the month at 09:00 (UTC)",
        ),
        (cadence("daily", zone="Asia/Tokyo"), "every day at 09:00 (Asia/Tokyo)"),
    ],
)
def test_a_cadence_is_described_in_words(when: Cadence, words: str) -> None:
    assert describe(when) == words


def fire_lines(when: Cadence, after: datetime, count: int) -> list[str]:
    return [f"{fire:%a %d %b %H:%M %z}" for fire in islice(upcoming_fires(when, after), count)]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (cadence("hourly", minutes=(0, 30)), ["Mon 23 Nov 12:30 +0000", "Mon 23 Nov 13:00 +0000"]),
        (cadence("daily", hours=(12, 13)), ["Mon 23 Nov 13:00 +0000", "Tue 24 Nov 12:00 +0000"]),
        (cadence("weekly", days_of_week=(0,)), ["Sun 29 Nov 09:00 +0000", "Sun 06 Dec 09:00 +0000"]),
        (cadence("monthly", days_of_month=(31,)), ["Thu 31 Dec 09:00 +0000", "Sun 31 Jan 09:00 +0000"]),
        (cadence("daily", zone="Asia/Tokyo"), ["Tue 24 Nov 09:00 +0900", "Wed 25 Nov 09:00 +0900"]),
    ],
)
def test_the_next_fires_are_strictly_later_and_in_the_cadences_zone(when: Cadence, expected: list[str]) -> None:
    assert fire_lines(when, NOON, 2) == expected


def test_a_time_in_a_gap_fires_right_after_it_and_one_in_a_fold_once() -> None:
    early = cadence("daily", hours=(2,), minutes=(30,), zone="Europe/Berlin")
    assert fire_lines(early, datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == [
        "Sun 29 Mar 03:00 +0200",
        "Mon 30 Mar 02:30 +0200",
    ]
    assert fire_lines(early, datetime(2026, 10, 24, 12, tzinfo=UTC), 2) == [
        "Sun 25 Oct 02:30 +0200",
        "Mon 26 Oct 02:30 +0100",
    ]


@pytest.mark.parametrize(
    "when",
    [
        cadence("daily")._replace(hours=()),
        cadence("hourly")._replace(minutes=(60,)),
        cadence("weekly")._replace(days_of_week=(7,)),
        cadence("monthly")._replace(days_of_month=(0,)),
        cadence("daily")._replace(frequency="yearly"),
        cadence("daily", zone="Mars/Base"),
        cadence("daily", zone="../etc"),
        cadence("daily", zone=""),
    ],
)
def test_a_cadence_of_a_later_platform_has_words_and_no_fires(when: Cadence) -> None:
    assert describe(when) == "a cadence that this version of halo cannot read"
    assert list(upcoming_fires(when, NOON)) == []


# Runs a month -------------------------------------------------------------------------------------------------------


def test_a_mean_month_has_the_days_of_the_gregorian_calendar() -> None:
    days = Fraction(sum(monthrange(year, month)[1] for year in range(2000, 2400) for month in range(1, 13)), 4800)
    assert runs_per_month(cadence("daily")) == days
    assert runs_per_month(cadence("hourly", minutes=(0, 30))) == days * 48
    assert runs_per_month(cadence("weekly", days_of_week=(1, 4), hours=(9, 17))) == days / 7 * 4


@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
def test_a_day_of_the_month_counts_in_the_months_that_have_it(day: int) -> None:
    having = sum(monthrange(year, month)[1] >= day for year in range(2000, 2400) for month in range(1, 13))
    assert runs_per_month(cadence("monthly", days_of_month=(day,))) == Fraction(having, 4800)


def test_a_paused_schedule_has_no_runs() -> None:
    specs = [BASE, replace(BASE, enabled=True), replace(BASE, enabled=False)]
    assert run_rate(specs) == 2 * runs_per_month(BASE.cadence)


cadences = st.sampled_from(["hourly", "daily", "weekly", "monthly"]).flatmap(
    lambda frequency: st.builds(
        lambda days_of_week, days_of_month, hours, minutes: cadence(
            frequency, days_of_week=days_of_week, days_of_month=days_of_month, hours=hours, minutes=minutes
        ),
        numbers(0, 6),
        numbers(1, 31),
        numbers(0, 23),
        numbers(0, 59),
    )
)


@given(cadences)
def test_every_cadence_has_words(when: Cadence) -> None:
    assert describe(when).endswith(" (UTC)")


@given(cadences.filter(lambda when: when.frequency in {"daily", "weekly"}))
def test_the_mean_is_what_the_fires_of_four_weeks_come_to(when: Cadence) -> None:
    until = NOON + timedelta(weeks=4)
    counted = sum(1 for _ in takewhile(lambda fire: fire <= until, upcoming_fires(when, NOON)))
    assert counted == runs_per_month(when) * 28 / runs_per_month(cadence("daily"))
