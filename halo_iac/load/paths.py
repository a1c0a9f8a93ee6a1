"""Which paths a project file may name: what the text alone decides, before the disk is touched, and where.

See docs/security.md#paths.

A branch decides what a checkout holds, links too. So what they reach is bound: a link to ``.git/config`` would show the
pipeline's token in a plan.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

from halo_iac.load.bounds import MAX_PATTERN
from halo_iac.load.tree import CannotRead, joined
from halo_iac.load.wording import shown

INCLUDE_SUFFIXES: Final = (".yaml", ".yml")
PROMPT_SUFFIXES: Final = (".md", ".txt")

_HIDDEN: Final = "no part of a path begins with a dot, but for the project file's own folders"
_OF_GIT: Final = "a project reads nothing of what git keeps in .git"
_DRIVE: Final = re.compile(r"^[A-Za-z]:")


def form_refusal(text: str, suffixes: tuple[str, ...]) -> str | None:
    """Say why a text is no path to follow, wherever it leads; ``None`` for one that may be."""
    for is_refused, reason in (
        (len(text) > MAX_PATTERN, f"a path has at most {MAX_PATTERN:,} characters"),
        ("\0" in text or not text.isprintable(), "a path holds no NUL or other control characters"),
        ("\\" in text, "a path is written with `/`, not with a backslash"),
        (text.startswith("/") or _DRIVE.match(text) is not None, "a path is relative to the file that names it"),
        (not text.endswith(suffixes), f"the file's name has to end in {' or '.join(suffixes)}"),
    ):
        if is_refused:
            return reason
    return None


class Bound:
    """The part of the disk that a project may read: its checkout without hidden folders and what git keeps.

    ``project`` is the project file in its folder, whose own links are resolved: where that lies is the command line's
    choice, so its folders may be hidden. ``checkout`` is ``None`` where there is no repository; what counts then is the
    project file's folder. ``git`` is the folder in which git keeps the repository.
    """

    def __init__(self, project: Path, checkout: Path | None, git: Path | None = None) -> None:
        self._root = _as_prefix(checkout or project.parent)
        self._own = Path(str(project).removeprefix(self._root)).parts
        self._git = None if git is None else _as_prefix(git)
        self._hint = None if checkout is not None else "there is no .git above it; --checkout DIR says what may be read"

    def check(self, real: str, *, is_link: bool = True) -> None:
        """Raise :class:`~halo_iac.load.tree.CannotRead` unless a path without links may be read or looked into."""
        below = real[len(self._root) :]
        if not real.startswith(self._root):
            if real + os.sep == self._root:
                return
            raise CannotRead(f"{_subject(is_link=is_link)} leads outside of the checkout", self._hint)
        if self._git is not None and (real + os.sep).startswith(self._git):
            raise CannotRead(_OF_GIT)
        if os.sep + "." in os.sep + below:
            self._check_hidden(Path(below).parts, is_link=is_link)

    def check_text(self, folder: str, text: str) -> None:
        """Raise the same for a path as it is written, before the disk is touched; ``folder`` is without links."""
        if text.startswith(".") or "/." in text:
            self.check(os.path.normpath(joined(folder, text)), is_link=False)

    def _check_hidden(self, parts: Sequence[str], *, is_link: bool) -> None:
        if any(part.casefold() == ".git" for part in parts):
            raise CannotRead(_OF_GIT)
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(parts, self._own, strict=False))
        own = sum(1 for _ in shared)
        if any(part.startswith(".") for part in parts[own:]):
            where = f"{_subject(is_link=True)} leads to {shown('/'.join(parts))}: " if is_link else ""
            raise CannotRead(f"{where}{_HIDDEN}")


def _subject(*, is_link: bool) -> str:
    return "a link" if is_link else "the path"


def _as_prefix(folder: Path) -> str:
    return os.path.join(folder, "")  # noqa: PTH118 - a Path has no separator at its end


def displayed(path: Path | str, cwd: Path | str) -> str:
    """Return a path as messages show it: relative to the working directory, with ``/``, the same on every system."""
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:  # another drive
        relative = str(path)
    return relative.replace(os.sep, "/")
