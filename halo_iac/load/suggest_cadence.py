"""When somebody wants a schedule to fire, in words of their own → how a file says it (docs/semantics.md#cadence).

A guess means all of what was written, or there is none: ``mon-fri`` is no ``mon``, and what fires every second week has
no equal. What cannot be said is told to be so, with what comes near.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from halo_iac.load.cron import InexpressibleCron, from_times
from halo_iac.model.schedule import DAYS
from halo_iac.text import LONGEST, closest_match, normalize

_DAY_NAMES: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SETS: Final = {
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays"), (1, 2, 3, 4, 5)),
    **dict.fromkeys(("weekend", "weekends"), (6, 0)),
}
_ANY_DAY: Final = frozenset({"*", "all", "any", "daily", "everyday", "every day"})
_TO: Final = r"\s*(?:-|\u2013|\u2014|\.\.|\bto\b|\bthrough\b)\s*"
_BETWEEN: Final = r"[\s,;&]+"
_FILLERS: Final = frozenset({"", "and", "every", "on"})

_KNOWN: Final = {
    (60, "minute"): "write `frequency: hourly`",
    (24 * 60, "minute"): "write `frequency: daily`",
    (1, "day"): "write `frequency: daily`",
    (7, "day"): "write `frequency: weekly`",
    (14, "day"): (
        "every second week cannot be expressed; `monthly` with `days_of_month: [1, 15]` comes near, "
        "and `weekly` fires twice as often"
    ),
    (1, "month"): "write `frequency: monthly`",
}
_UNEVEN: Final = "this cannot be expressed: the interval must divide an hour or a day evenly"
_ADVERBS: Final = {
    "hourly": (60, "minute"),
    "daily": (1, "day"),
    "weekly": (7, "day"),
    "biweekly": (14, "day"),
    "fortnightly": (14, "day"),
    "monthly": (1, "month"),
    "bimonthly": (2, "month"),
    "quarterly": (3, "month"),
    "yearly": (12, "month"),
    "annually": (12, "month"),
}
_UNITS: Final = {
    **dict.fromkeys(("minute", "min"), (1, "minute")),
    **dict.fromkeys(("hour", "hr", "h"), (60, "minute")),
    "day": (1, "day"),
    "week": (7, "day"),
    "fortnight": (14, "day"),
    "month": (1, "month"),
    "quarter": (3, "month"),
    "year": (12, "month"),
}
_INTERVAL: Final = rf"(?:every ?)?([1-9][0-9]{{0,3}}|other|second)? ?({'|'.join(_UNITS)})s?"
_LAST: Final = (-1, "last", "l", "lastday", "end", "endofmonth", "eom")
_LAST_DAY: Final = (
    "the last day of a month cannot be expressed; 31 fires only in months that have it, 28 in every month"
)
_NAMED_TIMES: Final = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_TIME: Final = r"([0-9]{1,2})(?:[:.]([0-9]{2})(?::00)?)? ?(?:([ap])\.?m\.?)?"


def suggest_part(field: str, value: object, *, is_one_of_several: bool) -> str | None:
    """Guess what was meant by the value of a cadence's part, or by one of several of them."""
    if field == "at":
        return suggest_times(value, is_one_of_several=is_one_of_several)
    if field == "days_of_week":
        return suggest_days(value, is_one_of_several=is_one_of_several)
    if field == "days_of_month":
        return suggest_day_of_month(value)
    return suggest_frequency(value) if field == "frequency" else None


def suggest_frequency(value: object) -> str | None:
    """Say how a file says a frequency such as ``every 2 hours`` or ``biweekly``, or that it cannot."""
    text = value.strip().lower() if isinstance(value, str) and len(value) <= LONGEST else ""
    adverb = _ADVERBS.get(re.sub("[-_ ]", "", text))
    if adverb is not None:
        return _suggest_interval(*adverb)
    found = re.fullmatch(_INTERVAL, text)
    if found is not None:
        many, unit = _UNITS[found[2]]
        return _suggest_interval(many * (2 if found[1] in {"other", "second"} else int(found[1] or 1)), unit)
    days = meant_days(text) if len(text) > 2 and not re.search("[0-9]", text) else None
    return f"write `frequency: weekly` with `days_of_week: [{', '.join(days)}]`" if days else None


