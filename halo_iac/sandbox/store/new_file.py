"""The file of a new sandbox, and the folder it is in."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from halo_iac.paths import PRIVATE_FOLDER, make_private_folder, restrict_permissions
from halo_iac.sandbox.protocol import SandboxError, ServerFailure

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def create_file(path: Path, content: Callable[[], bytes]) -> None:
    """Create a missing file with the content, and its folder; a folder named ``.halo`` is made private and git-ignored.

    The file may still be empty: if it cannot be created with its content, or another process is creating it. See
    docs/security.md#files-written. No part of the path in ``.halo`` may be a link: a hostile checkout could use one to
    make halo write outside the folder.
    """
    folder = path.parent
    is_ours = folder.name == PRIVATE_FOLDER
    for part in (folder, path) if is_ours else ():
        if part.is_symlink():
            raise SandboxError(f"{part}: it is a symbolic link; remove it")
    try:
        if is_ours:
            make_private_folder(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        failure = ServerFailure.SPACE if error.errno in _FULL else ServerFailure.ACCESS
        raise SandboxError(f"{folder}: the sandbox's folder cannot be created: {error.strerror}", failure) from error
    if not path.exists():
        # Made before SQLite makes it, with the mode that its journals take over: they hold prompts as well.
        _create_whole(path, content())
    if is_ours and path.is_file():
        with suppress(OSError):  # its folder is private already
            restrict_permissions(path, 0o600)


def _create_whole(path: Path, content: bytes) -> None:
    """Create the file so that others see all of its content or no file; if that fails, create an empty one.

    A file that exists by now is left as it is; if none can be created, SQLite reports why. It is not synced, which may
    take longer than the rest of a command: after a power cut a new sandbox may be empty, and is made anew.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        try:
            with open(draft, "xb", opener=_private) as file:
                file.write(content)
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError:  # no room, or a file system without hard links
        with suppress(OSError):
            os.close(_private(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def _private(path: Path | str, flags: int) -> int:
    return os.open(path, flags, 0o600)
