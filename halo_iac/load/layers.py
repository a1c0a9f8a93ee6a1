"""The layers that a field may come from: ``defaults`` < the entry < ``overrides`` < ``overrides.schedules.KEY``.

See docs/semantics.md#defaults-and-overrides.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import ValidationError

from halo_iac.load.diagnostics import report_misplaced_keys, to_problems
from halo_iac.load.field_reader import Check, FieldMapping, FieldReader, Fields
from halo_iac.load.fields import check_defaults, check_override, check_overrides
from halo_iac.load.find import SourceFile
from halo_iac.load.suggestions import keys as hints
from halo_iac.load.yaml_document import Document, Values
from halo_iac.model.project import BUILT_IN_ORIGIN, Origin, Source
from halo_iac.model.schedule import CADENCE_PARTS
from halo_iac.text import did_you_mean, quote

SPELLINGS: Final = {
    "lookback_hours": ("lookback_hours", "lookback"),
    "prompt": ("prompt", "prompt_file"),
    "frequency": ("frequency", "cron"),
    "days_of_week": ("days_of_week", "cron"),
    "days_of_month": ("days_of_month", "cron"),
    "hours": ("hours", "at", "cron"),
    "minutes": ("minutes", "at", "cron"),
}
"""A field → the keys that may set it."""

_CADENCE_KEYS: Final = frozenset({"frequency", *CADENCE_PARTS, "at", "cron"})
WHOLE_CADENCE: Final = frozenset({"frequency", "cron"})
"""Keys that set a whole cadence; in an override they replace all of the entry's."""
_PARTS: Final = ("at", *CADENCE_PARTS)


class Layer(NamedTuple):
    """One mapping of fields: ``raw`` as in the document, ``fields`` checked, with one spelling each."""

    source: Source
    document: Document
    raw: Values
    fields: Mapping[str, Any]

    def origin(self, name: str) -> Origin | None:
        """Return the position at which this layer sets a field; ``None`` if it does not."""
        for key in SPELLINGS.get(name, (name,)):
            if key in self.raw:
                return self._origin(key)
        return None

    def _origin(self, key: str) -> Origin:
        if key == "prompt_file":
            folder = posixpath.dirname(self.document.path)
            return Origin(self.source, posixpath.normpath(posixpath.join(folder, self.raw[key])), 1, 1)
        return Origin(self.source, self.document.path, *self.document.key_position(self.raw, key))


class Override(NamedTuple):
    """The mapping under one key of ``overrides.schedules``; ``written`` are the fields it sets, valid or not.

    ``is_whole`` says that all of them have a valid form.
    """

    mapping: FieldMapping
    layer: Layer
    written: Collection[str]
    is_whole: bool

    @property
    def replaces_cadence(self) -> bool:
        """Return whether it replaces every part of the entry's own cadence."""
        return not WHOLE_CADENCE.isdisjoint(self.written)

    def origin(self, field: str) -> Origin | None:
        """Return the position at which it decides a field; ``None`` if weaker layers do."""
        is_reset = field in _CADENCE_KEYS and self.replaces_cadence
        return self.layer.origin(field) or (BUILT_IN_ORIGIN if is_reset else None)


class WrittenEntry(NamedTuple):
    """The fields of one entry: the checked ones, and those that it sets in any form."""

    mapping: FieldMapping
    given: Fields
    written: Collection[str]
    override: Override | None = None

    def overridden_by(self, override: Override) -> WrittenEntry:
        """Return the entry's fields after an override has replaced some."""
        replaced = set(override.written)
        if override.replaces_cadence:
            replaced |= _CADENCE_KEYS
        elif "at" in replaced:
            replaced |= {"hours", "minutes"}
        elif {"hours", "minutes"} <= replaced:
            replaced.add("at")
        kept = {key: value for key, value in self.given.items() if key not in replaced}
        written = {*override.written, *(key for key in self.written if key not in replaced)}
        return WrittenEntry(self.mapping, {**kept, **override.layer.fields}, written, override)

    def mapping_of(self, key: str) -> FieldMapping:
        """Return the mapping that sets a field."""
        override = self.override
        return override.mapping if override is not None and key in override.layer.raw else self.mapping

    @property
    def cadence_mapping(self) -> FieldMapping:
        """Return the mapping that has to set the complete cadence."""
        override = self.override
        return override.mapping if override is not None and override.replaces_cadence else self.mapping

    @property
    def problem_count(self) -> int:
        """Return the current number of problems of the documents that contain it."""
        of_override = 0 if self.override is None else self.override.mapping.problem_count
        return self.mapping.problem_count + of_override

    @property
    def overridden_times(self) -> Fields:
        """Return the hours or minutes of an override that replace those of the entry's ``at``."""
        override = self.override
        if override is None or "at" in override.written:
            return {}
        return {part: override.layer.fields[part] for part in ("hours", "minutes") if part in override.layer.fields}

    @property
    def part_overriding_cron(self) -> str | None:
        """Return the key of an override that sets one part of a cadence which the entry sets as ``cron``."""
        override = self.override
        if override is None or override.replaces_cadence or "cron" not in self.written:
            return None
        return next((key for key in _PARTS if key in override.layer.raw), None)


