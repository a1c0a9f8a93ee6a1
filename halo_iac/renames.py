"""Renames: in which order titles change hands, and where they would go round for ever (design §3.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from graphlib import CycleError, TopologicalSorter
from itertools import count

from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule


def former_titles(entry: Entry) -> tuple[str, ...]:
    """Return the earlier titles, each once, without the title itself; a retired entry has none (design §3.6)."""
    if entry.is_retired:
        return ()
    return tuple(dict.fromkeys(former for former in entry.renamed_from if former != entry.title))


def title_circles(entries: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
    """Return every title whose entry's past leads back to it, with the titles of its circle; pins take no part."""
    loose = {entry.title or "": entry for entry in entries if entry.id is None}
    return circles({title: [each for each in former_titles(entry) if each in loose] for title, entry in loose.items()})


def circles(graph: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Return every node that leads back to itself, with the nodes of its circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        ahead = {node: _ahead(node, graph) for node in graph}
        return {
            node: sorted(other for other in ahead[node] if node in ahead[other])
            for node in ahead
            if node in ahead[node]
        }
    return {}


def _ahead(start: str, graph: Mapping[str, Sequence[str]]) -> Set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(graph[node])
    return found


def rename_waves(entries: Mapping[str, Entry], remotes: Mapping[str, RemoteSchedule]) -> Mapping[str, int]:
    """Return key → wave for every rename, so that a title is free before it is taken.

    ``entries`` and ``remotes`` are both by key: which schedule is to become which entry's.
    """
    waiting = {
        key: remote
        for key, remote in remotes.items()
        if entries[key].title not in {None, remote.title} and not entries[key].is_retired
    }
    pinned = {key for key in waiting if entries[key].id is not None}
    return waves(
        {key: entries[key].title or "" for key in waiting},
        {key: remote.title for key, remote in waiting.items()},
        pinned,
    )


def waves(wanted: Mapping[str, str], held: Mapping[str, str], pinned: Collection[str]) -> Mapping[str, int]:
    """Return name → wave for renames from the title held to the one wanted, both by name.

    In a circle somebody has to take a title that is not free: one of ``pinned``, whom nobody mistakes for the other.
    """
    waiting = dict(held)
    found: dict[str, int] = {}
    for wave in count():
        titles = set(waiting.values())
        ready = [name for name in waiting if wanted[name] not in titles] or [name for name in waiting if name in pinned]
        if not ready:
            break
        for name in ready:
            found[name] = wave
            del waiting[name]
    return found
