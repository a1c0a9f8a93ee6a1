"""Slips of a hand that indents YAML: schedules without a key, and fields and schedules at the wrong depth."""

from __future__ import annotations

import re
from typing import Final

from halo_iac.load.document import Node
from halo_iac.load.hints import ENTRY_KEYS, OVERLAY_KEYS
from halo_iac.load.wording import shown

_ONLY_ENTRIES: Final = ENTRY_KEYS - OVERLAY_KEYS


def for_top_key(value: object) -> str | None:
    """Guess what the value of an unknown key at the top of a file was meant to be."""
    is_entry = isinstance(value, dict) and not _ONLY_ENTRIES.isdisjoint(value)
    return "is this a schedule? indent it under `schedules`" if is_entry else None


def for_list(schedules: list[Node]) -> str:
    """Say how to write schedules that are in a list."""
    first = schedules[0]
    title = first.get("title") if isinstance(first, dict) else None
    words = re.findall("[a-z0-9]+", title.lower()) if isinstance(title, str) else []
    key = "-".join(words)[:40].strip("-") or "my-key"
    return f"each schedule needs a key: write {shown(key + ':')} on a line of its own instead of `-`"
