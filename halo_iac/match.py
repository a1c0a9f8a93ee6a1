"""Match: the exact title is the identity (design §3.1–3.3).

All entries are looked at together, strongest claim first: pins, titles of active schedules, ``renamed_from``,
archived schedules with the title. What is ambiguous is blocked, not guessed, and its schedules count as declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from halo_iac.model.change import Blocked, PlanWarning
from halo_iac.model.pairing import Pair, Pairing
from halo_iac.model.project import Entry, Project
from halo_iac.model.remote import Actual, RemoteSchedule

_Titles = Mapping[str, Sequence[RemoteSchedule]]


def match(project: Project, actual: Actual) -> Pairing:
    """Pair every entry with its schedule, with none yet, or with the reason why it is blocked.

    Pairs and blocked entries keep the order of the entries, unclaimed schedules that of the listing.
    """
    claims = _Claims()
    _claim_pins(project.entries, actual, claims)
    loose = [entry for entry in project.entries if entry.id is None]
    _claim_active_titles(loose, actual, claims)
    _claim_archived_titles(loose, actual, claims)
    waves = _rename_waves(claims)
    return Pairing(
        pairs=tuple(
            Pair(entry, claims.remotes.get(entry.key), entry.spec, waves.get(entry.key, 0))
            for entry in project.entries
            if entry.key not in claims.blocked
        ),
        blocked=tuple(claims.blocked[entry.key] for entry in project.entries if entry.key in claims.blocked),
        unclaimed=tuple(
            remote for remote in actual.schedules if remote.is_active and remote.id not in claims.claimed_ids
        ),
        warnings=tuple(claims.warnings),
    )


@dataclass(slots=True)
class _Claims:
    """Who has which schedule so far; grows while :func:`match` runs and never leaves it."""

    entries: dict[str, Entry] = field(default_factory=dict)
    remotes: dict[str, RemoteSchedule] = field(default_factory=dict)
    claimed_ids: set[str] = field(default_factory=set)
    blocked: dict[str, Blocked] = field(default_factory=dict)
    warnings: list[PlanWarning] = field(default_factory=list)

    def claim(self, entry: Entry, remote: RemoteSchedule) -> None:
        self.entries[entry.key] = entry
        self.remotes[entry.key] = remote
        self.claimed_ids.add(remote.id)

    def block(self, entry: Entry, reason: str, hint: str, remotes: Iterable[RemoteSchedule] = ()) -> None:
        ids = tuple(remote.id for remote in remotes)
        self.claimed_ids.update(ids)
        self.remotes.pop(entry.key, None)
        self.blocked[entry.key] = Blocked(entry.key, reason, hint, str(entry.origins.entry), ids)

    def is_open(self, entry: Entry) -> bool:
        return entry.key not in self.remotes and entry.key not in self.blocked


def _by_title(remotes: Iterable[RemoteSchedule]) -> dict[str, list[RemoteSchedule]]:
    titles: defaultdict[str, list[RemoteSchedule]] = defaultdict(list)
    for remote in remotes:
        titles[remote.title].append(remote)
    return titles


# Pins ---------------------------------------------------------------------------------------------------------------


def _claim_pins(entries: Iterable[Entry], actual: Actual, claims: _Claims) -> None:
    pinned: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.id is not None:
            pinned[entry.id].append(entry)
    if not pinned:
        return
    held = {remote.id: remote for remote in actual.schedules if remote.id in pinned}
    for id_, owners in pinned.items():
        remote = held.get(id_)
        for entry in owners:
            if remote is None:
                claims.block(entry, f"the project holds no schedule with the id {id_}", "correct `id:` or leave it out")
            elif len(owners) > 1:
                keys = ", ".join(owner.key for owner in owners)
                claims.block(entry, f"the id {id_} is pinned by {keys}", "keep the pin in one entry", [remote])
            else:
                claims.claim(entry, remote)


# Titles of active schedules -----------------------------------------------------------------------------------------


def _claim_active_titles(loose: Sequence[Entry], actual: Actual, claims: _Claims) -> None:
    active = _by_title(
        remote for remote in actual.schedules if remote.is_active and remote.id not in claims.claimed_ids
    )
    yielding = _yielding(loose, active)
    for entry in loose:
        if entry.title in active and entry.key not in yielding:
            _claim_one(entry, active[entry.title], claims)
    free = {
        title: remotes
        for title, remotes in active.items()
        if not any(remote.id in claims.claimed_ids for remote in remotes)
    }
    wanted = _renames_wanted(loose, claims)
    for entry in loose:
        if claims.is_open(entry) and any(former in active for former in entry.renamed_from):
            _claim_former_title(entry, active, free, wanted, claims)


def _yielding(loose: Sequence[Entry], active: _Titles) -> frozenset[str]:
    """Return the keys whose exact title belongs to another entry's past while their own past is still active.

    That is how a chain reads in the file: ``A → B`` and ``B → C`` at once. An entry whose own title is active and that
    does not yield in turn has already been renamed, so its ``renamed_from`` is inert and takes nothing from anybody.
    """
    heirs: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in loose:
        for former in entry.renamed_from:
            heirs[former].append(entry)
    if not heirs:
        return frozenset()

    verdicts: dict[str, bool] = {}

    def yields(entry: Entry) -> bool:
        if entry.key not in verdicts:
            verdicts[entry.key] = True  # within a cycle everybody yields; the cycle is blocked later
            verdicts[entry.key] = any(former in active for former in entry.renamed_from) and any(
                heir.title not in active or yields(heir)
                for heir in heirs.get(entry.title or "", ())
                if heir is not entry
            )
        return verdicts[entry.key]

    return frozenset(entry.key for entry in loose if entry.title in active and yields(entry))


def _renames_wanted(loose: Iterable[Entry], claims: _Claims) -> Mapping[str, Sequence[str]]:
    """Return former title → keys of the entries still without a schedule that name it."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for entry in loose:
        if claims.is_open(entry):
            for former in entry.renamed_from:
                wanted[former].append(entry.key)
    return wanted


