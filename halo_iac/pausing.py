"""Pause and resume: schedules that are named, or all in scope → the plan that stops them, or lets them fire again.

Neither looks at what a file declares to decide what to do; the exception is that a resume skips what the file disables.
What the next apply makes of it is told (docs/semantics.md#pause-and-resume).
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
from halo_iac.plan.guards import GuardInput, Overrides, protected_titles
from halo_iac.plan.run_rate import firing, schedules_with_known_rate, total_runs_per_month
from halo_iac.resolve import Catalog, Unresolved, scope_agents
from halo_iac.text import counted, first_of

_LISTED: Final = 10
"""How many names a sentence lists."""


class Selection(NamedTuple):
    """Which schedules: those of entries or with ids, those of agents, or all in scope."""

    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Return whether each schedule is named; else it is all in scope, or all of some agents."""
        return bool(self.keys or self.ids)


class PauseRequest(NamedTuple):
    """What the command line asks for; ``cause`` says whether to pause or to resume."""

    cause: Cause
    selection: Selection
    includes_protected: bool = False
    writes: bool = False
    """The files are to say the same afterwards."""


class PausePlan(NamedTuple):
    """The plan, what the next apply makes of it in one sentence, and the keys of the entries that it is about.

    ``outlook`` is empty where there is nothing to say. ``keys`` has those that are paused or active already as well.
    """

    plan: Plan
    outlook: str
    keys: tuple[str, ...]


def plan_pausing(
    request: PauseRequest, project: Project, pairing: MatchResult, actual: PlatformState, host: PlatformTarget
) -> PausePlan:
    """Return what pauses or resumes the selected schedules.

    ``pairing`` is that of the project, not resolved: an agent that is gone is no reason not to pause its schedules.
    Raises :class:`~halo_iac.errors.HaloError` where an agent does not resolve or has no schedule, and
    :class:`~halo_iac.errors.ProjectError` where the scope does not resolve.
    """
    policy = Policy(project.undeclared, scope_agents(project, actual), project.scope.title_prefix, project.protect)
    active = [each for each in actual.schedules if each.is_active and policy.covers(each.agent_id, each.title)]
    judge = _Judge(request, pairing, policy)
    if request.selection.is_named:
        verdicts = [*_of_named(request.selection, pairing, actual, judge)]
    else:
        verdicts = [judge.verdict(each) for each in _of_agents(request.selection.agents, project, actual, active)]
        verdicts += _of_gap(request, actual)
    changes = tuple(sorted((each for each in verdicts if isinstance(each, Change)), key=lambda change: change.name))
    readable = schedules_with_known_rate(active, ())
    plan = Plan(
        host=host,
        policy=policy,
        targets=(),
        changes=changes,
        blocked=tuple(sorted((each for each in verdicts if isinstance(each, Blocked)), key=lambda each: each.key)),
        undeclared=(),
        warnings=tuple(_warnings(request, verdicts, actual)) + tuple(judge.taken_back(changes)),
        refusals=(),
        unchanged=sum(isinstance(each, _Skipped) and each.is_settled for each in verdicts),
        runs_per_month=total_runs_per_month(readable, changes),
        file=project.path if project.origins else "",
    )
    refusals = (*_refusals(request, plan), *_protected(request, plan, firing(readable)))
    settled = [each.name for each in verdicts if isinstance(each, _Skipped) and each.is_settled]
    declared = {pair.entry.key for pair in pairing.pairs}
    keys = tuple(sorted(declared.intersection([*settled, *(change.name for change in changes)])))
    return PausePlan(replace(plan, refusals=refusals), judge.outlook(changes), keys)


class _Skipped(NamedTuple):
    """A schedule that nothing is done to, and why; ``is_settled`` where it is paused, or active, already."""

    name: str
    why: str
    is_settled: bool = False


_Verdict = Change | Blocked | _Skipped


