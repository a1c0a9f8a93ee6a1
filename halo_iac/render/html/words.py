"""The sentences of a page: how much runs, which times no run analyses, and which are analysed more than once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from halo_iac.fire_times import Fire, run_rate
from halo_iac.model.drift import DriftKind
from halo_iac.model.schedule import Cadence
from halo_iac.page.contents import Page, PageAgent, PageSchedule
from halo_iac.page.history import failures_in_a_row
from halo_iac.page.timeline import Coverage, ZoneChange
from halo_iac.preview import ScheduleStatus
from halo_iac.render.calendar import format_day, zone_name
from halo_iac.render.values import format_number
from halo_iac.text import counted, format_count, format_duration, join_and

_MAX_NAMED: Final = 3
"""How many gaps, or agents, a sentence names."""


class Instant(NamedTuple):
    """An instant: ``at`` and ``utc`` for machines, in words, and in ``here`` for the reader's zone if it differs."""

    at: str
    words: str
    utc: str
    here: str


def instant(at: datetime, reader_timezone: str, *, has_year: bool = False) -> Instant:
    """Return an instant in its own zone and in the reader's; ``here`` is empty where both clocks show the same."""
    local = at.astimezone(ZoneInfo(reader_timezone))
    its_day = "" if local.date() == at.date() else f"{format_day(local, has_year=has_year)} "
    here = "" if local.replace(tzinfo=None) == at.replace(tzinfo=None) else f"{its_day}{local:%H:%M} {zone_name(local)}"
    words = f"{format_day(at, has_year=has_year)} {at:%H:%M} {zone_name(at)}"
    return Instant(at.isoformat(), words, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", here)


def headline(page: Page) -> str:
    """Return the page in one sentence."""
    agents = [*page.agents]
    reviewed = {agent.name for agent in agents if agent.is_reviewed}
    active = sum(each.is_running for agent in agents for each in agent.schedules)
    runs = float(run_rate(each.spec for each in page.schedules if each.is_running and each.spec is not None))
    if not active:
        return "No schedule runs"
    verb = "reviews" if active == 1 else "review"
    return f"{counted(active, 'schedule')} {verb} {counted(len(reviewed), 'agent')}, about {_frequency(runs)} a month"


def _frequency(runs: float) -> str:
    rounded = f"{runs:,.0f}" if runs >= 10 else format_number(runs)
    return "once" if rounded == "1" else "twice" if rounded == "2" else f"{rounded} times"


def describe_gaps(coverage: Coverage, now: int, timezone: str) -> str:
    """Return the total time that no run analyses, and the first of those times in a zone; empty if there is none."""
    gaps = coverage.gaps
    if not gaps:
        return ""
    if coverage.unread_seconds == coverage.seconds:
        return "the whole time"
    zone_ = ZoneInfo(timezone)
    shown = [_format_span(gap.start, gap.end, now, zone_) for gap in gaps[:_MAX_NAMED]]
    more = [f"{len(gaps) - _MAX_NAMED:,} more"] if len(gaps) > _MAX_NAMED else []
    return f"{duration(coverage.unread_seconds)}: {join_and([*shown, *more])}"


def _format_span(start: int, end: int, now: int, timezone: ZoneInfo) -> str:
    first, last = (datetime.fromtimestamp(each, timezone) for each in (start, end))
    from_ = "now" if start == now else f"{format_day(first)} {first:%H:%M}"
    until = f"{last:%H:%M}" if last.date() == first.date() and start != now else f"{format_day(last)} {last:%H:%M}"
    return f"{from_} to {until}"


def describe_repeats(coverage: Coverage) -> str:
    """Return the share of time analysed more than once: ``34 % of the time, at most 3 times``; empty if none."""
    if not coverage.repeated_seconds:
        return ""
    often = format_count(coverage.max_reads)
    share = coverage.repeated_seconds / coverage.seconds
    if share > 0.995:
        least = min(each.reads for each in coverage.stretches)
        return f"always, {often}" if least == coverage.max_reads else f"always, at most {often}"
    return f"{'under 1' if share < 0.005 else f'{share * 100:.0f}'} % of the time, at most {often}"


def duration(seconds: int) -> str:
    """Return a length of time in days and hours, below two days with minutes."""
    minutes = round(seconds / 60)
    if minutes >= 2 * 24 * 60:
        hours = round(minutes / 60)
        days, rest = divmod(hours, 24)
        return f"{counted(days, 'day')} {counted(rest, 'hour')}" if rest else counted(days, "day")
    return format_duration(minutes) if minutes else "under a minute"


def find_next_fire(schedules: Iterable[PageSchedule]) -> tuple[PageSchedule, Fire] | None:
    """Return the schedule that fires next, and its fire; of several at once the first."""
    coming = [(each, each.next_fire) for each in schedules if each.is_running and each.next_fire is not None]
    return min(coming, key=lambda one: one[1].at.timestamp(), default=None)


def coming_period(page: Page) -> str:
    """Return how much of the period is left: ``4 weeks``."""
    days = sum(each >= page.period.local_now.date() for each in page.period.days)
    return counted(days // 7, "week") if days % 7 == 0 else counted(days, "day")


def uncovered_agents(page: Page) -> list[tuple[PageAgent, str]]:
    """Return the agents with times that no run analyses and their total length, the longest first."""
    found = [(agent, agent.coverage.since(page.period.present).unread_seconds) for agent in page.agents]
    ordered = sorted((each for each in found if each[1]), key=lambda each: -each[1])
    whole = page.period.end - page.period.present
    return [(agent, "the whole time" if seconds == whole else duration(seconds)) for agent, seconds in ordered]


def describe_clock_change(found: ZoneChange) -> str:
    """Return when the clocks of a zone change: ``Sun 28 Mar, 02:00 to 03:00 (Europe/Berlin)``."""
    at = datetime.fromtimestamp(found.at, ZoneInfo(found.timezone))
    return f"{format_day(at)}, {found.before} to {found.after} ({found.timezone})"


_DRIFT_STATES: Final = {
    DriftKind.CHANGED: "differs on the platform",
    DriftKind.MISSING: "missing on the platform",
    DriftKind.PAUSED: "paused on the platform",
    DriftKind.AUTO_PAUSED: "paused by the platform",
    DriftKind.BLOCKED: "blocked",
}


def states(schedule: PageSchedule) -> list[str]:
    """Return the states of a schedule that a reader must know first: paused, not as declared, or failing."""
    paused = ["paused in the file"] if schedule.forecast.status is ScheduleStatus.PAUSED else []
    differing = dict.fromkeys(_DRIFT_STATES[item.kind] for item in schedule.drift if item.kind in _DRIFT_STATES)
    failures = failures_in_a_row(schedule.past)
    runs = "run" if len(failures) == 1 else f"{len(failures):,} runs"
    return [*paused, *differing, *([f"the last {runs} failed"] if failures else ())]


def count_failing(page: Page) -> int:
    """Return how many schedules failed at their last run."""
    return sum(bool(failures_in_a_row(each.past)) for each in page.schedules)


def in_local_time(at: datetime, cadence: Cadence | None, page: Page) -> datetime:
    """Return an instant in the zone of a cadence; without a cadence, in the reader's."""
    return at.astimezone(ZoneInfo(cadence.timezone if cadence is not None else page.reader_timezone))
