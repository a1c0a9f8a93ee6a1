"""Converts ``at:`` and ``cron:`` to the parts of a cadence, where they are exactly equivalent.

See docs/semantics.md#cadence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from halo_iac.model.schedule import DAYS

Parts = dict[str, Any]
"""``frequency``, which is a string, and the parts, which are tuples of numbers."""

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
SPANS: Final = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day of month": (1, 31, ()),
    "month": (1, 12, MONTHS),
    "day of week": (0, 7, DAYS),
}


SPLIT_HINT: Final = "split them into several entries"
"""The hint for times that are not hours × minutes."""


class InexpressibleCron(Exception):  # noqa: N818 - names the reason: the platform's cadences cannot express it
    """A cron expression or a list of times that no cadence expresses; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def from_times(times: Sequence[str]) -> Parts:
    """Return the hours and minutes of a list of times of day such as ``09:30``."""
    wanted = {(int(hour), int(minute)) for hour, minute in (time.split(":") for time in times)}
    hours = tuple(sorted({hour for hour, _ in wanted}))
    minutes = tuple(sorted({minute for _, minute in wanted}))
    added = [f"{hour:02}:{minute:02}" for hour in hours for minute in minutes if (hour, minute) not in wanted]
    if added:
        raise InexpressibleCron(
            f"`at` combines every hour with every minute, so these times would also fire at {', '.join(added)}",
            SPLIT_HINT,
        )
    return {"hours": hours, "minutes": minutes}


def from_cron(expression: str) -> Parts:
    """Return the frequency and parts of a cron expression: five fields, or a nickname such as ``@daily``."""
    fields = NICKNAMES.get(expression.strip().lower(), expression).split()
    if len(fields) != 5:
        raise InexpressibleCron(_not_five(expression, len(fields)))
    minutes, hours, month_days, months, week_days = (
        parse_field(text, name) for text, name in zip(fields, SPANS, strict=True)
    )
    if len(months) < 12:
        raise InexpressibleCron(
            "a schedule fires in every month, so the month field of `cron` must be `*`", "set the month to `*`"
        )
    days_of_month, days_of_week = _restricted_days(fields[2], fields[4], month_days, week_days)
    if days_of_month:
        return {"frequency": "monthly", "days_of_month": days_of_month, "hours": hours, "minutes": minutes}
    if days_of_week:
        return {"frequency": "weekly", "days_of_week": days_of_week, "hours": hours, "minutes": minutes}
    if len(hours) == 24:
        return {"frequency": "hourly", "minutes": minutes}
    return {"frequency": "daily", "hours": hours, "minutes": minutes}


def _restricted_days(
    month_field: str, week_field: str, month_days: tuple[int, ...], week_days: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the days of the month, or else of the week, on which cron fires; both are empty if it fires every day.

    If either day field begins with ``*`` (``*/2`` included), a day has to match both fields. Otherwise it has to match
    one of them, so that ``1-31`` with ``1`` means every day.
    """
    week_days = tuple(sorted({day % 7 for day in week_days}))
    is_every_month_day, is_every_week_day = len(month_days) == 31, len(week_days) == 7
    has_to_fit_both = month_field.startswith("*") or week_field.startswith("*")
    if is_every_month_day or is_every_week_day:
        if not has_to_fit_both:
            return (), ()
        return () if is_every_month_day else month_days, () if is_every_week_day else week_days
    if has_to_fit_both:
        raise InexpressibleCron(
            "where a day field begins with `*`, cron fires on days that match both day fields, which a schedule "
            "cannot express",
            "restrict only the day of the month, or only the day of the week",
        )
    raise InexpressibleCron(
        "cron fires where either the day of the month or the day of the week matches, which a schedule cannot express",
        "restrict one of the two, or write two entries, which both fire on a day that matches both",
    )


def _not_five(expression: str, count: int) -> str:
    if expression.startswith("@"):
        return f"unknown nickname; `cron` accepts {', '.join(NICKNAMES)}"
    more = "; a schedule has no seconds or years" if count > 5 else ""
    return f"expected five fields (minute, hour, day of month, month, day of week), found {count}{more}"


def parse_field(text: str, name: str) -> tuple[int, ...]:
    """Return the numbers that one cron field matches, sorted."""
    found: set[int] = set()
    for part in text.lower().split(","):
        found.update(_range(part, name))
    return tuple(sorted(found))


def _range(part: str, name: str) -> range:
    low, high, names = SPANS[name]
    body, slash, step_text = part.partition("/")
    step = _number(step_text, name, ()) if slash else 1
    if body == "*":
        first, last = low, 6 if name == "day of week" else high
    else:
        begin, dash, end = body.partition("-")
        first = _number(begin, name, names)
        last = _number(end, name, names) if dash else high if slash else first
    if step < 1 or not low <= first <= last <= high:
        raise InexpressibleCron(
            f"invalid {name} field of `cron`: expected {low} to {high}, `*`, lists, ranges and steps"
        )
    if slash and "-" in body and first == last:
        raise InexpressibleCron(
            f"the {name} field of `cron` has a step over a range of one number, which programs read differently"
        )
    return range(first, last + 1, step)


def _number(text: str, name: str, names: Sequence[str]) -> int:
    if text in names:
        return names.index(text) + SPANS[name][0]
    if text.isdecimal() and text.isascii() and len(text) < 5:
        return int(text)
    raise InexpressibleCron(f"invalid {name} field of `cron`: expected numbers, `*`, lists, ranges and steps")
