"""``halo init``: a small commented project file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.init.pipeline import CiHost, write_pipeline
from halo_iac.cli.init.questions import FirstEntry, ask_first_entry
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.load.find import FILE_NAME
from halo_iac.storage.atomic import write_new
from halo_iac.storage.outputs import check_links
from halo_iac.storage.schema_files import write_schemas
from halo_iac.text import format_lookback

_HEAD: Final = """\
# yaml-language-server: $schema=./halo.schema.json
# HALO schedules as code. `halo validate` checks this file, `halo plan` shows what `halo apply` would do.
version: 1

# project: 2f6c1c5e-…      # default: INF_PROJECT_ID, or the project you are signed in to with `inf`
# include: [team/*.yaml]   # more files, each with only `schedules:`; for your editor, start each with
#                          # # yaml-language-server: $schema=../halo.include.schema.json
# undeclared: report       # what to do with schedules that no file declares: report (default), archive or error

defaults:                  # for fields that an entry leaves out
  timezone: {timezone}
  lookback: {lookback}
  # enabled: true          # resume schedules paused by hand; if left out, they stay paused and plans list them

"""


def init(
    ctx: typer.Context,
    file: options.NewFile = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="NAME", help="Write the example entry for this agent (a name or UUID)."),
    ] = None,
    ci: Annotated[
        CiHost | None,
        typer.Option(
            "--ci", metavar="github|gitlab", help="Also write a pipeline that plans, applies and reports drift."
        ),
    ] = None,
    sandbox: options.Sandbox = False,
) -> int:
    """Write a small commented project file to start from.

    On a terminal and without --agent, asks for an agent, a cadence and a time zone. Also writes JSON Schemas of the
    file and of included files, for your editor. Without an agent the example entry is commented out, so that nothing is
    created by accident. An existing file is never overwritten.

    --ci writes workflows for GitHub, or .gitlab-ci.yml, pinned to the commit of this halo, into the repository; the
    project file may be there already.

    \b
    Examples:
      halo init
      halo init --agent checkout
      halo init --agent checkout --ci github
    """
    console: Console = ctx.obj
    target = TargetOptions(file, sandbox=sandbox)
    console.format_command = target.format_command
    context = CommandContext(console, target)
    path = Path(context.named_file or FILE_NAME)
    if agent is not None and not agent.strip():
        raise UsageError("--agent is empty", hint=Hint("run `{}` to see the agents", Command("agent", "list")))
    check_links(path, context.cwd)
    if not (ci is not None and path.exists()):
        with context:
            _write_project(context, path, agent)
    if ci is not None:
        written, kept, steps = write_pipeline(context, ci, path)
        if written:
            with console.after(f"{', '.join(written)} were written"):
                console.print(console.out_style.safe(f"Wrote {', '.join(written)}."))
        for name in kept:
            console.log(console.err_style.safe(f"{name} already exists; it was not overwritten."))
        console.log("\n".join(("For the pipeline:", *(f"- {step}" for step in steps))))
    return 0


def _write_project(context: CommandContext, path: Path, agent: str | None) -> None:
    console = context.console
    if path.exists():
        raise FileError(f"{path} already exists; it was not overwritten", hint="choose another file with --file")
    is_asked = agent is None and console.is_interactive
    entry = ask_first_entry(context) if is_asked else FirstEntry(agent)
    if not write_new(path, console.redacted(_format_project(entry))):
        raise FileError(f"{path} already exists; it was not overwritten", hint="choose another file with --file")
    try:
        schemas = " and ".join(write_schemas(path.parent))
    except FileError:  # a full disk, after which the same command should work
        path.unlink(missing_ok=True)
        raise
    with console.after(f"{path} was written"):
        console.print(console.out_style.safe(f"Wrote {path}{f', and {schemas} beside it' if schemas else ''}."))
    list_, plan = Command("agent", "list"), Command("plan")
    if is_asked and entry.agent is not None:
        console.log(Hint("Next: run `{}` to see what would change.", plan))
    else:
        console.log(Hint("Next: run `{}` to see the agents, then `{}` to see what would change.", list_, plan))


def _format_project(entry: FirstEntry) -> str:
    head = _HEAD.format(timezone=entry.timezone, lookback=format_lookback(entry.lookback_hours))
    if entry.agent is not None:
        return f"{head}schedules:\n{entry.yaml}"
    commented = "".join(f"#{line[1:]}\n" for line in entry.yaml.splitlines())
    return f"{head}schedules: {{}}            # replace the braces with entries like this one\n{commented}"
