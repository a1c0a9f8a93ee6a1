"""The index of a checkout: the files that git tracks, and their objects."""

from __future__ import annotations

import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from halo_iac.git.program import Git

_PATTERNS: Final = ("*.yaml", "*.yml", "*.md", "*.txt", "*.gitattributes")
"""The files of projects, and those with git's rules for converting files."""
_LINE: Final = re.compile(
    rb"(?s)(\S) [0-7]+ ([0-9a-f]+) 0\t([^\0]*)\0  ctime: \d+:\d+\n  mtime: (\d+):(\d+)\n"
    rb"  dev: [^\n]*\n  uid: [^\n]*\n  size: (\d+)\t[^\n]*\n"
)


class _IndexEntry(NamedTuple):
    """A file in the index: its object, and the file's modification time and size when git last checked it."""

    id: str
    seconds: int
    nanoseconds: int
    size: int
    is_skipped: bool


class Index:
    """The index of a checkout; read once, when it is first needed.

    Every method raises :class:`~halo_iac.errors.GitError`.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._top = git.top

    def list_skipped(self) -> frozenset[Path]:
        """Return the files that a sparse checkout leaves out."""
        skipped = (self._top / name for name, entry in self._entries.items() if entry.is_skipped)
        return frozenset(path for path in skipped if not os.path.lexists(path))

    def is_unchanged(self, path: Path, id_: str | None) -> bool:
        """Return whether a file is as git checked an object out, by its time and size; ``None`` if there is no object.

        Its content is not compared: filters and line ends may have changed it, and are not run again.
        """
        entry = self._entries.get(os.fspath(path.relative_to(self._top)))
        try:
            found = path.lstat()
        except OSError:
            return entry is None and id_ is None
        if entry is None or entry.id != id_ or not stat.S_ISREG(found.st_mode):
            return False
        seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
        is_same_time = seconds == entry.seconds and entry.nanoseconds in {0, nanoseconds}
        return is_same_time and found.st_size & 0xFFFFFFFF == entry.size

    @cached_property
    def _entries(self) -> dict[str, _IndexEntry]:
        words = ("ls-files", "-t", "--stage", "--debug", "-z", "--", *_PATTERNS)
        listed = self._git.run_bytes(*words, failing="the files of the checkout cannot be listed")
        return {
            os.fsdecode(name): _IndexEntry(id_.decode(), int(seconds), int(nanoseconds), int(size), tag == b"S")
            for tag, id_, name, seconds, nanoseconds, size in _LINE.findall(listed)
        }
