"""One entry of ``schedules:`` → :class:`~halo_iac.model.project.Entry`: layers merged, cadence worked out.

Each step adds what it finds wrong and goes on where it can, so that everything is said at once. A field counts as
there, and is not reported as missing, where its value is wrong or an unknown key most likely stands for it.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from halo_iac.load import suggestions as hints
from halo_iac.load.cron import InexpressibleCron, Parts, from_cron, from_times
from halo_iac.load.field_reader import TOO_LONG, FieldLocation, FieldReader, Fields, is_too_long
from halo_iac.load.fields import check_entry
from halo_iac.load.rule_settings import rule_settings
from halo_iac.load.yaml_document import Document, Values
from halo_iac.model.project import BUILT_IN_ORIGIN, Entry, Origin, Source
from halo_iac.model.schedule import (
    BUILT_IN,
    CADENCE_PARTS,
    FIELDS,
    MINUTES,
    RELEVANT_PARTS,
    Spec,
    number_set,
    relevant_parts,
)
from halo_iac.model.zones import zone_names
from halo_iac.text import has_invisible, is_invisible, quote

SPELLINGS: Final = {
    "lookback_hours": ("lookback_hours", "lookback"),
    "prompt": ("prompt", "prompt_file"),
    "frequency": ("frequency", "cron"),
    "days_of_week": ("days_of_week", "cron"),
    "days_of_month": ("days_of_month", "cron"),
    "hours": ("hours", "at", "cron"),
    "minutes": ("minutes", "at", "cron"),
}
"""A field → the keys that may give it."""


class Layer(NamedTuple):
    """One mapping that gives fields: ``raw`` as it is in the document, ``fields`` under one spelling each."""

    source: Source
    document: Document
    raw: Values
    fields: Mapping[str, Any]

    def origin(self, name: str) -> Origin | None:
        """Return where this layer gives a field; ``None`` if it does not."""
        for key in SPELLINGS.get(name, (name,)):
            if key in self.raw:
                return self._origin(key)
        return None

    def _origin(self, key: str) -> Origin:
        if key == "prompt_file":
            folder = posixpath.dirname(self.document.path)
            return Origin(self.source, posixpath.join(folder, self.raw[key]), 1, 1)
        return Origin(self.source, self.document.path, *self.document.place_of_key(self.raw, key))


class EntryOrigins:
    """Where each field of one entry comes from; looks for lines only when asked (docs/performance.md#parsing)."""

    __slots__ = ("_defaults", "_document", "_entry", "_key", "_overrides")

    def __init__(self, document: Document, key: str, overrides: Layer, defaults: Layer) -> None:
        self._document = document
        self._key = key
        self._overrides = overrides
        self._defaults = defaults
        self._entry: Layer | None = None

    def of(self, field: str) -> Origin:
        """Return the origin of a field, named as in a spec."""
        return (
            self._overrides.origin(field)
            or self._own().origin(field)
            or self._defaults.origin(field)
            or BUILT_IN_ORIGIN
        )

    @property
    def entry(self) -> Origin:
        """Return the place of the entry's key."""
        location = ("schedules", self._key)
        return Origin(Source.ENTRY, self._document.path, *self._document.place(location, at_key=True))

    def _own(self) -> Layer:
        if self._entry is None:
            raw = (self._document.root or {})["schedules"][self._key]
            self._entry = Layer(Source.ENTRY, self._document, raw, {})
        return self._entry


LONGEST: Final = 200


def invalid_title_reason(title: str) -> str | None:
    """Say what is wrong with a title; ``None`` for one that may be used."""
    if title.isascii() and title.isprintable():  # all that most titles need
        normal = title
    else:
        if has_invisible(title):
            return "a title cannot contain control, format or zero-width characters"
        normal = unicodedata.normalize("NFC", title)
    if title != title.strip():
        return "a title cannot begin or end with a space"
    if not 1 <= len(title) <= LONGEST:
        return f"a title has 1 to {LONGEST} characters, and this one has {len(title)}"
    return None if title == normal else "a title must be in Unicode's composed form (NFC)"


def corrected_title(title: str) -> str:
    """Return the nearest title that may be used; empty if nothing is left."""
    visible = "".join(" " if c in "\t\n\r\u2028\u2029" else c for c in title)
    visible = "".join(c for c in visible if not is_invisible(c))
    return unicodedata.normalize("NFC", visible).strip()[:LONGEST].rstrip()


_DEFAULTS: Final = {**BUILT_IN, **dict.fromkeys(CADENCE_PARTS, ()), "minutes": MINUTES}
_OTHER_FIELDS: Final = itemgetter(*FIELDS[FIELDS.index("timezone") :])
"""What a spec has beside what it is, whose it is and its cadence's parts."""

_ONLY_FOR: Final = {"days_of_week": "weekly", "days_of_month": "monthly", "hours": "daily, weekly and monthly"}
_EXAMPLES: Final = {
    "days_of_week": "such as `days_of_week: [mon, thu]`",
    "days_of_month": "such as `days_of_month: [1, 15]`",
    "hours": 'such as `hours: [9]`, or `at: "09:00"`',
}


class EntryReader(NamedTuple):
    """Reads entries under one project file's layers."""

    fields: FieldReader
    defaults: Layer
    overrides: Layer
    title_prefix: str | None = None

    def read(self, place: FieldLocation, key: str, raw: object) -> Entry | None:
        """Return the entry, or ``None`` and a problem at least."""
        if not isinstance(raw, dict):
            self._refuse(place, key, raw)
            return None
        given, is_whole = self.fields.read(place, raw, check_entry, hints.ENTRY_KEYS)
        self._check_title(place, given)
        written = given if is_whole else _written(raw, given)
        is_retired = given.get("state") == "archived"
        if "state" in written and "state" not in given:  # whether it is to be retired cannot be told
            return None
        spec = None if is_retired else self._spec(place, given, written, is_whole=is_whole)
        if spec is None and not (is_retired and _names_a_schedule(place, written) and is_whole):
            return None
        return Entry(
            key=key,
            title=given.get("title"),
            spec=spec,
            origins=EntryOrigins(place.document, key, self.overrides, self.defaults),
            is_retired=is_retired,
            renamed_from=tuple(given.get("renamed_from", ())),
            id=given.get("id"),
            switches=rule_settings(given.get("findings", {})),
        )

    def _refuse(self, place: FieldLocation, key: str, raw: object) -> None:
        """Report an entry that has no keys and values, a text such as ``agent:x`` where it stands."""
        message = f"{quote(key)} {'has no fields' if raw is None else 'must be keys and values'}"
        hint = f"indent the fields of the schedule below {quote(key)}"
        if isinstance(raw, str):
            from halo_iac.load.suggest_yaml import suggest_colon

            colon = suggest_colon(raw)
            place.document.add_problem(place.location, message, colon or hint, at_key=colon is None)
        else:
            place.add_missing_problem(message, hint)

    def _check_title(self, place: FieldLocation, given: Fields) -> None:
        """Report a title that may not be used, or that is not this project's to use; an ``id`` excuses odd ones."""
        title = given.get("title")
        if title is None:
            return
        oddity = None if "id" in given else invalid_title_reason(title)
        if oddity is not None:
            corrected = corrected_title(title)
            place.add_problem("title", oddity, f"write {quote(corrected, longest=LONGEST)}" if corrected else None)
        if self.title_prefix is not None and not title.startswith(self.title_prefix):
            rule = f"it must begin with {quote(self.title_prefix)}"
            place.add_problem("title", f"the title is outside the scope: {rule}")

    def _spec(self, place: FieldLocation, given: Fields, written: Collection[str], *, is_whole: bool) -> Spec | None:
        merged = {**_DEFAULTS, **self.defaults.fields, **given, **self.overrides.fields}
        before = place.problem_count
        if "title" not in written:
            place.add_missing_problem("`title` is missing")
        if "agent" not in merged and "agent" not in written:
            place.add_missing_problem("`agent` is missing", "set it here or under `defaults`")
        merged |= _cadence(place, given, written)
        if not is_whole or place.problem_count > before:
            return None
        frequency = merged["frequency"]
        return Spec(
            given["title"], merged["agent"], frequency, *relevant_parts(frequency, merged), *_OTHER_FIELDS(merged)
        )


def _names_a_schedule(place: FieldLocation, written: Collection[str]) -> bool:
    if "title" in written or "id" in written:
        return True
    place.add_missing_problem("an archived entry needs a `title` or an `id`")
    return False


def _written(raw: Fields, given: Fields) -> set[str]:
    """Return the fields that an entry gives, in whatever form, or that its unknown keys most likely stand for."""
    return {*raw, *given, *hints.meant_fields(raw, hints.ENTRY_KEYS)}


def _cadence(place: FieldLocation, given: Fields, written: Collection[str]) -> Parts:
    """Return what ``cron`` or ``at`` stand for, or a problem at least if the cadence is not whole."""
    try:
        if "cron" in given:
            return from_cron(given["cron"])
    except InexpressibleCron as error:
        place.add_problem("cron", error.message, hints.suggest_expression(given["cron"]) or error.hint)
        return {}
    if not {"frequency", "cron"}.intersection(written):
        place.add_missing_problem("`frequency` is missing", "set it to hourly, daily, weekly or monthly, or use `cron`")
    if "frequency" not in given or "cron" in written:
        return {}
    try:
        times = from_times(given["at"]) if "at" in given else {}
    except InexpressibleCron as error:
        place.add_problem("at", error.message, error.hint)
        return {}
    _check_parts(place, given, written)
    return times


def _check_parts(place: FieldLocation, given: Fields, written: Collection[str]) -> None:
    """Report parts of the cadence that the frequency needs and that are missing, or that it has no use for."""
    frequency = given["frequency"]
    relevant = RELEVANT_PARTS[frequency]
    for part, frequencies in _ONLY_FOR.items():
        key = "at" if part == "hours" and "at" in written else part
        if (key in written) == (part in relevant):
            continue
        if part in relevant:
            place.add_missing_problem(f"{quote(part)} is missing: {frequency} needs it", _EXAMPLES[part])
        elif key in place.document.value(place.location):
            hint = _suggest_minutes(given["at"]) if key == "at" and key in given else "remove it, or change `frequency`"
            place.add_problem(key, f"{quote(key)} is for {frequencies}, not for {frequency}", hint, at_key=True)


def _suggest_minutes(times: Sequence[str]) -> str:
    """Say how a cadence without hours has the minutes of times of day."""
    minutes = sorted({int(time.split(":")[1]) for time in times})
    code = f"`minutes: {minutes if len(minutes) > 1 else minutes[0]}`"
    return f"write {code} to fire in every hour, or change `frequency`"


def undeclarable_reason(spec: Spec, names: Collection[str]) -> str | None:
    """Say why the named fields of a spec could not be declared; ``None`` where they could. Quotes no value."""
    given = {name: getattr(spec, name) for name in names if getattr(spec, name) not in {None, ()}}
    try:
        check_entry({name: list(value) if isinstance(value, tuple) else value for name, value in given.items()})
    except ValidationError as error:
        return f"{error.errors()[0]['loc'][0]} is out of range"
    if "title" in given and (oddity := invalid_title_reason(spec.title)) is not None:
        return oddity
    if "timezone" in given and spec.timezone not in zone_names():
        return "the time zone is unknown"
    if "prompt" in given and ("\0" in spec.prompt or is_too_long(spec.prompt)):
        return "the prompt contains a NUL byte" if "\0" in spec.prompt else TOO_LONG
    return _inexpressible_cadence(spec) if {"frequency", *CADENCE_PARTS}.intersection(names) else None


def _inexpressible_cadence(spec: Spec) -> str | None:
    for part in CADENCE_PARTS:
        numbers = getattr(spec, part)
        if numbers != number_set(numbers) or bool(numbers) != (part in RELEVANT_PARTS[spec.frequency]):
            return f"its cadence is incomplete: {part}"
    return None
