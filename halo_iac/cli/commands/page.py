"""``halo page``: the schedules as one HTML file to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from halo_iac.cli.command import projects_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.local_timezone import local_zone
from halo_iac.cli.plan_request import make_drifts
from halo_iac.cli.project_list import load_projects
from halo_iac.errors import UsageError
from halo_iac.findings import run_rules
from halo_iac.load.siblings import with_siblings
from halo_iac.model.zones import zone_names
from halo_iac.page import Page, ProjectInput
from halo_iac.page import page as page_of
from halo_iac.render.html import PAGE_START, page_html
from halo_iac.render.json import document
from halo_iac.render.style import Style
from halo_iac.storage.outputs import check_output, write_output
from halo_iac.text import counted, is_close, quote

_OUT: Final = "halo.html"
_WEEKS: Final = 4
_MOST_WEEKS: Final = 13
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
        int, typer.Option("--weeks", metavar="N", min=1, max=_MOST_WEEKS, help="How many coming weeks to show.")
    ] = _WEEKS,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", metavar="ZONE", help="Time zone of the page's readers; default: that of this machine."
        ),
    ] = None,
) -> int:
    """Draw the schedules as one HTML page to look at.

    It shows when each runs in the coming weeks, and which traces no run looks at. The file needs no script and makes no
    request, so it can be mailed, printed, or kept as an artifact of a pipeline. Without --offline it shows as well how
    the platform differs from the project file. A file that is there is replaced only if it is such a page.

    \b
    Examples:
      halo page --offline
      halo page --out calendar.html --weeks 8 --timezone America/New_York
      halo page -f 'envs/*/halo.yaml' --out public/index.html
    """
    path = Path(out)
    check_output(path, context.cwd, _NO_PAGE, _STARTS)
    reader_timezone = _timezone(context, timezone)
    inputs = _declared(context) if offline else _observed(context)
    found = page_of(inputs, context.console.clock(), reader_timezone, ahead=weeks * 7)
    text = context.console.redacted(page_html(found, Style(spell=context.console.spell)))
    write_output(path, context.cwd, _NO_PAGE, _STARTS, text)
    _say(context, path, found)
    return 0


def _timezone(context: CommandContext, named: str | None) -> str:
    if named is None:
        return local_zone(context.console.env.get("TZ"))
    if named not in zone_names():
        hint = is_close(named, zone_names()) or "use an IANA name, such as Europe/Berlin or UTC"
        raise UsageError(f"--timezone: unknown time zone {quote(named)}", hint=hint)
    return named


def _declared(context: CommandContext) -> list[ProjectInput]:
    projects = with_siblings(load_projects(context.projects))
    return [ProjectInput(project, run_rules(project)) for project in projects]


def _observed(context: CommandContext) -> list[ProjectInput]:
    if not context.is_list:
        context.observe_early()
    drifts = make_drifts(context)
    projects = [each.load() for each in context.projects]
    return [ProjectInput(project, run_rules(project), drift) for project, drift in zip(projects, drifts, strict=True)]


def _say(context: CommandContext, path: Path, found: Page) -> None:
    """Say what was written; with ``--json`` as a document."""
    active = sum(each.track is not None for each in found.schedules)
    if context.console.wants_json:
        facts = {"path": str(path), "schedules": active, "agents": len([*found.agents])}
        context.console.print(document(facts))
    else:
        shown = context.console.out_style.safe(str(path))
        context.console.print(f"Wrote {shown}: {counted(active, 'active schedule')}")
