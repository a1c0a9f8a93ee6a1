"""Actions: pairs and policy → what would change (design §3, §5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Final

from halo_iac.diff import Difference
from halo_iac.errors import UsageError
from halo_iac.fires import runs_of
from halo_iac.model.change import (
    Action,
    AgentName,
    Blocked,
    Cause,
    Change,
    Plan,
    PlanWarning,
    Policy,
    Runs,
    UndeclaredSchedule,
)
from halo_iac.model.pairing import Pair, Pairing
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.model.remote import Actual, Host, Opaque, RemoteSchedule
from halo_iac.model.schedule import Spec
from halo_iac.plan.guards import Overrides, Situation, guard
from halo_iac.plan.titles import held_titles

_ORDER: Final = (Action.UPDATE, Action.CREATE, Action.UNARCHIVE, Action.ARCHIVE)
"""The order of the document; renames come first among the updates, by wave, as apply carries them out (design §6)."""


def plan(
    project: Project,
    pairing: Pairing,
    differences: Sequence[Difference],
    actual: Actual,
    host: Host,
    *,
    targets: Sequence[str] = (),
    overrides: Overrides | None = None,
) -> Plan:
    """Return what ``apply`` would do, what it would refuse, and what else a reviewer should know.

    ``targets`` are keys of entries (:class:`~halo_iac.errors.UsageError` for an unknown one); matching has looked at
    all entries even so. The result depends on nothing but the arguments, and not on their order.
    """
    _check_targets(project, targets)
    chosen = frozenset(targets)
    verdicts = _verdicts(project, differences, actual, chosen)
    blocked = _all_blocked(pairing.blocked, verdicts)
    undeclared = _undeclared(project, pairing)
    wanted = _archives(project, undeclared)
    archives = () if blocked else wanted  # an undeclared schedule may be the very one a blocked entry is about
    changes = tuple(sorted((*(verdict for verdict in verdicts if isinstance(verdict, Change)), *archives), key=_place))
    active = [remote for remote in actual.schedules if remote.is_active and _is_in_scope(remote, project, pairing)]
    readable = _readable(active, differences)
    situation = Situation(
        changes=changes,
        blocked=blocked,
        withheld=wanted if blocked else (),
        undeclared=undeclared,
        active_in_scope=len(readable),
        declared=len(project.entries),
        targets=tuple(sorted(chosen)),
        protect=project.protect,
        gap=actual.gap,
        overrides=overrides or Overrides(),
    )
    return Plan(
        host=host,
        policy=_policy(project, pairing),
        targets=situation.targets,
        changes=changes,
        blocked=tuple(entry for entry in blocked if not chosen or entry.key in chosen),
        undeclared=_left_alone(undeclared, archives),
        warnings=tuple(_warnings(pairing, actual, chosen)),
        refusals=guard(situation),
        unchanged=sum(verdict is None for verdict in verdicts),
        runs_per_month=_runs(readable, changes),
        agents=_agent_names(changes, actual),
    )


def _check_targets(project: Project, targets: Iterable[str]) -> None:
    known = {entry.key for entry in project.entries}
    for target in targets:
        if target not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

            near = get_close_matches(target, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "a target is a key under `schedules:`"
            raise UsageError(f"--target {target}: the project declares no such entry", hint=hint)


def _verdicts(
    project: Project, differences: Iterable[Difference], actual: Actual, chosen: Collection[str]
) -> list[Change | Blocked | None]:
    """Judge each pair by itself, then by whether the title it takes will be free."""
    verdicts = [_judge(each) for each in differences if not chosen or each.pair.entry.key in chosen]
    changes = [verdict for verdict in verdicts if isinstance(verdict, Change)]
    if not any(change.takes_title for change in changes):
        return verdicts
    held = held_titles(changes, {entry.key: entry for entry in project.entries}, actual.schedules)
    return [held.get(verdict.name, verdict) if isinstance(verdict, Change) else verdict for verdict in verdicts]


# One pair -----------------------------------------------------------------------------------------------------------


def _judge(difference: Difference) -> Change | Blocked | None:
    """Return the change a pair needs, why none can be planned, or ``None`` where it is as declared."""
    pair, after, fields = difference.pair, difference.after, difference.fields
    remote = pair.remote
    if after is None:
        return _retire(pair)
    if difference.opaque is not None:
        return _unreadable(pair, difference.opaque)
    if remote is None:
        return Change(Action.CREATE, Cause.DECLARED, pair.entry.key, None, after.title, fields, None, after)
    if remote.is_active and not fields:
        return None
    before = remote.spec()
    if isinstance(before, Opaque):
        return _unreadable(pair, before)
    action = Action.UPDATE if remote.is_active else Action.UNARCHIVE
    return Change(action, Cause.DECLARED, pair.entry.key, remote.id, after.title, fields, before, after, pair.wave)


def _retire(pair: Pair) -> Change | Blocked | None:
    remote = pair.remote
    if remote is None or not remote.is_active:
        return None
    return _archive(remote, Cause.RETIRED, pair.entry.key) or _unreadable(pair, remote.spec())


def _archive(remote: RemoteSchedule, cause: Cause, key: str | None = None) -> Change | None:
    """Return the archive of a schedule; ``None`` for one that cannot be read, which is never archived (design §10)."""
    spec = remote.spec()
    if isinstance(spec, Opaque):
        return None
    return Change(Action.ARCHIVE, cause, key, remote.id, remote.title, before=spec)


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


# All pairs ----------------------------------------------------------------------------------------------------------


def _all_blocked(blocked: Iterable[Blocked], verdicts: Iterable[object]) -> tuple[Blocked, ...]:
    own = (verdict for verdict in verdicts if isinstance(verdict, Blocked))
    return tuple(sorted(chain(blocked, own), key=lambda entry: entry.key))


def _place(change: Change) -> tuple[bool, int, int, str, str]:
    is_plain = not (change.is_rename and change.action is Action.UPDATE)
    return (is_plain, change.wave, _ORDER.index(change.action), change.key or "\U0010ffff", change.id or "")


def _is_in_scope(remote: RemoteSchedule, project: Project, pairing: Pairing) -> bool:
    agents, prefix = pairing.scope_agents, project.scope.title_prefix
    return (agents is None or remote.agent_id in agents) and (prefix is None or remote.title.startswith(prefix))


def _undeclared(project: Project, pairing: Pairing) -> tuple[RemoteSchedule, ...]:
    in_scope = (remote for remote in pairing.unclaimed if _is_in_scope(remote, project, pairing))
    return tuple(sorted(in_scope, key=lambda remote: (remote.title, remote.id)))


def _archives(project: Project, undeclared: Iterable[RemoteSchedule]) -> tuple[Change, ...]:
    if project.undeclared is not UndeclaredPolicy.ARCHIVE:
        return ()
    planned = (_archive(remote, Cause.UNDECLARED) for remote in undeclared)
    return tuple(change for change in planned if change is not None)


def _left_alone(undeclared: Iterable[RemoteSchedule], archives: Iterable[Change]) -> tuple[UndeclaredSchedule, ...]:
    archived = {change.id for change in archives}
    return tuple(_shown(remote) for remote in undeclared if remote.id not in archived)


def _shown(remote: RemoteSchedule) -> UndeclaredSchedule:
    spec = remote.spec()
    note = spec.reason if isinstance(spec, Opaque) else None
    return UndeclaredSchedule(remote.id, remote.title, _is_firing(remote), note)


def _policy(project: Project, pairing: Pairing) -> Policy:
    return Policy(project.undeclared, pairing.scope_agents, project.scope.title_prefix, project.protect)


def _warnings(pairing: Pairing, actual: Actual, chosen: Collection[str]) -> tuple[PlanWarning, ...]:
    concerned = (
        warning
        for warning in chain(pairing.warnings, map(_pause_warning, pairing.pairs))
        if warning is not None and (not chosen or warning.key in chosen)
    )
    gap = (PlanWarning(f"the list of schedules is not whole: {actual.gap}"),) if actual.gap else ()
    return (*gap, *sorted(concerned, key=lambda warning: (warning.key or "", warning.message)))


def _pause_warning(pair: Pair) -> PlanWarning | None:
    remote = pair.remote
    if remote is None or not (remote.is_active and remote.is_paused_by_platform):
        return None
    if pair.spec is None or pair.spec.agent != remote.agent_id:
        return None
    message = f"the platform has paused schedule {remote.id} ({remote.pause_reason}); `enabled` is not compared"
    return PlanWarning(message, pair.entry.key)


def _agent_names(changes: Iterable[Change], actual: Actual) -> tuple[AgentName, ...]:
    """Return the names of the agents that changes set or replace; a reviewer knows those, not the ids."""
    fields = (field for change in changes for field in change.fields if field.field == "agent")
    concerned = {id_ for field in fields for id_ in (field.before, field.after)}
    named = (agent for agent in actual.agents if agent.id in concerned and agent.identity is not None)
    return tuple(sorted((AgentName(agent.id, agent.identity or "") for agent in named), key=lambda each: each.id))


# Runs a month -------------------------------------------------------------------------------------------------------


def _readable(
    active: Iterable[RemoteSchedule], differences: Iterable[Difference]
) -> Sequence[tuple[RemoteSchedule, Spec]]:
    """Return what counts; a schedule found to be as declared is not read again, which is nearly all of them."""
    as_declared = {
        each.pair.remote.id: each.after
        for each in differences
        if each.pair.remote is not None and not each.fields and each.opaque is None
    }
    specs = ((remote, as_declared.get(remote.id) or remote.spec()) for remote in active)
    return [(remote, spec) for remote, spec in specs if isinstance(spec, Spec)]


def _runs(readable: Iterable[tuple[RemoteSchedule, Spec]], changes: Iterable[Change]) -> Runs:
    """Count what fires now and then; one that the platform has paused fires in neither case, as far as we know."""
    before = runs_of(spec for remote, spec in readable if _is_firing(remote))
    paused = {remote.id for remote, _ in readable if remote.is_paused_by_platform}
    counted = [change for change in changes if change.id not in paused]
    lost = runs_of(each.before for each in counted if each.before and each.action is not Action.UNARCHIVE)
    gained = runs_of(each.after.over(each.before) if each.before else each.after for each in counted if each.after)
    return Runs(round(float(before), 2), round(float(before - lost + gained), 2))


def _is_firing(remote: RemoteSchedule) -> bool:
    return remote.wire.get("enabled") is not False and not remote.is_paused_by_platform
