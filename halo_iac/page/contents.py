"""What a page holds, put together by agent: schedules with their tracks, and the findings of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from halo_iac.fire_times import Fire, run_rate
from halo_iac.model.drift import Drift, DriftItem
from halo_iac.model.finding import Finding
from halo_iac.model.project import Entry, Project
from halo_iac.model.schedule import Cadence, Spec
from halo_iac.page.timeline import Coverage, Period, Timeline, Track, ZoneChange
from halo_iac.preview import Preview, ScheduleForecast, ScheduleStatus, Span, preview

NEXT: Final = 5
"""How many next fires are written out, as `halo preview` does."""


class ProjectInput(NamedTuple):
    """A project file, and what was found out about it; ``drift`` is ``None`` where the platform was not asked."""

    project: Project
    findings: Sequence[Finding] = ()
    drift: Drift | None = None


class PageSchedule(NamedTuple):
    """One schedule; ``spec`` is ``None`` where it is archived, ``track`` where it does not fire."""

    forecast: ScheduleForecast
    spec: Spec | None
    track: Track | None = None
    findings: tuple[Finding, ...] = ()
    drift: tuple[DriftItem, ...] = ()

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.forecast.title or self.forecast.key

    @property
    def coverage(self) -> Coverage | None:
        """Return how often its look-back covers each moment of the period."""
        return None if self.track is None else self.track.coverage

    @property
    def next_fire(self) -> Fire | None:
        """Return when it fires next."""
        return next(iter(self.forecast.fires), None) or self.forecast.following


class PageAgent(NamedTuple):
    """An agent's schedules in the order of the file, and how often all of them together analyse each moment.

    ``name`` is what people call it, ``reference`` what the alias of that name stands for, or the same.
    """

    name: str
    reference: str
    schedules: tuple[PageSchedule, ...]
    coverage: Coverage
    runs_per_month: float

    @property
    def is_reviewed(self) -> bool:
        """Say whether any schedule of it fires."""
        return any(each.track is not None for each in self.schedules)


class PageProject(NamedTuple):
    """One project file: its agents, what is archived in it, and findings of no schedule in particular."""

    path: str
    preview: Preview
    agents: tuple[PageAgent, ...]
    archived: tuple[PageSchedule, ...]
    findings: tuple[Finding, ...]
    max_runs_per_month: int | None
    drift: Drift | None

    @property
    def schedules(self) -> Iterable[PageSchedule]:
        """Return every schedule that is not archived."""
        return (schedule for agent in self.agents for schedule in agent.schedules)

    @property
    def runs_per_month(self) -> float:
        """Return how often its schedules run."""
        return sum(agent.runs_per_month for agent in self.agents)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Return every finding, those of the project as a whole first."""
        return (*self.findings, *(finding for each in (*self.schedules, *self.archived) for finding in each.findings))


class Page(NamedTuple):
    """The whole page; ``reader_timezone`` is that of those who read it."""

    period: Period
    reader_timezone: str
    projects: tuple[PageProject, ...]
    clock_changes: tuple[ZoneChange, ...]

    @property
    def has_platform(self) -> bool:
        """Say whether a platform was asked."""
        return any(project.drift is not None for project in self.projects)

    @property
    def agents(self) -> Iterable[PageAgent]:
        """Return the agents of every project file."""
        return (agent for project in self.projects for agent in project.agents)

    @property
    def schedules(self) -> Iterable[PageSchedule]:
        """Return every schedule that is not archived."""
        return (schedule for agent in self.agents for schedule in agent.schedules)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return every finding."""
        return tuple(finding for project in self.projects for finding in project.all_findings)

    @property
    def runs_per_month(self) -> float:
        """Return how often all of them run."""
        return sum(project.runs_per_month for project in self.projects)


def page(inputs: Sequence[ProjectInput], now: datetime, reader_timezone: str, *, ahead: int, back: int = 0) -> Page:
    """Return the page of some project files: ``back`` days before today, and ``ahead`` from today on."""
    previews = [preview(each.project, each.project.entries, Span(now, NEXT)) for each in inputs]
    zones = {
        each.cadence.timezone
        for found in previews
        for each in found.forecasts
        if each.cadence is not None and each.status is ScheduleStatus.ACTIVE
    }
    period = Period.around(now, next(iter(zones)) if len(zones) == 1 else reader_timezone, back=back, ahead=ahead)
    timeline = Timeline(period, _longest_lookbacks(entry for each in inputs for entry in each.project.entries))
    projects = tuple(_project(each, found, timeline) for each, found in zip(inputs, previews, strict=True))
    return Page(period, reader_timezone, projects, timeline.clock_changes(zones))


def _longest_lookbacks(entries: Iterable[Entry]) -> dict[Cadence, int]:
    longest: dict[Cadence, int] = {}
    for entry in entries:
        if entry.spec is not None and entry.spec.enabled is not False:
            cadence = entry.spec.cadence
            longest[cadence] = max(longest.get(cadence, 0), entry.spec.lookback_hours)
    return longest


def _project(given: ProjectInput, found: Preview, timeline: Timeline) -> PageProject:
    project = given.project
    keys = {entry.key for entry in project.entries}
    by_key: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in given.findings:
        by_key[finding.key if finding.key in keys else ""].append(finding)
    differing: defaultdict[str, list[DriftItem]] = defaultdict(list)
    for item in given.drift.items if given.drift is not None else ():
        differing[item.key or ""].append(item)
    by_agent: dict[str, list[PageSchedule]] = {}
    archived: list[PageSchedule] = []
    for entry, forecast in zip(project.entries, found.forecasts, strict=True):
        schedule = _schedule(entry, forecast, timeline)._replace(
            findings=tuple(by_key[entry.key]), drift=tuple(differing[entry.key])
        )
        (archived if forecast.agent is None else by_agent.setdefault(forecast.agent, [])).append(schedule)
    agents = tuple(
        _agent(name, project.aliases.get(name, name), schedules, timeline) for name, schedules in by_agent.items()
    )
    general = tuple(by_key[""])
    return PageProject(project.path, found, agents, tuple(archived), general, project.max_runs_per_month, given.drift)


def _schedule(entry: Entry, forecast: ScheduleForecast, timeline: Timeline) -> PageSchedule:
    is_active = entry.spec is not None and forecast.status is ScheduleStatus.ACTIVE
    track = timeline.track(entry.spec.cadence, entry.spec.lookback_hours) if entry.spec and is_active else None
    return PageSchedule(forecast, entry.spec, track)


def _agent(name: str, reference: str, schedules: Sequence[PageSchedule], timeline: Timeline) -> PageAgent:
    tracks = [each.track for each in schedules if each.track is not None]
    together = timeline.together((track.cadence, track.lookback_hours) for track in tracks)
    runs = float(run_rate(each.spec for each in schedules if each.spec is not None))
    return PageAgent(name, reference, tuple(schedules), together, runs)
