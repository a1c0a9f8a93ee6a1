"""Converts one entry of ``schedules:`` to a :class:`~halo_iac.model.project.Entry`: merged layers, derived cadence.

Each step adds the problems it finds and continues where it can, so that one run reports all of them. A field is not
reported as missing if its value is wrong or if an unknown key most likely stands for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic_core import ValidationError

from halo_iac.load.cron import InexpressibleCron, Parts, from_cron, from_times
from halo_iac.load.field_reader import TOO_LONG, FieldMapping, FieldReader, Fields, is_too_long
from halo_iac.load.fields import check_entry
from halo_iac.load.layers import WHOLE_CADENCE, EntryOrigins, Layer, Override, WrittenEntry, written_fields
from halo_iac.load.rule_settings import read_severities
from halo_iac.load.suggestions import keys as hints
from halo_iac.model.project import Entry
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

MAX_TITLE_LENGTH: Final = 200


def invalid_title_reason(title: str) -> str | None:
    """Return why a title is not allowed; ``None`` if it is."""
    if title.isascii() and title.isprintable():  # the fast path for most titles
        normal = title
    else:
        if has_invisible(title):
            return "a title cannot contain control, format or zero-width characters"
        normal = unicodedata.normalize("NFC", title)
    if title != title.strip():
        return "a title cannot begin or end with a space"
    if not 1 <= len(title) <= MAX_TITLE_LENGTH:
        return f"a title has 1 to {MAX_TITLE_LENGTH} characters, and this one has {len(title)}"
    return None if title == normal else "a title must be in Unicode's composed form (NFC)"


def correct_title(title: str) -> str:
    """Return the nearest allowed title; empty if nothing is left of it."""
    visible = "".join(" " if c in "\t\n\r\u2028\u2029" else c for c in title)
    visible = "".join(c for c in visible if not is_invisible(c))
    return unicodedata.normalize("NFC", visible).strip()[:MAX_TITLE_LENGTH].rstrip()


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_DEFAULTS: Final = {**BUILT_IN, **dict.fromkeys(CADENCE_PARTS, ()), "minutes": MINUTES}
_OTHER_FIELDS: Final = itemgetter(*FIELDS[FIELDS.index("timezone") :])
"""Spec fields other than title, agent and cadence."""

_ONLY_FOR: Final = {"days_of_week": "weekly", "days_of_month": "monthly", "hours": "daily, weekly and monthly"}
_EXAMPLES: Final = {
    "days_of_week": "such as `days_of_week: [mon, thu]`",
    "days_of_month": "such as `days_of_month: [1, 15]`",
    "hours": 'such as `hours: [9]`, or `at: "09:00"`',
}


class EntryReader(NamedTuple):
    """Reads entries with the layers of one project file."""

    fields: FieldReader
    defaults: Layer
    overrides: Layer
    overrides_by_key: Mapping[str, Override] = _NOTHING
    title_prefix: str | None = None

    def read(self, mapping: FieldMapping, key: str, raw: object) -> Entry | None:
        """Return the entry, or ``None`` after adding at least one problem."""
        if not isinstance(raw, dict):
            self._refuse(mapping, key, raw)
            return None
        override = self.overrides_by_key.get(key)
        state = self.overrides.fields.get("state")
        if override is not None:
            state = override.layer.fields.get("state", state)
        given, is_whole = self.fields.read(mapping, raw, check_entry, hints.ENTRY_KEYS, state=state)
        written = raw if is_whole else written_fields(raw, given, hints.ENTRY_KEYS)
        entry = WrittenEntry(mapping, given, written)
        if override is not None:
            entry = entry.overridden_by(override)
            given, is_whole = entry.given, is_whole and override.is_whole
            _check_over_cron(entry)
        self._check_title(mapping, given)
        state = state or given.get("state")
        if state is None and "state" in entry.written:  # whether it is retired is unknown
            return None
        is_retired = state == "archived"
        spec = None if is_retired else self._spec(entry, is_whole=is_whole)
        if spec is None and not (is_retired and _names_a_schedule(entry) and is_whole):
            return None
        return Entry(
            key=key,
            title=given.get("title"),
            spec=spec,
            origins=EntryOrigins(mapping.document, key, override, self.overrides, self.defaults),
            is_retired=is_retired,
            renamed_from=tuple(given.get("renamed_from", ())),
            id=given.get("id"),
            rule_severities=read_severities(given.get("findings", {})),
        )

    def _refuse(self, mapping: FieldMapping, key: str, raw: object) -> None:
        """Report an entry that is not a mapping, such as the text ``agent:x``."""
        message = f"{quote(key)} {'has no fields' if raw is None else 'must be keys and values'}"
        hint = f"indent the fields of the schedule below {quote(key)}"
        if isinstance(raw, str):
            from halo_iac.load.suggestions.yaml_syntax import suggest_colon

            colon = suggest_colon(raw)
            mapping.document.add_problem(mapping.location, message, colon or hint, at_key=colon is None)
        else:
            mapping.add_missing_problem(message, hint)

    def _check_title(self, mapping: FieldMapping, given: Fields) -> None:
        """Report a title that is not allowed or is outside this project's scope; an ``id`` allows unusual titles."""
        title = given.get("title")
        if title is None:
            return
        reason = None if "id" in given else invalid_title_reason(title)
        if reason is not None:
            corrected = correct_title(title)
            mapping.add_problem(
                "title", reason, f"write {quote(corrected, longest=MAX_TITLE_LENGTH)}" if corrected else None
            )
        if self.title_prefix is not None and not title.startswith(self.title_prefix):
            rule = f"it must begin with {quote(self.title_prefix)}"
            mapping.add_problem("title", f"the title is outside the scope: {rule}")

    def _spec(self, entry: WrittenEntry, *, is_whole: bool) -> Spec | None:
        mapping, given = entry.mapping, entry.given
        merged = {**_DEFAULTS, **self.defaults.fields, **given, **self.overrides.fields}
        if entry.override is not None:
            merged |= entry.override.layer.fields
        before = entry.problem_count
        if "title" not in entry.written:
            mapping.add_missing_problem("`title` is missing")
        if "agent" not in merged and "agent" not in entry.written:
            mapping.add_missing_problem("`agent` is missing", "set it here or under `defaults`")
        merged |= _cadence(entry)
        if not is_whole or entry.problem_count > before:
            return None
        frequency = merged["frequency"]
        return Spec(
            given["title"], merged["agent"], frequency, *relevant_parts(frequency, merged), *_OTHER_FIELDS(merged)
        )


