"""The hidden line by which a pipeline finds the comment that it keeps for a project file (docs/cli.md#formats).

It finds the comment by this line, the first of every page, *and* by its author: anybody may write the line, so a
comment of another author is never the one to change.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

MARKER: Final = "<!-- halo-plan: "
"""How the line begins, and no other line."""
_FORGED: Final = re.compile(r"<!--(?=\s*halo-plan)", re.IGNORECASE)


def marker(file: str, project: str, host: str) -> str:
    """Return the hidden first line of a page, the same for each run of one project file, project and host.

    The file is told by its path in the repository. Project and host are what the command line and the environment
    say, empty where they leave it to the file: a page about a file that cannot be read has the marker as well.
    """
    digest = hashlib.sha256(f"{file}\0{project}\0{host}".encode("utf-8", "replace")).hexdigest()
    return f"{MARKER}{digest[:16]} -->"


def unforged(line: str) -> str:
    """Return a line of a prompt without the beginning of a marker in it."""
    return _FORGED.sub(r"<\\!--", line)
