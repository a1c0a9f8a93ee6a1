"""The effect of a change on the day of its apply, which is the only part of a plan that needs a clock.

See docs/semantics.md#findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from halo_iac.findings.engine import make_finding, severity_of
from halo_iac.findings.rule_input import Violation
from halo_iac.findings.rules import DOUBLED_FIRE, SKIPPED_FIRE, Rule
from halo_iac.fire_times import is_valid, upcoming_fires
from halo_iac.model.finding import Finding
from halo_iac.model.plan import Action, Change, Plan
from halo_iac.model.project import Project
from halo_iac.model.schedule import Cadence, Frequency

_SECOND: Final = timedelta(seconds=1)


def find_shifted_fires_today(plan: Plan, project: Project, now: datetime) -> tuple[Finding, ...]:
    """Return a finding for each change that, applied at ``now``, drops a fire of today or repeats it.

    Today is the day in the zone that the schedule has afterwards. A schedule that fires every hour, or more often, is
    left out: it has fired within the hour, and will again.
    """
    entries = {entry.key: entry for entry in project.entries}
    by_move: dict[tuple[Cadence, Cadence], tuple[Rule, Violation] | None] = {}
    found = []
    for change in plan.changes:
        moved, entry = _moved(change), entries.get(change.key or "")
        if moved is None or entry is None:
            continue
        if moved not in by_move:
            by_move[moved] = _today(*moved, now)
        match by_move[moved]:
            case (rule, violation) if severity_of(rule, project, entry):
                found.append(make_finding(rule, violation, project, entry))
    return tuple(found)


def _moved(change: Change) -> tuple[Cadence, Cadence] | None:
    """Return the cadences of a schedule before and after a change; ``None`` unless it fires at other times."""
    if change.action is not Action.UPDATE or change.before is None or change.after is None:
        return None
    before, after = change.before, change.after.filled_from(change.before)
    if before.cadence == after.cadence or before.enabled is False or after.enabled is False:
        return None
    cadences = (before.cadence, after.cadence)
    is_often = any(each.frequency == Frequency.HOURLY or len(each.hours) * len(each.minutes) >= 24 for each in cadences)
    return None if is_often or not is_valid(before.cadence) else cadences


def _today(before: Cadence, after: Cadence, now: datetime) -> tuple[Rule, Violation] | None:
    """Return the rule that a change violates today: the fires until now are the old ones, later ones the new ones."""
    zone = ZoneInfo(after.timezone)
    midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
    until = datetime.combine(midnight.date() + timedelta(days=1), time(), zone)
    old, new = _fires_of(before, midnight, until), _fires_of(after, midnight, until)
    past, to_come = [fire for fire in old if fire <= now], [fire for fire in new if fire > now]
    fewest, most = sorted((len(old), len(new)))
    if len(past) + len(to_come) < fewest:
        return SKIPPED_FIRE, _skipped(old, new, now, after.timezone)
    if len(past) + len(to_come) > most:
        return DOUBLED_FIRE, _doubled(past, to_come, after.timezone)
    return None


def _fires_of(cadence: Cadence, start: datetime, end: datetime) -> list[datetime]:
    """Return the fires from ``start`` until before ``end``, in the zone of ``start``."""
    found = takewhile(lambda fire: fire < end, upcoming_fires(cadence, start - _SECOND))
    return [fire.astimezone(start.tzinfo) for fire in found]


def _skipped(old: Sequence[datetime], new: Sequence[datetime], now: datetime, zone: str) -> Violation:
    due = [fire for fire in old if fire > now]
    gone = [fire for fire in new if fire <= now]
    return Violation(
        (),
        "hours",
        f"if applied now, the change skips a run today: {gone[-1]:%H:%M} has passed, and the run at {due[0]:%H:%M} "
        f"({zone}) is dropped",
        f"apply the change after {due[-1]:%H:%M}, or start the run by hand with `halo schedule fire KEY`",
    )


def _doubled(past: Sequence[datetime], to_come: Sequence[datetime], zone: str) -> Violation:
    return Violation(
        (),
        "hours",
        f"if applied now, the schedule runs twice today: it ran at {past[-1]:%H:%M} and runs again "
        f"at {to_come[0]:%H:%M} ({zone})",
        f"apply the change after {to_come[-1]:%H:%M}; the next run is then tomorrow",
    )