class EntryOrigins:
    """The origins of one entry's fields; positions are computed on demand (docs/performance.md#parsing)."""

    __slots__ = ("_defaults", "_document", "_entry", "_key", "_override", "_overrides")

    def __init__(
        self, document: Document, key: str, override: Override | None, overrides: Layer, defaults: Layer
    ) -> None:
        self._document = document
        self._key = key
        self._override = override
        self._overrides = overrides
        self._defaults = defaults
        self._entry: Layer | None = None

    def of(self, field: str) -> Origin:
        """Return the origin of a field, by its name in a spec."""
        return (
            (self._override and self._override.origin(field))
            or self._overrides.origin(field)
            or self._entry_layer().origin(field)
            or self._defaults.origin(field)
            or BUILT_IN_ORIGIN
        )

    @property
    def entry(self) -> Origin:
        """Return the position of the entry's key."""
        location = ("schedules", self._key)
        return Origin(Source.ENTRY, self._document.path, *self._document.position(location, at_key=True))

    def _entry_layer(self) -> Layer:
        if self._entry is None:
            raw = (self._document.root or {})["schedules"][self._key]
            self._entry = Layer(Source.ENTRY, self._document, raw, {})
        return self._entry


def written_fields(raw: Fields, given: Fields, allowed: Collection[str]) -> set[str]:
    """Return the fields that a mapping sets in any form, or that its unknown keys most likely stand for."""
    return {*raw, *given, *hints.guess_fields(raw, allowed)}


_Form = tuple[Check, Collection[str]]
_FORMS: Final[Mapping[Source, _Form]] = {
    Source.DEFAULTS: (check_defaults, hints.DEFAULTS_KEYS),
    Source.OVERRIDES: (check_overrides, hints.OVERRIDES_KEYS),
}


def read_layer(source: SourceFile, fields: FieldReader, kind: Source) -> Layer:
    """Return ``defaults`` or ``overrides``, without ``overrides.schedules``."""
    document = source.document
    raw = (document.root or {}).get(kind, {})
    check, allowed = _FORMS[kind]
    if not isinstance(raw, dict):
        _refuse(document, kind, raw)
        raw = {}
    own = {key: value for key, value in raw.items() if key != "schedules"} if kind is Source.OVERRIDES else raw
    if not own:
        return Layer(kind, document, {}, {})
    mapping = FieldMapping(document, source.folder, (str(kind),))
    given, is_whole = fields.read(mapping, own, check, allowed)
    # The faulty layer may have set the agent: do not report a missing agent for every entry as well.
    return Layer(kind, document, raw, given if is_whole else {"agent": "", **given})


def _refuse(document: Document, kind: Source, raw: object) -> None:
    """Report a layer that is not a mapping."""
    check, allowed = _FORMS[kind]
    try:
        check(raw)
    except ValidationError as error:
        to_problems(error, {}, document, (str(kind),), allowed)


_LOCATION: Final = ("overrides", "schedules")


def read_overrides_by_key(source: SourceFile, fields: FieldReader, state: str | None) -> Mapping[str, Override]:
    """Return ``overrides.schedules`` by key; ``state`` is the state that ``overrides`` sets for all entries."""
    document = source.document
    overrides = (document.root or {}).get("overrides")
    schedules = overrides.get("schedules", {}) if isinstance(overrides, dict) else {}
    if not isinstance(schedules, dict):
        message = "has no value" if schedules is None else "must be keys and values"
        hint = "write the key of an entry below it, and its overrides below that"
        document.add_problem(_LOCATION, f"`overrides.schedules` {message}", hint)
        return {}
    hint = "write the entry's key above its fields"
    misplaced = report_misplaced_keys(document, _LOCATION, schedules, "the key of an entry", hint)
    read = {key: _override(source, fields, key, raw, state) for key, raw in schedules.items() if key not in misplaced}
    return {key: override for key, override in read.items() if override is not None}


def _override(source: SourceFile, fields: FieldReader, key: str, raw: object, state: str | None) -> Override | None:
    mapping = FieldMapping(source.document, source.folder, (*_LOCATION, key))
    if not isinstance(raw, dict):
        message = f"{quote(key)} {'has no fields' if raw is None else 'must be keys and values'}"
        mapping.add_missing_problem(message, f"indent the overrides below {quote(key)}, such as `state: active`")
        return None
    given, is_whole = fields.read(mapping, raw, check_override, hints.OVERRIDABLE_KEYS, state=state)
    written = written_fields(raw, given, hints.OVERRIDABLE_KEYS)
    return Override(mapping, Layer(Source.SCHEDULE_OVERRIDES, source.document, raw, given), written, is_whole)


def check_override_keys(overrides: Mapping[str, Override], declared: Collection[str]) -> None:
    """Report overrides whose key no entry has."""
    for number, (key, override) in enumerate(overrides.items()):
        if key not in declared:
            near = did_you_mean(key, declared) if number < _MAX_SUGGESTED else None
            hint = near or "the keys are those under `schedules:` here and in the included files"
            override.mapping.add_missing_problem(f"no entry has the key {quote(key)}", hint)


_MAX_SUGGESTED: Final = 20
"""For how many overrides the closest key is suggested: with 10,000 entries each takes a tenth of a second."""
