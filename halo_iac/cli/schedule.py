"""``halo schedule``: what the platform holds; writes are YAML's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli.command import at_work
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import HaloError

if TYPE_CHECKING:
    from halo_iac.model.remote import RemoteSchedule

_HELP = """The schedules the platform holds; the project file changes them.

\b
Examples:
  halo schedule list
  halo schedule get 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01
"""

group = typer.Typer(name="schedule", help=_HELP, rich_markup_mode=None)


@group.command("list")
@group.command("ls", hidden=True)
@at_work
def list_schedules(
    workplace: Workplace,
    include_archived: Annotated[
        bool, typer.Option("--include-archived", help="Archived ones as well, not only active ones.")
    ] = False,
) -> int:
    """List the schedules of the project, declared or not.

    \b
    Examples:
      halo schedule list
      halo schedule list --include-archived --json
    """
    console = workplace.console
    connection = workplace.connect_for_reading()
    listing = connection.reader.schedules(connection.project.id, include_archived=include_archived)
    if console.wants_json:
        from halo_iac.render.json import document

        console.out(document([remote.wire for remote in listing.schedules]))
    else:
        from halo_iac.render.text import table

        rows = [_row(remote) for remote in listing.schedules]
        console.out(table(("TITLE", "STATE", "WHEN", "AGENT", "ID"), rows, console.out_style, whole={"AGENT", "ID"}))
        if not rows:
            console.say(f"Project {connection.project.id} holds no {'' if include_archived else 'active '}schedule.")
    if listing.gap is not None:
        raise HaloError(f"this list is not whole: {listing.gap}", hint="run again; nothing was changed")
    return 0


@group.command("get")
@at_work
def get_schedule(
    workplace: Workplace,
    schedule_id: Annotated[str, typer.Argument(metavar="ID", help="The schedule's id.")],
) -> int:
    """Show one schedule in full.

    The fields have the platform's own names; `halo schedule list` shows the ids.

    \b
    Examples:
      halo schedule get 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01
      halo schedule get 0b9d6c1e-7a42-4f35-8e21-5c6d7e8f9a01 --json
    """
    console = workplace.console
    remote = workplace.connect_for_reading().reader.schedule(schedule_id)
    if console.wants_json:
        from halo_iac.render.json import document

        console.out(document(remote.wire))
        return 0
    from halo_iac.render.text import record

    console.out(record(_facts(remote), console.out_style))
    return 0


def _row(remote: RemoteSchedule) -> tuple[str, ...]:
    from halo_iac.fires import in_words
    from halo_iac.model.schedule import Spec

    spec = remote.spec()
    when = in_words(spec.cadence) if isinstance(spec, Spec) else spec.reason
    return (remote.title, _state(remote), when, remote.agent_id or "", remote.id)


def _state(remote: RemoteSchedule) -> str:
    if not remote.is_active:
        return "archived"
    if remote.is_paused_by_platform:
        return f"paused ({remote.pause_reason})"
    return "paused" if remote.wire.get("enabled") is False else "active"


def _facts(remote: RemoteSchedule) -> list[tuple[str, str]]:
    facts = []
    for name, value in remote.wire.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        facts.append((name, "" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown)))
    return facts
