"""Time zones of the IANA database: their names, and links such as ``US/Pacific`` to ``America/Los_Angeles``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import tzdata  # type: ignore[import-untyped]

_LINK: Final = "L "
_NOT_ZONES: Final = frozenset({"Factory"})
"""A name in the database that stands for "not configured"."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names an entry may use."""
    listed = Path(tzdata.__path__[0], "zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - _NOT_ZONES


def is_same_zone(one: str, other: str) -> bool:
    """Return whether two names are of one zone: equal, or links of each other in the IANA database."""
    return one == other or _target(one) == _target(other)


def _target(name: str) -> str:
    return _targets().get(name, name)


@cache
def _targets() -> dict[str, str]:
    """Return the zone that each link leads to; the database has no links to links."""
    lines = Path(tzdata.__path__[0], "zoneinfo", "tzdata.zi").read_text(encoding="utf-8").splitlines()
    return {link: target for _, target, link in (line.split() for line in lines if line.startswith(_LINK))}
