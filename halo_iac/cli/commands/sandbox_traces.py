"""``halo sandbox load`` and ``tick``: traces and time for the local platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.sandbox_link import error_hint, open_sandbox, start_empty
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, RefusedError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.sandbox.protocol import SandboxError

if TYPE_CHECKING:
    from halo_iac.sandbox.firing import Fire
    from halo_iac.sandbox.ingest import BadLine, Loaded
    from halo_iac.sandbox.platform import Sandbox

_WIDEST: Final = timedelta(days=90)
"""The widest range over which the platform lists agents (docs/protocol.md#procedures)."""
_MOST_SAID: Final = 20
"""Bad lines of a file that are said one by one; a file of another kind has millions."""


def load(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="A file of traces, with one JSON span on each line.")
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is not a span.")] = False,
    project: options.Project = None,
    file: options.File = None,
    sandbox: options.SandboxAnywhere = False,  # noqa: ARG001 - it is the sandbox anyway
    sandbox_file: options.SandboxFile = None,
    json: options.Json = False,
) -> int:
    """Load traces, as HALO exports them, into the sandbox.

    Agents are identified as on the platform: by agent.id, then agent.name. A line
    that is not a span is skipped. A file can be loaded again: spans that were
    loaded before are kept.

    \b
    Examples:
      halo sandbox load traces.jsonl
      halo sandbox load monday.jsonl tuesday.jsonl --strict
    """
    console: Console = ctx.obj
    console.prepare(json=json)
    choice = TargetOptions(file, project, sandbox=True, sandbox_file=sandbox_file)
    loaded: list[Loaded] = []
    with opened(console, choice) as (platform, project_id, _):
        for path in files:
            loaded.append(_load(console, platform, project_id, path, is_strict=strict))
            if not console.wants_json:
                console.print(_summary(console, path, loaded[-1]))
        _say_how_to_analyse(CommandContext(console, choice), loaded)
    if console.wants_json:
        _out_json(console, [_load_json(path, each) for path, each in zip(files, loaded, strict=True)])
    return 0


def tick(
    ctx: typer.Context,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="INSTANT", help="Move the sandbox's clock forward to this instant; default: now."
        ),
    ] = None,
    file: options.File = None,
    sandbox: options.SandboxAnywhere = False,  # noqa: ARG001 - it is the sandbox anyway
    sandbox_file: options.SandboxFile = None,
    json: options.Json = False,
) -> int:
    """Move the sandbox's clock forward and fire due schedules.

    INSTANT is ISO 8601 with its zone. Every fire up to it starts its run. The
    sandbox's clock stays ahead from then on; run `halo sandbox reset` to start
    again with the real time.

    \b
    Examples:
      halo sandbox tick
      halo sandbox tick --until 2027-01-01T00:00:00Z
    """
    console: Console = ctx.obj
    console.prepare(json=json)
    instant = None if until is None else _instant(until)
    with opened(console, TargetOptions(file, sandbox=True, sandbox_file=sandbox_file)) as (platform, _, path):
        try:
            fires = platform.tick(instant)
        except ValueError as error:
            raise RefusedError(str(error), hint=start_empty(path)) from None
        if console.wants_json:
            _out_json(console, [_fire_json(fire) for fire in fires])
        else:
            console.print("".join(f"{_fire_line(console, fire)}\n" for fire in fires))
            console.log(f"{len(fires)} fired. The sandbox's clock is at {platform.now}.")
    return 0


@contextmanager
def opened(console: Console, choice: TargetOptions) -> Iterator[tuple[Sandbox, str, Path]]:
    """Give the sandbox, the id of the project that is meant, and the sandbox's file."""
    console.spell = choice.spell
    with CommandContext(console, choice) as context:
        project_id = context.connect_for_reading().project.id
        path = context.sandbox_path
        assert path is not None  # noqa: S101 - sandbox=True always has one
        with open_sandbox(path) as sandbox:
            try:
                yield sandbox, project_id, path
            except SandboxError as error:
                hint = f"the spans before it were loaded; {error_hint(error, path)}"
                raise FileError(str(error), hint=hint) from None


