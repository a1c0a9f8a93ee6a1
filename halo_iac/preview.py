"""The upcoming fires of a project's schedules, and a week's calendar by agent.

Computed from the project file alone, so agents have the names written there (docs/cli.md#commands).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from halo_iac.fire_times import Fire, fires_with_reasons
from halo_iac.model.project import Entry, Project
from halo_iac.model.schedule import Cadence

_CACHED_FIRES: Final = 6
"""How many fires of a cadence are cached: the number shown by default, and the next one."""
_DAY: Final = timedelta(days=1)


class ScheduleStatus(StrEnum):
    """Whether a schedule fires, as declared."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Span:
    """The requested range: the next ``count`` fires of each schedule, those up to ``until``, or the shorter of both."""

    now: datetime
    count: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fires:
    """The fires of a cadence in a span, computed anew on each iteration, because a list could not hold them all.

    ``first`` are the cached ones: the first after ``span.now``, even if they are past the span.
    """

    cadence: Cadence
    span: Span
    first: tuple[Fire, ...]

    @classmethod
    def of(cls, cadence: Cadence, span: Span) -> Fires:
        """Return the fires of a cadence in a span."""
        return cls(cadence, span, tuple(islice(_coming(cadence, span.now), _CACHED_FIRES)))

    def __iter__(self) -> Iterator[Fire]:
        """Yield the fires in order."""
        until = self.span.until
        coming = islice(self._coming(), self.span.count)
        return coming if until is None else takewhile(lambda fire: fire.at <= until, coming)

    def __bool__(self) -> bool:
        """Return whether there are any fires."""
        return next(iter(self), None) is not None

    @property
    def following(self) -> Fire | None:
        """Return the first fire after the span; ``None`` if there are no more."""
        count, until = self.span.count, self.span.until
        if until is not None and (count is None or sum(1 for _ in self) < count):
            return next(_coming(self.cadence, until), None)
        return next(islice(self._coming(), count, None), None)

    def _coming(self) -> Iterator[Fire]:
        yield from self.first
        if len(self.first) == _CACHED_FIRES:
            yield from islice(_coming(self.cadence, self.span.now), _CACHED_FIRES, None)


def _coming(cadence: Cadence, after: datetime) -> Iterator[Fire]:
    """Yield the fires after an instant, up to the last year of the calendar."""
    with suppress(OverflowError):
        yield from fires_with_reasons(cadence, after)


@dataclass(frozen=True, slots=True)
class ScheduleForecast:
    """One schedule and its next fires; ``agent`` and ``cadence`` are ``None`` if it is archived.

    ``fires`` is empty if it does not fire; ``following`` is the fire after them.
    """

    key: str
    title: str | None
    agent: str | None
    cadence: Cadence | None
    status: ScheduleStatus
    fires: Fires | tuple[()] = ()

    @property
    def following(self) -> Fire | None:
        """Return the first fire after those listed."""
        return self.fires.following if isinstance(self.fires, Fires) else None


@dataclass(frozen=True, slots=True)
class AgentWeek:
    """The fires of one agent's schedules on each day of the week, in order."""

    agent: str
    days: tuple[tuple[Fire, ...], ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from ``now``, starting today, in the zone ``timezone``."""

    timezone: str
    days: tuple[date, ...]
    agents: tuple[AgentWeek, ...]


@dataclass(frozen=True, slots=True)
class Collision:
    """Schedules of one agent that fire at the same instant: how often in the week, and when first (UTC)."""

    agent: str
    keys: tuple[str, ...]
    count: int
    first: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """The whole preview, in the order of the project file."""

    path: str
    span: Span
    forecasts: tuple[ScheduleForecast, ...]
    week: Week
    collisions: tuple[Collision, ...]
    cost_per_run: float | None = None


def preview(project: Project, entries: Sequence[Entry], span: Span) -> Preview:
    """Return the preview of these entries of a project."""
    aliases = {reference: alias for alias, reference in reversed([*project.aliases.items()])}
    fires_of = cache(lambda cadence: Fires.of(cadence, span))  # many schedules share few cadences
    forecasts = tuple(_forecast(entry, aliases, fires_of) for entry in entries)
    return Preview(project.path, span, forecasts, *_week(forecasts, span.now), project.cost_per_run)


def _forecast(entry: Entry, aliases: Mapping[str, str], fires_of: Callable[[Cadence], Fires]) -> ScheduleForecast:
    if entry.spec is None:
        return ScheduleForecast(entry.key, entry.title, None, None, ScheduleStatus.ARCHIVED)
    agent, cadence = aliases.get(entry.spec.agent, entry.spec.agent), entry.spec.cadence
    if entry.spec.enabled is False:
        return ScheduleForecast(entry.key, entry.title, agent, cadence, ScheduleStatus.PAUSED)
    return ScheduleForecast(entry.key, entry.title, agent, cadence, ScheduleStatus.ACTIVE, fires_of(cadence))


def _week(forecasts: Sequence[ScheduleForecast], now: datetime) -> tuple[Week, tuple[Collision, ...]]:
    timezone, days = _seven_days(forecasts, now)
    zone = ZoneInfo(timezone)
    end = datetime.combine(days[-1] + _DAY, time(), zone).astimezone(UTC)
    fires_of = cache(lambda cadence: tuple(takewhile(lambda fire: fire.at < end, fires_with_reasons(cadence, now))))
    weeks: dict[str, dict[date, list[Fire]]] = {}
    at_once: defaultdict[tuple[str, datetime], list[str]] = defaultdict(list)
    for forecast in forecasts:
        if forecast.agent is None:
            continue
        week = weeks.setdefault(forecast.agent, {day: [] for day in days})
        for fire in fires_of(forecast.cadence) if forecast.status is ScheduleStatus.ACTIVE else ():
            # A clock that goes back over midnight repeats the previous day.
            week[max(fire.at.astimezone(zone).date(), days[0])].append(fire)
            at_once[forecast.agent, fire.at.astimezone(UTC)].append(forecast.key)
    agents = tuple(AgentWeek(agent, tuple(map(_in_order, week.values()))) for agent, week in weeks.items())
    return Week(timezone, days, agents), _collisions(at_once)


def _seven_days(forecasts: Sequence[ScheduleForecast], now: datetime) -> tuple[str, tuple[date, ...]]:
    """Return the zone of all active schedules, UTC if they have several, and seven days in it from today on."""
    zones = {each.cadence.timezone for each in forecasts if each.cadence and each.status is ScheduleStatus.ACTIVE}
    timezone = zones.pop() if len(zones) == 1 else "UTC"
    today = now.astimezone(ZoneInfo(timezone)).date()
    return timezone, tuple(today + count * _DAY for count in range(7))


def _in_order(fires: Iterable[Fire]) -> tuple[Fire, ...]:
    return tuple(sorted(fires, key=lambda fire: fire.at.astimezone(UTC)))


def _collisions(at_once: Mapping[tuple[str, datetime], Sequence[str]]) -> tuple[Collision, ...]:
    """Return the schedules that collide, in the order of their first collisions."""
    instants: defaultdict[tuple[str, tuple[str, ...]], list[datetime]] = defaultdict(list)
    for (agent, instant), keys in at_once.items():
        if len(keys) > 1:
            instants[agent, tuple(keys)].append(instant)
    found = (Collision(agent, keys, len(each), min(each)) for (agent, keys), each in instants.items())
    return tuple(sorted(found, key=lambda collision: collision.first))
