"""The checkout: the working tree of a repository that a project file lies in, whose content a branch decides."""

from __future__ import annotations

from pathlib import Path

from halo_iac.links import followed


def find_checkout(project_file: Path) -> Path | None:
    """Return the checkout of a project file, whether that is there or not: a path without links, ``None`` for none.

    It is the nearest folder above the file that holds ``.git`` and belongs to who owns the file's folder: on a shared
    machine a folder further up may be anyone's. A link in the place of the file itself is not followed, since a branch
    could make it lead into another checkout.
    """
    folder = followed(project_file.parent)
    folders = (folder, *folder.parents)
    owned_by = next((uid for each in folders if (uid := owner(each)) is not None), None)
    return next((each for each in folders if (each / ".git").exists() and owner(each) == owned_by), None)


def owner(folder: Path) -> int | None:
    """Return the user id of a folder's owner; ``None`` where it cannot be looked at."""
    try:
        return folder.stat().st_uid
    except OSError:
        return None
