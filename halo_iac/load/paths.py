"""Which paths a project file may name (design §10); decided from the text alone, before the disk is touched."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Final

from halo_iac.load.bounds import MAX_PATTERN

INCLUDE_SUFFIXES: Final = (".yaml", ".yml")
PROMPT_SUFFIXES: Final = (".md", ".txt")

_DRIVE: Final = re.compile(r"^[A-Za-z]:")


def refusal(text: str, suffixes: tuple[str, ...]) -> str | None:
    """Say why a path must not be followed; ``None`` for a relative one that stays below the folder."""
    for is_refused, reason in (
        (len(text) > MAX_PATTERN, f"a path has at most {MAX_PATTERN:,} characters"),
        ("\0" in text or not text.isprintable(), "a path holds no NUL or other control characters"),
        ("\\" in text, "a path is written with `/`, not with a backslash"),
        (text.startswith("/") or _DRIVE.match(text) is not None, "a path is relative to the file that names it"),
        (".." in text.split("/"), "a path does not leave its folder with `..`"),
        (any(part.startswith(".") for part in text.split("/")), "no part of a path begins with a dot"),
        (not text.endswith(suffixes), f"the file's name has to end in {' or '.join(suffixes)}"),
    ):
        if is_refused:
            return reason
    return None


def displayed(path: Path, cwd: Path) -> str:
    """Return a path as messages show it: relative to the working directory, with ``/``, the same on every system."""
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:  # another drive
        relative = str(path)
    return relative.replace(os.sep, "/")
