"""Cadences in words, their next fires and runs a month, each computed once for a whole plan.

Ten thousand schedules share a few hundred cadences, and one next fire takes longer than a whole block of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import date, datetime
from itertools import islice
from operator import add
from typing import TYPE_CHECKING, Final

from halo_iac.fire_times import Fire, describe, fires_with_reasons, is_valid, runs_per_month
from halo_iac.model.schedule import Cadence, Spec
from halo_iac.render.style import Style

if TYPE_CHECKING:
    from halo_iac.model.plan import CostEstimate

_SHOWN_FIRES: Final = 3
MAX_CADENCES: Final = 500
"""For how many different cadences next fires are computed: more would take longer than the plan itself."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Calendar:
    """Describes cadences from ``now`` on; without ``now`` there are no next fires.

    ``cost_per_run`` is the stated fee of a run, ``None`` if none is stated.
    """

    def __init__(self, now: datetime | None, style: Style, cost_per_run: float | None = None) -> None:
        self.now = now
        self.cost_per_run = cost_per_run
        self._style = style
        self._words: dict[Cadence, str] = {}
        self._runs: dict[Cadence, float] = {}
        self._fires: dict[Cadence, str] = {}
        self.is_incomplete = False

    def with_cost(self, cost: CostEstimate | None) -> Calendar:
        """Return the same calendar for a plan with another fee."""
        other = copy(self)
        other.cost_per_run = None if cost is None else cost.per_run
        return other

    def describe(self, cadence: Cadence) -> str:
        """Return a cadence in words."""
        found = self._words.get(cadence)
        if found is None:
            found = self._words[cadence] = self._style.safe(self._style.displayable(describe(cadence)))
        return found

    def runs_per_month(self, spec: Spec) -> float:
        """Return the runs a month of a schedule that is not archived."""
        if spec.enabled is False:
            return 0.0
        cadence = spec.cadence
        found = self._runs.get(cadence)
        if found is None:
            found = self._runs[cadence] = float(runs_per_month(cadence))
        return found

    def next_fires(self, cadence: Cadence) -> str | None:
        """Return the next fires with their zone; ``None`` without a clock, or after :data:`MAX_CADENCES` cadences."""
        if self.now is None:
            return None
        found = self._fires.get(cadence)
        if found is None:
            if len(self._fires) >= MAX_CADENCES:
                self.is_incomplete = True
                return None
            found = self._fires[cadence] = self._describe_fires(cadence, self.now)
        return found

    def _describe_fires(self, cadence: Cadence, now: datetime) -> str:
        if not is_valid(cadence):
            return "unknown"
        fires = tuple(islice(fires_with_reasons(cadence, now), _SHOWN_FIRES))
        return self._style.safe(_format_fires(fires, has_year=spans_years(now, fires)))


def spans_years(now: datetime, fires: Iterable[Fire]) -> bool:
    """Return whether any of the fires is in another year than ``now``, by the clock of its zone."""
    return any(fire.at.year != now.astimezone(fire.at.tzinfo).year for fire in fires)


def format_day(at: date, *, has_year: bool = False) -> str:
    """Return a date, or that of an instant in its zone: ``Mon 23 Nov``; with its year if ``has_year``."""
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]}{f' {at.year}' if has_year else ''}"


def zone_name(at: datetime) -> str:
    """Return the abbreviation of the zone of an instant: ``PST``, or ``UTC+07`` for a zone without letters."""
    name = at.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"


def _format_fires(fires: Sequence[Fire], *, has_year: bool) -> str:
    """Return fires with their zone, named once where it is the same."""
    instants = [f"{format_day(fire.at, has_year=has_year)} {fire.at:%H:%M}" for fire in fires]
    zones = [zone_name(fire.at) for fire in fires]
    notes = [" (approximate)" if fire.reason else "" for fire in fires]
    if len(set(zones)) == 1:
        return f"{', '.join(map(add, instants, notes))} {zones[0]}"
    return ", ".join(f"{at} {name}{note}" for at, name, note in zip(instants, zones, notes, strict=True)) or "never"
