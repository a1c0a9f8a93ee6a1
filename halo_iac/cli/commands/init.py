"""``halo init``: a small commented project file to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext, TargetOptions
from halo_iac.errors import FileError, UsageError
from halo_iac.load.find import FILE_NAME
from halo_iac.storage.atomic import SCHEMA_FILE, write_new, write_schema
from halo_iac.storage.outputs import check_way

_HEAD: Final = """\
# yaml-language-server: $schema=./halo.schema.json
# HALO schedules as code. `halo validate` checks this file, `halo plan` shows what `halo apply` would do.
version: 1

# project: 2f6c1c5e-…      # left out: INF_PROJECT_ID, or the project you are signed in to with `inf`
# undeclared: report       # what becomes of schedules that no file declares: report (default) or archive

defaults:                  # for what an entry leaves out
  timezone: UTC
  lookback_hours: 24

"""

_ENTRY: Final = """\
  daily-review:            # the key: the name used by --target and in messages
    title: Daily review    # the title is the identity: `halo rename` changes it
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
        typer.Option("--agent", metavar="NAME", help="Write the example entry for this agent: its name or UUID."),
    ] = None,
    sandbox: options.SandboxAnywhere = False,
) -> int:
    """Write a small commented project file to start from.

    Its JSON Schema goes beside it, for the editor. Without --agent the example entry is commented out, so that nothing
    is created by accident. An existing file is never overwritten.

    \b
    Examples:
      halo init
      halo init --agent checkout
    """
    console: Console = ctx.obj
    context = CommandContext(console, TargetOptions(file))
    path = Path(context.named_file or FILE_NAME)
    if agent is not None and not agent.strip():
        raise UsageError("--agent is empty", hint="`halo agent list` shows the agents")
    check_way(path, context.cwd)
    if not write_new(path, console.redacted(_HEAD + _schedules(agent))):
        raise FileError(f"{path} exists and is left as it is", hint="name another file with --file")
    schema = f" and {SCHEMA_FILE} beside it" if write_schema(path.parent) else ""
    with console.after(f"{path} was written"):
        console.out(f"Wrote {path}{schema}.")
    where = " --sandbox" if sandbox else ""
    console.say(f"Next: `halo agent list{where}` shows the agents, `halo plan{where}` what would happen.")
    return 0


def _schedules(agent: str | None) -> str:
    if agent is None:
        commented = "".join(f"#{line[1:]}\n" for line in _ENTRY.format(agent="checkout").splitlines())
        return "schedules: {}            # put entries like this one in place of the braces\n" + commented
    return "schedules:\n" + _ENTRY.format(agent=json.dumps(agent, ensure_ascii=False))
