"""Pause and resume: plans to stop the selected schedules, or to let them fire again.

The declared values do not affect the plan, except that a resume skips schedules that the file disables. The plan says
what the next apply will do (docs/semantics.md#pause-and-resume).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from halo_iac.errors import HaloError
from halo_iac.hints import Command, Hint
from halo_iac.model.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    FieldChange,
    GuardViolation,
    Match,
    MatchResult,
    Plan,
    PlanWarning,
    Policy,
)
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState, PlatformTarget, RemoteSchedule, UnreadableSchedule
from halo_iac.plan.guards import GuardInput, protected_titles
from halo_iac.plan.run_rate import firing_schedules, schedules_with_known_rate, total_runs_per_month
from halo_iac.resolve import Catalog, Unresolved, scope_agents
from halo_iac.text import counted, list_first

_MAX_LISTED: Final = 10
"""How many names a sentence lists."""


class Selection(NamedTuple):
    """The selected schedules: by entry or id, by agent, or all in scope."""

    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Return whether schedules are selected by name, rather than by agent or scope."""
        return bool(self.keys or self.ids)


class PauseRequest(NamedTuple):
    """The request of the command line; ``cause`` is to pause or to resume."""

    cause: Cause
    selection: Selection
    includes_protected: bool = False
    writes: bool = False
    """Also edit the files to match."""


class PausePlan(NamedTuple):
    """The plan, a sentence on what the next apply will do, and the keys of the affected entries.

    ``outlook`` is empty if there is nothing to add. ``keys`` includes entries that are already in the wanted state.
    """

    plan: Plan
    outlook: str
    keys: tuple[str, ...]


def plan_pausing(
    request: PauseRequest, project: Project, pairing: MatchResult, actual: PlatformState, host: PlatformTarget
) -> PausePlan:
    """Return the plan that pauses or resumes the selected schedules.

    ``pairing`` is the project's, unresolved: a schedule can be paused even if its agent is gone. Raises
    :class:`~halo_iac.errors.HaloError` if an agent does not resolve or has no schedule, and
    :class:`~halo_iac.errors.ProjectError` if the scope does not resolve.
    """
    policy = Policy(project.undeclared, scope_agents(project, actual), project.scope.title_prefix, project.protect)
    active = [each for each in actual.schedules if each.is_active and policy.covers(each.agent_id, each.title)]
    decider = _Decider(request, pairing, policy)
    if request.selection.is_named:
        decisions = [*_decide_named(request.selection, pairing, actual, decider)]
    else:
        decisions = [
            decider.decide(each) for each in _active_of_agents(request.selection.agents, project, actual, active)
        ]
        decisions += _blocked_by_gap(request, actual)
    changes = tuple(sorted((each for each in decisions if isinstance(each, Change)), key=lambda change: change.name))
    readable = schedules_with_known_rate(active, ())
    plan = Plan(
        host=host,
        policy=policy,
        targets=(),
        changes=changes,
        blocked=tuple(sorted((each for each in decisions if isinstance(each, Blocked)), key=lambda each: each.key)),
        undeclared=(),
        warnings=tuple(_warnings(request, decisions, actual)) + tuple(decider.reverted_by_apply(changes)),
        refusals=(),
        unchanged=sum(isinstance(each, _Skipped) and each.is_settled for each in decisions),
        runs_per_month=total_runs_per_month(readable, changes),
        file=project.path if project.origins else "",
    )
    refusals = (*_refusals(request, plan), *_protected(request, plan, firing_schedules(readable)))
    settled = [each.name for each in decisions if isinstance(each, _Skipped) and each.is_settled]
    declared = {pair.entry.key for pair in pairing.pairs}
    keys = tuple(sorted(declared.intersection([*settled, *(change.name for change in changes)])))
    return PausePlan(replace(plan, refusals=refusals), decider.outlook(changes), keys)


class _Skipped(NamedTuple):
    """A schedule that is left unchanged, and why; ``is_settled`` if it is in the wanted state already."""

    name: str
    reason: str
    is_settled: bool = False


_Decision = Change | Blocked | _Skipped


