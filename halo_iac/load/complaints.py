"""What pydantic found wrong → problems in our own words, each at its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from pydantic import ValidationError

from halo_iac.load import hints
from halo_iac.load.document import Document, Location
from halo_iac.load.file import LARGEST
from halo_iac.load.wording import shown

_FORMS: Final = {
    "at": 'expected a time of day such as "09:30"',
    "cron": 'expected five cron fields, such as "0 9 * * 1-5"',
    "lookback": "expected hours, days or weeks, such as 36h, 7d or 2w",
    "timezone": "expected an IANA time zone, such as America/Los_Angeles",
    "prompt": "the prompt is empty",
    "id": "expected up to 200 printable characters without spaces",
    "project": "expected up to 200 printable characters without spaces",
}
_RANGES: Final = {
    "days_of_week": "0 to 6, or sun to sat",
    "days_of_month": "1 to 31",
    "hours": "0 to 23",
    "minutes": "0 to 59",
    "span_limit": f"1 to {LARGEST}",
    "lookback_hours": f"1 to {LARGEST}",
    "max_subagent_depth": "1 to 5",
    "max_turns": "1 to 100",
}
_LISTS: Final = {
    "days_of_week": "days, such as [mon, thu]",
    "days_of_month": "numbers from 1 to 31",
    "hours": "numbers from 0 to 23",
    "minutes": "numbers from 0 to 59",
    "at": 'times, such as ["09:30"]',
    "renamed_from": "titles",
    "protect": "titles, in which * stands for anything",
    "include": "paths, such as [schedules/*.yaml]",
    "agents": "agents",
}
_WORDS: Final = {
    "frequency": "hourly, daily, weekly or monthly",
    "undeclared": "report or archive",
    "state": "active or archived",
    "version": "1, the only version so far",
}
_ALLOWED: Final[dict[str, Collection[str]]] = {"scope": hints.SCOPE_KEYS}
"""Mappings within the mapping that is checked → the keys that they may have."""

INCLUDE_KEYS: Final = frozenset({"schedules"})

Found = Any
"""One of :meth:`pydantic.ValidationError.errors`."""


def report(error: ValidationError, document: Document, below: Location, allowed: Collection[str]) -> set[str]:
    """Add a problem for each thing wrong with the mapping at ``below``, which may have the ``allowed`` keys.

    Returns the mapping's keys concerned; none where it is no mapping, or lacks keys only.
    """
    broken = set()
    for found in error.errors(include_url=False, include_context=False):
        location = found["loc"]
        if location and found["type"] != "missing":
            broken.add(str(location[0]))
        is_key = location[-1:] == ("[key]",)
        place = (*below, *(location[:-1] if is_key else location))
        message, hint = _worded(found, below, allowed)
        document.complain(place, message, hint, at_key=is_key or found["type"] in {"missing", "extra_forbidden"})
    return broken


def _unknown_key(key: str, value: object, allowed: Collection[str]) -> tuple[str, str | None]:
    if allowed == INCLUDE_KEYS and key in hints.PROJECT_KEYS:
        return f"an included file holds only `schedules`, not {shown(key)}", "it belongs to the project file"
    return f"unknown key {shown(key)}", hints.for_key(key, value, allowed)


def _worded(found: Found, below: Location, allowed: Collection[str]) -> tuple[str, str | None]:
    """Return message and hint for one finding; null comes first, since every check words it differently."""
    names = [step for step in (*below, *found["loc"]) if isinstance(step, str) and step != "[key]"]
    field = names[-1] if names else "file"
    if found["type"] == "extra_forbidden":
        keys = _ALLOWED.get(names[-2], allowed) if len(names) > 1 else allowed
        return _unknown_key(field, found["input"], keys)
    if found["type"] == "missing":
        return f"{shown(field)} is missing", None
    if found["input"] is None:
        return f"{shown(field)} is null", "write `schedules: {}`" if field == "schedules" else "leave the key out"
    if field in _WORDS:
        return f"{shown(field)}: expected {_WORDS[field]}", hints.for_value(field, found["input"])
    message, hint = _WORDINGS.get(found["type"], _form)(found, field)
    return f"{shown(field)}: {message}", hint


def _type(found: Found, field: str) -> tuple[str, str | None]:
    value = found["input"]
    if found["type"] == "list_type":
        return f"expected a list of {_LISTS.get(field, 'names')}", _hint_for_list(field, value)
    if found["type"] == "string_type":
        return "expected text", _hint_for_text(field, value)
    if found["type"] == "bool_type":
        return "expected true or false", "without quotes" if isinstance(value, str) else None
    if found["type"] == "dict_type":
        return "expected keys and values", None
    message = f"expected a whole number, {_RANGES.get(field, '')}".rstrip(", ")
    return message, "write it without quotes" if isinstance(value, str) and value.strip().isdecimal() else None


def _hint_for_list(field: str, value: object) -> str | None:
    if field == "at" and isinstance(value, int | float) and not isinstance(value, bool):
        return 'write it in quotes, such as "09:00"'
    return None


def _hint_for_text(field: str, value: object) -> str | None:
    if isinstance(value, bool | int | float):
        if field == "lookback" and isinstance(value, int) and not isinstance(value, bool):
            return f"write `lookback_hours: {value}`, or `lookback: {value}h`"
        return "put it in quotes"
    return None


def _range(_: Found, field: str) -> tuple[str, str | None]:
    return f"expected {_RANGES.get(field, 'another number')}", None


def _day(found: Found, field: str) -> tuple[str, str | None]:
    return f"expected {_RANGES[field]}", hints.for_day(found["input"])


def _empty(_: Found, field: str) -> tuple[str, str | None]:
    return "it is empty", "leave the key out" if field not in {"title", "prompt"} else None


def _form(_: Found, field: str) -> tuple[str, str | None]:
    return _FORMS.get(field, "expected text without a space at either end"), None


_WORDINGS: Final[dict[str, Callable[[Found, str], tuple[str, str | None]]]] = {
    "string_type": _type,
    "int_type": _type,
    "bool_type": _type,
    "list_type": _type,
    "dict_type": _type,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "day": _day,
    "too_short": _empty,
    "string_too_short": _empty,
    "string_pattern_mismatch": _form,
}
