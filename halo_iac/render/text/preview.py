"""A preview as text: each schedule's next fires, the week's calendar, and collisions.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Final
from zoneinfo import ZoneInfo

from halo_iac.fire_times import Fire, describe, describe_reason, runs_per_month
from halo_iac.model.plan import CostEstimate
from halo_iac.preview import AgentWeek, Preview, ScheduleForecast, ScheduleStatus, Span, Week
from halo_iac.render.calendar import format_day, spans_years, zone_name
from halo_iac.render.headings import cost_sentence
from halo_iac.render.style import PLAIN, Style, file_heading
from halo_iac.render.text.table import table
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import MAX_LISTED, format_amount, format_number, join_names
from halo_iac.text import counted

_LINES_PER_BLOCK: Final = 1_000
"""How many fires are aligned with one another, and how many lines are written at once."""
_TIMES: Final = 3
"""How many times of day a cell names at most; more fires are counted."""
_NO_FIRE: Final = "-"
_APPROXIMATE: Final = "~"


def _week_lines(preview: Preview, style: Style) -> Iterator[str]:
    """Return the calendar under its heading; nothing where nothing fires."""
    week = preview.week
    fires = [fire for agent in week.agents for of_day in agent.days for fire in of_day]
    if not fires:
        return
    now = preview.span.now.astimezone(ZoneInfo(week.timezone))
    yield style.paint(f"The week from {format_day(now)} {now:%H:%M} on ({week.timezone})", "bold")
    yield from (f"{_IN}{line}".rstrip() for line in _calendar(week, style))
    if any(fire.reason for fire in fires):
        yield f"{_IN}{_APPROXIMATE} approximate"


def _calendar(week: Week, style: Style) -> Iterator[str]:
    """Yield a table of times, or of fewer times, whichever fits first; else a list of the days that have any."""
    days = [format_day(each) for each in week.days]
    headers = ["AGENT", *(name.rpartition(" ")[0] for name in days)]  # without the month
    unbounded = style._replace(width=None)
    for most in range(_TIMES, 0, -1):
        rows = [[agent.agent, *(_cell(fires, week, most) for fires in agent.days)] for agent in week.agents]
        without_colour = table(headers, rows, unbounded._replace(colour=False)).splitlines()
        if all(style.fits(_IN + line) for line in without_colour):
            yield from table(headers, rows, unbounded).splitlines()
            return
    for agent in week.agents:
        yield style.paint(style.safe(agent.agent), "bold")
        yield from _list(agent, days, week)


def _list(agent: AgentWeek, days: Sequence[str], week: Week) -> Iterator[str]:
    """Yield the days on which an agent's schedules fire, aligned; one line if there are none."""
    width = max(map(len, days))
    found = [
        f"{_IN}{its_day:<{width}}  {_cell(fires, week, _TIMES)}"
        for its_day, fires in zip(days, agent.days, strict=True)
        if fires
    ]
    yield from found or [f"{_IN}no fires"]


def _cell(fires: Sequence[Fire], week: Week, most: int) -> str:
    """Return the times of a day's fires, or how many there are where that is more than ``most``."""
    if not fires:
        return _NO_FIRE
    zone = ZoneInfo(week.timezone)
    if len(fires) <= most:
        return ", ".join(f"{_mark([fire])}{fire.at.astimezone(zone):%H:%M}" for fire in fires)
    return _mark(fires) + counted(len(fires), "fire")


def _mark(fires: Sequence[Fire]) -> str:
    return _APPROXIMATE if any(fire.reason for fire in fires) else ""


def _collision_lines(preview: Preview, style: Style) -> Iterator[str]:
    """Return which schedules of one agent fire at the same instant; those that exceed a screen are counted."""
    if not preview.collisions:
        return
    zone = ZoneInfo(preview.week.timezone)
    yield style.paint("At the same instant", "warning")
    for collision in preview.collisions[:MAX_LISTED]:
        first = collision.first.astimezone(zone)
        often = "once" if collision.count == 1 else f"{collision.count:,} times"
        keys = f"{style.safe(collision.agent)}: {join_names(collision.keys, style)}"
        yield f"{_IN}{keys}; {often} this week, first {format_day(first)} {first:%H:%M}"
    if len(preview.collisions) > MAX_LISTED:
        yield f"{_IN}{style.displayable('…')} and {len(preview.collisions) - MAX_LISTED:,} more"


_IN: Final = "  "


def preview_text(preview: Preview, style: Style) -> Iterator[str]:
    """Yield the whole preview in parts of whole lines: the fires up to an instant may be millions."""
    lines = wrap_lines(_lines(preview, style), style)
    while some := [*islice(lines, _LINES_PER_BLOCK)]:
        yield "\n".join([*some, ""])


