"""The IANA name of the local time zone, which the official client sends with each request.

See docs/protocol.md#transport.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

_LOCALTIME: Final = Path("/etc/localtime")
_UTC: Final = "UTC"


def local_zone(tz: str | None, localtime: Path = _LOCALTIME) -> str:
    """Return the zone that ``TZ`` names, or the system's link to a zone's file; ``UTC`` without both.

    It is also ``UTC`` for a rule in ``TZ`` (``EST5EDT,M3.2.0``) and on Windows, where zones have other names.
    """
    name = _read_link(localtime) if tz is None else tz.removeprefix(":")
    if name in {"", _UTC, "Etc/UTC"}:
        return _UTC
    if tz is not None:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            return _UTC
    return name


def _read_link(localtime: Path) -> str:
    """Return the target written in the link: on macOS the final path has another name."""
    try:
        target = localtime.readlink().as_posix()
    except OSError:
        return ""
    return target.rpartition("/zoneinfo/")[2] if "/zoneinfo/" in target else ""
