"""Verdicts: a history, and the schedule as it is → the change that takes it back, or what is in the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from halo_iac.load.values import undeclarable
from halo_iac.model.change import Action, Blocked, Cause, Change, FieldChange, Policy
from halo_iac.model.remote import Actual, Opaque, RemoteSchedule
from halo_iac.model.schedule import FIELDS, Spec
from halo_iac.resolve import Catalog
from halo_iac.undo.history import History, State

BY_HAND: Final = "look at it with `halo schedule get`, and change it by hand if need be"

Verdict = Change | Blocked | None
"""``None`` where a schedule is already as it was before the run."""


class Judge:
    """Judges one schedule after the other.

    ``keys`` are those of the entries that declare schedules, by id; ``named`` are the ids that the receipt tells: what
    it says of those is not looked for by title as well.
    """

    def __init__(
        self,
        policy: Policy,
        catalog: Catalog,
        actual: Actual,
        keys: Mapping[str, str],
        named: Collection[str | None],
    ) -> None:
        self._policy = policy
        self._catalog = catalog
        self._schedules = {remote.id: remote for remote in actual.schedules}
        self._keys = keys
        self._named = named

    def verdict(self, history: History) -> Verdict:
        """Return what takes one schedule back, or what is in the way."""
        remote = self._found(history)
        if not isinstance(remote, RemoteSchedule):
            return remote
        spec = remote.spec()
        if isinstance(spec, Opaque):
            return self._blocked(history, f"schedule {remote.id} is left alone: {spec.reason}", BY_HAND)
        if history.is_undone(remote, spec):
            return None
        if (blocked := self._kept_out(history, remote)) is not None:
            return blocked
        end = history.end(remote, spec)
        if end is not None:
            return self._inverse(history, end, remote, spec)
        reason = f"schedule {remote.id} is no longer as the run left it: {_moved(history, remote, spec)}"
        return self._blocked(history, reason, BY_HAND)

    def _kept_out(self, history: History, remote: RemoteSchedule) -> Blocked | None:
        """Say why a schedule must not, or cannot, be taken back whatever it is now."""
        if not self._policy.covers(remote.agent_id, remote.title):
            hint = "widen `scope:`, or undo where it is in scope"
            return self._blocked(history, f"schedule {remote.id} is outside the project's scope", hint)
        if any(write.intent.is_veiled for write in history.writes):
            reason = f"a key or credential of schedule {remote.id} is not in the receipt, so nobody knows what it was"
            return self._blocked(history, reason, BY_HAND)
        return None

    def _found(self, history: History) -> RemoteSchedule | Blocked | None:
        """Return the schedule; one without an id for sure is looked for by its title and values."""
        if history.id in self._schedules:
            return self._schedules[history.id]
        if history.id is not None and not history.may_have_no_such_id:
            reason = f"the project holds no schedule with the id {history.id}"
            return self._blocked(history, reason, "is it the right receipt?")
        title = history.writes[0].intent.title
        named = [(remote, remote.spec()) for remote in self._nameless if remote.title == title]
        found = [remote for remote, spec in named if isinstance(spec, Spec) and history.end(remote, spec) is not None]
        if len(found) > 1:
            ids = ", ".join(sorted(remote.id for remote in found))
            return self._blocked(history, f"{len(found)} schedules could be what was created: {ids}", BY_HAND)
        return found[0] if found else None

    @property
    def _nameless(self) -> Iterator[RemoteSchedule]:
        return (remote for id_, remote in self._schedules.items() if id_ not in self._named)

    def _inverse(self, history: History, end: State, remote: RemoteSchedule, spec: Spec) -> Verdict:
        origin = history.origin
        key = self._keys.get(remote.id)
        if origin is None:
            return Change(Action.ARCHIVE, Cause.UNDONE, key, remote.id, remote.title, (), spec)
        names = [
            name
            for name in FIELDS
            if getattr(end.spec, name) is not None and getattr(end.spec, name) != getattr(origin.spec, name)
        ]
        after = replace(spec, **{name: getattr(origin.spec, name) for name in names})
        trouble = self._unwritable(after, names)
        if trouble is not None:
            return self._blocked(history, f"what schedule {remote.id} was cannot be written: {trouble}", BY_HAND)
        line = _line(history)
        fields = tuple(FieldChange(name, getattr(spec, name), getattr(after, name), line) for name in names)
        action = _action(origin, remote)
        has_after = fields or action is not Action.ARCHIVE
        return Change(
            action=action,
            cause=Cause.UNDONE,
            key=key,
            id=remote.id,
            title=after.title,
            fields=fields,
            before=spec,
            after=after if has_after else None,
            origin=line,
        )

    def _unwritable(self, after: Spec, names: Sequence[str]) -> str | None:
        """Say why values from the receipt may not be written."""
        for name in names:
            if getattr(after, name) is None:
                return f"{name} was the platform's own choice, which cannot be given back to it"
        if "agent" in names and not self._catalog.has_seen(after.agent):
            return "the project knows no agent with the id that it had"
        if not self._policy.covers(after.agent, after.title):
            return "it was outside the project's scope"
        return undeclarable(after, names)

    def _blocked(self, history: History, reason: str, hint: str) -> Blocked:
        ids = () if history.id is None else (history.id,)
        name = self._keys.get(history.id or "") or history.id or history.writes[0].intent.title
        return Blocked(name, reason, hint, _line(history), ids)


def _line(history: History) -> str:
    """Return where a schedule first comes up in the receipt, as origins of values say it."""
    return f"receipt:{history.writes[0].line}"


def _action(origin: State, remote: RemoteSchedule) -> Action:
    if origin.is_archived:
        return Action.ARCHIVE
    return Action.UPDATE if remote.is_active else Action.UNARCHIVE


def _moved(history: History, remote: RemoteSchedule, spec: Spec) -> str:
    alike = [end for end in history.ends if end is not None and end.is_archived != remote.is_active]
    if not alike:
        return "it is active" if remote.is_active else "it is archived"
    wanted = alike[-1].spec.over(spec)
    return f"{', '.join(name for name in FIELDS if getattr(wanted, name) != getattr(spec, name))} changed since"
