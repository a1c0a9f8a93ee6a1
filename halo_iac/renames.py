"""Renames: in which order titles change hands, and where they would go round for ever (design §3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from graphlib import CycleError, TopologicalSorter
from itertools import count

from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule


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
    waves: dict[str, int] = {}
    for wave in count():
        held = {remote.title for remote in waiting.values()}
        free = [key for key in waiting if entries[key].title not in held]
        # In a circle somebody has to take a title that is not free; by its pin, nobody mistakes one for the other.
        ready = free or [key for key in waiting if entries[key].id is not None]
        if not ready:
            break
        for key in ready:
            waves[key] = wave
            del waiting[key]
    return waves
