"""When a cadence fires: in words, as instants, and as a mean number of runs a month.

Words and means need no clock; instants take the moment to start from as a parameter (docs/semantics.md#fires).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import dropwhile
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from halo_iac.model.schedule import RELEVANT_PARTS, Cadence, Frequency, Spec
from halo_iac.text import join_and

_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_RANGES: Final = {"days_of_week": (0, 6), "days_of_month": (1, 31), "hours": (0, 23), "minutes": (0, 59)}
_WEEKDAYS: Final = (1, 2, 3, 4, 5)
_LEAP_YEARS: Final = Fraction(97, 400)
_DAYS_A_MONTH: Final = (365 + _LEAP_YEARS) / 12
_MONTHS_WITH_DAY: Final = {29: 11 + _LEAP_YEARS, 30: Fraction(11), 31: Fraction(7)}
"""How many months of a mean Gregorian year have a 29th, a 30th and a 31st."""
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


class ClockChange(StrEnum):
    """What a change of the clocks does to a time of day that a cadence names."""

    GAP = "gap"
    """The day leaves it out: the clocks go forward over it."""
    FOLD = "fold"
    """The day has it twice: the clocks go back over it."""


class Fire(NamedTuple):
    """One fire of a cadence, in the cadence's zone; ``reason`` is why its time is approximate, if it is."""

    at: datetime
    reason: ClockChange | None = None


def runs_per_month(cadence: Cadence) -> Fraction:
    """Return the mean number of fires a month over the 400 years of the Gregorian calendar.

    Daylight saving evens out over a year and is left out.
    """
    return _mean_runs(*_numbers(cadence))


def run_rate(specs: Iterable[Spec]) -> Fraction:
    """Return the runs a month of several schedules together; a paused one has none.

    Equal numbers are reckoned with once: fractions are exact and slow, and ten thousand schedules have few of them.
    """
    counts = Counter(_numbers(spec) for spec in specs if spec.enabled is not False)
    return sum((count * _mean_runs(*numbers) for numbers, count in counts.items()), Fraction(0))


def _numbers(when: Cadence | Spec) -> tuple[str, int, int, int, tuple[int, ...]]:
    """Return what the mean depends on: the frequency, how many minutes, hours and weekdays, and the days of months."""
    return when.frequency, len(when.minutes), len(when.hours), len(when.days_of_week), when.days_of_month


def _mean_runs(frequency: str, minutes: int, hours: int, weekdays: int, month_days: Sequence[int]) -> Fraction:
    a_day = minutes * (24 if frequency == Frequency.HOURLY else hours)
    if frequency == Frequency.WEEKLY:
        return a_day * weekdays * _DAYS_A_MONTH / 7
    if frequency == Frequency.MONTHLY:
        return a_day * sum((_MONTHS_WITH_DAY.get(day, Fraction(12)) for day in month_days), Fraction(0)) / 12
    return a_day * _DAYS_A_MONTH


def is_valid(cadence: Cadence) -> bool:
    """Return whether every part exists and is in range: the platform may have cadences that no project file has."""
    relevant = RELEVANT_PARTS.get(cadence.frequency)
    if relevant is None:
        return False
    for part in relevant:
        numbers: Sequence[int] = getattr(cadence, part)
        low, high = _RANGES[part]
        if not numbers or not all(low <= number <= high for number in numbers):
            return False
    try:
        ZoneInfo(cadence.timezone)
    except (ValueError, KeyError, OSError):
        return False
    return True


# Words --------------------------------------------------------------------------------------------------------------


def describe(cadence: Cadence) -> str:
    """Return a cadence as a person would say it: ``Mon and Thu at 09:00 (America/Los_Angeles)``."""
    if not is_valid(cadence):
        return "a cadence that this version of halo cannot read"
    return f"{_when(cadence)} ({cadence.timezone})"


def times_of_day(cadence: Cadence) -> str | None:
    """Return the times of day of a valid cadence, such as ``09:00 and 17:00``; ``None`` if it fires every few hours."""
    if cadence.frequency == Frequency.HOURLY or _step(cadence.hours, 24):
        return None
    return _times(cadence).removeprefix("at ")


def _when(cadence: Cadence) -> str:
    if cadence.frequency == Frequency.HOURLY:
        return _hourly(cadence.minutes)
    if cadence.frequency == Frequency.DAILY and _step(cadence.hours, 24):
        return _times(cadence)
    return f"{_days(cadence)} {_times(cadence)}"


def _days(cadence: Cadence) -> str:
    if cadence.frequency == Frequency.WEEKLY:
        return _weekdays(cadence.days_of_week)
    if cadence.frequency == Frequency.MONTHLY:
        return f"on the {join_and([_ordinal(day) for day in cadence.days_of_month])} of the month"
    return "every day"


def _hourly(minutes: Sequence[int]) -> str:
    step = _step(minutes, 60)
    if minutes == (0,):
        return "every hour, on the hour"
    if step == 1:
        return "every minute"
    if step:
        return f"every {step} minutes"
    return f"every hour at {join_and([f':{minute:02}' for minute in minutes])}"


