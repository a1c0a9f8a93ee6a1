"""Guesses a cadence from the words of people and other tools, and says how a project file writes it.

See docs/semantics.md#cadence. A guess covers the whole text or is not made. If a cadence cannot be expressed, the hint
says so and names the closest ones. Every line that a hint suggests passes ``halo validate``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from halo_iac.load.suggestions.cron import suggest_cron
from halo_iac.load.suggestions.days import (
    parse_days,
    read_days_of_month,
    suggest_day_of_month,
    suggest_days,
    suggest_nth_day,
    suggest_other_week,
)
from halo_iac.load.suggestions.duration import DAY, HOUR, MINUTE, Duration, read_duration, suggest_lookback
from halo_iac.load.suggestions.times import (
    NOT_A_PRODUCT_HINT,
    format_list,
    is_product,
    read_times,
    suggest_numbers,
    suggest_times,
)
from halo_iac.load.suggestions.timezone import zone_for_name
from halo_iac.load.suggestions.words import read_in_english
from halo_iac.text import MAX_COMPARED_LENGTH

FIELDS: Final = frozenset(
    {"frequency", "cron", "days_of_week", "days_of_month", "at", "hours", "minutes", "lookback", "lookback_hours"}
)
"""Fields whose values are guessed here."""

_ADVERBS: Final = {
    "minutely": Duration(MINUTE),
    "hourly": Duration(HOUR),
    **dict.fromkeys(("daily", "everyday", "eachday", "nightly"), Duration(DAY)),
    "weekly": Duration(7 * DAY),
    **dict.fromkeys(("biweekly", "fortnightly"), Duration(14 * DAY)),
    "monthly": Duration(0, 1),
    "bimonthly": Duration(0, 2),
    "quarterly": Duration(0, 3),
    **dict.fromkeys(("yearly", "annually", "annual"), Duration(0, 12)),
}
_FREQUENCIES: Final = {
    Duration(HOUR): "hourly",
    Duration(DAY): "daily",
    Duration(7 * DAY): "weekly",
    Duration(0, 1): "monthly",
}
_EVEN_INTERVALS: Final = (
    *(n * MINUTE for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)),
    *(n * HOUR for n in (2, 3, 4, 6, 8, 12)),
)
"""Intervals, in seconds, that divide an hour or a day."""

_TIMES_A_DAY: Final = r"(once|twice|([0-9]{1,4}) ?(?:times|x)),? ?(?:a |an |per |each |every |/ ?)?([a-z]+)"
_NUMBER_UNITS: Final = (("seconds", 1), ("minutes", MINUTE), ("hours", HOUR), ("days", DAY))
_CLOCK: Final = (
    r"(?:[0-9]{1,2}(?:[:.][0-9]{2}(?::00)?|h(?:[0-9]{2})?)?(?: ?[ap]\.?m\.?| hours| o'clock)?|noon|midnight)"
)
_TIMES: Final = rf"{_CLOCK}(?:(?:, ?| and | ?& ?){_CLOCK})*"
_AT: Final = rf"(?:^|[ ,])(?:at|@) ?(?P<at>{_TIMES})(?=$|[ ,])|@(?P<near>{_TIMES})(?=$|[ ,])"
_PLAIN_AT: Final = r"(?:^|[ ,])(?P<at>[0-9]{1,2}(?:[:h][0-9]{2}(?::00)?| ?[ap]\.?m\.?)|noon|midnight)(?=$|[ ,])"
_AT_ZONE: Final = r"(.*[0-9m])[ ,(]+([a-z]+(?:/[a-z_/]+)?)\)?"
_EVERY_DAY: Final = frozenset(
    {"daily", "every day", "everyday", "each day", "every days", "every morning", "nightly", "days", "a day"}
)


def suggest_part(field: str, value: object, beside: Sequence[object]) -> str | None:
    """Guess the meaning of a value of one of :data:`FIELDS`, alone or with others (``beside``) in a list."""
    is_one_of_several = bool(beside)
    if field == "at":
        suggestion = suggest_times(value, is_one_of_several=is_one_of_several)
        return suggestion or (suggest_cadence(value) if isinstance(value, str) and not is_one_of_several else None)
    if field == "days_of_week":
        return suggest_days(value, beside)
    if field == "days_of_month":
        return suggest_day_of_month(value, is_one_of_several=is_one_of_several)
    if field in {"hours", "minutes"}:
        return suggest_numbers(field, value, is_one_of_several=is_one_of_several)
    return suggest_lookback(field, value) if field.startswith("lookback") else suggest_cadence(value)


def suggest_cadence(value: object) -> str | None:
    """Return how a file writes ``0 9 * * *``, ``every 2 hours``, ``biweekly`` or ``monday at 9``, or that it cannot."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _suggest_number(value)
    if isinstance(value, dict) and len(value) == 1 and type(next(iter(value.values()))) is int:
        value = " ".join(f"{count} {unit}" for unit, count in value.items())  # `interval: {hours: 6}`
    if isinstance(value, list | dict) and len(value) == 1:
        [inner] = value if isinstance(value, list) else value.values()
        return suggest_cadence(inner) if isinstance(inner, dict | str) else None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_COMPARED_LENGTH:
        return None
    text = value.strip().rstrip(",;")
    suggestion = suggest_cron(text) or _suggest_text(text)
    return suggestion or (read_in_english(text, _suggest_text) if len(text) > 2 else None)


def _suggest_text(text: str) -> str | None:
    interval = _ADVERBS.get(re.sub("[-_ @]", "", text.lower())) or read_duration(text) or _times_per_day(text.lower())
    return _suggest_interval(interval) if interval else _suggest_sentence(" ".join(text.lower().split()))


