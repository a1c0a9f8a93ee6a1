"""A period of whole days: when schedules fire in it, and how often the traces of each moment are analysed.

A fire analyses what ended within its look-back, so a moment may be analysed never, once, or several times
(docs/page.md#look-back). Instants are seconds since 1970 in UTC; all of it follows from what is declared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from halo_iac.findings.intervals import max_reads_per_trace
from halo_iac.fire_times import Fire, fires_with_reasons, is_valid, runs_per_month
from halo_iac.model.schedule import Cadence

MAX_FIRES_A_DAY: Final = 48
"""The most fires per day that are drawn one by one; more are drawn as one band, as if evenly spread."""
_DAYS_A_MONTH: Final = 31
_DAY: Final = timedelta(days=1)
_HOUR: Final = 3600


class Period(NamedTuple):
    """Whole days in ``timezone``, from ``start`` until before ``end``; ``now`` is in one of them."""

    now: datetime
    timezone: str
    days: tuple[date, ...]
    midnights: tuple[int, ...]

    @classmethod
    def around(cls, now: datetime, timezone: str, *, back: int, ahead: int) -> Period:
        """Return ``back`` days before today, today, and the days up to ``ahead`` days from today on."""
        zone = ZoneInfo(timezone)
        today = now.astimezone(zone).date()
        days = [today + count * _DAY for count in range(-back, ahead + 1)]
        midnights = tuple(_seconds(datetime.combine(day, time(), zone)) for day in days)
        return cls(now, timezone, tuple(days[:-1]), midnights)

    @property
    def start(self) -> int:
        """Return the first instant."""
        return self.midnights[0]

    @property
    def end(self) -> int:
        """Return the instant after the last."""
        return self.midnights[-1]

    @property
    def present(self) -> int:
        """Return the current instant."""
        return _seconds(self.now)

    @property
    def local_now(self) -> datetime:
        """Return the current instant in the period's time zone."""
        return self.now.astimezone(ZoneInfo(self.timezone))

    def position(self, instant: int) -> float:
        """Return the position of an instant in days from the start; days of clock changes count as whole days."""
        if instant <= self.start:
            return 0.0
        if instant >= self.end:
            return float(len(self.days))
        day = bisect_right(self.midnights, instant) - 1
        begin, end = self.midnights[day : day + 2]
        return day + (instant - begin) / (end - begin)


class Stretch(NamedTuple):
    """A part of a period whose traces are read by equally many runs: ``reads``, 0 for none."""

    start: int
    end: int
    reads: int

    @property
    def seconds(self) -> int:
        """Return its length."""
        return self.end - self.start


class Coverage(NamedTuple):
    """How often the traces of a period are analysed: stretches from its start to its end, in order."""

    stretches: tuple[Stretch, ...]

    def since(self, instant: int) -> Coverage:
        """Return the coverage from an instant on."""
        left = (Stretch(max(each.start, instant), each.end, each.reads) for each in self.stretches)
        return Coverage(tuple(each for each in left if each.seconds > 0))

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """Return the stretches that no run reads."""
        return tuple(each for each in self.stretches if each.reads == 0)

    @property
    def unread_seconds(self) -> int:
        """Return how many seconds no run reads."""
        return sum(each.seconds for each in self.gaps)

    @property
    def repeated_seconds(self) -> int:
        """Return how many seconds are read by more than one run."""
        return sum(each.seconds for each in self.stretches if each.reads > 1)

    @property
    def seconds(self) -> int:
        """Return the length of all stretches."""
        return sum(each.seconds for each in self.stretches)

    @property
    def max_reads(self) -> int:
        """Return the most runs that read a moment."""
        return max((each.reads for each in self.stretches), default=0)


class Track(NamedTuple):
    """A cadence with its look-back: its fires in the period, and how often each moment is analysed.

    ``fires`` is ``None`` if there are too many to draw individually.
    """

    cadence: Cadence
    lookback_hours: int
    fires: tuple[Fire, ...] | None
    coverage: Coverage