class _Judge:
    """Judges one schedule after the other."""

    def __init__(self, request: PauseRequest, pairing: MatchResult, policy: Policy) -> None:
        self._resumes = request.cause is Cause.RESUMED
        self._cause = request.cause
        self._writes = request.writes
        self._policy = policy
        self._pairs = {pair.remote.id: pair for pair in pairing.pairs if pair.remote is not None}

    def verdict(self, remote: RemoteSchedule) -> _Verdict:
        """Return what pauses or resumes a schedule, what is in the way, or why there is nothing to do."""
        pair = self._pairs.get(remote.id)
        name, spec = pair.entry.key if pair else remote.id, remote.spec()
        if not self._policy.covers(remote.agent_id, remote.title):
            hint = "widen `scope:`, or use a project file whose scope includes it"
            return Blocked(
                name, f"schedule {remote.id} is outside the project's scope", hint, _place(pair), (remote.id,)
            )
        if not remote.is_active:
            return self._of_archived(name, pair, remote)
        if isinstance(spec, UnreadableSchedule):
            reason = f"schedule {remote.id} is not changed: {spec.reason}"
            hint = Hint("inspect it with `{}`", Command("schedule", "get", remote.id))
            return Blocked(name, reason, hint, _place(pair), (remote.id,))
        if spec.enabled is self._resumes:
            return self._of_settled(name, pair, remote)
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
            origin=_place(pair),
        )

    def _of_archived(self, name: str, pair: Match | None, remote: RemoteSchedule) -> _Verdict:
        if not self._resumes:
            return _Skipped(name, "it is archived, so it does not fire")
        hint: str = Hint("declare it with `state: active`, then run `{}`", Command("apply"))
        return Blocked(name, f"schedule {remote.id} is archived", hint, _place(pair), (remote.id,))

    def _of_settled(self, name: str, pair: Match | None, remote: RemoteSchedule) -> _Verdict:
        if self._resumes and remote.is_paused_by_platform:
            reason = f"the platform has paused schedule {remote.id} ({remote.pause_reason}), although it is enabled"
            return Blocked(name, reason, "give it another `agent:`", _place(pair), (remote.id,))
        return _Skipped(name, "it is active already" if self._resumes else "it is paused already", is_settled=True)

    def outlook(self, changes: Sequence[Change]) -> str:
        """Return which schedules the next apply leaves as they are to be now, and which no file declares."""
        kept = [change.name for change in changes if change.key is not None and self._taken_back(change) is None]
        undeclared = [repr(change.title) for change in changes if change.key is None]
        state = "active" if self._resumes else "paused"
        parts = [
            *([f"the next `halo apply` leaves {first_of(kept, len(kept), _LISTED)} {state}"] if kept else ()),
            *([f"no file declares {first_of(undeclared, len(undeclared), _LISTED)}"] if undeclared else ()),
        ]
        return "; ".join(parts)

    def taken_back(self, changes: Iterable[Change]) -> Iterator[PlanWarning]:
        """Yield what the next apply takes back, once for each line of a file that says so."""
        found: dict[tuple[str, str], list[str]] = {}
        for change in changes:
            cause = self._taken_back(change)
            if cause is not None:
                found.setdefault(cause, []).append(change.name)
        for (why, remedy), names in found.items():
            yield PlanWarning(f"{why} {first_of(names, len(names), _LISTED)}{remedy}")

    def _taken_back(self, change: Change) -> tuple[str, str] | None:
        """Return which line of a file makes the next apply do what, and what prevents it, if one does."""
        pair = self._pairs.get(change.id or "")
        if pair is None or (pair.spec is not None and pair.spec.enabled in {None, self._resumes}):
            return None
        if pair.spec is not None and self._writes:
            return None
        if pair.spec is None:
            return f"{pair.entry.origins.entry} says `state: archived`, so the next `halo apply` archives", ""
        deed, value = ("pauses", "false") if self._resumes else ("resumes", "true")
        why = f"{pair.entry.origins.of('enabled')} says `enabled: {value}`, so the next `halo apply` {deed}"
        return why, "; to prevent that, pass --write or edit the file"


def _of_named(selection: Selection, pairing: MatchResult, actual: PlatformState, judge: _Judge) -> Iterator[_Verdict]:
    """Yield the verdict on each schedule that is named, once; one that is not there is blocked."""
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
            yield Blocked(key, "it is declared, but not on the platform yet", hint, _place(pair))
        else:
            found[pair.remote.id] = pair.remote
    for id_ in selection.ids:
        if id_ in held:
            found[id_] = held[id_]
        else:
            yield Blocked(id_, "the project holds no schedule with this id", "check the id, the project and the key")
    yield from map(judge.verdict, found.values())


def _of_agents(
    agents: Sequence[str], project: Project, actual: PlatformState, active: Sequence[RemoteSchedule]
) -> Sequence[RemoteSchedule]:
    """Return the active schedules in scope that belong to agents; all of them where none is named."""
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


def _of_gap(request: PauseRequest, actual: PlatformState) -> Iterator[Blocked]:
    if actual.gap is not None:
        name = "--agent" if request.selection.agents else "--all"
        yield Blocked(
            name,
            f"the list of schedules is incomplete: {actual.gap}; other schedules are not changed",
            "run again",
        )


def _warnings(request: PauseRequest, verdicts: Iterable[_Verdict], actual: PlatformState) -> Iterator[PlanWarning]:
    if actual.gap is not None and request.selection.is_named:
        yield PlanWarning(f"the list of schedules is incomplete: {actual.gap}")
    for each in sorted(each for each in verdicts if isinstance(each, _Skipped)):
        if request.selection.is_named or not each.is_settled:  # of all in scope, those are only counted
            yield PlanWarning(each.why, each.name)


def _refusals(request: PauseRequest, plan: Plan) -> Iterator[GuardViolation]:
    """Refuse the whole where one that is named cannot be found or changed: most likely another was meant."""
    if request.selection.is_named and plan.blocked:
        names = tuple(entry.key for entry in plan.blocked)
        message = f"{counted(len(names), 'schedule')} of those named cannot be {_PAST[request.cause]}"
        yield GuardViolation("named", message, "leave them out, or correct their names", names)


def _protected(request: PauseRequest, plan: Plan, firing_ids: Collection[str]) -> Iterator[GuardViolation]:
    if request.includes_protected:
        return
    situation = GuardInput(
        changes=plan.changes,
        blocked=(),
        withheld=(),
        undeclared=(),
        firing=firing_ids,
        traced=(),
        declared=0,
        targets=(),
        protect=plan.policy.protect,
        gap=None,
        overrides=Overrides(),
    )
    for refusal in protected_titles(situation):
        yield replace(refusal, override="--include-protected")


_PAST: Final[Mapping[Cause, str]] = {Cause.PAUSED: "paused", Cause.RESUMED: "resumed"}


def _place(pair: Match | None) -> str:
    return "" if pair is None else str(pair.entry.origins.entry)
