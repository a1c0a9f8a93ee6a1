"""The content of a page by agent: schedules with their tracks and findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from halo_iac.fire_times import Fire, run_rate
from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.model.finding import Finding
from halo_iac.model.project import Entry, Project
from halo_iac.model.runs import Run
from halo_iac.model.schedule import Cadence, Spec
from halo_iac.model.stored_report import StoredReport, StoredReports
from halo_iac.page.history import PageReport, PastRun, past_runs
from halo_iac.page.timeline import Coverage, Period, Timeline, Track, ZoneChange
from halo_iac.preview import Preview, ScheduleForecast, ScheduleStatus, Span, preview
from halo_iac.report_diff import report_diff

PAST_DAYS: Final = 14
"""How many days before today are shown if runs or reports were read."""
_IDLE: Final = {DriftKind.MISSING, DriftKind.PAUSED, DriftKind.AUTO_PAUSED}
"""The kinds of drift by which a schedule does not fire."""
NEXT_FIRES: Final = 5
"""How many next fires are written out, as `halo preview` does."""


class PlatformInput(NamedTuple):
    """The platform's part of a page: the drift of a project file, and the latest runs of each entry by key.

    ``unread`` has the reason why the runs of an entry are not known, by its key.
    """

    drift: Drift
    runs: Mapping[str, Sequence[Run]]
    unread: Mapping[str, str]


class ProjectInput(NamedTuple):
    """A project file with its findings; ``platform`` is ``None`` if the platform was not asked."""

    project: Project
    findings: Sequence[Finding] = ()
    platform: PlatformInput | None = None


class PageSchedule(NamedTuple):
    """One schedule; ``spec`` is ``None`` where it is archived, ``track`` where it does not fire."""

    forecast: ScheduleForecast
    spec: Spec | None
    track: Track | None = None
    findings: tuple[Finding, ...] = ()
    drift: tuple[DriftItem, ...] = ()
    past: tuple[PastRun, ...] = ()
    reports: tuple[PageReport, ...] = ()
    unread: str | None = None

    @property
    def name(self) -> str:
        """Return its title, or its key if it has none."""
        return self.forecast.title or self.forecast.key

    @property
    def is_running(self) -> bool:
        """Return whether it fires as declared, and is neither paused on the platform nor missing there."""
        return self.track is not None and all(item.kind not in _IDLE for item in self.drift)

    @property
    def coverage(self) -> Coverage | None:
        """Return how often its look-back covers each moment of the period."""
        return None if self.track is None else self.track.coverage

    @property
    def next_fire(self) -> Fire | None:
        """Return when it fires next."""
        return next(iter(self.forecast.fires), None) or self.forecast.following


class PageAgent(NamedTuple):
    """An agent's schedules in the order of the file, and how often those that fire analyse each moment.

    ``name`` is the alias or the reference itself, ``reference`` what the alias stands for.
    """

    name: str
    reference: str
    schedules: tuple[PageSchedule, ...]
    coverage: Coverage
    runs_per_month: float

    @property
    def is_reviewed(self) -> bool:
        """Return whether any schedule of it fires."""
        return any(each.is_running for each in self.schedules)


class PageProject(NamedTuple):
    """One project file: its agents, its archived schedules, and the findings about no schedule."""

    path: str
    preview: Preview
    agents: tuple[PageAgent, ...]
    archived: tuple[PageSchedule, ...]
    findings: tuple[Finding, ...]
    max_runs_per_month: int | None
    platform: PlatformInput | None

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
    """The whole page; ``reader_timezone`` is the zone of its readers.

    ``reports`` is ``None`` where no folder of them was read; ``unclaimed`` are those of no declared schedule.
    """

    period: Period
    reader_timezone: str
    projects: tuple[PageProject, ...]
    clock_changes: tuple[ZoneChange, ...]
    reports: StoredReports | None = None
    unclaimed: tuple[PageReport, ...] = ()

    @property
    def has_platform(self) -> bool:
        """Return whether a platform was asked."""
        return any(project.platform is not None for project in self.projects)

    @property
    def has_past(self) -> bool:
        """Return whether runs or reports were read."""
        return self.reports is not None or self.has_platform

    @property
    def agents(self) -> Iterable[PageAgent]:
        """Return the agents of every project file."""
        return (agent for project in self.projects for agent in project.agents)

    @property
    def schedules(self) -> Iterable[PageSchedule]:
        """Return every schedule that is not archived."""
        return (schedule for agent in self.agents for schedule in agent.schedules)

    @property
    def all_schedules(self) -> Iterable[PageSchedule]:
        """Return every schedule, those that are archived as well."""
        return (each for project in self.projects for each in (*project.schedules, *project.archived))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return every finding."""
        return tuple(finding for project in self.projects for finding in project.all_findings)

    @property
    def runs_per_month(self) -> float:
        """Return how often all of them run."""
        return sum(project.runs_per_month for project in self.projects)


