"""``halo mcp``: a Model Context Protocol server on standard input and output."""

from __future__ import annotations

import gc
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.signals import ending_signals
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import HaloError

_LAST_RESPONSE_SECONDS: Final = 30.0
"""Seconds to wait for the response of a costly call after the client has ended."""
_SHUTDOWN_SECONDS: Final = 5.0
"""Seconds after a signal until the process is ended, since a client that does not read could block it."""
_PACKAGE: Final = "'mcp>=2.3,<3'"
_LIBRARIES: Final = frozenset({"mcp", "mcp_types", "anyio"})


def mcp(
    ctx: typer.Context,
    allow_runs: Annotated[
        bool, typer.Option("--allow-runs", help="Also offer tools that cost money: start_halo_run and ask_halo.")
    ] = False,
    file: options.File = None,
    checkout: options.Checkout = None,
    project: options.Project = None,
    team: options.Team = None,
    sandbox: options.Sandbox = False,
    sandbox_file: options.SandboxFile = None,
) -> int:
    """Serve reports and traces to a coding assistant.

    A Model Context Protocol server on stdin and stdout, started by the assistant's client; docs/mcp.md has the
    configuration for each client. It is read-only unless --allow-runs is given, and never applies changes. It needs the
    extra `mcp`, and without it prints the command that installs it.

    \b
    Examples:
      halo mcp
      halo mcp --sandbox
      halo mcp --file envs/prod/halo.yaml --allow-runs
    """
    console: Console = ctx.obj
    target = TargetOptions(file, project, team, sandbox, sandbox_file, checkout)
    console.prepare(json=False, format_command=target.format_command)
    with CommandContext(console, target):  # so that invalid options are an error now, not in every call
        serve = _import_server()
    from halo_iac.cli.mcp_host import McpHost

    gc.enable()  # garbage collection is off in other commands; this one runs for hours
    logging.getLogger().addHandler(_ToConsole(console))
    host = McpHost(console, target, allows_runs=allow_runs)
    if console.is_interactive:
        console.log("An MCP client starts this command and sends JSON-RPC to its stdin; press Ctrl-C to stop it.")
    serve(host, _take_stdin(), _stop_on_signals)
    host.finish(_LAST_RESPONSE_SECONDS)
    return 0


def _import_server() -> Callable[..., None]:
    """Return the function that serves; the error without the SDK, or with an old one, says how to install it."""
    try:
        from halo_iac.mcp.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        message = "`halo mcp` needs the Python package mcp 2.3 or newer, which is not installed"
        raise HaloError(message, hint=f"run `{installing_command(Path(sys.prefix))}`") from None
    return serve


def installing_command(prefix: Path) -> str:
    """Return the command that installs the SDK, for the tool that created the virtual environment."""
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx inject halo-iac {_PACKAGE}"
    python = shlex.quote(sys.executable)
    if (prefix / "uv-receipt.toml").exists() or find_spec("pip") is None:
        return f"uv pip install --python {python} {_PACKAGE}"
    return f"{python} -m pip install {_PACKAGE}"


def _take_stdin() -> TextIO:
    """Return standard input for the protocol, and replace it, so that child processes such as git cannot read it."""
    lines = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lines


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """End on signals as after the last line of the client; end the process if that takes too long."""

    def end(*_: object) -> None:
        last = threading.Timer(_SHUTDOWN_SECONDS, os._exit, (0,))
        last.daemon = True
        last.start()
        stop()

    for number in ending_signals():
        signal.signal(number, end)


class _ToConsole(logging.Handler):
    """Writes log records of libraries to standard error, one line each, without tracebacks and keys."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._console.log(self._console.err_style.safe(f"{record.name}: {record.getMessage()}"))
