"""The folder ``.halo``: what halo keeps on this machine, closed to others and hidden from git.

See docs/security.md#files-written.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

PRIVATE_FOLDER: Final = ".halo"


def make_private(folder: Path) -> None:
    """Make the folder if need be, with mode 0700 even if it is there already; raises :class:`OSError`.

    Never where a link leads: a checkout may hold one, to what is none of ours.
    """
    refuse_link(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_to_others(folder, 0o700)
    ignored = folder / ".gitignore"
    try:
        file = ignored.open("x", encoding="ascii")
    except FileExistsError:
        return
    try:
        with file:
            file.write("*\n")
    except OSError:  # a full disk: an empty one would stay, and hide nothing
        ignored.unlink(missing_ok=True)
        raise


def refuse_link(place: Path) -> None:
    """Raise :class:`OSError` where a link stands."""
    if place.is_symlink():
        raise OSError(errno.ELOOP, "a link, which is not followed; remove it", str(place))


def close_to_others(path: Path, mode: int) -> None:
    """Take away what others may do with something of ours that is there already."""
    if path.stat().st_mode & 0o077:
        path.chmod(mode)
