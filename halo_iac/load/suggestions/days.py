"""Guesses days of the week and of the month from the words of people and other tools.

A guess covers the whole text or is not made: ``mon-fri`` is not ``mon``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from halo_iac.load.cron import InexpressibleCron, parse_field
from halo_iac.load.suggestions.times import format_list
from halo_iac.load.suggestions.words import DAY_NAMES, fold_accents, read_in_english
from halo_iac.model.schedule import DAYS
from halo_iac.text import MAX_COMPARED_LENGTH, closest_match, normalize

_SETS: Final = {
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays", "workweek"), (1, 2, 3, 4, 5)),
    **dict.fromkeys(("weekend", "weekends"), (6, 0)),
}
_ANY_DAY: Final = frozenset({"*", "?", "all", "any", "daily", "everyday", "every day", "each day", "all days"})
_TO: Final = r"\s*(?:-|\u2013|\u2014|\.\.|\bto\b|\bthrough\b|\bthru\b)\s*"
_BETWEEN: Final = r"[\s,;&|]+"
_FILLERS: Final = frozenset({"", "and", "every", "each", "on"})

_LAST: Final = (-1, "last", "l", "lastday", "end", "endofmonth", "endofthemonth", "eom", "lastdayofmonth")
_ORDINALS: Final = ("last", "first", "second", "third", "fourth", "fifth")
_NTH_DAY: Final = (
    r"(?:on )?(?:the )?(first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th)) ([a-z]+)"
    r"(?: (?:of|in|on) (?:(?:the|each|every|a) )?months?| monthly)?"
)
_OTHER_WEEK: Final = (
    r"every other (.*)|every (?:2|two|second|other) weeks?,? (?:on )?(.*)|(?:bi-?weekly|fortnightly),? (?:on )?(.*)"
)
_HASH: Final = r"([0-7]|[a-z]{3,9})(?:#([1-5])|l)"
"""The first Monday in Quartz's notation, ``1#1``, and the last one, ``1L``."""

_NEAR_WEEKDAY: Final = r"(?:([0-9]{1,2})w|w([0-9]{1,2}))"
_ORDINAL: Final = r"(?<=[0-9])(?:st|nd|rd|th|er|re|eme|e|o|a|\.|\u00ba|\u00aa)(?![a-z0-9])"
_OF_MONTH: Final = r"^(?:on )?(?:the )?(?:day )?|(?: day)?s?(?: (?:of )?(?:the|each|every|a) month)?$"


Line = Callable[..., str]
"""Returns the line of a file for ``month_day`` or ``week_day``."""


def _lines(month_day: str = "", week_day: str = "") -> str:
    if week_day:
        return f"`frequency: weekly` with `days_of_week: {week_day}`"
    return f"`frequency: monthly` with `days_of_month: {month_day}`"


def _date(month_day: str = "", week_day: str = "") -> str:
    """Return the line of a file for a day; a day of the month is the value of its key."""
    return f"`{month_day}`" if month_day else _lines(week_day=week_day)


def suggest_days(value: object, beside: Sequence[object]) -> str | None:
    """Guess the days of the week of a value, alone or with others (``beside``) in a list."""
    if value in (7, "7"):
        return "write `sun` for Sunday"
    if not isinstance(value, str) or len(value) > MAX_COMPARED_LENGTH:
        return None
    word = value.strip().lower()
    if word in _ANY_DAY:
        return "write `frequency: daily` instead"
    is_one_of_several = bool(beside)
    days = parse_days(value) or _translated(value, beside)
    if days:
        return f"write `{format_list(days, is_one_of_several=is_one_of_several)}`"
    nth = suggest_other_week(word) or suggest_nth_day(word) or read_in_english(word, suggest_nth_day)
    found = re.fullmatch(_HASH, word)
    if found is not None and (day := _read_day(found[1].replace("7", "0"))) is not None:
        nth = suggest_nth_weekday(int(found[2] or 0), day)
    slip = closest_match(word, [name for name in DAY_NAMES if name[:1] == word[:1]]) if word.isalpha() else None
    return nth or (f"did you mean `{slip[:3]}`?" if slip else None)


def suggest_other_week(text: str) -> str | None:
    """Return that every other Monday cannot be expressed, and what comes closest."""
    found = re.fullmatch(_OTHER_WEEK, text)
    days = parse_days(found[1] or found[2] or found[3]) if found else None
    line = f"`frequency: weekly` with `days_of_week: [{', '.join(days or ())}]`"
    return f"every second week cannot be expressed; {line} fires twice as often" if days else None


def _translated(value: str, beside: Sequence[object]) -> list[str] | None:
    """Return days translated from the one language that fits all of them."""
    others = [
        other for other in beside if isinstance(other, str) and other != value and len(other) <= MAX_COMPARED_LENGTH
    ]

    def days(english: str) -> str | None:
        found = [parse_days(part) for part in english.split("|")]
        return " ".join(found[0] or ()) if all(found) else None

    english = read_in_english(" | ".join([value, *others[:7]]), days)
    return english.split() if english else None


