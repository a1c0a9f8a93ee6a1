"""The week's calendar as text: one row an agent, with as much of its days as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from halo_iac.fires import Fire
from halo_iac.preview import AgentWeek, Preview, Week
from halo_iac.render.calendar import day
from halo_iac.render.style import Style
from halo_iac.render.text.table import record, table
from halo_iac.render.values import LISTED, listed
from halo_iac.render.words import counted

_IN: Final = "  "
_TIMES: Final = 3
"""How many times of day a cell names at most; more fires are counted."""
_NOTHING: Final = "-"
_APPROXIMATE: Final = "~"


def week_lines(preview: Preview, style: Style) -> Iterator[str]:
    """Return the calendar under its heading; nothing where nothing fires."""
    week = preview.week
    fires = [fire for agent in week.agents for of_day in agent.days for fire in of_day]
    if not fires:
        return
    now = preview.span.now.astimezone(ZoneInfo(week.timezone))
    yield style.paint(f"The week from {day(now)} {now:%H:%M} on ({week.timezone})", "bold")
    yield from (f"{_IN}{line}".rstrip() for line in _calendar(week, style))
    if any(fire.reason for fire in fires):
        yield f"{_IN}{_APPROXIMATE} approximate"


def _calendar(week: Week, style: Style) -> list[str]:
    """Return a table of times, of fewer times, of mere counts, whatever fits first; else a record for each agent."""
    days = [day(each) for each in week.days]
    unbounded = style._replace(width=None)
    for most in range(_TIMES, -1, -1):
        headers = ["AGENT", *(_short(each) if most else each[:3] for each in days)]
        rows = [[agent.agent, *(_cell(fires, week, most) for fires in agent.days)] for agent in week.agents]
        unpainted = table(headers, rows, unbounded._replace(colour=False)).splitlines()
        if all(style.fits(_IN + line) for line in unpainted):
            return table(headers, rows, unbounded).splitlines()
    return "\n".join(_record(agent, days, week, style) for agent in week.agents).splitlines()


def _record(agent: AgentWeek, days: Sequence[str], week: Week, style: Style) -> str:
    cells = [_cell(fires, week, _TIMES) for fires in agent.days]
    return record([("AGENT", agent.agent), *zip(days, cells, strict=True)], style)


def _short(name: str) -> str:
    """Return a day without its month."""
    return name.rpartition(" ")[0]


def _cell(fires: Sequence[Fire], week: Week, most: int) -> str:
    """Return the times of a day's fires, or how many there are where that is more than ``most``."""
    if not fires:
        return _NOTHING
    zone = ZoneInfo(week.timezone)
    if len(fires) <= most:
        return ", ".join(f"{_mark([fire])}{fire.at.astimezone(zone):%H:%M}" for fire in fires)
    return _mark(fires) + (counted(len(fires), "fire") if most else f"{len(fires):,}")


def _mark(fires: Sequence[Fire]) -> str:
    return _APPROXIMATE if any(fire.reason for fire in fires) else ""


def meeting_lines(preview: Preview, style: Style) -> Iterator[str]:
    """Return which schedules of one agent fire at the same instant; those beyond a screenful are counted."""
    if not preview.meetings:
        return
    zone = ZoneInfo(preview.week.timezone)
    yield style.paint("At the same instant", "warning")
    for meeting in preview.meetings[:LISTED]:
        first = meeting.first.astimezone(zone)
        often = "once" if meeting.count == 1 else f"{meeting.count:,} times"
        keys = f"{style.safe(meeting.agent)}: {listed(meeting.keys, style)}"
        yield f"{_IN}{keys}; {often} this week, first {day(first)} {first:%H:%M}"
    if len(preview.meetings) > LISTED:
        yield f"{_IN}{style.own('…')} and {len(preview.meetings) - LISTED:,} more"
