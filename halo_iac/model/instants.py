"""Instants as the platform and files write them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_instant(value: object) -> datetime | None:
    """Return an ISO 8601 instant in UTC; ``None`` if it has no zone, or is not an instant.

    ``None`` as well if :class:`~datetime.datetime` cannot represent it in UTC, such as the first hours of year 1 east
    of Greenwich.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_instant(value: datetime) -> str:
    """Return an instant as the platform writes it: UTC with milliseconds and ``Z``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
