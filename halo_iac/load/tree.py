"""What a project's files are read from: folders on disk, or the tree of a commit, under the same paths."""

from __future__ import annotations

import os.path
from typing import Protocol


class CannotRead(Exception):  # noqa: N818 - says why; its catcher knows which line named the file
    """A file that is not read, and why.

    ``is_said`` is true of what a bound on the whole project refuses after its first file: one problem is enough.
    """

    def __init__(self, reason: str, hint: str | None = None, *, is_said: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_said = is_said


class NotCheckedOut(CannotRead):
    """A file of the commit that a sparse checkout leaves out."""


class Tree(Protocol):
    """Folders and files, whose paths are absolute: texts, since a project may have thousands.

    Each method but ``exists`` raises :class:`OSError` as the system does, or :class:`CannotRead` with another reason.
    """

    def real(self, path: str) -> str:
        """Return the path of what is there, without links and dots."""
        ...

    def children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder itself, not a link to one."""
        ...

    def exists(self, path: str) -> bool:
        """Say whether anything is there, where links lead."""
        ...

    def content(self, real: str, limit: int) -> bytes:
        """Return the bytes of a regular file, of a larger one more than ``limit``, whose path is without links."""
        ...


def joined(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return os.path.join(folder, name)  # noqa: PTH118 - a Path takes several times as long


def folder_of(path: str) -> str:
    """Return the folder that a path is in."""
    return os.path.dirname(path)  # noqa: PTH120 - as above
