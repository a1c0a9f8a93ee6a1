"""File access for projects: folders on disk or the tree of a commit, under the same paths."""

from __future__ import annotations

import errno
import os
import os.path
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, Protocol

from halo_iac.load.limits import MAX_FILE, MAX_FILES, MAX_NAMES, MAX_PATTERN, MAX_TOTAL, MEBIBYTE
from halo_iac.text import quote


class FileUnreadable(Exception):  # noqa: N818 - names the reason; the caller knows which line named the file
    """A file that cannot be read, and the reason.

    ``is_repeated`` is true for repeated errors of a project-wide limit: one problem is enough. ``position`` is
    ``LINE:COLUMN`` in that file; empty where the whole file is at fault.
    """

    def __init__(self, reason: str, hint: str | None = None, *, is_repeated: bool = False, position: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_repeated = is_repeated
        self.position = position


class NotCheckedOut(FileUnreadable):
    """A file of the commit that a sparse checkout leaves out."""


class FileTree(Protocol):
    """Folders and files by absolute path, as strings, since a project may have thousands.

    Each method but ``exists`` raises :class:`OSError`, or :class:`FileUnreadable` with a reason.
    """

    def real(self, path: str) -> str:
        """Return the real path, without links and dots."""

    def children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder (a link to a folder is not)."""

    def exists(self, path: str) -> bool:
        """Return whether a path exists, following links."""

    def content(self, real: str, limit: int) -> bytes:
        """Return the bytes of a regular file by its real path; for a larger file, at least ``limit`` + 1 of them."""


def join_path(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return os.path.join(folder, name)  # noqa: PTH118 - pathlib takes several times as long


def folder_of(path: str) -> str:
    """Return the folder of a path."""
    return os.path.dirname(path)  # noqa: PTH120 - as above


_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class DiskFiles:
    """The files on disk, as a :class:`~halo_iac.load.files.FileTree`.

    ``drafts`` replace or add files by path. ``skipped`` are the real paths of files that a sparse checkout leaves out:
    they are listed, and cannot be read.
    """

    def __init__(self, drafts: Mapping[Path, bytes] | None = None, skipped: Collection[Path] = ()) -> None:
        self._drafts = {os.path.realpath(path): data for path, data in (drafts or {}).items()}
        self._absent = _names_by_folder([*skipped, *map(Path, self._drafts)])
        self._folders: dict[str, str] = {}

    def real(self, path: str) -> str:
        """Return the real path, without links and dots."""
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
            if self._counts_as_existing(real):
                return real
            raise
        if not is_link:
            return real
        found = os.path.realpath(real)
        return found if self._counts_as_existing(found) else os.path.realpath(real, strict=True)

    def children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder (a link to a folder is not)."""
        absent = self._absent.get(self.real(folder), {}) if self._absent else {}
        try:
            with os.scandir(folder) as found:
                there = {each.name: each.is_dir(follow_symlinks=False) for each in found}
        except FileNotFoundError:
            there = {}
        return list((absent | there).items())

    def exists(self, path: str) -> bool:
        """Return whether a path exists, following links."""
        try:
            self.real(path)
        except OSError:
            return False
        return True

    def content(self, real: str, limit: int) -> bytes:
        """Return the bytes of a regular file; for a larger file, at least ``limit`` + 1 of them."""
        if self._drafts and (draft := self._drafts.get(real)) is not None:
            return draft
        try:
            found = os.stat(real)  # noqa: PTH116 - pathlib takes several times as long
        except FileNotFoundError:
            raise NotCheckedOut(
                "it is outside the sparse checkout", "run `git sparse-checkout add` to check it out"
            ) from None
        if stat.S_ISDIR(found.st_mode):
            raise FileUnreadable("a directory, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise FileUnreadable("not a regular file")
        return _read_start(real, min(found.st_size, limit) + 1)

    def _counts_as_existing(self, path: str) -> bool:
        """Return whether a file counts as existing even if it is not on disk: a draft, or a file left out by git."""
        if path in self._drafts:
            return True
        return path in self._absent or os.path.basename(path) in self._absent.get(folder_of(path), {})  # noqa: PTH119


def _read_start(path: str, size: int) -> bytes:
    """Return the first ``size`` bytes of a file, fewer if it is shorter."""
    file = os.open(path, _FLAGS)
    try:
        data = os.read(file, size)
        while len(data) < size and (more := os.read(file, size - len(data))):
            data += more
    finally:
        os.close(file)
    return data


def _names_by_folder(paths: Collection[Path]) -> dict[str, dict[str, bool]]:
    """Return the names in every folder above the paths, each with whether it is a folder itself."""
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
    """Return why a text is not a valid path, whether or not it exists; ``None`` if it is."""
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
    """The part of the disk that a project may read: its checkout without hidden folders and git's own files.

    ``project`` is the project file, with the links of its folder resolved: the command line chose it, so its folders
    may be hidden. ``checkout`` is ``None`` outside a repository; then the folder of the project file is the limit.
    ``git`` is the repository's git directory.
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
        """Raise :class:`~halo_iac.load.files.FileUnreadable` unless a real path may be read or listed."""
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
        """Check a path as written, before the disk is accessed, like :meth:`check`; ``folder`` is a real path."""
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
    return os.path.join(folder, "")  # noqa: PTH118 - a Path drops the trailing separator


_MAGIC: Final = re.compile(r"[*?\[]")

Children = Callable[[str], list[tuple[str, bool]]]
"""Lists a folder's visible names, sorted, each with whether it is a folder itself."""

Step = tuple[str, int]
"""A path, and how many parts of the pattern have been matched to reach it."""


def matches(folder: str, pattern: str, tree: FileTree, children: Children) -> Iterator[str]:
    """Yield each existing path that matches a relative pattern of ``*``, ``?``, ``[…]``, ``**`` and ``..``, once.

    Hidden names match only if written out. Several ``**`` can reach a folder in many ways; each step is taken once.
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
            waiting.extend(reversed(_next_steps(path, count, parts[count], tree, children)))


def _next_steps(folder: str, count: int, part: str, tree: FileTree, children: Children) -> list[Step]:
    """Return the steps that one part of a pattern allows from a folder, sorted by name."""
    if part == "..":
        return [(_parent_folder(folder, tree), count + 1)]
    if part == "**":
        below = [(join_path(folder, name), count) for name, is_folder in children(folder) if is_folder]
        return [(folder, count + 1), *below]
    if not _MAGIC.search(part):
        return [(join_path(folder, part), count + 1)] if tree.exists(join_path(folder, part)) else []
    names = [name for name, _ in children(folder) if fnmatchcase(name, part)]
    return [(join_path(folder, name), count + 1) for name in names]


def _parent_folder(folder: str, tree: FileTree) -> str:
    """Return the parent of a folder, without ``..``: the parent of a link's target, as the system resolves it."""
    above, written = folder_of(tree.real(folder)), folder_of(folder)
    return written if tree.real(written) == above else above


class ProjectFiles:
    """Reads the files that a project file names, within ``bound``, and counts them against the limits.

    Every method but ``has`` raises :class:`~halo_iac.load.files.FileUnreadable`.
    """

    def __init__(self, tree: FileTree, bound: CheckoutBound) -> None:
        self._tree = tree
        self._bound = bound
        self._folders: dict[str, str] = {}
        self._reported: set[str] = set()
        self._files = 0
        self._bytes = 0
        self._names = 0

    def matches(self, folder: str, pattern: str, suffixes: tuple[str, ...]) -> list[str]:
        """Return the matches of a glob from a folder, sorted by name; raises if there are too many."""
        self._check(folder, pattern, suffixes)
        with _AS_UNREADABLE:
            found = list(islice(matches(folder, pattern, self._tree, self._children), MAX_FILES + 1))
        if len(found) > MAX_FILES:
            raise self._too_much(f"it matches more than {MAX_FILES:,} files, the most that a project may have")
        return found

    def has(self, path: str) -> bool:
        """Return whether anything exists at a path, dangling links included."""
        try:
            return self._tree.exists(path) or any(
                path == join_path(folder_of(path), name) for name, _ in self._tree.children(folder_of(path))
            )
        except OSError:
            return False
        except FileUnreadable:  # it exists, but leads outside the readable part
            return True

    def named(self, folder: str, name: str, suffixes: tuple[str, ...]) -> str:
        """Return the real path of the file that ``name`` refers to from a folder."""
        self._check(folder, name, suffixes)
        return self.located(join_path(folder, name))

    def located(self, path: str) -> str:
        """Return a file's real path."""
        with _AS_UNREADABLE:
            real = self._tree.real(path)
        self._bound.check(real)
        return real

    def content(self, real: str, *, limit: int = MAX_FILE) -> bytes:
        """Return the bytes of a regular file, given its real path."""
        self._count(files=1)
        with _AS_UNREADABLE:
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
            with _AS_UNREADABLE:
                real = self._folders[folder] = self._tree.real(folder)
        self._bound.check_text(real, text)

    def _children(self, folder: str) -> list[tuple[str, bool]]:
        """List a folder without hidden names; empty if it is not a folder or cannot be read."""
        too_many = f"the globs look at more than {MAX_NAMES:,} files and folders; name the folders they mean"
        if self._names > MAX_NAMES:
            raise self._too_much(too_many)
        found: list[tuple[str, bool]] = []
        with suppress(OSError):
            self._bound.check(self._tree.real(folder))
            found = sorted(child for child in self._tree.children(folder) if not child[0].startswith("."))
        self._names += len(found) + 1  # each listing costs time, even an empty one
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
        """Return the error for exceeding a project-wide limit, which is reported once."""
        is_repeated = reason in self._reported
        self._reported.add(reason)
        return FileUnreadable(reason, is_repeated=is_repeated)


class _ErrorsAsUnreadable:
    """Converts the system's errors for a path. A class, not a generator: every file passes here several times."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise FileUnreadable("no such file") from error
        if isinstance(error, OSError):
            is_circle = error.errno == errno.ELOOP
            reason = "its symbolic links form a loop" if is_circle else error.strerror or type(error).__name__
            raise FileUnreadable(f"cannot be read: {reason}") from error


_AS_UNREADABLE: Final = _ErrorsAsUnreadable()
