"""Verdicts: one pair → the change it needs, or why none can be planned (docs/semantics.md#actions)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from halo_iac.diff import Difference
from halo_iac.model.change import Action, Blocked, Cause, Change
from halo_iac.model.pairing import Pair
from halo_iac.model.project import Project
from halo_iac.model.remote import Actual, Opaque, RemoteSchedule
from halo_iac.plan.titles import held_titles

Verdict = Change | Blocked | None
"""``None`` where a pair is as declared."""


def verdicts(
    project: Project, differences: Iterable[Difference], actual: Actual, chosen: Collection[str]
) -> list[Verdict]:
    """Judge each pair by itself, then by whether the title it takes will be free.

    ``chosen`` are the keys of the entries to judge; none for all.
    """
    judged = [_judge(each) for each in differences if not chosen or each.pair.entry.key in chosen]
    changes = [verdict for verdict in judged if isinstance(verdict, Change)]
    if not any(change.takes_title for change in changes):
        return judged
    held = held_titles(changes, {entry.key: entry for entry in project.entries}, actual.schedules)
    return [held.get(verdict.name, verdict) if isinstance(verdict, Change) else verdict for verdict in judged]


def _judge(difference: Difference) -> Verdict:
    """Return the change a pair needs, why none can be planned, or ``None`` where it is as declared."""
    pair, after, fields = difference.pair, difference.after, difference.fields
    remote = pair.remote
    if after is None:
        return _retire(pair)
    if difference.opaque is not None:
        return _unreadable(pair, difference.opaque)
    if remote is not None and remote.is_active and not fields:
        return None
    before = None if remote is None else remote.spec()
    if isinstance(before, Opaque):
        return _unreadable(pair, before)
    return Change(
        action=_action(remote),
        cause=Cause.DECLARED,
        key=pair.entry.key,
        id=None if remote is None else remote.id,
        title=after.title,
        fields=fields,
        before=before,
        after=after,
        wave=pair.wave,
        origin=str(pair.entry.origins.entry),
    )


def _action(remote: RemoteSchedule | None) -> Action:
    if remote is None:
        return Action.CREATE
    return Action.UPDATE if remote.is_active else Action.UNARCHIVE


def _retire(pair: Pair) -> Verdict:
    remote = pair.remote
    if remote is None or not remote.is_active:
        return None
    planned = archive(remote, Cause.RETIRED)
    if planned is None:
        return _unreadable(pair, remote.spec())
    return replace(planned, key=pair.entry.key, origin=str(pair.entry.origins.entry))


def archive(remote: RemoteSchedule, cause: Cause) -> Change | None:
    """Return the archive of a schedule; ``None`` for one that cannot be read, which is never archived.

    See docs/security.md#unreadable-schedules.
    """
    spec = remote.spec()
    if isinstance(spec, Opaque):
        return None
    return Change(Action.ARCHIVE, cause, None, remote.id, remote.title, before=spec)


def _unreadable(pair: Pair, why: object) -> Blocked:
    reason = why.reason if isinstance(why, Opaque) else "it cannot be read"
    id_ = pair.remote.id if pair.remote else ""
    return Blocked(
        key=pair.entry.key,
        reason=f"schedule {id_} is left alone: {reason}",
        hint="a newer halo may know it; `halo schedule get` shows it as it is",
        origin=str(pair.entry.origins.entry),
        ids=(id_,),
    )
