"""Decides from a history and the present schedule which change undoes the run, or why none can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from halo_iac.errors import RefusedError
from halo_iac.hints import Command, Hint
from halo_iac.load.entries import undeclarable_reason
from halo_iac.match import topological_layers
from halo_iac.model.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    FieldChange,
    GuardViolation,
    MatchResult,
    Plan,
    PlanWarning,
    Policy,
)
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.model.receipt import Receipt
from halo_iac.model.remote import PlatformState, PlatformTarget, RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import FIELDS, Spec
from halo_iac.plan.guards import GuardInput, Overrides, guard
from halo_iac.plan.model_checks import is_missing
from halo_iac.plan.planner import agent_names, resolved_policy, sort_key, titles_being_taken, traced_agents
from halo_iac.plan.run_rate import firing_schedules, schedules_with_known_rate, total_runs_per_month
from halo_iac.resolve import Catalog
from halo_iac.undo.history import History, ScheduleState, histories


def inspect_hint(id_: str | None) -> Hint:
    """Return the hint for a schedule that halo does not change."""
    return Hint("run `{}` to inspect it, and change it by hand if necessary", Command("schedule", "get", id_ or "ID"))


UndoDecision = Change | Blocked | None
"""``None`` where a schedule is already as it was before the run."""


class UndoPlanner:
    """Decides how to undo a run, schedule by schedule.

    ``keys`` are those of the entries that declare schedules, by id; ``named`` are the ids in the receipt, which are not
    searched by title as well.
    """

    def __init__(
        self,
        policy: Policy,
        catalog: Catalog,
        actual: PlatformState,
        keys: Mapping[str, str],
        named: Collection[str | None],
    ) -> None:
        self._policy = policy
        self._catalog = catalog
        self._schedules = {remote.id: remote for remote in actual.schedules}
        self._models = actual.models
        self._keys_by_id = keys
        self._named = named

    def decide(self, history: History) -> UndoDecision:
        """Return the change that undoes the run for one schedule, or the reason why there is none."""
        remote = None if history.has_no_effect else self._find_schedule(history)
        if not isinstance(remote, RemoteSchedule):
            return remote
        spec = remote.spec()
        if isinstance(spec, UnreadableSchedule):
            return self._blocked(
                history, f"schedule {remote.id} is not changed: {spec.reason}", inspect_hint(remote.id)
            )
        if history.is_undone(remote, spec):
            return None
        if (blocked := self._refuse(history, remote)) is not None:
            return blocked
        end = history.end(remote, spec)
        if end is not None:
            return self._build_inverse(history, end, remote, spec)
        reason = f"schedule {remote.id} has changed since the run: {_describe_drift(history, remote, spec)}"
        return self._blocked(history, reason, inspect_hint(remote.id))

    def _refuse(self, history: History, remote: RemoteSchedule) -> Blocked | None:
        """Return why a schedule is out of scope or must not be undone."""
        if not self._policy.covers(remote.agent_id, remote.title):
            hint = "widen `scope:`, or run `halo undo` with a project file whose scope includes it"
            return self._blocked(history, f"schedule {remote.id} is outside the project's scope", hint)
        if any(write.intent.is_veiled for write in history.writes):
            reason = (
                f"the receipt does not hold a redacted credential of schedule {remote.id}, so it cannot be restored"
            )
            return self._blocked(history, reason, inspect_hint(remote.id))
        return None

    def _find_schedule(self, history: History) -> RemoteSchedule | Blocked | None:
        """Return the schedule; without a certain id it is found by its title and values."""
        if history.id in self._schedules:
            return self._schedules[history.id]
        if history.id is not None and not history.may_have_unknown_id:
            reason = f"the project holds no schedule with the id {history.id}"
            return self._blocked(history, reason, "check that it is the right receipt")
        title = history.writes[0].intent.title
        named = [(remote, remote.spec()) for remote in self._unnamed_schedules if remote.title == title]
        found = [remote for remote, spec in named if isinstance(spec, Spec) and history.end(remote, spec) is not None]
        if len(found) > 1:
            ids = ", ".join(sorted(remote.id for remote in found))
            reason = f"{len(found)} schedules match the one that was created: {ids}"
            return self._blocked(history, reason, inspect_hint(found[0].id))
        return found[0] if found else None

    @property
    def _unnamed_schedules(self) -> Iterator[RemoteSchedule]:
        return (remote for id_, remote in self._schedules.items() if id_ not in self._named)

    def _build_inverse(self, history: History, end: ScheduleState, remote: RemoteSchedule, spec: Spec) -> UndoDecision:
        origin = history.origin
        key = self._keys_by_id.get(remote.id)
        if origin is None:
            return Change(Action.ARCHIVE, Cause.UNDONE, key, remote.id, remote.title, (), spec)
        names = [
            name
            for name in FIELDS
            if getattr(end.spec, name) is not None and getattr(end.spec, name) != getattr(origin.spec, name)
        ]
        after = replace(spec, **{name: getattr(origin.spec, name) for name in names})
        obstacle = self._unrestorable_reason(after, names)
        if obstacle is not None:
            return self._blocked(
                history,
                f"the earlier state of schedule {remote.id} cannot be restored: {obstacle}",
                inspect_hint(remote.id),
            )
        line = _receipt_line(history)
        fields = tuple(FieldChange(name, getattr(spec, name), getattr(after, name), line) for name in names)
        action = _inverse_action(origin, remote)
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

    def _unrestorable_reason(self, after: Spec, names: Sequence[str]) -> str | None:
        """Return why values from the receipt cannot be restored."""
        for name in names:
            if getattr(after, name) is None:
                return f"{name} was chosen by the platform, which halo cannot restore"
            if name in self._models and is_missing(getattr(after, name), self._models[name]):
                return f"the platform no longer offers {name} {getattr(after, name)!r}"
        if "agent" in names and not self._catalog.knows(after.agent):
            return "the project has no agent with its earlier id"
        if not self._policy.covers(after.agent, after.title):
            return "it was outside the project's scope"
        return undeclarable_reason(after, names)

    def _blocked(self, history: History, reason: str, hint: str) -> Blocked:
        ids = () if history.id is None else (history.id,)
        name = self._keys_by_id.get(history.id or "") or history.id or history.writes[0].intent.title
        return Blocked(name, reason, hint, _receipt_line(history), ids)


def _receipt_line(history: History) -> str:
    """Return the first line of a schedule in the receipt, in the form of a value's origin."""
    return f"receipt:{history.writes[0].line}"


