"""Slips of a hand that indents YAML: schedules without a key, and fields and schedules at the wrong depth."""

from __future__ import annotations

from typing import Final

from halo_iac.load.hints import ENTRY_KEYS, OVERLAY_KEYS

_ONLY_ENTRIES: Final = ENTRY_KEYS - OVERLAY_KEYS


def for_top_key(value: object) -> str | None:
    """Guess what the value of an unknown key at the top of a file was meant to be."""
    is_entry = isinstance(value, dict) and not _ONLY_ENTRIES.isdisjoint(value)
    return "is this a schedule? indent it under `schedules`" if is_entry else None
