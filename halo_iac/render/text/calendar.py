"""Cadences in words, their next fires and runs a month, each worked out once for a whole plan.

Ten thousand schedules share a few hundred cadences, and one next fire takes longer than a whole block of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from halo_iac.fires import in_words, makes_sense, next_fires, runs_per_month
from halo_iac.model.schedule import Cadence, Spec
from halo_iac.render.style import Style

FIRES: Final = 3
CADENCES: Final = 500
"""For how many different cadences next fires are worked out: more would take longer than the plan itself."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Calendar:
    """What cadences mean from ``now`` on; without it, there are no next fires."""

    def __init__(self, now: datetime | None, style: Style) -> None:
        self._now = now
        self._style = style
        self._words: dict[Cadence, str] = {}
        self._runs: dict[Cadence, float] = {}
        self._fires: dict[Cadence, str] = {}
        self.has_left_out = False

    def words(self, cadence: Cadence) -> str:
        """Return a cadence in words."""
        found = self._words.get(cadence)
        if found is None:
            found = self._words[cadence] = self._style.safe(self._style.own(in_words(cadence)))
        return found

    def runs(self, spec: Spec) -> float:
        """Return the runs a month of a schedule that is not archived."""
        if spec.enabled is False:
            return 0.0
        cadence = spec.cadence
        found = self._runs.get(cadence)
        if found is None:
            found = self._runs[cadence] = float(runs_per_month(cadence))
        return found

    def fires(self, cadence: Cadence) -> str | None:
        """Return the next fires with their zone; ``None`` without a clock, or once too many were asked for."""
        if self._now is None:
            return None
        found = self._fires.get(cadence)
        if found is None:
            if len(self._fires) >= CADENCES:
                self.has_left_out = True
                return None
            found = self._fires[cadence] = self._next(cadence, self._now)
        return found

    def _next(self, cadence: Cadence, now: datetime) -> str:
        if not makes_sense(cadence):
            return "unknown"
        instants = next_fires(cadence, now, FIRES)
        year = instants[0].year if len({instant.year for instant in (*instants, now)}) == 1 else None
        return self._style.safe(_listed(instants, year))


def _listed(fires: Sequence[datetime], year: int | None) -> str:
    """Return fires with their zone, named once where it is the same; the year is left out if it is this one."""
    days = [
        f"{_DAYS[fire.weekday()]} {fire.day} {_MONTHS[fire.month - 1]} {'' if year else f'{fire.year} '}{fire:%H:%M}"
        for fire in fires
    ]
    zones = [_zone(fire) for fire in fires]
    if len(set(zones)) == 1:
        return f"{', '.join(days)} {zones[0]}"
    return ", ".join(f"{day} {zone}" for day, zone in zip(days, zones, strict=True)) or "never"


def _zone(fire: datetime) -> str:
    name = fire.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"
