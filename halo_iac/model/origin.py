"""Where a value comes from: every field change in a plan can say it (docs/semantics.md#origins)."""

from enum import StrEnum
from typing import NamedTuple, Protocol


class Source(StrEnum):
    """The layer that decided a value, strongest first: overrides, the entry, defaults, built-in."""

    OVERRIDES = "overrides"
    ENTRY = "entry"
    DEFAULTS = "defaults"
    BUILT_IN = "built-in"


class Origin(NamedTuple):
    """The layer, and the place in a file unless the value is built in; ``line`` and ``column`` count from 1."""

    source: Source
    path: str | None = None
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render ``halo.yaml:12`` for an entry's own value, ``halo.yaml:3 (defaults)`` otherwise."""
        if self.path is None:
            return "built-in default"
        place = f"{self.path}:{self.line}"
        return place if self.source is Source.ENTRY else f"{place} ({self.source})"


BUILT_IN = Origin(Source.BUILT_IN)


class Origins(Protocol):
    """Answers where each field of one entry comes from; line and column are computed only when asked for."""

    def of(self, field: str) -> Origin:
        """Return the origin of a field, named as in :class:`~halo_iac.model.schedule.Spec`."""

    @property
    def entry(self) -> Origin:
        """Return the place of the entry's key."""