def _times(cadence: Cadence) -> str:
    step = _step(cadence.hours, 24)
    if step:
        return f"every {'hour' if step == 1 else f'{step} hours'} at {join_and([f':{m:02}' for m in cadence.minutes])}"
    times = [f"{hour:02}:{minute:02}" for hour in cadence.hours for minute in cadence.minutes]
    if len(times) > 6:
        return f"at {times[0]}, {times[1]}, … {times[-1]} ({len(times)} times)"
    return f"at {join_and(times)}"


def _step(numbers: Sequence[int], size: int) -> int | None:
    """Return n if the numbers are 0, n, 2n, … up to ``size``; ``None`` for fewer than three numbers, or others."""
    if len(numbers) < 3 or size % len(numbers):
        return None
    step = size // len(numbers)
    return step if tuple(numbers) == tuple(range(0, size, step)) else None


def _weekdays(days: Sequence[int]) -> str:
    if tuple(days) == _WEEKDAYS:
        return "Mon to Fri"
    if len(days) == 7:
        return "every day of the week"
    monday_first = sorted(days, key=lambda day: (day - 1) % 7)
    return join_and([_DAYS[day] for day in monday_first])


def _ordinal(day: int) -> str:
    suffix = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def describe_reason(fire: Fire) -> str:
    """Return what the clocks do at an approximate fire: ``the clocks skip from 02:00 to 03:00``."""
    if fire.reason is ClockChange.FOLD:
        return f"the clocks go back, so {fire.at:%H:%M} comes twice"
    start = unchanged_wall_time(fire.at)
    shape = "%H:%M" if start.date() == fire.at.date() else "%Y-%m-%d %H:%M"
    return f"the clocks skip from {start:{shape}} to {fire.at:{shape}}"


# Instants -----------------------------------------------------------------------------------------------------------


def upcoming_fires(cadence: Cadence, after: datetime) -> Iterator[datetime]:
    """Yield every fire strictly after an aware instant, in the cadence's zone; none if the cadence is invalid.

    What the platform does in a daylight-saving gap or fold is not documented (docs/semantics.md#fires); this follows
    Debian's cron: a time in a gap fires right after it, a time in a fold fires once, and an hourly schedule goes on by
    real hours. :func:`fires_with_reasons` says which fires rest on that.
    """
    if not is_valid(cadence):
        return
    start, zone = after.astimezone(UTC), ZoneInfo(cadence.timezone)
    if cadence.frequency == Frequency.HOURLY:
        yield from (at.astimezone(zone) for at in _hourly_fires(frozenset(cadence.minutes), zone, start))
        return
    from cronsim import CronSim

    # A search that begins in the second of two equal hours finds the fires of the first.
    yield from dropwhile(lambda fire: fire <= start, CronSim(_cron(cadence), start.astimezone(zone)))


def _hourly_fires(minutes: frozenset[int], zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    """Yield, in UTC, every instant after ``at`` at which the clocks of a zone show one of these minutes.

    Not left to cronsim, which loses fires where clocks change by less than an hour.
    """
    while True:
        wall = at.astimezone(zone)
        wait = min((minute - wall.minute - 1) % 60 + 1 for minute in minutes)
        candidate = at.replace(microsecond=0) + timedelta(minutes=wait, seconds=-wall.second)
        change = (
            None if utc_offset(candidate, zone) == utc_offset(at, zone) else first_after_change(at, candidate, zone)
        )
        at = change or candidate
        shown = at.astimezone(zone)
        if shown.second == 0 and shown.minute in minutes:
            yield at


def first_after_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second with the offset that a zone has at the second of two instants, but not at the first."""
    before = before.replace(microsecond=0)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (middle, after) if utc_offset(middle, zone) == utc_offset(before, zone) else (before, middle)
    return after


def utc_offset(at: datetime, zone: ZoneInfo) -> timedelta:
    """Return how far a zone's clocks are ahead of UTC at an instant."""
    return at.astimezone(zone).utcoffset() or timedelta()


def fires_with_reasons(cadence: Cadence, after: datetime) -> Iterator[Fire]:
    """Yield the fires of :func:`upcoming_fires`, each with the reason why it is approximate, if it is."""
    return (Fire(at, _reason(cadence, at)) for at in upcoming_fires(cadence, after))


def _reason(cadence: Cadence, at: datetime) -> ClockChange | None:
    if at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset():
        return ClockChange.FOLD
    skipped = unchanged_wall_time(at)
    while cadence.frequency != Frequency.HOURLY and skipped < at:
        if _names(cadence, skipped):
            return ClockChange.GAP
        skipped += _MINUTE
    return None


def unchanged_wall_time(at: datetime) -> datetime:
    """Return what the clocks would show at an instant if they had not been changed at it."""
    return (at.astimezone(UTC) - _MINUTE).astimezone(at.tzinfo) + _MINUTE


def _names(cadence: Cadence, wall: datetime) -> bool:
    """Return whether a cadence that is not hourly names this day and time."""
    return (
        wall.minute in cadence.minutes
        and wall.hour in cadence.hours
        and (not cadence.days_of_week or wall.isoweekday() % 7 in cadence.days_of_week)
        and (not cadence.days_of_month or wall.day in cadence.days_of_month)
    )


def _cron(cadence: Cadence) -> str:
    """Return a cadence that is not hourly as a cron expression."""
    fields = (cadence.minutes, cadence.hours, cadence.days_of_month, (), cadence.days_of_week)
    return " ".join(",".join(map(str, numbers)) or "*" for numbers in fields)
