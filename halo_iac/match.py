"""Matches entries to the platform's schedules, and orders renames so that their titles are free."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from itertools import count
from typing import Final

from halo_iac.model.ids import respell_uuid
from halo_iac.model.plan import Blocked, Match, MatchResult, PlanWarning
from halo_iac.model.project import Entry, Project
from halo_iac.model.remote import PlatformState, RemoteSchedule
from halo_iac.text import list_first


def former_titles(entry: Entry) -> tuple[str, ...]:
    """Return the earlier titles, each once, without the current title; a retired entry has none.

    See docs/semantics.md#retired-entries.
    """
    if entry.is_retired:
        return ()
    return tuple(dict.fromkeys(former for former in entry.renamed_from if former != entry.title))


def title_cycles(entries: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
    """Return each title that is part of a ``renamed_from`` cycle, mapped to the cycle. Pinned entries are ignored."""
    loose = {entry.title or "": entry for entry in entries if entry.id is None}
    return find_cycles(
        {title: [each for each in former_titles(entry) if each in loose] for title, entry in loose.items()}
    )


def find_cycles(graph: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Return each node that is part of a cycle, mapped to the cycle's nodes; in linear time."""
    behind: dict[str, list[str]] = {node: [] for node in graph}
    for node, others in graph.items():
        for other in others:
            behind[other].append(node)
    # Kosaraju's algorithm: the nodes reached backwards, from the last finished on, form a cycle.
    found: dict[str, Sequence[str]] = {}
    seen: set[str] = set()
    for start in reversed(_finished(graph)):
        circle = sorted(_reached(start, behind, seen))
        if len(circle) > 1 or start in graph[start]:
            found |= dict.fromkeys(circle, circle)
    return {node: found[node] for node in graph if node in found}


