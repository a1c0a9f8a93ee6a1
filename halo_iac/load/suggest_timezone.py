"""Which time zone was meant: other systems' names, abbreviations, offsets (docs/semantics.md#entry-fields).

Nothing near is looked for where one letter or sign decides by how many hours a schedule is off: ``GMT+2`` is two hours
east of Greenwich where people write it, and ``Etc/GMT+2`` two hours west. ``WEST`` is no slip for ``EST``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from unicodedata import combining
from unicodedata import normalize as normalize_form

from halo_iac.model.zones import zone_names
from halo_iac.text import LONGEST, closest_match, normalize

_PLACES: Final = {
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "pt": "America/Los_Angeles",
    "pacific": "America/Los_Angeles",
    "edt": "America/New_York",
    "et": "America/New_York",
    "eastern": "America/New_York",
    "cst": "America/Chicago",
    "cdt": "America/Chicago",
    "ct": "America/Chicago",
    "central": "America/Chicago",
    "mdt": "America/Denver",
    "mt": "America/Denver",
    "mountain": "America/Denver",
    "bst": "Europe/London",
    "british": "Europe/London",
    "gmt standard time": "Europe/London",
    "west": "Europe/Lisbon",
    "cest": "Europe/Berlin",
    "central european": "Europe/Berlin",
    "w. europe": "Europe/Berlin",
    "romance": "Europe/Paris",
    "eest": "Europe/Helsinki",
    "eastern european": "Europe/Helsinki",
    "ist": "Asia/Kolkata",
    "india": "Asia/Kolkata",
    "china": "Asia/Shanghai",
    "jst": "Asia/Tokyo",
    "tokyo": "Asia/Tokyo",
    "kst": "Asia/Seoul",
    "korea": "Asia/Seoul",
    "sgt": "Asia/Singapore",
    "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney",
    "aus eastern": "Australia/Sydney",
    "australian eastern": "Australia/Sydney",
    "z": "UTC",
    "coordinated universal": "UTC",
}
"""Abbreviations and names in small letters, those that end in "Time" without what :data:`_TIME` takes away."""

_WITHOUT_ZONE: Final = {
    "boston": "America/New_York",
    "washington": "America/New_York",
    "atlanta": "America/New_York",
    "miami": "America/New_York",
    "dallas": "America/Chicago",
    "houston": "America/Chicago",
    "austin": "America/Chicago",
    "seattle": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles",
    "mumbai": "Asia/Kolkata",
    "delhi": "Asia/Kolkata",
    "new delhi": "Asia/Kolkata",
    "bangalore": "Asia/Kolkata",
    "beijing": "Asia/Shanghai",
    "shenzhen": "Asia/Shanghai",
    "munich": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "frankfurt": "Europe/Berlin",
    "barcelona": "Europe/Madrid",
    "milan": "Europe/Rome",
    "geneva": "Europe/Zurich",
    "geneve": "Europe/Zurich",
    "munchen": "Europe/Berlin",
    "koln": "Europe/Berlin",
    "dusseldorf": "Europe/Berlin",
    "wien": "Europe/Vienna",
    "praha": "Europe/Prague",
    "warszawa": "Europe/Warsaw",
    "krakow": "Europe/Warsaw",
    "lodz": "Europe/Warsaw",
    "kobenhavn": "Europe/Copenhagen",
    "malmo": "Europe/Stockholm",
    "goteborg": "Europe/Stockholm",
    "quebec": "America/Toronto",
    "brasilia": "America/Sao_Paulo",
    "medellin": "America/Bogota",
}
"""Cities that people look for in vain, as :func:`_folded` returns them."""
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters that are not one with a mark added to it."""

_CLOSE: Final = 0.9
"""How like a place must be: of ten letters, one may be wrong."""
_CONTINENTS: Final = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
"""Where a place is a city; `Canada/Eastern` is none."""

_TIME: Final = r"(?: standard| daylight| summer)? time(?: \(us & canada\))?$"
_OFFSET: Final = r"(?:utc|gmt)? ?([+\-\u2212])([0-9]{1,2})(?::?([0-9]{2}))?"
PLACE: Final = "use the time zone of a place, such as `Europe/Berlin`"