def _times_per_day(text: str) -> Duration | None:
    """Return the interval of texts such as ``twice a day``, if it can be expressed."""
    found = re.fullmatch(_TIMES_A_DAY, text)
    whole = None if found is None else _ADVERBS.get(found[3], read_duration(found[3]))
    if found is None or whole is None:
        return None
    times = int(found[2] or {"once": 1, "twice": 2}[found[1]])
    interval = Duration(whole.seconds // max(times, 1), whole.months)
    return interval if times and interval.seconds * times == whole.seconds and _is_exact(interval) else None


def _suggest_number(count: int) -> str | None:
    """Return what a number without a unit may mean: 3600 are seconds, 2 is ambiguous."""
    readings = [(unit, Duration(count * seconds)) for unit, seconds in _NUMBER_UNITS]
    suggestions = [
        f"{_interval_line(interval)} for {count} {unit}" for unit, interval in readings if _is_exact(interval)
    ]
    return f"write {', or '.join(suggestions)}" if suggestions else None


def _is_exact(interval: Duration) -> bool:
    return interval in _FREQUENCIES or (interval.seconds in _EVEN_INTERVALS and not interval.months)


def _interval_line(interval: Duration) -> str:
    """Return the line for an interval that can be expressed."""
    frequency = _FREQUENCIES.get(interval)
    if frequency is not None:
        return f"`frequency: {frequency}`"
    minutes = interval.seconds // MINUTE
    if minutes == 1:
        return '`cron: "* * * * *"`'
    return f'`cron: "*/{minutes} * * * *"`' if minutes < 60 else f'`cron: "0 */{minutes // 60} * * *"`'


def _suggest_interval(interval: Duration) -> str:
    """Return how a file writes a schedule with an interval, or that it cannot and which ones come closest."""
    seconds, months = interval
    if _is_exact(interval):
        return f"write {_interval_line(interval)}"
    if months:
        return f"every {months} months cannot be expressed; `frequency: monthly` fires {months} times as often"
    if seconds % DAY == 0:
        days = seconds // DAY
        dates = ", ".join(str(day) for day in range(1, 29, days)) if days < 28 else "1"
        name = "every second week" if days == 14 else f"every {days} days"
        return (
            f"{name} cannot be expressed: days are those of a week or of a month; "
            f"`frequency: monthly` with `days_of_month: [{dates}]` comes nearest"
        )
    nearest = max((even for even in (*_EVEN_INTERVALS, DAY) if even < seconds), default=MINUTE)
    return (
        "this interval cannot be expressed, since it must divide an hour or a day evenly; "
        f"{_interval_line(Duration(nearest))} comes nearest"
    )


def _suggest_sentence(text: str) -> str | None:
    """Return how a file writes days and times such as ``every monday at 9am PST`` or ``weekdays``."""
    zone, rest = _split_zone(text)
    found = re.search(_AT, rest) or re.search(_PLAIN_AT, rest)
    times = None if found is None else read_times((found["at"] or found["near"]).replace("@", ""))
    if found is not None and (times is None or not is_product(times)):
        return NOT_A_PRODUCT_HINT if times else None
    phrase = re.sub(
        r"^on | on$|,$", "", " ".join(f"{rest[: found.start()]} {rest[found.end() :]}".split()) if found else rest
    )
    nth = suggest_other_week(phrase) or suggest_nth_day(re.sub("^(?:on|(?:every|each)(?! second)) ", "", phrase))
    lines = _day_lines(phrase.strip(" ,"), is_timed=times is not None)
    if nth is not None or lines is None:
        return nth if nth is None or "cannot" in nth else None
    at = format_list([f'"{time}"' for time in times or ()], is_one_of_several=False)
    written = [*lines, *([f"at: {at}"] if times else []), *([f"timezone: {zone}"] if zone else [])]
    return None if zone and not times else f"write {format_lines(written)}"


def format_lines(lines: Sequence[str]) -> str:
    """Return lines in the wording of a hint: the first, then the others."""
    first, *others = (f"`{line}`" for line in lines)
    together = " and ".join(filter(None, (", ".join(others[:-1]), *others[-1:])))
    return f"{first} with {together}" if others else first


def _split_zone(text: str) -> tuple[str | None, str]:
    """Return the zone at the end of a text, if there is one, and the text before it."""
    found = re.fullmatch(_AT_ZONE, text)
    zone = None if found is None or parse_days(found[2]) is not None else zone_for_name(found[2])
    return (None, text) if found is None or zone is None else (zone, found[1])


def _day_lines(phrase: str, *, is_timed: bool) -> list[str] | None:
    """Return the lines for a text that names days: ``every day``, ``mon and thu``, ``monthly on the 1st``."""
    if phrase in _EVERY_DAY or (is_timed and phrase in {"", "*-*-*"}):
        return ["frequency: daily"]
    if phrase in {"weekly", "every week", "monthly", "every month"}:
        return [f"frequency: {'weekly' if 'week' in phrase else 'monthly'}"]
    plain = re.sub(r"^(?:weekly|every week),? (?:on )?|\*-\*-\*$", "", phrase)
    days = parse_days(plain) if len(plain) > 2 and not re.search("[0-9]", plain) else None
    if days:
        return ["frequency: weekly", f"days_of_week: [{', '.join(days)}]"]
    is_monthly = "month" in phrase
    dates = read_days_of_month(re.sub(r"^(?:monthly|every month),? ", "", phrase)) if is_monthly else None
    return ["frequency: monthly", f"days_of_month: [{', '.join(dates)}]"] if dates else None
