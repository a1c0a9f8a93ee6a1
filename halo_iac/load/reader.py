"""Reads the files of one project, and no other, within the bounds of design §10."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from halo_iac.load import globs
from halo_iac.load.bounds import MAX_FILE, MAX_FILES, MAX_NAMES, MAX_TOTAL, MEBIBYTE
from halo_iac.load.paths import Bound, form_refusal
from halo_iac.load.tree import CannotRead, Tree


class Reader:
    """Reads what a project file names, as far as ``bound`` allows; counts what it reads and looks at.

    Every method but ``has`` raises :class:`~halo_iac.load.tree.CannotRead`.
    """

    def __init__(self, tree: Tree, bound: Bound) -> None:
        self._tree = tree
        self._bound = bound
        self._folders: dict[Path, Path] = {}
        self._full: str | None = None
        self._files = 0
        self._bytes = 0
        self._names = 0

    def matches(self, folder: Path, pattern: str, suffixes: tuple[str, ...]) -> list[Path]:
        """Return what a glob matches from a folder, in order of name, unless that is too much."""
        found: list[Path] = []
        self._check(folder, pattern, suffixes)
        with _reasons():
            for path in globs.matches(folder, pattern, self._tree, self._children):
                if len(found) == MAX_FILES:
                    reason = f"it matches more than {MAX_FILES:,} files, which is as many as a project may have"
                    raise CannotRead(reason)
                found.append(path)
        return found

    def has(self, path: Path) -> bool:
        """Say whether anything stands under a path, a link that leads nowhere included."""
        if self._tree.exists(path):
            return True
        try:
            return any(name == path.name for name, _ in self._tree.children(path.parent))
        except OSError:
            return False

    def named(self, folder: Path, name: str, suffixes: tuple[str, ...]) -> Path:
        """Return the path without links of the file that ``name`` means from a folder."""
        self._check(folder, name, suffixes)
        return self.located(folder / name)

    def located(self, path: Path) -> Path:
        """Return a file's path without links."""
        with _reasons():
            real = self._tree.real(path)
        self._bound.check(real)
        return real

    def content(self, real: Path, *, limit: int = MAX_FILE) -> bytes:
        """Return the bytes of a regular file, whose path is without links."""
        self._count(files=1)
        with _reasons():
            data = self._tree.content(real, limit)
        if len(data) > limit:
            size = f"{limit // MEBIBYTE} MiB" if limit >= MEBIBYTE else f"{limit // 1024} KiB"
            raise CannotRead(f"larger than {size}")
        self._count(size=len(data))
        return data

    def _check(self, folder: Path, text: str, suffixes: tuple[str, ...]) -> None:
        reason = form_refusal(text, suffixes)
        if reason is not None:
            raise CannotRead(reason)
        real = self._folders.get(folder)
        if real is None:
            with _reasons():
                real = self._folders[folder] = self._tree.real(folder)
        self._bound.check_text(real, text)

    def _children(self, folder: Path) -> list[tuple[str, bool]]:
        """List what is in a folder but for hidden names; nothing where it is none, or cannot be read."""
        found: list[tuple[str, bool]] = []
        with suppress(OSError):
            self._bound.check(self._tree.real(folder))
            found = sorted(child for child in self._tree.children(folder) if not child[0].startswith("."))
        self._names += len(found) + 1  # every look costs, even one that finds nothing
        if self._names > MAX_NAMES:
            raise CannotRead(f"the globs look at more than {MAX_NAMES:,} files and folders; name the folders they mean")
        return found

    def _count(self, *, files: int = 0, size: int = 0) -> None:
        """Count what is read; what is too much for the project as a whole is said of the first file alone."""
        self._files += files
        self._bytes += size
        is_said = self._full is not None
        if self._files > MAX_FILES:
            self._full = f"one file too many: a project has at most {MAX_FILES:,}"
        elif self._bytes > MAX_TOTAL:
            self._full = f"too much: a project's files have at most {MAX_TOTAL // MEBIBYTE} MiB in all"
        if self._full is not None:
            raise CannotRead(self._full, is_said=is_said)


@contextmanager
def _reasons() -> Iterator[None]:
    """Word what the system says of a path."""
    try:
        yield
    except FileNotFoundError as error:
        raise CannotRead("no such file") from error
    except OSError as error:
        is_circle = error.errno == errno.ELOOP
        reason = "its links lead in a circle" if is_circle else error.strerror or type(error).__name__
        raise CannotRead(f"cannot be read: {reason}") from error