def _finished(graph: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes in post-order of a depth-first search from each."""
    order: list[str] = []
    seen: set[str] = set()
    for start in graph:
        path = [(start, iter(graph[start]))] if start not in seen else []
        seen.add(start)
        while path:
            node, others = path[-1]
            ahead = next((other for other in others if other not in seen), None)
            if ahead is None:
                order.append(node)
                path.pop()
            else:
                seen.add(ahead)
                path.append((ahead, iter(graph[ahead])))
    return order


def _reached(start: str, graph: Mapping[str, Sequence[str]], seen: set[str]) -> list[str]:
    """Return the unseen nodes that are reachable from the start, which is included, and mark them as seen."""
    found: list[str] = []
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            found.append(node)
            waiting.extend(graph[node])
    return found


def rename_waves(entries: Mapping[str, Entry], remotes: Mapping[str, RemoteSchedule]) -> Mapping[str, int]:
    """Return key → wave for each rename, so that a title is free before it is taken.

    ``entries`` and ``remotes`` are both by key: the schedule that becomes each entry's.
    """
    waiting = {
        key: remote
        for key, remote in remotes.items()
        if entries[key].title not in {None, remote.title} and not entries[key].is_retired
    }
    pinned = {key for key in waiting if entries[key].id is not None}
    return topological_layers(
        {key: entries[key].title or "" for key in waiting},
        {key: remote.title for key, remote in waiting.items()},
        pinned,
    )


def topological_layers(
    wanted: Mapping[str, str], held: Mapping[str, str], pinned: Collection[str]
) -> Mapping[str, int]:
    """Return name → wave for renames from the title held to the one wanted, both by name.

    In a cycle one entry has to take a title that is still in use: one of ``pinned``, which its id identifies.
    """
    takers: defaultdict[str, list[str]] = defaultdict(list)
    for name in held:
        takers[wanted[name]].append(name)
    holders = Counter(held.values())
    found: dict[str, int] = {}
    ready = [name for name in held if not holders[wanted[name]]]
    for wave in count():
        ready = ready or [name for name in held if name not in found and name in pinned]
        if not ready:
            break
        found |= dict.fromkeys(ready, wave)
        holders.subtract(held[name] for name in ready)
        freed = dict.fromkeys(held[name] for name in ready if not holders[held[name]])
        ready = [name for title in freed for name in takers[title] if name not in found]
    return found


_MAX_LISTED: Final = 10
"""How many names a reason lists."""

_Titles = Mapping[str, Sequence[RemoteSchedule]]


def match(project: Project, actual: PlatformState) -> MatchResult:
    """Pair each entry with its schedule, with none yet, or with the reason why it is blocked.

    Pairs and blocked entries keep the order of the entries, unclaimed schedules that of the listing.
    """
    claims = _Claims()
    _claim_pins(project.entries, actual, claims)
    loose = [entry for entry in project.entries if entry.id is None]
    _claim_active_titles(loose, actual, claims)
    _claim_archived_titles(loose, actual, claims)
    waves = rename_waves(claims.entries, claims.remotes)
    return MatchResult(
        pairs=tuple(
            Match(entry, claims.remotes.get(entry.key), entry.spec, waves.get(entry.key, 0))
            for entry in project.entries
            if entry.key not in claims.blocked
        ),
        blocked=tuple(claims.blocked[entry.key] for entry in project.entries if entry.key in claims.blocked),
        unclaimed=tuple(
            remote for remote in actual.schedules if remote.is_active and remote.id not in claims.claimed_ids
        ),
        warnings=tuple(claims.warnings),
    )


class _Claims:
    """The schedules claimed so far; private to :func:`match`."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.remotes: dict[str, RemoteSchedule] = {}
        self.claimed_ids: set[str] = set()
        self.blocked: dict[str, Blocked] = {}
        self.warnings: list[PlanWarning] = []

    def claim(self, entry: Entry, remote: RemoteSchedule) -> None:
        self.entries[entry.key] = entry
        self.remotes[entry.key] = remote
        self.claimed_ids.add(remote.id)

    def block(self, entry: Entry, reason: str, hint: str, remotes: Iterable[RemoteSchedule] = ()) -> None:
        ids = tuple(remote.id for remote in sorted(remotes, key=lambda remote: remote.creation_order))
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


def _claim_pins(entries: Iterable[Entry], actual: PlatformState, claims: _Claims) -> None:
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
            if remote is None and entry.is_retired:
                continue  # it is retired here, and may belong to another environment
            if remote is None:
                meant = respell_uuid(id_)
                hint = "correct `id:` or remove it" if meant is None else f"write it as {meant}"
                claims.block(entry, f"the project holds no schedule with the id {id_}", hint)
            elif len(owners) > 1:
                keys = ", ".join(sorted(owner.key for owner in owners))
                claims.block(entry, f"the id {id_} is pinned by {keys}", "keep the pin in one entry", [remote])
            else:
                claims.claim(entry, remote)


# Titles of active schedules -----------------------------------------------------------------------------------------


def _claim_active_titles(loose: Sequence[Entry], actual: PlatformState, claims: _Claims) -> None:
    has_pasts = any(entry.renamed_from for entry in loose)
    if has_pasts:
        _block_cycles(loose, _unclaimed_titles(actual, claims), claims)
        loose = [entry for entry in loose if claims.is_open(entry)]
    active = _unclaimed_titles(actual, claims)
    yielding = _resolve_contested_titles(loose, active) if has_pasts else ()
    for entry in loose:
        if entry.title in active and entry.title not in yielding:
            _claim_one(entry, active[entry.title], claims)
    if has_pasts:
        _claim_former_titles([entry for entry in loose if claims.is_open(entry)], active, claims)


def _unclaimed_titles(actual: PlatformState, claims: _Claims) -> dict[str, list[RemoteSchedule]]:
    return _by_title(remote for remote in actual.schedules if remote.is_active and remote.id not in claims.claimed_ids)


def _block_cycles(loose: Sequence[Entry], active: _Titles, claims: _Claims) -> None:
    """Block entries whose ``renamed_from`` form a cycle: renaming would recreate the same situation.

    Which schedules are active is irrelevant, or an apply could lead to a plan that is blocked.
    """
    by_title = {entry.title or "": entry for entry in loose}
    for title, circle in title_cycles(loose).items():
        reason = f"renamed_from forms a cycle: {list_first(map(repr, circle), len(circle), _MAX_LISTED)}"
        hint = "pin the entries of the cycle with `id:`, or remove one `renamed_from:`"
        claims.block(by_title[title], reason, hint, active.get(title, ()))


def _resolve_contested_titles(loose: Sequence[Entry], active: _Titles) -> Set[str]:
    """Return the titles that other entries give up: each has a schedule with the title, which it renames.

    A chain ``A → B`` and ``B → C`` in one file is read this way. An entry whose own title is active and uncontested has
    already been renamed, so its ``renamed_from`` claims nothing; and a former title that another entry declares and
    keeps is not a claim.
    """
    declared = {entry.title for entry in loose}
    pasts = {entry.title or "": [former for former in former_titles(entry) if former in active] for entry in loose}
    heirs: defaultdict[str, list[str]] = defaultdict(list)
    for title, formers in pasts.items():
        for former in formers:
            heirs[former].append(title)
    yielding = {title for title, formers in pasts.items() if formers and title in heirs}
    # For each title, how many claims it still has; a title that is kept removes one from its entry's former titles.
    takers = {title: sum(heir not in active or heir in yielding for heir in heirs[title]) for title in yielding}
    sources = {title: sum(each not in declared or each in yielding for each in pasts[title]) for title in yielding}
    waiting = [title for title in yielding if not takers[title] or not sources[title]]
    while waiting:
        title = waiting.pop()
        if title not in yielding:
            continue
        yielding.discard(title)
        for reasons, beside in ((takers, pasts[title]), (sources, heirs[title])):
            for other in yielding.intersection(beside):
                reasons[other] -= 1
                if not reasons[other]:
                    waiting.append(other)
    return yielding


def _claim_former_titles(waiting: Sequence[Entry], active: _Titles, claims: _Claims) -> None:
    """Match unmatched entries to schedules by their former titles, unless another entry declares these."""
    free = {
        title: remotes
        for title, remotes in active.items()
        if not any(remote.id in claims.claimed_ids for remote in remotes)
    }
    claimants: defaultdict[str, list[str]] = defaultdict(list)
    for entry in sorted(waiting, key=lambda entry: entry.key):
        for former in former_titles(entry):
            claimants[former].append(entry.key)
    for entry in waiting:
        candidates = [remote for former in former_titles(entry) for remote in free.get(former, ())]
        contested = [former for former in former_titles(entry) if former in free and len(claimants[former]) > 1]
        for former in former_titles(entry):
            if former in active and former not in free:
                message = f"renamed_from {former!r} is ignored: another entry declares that title"
                claims.warnings.append(PlanWarning(message, entry.key))
        if contested:
            keys = claimants[contested[0]]
            rivals = list_first((key for key in keys if key != entry.key), len(keys) - 1, _MAX_LISTED)
            reason = f"renamed_from {contested[0]!r} is also claimed by {rivals}"
            claims.block(entry, reason, "keep it in one entry, or pin the schedule with `id:`", candidates)
        elif candidates:
            _claim_one(entry, candidates, claims)


def _claim_one(entry: Entry, candidates: Sequence[RemoteSchedule], claims: _Claims) -> None:
    if len(candidates) == 1:
        claims.claim(entry, candidates[0])
        return
    ids = [remote.id for remote in sorted(candidates, key=lambda remote: remote.creation_order)]
    reason = f"{len(ids)} active schedules match this entry: {', '.join(ids)}"
    claims.block(entry, reason, f"pin the right one: `id: {ids[0]}`", candidates)


# Archived schedules -------------------------------------------------------------------------------------------------


def _claim_archived_titles(loose: Iterable[Entry], actual: PlatformState, claims: _Claims) -> None:
    archived = _by_title(
        remote for remote in actual.schedules if not remote.is_active and remote.id not in claims.claimed_ids
    )
    for entry in loose:
        if claims.is_open(entry) and entry.title in archived:
            claims.claim(entry, max(archived[entry.title], key=lambda remote: remote.retirement_order))
