"""``halo preview``: when the declared schedules will fire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import get_entry
from halo_iac.cli.project_files.several import load_projects
from halo_iac.cli.runs.request import parse_instant
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import UsageError
from halo_iac.preview import Span
from halo_iac.preview import preview as preview_of
from halo_iac.render.text.preview import preview_text, previews_text

if TYPE_CHECKING:
    from halo_iac.model.project import Entry, Project

_NEXT: Final = 5


def preview(
    ctx: typer.Context,
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Show only this schedule; default: all in the project file.")
    ] = None,
    next: Annotated[
        int | None,
        typer.Option(
            "--next",
            metavar="N",
            min=1,
            max=1_000,
            help="Number of fires per schedule; default: 5, or all up to --until.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="ISO",
            help="Last instant to show, such as 2027-01-01 (UTC) or 2027-01-01T09:00Z; local time without a zone.",
        ),
    ] = None,
    file: options.Files = None,
    checkout: options.Checkout = None,
    format: Annotated[
        options.DocumentFormat,
        typer.Option(
            "--format", metavar="FORMAT", help="Output format: text, json or markdown (four weeks, for a pull request)."
        ),
    ] = options.DocumentFormat.TEXT,
    json: options.Json = False,
    no_color: options.NoColor = False,
    _sandbox: options.SandboxAnywhere = False,
) -> int:
    """Show upcoming fires and a calendar of the week, offline.

    Fires are shown in the schedule's zone and in UTC, computed from the project file alone. A fire at a clock change is
    marked approximate, because the platform does not document its behaviour. The calendar has a row for each agent, in
    the zone that all schedules share, otherwise in UTC. As markdown, each schedule has a four-week strip: on which days
    it runs, and whether any traces of a day are analysed by no run.

    \b
    Examples:
      halo preview
      halo preview checkout-daily --next 20
      halo preview --until 2027-01-01 --json
      halo preview -f 'envs/*/halo.yaml'
      halo preview --format markdown > schedules.md
    """
    console: Console = ctx.obj
    as_json = console.prepare(json=json, format=format, no_color=no_color)
    span = _read_span(console.clock(), next, until)
    context = CommandContext(console, TargetOptions(checkout=checkout).with_files(file))
    is_markdown = format is options.DocumentFormat.MARKDOWN and not as_json
    if is_markdown and (next is not None or until is not None):
        hint = "remove them: markdown shows four weeks"
        raise UsageError("--next and --until cannot be used with --format markdown", hint=hint)
    chosen = [*_choose_entries(load_projects(context.projects), key)]
    if is_markdown:
        from halo_iac.page import ProjectInput, build_page
        from halo_iac.render.markdown.preview import preview_markdown
        from halo_iac.render.strips import DAYS

        inputs = [ProjectInput(project._replace(entries=tuple(entries))) for project, entries in chosen]
        console.print(preview_markdown(build_page(inputs, console.clock(), "UTC", ahead=DAYS), console.out_style))
        return 0
    found = [preview_of(project, entries, span) for project, entries in chosen]
    if as_json:
        from halo_iac.render.preview_json import preview_json, previews_json

        console.print_parts(previews_json(found) if context.is_list else preview_json(found[0]))
    else:
        style = console.out_style
        console.print_parts(previews_text(found, style) if context.is_list else preview_text(found[0], style))
    return 0


def _choose_entries(projects: Sequence[Project], key: str | None) -> Iterable[tuple[Project, Sequence[Entry]]]:
    """Return the entries of each project file; with a key, only the files that declare it."""
    if key is None:
        return [(project, project.entries) for project in projects]
    declaring = [project for project in projects if key in {entry.key for entry in project.entries}]
    return [(project, (get_entry(project, key),)) for project in declaring or projects[:1]]


def _read_span(now: datetime, count: int | None, until: str | None) -> Span:
    if until is None:
        return Span(now, count or _NEXT)
    end = parse_instant(until, "--until")
    if end <= now:
        raise UsageError(f"--until {until} is in the past", hint="use a later instant; a date alone means 00:00 UTC")
    return Span(now, count, end)