class ZoneChange(NamedTuple):
    """A change of the clocks of a zone: the first instant of the new time, and what clocks show before and after it."""

    at: int
    before: str
    after: str
    timezone: str


class Timeline:
    """The tracks of a period, each computed once: many schedules share few cadences."""

    def __init__(self, period: Period, lookbacks: Mapping[Cadence, int]) -> None:
        """Take the period, and of each cadence the longest look-back in hours, for fires after its end count too."""
        self.period = period
        self._lookbacks = lookbacks
        self._fires: dict[Cadence, tuple[Fire, ...]] = {}
        self._tracks: dict[tuple[Cadence, int], Track] = {}

    def track(self, cadence: Cadence, lookback_hours: int) -> Track:
        """Return the track of a cadence with a look-back."""
        found = self._tracks.get((cadence, lookback_hours))
        if found is None:
            found = self._tracks[cadence, lookback_hours] = self._track(cadence, lookback_hours)
        return found

    def combined_coverage(self, tracks: Iterable[tuple[Cadence, int]]) -> Coverage:
        """Return how often each moment is analysed by several schedules; those of one track count each."""
        steps: defaultdict[int, int] = defaultdict(int)
        for cadence, hours in tracks:
            for start, end, reads in self.track(cadence, hours).coverage.stretches:
                steps[start] += reads
                steps[end] -= reads
        return self._coverage(steps)

    def clock_changes(self, timezones: Iterable[str]) -> tuple[ZoneChange, ...]:
        """Return when clocks change in the period, in order."""
        found = [change for timezone in sorted(set(timezones)) for change in self._changes(timezone)]
        return tuple(sorted(found))

    def _track(self, cadence: Cadence, hours: int) -> Track:
        period = self.period
        if is_valid(cadence) and runs_per_month(cadence) > MAX_FIRES_A_DAY * _DAYS_A_MONTH:
            whole = Stretch(period.start, period.end, max_reads_per_trace(cadence, hours))
            return Track(cadence, hours, None, Coverage((whole,)))
        if cadence not in self._fires:
            until = period.end + max(hours, self._lookbacks.get(cadence, 0)) * _HOUR
            after = datetime.fromtimestamp(period.start - 1, UTC)
            coming = takewhile(lambda fire: _seconds(fire.at) <= until, fires_with_reasons(cadence, after))
            self._fires[cadence] = tuple(coming)
        fires = self._fires[cadence]
        steps: defaultdict[int, int] = defaultdict(int)
        for fire in fires:
            at = _seconds(fire.at)
            steps[at - hours * _HOUR] += 1
            steps[at] -= 1
        shown = tuple(fire for fire in fires if _seconds(fire.at) < period.end)
        return Track(cadence, hours, shown, self._coverage(steps))

    def _coverage(self, steps: Mapping[int, int]) -> Coverage:
        """Return stretches, given by how much the count of analyses changes at which instants."""
        start, end = self.period.start, self.period.end
        times = sum(change for at, change in steps.items() if at <= start)
        stretches: list[Stretch] = []
        begin = start
        for at in sorted(at for at, change in steps.items() if start < at < end and change):
            stretches.append(Stretch(begin, at, times))
            begin, times = at, times + steps[at]
        return Coverage((*stretches, Stretch(begin, end, times)))

    def _changes(self, timezone: str) -> Iterator[ZoneChange]:
        zone = ZoneInfo(timezone)
        for before, after in pairwise(range(self.period.start, self.period.end + 1, 24 * _HOUR)):
            if _offset(before, zone) != _offset(after, zone):
                at = _first_after(before, after, lambda instant: _offset(instant, zone) != _offset(before, zone))  # noqa: B023
                old = datetime.fromtimestamp(at, UTC) + _offset(before, zone)
                new = datetime.fromtimestamp(at, UTC) + _offset(after, zone)
                yield ZoneChange(at, f"{old:%H:%M}", f"{new:%H:%M}", timezone)


def _first_after(low: int, high: int, is_after: Callable[[int], bool]) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_after(middle) else (middle, high)
    return high


def _offset(instant: int, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(instant, zone).utcoffset() or timedelta()


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