def _load(console: Console, platform: Sandbox, project_id: str, path: Path, *, is_strict: bool) -> Loaded:
    from halo_iac.sandbox.ingest import lines_of, read_spans

    bad: list[BadLine] = []

    def take_note(line: BadLine) -> bool:
        if len(bad) < _MOST_SAID and not is_strict:
            console.log(f"{_where(console, path, line)}; skipped")
        bad[_MOST_SAID:] = [line]
        return not is_strict

    try:
        with path.open("rb") as stream:
            loaded = platform.load(project_id, read_spans(lines_of(stream)), take_note)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", hint="check the path and its permissions") from None
    if bad and is_strict:
        hint = "the lines before it were loaded; remove --strict to skip it"
        raise FileError(_where(console, path, bad[-1]), hint=hint)
    if loaded.bad > _MOST_SAID:
        console.log(f"{path}: {loaded.bad - _MOST_SAID:,} more lines are not spans")
    if not loaded.spans:
        hint = "use HALO's format: one span, as a JSON object, on each line"
        raise FileError(f"{path} contains no spans", hint=hint)
    return loaded


def _where(console: Console, path: Path, bad: BadLine) -> str:
    return console.err_style.safe(f"{path}:{bad.number}: {bad.reason}")


def _summary(console: Console, path: Path, loaded: Loaded) -> str:
    """Return what a file held, and whose: an agent whose traces are old is in no list that the platform gives."""
    parts = [f"{loaded.spans:,} {'span' if loaded.spans == 1 else 'spans'}"]
    if loaded.added < loaded.spans:
        parts.append(f"{loaded.spans - loaded.added:,} of them already loaded")
    if loaded.bad:
        parts.append(f"{loaded.bad:,} bad {'line' if loaded.bad == 1 else 'lines'} skipped")
    lines = [f"{path}: {', '.join(parts)}"]
    if loaded.first is not None and loaded.last is not None:
        lines.append(f"  from {_at(loaded.first)} to {_at(loaded.last)}")
    lines += [f"  {agent_id}  {console.out_style.safe(name)}" for (_, name), agent_id in sorted(loaded.agents.items())]
    return "\n".join(lines)


def _say_how_to_analyse(context: CommandContext, loaded: Sequence[Loaded]) -> None:
    """Say how to analyse agents that were seen before the widest range of any list: no name finds them."""
    console, oldest = context.console, (context.console.clock() - _WIDEST).timestamp() * 10**9
    names = {agent_id: name for each in loaded for (_, name), agent_id in each.agents.items()}
    for agent_id, (first, last) in {id_: spell for each in loaded for id_, spell in each.seen.items()}.items():
        if last < oldest:
            window = ("--window-start-at", _at(first), "--window-end-at", _at(last + 10**9))
            who = console.err_style.safe(names[agent_id])
            unseen = f"{who} was last seen over {_WIDEST.days} days ago, so `halo agent list` does not show it"
            console.log(Hint("{}. To analyse it: {}", unseen, Command("report", "run", agent_id, *window)))


def _load_json(path: Path, loaded: Loaded) -> dict[str, object]:
    agents = [
        {"id": agent_id, "identitySource": source, "identityValue": name}
        for (source, name), agent_id in sorted(loaded.agents.items())
    ]
    counts = {"spans": loaded.spans, "added": loaded.added, "skipped": loaded.bad}
    return {"file": str(path), **counts, "agents": agents}


def _at(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _fire_line(console: Console, fire: Fire) -> str:
    outcome = "paused: its agent is gone" if fire.run_id is None else f"run {fire.run_id}"
    return f"{fire.at}  {outcome}  {console.out_style.safe(fire.title)}"


def _fire_json(fire: Fire) -> dict[str, object]:
    return {"scheduleId": fire.schedule_id, "title": fire.title, "scheduledForAt": fire.at, "runId": fire.run_id}


def _out_json(console: Console, value: Sequence[dict[str, object]]) -> None:
    console.print(document(value))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"--until {text} is not an instant with a time zone", hint="use a form such as 2027-01-01T00:00:00Z"
        )
    return found
