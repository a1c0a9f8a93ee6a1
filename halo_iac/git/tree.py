"""The files of a commit, under the paths that a checkout of it would give them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from halo_iac.git.index import Index
from halo_iac.git.objects import Objects
from halo_iac.load.files import FileUnreadable

_FOLDER: Final = "40000"
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"

_MAX_LINKS: Final = 40
"""Links that are followed for one path, as many as Linux follows."""
_MAX_LINK_BYTES: Final = 8192

Open = Callable[[Path], Objects | None]
"""Opens the repository of a submodule that is checked out at a path; returns ``None`` if there is none."""


class _Node(NamedTuple):
    """A file, link or folder of a commit; ``above`` is the folder that it is in."""

    above: _Node | None
    name: str
    mode: str
    id: str
    objects: Objects


class CommitTree:
    """The files of a commit: a :class:`~halo_iac.load.files.FileTree`, each read when it is needed.

    ``top`` is the checkout's folder, itself without links: paths are those that a checkout there would have.
    """

    def __init__(self, objects: Objects, commit: str, top: Path, open_submodule: Open, index: Index) -> None:
        self._top = str(top)
        self._root = _Node(None, "", _FOLDER, objects.read_root(commit), objects)
        self._nodes = {self._top: self._root}
        self._open = open_submodule
        self._index = index
        self._submodules: dict[str, _Node] = {}
        self._links = 0

    def real(self, path: str) -> str:
        """Return the real path, without links and dots."""
        return self._path_of(self._find(path))

    def children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, each with whether it is a folder itself, not a link to one."""
        held = self._resolve_folder(self._find(folder))
        items = held.objects.read_folder(held.id).items()
        return [(name, item.mode in {_FOLDER, _SUBMODULE}) for name, item in items]

    def exists(self, path: str) -> bool:
        """Return whether a path, links followed, leads to anything."""
        try:
            self._find(path)
        except OSError:
            return False
        return True

    def content(self, real: str, limit: int) -> bytes:
        """Return the bytes of a regular file; of a file over ``limit`` bytes, at least its first ``limit`` + 1."""
        node = self._find(real)
        if node.mode in {_FOLDER, _SUBMODULE}:
            raise FileUnreadable("a directory, not a file")
        data = node.objects.read_content(node.id, limit)
        return data if node.objects is not self._root.objects else self._read_checked_out(node, data, limit)

    def files(self) -> Iterator[tuple[PurePosixPath, str]]:
        """Yield the regular files of the commit with their objects, without links and the content of submodules."""
        waiting = [(PurePosixPath(), self._root.id)]
        while waiting:
            folder, id_ = waiting.pop()
            items = self._root.objects.read_folder(id_).items()
            yield from ((folder / name, item.id) for name, item in items if item.mode.startswith("100"))
            waiting.extend((folder / name, item.id) for name, item in items if item.mode == _FOLDER)

    def _read_checked_out(self, node: _Node, data: bytes, limit: int) -> bytes:
        """Return a file as it is checked out, if that is the same file: filters and line ends may change it.

        The rules for that conversion have to be equal too, or a branch could have the base's files read differently.
        """
        path = Path(self._path_of(node))
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return data
            with path.open("rb") as file:
                here = file.read(limit + 1)
        except OSError:
            return data
        if here == data or not self._index.is_unchanged(path, node.id):
            return data
        folder = node.above
        while folder is not None:
            item = folder.objects.read_folder(folder.id).get(".gitattributes")
            if not self._index.is_unchanged(Path(self._path_of(folder), ".gitattributes"), item and item.id):
                return data
            folder = folder.above
        return here

    def _find(self, path: str) -> _Node:
        self._links = 0
        return self._find_node(path)

    def _find_node(self, path: str) -> _Node:
        node = self._nodes.get(path)
        if node is None:
            folder, name = os.path.split(path)
            if folder == path or not path.startswith(self._top):
                raise FileUnreadable("a link leads outside the checkout")
            node = self._nodes[path] = self._enter(self._find_node(folder), name)
        return node

    def _enter(self, node: _Node, name: str) -> _Node:
        """Return the entry of a folder with this name, links followed."""
        if name in {"", "."}:
            return node
        if name == "..":
            if node.above is None:
                raise FileUnreadable("a link leads outside the checkout")
            return node.above
        folder = self._resolve_folder(node)
        item = folder.objects.read_folder(folder.id).get(name)
        if item is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        child = _Node(node, name, item.mode, item.id, folder.objects)
        return self._follow(child, node) if item.mode == _LINK else child

    def _follow(self, link: _Node, folder: _Node) -> _Node:
        self._links += 1
        target = os.fsdecode(link.objects.read_content(link.id, _MAX_LINK_BYTES))
        if self._links > _MAX_LINKS or len(target) > _MAX_LINK_BYTES:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), link.name)
        if target.startswith("/"):
            return self._find_node(os.path.normpath(target))
        for name in target.split("/"):
            folder = self._enter(folder, name)
        return folder

    def _resolve_folder(self, node: _Node) -> _Node:
        """Return a folder that can be listed: for a submodule, the root folder of its repository."""
        if node.mode == _FOLDER:
            return node
        if node.mode != _SUBMODULE:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), node.name)
        path = self._path_of(node)
        if path in self._submodules:
            return self._submodules[path]
        where = path[len(self._top) + 1 :]
        objects = self._open(Path(path))
        if objects is None and Path(path).is_dir() and not any(Path(path).iterdir()):  # this checkout does without it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), node.name)
        if objects is None:
            hint = "run `git submodule update --init`"
            raise FileUnreadable(f"the submodule {where} is not checked out", hint)
        if not objects.has_commit(node.id):
            reason = f"the submodule {where} is at commit {node.id[:12]} in the base, which its clone does not have"
            raise FileUnreadable(reason, f"run `git -C {where} fetch`")
        self._submodules[path] = node._replace(mode=_FOLDER, id=objects.read_root(node.id), objects=objects)
        return self._submodules[path]

    def _path_of(self, node: _Node) -> str:
        names = []
        while node.above is not None:
            names.append(node.name)
            node = node.above
        return os.path.join(self._top, *reversed(names))  # noqa: PTH118 - a text, for every file
