"""The content of ``halo page``: schedules of project files, their fires, and the traces that their runs analyse.

``timeline`` has a period of days, the fires in it and how often each moment is analysed; ``history`` the past runs and
reports; ``contents`` combines them with the declared schedules and, if read, the platform's state. Everything here is
pure; ``render/html`` renders it (docs/page.md).
"""

from halo_iac.page.contents import Page, PageAgent, PageProject, PageSchedule, PlatformInput, ProjectInput, page
from halo_iac.page.history import Outcome, PageReport, PastRun, failures_in_a_row
from halo_iac.page.timeline import Coverage, Period, Stretch, Timeline, Track, ZoneChange

__all__ = [
    "Coverage",
    "Outcome",
    "Page",
    "PageAgent",
    "PageProject",
    "PageReport",
    "PageSchedule",
    "PastRun",
    "Period",
    "PlatformInput",
    "ProjectInput",
    "Stretch",
    "Timeline",
    "Track",
    "ZoneChange",
    "failures_in_a_row",
    "page",
]
