"""The intervals between the fires of a cadence, in minutes, over the whole calendar and without a clock.

With a look-back, they tell how many fires analyse one trace.

The clock on the wall is exact arithmetic: the days on which something fires repeat with the day, the week, or, for
months of different lengths, with four years. What daylight saving adds is looked for where it can add something: in the
one interval during which clocks go back.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from halo_iac.findings.rule_input import RuleInput, Violation, require_spec
from halo_iac.fire_times import first_after_change, unchanged_wall_time, utc_offset
from halo_iac.model.project import Entry
from halo_iac.model.schedule import Cadence, Frequency, Numbers
from halo_iac.text import list_keys

DAY: Final = 24 * 60
MAX_CLOCK_CHANGE_MINUTES: Final = 120
"""By how many minutes clocks go back at most: two hours in Antarctica/Troll, an hour or less everywhere else."""

_FIRST_YEAR: Final = 2026
_LEAP_CYCLE: Final = 4
_CALENDAR_CYCLE: Final = 28
"""After so many years, dates fall on the same weekdays again, so that these years stand for all later ones."""
_MINUTE: Final = timedelta(minutes=1)
_SAMPLE: Final = timedelta(days=7)
"""No zone changes its clocks twice within a week."""


class Intervals(NamedTuple):
    """The shortest and the longest time between two fires by the clock on the wall, in minutes."""

    shortest: int
    longest: int


@cache
def intervals(cadence: Cadence) -> Intervals:
    """Return how long a cadence leaves between two fires, daylight saving aside."""
    if cadence.frequency == Frequency.HOURLY:
        steps = _gaps(cadence.minutes, 60)
    else:
        times = _times(cadence)
        nights = _gaps(*_days(cadence))
        open_hours = times[-1] - times[0]
        steps = [*(after - before for before, after in pairwise(times)), *(days * DAY - open_hours for days in nights)]
    return Intervals(min(steps), max(steps))


@cache
def longest_gap(cadence: Cadence) -> int:
    """Return the longest time between two fires, in minutes: on the wall, or elapsed if clocks go back in between.

    Never less than what passes; more only where the longest interval of a monthly cadence holds, in every year, the day
    on which clocks go forward, as that from 24 February to 18 March may. Clocks go back by whole hours, which an hourly
    cadence does not notice (on Lord Howe Island by half of one, which is left out).
    """
    longest = intervals(cadence).longest
    if cadence.frequency == Frequency.HOURLY:
        return longest
    zone = ZoneInfo(cadence.timezone)
    moments = _clocks_go_back(zone) if cadence.frequency == Frequency.MONTHLY else _weekdays_they_go_back(zone)
    return max([longest, *(_elapsed_around(cadence, zone, moment) for moment in moments)])


@cache
def max_reads_per_trace(cadence: Cadence, hours: int) -> int:
    """Return how many fires at most analyse one trace, with a look-back in hours, daylight saving aside.

    A fire looks at what is as old as itself or older, by less than the look-back. So no trace meets more fires than one
    of the very instant of a fire.
    """
    if cadence.frequency == Frequency.HOURLY:
        return hours * len(cadence.minutes)
    times = _times(cadence)
    most = 0
    for earlier, start in enumerate(times):
        whole, until = divmod(start + hours * 60, DAY)
        on_last = bisect_left(times, until)
        spans = _days_in_spans(*_days(cadence), whole)
        most = max(most, *(full * len(times) + is_last * on_last - earlier for full, is_last in spans))
    return most


def _gaps(marks: Sequence[int], cycle: int) -> list[int]:
    return [*(after - before for before, after in pairwise(marks)), marks[0] + cycle - marks[-1]]


def _times(cadence: Cadence) -> list[int]:
    """Return the times of a day in minutes after midnight, rising."""
    return [hour * 60 + minute for hour in cadence.hours for minute in cadence.minutes]


def _days(cadence: Cadence) -> tuple[Numbers, int]:
    """Return the days on which a cadence fires, numbered, and after how many they repeat."""
    if cadence.frequency == Frequency.WEEKLY:
        return cadence.days_of_week, 7
    if cadence.frequency == Frequency.MONTHLY:
        return _dates(cadence.days_of_month)
    return (0,), 1


@cache
def _dates(days_of_month: Numbers) -> tuple[Numbers, int]:
    """Return the days of :func:`_days` for a monthly cadence, numbered from the first day of a cycle of leap years."""
    first = date(_FIRST_YEAR, 1, 1)
    whole = date(_FIRST_YEAR + _LEAP_CYCLE, 1, 1) - first
    months = [(year, month) for year in range(first.year, first.year + _LEAP_CYCLE) for month in range(1, 13)]
    dates = (date(*month, day) for month in months for day in days_of_month if day <= monthrange(*month)[1])
    return tuple((day - first).days for day in dates), whole.days


@cache
def _days_in_spans(days: Numbers, cycle: int, length: int) -> frozenset[tuple[int, bool]]:
    """Return what ``length`` days in a row, from each of ``days`` on, hold.

    Each pair is how many of ``days`` they hold, and whether the day after them is one as well. There are few pairs,
    however many days there are.
    """
    found = set()
    for number, day in enumerate(days):
        laps, last = divmod(day + length, cycle)
        place = bisect_left(days, last)
        found.add((laps * len(days) + place - number, last in days[place : place + 1]))
    return frozenset(found)


# Daylight saving ----------------------------------------------------------------------------------------------------


@cache
def _clocks_go_back(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the wall times, without a zone, at which clocks are set back in a calendar cycle."""
    first, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (_FIRST_YEAR, _FIRST_YEAR + _CALENDAR_CYCLE))
    starts = [first + number * _SAMPLE for number in range((end - first) // _SAMPLE + 1)]
    changes = (
        first_after_change(start, following, zone).astimezone(zone)
        for start, following in pairwise(starts)
        if utc_offset(following, zone) < utc_offset(start, zone)
    )
    return tuple(unchanged_wall_time(change).replace(tzinfo=None) for change in changes)


@cache
def _weekdays_they_go_back(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return one such moment for each weekday and time of day, which is enough for what repeats every week."""
    return tuple({(moment.weekday(), moment.time()): moment for moment in _clocks_go_back(zone)}.values())


def _elapsed_around(cadence: Cadence, zone: ZoneInfo, moment: datetime) -> int:
    """Return the minutes that pass from the last fire before a moment on the wall to the first one from there on."""
    times = _times(cadence)
    now = moment.hour * 60 + moment.minute
    earlier, later = [at for at in times if at < now], [at for at in times if at >= now]
    day, is_its_day = moment.date(), _fires_on(cadence, moment.date())
    before = _combine(day, earlier[-1]) if is_its_day and earlier else _combine(_next_day(cadence, day, -1), times[-1])
    after = _combine(day, later[0]) if is_its_day and later else _combine(_next_day(cadence, day, 1), times[0])
    return (_fire_instant(after, zone) - _fire_instant(before, zone)) // _MINUTE


def _fire_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when a time on the wall fires: after a gap if it is in one, the first time if it is shown twice."""
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    is_skipped = instant.astimezone(zone).replace(tzinfo=None) != wall
    return _fire_instant(wall + _MINUTE, zone) if is_skipped else instant


def _combine(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time(*divmod(minutes, 60)))


def _next_day(cadence: Cadence, day: date, step: int) -> date:
    day += timedelta(days=step)
    while not _fires_on(cadence, day):
        day += timedelta(days=step)
    return day


def _fires_on(cadence: Cadence, day: date) -> bool:
    if cadence.frequency == Frequency.WEEKLY:
        return day.isoweekday() % 7 in cadence.days_of_week
    return cadence.frequency == Frequency.DAILY or day.day in cadence.days_of_month


MIN_COLLISION: Final = 10
"""How many schedules may fire in one minute without a finding."""

_MAX_NAMED: Final = 20
"""How many entries the hint names."""

Slot = tuple[str, int, int]
"""A time zone, an hour and a minute."""


def busiest_minute(subject: RuleInput) -> Iterator[Violation]:
    """Find many schedules that fire in the same minute of the same day, by the clock of one time zone."""
    reported: list[tuple[int, frozenset[str]]] = []
    crowds = ((slot, members) for slot, there in _slots(subject).items() if (members := _max_concurrent(there)))
    for (zone, hour, minute), members in sorted(crowds, key=lambda crowd: (-len(crowd[1]), crowd[0])):
        keys = frozenset(entry.key for entry in members)
        if any(keys <= larger for at, larger in reported if at == minute):
            continue  # hourly schedules meet every hour, and need one spread
        reported.append((minute, keys))
        message = (
            f"{len(members):,} schedules fire in the same minute, {hour:02}:{minute:02} ({zone}): {list_keys(keys)}"
        )
        yield Violation(members, "minutes", message, _spread_hint(members, minute), is_shared=True)


def _slots(subject: RuleInput) -> dict[Slot, list[tuple[Cadence, Sequence[Entry]]]]:
    """Return the cadences and entries that fire in each slot, on any day."""
    slots: defaultdict[Slot, list[tuple[Cadence, Sequence[Entry]]]] = defaultdict(list)
    for (cadence, _), entries in subject.by_cadence.items():
        for hour in range(24) if cadence.frequency == Frequency.HOURLY else cadence.hours:
            for minute in cadence.minutes:
                slots[cadence.timezone, hour, minute].append((cadence, entries))
    return slots


def _max_concurrent(there: Iterable[tuple[Cadence, Sequence[Entry]]]) -> Sequence[Entry]:
    """Return the entries that fire on the fullest day, of those with one time of day; none if they are few enough.

    Sooner or later every day of the week is every day of the month, so the fullest of both is one day.
    """
    daily: list[Entry] = []
    by_weekday: defaultdict[int, list[Entry]] = defaultdict(list)
    by_date: defaultdict[int, list[Entry]] = defaultdict(list)
    for cadence, entries in there:
        if cadence.frequency in {Frequency.HOURLY, Frequency.DAILY}:
            daily += entries
        for day in cadence.days_of_week:
            by_weekday[day] += entries
        for day in cadence.days_of_month:
            by_date[day] += entries
    members = [*daily, *_fullest_day(by_weekday), *_fullest_day(by_date)]
    return members if len(members) > MIN_COLLISION else ()


def _fullest_day(days: dict[int, list[Entry]]) -> Sequence[Entry]:
    return max((days[day] for day in sorted(days)), key=len, default=())


def _spread_hint(members: Iterable[Entry], minute: int) -> str:
    """Return the hint that gives each entry a minute of its own; those with several fires an hour are left out."""
    keys = sorted(entry.key for entry in members if len(require_spec(entry).minutes) == 1)
    step = max(1, 60 // max(1, len(keys)))
    shown = [f"`{key}` at :{(minute + place * step) % 60:02}" for place, key in enumerate(keys[:_MAX_NAMED])]
    more = f", and so on every {step} minute{'' if step == 1 else 's'}" if len(keys) > _MAX_NAMED else ""
    return f"spread them over the hour, such as {', '.join(shown)}{more}" if shown else "spread them over the hour"
