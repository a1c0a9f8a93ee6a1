"""Who fires at once: the crowded minutes of a project, and how to spread them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from halo_iac.findings.subject import Odd, Subject, spec_of
from halo_iac.findings.words import listed
from halo_iac.model.project import Entry
from halo_iac.model.schedule import Cadence, Frequency

CROWD: Final = 10
"""How many schedules may fire in one minute before it is worth a word."""

_SHOWN: Final = 20
"""How many entries of a spread are named."""

Slot = tuple[str, int, int]
"""A time zone, an hour and a minute."""


def crowded_minute(subject: Subject) -> Iterator[Odd]:
    """Many schedules that fire in the same minute of the same day, by the clock of one time zone."""
    told: list[tuple[int, frozenset[str]]] = []
    crowds = ((slot, members) for slot, there in _slots(subject).items() if (members := _at_most(there)))
    for (zone, hour, minute), members in sorted(crowds, key=lambda crowd: (-len(crowd[1]), crowd[0])):
        keys = frozenset(entry.key for entry in members)
        if any(keys <= larger for at, larger in told if at == minute):
            continue  # hourly schedules meet every hour, and need one spread
        told.append((minute, keys))
        message = (
            f"{len(members):,} schedules fire at {hour:02}:{minute:02} ({zone}), all in one minute: {listed(keys)}"
        )
        yield Odd(members, "minutes", message, _spread(members, minute), is_shared=True)


def _slots(subject: Subject) -> dict[Slot, list[tuple[Cadence, Sequence[Entry]]]]:
    """Return who fires when, on whatever day."""
    slots: defaultdict[Slot, list[tuple[Cadence, Sequence[Entry]]]] = defaultdict(list)
    for (cadence, _), entries in subject.looks.items():
        for hour in range(24) if cadence.frequency == Frequency.HOURLY else cadence.hours:
            for minute in cadence.minutes:
                slots[cadence.timezone, hour, minute].append((cadence, entries))
    return slots


def _at_most(there: Iterable[tuple[Cadence, Sequence[Entry]]]) -> Sequence[Entry]:
    """Return those of one time of day that meet on the fullest day; nobody if that is no crowd.

    Sooner or later every day of the week is every day of the month, so the fullest of both is one day.
    """
    daily: list[Entry] = []
    by_weekday: defaultdict[int, list[Entry]] = defaultdict(list)
    by_date: defaultdict[int, list[Entry]] = defaultdict(list)
    for cadence, entries in there:
        if cadence.frequency in {Frequency.HOURLY, Frequency.DAILY}:
            daily += entries
        for day in cadence.days_of_week:
            by_weekday[day] += entries
        for day in cadence.days_of_month:
            by_date[day] += entries
    members = [*daily, *_fullest(by_weekday), *_fullest(by_date)]
    return members if len(members) > CROWD else ()


def _fullest(days: dict[int, list[Entry]]) -> Sequence[Entry]:
    return max((days[day] for day in sorted(days)), key=len, default=())


def _spread(members: Iterable[Entry], minute: int) -> str:
    """Return a minute for each; those with several fires an hour stay where they are."""
    keys = sorted(entry.key for entry in members if len(spec_of(entry).minutes) == 1)
    step = max(1, 60 // max(1, len(keys)))
    shown = [f"`{key}` at :{(minute + place * step) % 60:02}" for place, key in enumerate(keys[:_SHOWN])]
    more = f", and so on every {step} minute{'' if step == 1 else 's'}" if len(keys) > _SHOWN else ""
    return f"spread them over the hour, such as {', '.join(shown)}{more}" if shown else "spread them over the hour"
