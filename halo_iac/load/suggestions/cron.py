"""Converts other programs' cron expressions to the five fields of ``cron``, or says that they cannot be expressed.

Quartz, Spring and AWS have six or seven fields, ``?``, ``L``, ``W`` and ``#``; Jenkins has ``H``; others write a zone
before the fields, full names, and ranges past the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from halo_iac.load.cron import NICKNAMES, SPANS, InexpressibleCron, from_cron
from halo_iac.load.suggestions.days import suggest_last_day, suggest_near_weekday, suggest_nth_weekday
from halo_iac.load.suggestions.timezone import zone_for_name
from halo_iac.model.schedule import DAYS
from halo_iac.text import MAX_COMPARED_LENGTH

_EXPRESSION: Final = r"(?:[0-9*?/,\-]+|h\S*) (?:[0-9*?/,\-#a-z()]+ ){3,5}[0-9*?/,\-#a-z]+"
_IN_ZONE: Final = r"(?:cron_)?tz=(\S+)\s+(.*)"
_AWS: Final = r"(?:cron)?\((.*)\)"
_YEARS: Final = r"\*|\?|20[0-9]{2}\S*"
_NUMBERED_DAY: Final = r"(?<![#/0-9])[1-7](?![0-9])"
_END_OF_MONTH: Final = re.compile("29|3[01]")
_NAME: Final = "|".join(DAYS)


def suggest_cron(expression: str) -> str | None:
    """Return the hint for another program's expression; ``None`` if the text is not a cron expression."""
    if len(expression) > MAX_COMPARED_LENGTH:
        return None
    text = expression.strip().strip("'\"").strip().lower()
    zone = re.fullmatch(_IN_ZONE, text)
    aws = re.fullmatch(_AWS, zone[2] if zone else text)
    text = " ".join(re.sub(r"\s*,\s*", ",", aws[1] if aws else zone[2] if zone else text).split())
    is_expression = re.fullmatch(_EXPRESSION, text) is not None
    suggestion = f'write `cron: "{text}"`' if text in NICKNAMES else None
    suggestion = _suggest(text.split(), is_aws=aws is not None) if is_expression else suggestion
    if zone is None or suggestion is None or not suggestion.startswith("write "):
        return suggestion
    name = zone_for_name(zone[1])
    return f"{suggestion} with `timezone: {name}`" if name else None


def _suggest(fields: Sequence[str], *, is_aws: bool) -> str | None:
    found = _five_fields(fields, is_aws=is_aws)
    if found is None:
        return None
    five, note = found
    suggestion = _inexpressible(five)
    expression = " ".join(_normalized(field, name) for field, name in zip(five, SPANS, strict=True))
    if suggestion is None and not _is_accepted(expression):
        in_all = " ".join([*expression.split()[:3], "*", *expression.split()[4:]])
        which = "in every month" if not _END_OF_MONTH.search(five[2]) else "in every month that has the day"
        return f'`cron: "{in_all}"` fires {which}' if five[3] != "*" and _is_accepted(in_all) else None
    return suggestion or f'write `cron: "{expression}"`{note}'


def _is_accepted(expression: str) -> bool:
    try:
        from_cron(expression)
    except InexpressibleCron:
        return False
    return True


def _five_fields(fields: Sequence[str], *, is_aws: bool) -> tuple[list[str], str] | None:
    """Return minute to day of the week, and a remark on dropped fields; ``None`` if those carry meaning."""
    if len(fields) == 5:
        return [*fields], ""
    has_seconds = not (is_aws or (fields[4] == "?" and len(fields) == 6) or fields[2] == "?")
    seconds, rest = (fields[0], fields[1:]) if has_seconds else ("0", fields)
    if seconds != "0" or any(not re.fullmatch(_YEARS, year) for year in rest[5:]):
        return None
    five, note = list(rest[:5]), ": five fields, without seconds and years"
    if (is_aws or "?" in fields) and re.search(_NUMBERED_DAY, five[4]):
        five[4] = re.sub(_NUMBERED_DAY, lambda day: DAYS[int(day[0]) - 1], five[4])
        note += ", with days by name, which some programs count from 0 and others from 1"
    return five, note


def _normalized(field: str, name: str) -> str:
    """Return a field with ``*`` for ``?``, three-letter names, and a range past the end split in two."""
    low, high, names = SPANS[name]
    starred = "sat" if (field, names) == ("l", DAYS) else field.replace("?", "*")
    spelt = re.sub("[a-z]{4,}", lambda word: word[0][:3], starred) if names else starred
    return ",".join(_in_range(part, low, 6 if names == DAYS else high, names) for part in spelt.split(","))


def _in_range(part: str, low: int, high: int, names: Sequence[str]) -> str:
    found = re.fullmatch("([a-z0-9]+)-([a-z0-9]+)", part)
    ends = [] if found is None else [names.index(end) + low if end in names else end for end in found.groups()]
    if not all(str(end).isdecimal() for end in ends) or not ends or int(ends[0]) <= int(ends[1]):
        return part
    first = f"{ends[0]}-{high}" if int(ends[0]) < high else str(high)
    return f"{first},{low}-{ends[1]}" if int(ends[1]) > low else f"{first},{low}"


_Remark = Callable[[re.Match[str], Callable[..., str]], str]


def _remark_on_nth(found: re.Match[str], line: Callable[..., str]) -> str:
    day = DAYS.index(found[1][:3]) if found[1][:3] in DAYS else int(found[1]) % 7
    return suggest_nth_weekday(int(found[2] or 0), day, line)


_INEXPRESSIBLE: Final[Sequence[tuple[int, str, _Remark]]] = (
    (2, "l(?:-[0-9]+)?|l?w|wl", lambda _, line: suggest_last_day(line)),
    (2, "([0-9]+)w|w([0-9]+)", lambda found, line: suggest_near_weekday(found[1] or found[2], line)),
    (4, rf"([0-7]|(?:{_NAME})[a-z]*?)(?:#([1-5])|l)", _remark_on_nth),
)
"""The number of a field, a pattern of what it may hold in other programs, and the remark on it."""


def _inexpressible(five: Sequence[str]) -> str | None:
    """Return what a schedule cannot express, and the closest lines."""

    def line(month_day: str = "*", week_day: str = "*") -> str:
        return f'`cron: "{five[0]} {five[1]} {month_day} * {week_day}"`'

    for index, form, say in _INEXPRESSIBLE:
        found = re.fullmatch(form, five[index])
        if found is not None:
            return say(found, line)
    if not any(field.startswith("h") for field in five):
        return None
    starts = zip(five, ("0", "9", "1", "*", "*"), strict=True)
    chosen = " ".join(re.sub(r"^h(?:\(.*?\))?", "*" if "/" in field else start, field) for field, start in starts)
    return f'a time that Jenkins chooses (H) cannot be expressed: choose one, such as `cron: "{chosen}"`'
