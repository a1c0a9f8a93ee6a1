"""Reads durations as other tools write them: ``6h``, ``1 day``, ``PT6H``, ``1h30m``, ``rate(1 hour)``, ``3600``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from halo_iac.load.suggestions.words import read_in_english
from halo_iac.text import MAX_COMPARED_LENGTH

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Duration(NamedTuple):
    """Seconds, and months separately, since their length varies."""

    seconds: int
    months: int = 0


_UNITS: Final = {
    **dict.fromkeys(("second", "sec", "s"), Duration(1)),
    **dict.fromkeys(("minute", "min", "m"), Duration(MINUTE)),
    **dict.fromkeys(("hour", "hr", "h"), Duration(HOUR)),
    **dict.fromkeys(("day", "d"), Duration(DAY)),
    **dict.fromkeys(("week", "wk", "w"), Duration(7 * DAY)),
    "fortnight": Duration(14 * DAY),
    **dict.fromkeys(("month", "mo"), Duration(0, 1)),
    "quarter": Duration(0, 3),
    **dict.fromkeys(("year", "yr", "y"), Duration(0, 12)),
}
_COUNTS: Final = {
    **dict.fromkeys(("", "a", "an", "one"), 1),
    **dict.fromkeys(("two", "other", "second"), 2),
    **dict.fromkeys(("three", "third"), 3),
    "four": 4,
    "five": 5,
    "six": 6,
    "eight": 8,
    "ten": 10,
    "twelve": 12,
}
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_PART: Final = rf"([0-9]{{1,7}}(?:\.[0-9]{{1,3}})?|\b(?:{'|'.join(filter(None, _COUNTS))})\b(?= )|) ?\b({_UNIT})s?\b"
_PARTS: Final = rf"(?:{_PART}(?:(?:,? and |, ?| )?(?=\w))?){{1,6}}"
_ISO: Final = r"P(?:[0-9]+[YMWD])*(?:T(?:[0-9]+[HMS])+)?"
_ISO_UNITS: Final = {"PY": "y", "PM": "mo", "PW": "w", "PD": "d", "TH": "h", "TM": "m", "TS": "s"}
_WRAPPED: Final = r"(?:rate|timedelta|duration)\((.*)\)|@?\b(?:every|each|per)\b ?(.*)"


def read_duration(text: str) -> Duration | None:
    """Return the duration of a text that is nothing but a duration; ``None`` for any other."""
    if len(text) > MAX_COMPARED_LENGTH:
        return None
    if re.fullmatch(_ISO, text.strip().upper()) and len(text.strip()) > 2:
        return _read_iso(text.strip().upper())
    if re.search(r"[0-9] ?M$", text):  # months or minutes
        return None
    plain = re.sub(r"(\w+)=([0-9]+)", r"\2 \1", text.strip().lower())
    wrapped = re.fullmatch(_WRAPPED, plain)
    plain = (wrapped[1] or wrapped[2]) if wrapped else plain
    plain = re.sub(r"([0-9])([a-z])", r"\1 \2", re.sub(r"([a-z])([0-9])", r"\1 \2", plain or ""))
    return _sum_parts(re.findall(_PART, plain)) if re.fullmatch(_PARTS, plain) else None


def _read_iso(text: str) -> Duration | None:
    date, _, time = text[1:].partition("T")
    parts = [(mark, *found) for mark, half in (("P", date), ("T", time)) for found in re.findall("([0-9]+)(.)", half)]
    return _sum_parts([(count, _ISO_UNITS[mark + unit]) for mark, count, unit in parts])


def _sum_parts(parts: list[tuple[str, str]]) -> Duration | None:
    seconds = months = 0.0
    for count, unit in parts:
        if not count and len(unit) < 3:
            return None
        many = float(_COUNTS[count]) if count in _COUNTS else float(count)
        seconds += many * _UNITS[unit].seconds
        months += many * _UNITS[unit].months
    is_whole = seconds.is_integer() and months.is_integer() and (seconds or months) and not (seconds and months)
    return Duration(int(seconds), int(months)) if is_whole else None


def suggest_lookback(field: str, value: object) -> str | None:
    """Return how ``lookback`` is written for a duration, under either of its two keys."""
    if not isinstance(value, str) or len(value) > MAX_COMPARED_LENGTH:
        return None
    text = re.sub("^(?:the )?(?:last|past) ", "", value.strip().lower())
    if text.isdecimal() and text.isascii() and field == "lookback" and 0 < len(text) < 7:
        return f"write `{int(text)}h`" if int(text) else None
    suggestion = _suggest(field, read_duration(value if text == value.strip().lower() else text))
    return suggestion or read_in_english(value, lambda english: _suggest(field, read_duration(english)))


def _suggest(field: str, duration: Duration | None) -> str | None:
    if duration is None:
        return None
    hours = -(-(duration.seconds + duration.months * 31 * DAY) // HOUR)
    if not 1 <= hours <= 999_999:
        return None
    length = f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
    code = f"`lookback: {length}`" if field != "lookback" else f"`{length}`"
    if duration.months:
        return f"write {code}: a month has up to 31 days"
    return f"write {code}" if duration.seconds % HOUR == 0 else f"write {code}: it looks back whole hours"
