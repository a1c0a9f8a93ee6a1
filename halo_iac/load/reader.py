"""Reads the files of one project, and no other, within the bounds of docs/security.md#bounds-of-files."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from halo_iac.load import globs
from halo_iac.load.bounds import MAX_FILE, MAX_FILES, MAX_NAMES, MAX_TOTAL, MEBIBYTE
from halo_iac.load.paths import Bound, form_refusal
from halo_iac.load.tree import CannotRead, Tree, folder_of, joined


class Reader:
    """Reads what a project file names, as far as ``bound`` allows; counts what it reads and looks at.

    Every method but ``has`` raises :class:`~halo_iac.load.tree.CannotRead`.
    """

    def __init__(self, tree: Tree, bound: Bound) -> None:
        self._tree = tree
        self._bound = bound
        self._folders: dict[str, str] = {}
        self._said: set[str] = set()
        self._files = 0
        self._bytes = 0
        self._names = 0

    def matches(self, folder: str, pattern: str, suffixes: tuple[str, ...]) -> list[str]:
        """Return what a glob matches from a folder, in order of name, unless that is too much."""
        found: list[str] = []
        self._check(folder, pattern, suffixes)
        with _reasons():
            for path in globs.matches(folder, pattern, self._tree, self._children):
                if len(found) == MAX_FILES:
                    raise self._too_much(
                        f"it matches more than {MAX_FILES:,} files, which is as many as a project may have"
                    )
                found.append(path)
        return found

    def has(self, path: str) -> bool:
        """Say whether anything stands under a path, a link that leads nowhere included."""
        try:
            return self._tree.exists(path) or any(
                path == joined(folder_of(path), name) for name, _ in self._tree.children(folder_of(path))
            )
        except OSError:
            return False
        except CannotRead:  # it is there, and leads where nothing is read
            return True

    def named(self, folder: str, name: str, suffixes: tuple[str, ...]) -> str:
        """Return the path without links of the file that ``name`` means from a folder."""
        self._check(folder, name, suffixes)
        return self.located(joined(folder, name))

    def located(self, path: str) -> str:
        """Return a file's path without links."""
        with _reasons():
            real = self._tree.real(path)
        self._bound.check(real)
        return real

    def content(self, real: str, *, limit: int = MAX_FILE) -> bytes:
        """Return the bytes of a regular file, whose path is without links."""
        self._count(files=1)
        with _reasons():
            data = self._tree.content(real, limit)
        if len(data) > limit:
            size = f"{limit // MEBIBYTE} MiB" if limit >= MEBIBYTE else f"{limit // 1024} KiB"
            raise CannotRead(f"larger than {size}")
        self._count(size=len(data))
        return data

    def _check(self, folder: str, text: str, suffixes: tuple[str, ...]) -> None:
        reason = form_refusal(text, suffixes)
        if reason is not None:
            raise CannotRead(reason)
        real = self._folders.get(folder)
        if real is None:
            with _reasons():
                real = self._folders[folder] = self._tree.real(folder)
        self._bound.check_text(real, text)

    def _children(self, folder: str) -> list[tuple[str, bool]]:
        """List what is in a folder but for hidden names; nothing where it is none, or cannot be read."""
        too_many = f"the globs look at more than {MAX_NAMES:,} files and folders; name the folders they mean"
        if self._names > MAX_NAMES:
            raise self._too_much(too_many)
        found: list[tuple[str, bool]] = []
        with suppress(OSError):
            self._bound.check(self._tree.real(folder))
            found = sorted(child for child in self._tree.children(folder) if not child[0].startswith("."))
        self._names += len(found) + 1  # every look costs, even one that finds nothing
        if self._names > MAX_NAMES:
            raise self._too_much(too_many)
        return found

    def _count(self, *, files: int = 0, size: int = 0) -> None:
        self._files += files
        self._bytes += size
        if self._files > MAX_FILES:
            raise self._too_much(f"one file too many: a project has at most {MAX_FILES:,}")
        if self._bytes > MAX_TOTAL:
            raise self._too_much(f"too much: a project's files have at most {MAX_TOTAL // MEBIBYTE} MiB in all")

    def _too_much(self, reason: str) -> CannotRead:
        """Return the error for what a bound on the whole project refuses; that is said once."""
        is_said = reason in self._said
        self._said.add(reason)
        return CannotRead(reason, is_said=is_said)


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
