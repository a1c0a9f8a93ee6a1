"""``halo init``: a small commented project file to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.load.find import FILE_NAME
from halo_iac.storage.atomic import write_new
from halo_iac.storage.outputs import check_way
from halo_iac.storage.schema_files import write_schemas

_HEAD: Final = """\
# yaml-language-server: $schema=./halo.schema.json
# HALO schedules as code. `halo validate` checks this file, `halo plan` shows what `halo apply` would do.
version: 1

# project: 2f6c1c5e-…      # default: INF_PROJECT_ID, or the project you are signed in to with `inf`
# include: [team/*.yaml]   # further files, each holding only `schedules:`; such a file begins, for your editor, with
#                          # # yaml-language-server: $schema=../halo.include.schema.json
# undeclared: report       # what to do with schedules that no file declares: report (default), archive or error

defaults:                  # for fields that an entry leaves out
  timezone: UTC
  lookback_hours: 24
  # enabled: true          # resume what is paused by hand; left out, it stays paused and every plan lists it

"""

_ENTRY: Final = """\
  daily-review:            # the key: the name used by --target and in messages
    title: Daily review    # identifies the schedule; change it with `halo rename`
    agent: {agent}
    frequency: daily       # hourly, daily, weekly or monthly
    at: "09:00"
    prompt: |
      What went wrong in the last day, how often, and what would fix it?
"""


def init(
    ctx: typer.Context,
    file: options.NewFile = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="NAME", help="Write the example entry for this agent (a name or UUID)."),
    ] = None,
    sandbox: options.SandboxAnywhere = False,
) -> int:
    """Write a small commented project file to start from.

    JSON Schemas of it and of included files are written beside it, for your editor. Without --agent the example entry
    is commented out, so that nothing is created by accident. An existing file is never overwritten.

    \b
    Examples:
      halo init
      halo init --agent checkout
    """
    console: Console = ctx.obj
    target = TargetOptions(file, sandbox=sandbox)
    console.spell = target.spell
    context = CommandContext(console, target)
    path = Path(context.named_file or FILE_NAME)
    if agent is not None and not agent.strip():
        raise UsageError("--agent is empty", hint=Hint("run `{}` to see the agents", Command("agent", "list")))
    check_way(path, context.cwd)
    if not write_new(path, console.redacted(_HEAD + _schedules(agent))):
        raise FileError(f"{path} already exists; it was not overwritten", hint="choose another file with --file")
    schemas = " and ".join(write_schemas(path.parent))
    with console.after(f"{path} was written"):
        console.print(f"Wrote {path}{f', and {schemas} beside it' if schemas else ''}.")
    list_, plan = Command("agent", "list"), Command("plan")
    console.log(Hint("Next: run `{}` to see the agents, then `{}` to see what would change.", list_, plan))
    return 0


def _schedules(agent: str | None) -> str:
    if agent is None:
        commented = "".join(f"#{line[1:]}\n" for line in _ENTRY.format(agent="checkout").splitlines())
        return "schedules: {}            # replace the braces with entries like this one\n" + commented
    return "schedules:\n" + _ENTRY.format(agent=json.dumps(agent, ensure_ascii=False))
