"""Selects the schedules to import and makes their entries: all in scope, or those that are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from halo_iac.errors import HaloError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.ids import canonical_id
from halo_iac.model.plan import Change, Plan
from halo_iac.model.remote import PlatformState, RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import BUILT_IN, DAYS, Frequency, Spec
from halo_iac.resolve import Catalog
from halo_iac.text import is_covered


@dataclass(frozen=True, slots=True)
class Selection:
    """The schedules to write entries for, in the order of their titles; those that have one; those out of scope."""

    wanted: tuple[RemoteSchedule, ...]
    declared: tuple[RemoteSchedule, ...]
    outside: tuple[RemoteSchedule, ...]


def select(
    schedules: Iterable[RemoteSchedule],
    named: Sequence[str] = (),
    *,
    is_declared: Callable[[RemoteSchedule], bool],
    is_in_scope: Callable[[RemoteSchedule], bool],
    with_archived: bool = False,
) -> Selection:
    """Return the schedules that ids and title globs name, or all in scope; archived ones only ``with_archived``.

    Raises :class:`~halo_iac.errors.UsageError` for a name that means no schedule.
    """
    ordered = sorted(schedules, key=lambda each: (each.title, each.id))
    eligible = [each for each in ordered if each.is_active or with_archived]
    if named:
        _check_names(named, eligible, ordered)
        eligible = [each for each in eligible if any(_is_selected(each, name) for name in named)]
    declared = tuple(each for each in eligible if is_declared(each))
    undeclared = [each for each in eligible if not is_declared(each)]
    return Selection(
        wanted=tuple(each for each in undeclared if is_in_scope(each)),
        declared=declared,
        outside=tuple(each for each in undeclared if named and not is_in_scope(each)),
    )


def _is_selected(remote: RemoteSchedule, name: str) -> bool:
    return remote.id == canonical_id(name) or is_covered(remote.title, name)


def _check_names(named: Iterable[str], eligible: Sequence[RemoteSchedule], schedules: Sequence[RemoteSchedule]) -> None:
    unmatched = [name for name in named if not any(_is_selected(each, name) for each in eligible)]
    if not unmatched:
        return
    is_archived = any(_is_selected(each, name) for each in schedules for name in unmatched)
    raise UsageError(
        f"no{' active' if is_archived else ''} schedule has the id or title {', '.join(map(repr, unmatched))}",
        hint="add --include-archived to import archived schedules"
        if is_archived
        else Hint("run `{}` to see the schedules", Command("schedule", "list")),
    )


Fields = dict[str, Any]
Entries = dict[str, Fields]

_ALWAYS_WRITTEN: Final = tuple(name for name in BUILT_IN if name != "enabled")
_MAX_KEY_LENGTH: Final = 48
_PLAIN_NAME: Final = re.compile(r"(?![0-9a-fA-F]{8}-)[A-Za-z0-9][A-Za-z0-9_.:/@-]*(?: [A-Za-z0-9_.:/@-]+)*")
"""Names that are written as they are; an agent with another name, or one like a UUID, is written as its UUID."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import found: entries by key, the schedule of each, and what is left out and why."""

    entries: Entries
    owners: Mapping[str, RemoteSchedule] = field(default_factory=dict)
    left_out: tuple[tuple[RemoteSchedule, str], ...] = ()

    def without(self, reasons: Mapping[str, str]) -> ImportResult:
        """Leave out the entries with these keys, for these reasons."""
        named = tuple((self.owners[key], reason) for key, reason in reasons.items())
        entries = {key: entry for key, entry in self.entries.items() if key not in reasons}
        return ImportResult(entries, self.owners, (*self.left_out, *named))