def _names_a_schedule(entry: WrittenEntry) -> bool:
    if "title" in entry.written or "id" in entry.written:
        return True
    entry.mapping.add_missing_problem("an archived entry needs a `title` or an `id`")
    return False


def _cadence(entry: WrittenEntry) -> Parts:
    """Return the cadence that ``cron`` or ``at`` express, or add at least one problem if it is incomplete."""
    given, written = entry.given, entry.written
    try:
        if "cron" in given:
            return from_cron(given["cron"])
    except InexpressibleCron as error:
        hint = hints.suggest_expression(given["cron"]) or error.hint
        entry.mapping_of("cron").add_problem("cron", error.message, hint)
        return {}
    if WHOLE_CADENCE.isdisjoint(written):
        message = "`frequency` is missing"
        entry.mapping.add_missing_problem(message, "set it to hourly, daily, weekly or monthly, or use `cron`")
    if "frequency" not in given or "cron" in written:
        return {}
    try:
        times = from_times(given["at"]) if "at" in given else {}
    except InexpressibleCron as error:
        entry.mapping_of("at").add_problem("at", error.message, error.hint)
        return {}
    _check_parts(entry)
    return times if entry.override is None else {**times, **entry.overridden_times}


def _check_over_cron(entry: WrittenEntry) -> None:
    """Report an override of one part of a cadence that the entry sets as ``cron``."""
    part = entry.part_overriding_cron
    if part is None:
        return
    document = entry.mapping.document
    line, _ = document.position((*entry.mapping.location, "cron"), at_key=True)
    message = f"{quote(part)} cannot replace a part of the entry's `cron` ({document.path}:{line})"
    hint = "write `cron`, or `frequency` and its times, which replace the whole cadence"
    entry.mapping_of(part).add_problem(part, message, hint, at_key=True)


def _check_parts(entry: WrittenEntry) -> None:
    """Report cadence parts that the frequency requires and lacks, or that it does not use."""
    given, written = entry.given, entry.written
    frequency = given["frequency"]
    relevant = RELEVANT_PARTS[frequency]
    for part, frequencies in _ONLY_FOR.items():
        key = "at" if part == "hours" and "at" in written else part
        if (key in written) == (part in relevant):
            continue
        mapping = entry.mapping_of(key)
        if part in relevant:
            message = f"{quote(part)} is missing: {frequency} needs it"
            entry.cadence_mapping.add_missing_problem(message, _EXAMPLES[part])
        elif key in mapping.document.value(mapping.location):
            hint = _suggest_minutes(given["at"]) if key == "at" and key in given else "remove it, or change `frequency`"
            mapping.add_problem(key, f"{quote(key)} is for {frequencies}, not for {frequency}", hint, at_key=True)


def _suggest_minutes(times: Sequence[str]) -> str:
    """Return the hint that adds the minutes of times of day to a cadence without hours."""
    minutes = sorted({int(time.split(":")[1]) for time in times})
    code = f"`minutes: {minutes if len(minutes) > 1 else minutes[0]}`"
    return f"write {code} to fire in every hour, or change `frequency`"


def undeclarable_reason(spec: Spec, names: Collection[str]) -> str | None:
    """Return why the named fields of a spec cannot be declared, without their values; ``None`` if they can."""
    given = {name: getattr(spec, name) for name in names if getattr(spec, name) not in {None, ()}}
    try:
        check_entry({name: list(value) if isinstance(value, tuple) else value for name, value in given.items()})
    except ValidationError as error:
        return f"{error.errors()[0]['loc'][0]} is out of range"
    if "title" in given and (reason := invalid_title_reason(spec.title)) is not None:
        return reason
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
