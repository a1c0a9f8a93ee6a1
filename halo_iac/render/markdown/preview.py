"""A preview as markdown: a strip of four weeks a schedule, for a pull request (docs/page.md#in-a-pull-request)."""

from __future__ import annotations

from collections.abc import Iterator

from halo_iac.fire_times import describe, runs_per_month
from halo_iac.page.contents import Page, PageProject, PageSchedule
from halo_iac.render.calendar import format_day, zone_name
from halo_iac.render.markdown.escape import code, message, prose
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH, NOTES_LENGTH, joined
from halo_iac.render.markdown.sections import table_head, table_line
from halo_iac.render.strips import coverage_strip, fire_strip, legend
from halo_iac.render.style import Style
from halo_iac.render.values import format_number
from halo_iac.text import counted, format_lookback

_HEADERS = ("schedule", "when", "runs a month", "four weeks")


def preview_markdown(page: Page, style: Style) -> str:
    """Return the schedules of some project files as a table each; rows that find no room are counted."""
    style = style.without_colour()
    now = page.period.local_now
    schedules = [*page.schedules]
    active = sum(each.track is not None for each in schedules)
    head = [
        f"### halo preview · {counted(active, 'schedule')}, {format_number(page.runs_per_month)} runs a month",
        f"From {format_day(now, has_year=True)} {now:%H:%M} {zone_name(now)} on; weeks begin on Monday.",
    ]
    tail = [message(legend(style), style)]
    room = MAX_PAGE_LENGTH - NOTES_LENGTH - len(style.displayable(joined([*head, *tail])))
    tables = [_table(project, page, style, room // len(page.projects)) for project in page.projects]
    return style.displayable(f"{joined([*head, *tables, *tail])}\n")


def _table(project: PageProject, page: Page, style: Style, room: int) -> str:
    name = f"**{code(project.path, style)}**\n\n" if len(page.projects) > 1 else ""
    lines = [f"{name}{table_head(_HEADERS)}"]
    rows = [*_rows(project, page, style)]
    for index, row in enumerate(rows):
        room -= len(style.displayable(row)) + 1
        if room < 0:
            return "\n".join([*lines, "", f"… and {len(rows) - index:,} more rows; `halo page` draws them all."])
        lines.append(row)
    return "\n".join(lines)


def _rows(project: PageProject, page: Page, style: Style) -> Iterator[str]:
    for agent in project.agents:
        coverage = coverage_strip(agent.coverage, page.period, style)
        yield table_line((f"**{prose(agent.name, style)}**", "", format_number(agent.runs_per_month), f"`{coverage}`"))
        yield from (_schedule(each, page, style) for each in agent.schedules)


def _schedule(schedule: PageSchedule, page: Page, style: Style) -> str:
    forecast, track = schedule.forecast, schedule.track
    name = f"{prose(schedule.name, style)}<br>{code(forecast.key, style)}"
    when = message(describe(forecast.cadence), style) if forecast.cadence is not None else ""
    if track is None or schedule.spec is None:
        return table_line((name, f"{when}<br>{forecast.status}", "0", ""))
    strips = (fire_strip(track, page.period, style), coverage_strip(track.coverage, page.period, style))
    fire = schedule.next_fire
    coming = (
        f"<br>next {format_day(fire.at)} {fire.at:%H:%M} {prose(zone_name(fire.at), style)}" if fire is not None else ""
    )
    look_back = f"<br>looks back {format_lookback(track.lookback_hours)}"
    runs = format_number(float(runs_per_month(track.cadence)))
    return table_line((name, f"{when}{coming}{look_back}", runs, "<br>".join(f"`{strip}`" for strip in strips)))
