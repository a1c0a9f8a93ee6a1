"""Overrides, entry, defaults: whose value counts, and where it stands."""

import posixpath
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from halo_iac.load.document import Document, Values
from halo_iac.model.origin import BUILT_IN, Origin, Source

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
        return self._overrides.origin(field) or self._own().origin(field) or self._defaults.origin(field) or BUILT_IN

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
