"""The start of every command and the only error boundary: whatever happens, one clear message and one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from halo_iac import __version__

if TYPE_CHECKING:
    from halo_iac.cli.console import Console
    from halo_iac.errors import HaloError

_INTERRUPTED: Final = 130
_FAILED: Final = 1


def run() -> NoReturn:
    """Run the process's command line and exit with its code."""
    code = main(sys.argv[1:])
    sys.exit(code)


def main(argv: Sequence[str], console: Console | None = None) -> int:
    """Run one command and return its exit code (design §8); prints every error, raises none."""
    if list(argv) == ["--version"]:
        # Before anything is imported: pipelines ask this often, and it should cost what Python costs.
        sys.stdout.write(f"halo {__version__}\n")
        return 0
    from halo_iac.cli.console import Console

    console = console or Console.of_process()
    console.wants_json = "--json" in argv
    try:
        return _dispatch(argv, console)
    except BrokenPipeError:
        _silence_stdout()
        return _FAILED
    except KeyboardInterrupt:
        console.err("Interrupted.")
        return _INTERRUPTED


def _dispatch(argv: Sequence[str], console: Console) -> int:
    from typer.exceptions import TyperException

    from halo_iac.cli.app import app
    from halo_iac.errors import HaloError, UsageError

    try:
        result = app(list(argv), standalone_mode=False, prog_name="halo", obj=console)
    except HaloError as error:
        return _report(error, console)
    except TyperException as error:
        return _report(UsageError(error.format_message().rstrip("."), hint=_usage_hint(error)), console)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a mistake of ours must not look like one of theirs
        return _report(_mistake(error), console)
    return result if isinstance(result, int) else 0


def _report(error: HaloError, console: Console) -> int:
    if console.wants_json:
        from halo_iac.render.json import error_json

        console.err(error_json(error))
    else:
        from halo_iac.render.problems import error_text

        console.err(error_text(error, console.err_style))
    return error.exit_code


def _usage_hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", None) or "halo"
    return f"`{path} --help` shows how it is used"


def _mistake(error: Exception) -> HaloError:
    """Return a mistake of ours as an error; foreign text is left out, since it may hold anything (design §10)."""
    from halo_iac.errors import HaloError

    trace = error.__traceback__
    place = ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("halo_iac"):
            place = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    hint = "please report it with the command and the version (`halo --version`)"
    return HaloError(f"halo made a mistake: {type(error).__name__}{place}", hint=hint)


def _silence_stdout() -> None:
    """Point standard output nowhere, so that Python's own flush at exit has nobody left to fail on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
