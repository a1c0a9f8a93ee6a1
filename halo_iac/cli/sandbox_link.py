"""The in-process sandbox; the only module where it meets the client (docs/architecture.md#sandbox)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from halo_iac.api.secret import Secret
from halo_iac.errors import FileError
from halo_iac.hints import Command, Hint
from halo_iac.paths import SANDBOX_FILE
from halo_iac.sandbox.protocol import NeverReply, NoAnswer, Request, SandboxError, ServerFailure

if TYPE_CHECKING:
    import httpx

    from halo_iac.api.transport import Transport
    from halo_iac.sandbox.platform import Sandbox


def open_sandbox(path: Path, *, any_project: bool = True, pace: float = 1.0) -> Sandbox:
    """Return the sandbox in a file, created if needed; raises a clear error if the file is not one.

    Without ``any_project`` it refuses unknown projects, as the platform does. ``pace`` is the number of real seconds
    per second of a run.
    """
    from halo_iac.sandbox.platform import Sandbox

    try:
        return Sandbox.open(path, any_project=any_project, pace=pace)
    except SandboxError as error:
        raise FileError(str(error), hint=error_hint(error, path)) from None


def error_hint(error: SandboxError, path: Path) -> str:
    """Return what to do about a sandbox that failed; a new file only helps if the file is at fault."""
    match error.failure:
        case ServerFailure.CONTENT if is_removable(path):
            return Hint("{}, or name another file with --sandbox-file", start_empty(path))
        case ServerFailure.CONTENT:
            return "name another file with --sandbox-file"
        case ServerFailure.SPACE:
            return "free space on its disk, or name a file on another one with --sandbox-file"
        case ServerFailure.ACCESS:
            return "check the permissions of the file and its folder, or name another file with --sandbox-file"
        case None:
            return "try again, or name another file with --sandbox-file"


def is_removable(path: Path) -> bool:
    """Return whether a file may be removed as a sandbox: it is one, or is damaged and at the default path.

    At another path an unreadable file may be anything, so the user has to remove it.
    """
    from halo_iac.sandbox.store.database import is_sandbox

    try:
        return is_sandbox(path)
    except SandboxError:
        return path.parts[-2:] == SANDBOX_FILE.parts and not path.parent.is_symlink()


def start_empty(path: Path) -> Hint:
    """Return the hint to remove exactly this file."""
    named = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return Hint("run `{}` to start with an empty sandbox", Command("sandbox", "reset", "--sandbox-file", str(named)))


def _embedded(sandbox: Sandbox) -> httpx.BaseTransport:
    from halo_iac.api.sandbox_transport import EmbeddedTransport

    def answer(
        method: str, url_path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            answered = sandbox.answer(Request(method, url_path, query, headers, body))
        except NeverReply:
            raise TimeoutError from None
        except NoAnswer:
            raise ConnectionResetError from None
        return answered.status, dict(answered.headers), answered.body

    return EmbeddedTransport(answer)


def sandbox_transport(sandbox: Sandbox, before_request: Callable[[], bool] | None = None) -> Transport:
    """Return a transport that passes every call to the sandbox in this process, without the user's key or a network."""
    from halo_iac.api.transport import Transport

    return Transport("http://localhost", Secret(sandbox.key), http=_embedded(sandbox), before_request=before_request)