def _inverse_action(origin: ScheduleState, remote: RemoteSchedule) -> Action:
    if origin.is_archived:
        return Action.ARCHIVE
    return Action.UPDATE if remote.is_active else Action.UNARCHIVE


def _describe_drift(history: History, remote: RemoteSchedule, spec: Spec) -> str:
    alike = [end for end in history.ends if end is not None and end.is_archived != remote.is_active]
    if not alike:
        return "it is active" if remote.is_active else "it is archived"
    wanted = alike[-1].spec.filled_from(spec)
    return f"{', '.join(name for name in FIELDS if getattr(wanted, name) != getattr(spec, name))} differs"


def check_same_target(receipt: Receipt, host: PlatformTarget) -> None:
    """Refuse a receipt of another platform or project, with :class:`~halo_iac.errors.RefusedError`."""
    header = receipt.header
    for what, then, now in (
        ("platform", header.base_url, host.base_url),
        ("project", header.project_id, host.project_id),
    ):
        if then != now:
            message = f"{receipt.name} was written for another {what}: {then}, not {now}; nothing was changed"
            raise RefusedError(message, hint="use the --file, --project and --sandbox of the apply")


def undo(
    receipt: Receipt,
    project: Project,
    pairing: MatchResult,
    actual: PlatformState,
    host: PlatformTarget,
    overrides: Overrides,
    *,
    allows_gap: bool = False,
) -> Plan:
    """Return the plan that undoes the run; a write that cannot be undone is blocked, with the reason.

    ``pairing`` is that of the project, which may declare nothing. ``allows_gap`` accepts a receipt without its end.
    """
    policy = resolved_policy(project, pairing)
    found = histories(receipt)
    planner = UndoPlanner(
        policy, Catalog(project, actual), actual, _keys_by_id(pairing), {history.id for history in found}
    )
    decisions = [planner.decide(history) for history in found]
    changes, blocked = _with_free_titles(decisions, actual)
    active = [
        remote for remote in actual.schedules if remote.is_active and policy.covers(remote.agent_id, remote.title)
    ]
    readable = schedules_with_known_rate(active, ())
    guard_input = GuardInput(
        changes=tuple(sorted(changes, key=sort_key)),
        blocked=blocked,
        withheld=(),
        undeclared=(),
        firing=firing_schedules(readable),
        traced=traced_agents(actual),
        declared=len(project.entries),
        targets=(),
        protect=project.protect,
        gap=actual.gap,
        overrides=overrides,
    )
    return Plan(
        host=host,
        policy=policy,
        targets=(),
        changes=guard_input.changes,
        blocked=tuple(sorted(blocked, key=lambda each: each.key)),
        undeclared=(),
        warnings=tuple(_warnings(guard_input.changes, project, pairing, receipt, allows_gap=allows_gap)),
        refusals=(*(() if allows_gap else _unsafe_reason(receipt)), *guard(guard_input)),
        unchanged=decisions.count(None),
        runs_per_month=total_runs_per_month(readable, guard_input.changes),
        agents=agent_names(guard_input.changes, actual),
        file=project.path if project.origins else "",
    )


