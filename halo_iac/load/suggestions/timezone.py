"""Guesses time zones from other systems' names, abbreviations and offsets (docs/semantics.md#entry-fields).

Names are not corrected where one letter or sign changes the offset: ``GMT+2`` usually means two hours east of
Greenwich, ``Etc/GMT+2`` two hours west, and ``WEST`` is not a typo of ``EST``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from halo_iac.load.suggestions.words import fold_accents
from halo_iac.model.zones import zone_names
from halo_iac.text import MAX_COMPARED_LENGTH, closest_match, normalize

_PLACES: Final = {
    word: zone
    for zone, words in {
        "America/Los_Angeles": "pst, pdt, pt, pacific",
        "America/New_York": "edt, et, eastern",
        "America/Chicago": "cst, cdt, ct, central",
        "America/Denver": "mdt, mt, mountain",
        "Europe/London": "bst, british, gmt standard time",
        "Europe/Lisbon": "west",
        "Europe/Berlin": "cest, central european, w. europe",
        "Europe/Paris": "romance",
        "Europe/Helsinki": "eest, eastern european",
        "Asia/Kolkata": "ist, india",
        "Asia/Shanghai": "china",
        "Asia/Tokyo": "jst, tokyo",
        "Asia/Seoul": "kst, korea",
        "Asia/Singapore": "sgt",
        "Australia/Sydney": "aest, aedt, aus eastern, australian eastern",
        "UTC": "z, coordinated universal",
    }.items()
    for word in words.split(", ")
}
"""Lower-case abbreviations and names; those that end in "Time" without the part that :data:`_TIME` removes."""

_WITHOUT_ZONE: Final = {
    word: zone
    for zone, words in {
        "America/New_York": "boston, washington, atlanta, miami",
        "America/Chicago": "dallas, houston, austin",
        "America/Los_Angeles": "seattle, san francisco",
        "Asia/Kolkata": "mumbai, delhi, new delhi, bangalore",
        "Asia/Shanghai": "beijing, shenzhen",
        "Europe/Berlin": "munich, hamburg, frankfurt, munchen, koln, dusseldorf",
        "Europe/Madrid": "barcelona",
        "Europe/Rome": "milan",
        "Europe/Zurich": "geneva, geneve",
        "Europe/Vienna": "wien",
        "Europe/Prague": "praha",
        "Europe/Warsaw": "warszawa, krakow, lodz",
        "Europe/Copenhagen": "kobenhavn",
        "Europe/Stockholm": "malmo, goteborg",
        "America/Toronto": "quebec",
        "America/Sao_Paulo": "brasilia",
        "America/Bogota": "medellin",
    }.items()
    for word in words.split(", ")
}
"""Cities that are not in the database, in lower case and without accents."""

_CLOSE: Final = 0.9
"""The required similarity of a place: one of ten letters may differ."""
_CONTINENTS: Final = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
"""Continents, below which a name is a city; `Canada/Eastern` is not."""

_TIME: Final = r"(?: standard| daylight| summer)? time(?: \(us & canada\))?$"
_OFFSET: Final = r"(?:utc|gmt)? ?([+\-\u2212])([0-9]{1,2})(?::?([0-9]{2}))?"
PLACE: Final = "use the time zone of a place, such as `Europe/Berlin`"


def suggest_zone(name: object) -> str | None:
    """Guess a time zone."""
    if isinstance(name, int | float) and not isinstance(name, bool):
        return PLACE
    if not isinstance(name, str) or len(name) > MAX_COMPARED_LENGTH:
        return None
    word = fold_accents(name.strip())
    place = _zone_by_abbreviation(word)
    if place is not None:
        return f"write `{place}`"
    if re.fullmatch(_OFFSET, word):
        fixed = zone_for_offset(word)
        advice = PLACE if fixed is None else f"{PLACE}; this offset is `{fixed}`, its sign reversed"
        return "write `UTC`" if fixed == "UTC" else advice
    spelt = _zone_by_spelling(word)
    if spelt is not None:
        return f"did you mean `{spelt}`?"
    known = _WITHOUT_ZONE.get(word.rpartition("/")[2].replace("_", " "))
    return f"write `{known}`" if known else None


def zone_for_offset(offset: str) -> str | None:
    """Return the zone of an offset in lower case, such as ``utc+02:00``; ``None`` if no zone has it.

    The signs in the names of those zones are those of POSIX: two hours east of Greenwich is ``Etc/GMT-2``.
    """
    found = re.fullmatch(_OFFSET, offset)
    sign, hours, minutes = ("", "0", "") if found is None else found.groups(default="")
    if found is None or int(minutes or 0):
        return None
    zone = f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}"
    return "UTC" if int(hours) == 0 else zone if zone in zone_names() else None


def zone_for_name(name: str) -> str | None:
    """Return the zone of a name or abbreviation, in a file's spelling; ``None`` for an offset other than 0."""
    word = fold_accents(name.strip())
    return _zone_by_abbreviation(word) or _zone_by_spelling(word)


def _zone_by_abbreviation(word: str) -> str | None:
    return _PLACES.get(word) or _PLACES.get(re.sub(_TIME, "", word))


def _zone_by_spelling(word: str) -> str | None:
    return _spellings().get(word) or _spellings().get(normalize(word)) or _cities().get(word.replace(" ", "_"))


def suggest_near_zone(name: str) -> str | None:
    """Guess a time zone from a name with a typo, which takes milliseconds.

    Only cities of the same region are compared, with a strict limit: Mumbai is not a typo of Dubai.
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


@cache
def _spellings() -> dict[str, str]:
    """Return each zone by its lower-case name; zones without an offset also without signs."""
    bare = {normalize(zone): zone for zone in sorted(zone_names(), reverse=True) if not re.search("[0-9]", zone)}
    return bare | {zone.lower(): zone for zone in zone_names()}


@cache
def _cities() -> dict[str, str]:
    """Return the zone of each city, such as ``berlin``: the first by name if several have it."""
    zones = sorted(zone_names(), reverse=True)
    return {zone.rpartition("/")[2].lower(): zone for zone in zones if not re.search("[0-9]", zone)}
