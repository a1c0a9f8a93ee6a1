"""The objects of a repository, read by one process of git, each when it is needed."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from typing import IO, Final, NamedTuple, Self

from halo_iac.errors import GitError
from halo_iac.git.program import TIMEOUT_SECONDS, Git, git_error

_FETCH: Final = "fetch the base with all its files first"


class TreeItem(NamedTuple):
    """An entry of a folder of a commit: its mode as git writes it, and its object."""

    mode: str
    id: str


class Objects:
    """Reads objects as they were committed: no filter, text conversion or hook sees them.

    A clone without all objects fetches the ones that are asked for. Every method raises
    :class:`~halo_iac.errors.GitError`.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._began: float | None = None
        self._folders: dict[str, dict[str, TreeItem]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._errors is not None:
            self._errors.close()

    def has_commit(self, commit: str) -> bool:
        """Return whether a commit is in this clone."""
        return self._git.call("cat-file", "-e", "--end-of-options", f"{commit}^{{commit}}").returncode == 0

    def read_root(self, commit: str) -> str:
        """Return the uppermost folder of a commit."""
        id_, data = self._read(f"{commit}^{{tree}}", "tree", None)
        self._folders[id_] = dict(_parse_tree(data, len(id_) // 2))
        return id_

    def read_folder(self, id_: str) -> dict[str, TreeItem]:
        """Return what a folder holds, by name."""
        if id_ not in self._folders:
            self._folders[id_] = dict(_parse_tree(self._read(id_, "tree", None)[1], len(id_) // 2))
        return self._folders[id_]

    def read_content(self, id_: str, limit: int) -> bytes:
        """Return the bytes of a file; of a file over ``limit`` bytes, at least its first ``limit`` + 1."""
        return self._read(id_, "blob", limit)[1]

    def _read(self, asked: str, kind: str, limit: int | None) -> tuple[str, bytes]:
        """Return an object's id and bytes; ``asked`` is the id or an expression of git that names the object."""
        process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        self._began = time.monotonic()
        try:
            process.stdin.write(asked.encode() + b"\n")
            process.stdin.flush()
            head = process.stdout.readline().decode("ascii", "replace").split()
            if len(head) != 3 or head[1] != kind:
                raise self._read_error(asked)
            size = int(head[2])
            if limit is not None and size > limit:  # the rest is not waited for: it may be gigabytes
                data = process.stdout.read(limit + 1)
                self._stop()
                return head[0], data
            data = process.stdout.read(size + 1)
            if len(data) != size + 1:
                raise self._read_error(asked)
        except OSError:
            raise self._read_error(asked) from None
        finally:
            self._began = None
        return head[0], data[:-1]

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = self._errors or tempfile.TemporaryFile()  # noqa: SIM115 - kept open as long as the process
        self._process = self._git.start("cat-file", "--batch", errors=self._errors)
        threading.Thread(target=self._kill_when_stuck, args=(self._process,), daemon=True).start()
        return self._process

    def _kill_when_stuck(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process that takes too long for one object: it may be fetching it from a remote."""
        while process.poll() is None:
            began = self._began
            if began is not None and time.monotonic() - began > TIMEOUT_SECONDS:
                process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)

    def _read_error(self, asked: str) -> GitError:
        """Return the error for an object that git did not return, with git's message."""
        self._stop()
        errors = b""
        if self._errors is not None:
            self._errors.seek(0)
            errors = self._errors.read(4096)
        return git_error(f"the object {asked[:12]} of the base is not in this clone", errors, _FETCH)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            process.wait()


def _parse_tree(data: bytes, id_length: int) -> list[tuple[str, TreeItem]]:
    """Return the names in a tree object with their items; an id has ``id_length`` bytes."""
    items, at = [], 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        at = end + 1 + id_length
        items.append((os.fsdecode(name), TreeItem(mode.decode("ascii"), data[end + 1 : at].hex())))
    return items
