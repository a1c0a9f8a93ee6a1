"""Renames: in which order titles change hands, and where they would go round for ever (docs/semantics.md#renames)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import count

from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule


def former_titles(entry: Entry) -> tuple[str, ...]:
    """Return the earlier titles, each once, without the title itself; a retired entry has none.

    See docs/semantics.md#retired-entries.
    """
    if entry.is_retired:
        return ()
    return tuple(dict.fromkeys(former for former in entry.renamed_from if former != entry.title))


def title_circles(entries: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
    """Return every title whose entry's past leads back to it, with the titles of its circle; pins take no part."""
    loose = {entry.title or "": entry for entry in entries if entry.id is None}
    return circles({title: [each for each in former_titles(entry) if each in loose] for title, entry in loose.items()})


def circles(graph: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Return every node that leads back to itself, with the nodes of its circle; in time linear in the graph."""
    behind: dict[str, list[str]] = {node: [] for node in graph}
    for node, others in graph.items():
        for other in others:
            behind[other].append(node)
    # Kosaraju's strongly connected components: who is reached backwards, from the last finished on, is in a circle.
    found: dict[str, Sequence[str]] = {}
    seen: set[str] = set()
    for start in reversed(_finished(graph)):
        circle = sorted(_reached(start, behind, seen))
        if len(circle) > 1 or start in graph[start]:
            found |= dict.fromkeys(circle, circle)
    return {node: found[node] for node in graph if node in found}


def _finished(graph: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes in the order in which a walk from each leaves them for the last time."""
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
    """Return the nodes that a walk reaches which nobody has seen before, the start included; they are seen now."""
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
