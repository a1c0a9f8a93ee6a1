"""What a project's files are read from: folders on disk, or the tree of a commit, under the same paths."""

from __future__ import annotations

import errno
import os
import os.path
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Final, Protocol

from halo_iac.load.limits import MAX_FILE, MAX_FILES, MAX_NAMES, MAX_PATTERN, MAX_TOTAL, MEBIBYTE
from halo_iac.text import quote


class FileUnreadable(Exception):  # noqa: N818 - says why; its catcher knows which line named the file
    """A file that is not read, and why.

    ``is_said`` is true of what a bound on the whole project refuses after its first file: one problem is enough.
    """

    def __init__(self, reason: str, hint: str | None = None, *, is_said: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_said = is_said


class NotCheckedOut(FileUnreadable):
    """A file of the commit that a sparse checkout leaves out."""


class FileTree(Protocol):
    """Folders and files, whose paths are absolute: texts, since a project may have thousands.

    Each method but ``exists`` raises :class:`OSError` as the system does, or :class:`FileUnreadable` with a reason.
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


def join_path(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return os.path.join(folder, name)  # noqa: PTH118 - a Path takes several times as long


def folder_of(path: str) -> str:
    """Return the folder that a path is in."""
    return os.path.dirname(path)  # noqa: PTH120 - as above


_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class DiskFiles:
    """The files on disk: a :class:`~halo_iac.load.files.FileTree`.

    ``drafts`` count instead of what stands, or does not stand yet, under their paths. ``skipped`` are the files, as
    paths without links, that a sparse checkout leaves out: they are seen, and cannot be read.
    """

    def __init__(self, drafts: Mapping[Path, bytes] | None = None, skipped: Collection[Path] = ()) -> None:
        self._drafts = {os.path.realpath(path): data for path, data in (drafts or {}).items()}
        self._absent = _folders_of([*skipped, *map(Path, self._drafts)])
        self._folders: dict[str, str] = {}

    def real(self, path: str) -> str:
        """Return the path of what is there, without links and dots."""
        folder, name = os.path.split(path)
        if name == "..":
            return os.path.realpath(path, strict=True)
        real_folder = self._folders.get(folder)
        if real_folder is None:
            real_folder = self._folders[folder] = os.path.realpath(folder)
        real = join_path(real_folder, name)
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
            raise NotCheckedOut(
                "it is outside the sparse checkout", "run `git sparse-checkout add` to check it out"
            ) from None
        if stat.S_ISDIR(found.st_mode):
            raise FileUnreadable("a directory, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise FileUnreadable("not a regular file")
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


INCLUDE_SUFFIXES: Final = (".yaml", ".yml")
PROMPT_SUFFIXES: Final = (".md", ".txt")

_HIDDEN: Final = "hidden files and folders are not read, except for the project file's own folders"
_OF_GIT: Final = "files of .git are not read"
_DRIVE: Final = re.compile(r"^[A-Za-z]:")


def invalid_path_reason(text: str, suffixes: tuple[str, ...]) -> str | None:
    """Say why a text is no path to follow, wherever it leads; ``None`` for one that may be."""
    for is_refused, reason in (
        (len(text) > MAX_PATTERN, f"a path has at most {MAX_PATTERN:,} characters"),
        ("\0" in text or not text.isprintable(), "a path cannot contain control characters"),
        ("\\" in text, "use `/` in a path, not a backslash"),
        (text.startswith("/") or _DRIVE.match(text) is not None, "a path must be relative to the file that names it"),
        (not text.endswith(suffixes), f"the file name must end in {' or '.join(suffixes)}"),
    ):
        if is_refused:
            return reason
    return None


class CheckoutBound:
    """The part of the disk that a project may read: its checkout without hidden folders and what git keeps.

    ``project`` is the project file in its folder, whose own links are resolved: where that lies is the command line's
    choice, so its folders may be hidden. ``checkout`` is ``None`` where there is no repository; what counts then is the
    project file's folder. ``git`` is the folder in which git keeps the repository.
    """

    def __init__(self, project: Path, checkout: Path | None, git: Path | None = None) -> None:
        self._root = _as_prefix(checkout or project.parent)
        self._own = Path(str(project).removeprefix(self._root)).parts
        self._git = None if git is None else _as_prefix(git)
        self._hint = (
            None
            if checkout is not None
            else "the file is in no git repository; pass --checkout DIR to read other folders"
        )

    def check(self, real: str, *, is_link: bool = True) -> None:
        """Raise :class:`~halo_iac.load.files.FileUnreadable` unless a path without links may be read or looked into."""
        below = real[len(self._root) :]
        if not real.startswith(self._root):
            if real + os.sep == self._root:
                return
            raise FileUnreadable(f"{_subject(is_link=is_link)} leads outside the checkout", self._hint)
        if self._git is not None and (real + os.sep).startswith(self._git):
            raise FileUnreadable(_OF_GIT)
        if os.sep + "." in os.sep + below:
            self._check_hidden(Path(below).parts, is_link=is_link)

    def check_text(self, folder: str, text: str) -> None:
        """Raise the same for a path as it is written, before the disk is touched; ``folder`` is without links."""
        if text.startswith(".") or "/." in text:
            self.check(os.path.normpath(join_path(folder, text)), is_link=False)

    def _check_hidden(self, parts: Sequence[str], *, is_link: bool) -> None:
        if any(part.casefold() == ".git" for part in parts):
            raise FileUnreadable(_OF_GIT)
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(parts, self._own, strict=False))
        own = sum(1 for _ in shared)
        if any(part.startswith(".") for part in parts[own:]):
            where = f"{_subject(is_link=True)} leads to {quote('/'.join(parts))}: " if is_link else ""
            raise FileUnreadable(f"{where}{_HIDDEN}")


def _subject(*, is_link: bool) -> str:
    return "a link" if is_link else "the path"


def _as_prefix(folder: Path) -> str:
    return os.path.join(folder, "")  # noqa: PTH118 - a Path has no separator at its end


_MAGIC: Final = re.compile(r"[*?\[]")

Children = Callable[[str], list[tuple[str, bool]]]
"""Lists a folder's names that are not hidden, in order, each with whether it is a folder itself."""

Step = tuple[str, int]
"""A path, and how many of the pattern's parts have led to it."""


def matches(folder: str, pattern: str, tree: FileTree, children: Children) -> Iterator[str]:
    """Yield each path once that exists under a relative pattern of ``*``, ``?``, ``[…]``, ``**`` and ``..``.

    Hidden names match only where they are written. Several ``**`` lead to one folder on many ways: no step is taken
    twice.
    """
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    seen: set[Step] = set()
    waiting: list[Step] = [(folder, 0)]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        path, count = step
        if count == len(parts):
            yield path
        else:
            waiting.extend(reversed(_next(path, count, parts[count], tree, children)))


def _next(folder: str, count: int, part: str, tree: FileTree, children: Children) -> list[Step]:
    """Return the steps that one part of a pattern allows from a folder, in order of name."""
    if part == "..":
        return [(_above(folder, tree), count + 1)]
    if part == "**":
        below = [(join_path(folder, name), count) for name, is_folder in children(folder) if is_folder]
        return [(folder, count + 1), *below]
    if not _MAGIC.search(part):
        return [(join_path(folder, part), count + 1)] if tree.exists(join_path(folder, part)) else []
    names = [name for name, _ in children(folder) if fnmatchcase(name, part)]
    return [(join_path(folder, name), count + 1) for name in names]


def _above(folder: str, tree: FileTree) -> str:
    """Return the folder above one, without ``..`` in its path: above where a link leads, as the system has it."""
    above, written = folder_of(tree.real(folder)), folder_of(folder)
    return written if tree.real(written) == above else above


class ProjectFiles:
    """Reads what a project file names, as far as ``bound`` allows; counts what it reads and looks at.

    Every method but ``has`` raises :class:`~halo_iac.load.files.FileUnreadable`.
    """

    def __init__(self, tree: FileTree, bound: CheckoutBound) -> None:
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
        with _REASONS:
            for path in matches(folder, pattern, self._tree, self._children):
                if len(found) == MAX_FILES:
                    raise self._too_much(f"it matches more than {MAX_FILES:,} files, the most that a project may have")
                found.append(path)
        return found

    def has(self, path: str) -> bool:
        """Say whether anything stands under a path, a link that leads nowhere included."""
        try:
            return self._tree.exists(path) or any(
                path == join_path(folder_of(path), name) for name, _ in self._tree.children(folder_of(path))
            )
        except OSError:
            return False
        except FileUnreadable:  # it is there, and leads where nothing is read
            return True

    def named(self, folder: str, name: str, suffixes: tuple[str, ...]) -> str:
        """Return the path without links of the file that ``name`` means from a folder."""
        self._check(folder, name, suffixes)
        return self.located(join_path(folder, name))

    def located(self, path: str) -> str:
        """Return a file's path without links."""
        with _REASONS:
            real = self._tree.real(path)
        self._bound.check(real)
        return real

    def content(self, real: str, *, limit: int = MAX_FILE) -> bytes:
        """Return the bytes of a regular file, whose path is without links."""
        self._count(files=1)
        with _REASONS:
            data = self._tree.content(real, limit)
        if len(data) > limit:
            size = f"{limit // MEBIBYTE} MiB" if limit >= MEBIBYTE else f"{limit // 1024} KiB"
            raise FileUnreadable(f"larger than {size}")
        self._count(size=len(data))
        return data

    def _check(self, folder: str, text: str, suffixes: tuple[str, ...]) -> None:
        reason = invalid_path_reason(text, suffixes)
        if reason is not None:
            raise FileUnreadable(reason)
        real = self._folders.get(folder)
        if real is None:
            with _REASONS:
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
            raise self._too_much(f"too many files: a project may have at most {MAX_FILES:,}")
        if self._bytes > MAX_TOTAL:
            raise self._too_much(f"too large: a project's files may have at most {MAX_TOTAL // MEBIBYTE} MiB in all")

    def _too_much(self, reason: str) -> FileUnreadable:
        """Return the error for what a bound on the whole project refuses; that is said once."""
        is_said = reason in self._said
        self._said.add(reason)
        return FileUnreadable(reason, is_said=is_said)


class _Reasons:
    """Words what the system says of a path; no generator, since every file passes here several times."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise FileUnreadable("no such file") from error
        if isinstance(error, OSError):
            is_circle = error.errno == errno.ELOOP
            reason = "its symbolic links form a loop" if is_circle else error.strerror or type(error).__name__
            raise FileUnreadable(f"cannot be read: {reason}") from error


_REASONS: Final = _Reasons()
