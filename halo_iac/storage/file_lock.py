"""One editor of a file at a time, on every system, without a file that is left behind."""

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

PATIENCE: Final = 60.0
"""Seconds to wait for others: each of them takes about one."""
_PAUSE: Final = 0.02
_LOCK: Final = ".halo-lock"


@contextmanager
def folder_lock(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep other commands from editing the files in the folder of ``path`` meanwhile, links followed.

    The folder is locked and not the file, in whose place an edit puts another. The system takes the lock away from a
    process that ends, however it ends. Raises :class:`~halo_iac.errors.FileError` after ``patience`` seconds.
    """
    folder = resolve_path(path).parent
    deadline = time.monotonic() + patience
    try:
        while (descriptor := _attempt(folder)) is None:
            if time.monotonic() > deadline:
                message = f"{path} was not changed: another command is still editing files in {folder}"
                raise FileError(message, hint="wait for that command to end, then run this one again")
            time.sleep(_PAUSE)
    except OSError:  # a folder that cannot be locked; that nothing has changed is checked before every write
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def _attempt(folder: Path) -> int | None:
    """Return a descriptor that holds the lock until it is closed; ``None`` where another process holds it."""
    if sys.platform == "win32":  # where a folder cannot be locked, but a file can go with the process that made it
        with suppress(FileExistsError, PermissionError):
            return os.open(folder / _LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY | os.O_NOINHERIT)
        return None
    import fcntl  # not on Windows

    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