def previews_text(previews: Sequence[Preview], style: Style) -> Iterator[str]:
    """Yield the previews of several project files, each under its name."""
    for index, preview in enumerate(previews):
        yield ("\n" if index else "") + f"{file_heading(preview.path, style)}\n"
        yield from preview_text(preview, style)


def _lines(preview: Preview, style: Style) -> Iterator[str]:
    until = "" if preview.span.until is None else f" until {_utc(preview.span.until)}"
    schedules = counted(len(preview.forecasts), "schedule")
    yield f"{style.safe(preview.path)}: {schedules}, from {_utc(preview.span.now)}{until} UTC"
    is_approximate = any(fire.reason for agent in preview.week.agents for fire in chain.from_iterable(agent.days))
    for forecast in preview.forecasts:
        yield ""
        is_approximate |= yield from _block(forecast, preview.span, style, preview.cost_per_run)
    for section in (_week_lines(preview, style), _collision_lines(preview, style)):
        first = next(section, None)
        if first is not None:
            yield from ("", first, *section)
    if is_approximate:
        yield from ("", "Approximate: what the platform does when the clocks change is not documented.")
    yield from ("", _counts(preview))


def _block(forecast: ScheduleForecast, span: Span, style: Style, fee: float | None) -> Generator[str, None, bool]:
    """Yield what a schedule will do; return whether a fire of it is approximate."""
    title = () if forecast.title is None else (style.quoted(forecast.title),)
    agent = () if forecast.agent is None else (style.safe(forecast.agent),)
    yield "  ".join((style.paint(style.safe(forecast.key), "bold"), *title, *agent))
    if forecast.cadence is not None:
        yield _IN + style.safe(style.displayable(describe(forecast.cadence)))
    if forecast.cadence is None or forecast.status is not ScheduleStatus.ACTIVE:
        yield _IN + style.paint(f"never while {forecast.status}", "dim")
        return False
    runs = float(runs_per_month(forecast.cadence))
    cost = "" if fee is None else f", cost a month: {format_amount(runs * fee)} (estimate)"
    yield f"{_IN}runs a month: {format_number(runs)}{cost}"
    fires: Iterable[Fire] = forecast.fires
    if not forecast.fires and forecast.following is not None:
        yield _IN + style.paint("none in this period; the next one after it:", "warning")
        fires = (forecast.following,)
    has_year = spans_years(span.now, fires)
    is_approximate = False
    coming = iter(fires)
    while some := tuple(islice(coming, _LINES_PER_BLOCK)):
        yield from _fire_lines(some, style, has_year=has_year)
        is_approximate |= any(fire.reason for fire in some)
    return is_approximate


def _fire_lines(fires: Sequence[Fire], style: Style, *, has_year: bool) -> Iterator[str]:
    """Return fires in their zone and in UTC, aligned; why one is approximate stands below it where it does not fit."""
    days = [format_day(fire.at, has_year=has_year) for fire in fires]
    zones = [zone_name(fire.at) for fire in fires]
    day_width, zone_width = (max(map(len, words), default=0) for words in (days, zones))
    for fire, its_day, its_zone in zip(fires, days, zones, strict=True):
        line = f"{_IN}{_IN}{its_day:<{day_width}} {fire.at:%H:%M} {its_zone:<{zone_width}}"
        if its_zone != "UTC":
            in_utc = fire.at.astimezone(UTC)
            other_day = "" if in_utc.date() == fire.at.date() else f"{format_day(in_utc, has_year=has_year)} "
            line += f" = {other_day}{in_utc:%H:%M} UTC"
        if fire.reason is None:
            yield line.rstrip()
            continue
        note = f"approximate: {describe_reason(fire)}"
        if style.fits(f"{line}  {note}"):
            yield f"{line}  {style.paint(note, 'warning')}"
        else:
            yield from (line.rstrip(), f"{_IN * 3}{style.paint(note, 'warning')}")


def _utc(at: datetime) -> str:
    """Return an instant in UTC with its year, without the zone, which stands elsewhere."""
    in_utc = at.astimezone(UTC)
    return f"{format_day(in_utc, has_year=True)} {in_utc:%H:%M}"


def _counts(preview: Preview) -> str:
    counts = Counter(forecast.status for forecast in preview.forecasts)
    active = (each.cadence for each in preview.forecasts if each.status is ScheduleStatus.ACTIVE)
    runs = sum(runs_per_month(cadence) for cadence in active if cadence is not None)
    statuses = ", ".join(f"{counts[status]:,} {status}" for status in ScheduleStatus if counts[status])
    total, fee = float(runs), preview.cost_per_run
    cost = "" if fee is None else cost_sentence(CostEstimate(fee, total * fee, total * fee), PLAIN)
    return f"{statuses or 'Nothing declared'}. Runs a month: {format_number(total)}.{cost}"
