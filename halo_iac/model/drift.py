"""Drift: how the platform and the project files differ, as data (docs/semantics.md#drift)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from halo_iac.model.plan import Change, Plan


class DriftKind(StrEnum):
    """How a schedule and its entry differ, in the order in which it is shown."""

    CHANGED = "changed"
    MISSING = "missing"
    PAUSED = "paused"
    AUTO_PAUSED = "auto-paused"
    UNDECLARED = "undeclared"
    BLOCKED = "blocked"


class DriftItem(NamedTuple):
    """One difference; ``key`` is ``None`` for an undeclared schedule.

    ``reason`` describes it, unless ``change`` does, whose fields have the platform's value before and the file's after.
    ``hint`` is what to do about it.
    """

    kind: DriftKind
    key: str | None
    title: str
    ids: tuple[str, ...] = ()
    origin: str = ""
    reason: str = ""
    hint: str | None = None
    change: Change | None = None


class Drift(NamedTuple):
    """All differences but those that were to be ignored, which are counted by kind; ``plan`` is what they come from."""

    plan: Plan
    items: tuple[DriftItem, ...]
    ignored: Mapping[DriftKind, int]

    def by_kind(self) -> Iterator[tuple[DriftKind, list[DriftItem]]]:
        """Yield each kind that there is, with its differences."""
        for kind in DriftKind:
            found = [item for item in self.items if item.kind is kind]
            if found:
                yield kind, found
