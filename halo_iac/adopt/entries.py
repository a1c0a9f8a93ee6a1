"""Schedules → entries that say in full what they are; what may be left out of them is decided later.

What cannot be declared (an empty prompt, a value out of the documented range) is left out and named; it shows up in the
plan as undeclared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from halo_iac.model.remote import Actual, Opaque, RemoteSchedule
from halo_iac.model.schedule import DAYS, Frequency, Spec
from halo_iac.resolve import Catalog

Fields = dict[str, Any]
Entries = dict[str, Fields]

_SAID_ALWAYS: Final = (
    *("timezone", "prompt", "model_id", "summarization_model_id"),
    *("span_limit", "lookback_hours", "max_subagent_depth", "max_turns"),
)
_LONGEST_KEY: Final = 48
_PLAIN_NAME: Final = re.compile(r"(?![0-9a-fA-F]{8}-)[A-Za-z0-9][A-Za-z0-9_.:/@-]*(?: [A-Za-z0-9_.:/@-]+)*")
"""Names that need no thought; an agent called otherwise, or like a UUID, is written as its UUID."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an import found: entries by key, the schedule of each, and what is left out and why."""

    entries: Entries
    owners: Mapping[str, RemoteSchedule] = field(default_factory=dict)
    left_out: tuple[tuple[RemoteSchedule, str], ...] = ()

    def without(self, reasons: Mapping[str, str]) -> Adoption:
        """Leave out the entries with these keys, for these reasons."""
        named = tuple((self.owners[key], reason) for key, reason in reasons.items())
        entries = {key: entry for key, entry in self.entries.items() if key not in reasons}
        return Adoption(entries, self.owners, (*self.left_out, *named))


def adopt(
    wanted: Sequence[RemoteSchedule],
    actual: Actual,
    names: Mapping[str, str],
    problems_of: Callable[[Entries], Mapping[str, str]],
    *,
    keys: Collection[str] = (),
    titles: Mapping[str, str | None] | None = None,
) -> Adoption:
    """Return an entry for every schedule, in their order.

    ``names`` says how to write an agent's id, ``problems_of`` for given entries which could not be loaded and why.
    ``keys`` and ``titles`` are those that a project file has already; a title without a pin, which nobody may declare
    again, with the key of its entry.
    """
    titles = titles or {}
    pinned = _twins(wanted, actual) | titles.keys()
    written = [(remote, _entry(remote, names, is_pinned=remote.title in pinned)) for remote in wanted]
    left_out = [(remote, why) for remote, entry in written if (why := _obstacle(entry, titles.get(remote.title)))]
    obstructed = {remote.id for remote, _ in left_out}
    readable = [(remote, entry) for remote, entry in written if isinstance(entry, dict) and remote.id not in obstructed]
    slugs = _unique_keys((remote.title for remote, _ in readable), keys)
    owners = {key: remote for key, (remote, _) in zip(slugs, readable, strict=True)}
    entries = {key: entry for key, (_, entry) in zip(slugs, readable, strict=True)}
    for key in problems_of(entries):
        entries[key] = {"title": entries[key]["title"], "id": owners[key].id, **entries[key]}
    return Adoption(entries, owners, tuple(left_out)).without(problems_of(entries))


def agent_names(actual: Actual, catalog: Catalog, aliases: Iterable[str] = ()) -> dict[str, str]:
    """Return agent id → how to write it: an alias, or its name where that is plain and means no other agent."""
    identities = sorted(agent.identity for agent in actual.agents if agent.identity)
    plain = (identity for identity in identities if _PLAIN_NAME.fullmatch(identity))
    names: dict[str, str] = {}
    for name in (*sorted(aliases), *plain):
        found = catalog.find(name)
        if isinstance(found, str):
            names.setdefault(found, name)
    return names


def _twins(wanted: Iterable[RemoteSchedule], actual: Actual) -> set[str]:
    """Return the titles that do not say which schedule is meant.

    Of active schedules an equal title of an archived one is no rival, unless that is to be declared as well.
    """
    counts = Counter(remote.title for remote in actual.schedules if remote.is_active)
    archived = {remote.title for remote in wanted if not remote.is_active}
    everywhere = Counter(remote.title for remote in actual.schedules)
    return {title for title, count in counts.items() if count > 1} | {
        title for title in archived if everywhere[title] > 1
    }


def _entry(remote: RemoteSchedule, names: Mapping[str, str], *, is_pinned: bool) -> Fields | Opaque:
    """Return the entry's fields in the order of the documentation; of an archived schedule only which it is."""
    head: Fields = {"title": remote.title, **({"id": remote.id} if is_pinned else {})}
    if not remote.is_active:
        return {**head, "state": "archived"}
    spec = remote.spec()
    if isinstance(spec, Opaque):
        return spec
    said = {name: value for name in _SAID_ALWAYS if (value := getattr(spec, name)) is not None}
    entry = {**head, "agent": names.get(spec.agent, spec.agent), **_cadence(spec), **said}
    # While the platform has paused a schedule, nobody can tell what its operator wants.
    return entry if remote.is_paused_by_platform else {**entry, "enabled": spec.enabled}


def _obstacle(entry: Fields | Opaque, rival: str | None) -> str | None:
    """Say why nothing can be declared for a schedule; ``rival`` is the entry that has its title, and no pin."""
    if isinstance(entry, Opaque):
        return entry.reason
    return None if rival is None else f"{rival} declares the same title without an `id:`"


def _cadence(spec: Spec) -> Fields:
    cadence: Fields = {"frequency": str(spec.frequency)}
    if spec.frequency == Frequency.WEEKLY:
        cadence["days_of_week"] = [DAYS[day] if 0 <= day <= 6 else day for day in spec.days_of_week]
    if spec.frequency == Frequency.MONTHLY:
        cadence["days_of_month"] = list(spec.days_of_month)
    if spec.frequency != Frequency.HOURLY:
        cadence["hours"] = list(spec.hours)
    cadence["minutes"] = list(spec.minutes)
    return cadence


def _unique_keys(titles: Iterable[str], taken: Collection[str]) -> Sequence[str]:
    given = set(taken)
    keys = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_LONGEST_KEY].strip("-") or "schedule"
        key, number = slug, 1
        while key in given:
            number += 1
            key = f"{slug}-{number}"
        given.add(key)
        keys.append(key)
    return keys