def _unsafe_reason(receipt: Receipt) -> Iterator[GuardViolation]:
    if receipt.gap is not None:
        yield GuardViolation(
            "incomplete-receipt",
            f"the end of the receipt is missing: {receipt.gap}; the run was killed or the file was truncated, "
            "so the run may have changed more than it lists",
            "--allow-incomplete",
        )


# Titles -------------------------------------------------------------------------------------------------------------


def _with_free_titles(decisions: Iterable[UndoDecision], actual: PlatformState) -> tuple[list[Change], list[Blocked]]:
    """Block changes whose title is not free when they run, and order the renames among the rest."""
    # Two creates without an id in an answer may both match the only schedule that exists.
    changes = list(dict.fromkeys(each for each in decisions if isinstance(each, Change)))
    blocked = [each for each in decisions if isinstance(each, Blocked)]
    taking = [change for change in changes if change.takes_title]
    counts = Counter(change.title for change in taking)
    title_holders = {change.id: "another schedule of this receipt" for change in taking if counts[change.title] > 1}
    free = [change for change in changes if change.id not in title_holders]
    by_title = {change.title: change for change in free if change.takes_title}
    title_holders |= {
        change.id: f"schedule {id_}" for change, id_ in titles_being_taken(free, by_title, actual.schedules)
    }
    archived = {f"schedule {change.id}" for change in changes if change.action is Action.ARCHIVE}
    blocked += [
        _block_for_title(change, title_holders[change.id], archived) for change in changes if change.id in title_holders
    ]
    return _order_renames([change for change in changes if change.id not in title_holders]), blocked


def _block_for_title(change: Change, holder: str, archived: Collection[str]) -> Blocked:
    hint = (
        "run the same undo again: this one archives that schedule last"
        if holder in archived
        else inspect_hint(change.id)
    )
    reason = f"its title was {change.title!r}, which now belongs to {holder}"
    return Blocked(change.name, reason, hint, change.origin, (change.id,) if change.id else ())


def _order_renames(changes: Sequence[Change]) -> list[Change]:
    renames = {change.id or "": change for change in changes if change.action is Action.UPDATE and change.is_rename}
    held = {id_: change.before.title for id_, change in renames.items() if change.before}
    found = topological_layers({id_: change.title for id_, change in renames.items()}, held, renames)
    return [replace(change, wave=found.get(change.id or "", 0)) for change in changes]


def _keys_by_id(pairing: MatchResult) -> Mapping[str, str]:
    return {pair.remote.id: pair.entry.key for pair in pairing.pairs if pair.remote is not None}


def _warnings(
    changes: Sequence[Change], project: Project, pairing: MatchResult, receipt: Receipt, *, allows_gap: bool
) -> Iterator[PlanWarning]:
    """Yield warnings: what the next apply reverts, and that the receipt is incomplete."""
    is_archiving = project.undeclared is UndeclaredPolicy.ARCHIVE
    specs = {pair.entry.key: pair.spec for pair in pairing.pairs}
    count = sum(
        not _survives_next_apply(each, specs[each.key])
        if each.key
        else is_archiving and each.action is Action.UNARCHIVE
        for each in changes
    )
    if count:
        which = "these schedules" if count == len(changes) else f"{count} of these {len(changes)} schedules"
        yield PlanWarning(
            f"the next `halo apply` changes {which} back to what {project.path} declares; to keep the undo, "
            f"revert {project.path} as well"
        )
    if receipt.gap is not None and allows_gap:
        yield PlanWarning(
            f"the end of the receipt is missing: {receipt.gap}; the run may have changed more than it lists"
        )


def _survives_next_apply(change: Change, declared: Spec | None) -> bool:
    """Return whether the next apply keeps a change, such as an undone pause where no layer sets ``enabled``."""
    if declared is None or change.after is None or change.action is not Action.UPDATE:
        return False
    after, wanted = change.after, declared.filled_from(change.after)
    return all(getattr(after, field.field) == getattr(wanted, field.field) for field in change.fields)
