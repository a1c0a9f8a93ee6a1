"""``halo sandbox next-run``: sets how the next runs of the local platform end, to test a pipeline with each status."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.commands.sandbox_traces import open_local_platform
from halo_iac.cli.console import Console
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import UsageError
from halo_iac.load.suggestions.duration import read_duration
from halo_iac.render.json import document
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.sandbox.store.runs import NextEnding

_MAX_SECONDS: Final = 24 * 60 * 60
_MAX_RUNS: Final = 1000


class Ending(StrEnum):
    """How a run can be set to end: each final status (docs/protocol.md#run-status)."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    EXPORT_FAILED = "export_failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    NO_TRACES = "no_traces"


def next_run(
    ctx: typer.Context,
    ends: Annotated[
        Ending | None, typer.Option("--ends", metavar="STATUS", help=f"Final status: {', '.join(Ending)}.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="DURATION", help="Duration of the run, such as 10s; default: the usual one."),
    ] = None,
    times: Annotated[
        int | None,
        typer.Option("--times", metavar="N", min=1, max=_MAX_RUNS, help="Number of runs; default: 1."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="First remove earlier settings.")] = False,
    file: options.File = None,
    _sandbox: options.SandboxAnywhere = False,
    sandbox_file: options.SandboxFile = None,
    json: options.Json = False,
) -> int:
    """Choose how the next runs in the sandbox end.

    Applies to the next runs of any kind (one-off runs, retries, follow-ups, fires of schedules) and any project.
    Several settings apply one after the other; later runs complete. Without options, lists the settings.

    \b
    Examples:
      halo sandbox next-run --ends failed
      halo sandbox next-run --ends timed_out --after 10s --times 3
      halo sandbox next-run --clear
    """
    console: Console = ctx.obj
    console.prepare(json=json)
    if ends is None and (after is not None or times is not None):
        option = "--after" if after is not None else "--times"
        raise UsageError(f"{option} was given without --ends", hint="add --ends and a status, such as --ends failed")
    seconds = None if after is None else parse_duration(after, "--after")
    with open_local_platform(console, TargetOptions(file, sandbox=True, sandbox_file=sandbox_file)) as (platform, _, _):
        if clear:
            platform.clear_next_endings()
        if ends is not None:
            from halo_iac.sandbox.store.runs import OnFinish

            platform.end_next_runs(OnFinish(ends.value, after=seconds), times=times or 1)
        listed = platform.next_endings
    if console.wants_json:
        console.print(document([_fields(each) for each in listed]))
    else:
        console.print("\n".join(_lines(listed)) or "No endings are set; runs complete.")
    return 0


def parse_duration(text: str, option: str) -> float:
    """Return a duration such as ``30s`` or ``1m30s`` in seconds; up to a day."""
    found = read_duration(text)
    if found is None or found.months or found.seconds > _MAX_SECONDS:
        hint = "use a form such as 30s, 2m or 1h30m; at most 24h"
        raise UsageError(f"{option} {text} is not a duration that a run can take", hint=hint)
    return float(found.seconds)


def _lines(endings: list[NextEnding]) -> list[str]:
    lines = []
    for first, (ending, times) in zip(("Next", *["Then"] * len(endings)), endings, strict=False):
        after = "" if ending.after is None else f", {ending.after:g}s after the start"
        lines.append(f"{first} {counted(times, 'run')}: {ending.status}{after}")
    return lines


def _fields(each: NextEnding) -> dict[str, object]:
    return {"ends": each.ending.status, "afterSeconds": each.ending.after, "times": each.times}