class _Decider:
    """Decides what to do with each schedule."""

    def __init__(self, request: PauseRequest, pairing: MatchResult, policy: Policy) -> None:
        self._resumes = request.cause is Cause.RESUMED
        self._cause = request.cause
        self._writes = request.writes
        self._policy = policy
        self._pairs = {pair.remote.id: pair for pair in pairing.pairs if pair.remote is not None}

    def decide(self, remote: RemoteSchedule) -> _Decision:
        """Return the change of a schedule, why it is blocked, or why it is skipped."""
        pair = self._pairs.get(remote.id)
        name, spec = pair.entry.key if pair else remote.id, remote.spec()
        if not self._policy.covers(remote.agent_id, remote.title):
            hint = "widen `scope:`, or use a project file whose scope includes it"
            reason = f"schedule {remote.id} is outside the project's scope"
            return Blocked(name, reason, hint, _entry_origin(pair), (remote.id,))
        if not remote.is_active:
            return self._decide_archived(name, pair, remote)
        if isinstance(spec, UnreadableSchedule):
            reason = f"schedule {remote.id} is not changed: {spec.reason}"
            hint = Hint("inspect it with `{}`", Command("schedule", "get", remote.id))
            return Blocked(name, reason, hint, _entry_origin(pair), (remote.id,))
        if spec.enabled is self._resumes:
            return self._decide_settled(name, pair, remote)
        is_disabled = pair is not None and pair.spec is not None and pair.spec.enabled is False
        if self._resumes and pair is not None and is_disabled and not self._writes:
            where = pair.entry.origins.of("enabled")
            return _Skipped(name, f"it is skipped, because {where} says `enabled: false`")
        return Change(
            action=Action.UPDATE,
            cause=self._cause,
            key=pair.entry.key if pair else None,
            id=remote.id,
            title=remote.title,
            fields=(FieldChange("enabled", spec.enabled, self._resumes, self._cause),),
            before=spec,
            after=replace(spec, enabled=self._resumes),
            origin=_entry_origin(pair),
        )

    def _decide_archived(self, name: str, pair: Match | None, remote: RemoteSchedule) -> _Decision:
        if not self._resumes:
            return _Skipped(name, "it is archived, so it does not fire")
        hint: str = Hint("declare it with `state: active`, then run `{}`", Command("apply"))
        return Blocked(name, f"schedule {remote.id} is archived", hint, _entry_origin(pair), (remote.id,))

    def _decide_settled(self, name: str, pair: Match | None, remote: RemoteSchedule) -> _Decision:
        if self._resumes and remote.is_paused_by_platform:
            reason = f"the platform has paused schedule {remote.id} ({remote.pause_reason}), although it is enabled"
            return Blocked(name, reason, "give it another `agent:`", _entry_origin(pair), (remote.id,))
        return _Skipped(name, "it is active already" if self._resumes else "it is paused already", is_settled=True)

    def outlook(self, changes: Sequence[Change]) -> str:
        """Return which schedules the next apply leaves in their new state, and which no file declares."""
        kept = [change.name for change in changes if change.key is not None and self._reverting_line(change) is None]
        undeclared = [repr(change.title) for change in changes if change.key is None]
        state = "active" if self._resumes else "paused"
        parts = [
            *([f"the next `halo apply` leaves {list_first(kept, len(kept), _MAX_LISTED)} {state}"] if kept else ()),
            *([f"no file declares {list_first(undeclared, len(undeclared), _MAX_LISTED)}"] if undeclared else ()),
        ]
        return "; ".join(parts)

    def reverted_by_apply(self, changes: Iterable[Change]) -> Iterator[PlanWarning]:
        """Yield a warning for each line of a file that makes the next apply revert changes."""
        found: dict[tuple[str, str], list[str]] = {}
        for change in changes:
            cause = self._reverting_line(change)
            if cause is not None:
                found.setdefault(cause, []).append(change.name)
        for (reason, remedy), names in found.items():
            yield PlanWarning(f"{reason} {list_first(names, len(names), _MAX_LISTED)}{remedy}")

    def _reverting_line(self, change: Change) -> tuple[str, str] | None:
        """Return the line that makes the next apply revert a change, and how to prevent that; ``None`` if none does."""
        pair = self._pairs.get(change.id or "")
        if pair is None or (pair.spec is not None and pair.spec.enabled in {None, self._resumes}):
            return None
        if pair.spec is not None and self._writes:
            return None
        if pair.spec is None:
            return f"{pair.entry.origins.entry} says `state: archived`, so the next `halo apply` archives", ""
        verb, value = ("pauses", "false") if self._resumes else ("resumes", "true")
        reason = f"{pair.entry.origins.of('enabled')} says `enabled: {value}`, so the next `halo apply` {verb}"
        return reason, "; to prevent that, pass --write or edit the file"


