"""The names of IANA time zones, by exact spelling (docs/semantics.md#entry-fields).

Read from the list that ``tzdata`` ships rather than by walking the system's files: it is a hundred times faster, the
same on every machine, and no file system that ignores case can make ``utc`` a zone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import tzdata  # type: ignore[import-untyped]

_NOT_ZONES: Final = frozenset({"Factory"})
"""Stands for "not configured"."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names an entry may use."""
    listed = Path(tzdata.__path__[0], "zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - _NOT_ZONES