def suggest_zone(name: object) -> str | None:
    """Guess which time zone was meant."""
    if isinstance(name, int | float) and not isinstance(name, bool):
        return PLACE
    if not isinstance(name, str) or len(name) > LONGEST:
        return None
    word = _folded(name)
    place = _place(word)
    if place is not None:
        return f"write `{place}`"
    offset = re.fullmatch(_OFFSET, word)
    if offset is not None:
        sign, hours, minutes = offset.groups(default="")
        return _suggest_offset(int(f"{'+' if sign == '+' else '-'}{hours}"), int(minutes or 0))
    spelt = _spelt(word)
    if spelt is not None:
        return f"did you mean `{spelt}`?"
    known = _WITHOUT_ZONE.get(word.rpartition("/")[2].replace("_", " "))
    return f"write `{known}`" if known else None


def fixed_zone(offset: str) -> str | None:
    """Return the zone of an offset such as ``+02:00``, in small letters; ``None`` where no zone has it."""
    found = re.fullmatch(_OFFSET, offset)
    sign, hours, minutes = ("", "0", "") if found is None else found.groups(default="")
    if found is None or int(minutes or 0):
        return None
    zone = f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}"
    return "UTC" if int(hours) == 0 else zone if zone in zone_names() else None


def meant_zone(name: str) -> str | None:
    """Return the zone that a name or abbreviation means, as a file has it; ``None`` for an offset other than 0."""
    word = _folded(name)
    return _place(word) or _spelt(word)


def _folded(name: str) -> str:
    """Return a name in small letters without their marks: no zone has one, so ``Zürich`` is ``zurich``."""
    plain = normalize_form("NFKD", name.strip().lower())
    return "".join(letter for letter in plain if not combining(letter)).translate(_LETTERS)


def _place(word: str) -> str | None:
    return _PLACES.get(word) or _PLACES.get(re.sub(_TIME, "", word))


def _spelt(word: str) -> str | None:
    return _spellings().get(word) or _spellings().get(normalize(word)) or _cities().get(word.replace(" ", "_"))


def suggest_near_zone(name: str) -> str | None:
    """Guess which time zone was meant where a letter may be wrong, which takes milliseconds.

    Only the place is compared, with those of the same region, and closely: Mumbai is no slip for Dubai.
    """
    region, slash, place = name.rpartition("/")
    if (not slash and len(name) <= 4) or re.search("[0-9]", name):
        return None
    elsewhere = _cities().get(place.lower(), "")
    if elsewhere.startswith(_CONTINENTS):
        return f"did you mean `{elsewhere}`?"
    zones = sorted(zone for zone in zone_names() if not re.search("[0-9]", zone))
    near_places = {zone.rpartition("/")[2]: zone for zone in zones if not slash or zone.rpartition("/")[0] == region}
    found = closest_match(place, near_places, cutoff=_CLOSE)
    return f"did you mean `{near_places[found]}`?" if found else None


def _suggest_offset(hours: int, minutes: int) -> str:
    """Say what a fixed offset is called, where a zone has it: the signs of those zones are those of POSIX."""
    if hours == minutes == 0:
        return "write `UTC`"
    zone = f"Etc/GMT{-hours:+}"
    return f"{PLACE}; this offset is `{zone}`, its sign reversed" if not minutes and zone in zone_names() else PLACE


@cache
def _spellings() -> dict[str, str]:
    """Return each zone by its name in small letters; those without an offset also without signs."""
    bare = {normalize(zone): zone for zone in sorted(zone_names(), reverse=True) if not re.search("[0-9]", zone)}
    return bare | {zone.lower(): zone for zone in zone_names()}


@cache
def _cities() -> dict[str, str]:
    """Return the zone of each last part of a name, such as ``berlin``: the first by name where several have it."""
    zones = sorted(zone_names(), reverse=True)
    return {zone.rpartition("/")[2].lower(): zone for zone in zones if not re.search("[0-9]", zone)}
