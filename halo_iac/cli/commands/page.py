"""``halo page``: the schedules as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli.command import projects_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.local_timezone import local_zone
from halo_iac.cli.plan.request import observe
from halo_iac.cli.project_files.several import load_projects
from halo_iac.errors import UsageError
from halo_iac.findings import run_rules
from halo_iac.load.siblings import add_siblings
from halo_iac.model.zones import zone_names
from halo_iac.page import Page, PlatformInput, ProjectInput, build_page
from halo_iac.render.html import PAGE_START, page_html
from halo_iac.render.json import document
from halo_iac.render.style import Style
from halo_iac.runs.history import recent_runs
from halo_iac.storage.outputs import check_output, write_output
from halo_iac.storage.stored_reports import read_reports
from halo_iac.text import counted, did_you_mean, list_first, quote

if TYPE_CHECKING:
    from halo_iac.pipeline import ObservedProject

_OUT: Final = "halo.html"
_RUNS: Final = 20
"""The most latest runs of a schedule that are shown."""
_MAX_LISTED: Final = 5
_WEEKS: Final = 4
_MAX_WEEKS: Final = 13
_STARTS: Final = (PAGE_START.encode(),)
_NO_PAGE: Final = "not a page of halo"


@projects_command
def page(
    context: CommandContext,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The HTML file to write (mode 0600).")] = _OUT,
    offline: Annotated[
        bool, typer.Option("--offline", help="Show only what the project file declares; contact no platform.")
    ] = False,
    weeks: Annotated[
        int, typer.Option("--weeks", metavar="N", min=1, max=_MAX_WEEKS, help="How many coming weeks to show.")
    ] = _WEEKS,
    reports: Annotated[
        str | None,
        typer.Option(
            "--reports", metavar="DIR", help="Show the reports that `halo report pull` wrote into this folder."
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", metavar="ZONE", help="Time zone of the page's readers; default: that of this machine."
        ),
    ] = None,
) -> int:
    """Write the schedules as one HTML page.

    Shows when each schedule runs in the coming weeks, and which traces no run analyses. The file has no scripts and
    makes no requests, so it can be mailed, printed, or kept as a pipeline artifact. Without --offline it also shows how
    the platform differs from the project file, and the latest runs. An existing file is replaced only if it is such a
    page. Exit codes: 0 written, 1 not written, or written without runs that could not be read.

    \b
    Examples:
      halo page --offline
      halo page --reports reports
      halo page --out calendar.html --weeks 8 --timezone America/New_York
      halo page -f 'envs/*/halo.yaml' --out public/index.html
    """
    path = Path(out)
    check_output(path, context.cwd, _NO_PAGE, _STARTS)
    reader_timezone = _read_timezone(context, timezone)
    stored = None if reports is None else read_reports(context.cwd / reports)
    inputs = _load_declared(context) if offline else _observe(context)
    now = context.console.clock() if offline else context.now
    found = build_page(inputs, now, reader_timezone, ahead=weeks * 7, reports=stored)
    text = context.console.redacted(page_html(found, Style(format_command=context.console.format_command)))
    write_output(path, context.cwd, _NO_PAGE, _STARTS, text)
    _print_summary(context, path, found)
    return int(any(each.unread for each in found.schedules))


def _read_timezone(context: CommandContext, named: str | None) -> str:
    if named is None:
        return local_zone(context.console.env.get("TZ"))
    if named not in zone_names():
        hint = did_you_mean(named, zone_names()) or "use an IANA name, such as Europe/Berlin or UTC"
        raise UsageError(f"--timezone: unknown time zone {quote(named)}", hint=hint)
    return named


def _load_declared(context: CommandContext) -> list[ProjectInput]:
    projects = add_siblings(load_projects(context.projects))
    return [ProjectInput(project, run_rules(project)) for project in projects]


def _observe(context: CommandContext) -> list[ProjectInput]:
    if not context.is_list:
        context.observe_early()
    found = []
    for each, seen in zip(context.projects, observe(context), strict=True):
        project = each.load()
        found.append(ProjectInput(project, run_rules(project), _read_platform(each, seen)))
    return found


def _read_platform(context: CommandContext, seen: ObservedProject) -> PlatformInput:
    history = recent_runs(context.observed_connection.run_reader, seen.ids.values(), _RUNS)
    by_key = {key: history[schedule_id] for key, schedule_id in seen.ids.items()}
    unread = {key: found.read_error.message for key, found in by_key.items() if found.read_error is not None}
    return PlatformInput(seen.drift, {key: found.runs for key, found in by_key.items()}, unread)


def _print_summary(context: CommandContext, path: Path, found: Page) -> None:
    """Print what was written, as a document with ``--json``, and warnings about missing parts."""
    console = context.console
    active = sum(each.track is not None for each in found.schedules)
    reports = 0 if found.reports is None else len(found.reports.reports)
    if console.wants_json:
        facts = {"path": str(path), "schedules": active, "agents": len([*found.agents]), "reports": reports}
        console.print(document(facts))
    else:
        and_reports = f", {counted(reports, 'report')}" if found.reports is not None else ""
        console.print(f"Wrote {console.out_style.safe(str(path))}: {counted(active, 'active schedule')}{and_reports}")
    others = found.reports.others if found.reports is not None else ()
    if others:
        shown = list_first((quote(name) for name in others), len(others), _MAX_LISTED)
        console.log(console.err_style.safe(f"Skipped, because they are not reports: {shown}"))
    for schedule in found.schedules:
        if schedule.unread:
            hint = "the page says so; run the command again"
            console.warn(f"the runs of `{schedule.forecast.key}` could not be read: {schedule.unread}", hint)
