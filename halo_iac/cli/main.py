"""The start of every command and the only error boundary: every failure becomes one message and one exit code."""

from __future__ import annotations

import gc
import os
import sys
from itertools import pairwise

from halo_iac import exit_codes
from halo_iac.version import full_version

TYPE_CHECKING = False  # type checkers know the name; importing typing would make --version a fifth slower
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from halo_iac.cli.console import Console
    from halo_iac.errors import HaloError

_COMPLETION = "_HALO_COMPLETE"
"""The environment variable with which a shell requests completions, or typer the completion script."""


def run() -> NoReturn:
    """Run the process's command line and exit with its code."""
    # A command keeps nearly all objects until its end, so garbage collection would find little and take up to two
    # thirds of a plan's time. Commands that run for hours enable it again.
    gc.disable()
    if os.environ.get(_COMPLETION, "").startswith("complete_"):
        from halo_iac.cli.completion import answer

        code = answer(os.environ)
        _flush()
        os._exit(code)
    # To find its plugins, pydantic would read the metadata of all installed packages; halo needs none.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "1"
    if sys.argv[1:] != ["--version"]:
        from halo_iac.cli.signals import treat_signals_as_interrupt

        treat_signals_as_interrupt()
    try:
        code = main(sys.argv[1:])
        _flush()
    except KeyboardInterrupt:  # before the command has started, or after it has reported its outcome
        code = exit_codes.INTERRUPTED
    # The system frees the memory at once; Python would free every object, which takes a tenth of the time of a plan of
    # 10,000 schedules. Also, a thread that still waits for the platform would fail while Python shuts down.
    os._exit(code)


def main(argv: Sequence[str], console: Console | None = None) -> int:
    """Run one command and return its exit code (docs/cli.md#exit-codes); prints every error, raises none."""
    if list(argv) == ["--version"] and console is None:
        return _print_version()
    from halo_iac.cli.console import Console

    console = console or Console.of_process()
    console.wants_json = _asks_for_json(argv)
    collects_garbage = gc.isenabled()
    try:
        return _dispatch(argv, console)
    except BrokenPipeError:
        return exit_codes.FAILED  # the pipe was closed by its reader
    finally:
        if collects_garbage:
            gc.enable()  # making a plan turns garbage collection off


def _print_version() -> int:
    """Print the version before anything is imported, since pipelines do so often; return the exit code."""
    try:
        sys.stdout.write(f"halo {full_version()}\n")
        sys.stdout.flush()
    except (OSError, AttributeError):  # a full disk, a closed pipe; no standard output at all
        return exit_codes.FAILED
    return exit_codes.OK


def _dispatch(argv: Sequence[str], console: Console) -> int:
    import typer

    cause: HaloError | None = None
    try:
        try:
            return _invoke(argv, console)
        except typer.Exit as leaving:
            return leaving.exit_code
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
            cause = to_halo_error(error, argv)
            return _report(cause, console)
        except KeyboardInterrupt:
            return _report(None, console)
    except KeyboardInterrupt:  # another interrupt, before the message was written
        return _report(cause, console)


def _report(cause: HaloError | None, console: Console) -> int:
    """Print the error that a command ends with, ``None`` being an interrupt, and return its exit code."""
    error = console.final_error(cause)
    console.print_error(error)
    return error.exit_code


def _invoke(argv: Sequence[str], console: Console) -> int:
    """Run the command without typer's own loop, which handles Ctrl-C and closed pipes in its own way."""
    from halo_iac.cli.app import built_command, command_line

    if _COMPLETION in console.env:
        command_line()(list(argv), prog_name="halo")
    command = built_command(argv[0] if argv else "--help")
    with command.make_context("halo", list(argv), obj=console) as context:
        result = command.invoke(context)
    return result if isinstance(result, int) else 0


def _asks_for_json(argv: Sequence[str]) -> bool:
    """Return whether the arguments request JSON; used before parsing, so that a wrong option is reported as JSON."""
    words = [*argv[: list(argv).index("--")]] if "--" in argv else [*argv]
    return bool({"--json", "--format=json"}.intersection(words)) or ("--format", "json") in pairwise(words)


def to_halo_error(error: Exception, argv: Sequence[str] = ()) -> HaloError:
    """Return the exception that ended a command as an error with a message and an exit code."""
    from typer.exceptions import TyperException

    from halo_iac.errors import HaloError

    if isinstance(error, HaloError):
        return error
    if isinstance(error, TyperException):
        from halo_iac.cli.usage import usage_error

        return usage_error(error, argv)
    if isinstance(error, MemoryError):
        return HaloError("out of memory", hint="free some memory, or raise its limit (`ulimit -v`), and run again")
    return _os_error(error) if isinstance(error, OSError) else _internal_error(error)


def _os_error(error: OSError) -> HaloError:
    """Return the error for an unexpected failure of the operating system, such as a file name that is too long."""
    from halo_iac.errors import FileError

    place = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else "input or output"
    hint = "check the path, its permissions and the free space of its disk"
    return FileError(f"{place}: {error.strerror or type(error).__name__}", hint=hint)


def _internal_error(error: BaseException) -> HaloError:
    """Return an internal error without the exception's text, which may contain a key.

    See docs/security.md#keys.
    """
    from halo_iac.errors import HaloError

    trace = error.__traceback__
    place = ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("halo_iac"):
            place = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    hint = "report it with the command and the version (`halo --version`)"
    return HaloError(f"internal error: {type(error).__name__}{place}", hint=hint)


def _flush() -> None:
    """Flush the streams, as Python does at exit, but ignore a closed pipe."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, or None
            continue