def _suggest_interval(count: int, unit: str) -> str:
    """Say how a file says that a schedule fires every so many minutes, days or months, or that it cannot."""
    known = _KNOWN.get((count, unit))
    if known is not None:
        return known
    if unit == "month":
        return f"every {count} months cannot be expressed; `monthly` fires {count} times as often"
    if unit == "day":
        return f"every {count} days cannot be expressed: days are those of a week or of a month"
    if 60 % count == 0:
        return f'write `cron: "*/{count} * * * *"` instead'
    is_even = count % 60 == 0 and 24 * 60 % count == 0
    return f'write `cron: "0 */{count // 60} * * *"` instead' if is_even else _UNEVEN


def suggest_days(value: object, *, is_one_of_several: bool) -> str | None:
    """Guess which days of the week were meant."""
    if value == 7 and not isinstance(value, bool):
        return "write `0` or `sun` for Sunday"
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    if value.strip().lower() in _ANY_DAY:
        return "write `frequency: daily` instead"
    days = meant_days(value)
    if days:
        return f"write `{_listed(days, is_one_of_several=is_one_of_several)}`"
    word = value.strip().lower()
    slip = closest_match(word, [name for name in _DAY_NAMES if name[:1] == word[:1]]) if word.isalpha() else None
    return f"did you mean `{slip[:3]}`?" if slip else None


def suggest_day_of_month(value: object) -> str | None:
    """Say of the last day of a month that there is no word for it."""
    word = normalize(value) if isinstance(value, str) and len(value) <= LONGEST else value
    return _LAST_DAY if word in _LAST else None


def meant_days(text: str) -> list[str] | None:
    """Return the days that a text names, such as ``mon-fri`` or ``Mondays and Thursdays``; ``None`` if it says more."""
    if re.search("[0-9]", text) and re.search("[^-0-9,; ]", text):
        return None  # a number beside words may well be a time
    found: list[int] = []
    for word in re.split(_BETWEEN, re.sub(_TO, "-", text.lower())):
        days = () if word in _FILLERS else _SETS.get(word) or _days(word)
        if days is None:
            return None
        found.extend(days)
    return [DAYS[day] for day in dict.fromkeys(found)]


def _days(word: str) -> Sequence[int] | None:
    """Return the days of a name, or from one to another, past the end of the week if need be."""
    first, dash, last = word.partition("-")
    begin, end = _day(first), _day(last) if dash else None
    if begin is None or (dash and end in {None, begin}):
        return None
    return [begin] if end is None else [(begin + more) % 7 for more in range((end - begin) % 7 + 1)]


def _day(word: str) -> int | None:
    if len(word) == 1 and word in "0123456":
        return int(word)
    name = word.removesuffix(".").removesuffix("s")
    return next((day for day, full in enumerate(_DAY_NAMES) if len(name) > 1 and full.startswith(name)), None)


def suggest_times(value: object, *, is_one_of_several: bool) -> str | None:
    """Guess which times of day were meant; a number alone is an hour."""
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    parts = re.split(r"\s*(?:[,;&]|\band\b)\s*|\s+(?=[0-9])", text) if len(text) <= LONGEST else []
    times = [time for part in parts if (time := _time(part)) is not None]
    is_split_by_spaces = re.search(r"[0-9]\s+[0-9]", text) is not None and any(part.isdecimal() for part in parts)
    if not times or len(times) < len(parts) or _is_halved_in_part(parts) or is_split_by_spaces:
        return None
    try:
        from_times(times)
    except InexpressibleCron as error:
        return error.hint
    quoted = _listed([f'"{time}"' for time in times], is_one_of_several=is_one_of_several)
    note = ": 24:00 is the start of the next day" if any(part.startswith("24") for part in parts) else ""
    return f"write `{quoted}`{note}"


def _time(part: str) -> str | None:
    """Return a time of day such as ``9:30 pm`` as a file has it; ``None`` if it is none, or has seconds."""
    if part in _NAMED_TIMES:
        return _NAMED_TIMES[part]
    found = re.fullmatch(_TIME, part)
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half is not None:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
    is_end_of_day = (hour, found[2]) == (24, "00")
    return f"{hour % 24:02}:{minute:02}" if is_end_of_day or (hour < 24 and minute < 60) else None


def _is_halved_in_part(times: Sequence[str]) -> bool:
    """Return whether some of the times say which half of the day and others may mean the same: ``9 and 10 pm``."""
    return len({time.endswith(("m", "m.")) for time in times if time not in _NAMED_TIMES}) > 1


def _listed(words: Sequence[str], *, is_one_of_several: bool) -> str:
    """Return words as a list, without brackets where they stand in one already or need none."""
    together = ", ".join(words)
    return together if is_one_of_several or len(words) == 1 else f"[{together}]"
