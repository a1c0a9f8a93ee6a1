"""Slips of a hand that indents YAML: schedules without a key, and fields and schedules at the wrong depth."""

from __future__ import annotations

import re
from typing import Final

from halo_iac.load.document import Node, Values
from halo_iac.load.hints import ENTRY_KEYS, OVERLAY_KEYS, RULES
from halo_iac.load.scalars import resolve
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
    key = "-".join(words)[:40].strip("-")
    if not isinstance(resolve(key), str) or not key:  # `2026:` is no string
        key = "my-key"
    return f"each schedule needs a key: write {shown(key + ':')} on a line of its own instead of `-`"


def astray(schedules: Values) -> dict[str, str | None]:
    """Return the fields of an entry that stand where schedules do, each with what to do about it.

    That is said once of those that follow each other, so the others have ``None``; so has each below a key that is
    null, since of that one it is said that it has no fields.
    """
    found: dict[str, str | None] = {}
    if schedules.keys().isdisjoint(ENTRY_KEYS):
        return found
    hint: str | None = "each schedule needs a key: write `my-key:` above its fields, and indent them"
    for key, value in schedules.items():
        is_mapping = isinstance(value, dict) and RULES.isdisjoint(value)  # else it may be `findings`
        if key not in ENTRY_KEYS or is_mapping:
            hint = None if value is None else f"indent the fields below {shown(key)}"
        else:
            found[key], hint = hint, None
    return found
