"""When somebody wants a schedule to fire, in words of their own → how a file says it (design §2).

A guess means all of what was written, or there is none: ``mon-fri`` is no ``mon``, and what fires every second week has
no equal. What cannot be said is told to be so, with what comes near.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from halo_iac.load.likeness import LONGEST, nearest
from halo_iac.model.schedule import DAYS

_DAY_NAMES: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SETS: Final = {
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays"), (1, 2, 3, 4, 5)),
    **dict.fromkeys(("weekend", "weekends"), (6, 0)),
}
_ANY_DAY: Final = frozenset({"*", "all", "any", "daily", "everyday", "every day"})
_TO: Final = r"\s*(?:-|\u2013|\u2014|\.\.|\bto\b|\bthrough\b)\s*"
_BETWEEN: Final = r"[\s,;&]+"
_FILLERS: Final = frozenset({"", "and", "every", "on"})


def for_days(value: object, *, is_one_of_several: bool = False) -> str | None:
    """Guess which days of the week were meant."""
    if value == 7 and not isinstance(value, bool):
        return "7 is no day here: Sunday is 0"
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    if value.strip().lower() in _ANY_DAY:
        return "write `frequency: daily` instead"
    days = meant_days(value)
    if days:
        return f"write `{_listed(days, is_one_of_several=is_one_of_several)}`"
    word = value.strip().lower()
    slip = nearest(word, [name for name in _DAY_NAMES if name[:1] == word[:1]])
    return f"did you mean `{slip[:3]}`?" if slip else None


def meant_days(text: str) -> list[str] | None:
    """Return the days that a text names, such as ``mon-fri`` or ``Mondays and Thursdays``; ``None`` if it says more."""
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


def _listed(words: Sequence[str], *, is_one_of_several: bool) -> str:
    """Return words as a list, without brackets where they stand in one already or need none."""
    together = ", ".join(words)
    return together if is_one_of_several or len(words) == 1 else f"[{together}]"
