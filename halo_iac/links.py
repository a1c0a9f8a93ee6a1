"""Where a path leads."""

from __future__ import annotations

import os
from pathlib import Path


def followed(path: Path) -> Path:
    """Return a path without links and dots; one that leads round in a circle as far as it can be followed.

    Before Python 3.13, :meth:`pathlib.Path.resolve` raises a ``RuntimeError`` there; whoever opens the file is told.
    """
    return Path(os.path.realpath(path))
