"""Files on disk, as a project reads them."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from halo_iac.load.tree import CannotRead, NotCheckedOut


class Disk:
    """The files on disk: a :class:`~halo_iac.load.tree.Tree`.

    ``drafts`` count instead of what stands, or does not stand yet, under their paths. ``skipped`` are the files, as
    paths without links, that a sparse checkout leaves out: they are seen, and cannot be read.
    """

    def __init__(self, drafts: Mapping[Path, bytes] | None = None, skipped: Collection[Path] = ()) -> None:
        self._drafts = {Path(os.path.realpath(path)): data for path, data in (drafts or {}).items()}
        self._absent = _folders_of(skipped)
        self._folders: dict[str, str] = {}

    def real(self, path: Path) -> Path:
        """Return the path of what is there, without links and dots."""
        folder, name = os.path.split(path)
        if name == "..":
            return Path(os.path.realpath(path, strict=True))
        real_folder = self._folders.get(folder)
        if real_folder is None:
            real_folder = self._folders[folder] = os.path.realpath(folder)
        real = os.path.join(real_folder, name)  # noqa: PTH118 - a Path takes several times as long, for every file
        try:
            is_link = stat.S_ISLNK(os.lstat(real).st_mode)
        except FileNotFoundError:
            found = Path(real)
            if found in self._drafts or self._is_absent(found):
                return found
            raise
        if not is_link:
            return Path(real)
        found = Path(os.path.realpath(real))
        return found if found in self._drafts or self._is_absent(found) else Path(os.path.realpath(real, strict=True))

    def children(self, folder: Path) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder itself, not a link to one."""
        absent = self._absent.get(self.real(folder), {}) if self._absent else {}
        try:
            with os.scandir(folder) as found:
                there = {each.name: each.is_dir(follow_symlinks=False) for each in found}
        except FileNotFoundError:
            there = {}
        return list((absent | there).items() if absent else there.items())

    def exists(self, path: Path) -> bool:
        """Say whether anything is there, where links lead."""
        try:
            self.real(path)
        except OSError:
            return False
        return True

    def content(self, real: Path, limit: int) -> bytes:
        """Return the bytes of a regular file, of a larger one more than ``limit``."""
        if self._drafts and (draft := self._drafts.get(real)) is not None:
            return draft
        try:
            mode = os.stat(real).st_mode  # noqa: PTH116 - as above
        except FileNotFoundError:
            raise NotCheckedOut("it is outside of the sparse checkout", "`git sparse-checkout add` brings it") from None
        if stat.S_ISDIR(mode):
            raise CannotRead("a directory, not a file")
        if not stat.S_ISREG(mode):
            raise CannotRead("not a regular file")
        with open(real, "rb") as file:  # noqa: PTH123 - as above
            return file.read(limit + 1)

    def _is_absent(self, path: Path) -> bool:
        return bool(self._absent) and (path in self._absent or path.name in self._absent.get(path.parent, {}))


def _folders_of(paths: Collection[Path]) -> dict[Path, dict[str, bool]]:
    """Return the names in every folder that leads to one of the paths, each with whether it is a folder itself."""
    folders: dict[Path, dict[str, bool]] = {}
    for path in paths:
        folders.setdefault(path.parent, {})[path.name] = False
        folder = path.parent
        while folder.name and folder.name not in folders.setdefault(folder.parent, {}):
            folders[folder.parent][folder.name] = True
            folder = folder.parent
    return folders