def _decide_named(
    selection: Selection, pairing: MatchResult, actual: PlatformState, decider: _Decider
) -> Iterator[_Decision]:
    """Yield the decision on each named schedule, once; one that does not exist is blocked."""
    pairs = {pair.entry.key: pair for pair in pairing.pairs}
    blocked = {each.key: each for each in pairing.blocked}
    held = {remote.id: remote for remote in actual.schedules}
    found: dict[str, RemoteSchedule] = {}
    for key in selection.keys:
        pair = pairs.get(key)
        if pair is None:
            yield blocked[key]
        elif pair.remote is None:
            hint = Hint("run `{}` to create it", Command("apply"))
            yield Blocked(key, "it is declared, but not on the platform yet", hint, _entry_origin(pair))
        else:
            found[pair.remote.id] = pair.remote
    for id_ in selection.ids:
        if id_ in held:
            found[id_] = held[id_]
        else:
            yield Blocked(id_, "the project holds no schedule with this id", "check the id, the project and the key")
    yield from map(decider.decide, found.values())


def _active_of_agents(
    agents: Sequence[str], project: Project, actual: PlatformState, active: Sequence[RemoteSchedule]
) -> Sequence[RemoteSchedule]:
    """Return the active schedules in scope that belong to agents; all of them if none is named."""
    if not agents:
        return active
    catalog = Catalog(project, actual)
    in_use, found = {remote.agent_id for remote in active}, set[str | None]()
    for reference in agents:
        agent = catalog.find(reference)
        if isinstance(agent, Unresolved):
            raise HaloError(f"--agent {reference}: {agent.reason}; nothing was changed", hint=agent.hint)
        if agent not in in_use:
            message = f"--agent {reference}: no active schedule in scope belongs to agent {agent}; nothing was changed"
            raise HaloError(message, hint="check the name and the project")
        found.add(agent)
    return [remote for remote in active if remote.agent_id in found]


def _blocked_by_gap(request: PauseRequest, actual: PlatformState) -> Iterator[Blocked]:
    if actual.gap is not None:
        reason = f"the list of schedules is incomplete: {actual.gap}; other schedules are not changed"
        yield Blocked("--agent" if request.selection.agents else "--all", reason, "run again")


def _warnings(request: PauseRequest, decisions: Iterable[_Decision], actual: PlatformState) -> Iterator[PlanWarning]:
    if actual.gap is not None and request.selection.is_named:
        yield PlanWarning(f"the list of schedules is incomplete: {actual.gap}")
    for each in sorted(each for each in decisions if isinstance(each, _Skipped)):
        if request.selection.is_named or not each.is_settled:  # with --all, these are only counted
            yield PlanWarning(each.reason, each.name)


def _refusals(request: PauseRequest, plan: Plan) -> Iterator[GuardViolation]:
    """Refuse the whole plan if a named schedule is missing or blocked: most likely another one was meant."""
    if request.selection.is_named and plan.blocked:
        names = tuple(entry.key for entry in plan.blocked)
        message = f"{counted(len(names), 'schedule')} of those named cannot be {_PAST[request.cause]}"
        yield GuardViolation("named", message, "leave them out, or correct their names", names)


def _protected(request: PauseRequest, plan: Plan, firing_ids: Collection[str]) -> Iterator[GuardViolation]:
    if request.includes_protected:
        return
    situation = GuardInput(plan.changes, firing=firing_ids, protect=plan.policy.protect)
    for refusal in protected_titles(situation):
        yield replace(refusal, override="--include-protected")


_PAST: Final[Mapping[Cause, str]] = {Cause.PAUSED: "paused", Cause.RESUMED: "resumed"}


def _entry_origin(pair: Match | None) -> str:
    return "" if pair is None else str(pair.entry.origins.entry)
