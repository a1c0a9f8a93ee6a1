"""Actions: pairs and policy → what would change (docs/semantics.md#actions)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from halo_iac.diff import Difference
from halo_iac.errors import UsageError
from halo_iac.model.change import (
    Action,
    AgentName,
    Blocked,
    Cause,
    Change,
    Plan,
    PlanWarning,
    Policy,
    UndeclaredSchedule,
)
from halo_iac.model.pairing import Pair, Pairing
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.model.remote import Actual, Host, Opaque, RemoteSchedule
from halo_iac.plan.guards import Overrides, Situation, guard
from halo_iac.plan.monthly import Counted, counted, firing, is_firing, runs_per_month
from halo_iac.plan.verdicts import Verdict, archive, verdicts

_ORDER: Final = (Action.UPDATE, Action.CREATE, Action.UNARCHIVE, Action.ARCHIVE)
"""The order of the document; renames come first among the updates, by wave, as apply carries them out.

See docs/semantics.md#apply-order.
"""


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

    ``targets`` and the creates that ``overrides`` permit are keys of entries (:class:`~halo_iac.errors.UsageError` for
    an unknown one); matching has looked at all entries even so. The result depends on nothing but the arguments, and
    not on their order.
    """
    overrides = overrides or Overrides()
    _check_keys("--target", targets, project)
    _check_keys("--allow-create", sorted(overrides.allow_create), project)
    chosen = frozenset(targets)
    judged = verdicts(project, differences, actual, chosen)
    readable = counted(_active_in_scope(project, pairing, actual), differences)
    situation = _situation(project, pairing, judged, readable, actual, targets=sorted(chosen), overrides=overrides)
    return Plan(
        host=host,
        policy=policy_of(project, pairing),
        targets=situation.targets,
        changes=situation.changes,
        blocked=tuple(entry for entry in situation.blocked if not chosen or entry.key in chosen),
        undeclared=_left_alone(situation),
        warnings=_warnings(project, pairing, actual, chosen),
        refusals=guard(situation),
        unchanged=judged.count(None),
        runs_per_month=runs_per_month(readable, situation.changes),
        agents=agent_names(situation.changes, actual),
    )


