"""The checkout: the working tree of the repository that contains a project file; a branch decides its content."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from halo_iac.paths import resolve_path

if sys.platform != "win32":
    import pwd

_MAX_GIT_FILE_BYTES: Final = 8192
"""Bytes of a file `.git`, which holds one path."""
_INDEX_VERSION_2: Final = b"DIRC\0\0\0\x02"
"""The first bytes of an index of version 2."""


def find_checkout(project_file: Path, *, of_any_owner: bool = False) -> Path | None:
    """Return the checkout that contains a project file, as a path without links; ``None`` if there is none.

    It is the nearest folder above the file that has ``.git`` and the same owner as the file's folder: on a shared
    machine, anyone may own a folder further up. ``of_any_owner`` omits that check, because git has its own
    (``safe.directory``): in a container, the runner's folder and the files checked out in it have different owners. The
    file need not exist. If it is a link, the link is not followed: a branch could make it lead into another checkout.
    """
    folder = resolve_path(project_file.parent)
    folders = (folder, *folder.parents)
    holding = (each for each in folders if (each / ".git").exists())
    if of_any_owner:
        return next(holding, None)
    owned_by = next((uid for each in folders if (uid := find_owner(each)) is not None), None)
    return next((each for each in holding if find_owner(each) == owned_by), None)


def find_superproject(checkout: Path) -> Path | None:
    """Return the checkout that contains a submodule; ``None`` if this is not a submodule.

    A branch of the outer checkout decides which repository and commit the submodule is.
    """
    outer = find_checkout(checkout, of_any_owner=True)
    inner_git, outer_git = find_git_folder(checkout), None if outer is None else find_git_folder(outer)
    is_submodule = inner_git is not None and outer_git is not None and inner_git.is_relative_to(outer_git / "modules")
    return outer if is_submodule else None


def find_outermost_checkout(checkout: Path) -> Path:
    """Return the outermost checkout around nested submodules; the checkout itself if it is not one."""
    while (outer := find_superproject(checkout)) is not None:
        checkout = outer
    return checkout


def may_be_committed(path: Path, checkout: Path) -> bool:
    """Return whether a branch may contain a file: the file, or a link on the way to it, is in the checkout.

    Files of the account's home folder do not count if the checkout is that folder, or contains it, and the folder has
    no ``.git`` of its own: a user may keep a project file in their home folder. The home is that of the user database.
    """
    written = Path(os.path.abspath(path))  # noqa: PTH100 - with its links, each of which may be in the checkout
    if not any(resolve_path(each).is_relative_to(checkout) for each in (path, written, *written.parents)):
        return False
    own = _account_home()
    is_own = own is not None and (written.is_relative_to(own) or resolve_path(path).is_relative_to(own))
    return own is None or not is_own or not own.is_relative_to(checkout) or (own / ".git").exists()


def _account_home() -> Path | None:
    """Return the account's home folder, independent of ``HOME``; ``None`` if it has none."""
    try:
        if sys.platform == "win32":  # which has no such database
            return resolve_path(Path.home())
        return resolve_path(Path(pwd.getpwuid(os.getuid()).pw_dir))
    except (KeyError, RuntimeError):  # an account without an entry, as in some containers
        return None


def find_owner(folder: Path) -> int | None:
    """Return the user id of a folder's owner; ``None`` if the folder cannot be read."""
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def find_git_folder(checkout: Path) -> Path | None:
    """Return the git directory of a checkout, which a worktree has elsewhere; ``None`` if it cannot be determined."""
    named = checkout / ".git"
    try:
        if named.is_dir():
            return resolve_path(named)
        with named.open("rb") as file:
            line = file.read(_MAX_GIT_FILE_BYTES).decode("utf-8", "surrogateescape").rstrip("\r\n")
    except OSError:
        return None
    return resolve_path(checkout / line.removeprefix("gitdir: ")) if line.startswith("gitdir: ") else None


def is_shallow(checkout: Path) -> bool:
    """Return whether a clone has only the latest commits."""
    folder = find_git_folder(checkout)
    if folder is None:
        return False
    try:
        common = (folder / "commondir").read_text(encoding="utf-8").strip()  # a worktree shares its clone's
    except (OSError, ValueError):
        common = ""
    return (folder / common / "shallow").is_file()


def is_sparse(checkout: Path) -> bool | None:
    """Return whether git may have left files out of a checkout; ``None`` if only its index could tell.

    No git process is started: an index of version 2, which is the usual one, cannot mark a file as left out.
    """
    folder = find_git_folder(checkout)
    if folder is None:
        return False
    if (folder / "info" / "sparse-checkout").is_file():
        return True
    try:
        with (folder / "index").open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    return None if head > _INDEX_VERSION_2 else False
