"""``halo sandbox``: the local platform."""

from __future__ import annotations

import gc
import shlex
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.commands import sandbox_next_run, sandbox_traces
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.sandbox_link import is_removable, open_sandbox
from halo_iac.cli.signals import ending_signals
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, ProjectError, ProjectNotFound, RefusedError

if TYPE_CHECKING:
    from halo_iac.sandbox.platform import Sandbox

_HELP = """Run a HALO platform on this machine: no key, no cost.

Other commands use it with --sandbox.

\b
Examples:
  halo sandbox serve
  halo sandbox load traces.jsonl
  halo sandbox next-run --ends failed
  halo sandbox reset --yes
"""

group = typer.Typer(name="sandbox", help=_HELP, rich_markup_mode=None)

_PORT: Final = 8787
_DEFAULT_SECONDS: Final = 3
"""How long a run takes at the pace of 1, as --run-time's help says."""


@group.command("serve")
def serve(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port to listen on; 0 chooses a free one.")
    ] = _PORT,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="NAME", help="Host name to accept besides localhost; can be repeated."),
    ] = None,
    run_time: Annotated[
        str | None,
        typer.Option("--run-time", metavar="DURATION", help="How long a run takes, such as 30s; default: 3s."),
    ] = None,
    file: options.File = None,
    _sandbox: options.SandboxAnywhere = False,
    sandbox_file: options.SandboxFile = None,
) -> int:
    """Serve the sandbox on loopback, for `inf` and other clients.

    The first three lines on stdout are `export` commands that point a shell at it. Press Ctrl-C to stop it. It has the
    project named in the project file, a demo project, and the projects created with --sandbox. The host of requests
    must be localhost or a name given with --host, such as a container's name for this machine.

    \b
    Examples:
      halo sandbox serve
      halo sandbox serve --port 0 --sandbox-file other.db
      halo sandbox serve --run-time 30s
    """
    console: Console = ctx.obj
    pace = 1.0 if run_time is None else sandbox_next_run.parse_duration(run_time, "--run-time") / _DEFAULT_SECONDS
    path = _find_path(console, file, sandbox_file)
    from halo_iac.sandbox.demo import DEMO_PROJECT_ID

    project_id = _find_project_id(console, file) or DEMO_PROJECT_ID
    gc.enable()  # garbage collection is off in other commands; this one runs for days
    with open_sandbox(path, any_project=False, pace=pace) as platform, _serve_on(port, platform, host or ()) as url:
        platform.ensure_project(project_id)
        exports = (
            f"export INF_API_URL={url}",
            f"export INF_API_KEY={platform.key}",
            f"export INF_PROJECT_ID={shlex.quote(project_id)}",
        )
        # Signals are handled before any client can know that it runs; unlike an event, a queue can be filled by a
        # handler whatever the waiting thread is doing.
        signals: SimpleQueue[int] = SimpleQueue()
        for number in ending_signals():
            signal.signal(number, lambda number, _: signals.put(number))
        console.print("\n".join(exports), redact=False)
        console.log(console.err_style.safe(f"Serving sandbox {path} on {url}; press Ctrl-C to stop."))
        while True:
            with suppress(Empty):
                signals.get(timeout=1)  # a wait without a limit is not interrupted on every system
                return 0


@group.command("reset")
def reset(
    ctx: typer.Context,
    yes: options.Yes = False,
    file: options.File = None,
    _sandbox: options.SandboxAnywhere = False,
    sandbox_file: options.SandboxFile = None,
) -> int:
    """Delete the sandbox and everything in it.

    The next command creates a new one.

    \b
    Examples:
      halo sandbox reset
      halo sandbox reset --yes
    """
    console: Console = ctx.obj
    path = _find_path(console, file, sandbox_file)
    if not path.exists():
        console.print(console.out_style.safe(f"No sandbox exists at {path}; nothing was removed."))
        return 0
    if not is_removable(path):  # no sandbox has written it, such as `--sandbox-file halo.yaml`
        hint = "name the sandbox file with --sandbox-file, or remove this file by hand"
        raise FileError(f"{path} is not recognised as a sandbox file; it was not removed", hint=hint)
    question = console.err_style.safe(f"Remove {path}")
    if not yes and not (console.is_interactive and console.confirms(question)):
        raise RefusedError(f"{path} was not removed", hint="answer `yes`, or pass --yes")
    _remove(path)
    console.print(console.out_style.safe(f"Removed {path}."))
    return 0


group.command("load")(sandbox_traces.load)
group.command("tick")(sandbox_traces.tick)
group.command("next-run")(sandbox_next_run.next_run)


@contextmanager
def _serve_on(port: int, sandbox: Sandbox, hosts: Iterable[str]) -> Iterator[str]:
    """Within the block, serve the sandbox; yield its base URL."""
    from halo_iac.sandbox.server import serve as serve_sandbox

    with ExitStack() as stack:
        try:
            server = stack.enter_context(serve_sandbox(sandbox, port=port, hosts=hosts))
        except OSError as error:
            hint = "choose another --port, or 0 for a free one"
            raise FileError(f"the sandbox cannot listen on port {port}: {error.strerror}", hint=hint) from None
        yield server.url


def _remove(path: Path) -> None:
    """Delete the sandbox file, unless another process has it open."""
    from halo_iac.sandbox.store.database import is_in_use

    if is_in_use(path):
        hint = "stop the `halo sandbox serve` or other command that uses it first"
        raise FileError(f"{path} is in use; it was not removed", hint=hint)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise FileError(
                f"{path}: {error.strerror}", hint="check whether a `halo sandbox serve` is still running"
            ) from None


def _find_project_id(console: Console, file: str | None) -> str | None:
    """Return the project that the project file names; a file with problems is ignored."""
    try:
        project = CommandContext(console, TargetOptions(file, sandbox=True)).project_if_any()
    except ProjectNotFound:
        return None
    except ProjectError as error:
        console.log(f"{console.err_style.safe(error.problems[0].path)} has problems, so its project was not added.")
        return None
    return None if project is None else project.project_id


def _find_path(console: Console, file: str | None, sandbox_file: str | None) -> Path:
    path = CommandContext(console, TargetOptions(file, sandbox=True, sandbox_file=sandbox_file)).sandbox_path
    assert path is not None  # noqa: S101 - sandbox=True always has one
    return path
