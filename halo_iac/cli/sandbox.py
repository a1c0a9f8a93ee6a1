"""``halo sandbox``: the local platform."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.workplace import Choice, Workplace
from halo_iac.errors import FileError

group = typer.Typer(
    name="sandbox", help="A HALO platform on this machine: no key, no network, no cost.", rich_markup_mode=None
)

_PORT = 8787


@group.command("serve")
def serve(
    ctx: typer.Context,
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes any free one.")] = _PORT,
    file: options.File = None,
    sandbox_file: options.SandboxFile = None,
) -> int:
    """Serve the sandbox on loopback, for `inf` and for anything else that speaks HALO's protocol.

    The first three lines on stdout are the exports that point a shell at it. Ctrl-C ends it.

    \b
    Examples:
      halo sandbox serve
      halo sandbox serve --port 0 --sandbox-file /tmp/other.db
    """
    console: Console = ctx.obj
    path = _path(console, file, sandbox_file)
    from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID
    from halo_iac.sandbox.platform import Sandbox
    from halo_iac.sandbox.serve import serve as serving

    try:
        with serving(Sandbox.open(path), port=port) as server:
            console.out(
                f"export INF_API_URL={server.url}\n"
                f"export INF_API_KEY={DEMO_KEY}\n"
                f"export INF_PROJECT_ID={DEMO_PROJECT_ID}"
            )
            console.err(f"Sandbox {path} on {server.url}; Ctrl-C ends it.")
            _wait_for_a_signal()
    except OSError as error:
        raise FileError(
            f"the sandbox cannot listen on port {port}: {error.strerror}", hint="another --port, or 0 for any free one"
        ) from None
    return 0


@group.command("reset")
def reset(
    ctx: typer.Context,
    yes: options.Yes = False,
    file: options.File = None,
    sandbox_file: options.SandboxFile = None,
) -> int:
    """Forget everything the sandbox holds; the next command starts with a new one.

    \b
    Examples:
      halo sandbox reset
      halo sandbox reset --yes
    """
    console: Console = ctx.obj
    path = _path(console, file, sandbox_file)
    if not path.exists():
        console.out(f"There is no sandbox at {path}.")
        return 0
    if not yes and not _is_confirmed(console, path):
        console.err("Nothing was changed.")
        return 3
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}", hint="is a `halo sandbox serve` still running?") from None
    console.out(f"Removed {path}.")
    return 0


def _path(console: Console, file: str | None, sandbox_file: str | None) -> Path:
    path = Workplace(console, Choice(file, sandbox=True, sandbox_file=sandbox_file)).sandbox_path
    assert path is not None  # noqa: S101 - sandbox=True always has one
    return path


def _is_confirmed(console: Console, path: Path) -> bool:
    return console.is_interactive and console.ask(f"Remove {path}? Only `yes` goes on: ").lower() in {"yes", "y"}


def _wait_for_a_signal() -> None:
    import threading

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    while not ended.wait(1):
        pass
