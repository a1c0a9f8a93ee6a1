"""Counts in words, the same in every rendering."""

from __future__ import annotations

from collections.abc import Collection

from halo_iac.model.finding import Finding, errors


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 line`` or ``2,000 lines``; ``plural`` where it takes more than an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def counted_findings(findings: Collection[Finding]) -> str:
    """Return ``2 findings``, and how many of them are errors where some are."""
    failing = len(errors(findings))
    return counted(len(findings), "finding") + (f" ({counted(failing, 'error')})" if failing else "")
