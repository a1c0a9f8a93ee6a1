"""Reads the files of one project, and no other, within the bounds of design §10."""

from __future__ import annotations

import errno
import os.path
import stat
from collections.abc import Mapping
from pathlib import Path

from halo_iac.links import followed
from halo_iac.load import globs
from halo_iac.load.bounds import MAX_FILE, MAX_FILES, MAX_NAMES, MAX_TOTAL, MEBIBYTE


class CannotRead(Exception):  # noqa: N818 - says why; its catcher knows which line named the file
    """A file that is not read, and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Disk:
    """The files in and below a project's folder; counts what it reads and looks at.

    ``drafts`` count instead of what stands, or does not stand yet, under their paths.
    """

    def __init__(self, root: Path, drafts: Mapping[Path, bytes] | None = None) -> None:
        self.root = root
        self._drafts = {self.identity(path): data for path, data in (drafts or {}).items()}
        self._real_root = followed(root)
        self._files = 0
        self._bytes = 0
        self._names = 0

    def matches(self, pattern: str) -> list[Path]:
        """Return what a glob matches in the project's folder, in order of name, unless that is too much."""
        found: list[Path] = []
        for path in globs.matches(self.root, pattern, self._look):
            if len(found) == MAX_FILES:
                raise CannotRead(f"it matches more than {MAX_FILES:,} files, which is as many as a project may have")
            found.append(path)
        return found

    def identity(self, path: Path) -> Path:
        """Return what two names of one file have in common."""
        return Path(os.path.realpath(path))  # Path.resolve raises where links lead in a circle, before Python 3.13

    def has(self, path: Path) -> bool:
        """Say whether anything stands under a path, a link that leads nowhere included."""
        return path.exists() or path.is_symlink() or self.identity(path) in self._drafts

    def read(self, path: Path, *, limit: int = MAX_FILE) -> bytes:
        """Return a regular file's bytes, or say why not with :class:`CannotRead`.

        No link leads out of the project's folder, the project file's own included: who sends a pull request would read
        with it what the pipeline can read.
        """
        try:
            draft = self._drafts.get(self.identity(path)) if self._drafts else None
            real = path.resolve(strict=draft is None)
            if not real.is_relative_to(self._real_root):
                raise CannotRead("a link leads outside of the project's folder")
            data = self._content(real, limit) if draft is None else draft
        except FileNotFoundError as error:
            raise CannotRead("no such file") from error
        except RuntimeError as error:  # how Python before 3.13 reports links that lead in a circle
            raise CannotRead("cannot be read: its links lead in a circle") from error
        except OSError as error:
            is_circle = error.errno == errno.ELOOP
            reason = "its links lead in a circle" if is_circle else error.strerror or type(error).__name__
            raise CannotRead(f"cannot be read: {reason}") from error
        self._count(data, limit)
        return data

    def _look(self, names: int) -> None:
        """Count one look into a folder; every look costs, even one that finds nothing."""
        self._names += names + 1
        if self._names > MAX_NAMES:
            raise CannotRead(f"the globs look at more than {MAX_NAMES:,} files and folders; name the folders they mean")

    def _content(self, real: Path, limit: int) -> bytes:
        """Return a file's bytes, and one more than the limit at most: enough to see that it is larger."""
        mode = real.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CannotRead("a directory, not a file")
        if not stat.S_ISREG(mode):
            raise CannotRead("not a regular file")
        with real.open("rb") as file:
            return file.read(limit + 1)

    def _count(self, data: bytes, limit: int) -> None:
        self._files += 1
        self._bytes += len(data)
        if len(data) > limit:
            size = f"{limit // MEBIBYTE} MiB" if limit >= MEBIBYTE else f"{limit // 1024} KiB"
            raise CannotRead(f"larger than {size}")
        if self._files > MAX_FILES:
            raise CannotRead(f"one file too many: a project has at most {MAX_FILES:,}")
        if self._bytes > MAX_TOTAL:
            raise CannotRead(f"too much: a project's files have at most {MAX_TOTAL // MEBIBYTE} MiB in all")