def _check_keys(option: str, keys: Iterable[str], project: Project) -> None:
    known = {entry.key for entry in project.entries}
    for key in keys:
        if key not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

            near = get_close_matches(key, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "a key under `schedules:` is wanted"
            raise UsageError(f"{option} {key}: the project declares no such entry", hint=hint)


def _situation(
    project: Project,
    pairing: Pairing,
    judged: Sequence[Verdict],
    readable: Counted,
    actual: Actual,
    *,
    targets: Sequence[str],
    overrides: Overrides,
) -> Situation:
    """Return what is decided: by the verdicts, and by the policy for what no file declares."""
    blocked = _all_blocked(pairing.blocked, judged)
    undeclared = _undeclared(project, pairing)
    archives = _archives(project, undeclared)
    # An undeclared schedule may be the very one that a blocked entry is about.
    planned, withheld = ((), archives) if blocked else (archives, ())
    changes = tuple(sorted((*(verdict for verdict in judged if isinstance(verdict, Change)), *planned), key=place))
    return Situation(
        changes=changes,
        blocked=blocked,
        withheld=withheld,
        undeclared=undeclared,
        firing=firing(readable) if changes else frozenset(),
        traced=traced(actual),
        declared=len(project.entries),
        targets=tuple(targets),
        protect=project.protect,
        gap=actual.gap,
        overrides=overrides,
    )


# What is decided ----------------------------------------------------------------------------------------------------


def _all_blocked(blocked: Iterable[Blocked], judged: Iterable[Verdict]) -> tuple[Blocked, ...]:
    own = (verdict for verdict in judged if isinstance(verdict, Blocked))
    return tuple(sorted(chain(blocked, own), key=lambda entry: entry.key))


def place(change: Change) -> tuple[bool, int, int, str, str]:
    """Return what orders the changes of a plan."""
    is_plain = not (change.is_rename and change.action is Action.UPDATE)
    return (is_plain, change.wave, _ORDER.index(change.action), change.key or "\U0010ffff", change.id or "")


def _active_in_scope(project: Project, pairing: Pairing, actual: Actual) -> Iterator[RemoteSchedule]:
    policy = policy_of(project, pairing)
    return (each for each in actual.schedules if each.is_active and policy.covers(each.agent_id, each.title))


def _undeclared(project: Project, pairing: Pairing) -> tuple[RemoteSchedule, ...]:
    policy = policy_of(project, pairing)
    in_scope = (remote for remote in pairing.unclaimed if policy.covers(remote.agent_id, remote.title))
    return tuple(sorted(in_scope, key=lambda remote: (remote.title, remote.id)))


def _archives(project: Project, undeclared: Iterable[RemoteSchedule]) -> tuple[Change, ...]:
    if project.undeclared is not UndeclaredPolicy.ARCHIVE or project.unread:
        return ()
    planned = (archive(remote, Cause.UNDECLARED) for remote in undeclared)
    return tuple(change for change in planned if change is not None)


# What else a reviewer should know -----------------------------------------------------------------------------------


def _left_alone(situation: Situation) -> tuple[UndeclaredSchedule, ...]:
    archived = {change.id for change in situation.undeclared_archives}
    return tuple(_shown(remote) for remote in situation.undeclared if remote.id not in archived)


def _shown(remote: RemoteSchedule) -> UndeclaredSchedule:
    spec = remote.spec()
    note = spec.reason if isinstance(spec, Opaque) else None
    return UndeclaredSchedule(remote.id, remote.title, is_firing(remote), note)


def policy_of(project: Project, pairing: Pairing) -> Policy:
    """Return the rules of a project whose scope has been resolved."""
    return Policy(project.undeclared, pairing.scope_agents, project.scope.title_prefix, project.protect)


def _warnings(project: Project, pairing: Pairing, actual: Actual, chosen: Collection[str]) -> tuple[PlanWarning, ...]:
    concerned = (
        warning
        for warning in chain(pairing.warnings, map(_pause_warning, pairing.pairs))
        if warning is not None and (not chosen or warning.key in chosen)
    )
    gap = (PlanWarning(f"the list of schedules is not whole: {actual.gap}"),) if actual.gap else ()
    return (
        *gap,
        *_unread_warnings(project),
        *sorted(concerned, key=lambda warning: (warning.key or "", warning.message)),
    )


def _unread_warnings(project: Project) -> Iterator[PlanWarning]:
    """Say what a sparse checkout leaves out: a schedule that it declares looks undeclared."""
    if project.unread:
        first, *others = project.unread
        files = f"{first} and {len(others):,} more files" if others else first
        left = ", so nothing undeclared is archived" if project.undeclared is UndeclaredPolicy.ARCHIVE else ""
        yield PlanWarning(f"what {files} declares is not known, as the sparse checkout leaves it out{left}")


def _pause_warning(pair: Pair) -> PlanWarning | None:
    remote = pair.remote
    if remote is None or not (remote.is_active and remote.is_paused_by_platform):
        return None
    if pair.spec is None or pair.spec.agent != remote.agent_id:
        return None
    message = f"the platform has paused schedule {remote.id} ({remote.pause_reason}); `enabled` is not compared"
    return PlanWarning(message, pair.entry.key)


def traced(actual: Actual) -> frozenset[str]:
    """Return the ids of the agents that traces name, in lower case."""
    return frozenset(agent.id.lower() for agent in actual.agents)


def agent_names(changes: Iterable[Change], actual: Actual) -> tuple[AgentName, ...]:
    """Return the names of the agents that changes set or replace; a reviewer knows those, not the ids."""
    fields = (field for change in changes for field in change.fields if field.field == "agent")
    concerned = {id_ for field in fields for id_ in (field.before, field.after)}
    named = (agent for agent in actual.agents if agent.id in concerned and agent.identity is not None)
    return tuple(sorted((AgentName(agent.id, agent.identity or "") for agent in named), key=lambda each: each.id))