def import_schedules(
    wanted: Sequence[RemoteSchedule],
    actual: PlatformState,
    names: Mapping[str, str],
    problems_of: Callable[[Entries], Mapping[str, str]],
    *,
    keys: Collection[str] = (),
    titles: Mapping[str, str | None] | None = None,
) -> ImportResult:
    """Return an entry for each schedule, in their order.

    ``names`` maps an agent's id to the name to write, ``problems_of`` returns which entries could not be loaded and
    why. ``keys`` and ``titles`` are those that the project file already has; a title without a pin, which no other
    entry may declare, maps to its entry's key.
    """
    titles = titles or {}
    pinned = _ambiguous_titles(wanted, actual) | titles.keys()
    readable: list[tuple[RemoteSchedule, Fields]] = []
    left_out: list[tuple[RemoteSchedule, str]] = []
    for remote in wanted:
        entry = _build_entry(remote, names, is_pinned=remote.title in pinned)
        if isinstance(entry, UnreadableSchedule):
            left_out.append((remote, entry.reason))
        elif (rival := titles.get(remote.title)) is not None:
            left_out.append((remote, f"{rival} declares the same title without an `id:`"))
        else:
            readable.append((remote, entry))
    slugs = _unique_keys((remote.title for remote, _ in readable), keys)
    owners = {key: remote for key, (remote, _) in zip(slugs, readable, strict=True)}
    entries = {key: fields for key, (_, fields) in zip(slugs, readable, strict=True)}
    for key in problems_of(entries):
        entries[key] = {"title": entries[key]["title"], "id": owners[key].id, **entries[key]}
    return ImportResult(entries, owners, tuple(left_out)).without(problems_of(entries))


def agent_names(actual: PlatformState, catalog: Catalog, aliases: Iterable[str] = ()) -> dict[str, str]:
    """Return how each agent id is written: as an alias, or as its name if that is plain and unambiguous."""
    identities = sorted(agent.identity for agent in actual.agents if agent.identity)
    plain = (identity for identity in identities if _PLAIN_NAME.fullmatch(identity))
    names: dict[str, str] = {}
    for name in (*sorted(aliases), *plain):
        found = catalog.find(name)
        if isinstance(found, str):
            names.setdefault(found, name)
    return names


def _ambiguous_titles(wanted: Iterable[RemoteSchedule], actual: PlatformState) -> set[str]:
    """Return the titles that several schedules have; archived schedules count only if one of them is imported."""
    active = Counter(remote.title for remote in actual.schedules if remote.is_active)
    every = Counter(remote.title for remote in actual.schedules)
    archived = {remote.title for remote in wanted if not remote.is_active}
    return {title for title, count in every.items() if count > 1 and (active[title] > 1 or title in archived)}


def _build_entry(remote: RemoteSchedule, names: Mapping[str, str], *, is_pinned: bool) -> Fields | UnreadableSchedule:
    """Return the entry's fields in the order of the documentation; of an archived schedule only which it is."""
    head: Fields = {"title": remote.title, **({"id": remote.id} if is_pinned else {})}
    if not remote.is_active:
        return {**head, "state": "archived"}
    spec = remote.spec()
    if isinstance(spec, UnreadableSchedule):
        return spec
    fields = {name: value for name in _ALWAYS_WRITTEN if (value := getattr(spec, name)) is not None}
    entry = {**head, "agent": names.get(spec.agent, spec.agent), **_cadence_fields(spec), **fields}
    # While the platform has paused a schedule, what its operator wants is unknown.
    return entry if remote.is_paused_by_platform else {**entry, "enabled": spec.enabled}


def _cadence_fields(spec: Spec) -> Fields:
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
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_MAX_KEY_LENGTH].strip("-") or "schedule"
        key, number = slug, 1
        while key in given:
            number += 1
            key = f"{slug}-{number}"
        given.add(key)
        keys.append(key)
    return keys


def entries_that_do_not_round_trip(keys: Collection[str], before: Plan | None, after: Plan) -> dict[str, str]:
    """Return the new entries that differ from their schedules, and why; ``before`` is the plan without all of them.

    Raises :class:`~halo_iac.errors.HaloError` if they would change the plan of other entries.
    """
    if before is not None and _changes_of_others(before, keys) != _changes_of_others(after, keys):
        raise HaloError("nothing was written: the new entries would change the plan of existing entries")
    reasons = {entry.key: entry.reason for entry in after.blocked if entry.key in keys}
    return reasons | {change.key or "": _describe_difference(change) for change in after.changes if change.key in keys}


def _changes_of_others(plan: Plan, keys: Collection[str]) -> tuple[Any, ...]:
    """Return what a plan does for other entries, without the lines of the file, which move."""
    blocked = {entry.key: entry.reason for entry in plan.blocked if entry.key not in keys}
    changes = {
        change.key: (change.action, change.id, [(each.field, each.before, each.after) for each in change.fields])
        for change in plan.changes
        if change.key is not None and change.key not in keys
    }
    return blocked, changes


def _describe_difference(change: Change) -> str:
    if not change.fields:
        return f"the plan would {change.action} it"
    fields = ", ".join(f"{each.field} ({each.origin})" for each in change.fields)
    return f"the project file sets a different {fields}"
