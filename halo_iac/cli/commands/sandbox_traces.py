"""``halo sandbox load`` and ``tick``: traces and time for the local platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.runs.request import parse_instant
from halo_iac.cli.sandbox_link import error_hint, open_sandbox, start_empty
from halo_iac.cli.target import TargetOptions
from halo_iac.cli.traces.loading import (
    FileLoad,
    find_failure,
    format_nanoseconds,
    load_file,
    summarize,
    warn_without_agent,
)
from halo_iac.cli.traces.sources import find_traces
from halo_iac.errors import FileError, HaloError, InterruptedRun, RefusedError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.sandbox.protocol import SandboxError

if TYPE_CHECKING:
    from halo_iac.sandbox.firing import Fire
    from halo_iac.sandbox.ingest import Loaded
    from halo_iac.sandbox.platform import Sandbox

_MAX_AGENT_RANGE: Final = timedelta(days=90)
"""The widest range over which the platform lists agents (docs/protocol.md#procedures)."""


def load(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files of traces, folders or globs; - for standard input.")
    ],
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME", help="Agent of the traces in which no span names one.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first value that is not a span.")] = False,
    project: options.Project = None,
    file: options.File = None,
    _sandbox: options.SandboxAnywhere = False,
    sandbox_file: options.SandboxFile = None,
    json: options.Json = False,
) -> int:
    """Load traces into the sandbox.

    Reads HALO's JSON lines, OTLP as JSON, OpenInference as Phoenix exports it, and Langfuse's traces and observations:
    one value per line, one document, or a list; plain or gzipped. The content determines the format, not the name. In a
    folder, files ending in .json, .jsonl or .ndjson are read, also with .gz.

    Agents are identified as on the platform: by agent.id, then agent.name; --agent sets the agent of traces that name
    none, including traces loaded earlier. Values that are not spans are skipped. A file can be loaded again: existing
    spans are kept.

    \b
    Examples:
      halo sandbox load traces.jsonl
      halo sandbox load exports/ 'older/*.json.gz' --strict
      halo sandbox load otlp.json --agent checkout
      kubectl logs deploy/agent | halo sandbox load -
    """
    console: Console = ctx.obj
    console.prepare(json=json)
    target = TargetOptions(file, project, sandbox=True, sandbox_file=sandbox_file)
    found: list[FileLoad] = []
    names = find_traces(files)
    if agent is not None and not agent.strip():
        raise UsageError("--agent is empty", hint="name the agent, or remove it")
    with open_local_platform(console, target) as (platform, project_id, _):
        console.final_error = _interrupted(
            "the spans read so far were loaded",
            "run the same command again for the rest: spans that are there already are kept",
        )
        for name in names:
            found.append(load_file(console, platform, project_id, name, is_strict=strict, agent=agent))
            _print_result(console, found[-1], is_only=len(names) == 1)
            warn_without_agent(console, found[-1])
            if strict and found[-1].failure:
                break
        _print_next_command(console, [each.loaded for each in found if each.loaded])
    if console.wants_json and any(each.loaded and each.loaded.spans for each in found):
        console.print(document([each.wire() for each in found]))
    if failure := find_failure(found):
        raise failure
    return 0


def _interrupted(message: str, hint: str) -> Callable[[HaloError | None], HaloError]:
    """Return how a command ends that an interrupt leaves half done."""
    return lambda error: error or InterruptedRun(f"interrupted; {message}", hint=hint)


def tick(
    ctx: typer.Context,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="INSTANT", help="Move the sandbox's clock forward to this instant; default: now."
        ),
    ] = None,
    file: options.File = None,
    _sandbox: options.SandboxAnywhere = False,
    sandbox_file: options.SandboxFile = None,
    json: options.Json = False,
) -> int:
    """Move the sandbox's clock forward and fire due schedules.

    INSTANT is ISO 8601; a date is midnight UTC. Every fire up to it starts its run. The
    sandbox's clock stays ahead from then on; run `halo sandbox reset` to start
    again with the real time.

    \b
    Examples:
      halo sandbox tick
      halo sandbox tick --until 2027-01-01T00:00:00Z
    """
    console: Console = ctx.obj
    console.prepare(json=json)
    moment = None if until is None else parse_instant(until, "--until")
    with open_local_platform(console, TargetOptions(file, sandbox=True, sandbox_file=sandbox_file)) as (
        platform,
        _,
        path,
    ):
        console.final_error = _interrupted(
            "the sandbox's clock may have moved, and schedules may have fired",
            "run the same command again for the rest",
        )
        try:
            fires = platform.tick(moment)
        except ValueError as error:
            raise RefusedError(str(error), hint=start_empty(path)) from None
        if console.wants_json:
            console.print(document([_fire_fields(fire) for fire in fires]))
        else:
            console.print("".join(f"{_fire_line(console, fire)}\n" for fire in fires))
            console.log(f"{len(fires)} fired. The sandbox's clock is at {platform.now}.")
    return 0


@contextmanager
def open_local_platform(console: Console, target: TargetOptions) -> Iterator[tuple[Sandbox, str, Path]]:
    """Yield the sandbox, the project id, and the sandbox's file."""
    console.format_command = target.format_command
    with CommandContext(console, target) as context:
        project_id = context.connect_for_reading().project.id
        path = context.sandbox_path
        assert path is not None  # noqa: S101 - sandbox=True always has one
        with open_sandbox(path) as sandbox:
            try:
                yield sandbox, project_id, path
            except SandboxError as error:
                hint = f"the spans before it were loaded; {error_hint(error, path)}"
                raise FileError(str(error), hint=hint) from None


def _print_result(console: Console, found: FileLoad, *, is_only: bool) -> None:
    if not console.wants_json and (summary_line := summarize(console, found)):
        console.print(summary_line)
    if found.failure and not is_only:
        console.log(f"{found.failure}{f' ({found.hint})' if found.hint else ''}")


def _print_next_command(console: Console, loaded: Sequence[Loaded]) -> None:
    """Print how to analyse agents last seen before the longest range of a list, which have to be given by id."""
    oldest = (console.clock() - _MAX_AGENT_RANGE).timestamp() * 10**9
    names = {agent_id: name for each in loaded for (_, name), agent_id in each.agents.items()}
    for agent_id, (first, last) in {id_: period for each in loaded for id_, period in each.periods.items()}.items():
        if last < oldest:
            window = (
                "--window-start-at",
                format_nanoseconds(first),
                "--window-end-at",
                format_nanoseconds(last + 10**9),
            )
            who = console.err_style.safe(names[agent_id])
            unseen = f"{who} was last seen over {_MAX_AGENT_RANGE.days} days ago, so `halo agent list` does not show it"
            console.log(Hint("{}. To analyse it: {}", unseen, Command("report", "run", agent_id, *window)))


def _fire_line(console: Console, fire: Fire) -> str:
    outcome = "paused: its agent is gone" if fire.run_id is None else f"run {fire.run_id}"
    return f"{fire.at}  {outcome}  {console.out_style.safe(fire.title)}"


def _fire_fields(fire: Fire) -> dict[str, object]:
    return {"scheduleId": fire.schedule_id, "title": fire.title, "scheduledForAt": fire.at, "runId": fire.run_id}
