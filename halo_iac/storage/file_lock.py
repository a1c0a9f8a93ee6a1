"""Lets one process at a time edit a file, on every system, without leaving a lock file behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from halo_iac.errors import FileError
from halo_iac.paths import resolve_path

TIMEOUT: Final = 60.0
"""Seconds to wait for the lock: an edit takes about one."""
_POLL_SECONDS: Final = 0.02
_LOCK_NAME: Final = ".halo-lock"


@contextmanager
def folder_lock(path: Path, timeout: float = TIMEOUT) -> Iterator[None]:
    """Lock the folder of ``path``, links followed, against edits by other commands.

    The folder is locked rather than the file, which an edit replaces. The system releases the lock of a process that
    ends for any reason. Raises :class:`~halo_iac.errors.FileError` after ``timeout`` seconds.
    """
    folder = resolve_path(path).parent
    deadline = time.monotonic() + timeout
    try:
        while (descriptor := _try_lock(folder)) is None:
            if time.monotonic() > deadline:
                message = f"{path} was not changed: another command is still editing files in {folder}"
                raise FileError(message, hint="wait for that command to end, then run this one again")
            time.sleep(_POLL_SECONDS)
    except OSError:  # this folder cannot be locked; every write still checks that the file is unchanged
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def _try_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock until it is closed; ``None`` if another process holds it."""
    if sys.platform == "win32":  # Windows cannot lock a folder, but deletes a file with the process that made it
        with suppress(FileExistsError, PermissionError):
            return os.open(folder / _LOCK_NAME, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY | os.O_NOINHERIT)
        return None
    import fcntl  # missing on Windows

    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
