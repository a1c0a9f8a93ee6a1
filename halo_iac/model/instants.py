"""Instants as others write them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_instant(value: object) -> datetime | None:
    """Return an ISO 8601 instant in UTC; ``None`` for anything else, one without a zone included.

    Nor is an instant that no calendar has in UTC one, such as the first hours of year 1 east of Greenwich.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
