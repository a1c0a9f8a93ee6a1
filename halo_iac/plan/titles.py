"""Titles: one is taken only where it is free by then, for two active schedules of one title block each other.

Matching orders renames so that a title is free before it is taken. That comes to nothing where what should free it is
not in the plan: its entry is blocked or no target, or it is archived, which comes last (docs/semantics.md#apply-order).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from halo_iac.model.change import Action, Blocked, Change
from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule


def held_titles(
    changes: Iterable[Change], entries: Mapping[str, Entry], schedules: Iterable[RemoteSchedule]
) -> Mapping[str, Blocked]:
    """Return by key what blocks the changes that would take a title some other active schedule goes on bearing.

    An entry with an ``id`` may do so: it is told from its twin.
    """
    changes = tuple(changes)
    taking = {
        change.title: change
        for change in changes
        if change.takes_title and change.key is not None and entries[change.key].id is None
    }
    blocked: dict[str, Blocked] = {}
    for change, id_ in taken_titles(changes, taking, schedules):
        blocked.setdefault(change.name, _held(entries[change.name], change.title, id_))
    return blocked


def taken_titles(
    changes: Iterable[Change], taking: Mapping[str, Change], schedules: Iterable[RemoteSchedule]
) -> Iterator[tuple[Change, str]]:
    """Yield those of ``taking``, by the title they take, whose title stays another's, with that schedule's id.

    One that cannot go on frees no title either, so others may follow from it.
    """
    holders = {
        remote.id: remote.title
        for remote in schedules
        if remote.title in taking and remote.is_active and remote.id != taking[remote.title].id
    }
    freeing = {change.id for change in changes if change.action is Action.UPDATE and change.is_rename}
    stuck = sorted(holders.keys() - freeing)
    while stuck:
        following = []
        for id_ in stuck:
            change = taking[holders[id_]]
            yield change, id_
            if change.id in freeing:
                freeing.discard(change.id)
                following.append(change.id)
        stuck = sorted(id_ for id_ in following if id_ in holders)


def _held(entry: Entry, title: str, id_: str) -> Blocked:
    reason = f"the title {title!r} is still that of schedule {id_}, and nothing in this plan frees it first"
    hint = "mend, target or apply first the entry of that schedule"
    return Blocked(entry.key, reason, hint, str(entry.origins.entry), (id_,))