def _claim_former_title(
    entry: Entry, active: _Titles, free: _Titles, wanted: Mapping[str, Sequence[str]], claims: _Claims
) -> None:
    candidates: list[RemoteSchedule] = []
    for former in entry.renamed_from:
        rivals = [key for key in wanted[former] if key != entry.key]
        if former in free and rivals:
            reason = f"renamed_from {former!r} is also claimed by {', '.join(rivals)}"
            claims.block(entry, reason, "keep it in one entry, or pin the schedule with `id:`", free[former])
            return
        if former in active and former not in free:
            message = f"renamed_from {former!r} is not used: another entry declares that title"
            claims.warnings.append(PlanWarning(message, entry.key))
        candidates.extend(free.get(former, ()))
    if candidates:
        _claim_one(entry, candidates, claims)


def _claim_one(entry: Entry, candidates: Sequence[RemoteSchedule], claims: _Claims) -> None:
    if len(candidates) == 1:
        claims.claim(entry, candidates[0])
        return
    listed = ", ".join(remote.id for remote in candidates)
    reason = f"{len(candidates)} active schedules could be this entry: {listed}"
    claims.block(entry, reason, f"pin the right one: `id: {candidates[0].id}`", candidates)


# Archived schedules -------------------------------------------------------------------------------------------------


def _claim_archived_titles(loose: Iterable[Entry], actual: Actual, claims: _Claims) -> None:
    archived = _by_title(
        remote for remote in actual.schedules if not remote.is_active and remote.id not in claims.claimed_ids
    )
    for entry in loose:
        if claims.is_open(entry) and entry.title in archived:
            claims.claim(entry, max(archived[entry.title], key=lambda remote: remote.retirement))


# The order of renames -----------------------------------------------------------------------------------------------


def _rename_waves(claims: _Claims) -> Mapping[str, int]:
    """Return key → wave for every rename, so that a title is free before it is taken; block cycles without a pin."""
    renaming = {
        key: remote
        for key, remote in claims.remotes.items()
        if claims.entries[key].title not in {None, remote.title} and not claims.entries[key].is_retired
    }
    leaving: defaultdict[str, list[str]] = defaultdict(list)
    for key, remote in renaming.items():
        leaving[remote.title].append(key)
    waves: dict[str, int] = {}
    for key in renaming:
        _settle_wave(key, leaving, claims, waves)
    return waves


def _settle_wave(start: str, leaving: Mapping[str, Sequence[str]], claims: _Claims, waves: dict[str, int]) -> None:
    """Walk from a rename to the one that frees its title, and so on, then number the walk from its far end."""
    path: list[str] = []
    key: str | None = start
    while key is not None and key not in waves and key not in path:
        path.append(key)
        key = next((other for other in leaving.get(claims.entries[key].title or "", ()) if other != key), None)
    if key is not None and key in path:
        cycle = path[path.index(key) :]
        if not any(claims.entries[member].id for member in cycle):
            _block_cycle(cycle, claims)
    wave = waves[key] + 1 if key is not None and key in waves else 0
    for member in reversed(path):
        waves[member] = wave
        wave += 1


def _block_cycle(cycle: Sequence[str], claims: _Claims) -> None:
    remotes = {key: claims.remotes[key] for key in cycle}
    circle = " → ".join(repr(remotes[key].title) for key in cycle)
    for key in cycle:
        hint = f"pin the entries of the cycle; this one now holds `id: {remotes[key].id}` if it was not swapped yet"
        claims.block(claims.entries[key], f"renamed_from goes round in a circle: {circle}", hint, [remotes[key]])
