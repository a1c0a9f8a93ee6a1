"""Files on disk, as a project reads them."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from halo_iac.load.tree import CannotRead, NotCheckedOut, folder_of, joined

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Disk:
    """The files on disk: a :class:`~halo_iac.load.tree.Tree`.

    ``drafts`` count instead of what stands, or does not stand yet, under their paths. ``skipped`` are the files, as
    paths without links, that a sparse checkout leaves out: they are seen, and cannot be read.
    """

    def __init__(self, drafts: Mapping[Path, bytes] | None = None, skipped: Collection[Path] = ()) -> None:
        self._drafts = {os.path.realpath(path): data for path, data in (drafts or {}).items()}
        self._absent = _folders_of(skipped)
        self._folders: dict[str, str] = {}

    def real(self, path: str) -> str:
        """Return the path of what is there, without links and dots."""
        folder, name = os.path.split(path)
        if name == "..":
            return os.path.realpath(path, strict=True)
        real_folder = self._folders.get(folder)
        if real_folder is None:
            real_folder = self._folders[folder] = os.path.realpath(folder)
        real = joined(real_folder, name)
        try:
            is_link = stat.S_ISLNK(os.lstat(real).st_mode)
        except FileNotFoundError:
            if self._is_promised(real):
                return real
            raise
        if not is_link:
            return real
        found = os.path.realpath(real)
        return found if self._is_promised(found) else os.path.realpath(real, strict=True)

    def children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder itself, not a link to one."""
        absent = self._absent.get(self.real(folder), {}) if self._absent else {}
        try:
            with os.scandir(folder) as found:
                there = {each.name: each.is_dir(follow_symlinks=False) for each in found}
        except FileNotFoundError:
            there = {}
        return list((absent | there).items())

    def exists(self, path: str) -> bool:
        """Say whether anything is there, where links lead."""
        try:
            self.real(path)
        except OSError:
            return False
        return True

    def content(self, real: str, limit: int) -> bytes:
        """Return the bytes of a regular file, of a larger one more than ``limit``."""
        if self._drafts and (draft := self._drafts.get(real)) is not None:
            return draft
        try:
            found = os.stat(real)  # noqa: PTH116 - a Path takes several times as long
        except FileNotFoundError:
            raise NotCheckedOut("it is outside of the sparse checkout", "`git sparse-checkout add` brings it") from None
        if stat.S_ISDIR(found.st_mode):
            raise CannotRead("a directory, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise CannotRead("not a regular file")
        return _start_of(real, min(found.st_size, limit) + 1)

    def _is_promised(self, path: str) -> bool:
        """Say whether a file that may not be there counts all the same: as a draft, or as one that git has not put."""
        if path in self._drafts:
            return True
        return path in self._absent or os.path.basename(path) in self._absent.get(folder_of(path), {})  # noqa: PTH119


def _start_of(path: str, size: int) -> bytes:
    """Return so many bytes of a file, if it has as many."""
    file = os.open(path, _FLAGS)
    try:
        data = os.read(file, size)
        while len(data) < size and (more := os.read(file, size - len(data))):
            data += more
    finally:
        os.close(file)
    return data


def _folders_of(paths: Collection[Path]) -> dict[str, dict[str, bool]]:
    """Return the names in every folder that leads to one of the paths, each with whether it is a folder itself."""
    folders: dict[str, dict[str, bool]] = {}
    for path in paths:
        folders.setdefault(str(path.parent), {})[path.name] = False
        folder = path.parent
        while folder.name and folder.name not in folders.setdefault(str(folder.parent), {}):
            folders[str(folder.parent)][folder.name] = True
            folder = folder.parent
    return folders