def build_page(
    inputs: Sequence[ProjectInput],
    now: datetime,
    reader_timezone: str,
    *,
    ahead: int,
    reports: StoredReports | None = None,
) -> Page:
    """Return the page of some project files, for ``ahead`` days from today.

    It begins :data:`PAST_DAYS` days before today if there are past runs or reports to show.
    """
    previews = [preview(each.project, each.project.entries, Span(now, NEXT_FIRES)) for each in inputs]
    zones = {
        each.cadence.timezone
        for found in previews
        for each in found.forecasts
        if each.cadence is not None and each.status is ScheduleStatus.ACTIVE
    }
    has_past = reports is not None or any(each.platform is not None for each in inputs)
    timezone = next(iter(zones)) if len(zones) == 1 else reader_timezone
    period = Period.around(now, timezone, back=PAST_DAYS if has_past else 0, ahead=ahead)
    timeline = Timeline(period, _longest_lookbacks(entry for each in inputs for entry in each.project.entries))
    index = _ReportIndex(reports.reports if reports is not None else ())
    projects = tuple(_project(each, found, timeline, index) for each, found in zip(inputs, previews, strict=True))
    return Page(period, reader_timezone, projects, timeline.clock_changes(zones), reports, index.unclaimed())


class _ReportIndex:
    """Reports by the key of their schedule, each returned once."""

    def __init__(self, reports: Sequence[StoredReport]) -> None:
        self._by_key: defaultdict[str | None, list[PageReport]] = defaultdict(list)
        latest_first = [PageReport(number, report) for number, report in enumerate(reports, 1)]
        for each in latest_first:
            self._by_key[each.report.schedule].append(each)

    def pop(self, key: str) -> tuple[PageReport, ...]:
        """Return the reports of an entry, the latest first, each with its difference to the one before it."""
        return _compared(self._by_key.pop(key, []))

    def unclaimed(self) -> tuple[PageReport, ...]:
        """Return the reports not returned so far, the latest first."""
        left = [report for key, reports in self._by_key.items() for report in (_compared(reports) if key else reports)]
        return tuple(sorted(left))


def _compared(reports: Sequence[PageReport]) -> tuple[PageReport, ...]:
    """Return reports, the latest first, each with its difference to the next one in the list."""
    found: list[PageReport] = []
    for later, former in pairwise(reports):
        before, after = former.report.markdown, later.report.markdown
        found.append(later._replace(diff=None if before is None or after is None else report_diff(before, after)))
    return (*found, *reports[-1:])


def _longest_lookbacks(entries: Iterable[Entry]) -> dict[Cadence, int]:
    longest: dict[Cadence, int] = {}
    for entry in entries:
        if entry.spec is not None and entry.spec.enabled is not False:
            cadence = entry.spec.cadence
            longest[cadence] = max(longest.get(cadence, 0), entry.spec.lookback_hours)
    return longest


def _project(given: ProjectInput, found: Preview, timeline: Timeline, index: _ReportIndex) -> PageProject:
    project, platform = given.project, given.platform
    keys = {entry.key for entry in project.entries}
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in given.findings:
        findings[finding.key if finding.key in keys else ""].append(finding)
    drift: defaultdict[str, list[DriftItem]] = defaultdict(list)
    for item in platform.drift.items if platform is not None else ():
        drift[item.key or ""].append(item)
    by_agent: dict[str, list[PageSchedule]] = {}
    archived: list[PageSchedule] = []
    for entry, forecast in zip(project.entries, found.forecasts, strict=True):
        key, spec = entry.key, entry.spec
        track = None
        if spec is not None and forecast.status is ScheduleStatus.ACTIVE:
            track = timeline.track(spec.cadence, spec.lookback_hours)
        reports = index.pop(key)
        schedule = PageSchedule(
            forecast,
            spec,
            track,
            findings=tuple(findings[key]),
            drift=tuple(drift[key]),
            past=past_runs(platform.runs.get(key, ()) if platform is not None else (), reports),
            reports=reports,
            unread=platform.unread.get(key) if platform is not None else None,
        )
        (archived if forecast.agent is None else by_agent.setdefault(forecast.agent, [])).append(schedule)
    agents = tuple(
        _agent(name, project.aliases.get(name, name), schedules, timeline) for name, schedules in by_agent.items()
    )
    general = tuple(findings[""])
    return PageProject(project.path, found, agents, tuple(archived), general, project.max_runs_per_month, platform)


def _agent(name: str, reference: str, schedules: Sequence[PageSchedule], timeline: Timeline) -> PageAgent:
    tracks = [each.track for each in schedules if each.track is not None and each.is_running]
    together = timeline.combined_coverage((track.cadence, track.lookback_hours) for track in tracks)
    runs = float(run_rate(each.spec for each in schedules if each.spec is not None))
    return PageAgent(name, reference, tuple(schedules), together, runs)
