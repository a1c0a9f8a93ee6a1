"""What a plan says apart from its changes, in markdown: sections that count what they have no room for.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from halo_iac.errors import Problem
from halo_iac.model.change import Blocked, PlanWarning, Refusal, UndeclaredSchedule
from halo_iac.model.finding import Finding
from halo_iac.model.outcome import Event, Summary
from halo_iac.render.ending import Commands, next_steps
from halo_iac.render.markdown.change import finding_line
from halo_iac.render.markdown.escape import code, message, words
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.values import LISTED
from halo_iac.render.words import counted

ROOM: Final = 4_500
"""Characters that one section may take, so that together they leave room for the changes."""


def section(heading: str, lines: Iterable[str], count: int, *, room: int = ROOM) -> str:
    """Return a heading and as many lines of a list as there is room for, the rest of ``count`` counted.

    Empty where there is nothing to list.
    """
    if not count:
        return ""
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    if count > len(shown):
        shown.append(f"- … and {count - len(shown):,} more")
    return "\n".join([f"#### {heading}", "", *shown])


def refused(refusals: Sequence[Refusal], style: Style) -> Iterator[str]:
    """Yield why the plan will not be applied, then what is left out of it, each with what permits it."""
    stopping = [refusal for refusal in refusals if not refusal.withholds]
    withheld = [refusal for refusal in refusals if refusal.withholds]
    yield section("Refused: this plan will not be applied as it is", _reasons(stopping, style), len(stopping))
    yield section("Withheld: this is left out, the rest can be applied", _reasons(withheld, style), len(withheld))


def _reasons(refusals: Sequence[Refusal], style: Style) -> Iterator[str]:
    for refusal in refusals:
        remedy = "to do" if refusal.withholds else "override"
        concerns = f"<br>concerns: {_listed(refusal.names, style)}" if refusal.names else ""
        drawn = code if refusal.override.startswith("--") else message  # an option is there to be copied whole
        override = f"<br>{remedy}: {drawn(refusal.override, style)}"
        yield f"- **{code(refusal.guard, style)}**: {message(refusal.message, style)}{concerns}{override}"


def blocked(entries: Sequence[Blocked], style: Style) -> str:
    """Return the entries that nothing is planned for."""
    heading = f"Blocked: {counted(len(entries), 'entry', 'entries')}, for which nothing is planned"
    return section(heading, (_blocked_line(entry, style) for entry in entries), len(entries))


def _blocked_line(entry: Blocked, style: Style) -> str:
    origin = f" ({code(entry.origin, style)})" if entry.origin else ""
    hint = f"<br>hint: {message(entry.hint, style)}" if entry.hint else ""
    ids = f"<br>ids: {_listed(entry.ids, style)}" if entry.ids else ""
    return f"- **{code(entry.key, style)}**{origin}: {message(entry.reason, style)}{hint}{ids}"


def undeclared(schedules: Sequence[UndeclaredSchedule], style: Style) -> str:
    """Return the schedules in scope that no file declares."""
    firing = sum(schedule.is_firing for schedule in schedules)
    fires = "still firing" if firing == len(schedules) else f"{firing:,} still firing"
    heading = f"Undeclared: {counted(len(schedules), 'schedule')}, {fires}; left alone"
    return section(heading, (_undeclared_line(each, style) for each in schedules[:LISTED]), len(schedules))


def _undeclared_line(schedule: UndeclaredSchedule, style: Style) -> str:
    notes = (None if schedule.is_firing else "paused", schedule.note and message(schedule.note, style))
    note = ", ".join(filter(None, notes))
    return f"- {code(schedule.id, style)} {words(schedule.title, style)}" + (f" ({note})" if note else "")


def warnings(found: Sequence[PlanWarning], style: Style) -> str:
    """Return what is worth a line and changes nothing."""
    lines = (f"- {code(each.key, style) if each.key else 'Project'}: {message(each.message, style)}" for each in found)
    return section("Warnings", lines, len(found))


def findings(found: Sequence[Finding], style: Style) -> str:
    """Return what is odd and is told beside no change."""
    return section("Findings", (finding_line(each, style) for each in found), len(found))


def problems(found: Sequence[Problem], style: Style) -> str:
    """Return what is wrong with project files, each with its place."""
    return section("Problems", (_problem_line(each, style) for each in found), len(found), room=13 * ROOM)


def _problem_line(problem: Problem, style: Style) -> str:
    place = f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path
    hint = f" ({message(problem.hint, style)})" if problem.hint else ""
    return f"- {code(place, style)}: {message(problem.message, style)}{hint}"


def not_done(summary: Summary, style: Style) -> str:
    """Return the changes of a run that did not end well, and why."""
    events = [event for event in summary.events if not event.status.is_well]
    return section("What was not done", (_event_line(event, style) for event in events), len(events))


def _event_line(event: Event, style: Style) -> str:
    change = event.change
    id_ = event.id or change.id
    named = f"{code(change.key or change.title, style)}{f' {code(id_, style)}' if id_ else ''}"
    reason = f": {message(event.message, style)}" if event.message else ""
    hint = f"<br>hint: {message(event.hint, style)}" if event.hint else ""
    return f"- **{event.status}** {change.action} {named}{reason}{hint}"


def next_lines(summary: Summary, commands: Commands) -> str:
    """Return what to do next, empty where everything ended well."""
    steps = [f"- {message(step, PLAIN)}" for step in next_steps(summary, commands)]
    return "\n".join(["#### What to do next", "", *steps]) if steps else ""


def _listed(names: Sequence[str], style: Style) -> str:
    shown = ", ".join(code(name, style) for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED:,} more"
