"""When a schedule fires.

What the platform does around a change of the clocks is not documented. Chosen here, as Debian's cron does it: a time
that a day leaves out fires right after the gap; a time that a day has twice fires the first time; a schedule that fires
every hour goes on by real hours. A monthly schedule leaves out months that lack its day.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from halo_iac.sandbox.rules import FREQUENCIES

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MINUTES: Final = frozenset(range(60))

_SPANS: Final = {
    "hourly": timedelta(hours=3),
    "daily": timedelta(days=3),
    "weekly": timedelta(days=9),
    "monthly": timedelta(days=70),
}
"""Longer than any two fires of a frequency lie apart: monthly on the 31st, July 31 to August 31 and on to October."""


def next_fire(wire: Mapping[str, Any], after: datetime) -> datetime | None:
    """Return a schedule's first fire after an instant, in UTC; ``None`` if it never fires, or not as it stands."""
    is_at_work = wire.get("enabled") is True and wire.get("archivedAt") is None and wire.get("autoPausedAt") is None
    return next(fires(wire, after), None) if is_at_work else None


def last_fire(wire: Mapping[str, Any], first: datetime, now: datetime) -> datetime:
    """Return the latest fire that is not after ``now``, given one that is not (``first``)."""
    latest = first
    for fire in fires(wire, max(first, now - _SPANS[wire["frequency"]])):
        if fire > now:
            break
        latest = fire
    return latest


def fires(wire: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    """Yield a cadence's fires after an instant, in UTC; none for one that a seeded row has got wrong."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (a plan that changes nothing needs no cadence)

    try:
        zone = ZoneInfo(wire["timezone"])
        found = _hourly(wire, zone, after) if wire["frequency"] == "hourly" else _by_cron(wire, zone, after)
    except (KeyError, TypeError, ValueError, OSError):
        return
    for local in found:
        fire = local.astimezone(UTC)
        if fire > after:  # a search that begins in the second of two equal hours finds the first one's fires
            yield fire


def _hourly(wire: Mapping[str, Any], zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Return every minute that shows one of the cadence's: cronsim loses some where clocks change by half an hour."""
    wanted = {int(number) for number in _part(wire["minutes"]).split(",")}
    if not wanted <= _MINUTES:
        raise ValueError(wanted)
    first = after.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = (first + timedelta(minutes=count) for count in itertools.count(1))
    return (minute for minute in minutes if minute.astimezone(zone).minute in wanted)


def _by_cron(wire: Mapping[str, Any], zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 (see above)

    try:
        return CronSim(_expression(wire), after.astimezone(zone))
    except CronSimError as error:
        raise ValueError(str(error)) from None


def _expression(wire: Mapping[str, Any]) -> str:
    frequency = wire["frequency"]
    if frequency not in FREQUENCIES:
        raise ValueError(frequency)
    days_of_month = _part(wire["daysOfMonth"]) if frequency == "monthly" else "*"
    days_of_week = _part(wire["daysOfWeek"]) if frequency == "weekly" else "*"
    return f"{_part(wire['minutes'])} {_part(wire['hours'])} {days_of_month} * {days_of_week}"


def _part(numbers: object) -> str:
    if not isinstance(numbers, list) or not numbers or not all(isinstance(number, int) for number in numbers):
        raise ValueError(numbers)
    return ",".join(str(number) for number in sorted(set(numbers)))