def parse_days(text: str) -> list[str] | None:
    """Return the days that a text names, such as ``mon-fri`` or ``Mondays and Thursdays``; ``None`` if it says more."""
    if re.search("[0-9]", text) and re.search("[^-0-9,; ]", text):
        return None  # a number with words may well be a time
    found: list[int] = []
    for word in re.split(_BETWEEN, re.sub(_TO, "-", text.lower())):
        days = () if word in _FILLERS else _SETS.get(word) or _read_days(word)
        if days is None:
            return None
        found.extend(days)
    return [DAYS[day] for day in dict.fromkeys(found)]


def _read_days(word: str) -> Sequence[int] | None:
    """Return the days of a name or of a range, which may wrap around the end of the week."""
    first, dash, last = word.partition("-")
    begin, end = _read_day(first), _read_day(last) if dash else None
    if begin is None or (dash and end in {None, begin}):
        return None
    return [begin] if end is None else [(begin + more) % 7 for more in range((end - begin) % 7 + 1)]


def _read_day(word: str) -> int | None:
    if len(word) == 1 and word in "0123456":
        return int(word)
    name = word.removesuffix(".").removesuffix("s")
    return next((day for day, full in enumerate(DAY_NAMES) if len(name) > 1 and full.startswith(name)), None)


def suggest_day_of_month(value: object, *, is_one_of_several: bool) -> str | None:
    """Guess the days of the month of a value, or return that it cannot be expressed."""
    word = normalize(value) if isinstance(value, str) and len(value) <= MAX_COMPARED_LENGTH else value
    if word in _LAST:
        return suggest_last_day(_date)
    if not isinstance(value, str) or len(value) > MAX_COMPARED_LENGTH:
        return None
    text = fold_accents(value.strip())
    if text in _ANY_DAY:
        return "write `frequency: daily` instead"
    near = re.fullmatch(_NEAR_WEEKDAY, text)
    if near is not None or text.isdecimal():
        return suggest_near_weekday(near[1] or near[2], _date) if near else None
    suggestion = suggest_nth_day(text, _date) or read_in_english(text, lambda english: suggest_nth_day(english, _date))
    days = None if re.fullmatch("[0-9]+/[0-9]+", text) else read_days_of_month(text)  # `1/15` may be two days or a date
    return suggestion or (f"write `{format_list(days, is_one_of_several=is_one_of_several)}`" if days else None)


def read_days_of_month(text: str) -> list[str] | None:
    """Return the days of the month that a text names, such as ``1st and 15th``, ``1-7`` or ``*/10``."""
    plain = re.sub(_ORDINAL, "", re.sub(_OF_MONTH, "", text.strip().lower()))
    plain = re.sub(r"\s*(?:[,;&]|\band\b)\s*(?:the )?", ",", re.sub(_TO, "-", plain))
    try:
        return [str(number) for number in parse_field(plain.strip("[]"), "day of month")]
    except InexpressibleCron:
        return None


def suggest_nth_day(text: str, line: Line = _lines) -> str | None:
    """Return that the first Monday of a month and the like cannot be expressed, and what comes closest."""
    found = re.fullmatch(_NTH_DAY, text.strip())
    if found is None:
        return None
    count = int(found[1][0]) if found[1][0].isdecimal() else _ORDINALS.index(found[1])
    if found[2] == "day":
        return f"write {line(month_day=str(count))}" if count else suggest_last_day(line)
    day = _read_day(found[2])
    return None if day is None else suggest_nth_weekday(count, day, line)


def suggest_last_day(line: Line = _lines) -> str:
    """Return what comes closest to the last day of a month; ``line`` returns the line of a file for a day."""
    inside, past = line(month_day="28"), line(month_day="31")
    return (
        f"the last day of a month cannot be expressed; {inside} fires in every month, {past} only in those that have it"
    )


def suggest_near_weekday(day: str, line: Line = _lines) -> str:
    """Return what comes closest to the weekday nearest to a day of the month."""
    return f"the weekday nearest to a day cannot be expressed; {line(month_day=day)} fires on that day, weekday or not"


def suggest_nth_weekday(count: int, day: int, line: Line = _lines) -> str:
    """Return what comes closest to the nth weekday of a month, the last one if ``count`` is 0."""
    name, month_day = DAY_NAMES[day].capitalize(), str(min(7 * count - 6, 28) if count else 28)
    return (
        f"the {_ORDINALS[count]} {name} of a month cannot be expressed; "
        f"{line(month_day=month_day)} fires once a month, {line(week_day=DAYS[day])} on every {name}"
    )
