"""Four weeks as two lines of text with a sign for each day: the fires, and how far look-backs cover the day.

For pages of markdown, which can draw nothing; ``render/html`` draws the same to the minute (docs/page.md#look-back).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from halo_iac.fire_times import is_valid
from halo_iac.model.schedule import Spec
from halo_iac.page.timeline import Coverage, Period, Timeline, Track
from halo_iac.render.style import Style

DAYS: Final = 28
MAX_STRIPS: Final = 100
"""For how many schedules of a plan strips are drawn."""


class _Signs(NamedTuple):
    """The signs of days by the number of fires, and by how many runs read their traces; and where a week begins."""

    no_fire: str
    one_fire: str
    many_fires: str
    week: str
    one_read: str
    many_reads: str
    unread: str


_SIGNS: Final = {True: _Signs(*"·●+│━═╳"), False: _Signs(*".o+/-=x")}


class Strips:
    """Draws strips of four weeks from ``now`` on."""

    def __init__(self, now: datetime | None, style: Style) -> None:
        self._now = now
        self._style = style
        self._timelines: dict[str, Timeline] = {}
        self._left = MAX_STRIPS

    def draw(self, spec: Spec) -> tuple[str, str] | None:
        """Return the strips of a schedule; ``None`` without a clock, or once too many were drawn."""
        if self._now is None or not self._left or not is_valid(spec.cadence):
            return None
        self._left -= 1
        if spec.timezone not in self._timelines:
            period = Period.around(self._now, spec.timezone, back=0, ahead=DAYS)
            self._timelines[spec.timezone] = Timeline(period, {})
        timeline = self._timelines[spec.timezone]
        is_firing = spec.enabled is not False
        track = timeline.track(spec.cadence, spec.lookback_hours) if is_firing else None
        coverage = timeline.combined_coverage(()) if track is None else track.coverage
        return fire_strip(track, timeline.period, self._style), coverage_strip(coverage, timeline.period, self._style)


def legend(style: Style) -> str:
    """Return what the signs mean."""
    sign = _SIGNS[style.unicode]
    return (
        f"Four weeks from today, one sign per day: {sign.no_fire} no run, {sign.one_fire} one run, 2 to 9 runs, "
        f"{sign.many_fires} more. The line below shows how many runs read the day's traces: {sign.one_read} one, "
        f"{sign.many_reads} several, {sign.unread} none for some of them."
    )


def fire_strip(track: Track | None, period: Period, style: Style) -> str:
    """Return how often a schedule fires on each day; ``track`` is ``None`` for one that does not fire."""
    sign = _SIGNS[style.unicode]
    counts = [0] * len(period.days)
    if track is not None and track.fires is None:
        counts = [10] * len(period.days)
    for fire in (track.fires or ()) if track is not None else ():
        counts[int(period.position(int(fire.at.timestamp())))] += 1
    shown = {0: sign.no_fire, 1: sign.one_fire, **{count: str(count) for count in range(2, 10)}}
    return _by_weeks((shown.get(count, sign.many_fires) for count in counts), period, style)


def coverage_strip(coverage: Coverage, period: Period, style: Style) -> str:
    """Return how often the traces of each day are analysed, by the least covered moment of the day."""
    sign = _SIGNS[style.unicode]

    def shown(start: int, end: int) -> str:
        times = [each.reads for each in coverage.stretches if each.start < end and each.end > start]
        return sign.unread if 0 in times else sign.many_reads if max(times, default=0) > 1 else sign.one_read

    return _by_weeks((shown(*day) for day in pairwise(period.midnights)), period, style)


def _by_weeks(signs: Iterator[str], period: Period, style: Style) -> str:
    week = _SIGNS[style.unicode].week
    days = zip(period.days, signs, strict=True)
    return "".join(f"{week if place and day.weekday() == 0 else ''}{sign}" for place, (day, sign) in enumerate(days))
