"""Guesses times of day and numbers of a cadence, and returns them as ``at``, ``hours`` and ``minutes``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from halo_iac.load.cron import InexpressibleCron, from_times, parse_field
from halo_iac.load.suggestions.timezone import zone_for_name, zone_for_offset
from halo_iac.load.suggestions.words import read_in_english
from halo_iac.text import MAX_COMPARED_LENGTH

NOT_A_PRODUCT_HINT: Final = "`at` combines every hour with every minute: write an entry for each of these times"
"""The hint for times such as 09:00 and 17:30."""

_NAMED: Final = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_TIME: Final = (
    r"(?:at )?([0-9]{1,2})(?: ?(?:[:.h]|hours?) ?([0-9]{2})(?::00(?:\.0+)?)?)? ?(?:h|hrs?|hours?|o'clock)?"
    r" ?(?:([ap])\.?m\.?)?"
)
_DIGITS: Final = r"([0-9]{1,2}?)([0-9]{2})(?: ?h)?"
"""Digits such as ``900`` and ``0900``."""
_DATED: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[t ]"
_ZONED: Final = r"(.*?[0-9mh])[ (]*([a-z]+(?:/[a-z_/+\-0-9]+)?|(?:utc|gmt)? ?[+\-\u2212][0-9]{1,2}(?::?[0-9]{2})?)\)?"
_MINUTE: Final = r"(?:\*|xx)?:([0-5][0-9])"
"""A minute of every hour: ``:30``, ``*:30``."""


def suggest_times(value: object, *, is_one_of_several: bool) -> str | None:
    """Guess the times of day of a value; a lone number is an hour, or hours and minutes: ``900``."""
    text = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not 0 < len(text) <= MAX_COMPARED_LENGTH:
        return None
    if (minute := re.fullmatch(_MINUTE, text)) is not None:
        return f"write `minutes: {int(minute[1])}` with `frequency: hourly`"
    suggestion = _suggest(text, is_one_of_several) or _suggest_in_zone(text, is_one_of_several)
    return suggestion or read_in_english(text, lambda english: _suggest(english, is_one_of_several))


def _suggest(text: str, is_one_of_several: bool) -> str | None:
    times = read_times(text)
    if times is None:
        return None
    if not is_product(times):
        return NOT_A_PRODUCT_HINT
    quoted = format_list([f'"{time}"' for time in times], is_one_of_several=is_one_of_several)
    note = ": 24:00 is the start of the next day" if "24" in re.findall("[0-9]+", text) else ""
    return f"write `{quoted}`{note}"


def _suggest_in_zone(text: str, is_one_of_several: bool) -> str | None:
    """Return the hint to write the zone of a time under the key ``timezone``."""
    found = re.fullmatch(_ZONED, text)
    suggestion = None if found is None else _suggest(re.sub(_DATED, "", found[1]), is_one_of_several)
    if found is None or suggestion is None or (found[2][0] in "+-\u2212" and ":" not in found[1]):
        return None
    zone = zone_for_name(found[2])
    if zone is not None:
        return f"{suggestion} with `timezone: {zone}`"
    fixed = zone_for_offset(found[2])
    if fixed is None or _is_range(found[1], found[2]):
        return None
    or_place = "" if fixed == "UTC" else ", or with that of a place at this offset"
    return f"{suggestion} with `timezone: {fixed}`{or_place}"


def _is_range(begin: str, offset: str) -> bool:
    """Return whether a time with a negative offset may be two times: ``09:00-17:00``."""
    hours = [int(number) for text in (begin, offset) for number in re.findall("[0-9]+", text)[:1]]
    return offset[0] in "-\u2212" and hours[1] >= hours[0] > 0


def is_product(times: Sequence[str]) -> bool:
    """Return whether times of day are hours × minutes, as a cadence requires."""
    try:
        from_times(times)
    except InexpressibleCron:
        return False
    return True


def read_times(text: str) -> list[str] | None:
    """Return the times of day in a lower-case text, in a file's notation; ``None`` if it says more."""
    joined = re.sub(r"([0-9])\s*(?:h|hours)\s*([0-9])", r"\1h\2", re.sub(r"^at\.? ", "", text))
    parts = re.split(r"\s*(?:[,;&]|\band\b)\s*|\s+(?=[0-9])", joined)
    times = [time for part in parts if (time := _read_time(part)) is not None]
    is_split_by_spaces = re.search(r"[0-9]\s+[0-9]", text) is not None and any(part.isdecimal() for part in parts)
    is_whole = times and len(times) == len(parts) and not _is_halved_in_part(parts) and not is_split_by_spaces
    return times if is_whole else None


def _read_time(part: str) -> str | None:
    """Return a time of day such as ``9:30 pm`` in a file's notation; ``None`` if it is not one or has seconds."""
    if part in _NAMED:
        return _NAMED[part]
    found = re.fullmatch(_TIME, part) or re.fullmatch(_DIGITS, part)
    if found is None:
        return None
    digits, minute, half = (*found.groups(), None)[:3]
    hour = int(digits or 0)
    if half is not None:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
    is_end_of_day = (hour, minute) == (24, "00")
    return f"{hour % 24:02}:{minute or '00'}" if is_end_of_day or (hour < 24 and int(minute or 0) < 60) else None


def _is_halved_in_part(times: Sequence[str]) -> bool:
    """Return whether only some of several times have am or pm, so that the others are ambiguous: ``9 and 10 pm``."""
    return len({time.endswith(("m", "m.")) for time in times if time not in _NAMED}) > 1


def suggest_numbers(field: str, value: object, *, is_one_of_several: bool) -> str | None:
    """Guess the hours or minutes of a value: ``*/6``, ``9-17``, ``9am``, ``9,17``."""
    text = value.strip().lower() if isinstance(value, str) and len(value) <= MAX_COMPARED_LENGTH else ""
    if not text or text.isdecimal():
        return None
    name = field.removesuffix("s")
    if text == "*":
        return "write `frequency: hourly`" if name == "hour" else 'write `cron: "* * * * *"` for every minute'
    try:
        found = parse_field(re.sub(r"\s*([,/-])\s*", r"\1", text.rstrip(",;")).strip("[]"), name)
    except InexpressibleCron:
        if name == "minute":
            minute = re.fullmatch(r"(?:\*|xx)?:?([0-5]?[0-9]) ?(?:m|mins?|minutes?)?", text)
            return f"write `{int(minute[1])}`" if minute else None
        suggestion = _suggest_hours(text, is_one_of_several)
        return suggestion or read_in_english(text, lambda english: _suggest_hours(english, is_one_of_several))
    return f"write `{format_list([str(number) for number in found], is_one_of_several=is_one_of_several)}`"


def _suggest_hours(text: str, is_one_of_several: bool) -> str | None:
    times = read_times(text) or []
    if any(not time.endswith(":00") for time in times):
        quoted = format_list([f'"{time}"' for time in times], is_one_of_several=False)
        return None if is_one_of_several or not is_product(times) else f"write `at: {quoted}`"
    hours = [str(int(time[:2])) for time in times]
    return f"write `{format_list(hours, is_one_of_several=is_one_of_several)}`" if hours else None


def format_list(words: Sequence[str], *, is_one_of_several: bool) -> str:
    """Return words as a list of YAML; without brackets for one word, or inside another list."""
    together = ", ".join(words)
    return together if is_one_of_several or len(words) == 1 else f"[{together}]"
