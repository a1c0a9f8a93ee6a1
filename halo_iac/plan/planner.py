"""Actions: pairs and policy → what would change (docs/semantics.md#actions)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from halo_iac.diff import Difference
from halo_iac.errors import UsageError
from halo_iac.hints import Command, Hint
from halo_iac.model.plan import (
    Action,
    AgentName,
    Blocked,
    Cause,
    Change,
    Match,
    MatchResult,
    Plan,
    PlanWarning,
    Policy,
    UndeclaredSchedule,
)
from halo_iac.model.project import Entry, Project, UndeclaredPolicy
from halo_iac.model.remote import PlatformState, PlatformTarget, RemoteSchedule, UnreadableSchedule
from halo_iac.plan.guards import GuardInput, Overrides, guard
from halo_iac.plan.model_checks import Catalogs, model_warnings, refused_model
from halo_iac.plan.paused import paused_schedules
from halo_iac.plan.run_rate import (
    KnownRates,
    estimated_cost,
    firing_schedules,
    is_firing,
    schedules_with_known_rate,
    total_runs_per_month,
)
from halo_iac.text import keys_hint


def titles_still_in_use(
    changes: Iterable[Change], entries: Mapping[str, Entry], schedules: Iterable[RemoteSchedule]
) -> Mapping[str, Blocked]:
    """Return by key why changes are blocked that would take a title which another active schedule keeps.

    An entry with an ``id`` may take it, because the id distinguishes the two.
    """
    changes = tuple(changes)
    taking = {
        change.title: change
        for change in changes
        if change.takes_title and change.key is not None and entries[change.key].id is None
    }
    blocked: dict[str, Blocked] = {}
    for change, id_ in titles_being_taken(changes, taking, schedules):
        blocked.setdefault(change.name, _title_in_use(entries[change.name], change.title, id_))
    return blocked


def titles_being_taken(
    changes: Iterable[Change], taking: Mapping[str, Change], schedules: Iterable[RemoteSchedule]
) -> Iterator[tuple[Change, str]]:
    """Yield each change of ``taking``, which is by title, whose title another schedule keeps, with that one's id.

    A blocked change frees no title, so it may block others.
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


def _title_in_use(entry: Entry, title: str, id_: str) -> Blocked:
    reason = f"schedule {id_} still has the title {title!r}, and no change in this plan frees it first"
    hint = "fix, target or apply the entry of that schedule first"
    return Blocked(entry.key, reason, hint, str(entry.origins.entry), (id_,))


Decision = Change | Blocked | None
"""``None`` where a pair is as declared."""


def decide_actions(
    project: Project, differences: Iterable[Difference], actual: PlatformState, chosen: Collection[str]
) -> list[Decision]:
    """Decide on each pair separately, then check whether the title that it takes will be free.

    ``chosen`` are the keys of the entries to plan; empty for all.
    """
    decisions = [_decide(each, actual.models) for each in differences if not chosen or each.pair.entry.key in chosen]
    changes = [decision for decision in decisions if isinstance(decision, Change)]
    if not any(change.takes_title for change in changes):
        return decisions
    held = titles_still_in_use(changes, {entry.key: entry for entry in project.entries}, actual.schedules)
    return [held.get(decision.name, decision) if isinstance(decision, Change) else decision for decision in decisions]


def _decide(difference: Difference, catalogs: Catalogs) -> Decision:
    """Return the change a pair needs, why none can be planned, or ``None`` where it is as declared."""
    pair, after, fields = difference.pair, difference.after, difference.fields
    remote = pair.remote
    if after is None:
        return _archive_retired(pair)
    if difference.opaque is not None:
        return _unreadable(pair, difference.opaque)
    if remote is not None and remote.is_active and not fields:
        return None
    before = None if remote is None else remote.spec()
    if isinstance(before, UnreadableSchedule):
        return _unreadable(pair, before)
    change = Change(
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
    return refused_model(change, pair.entry, catalogs) or change


def _action(remote: RemoteSchedule | None) -> Action:
    if remote is None:
        return Action.CREATE
    return Action.UPDATE if remote.is_active else Action.UNARCHIVE


def _archive_retired(pair: Match) -> Decision:
    remote = pair.remote
    if remote is None or not remote.is_active:
        return None
    planned = plan_archive(remote, Cause.RETIRED)
    if planned is None:
        return _unreadable(pair, remote.spec())
    return replace(planned, key=pair.entry.key, origin=str(pair.entry.origins.entry))


def plan_archive(remote: RemoteSchedule, cause: Cause) -> Change | None:
    """Return the archive of a schedule; ``None`` for one that cannot be read, which is never archived.

    See docs/security.md#unreadable-schedules.
    """
    spec = remote.spec()
    if isinstance(spec, UnreadableSchedule):
        return None
    return Change(Action.ARCHIVE, cause, None, remote.id, remote.title, before=spec)


def _unreadable(pair: Match, why: object) -> Blocked:
    reason = why.reason if isinstance(why, UnreadableSchedule) else "it cannot be read"
    id_ = pair.remote.id if pair.remote else ""
    hint = Hint("upgrade halo, or inspect the schedule with `{}`", Command("schedule", "get", id_))
    return pair.block(f"schedule {id_} is not changed: {reason}", hint)


_ORDER: Final = (Action.UPDATE, Action.CREATE, Action.UNARCHIVE, Action.ARCHIVE)
"""The order of the document; renames come first among the updates, by wave, as apply carries them out.

See docs/semantics.md#apply-order.
"""


def plan(
    project: Project,
    pairing: MatchResult,
    differences: Sequence[Difference],
    actual: PlatformState,
    host: PlatformTarget,
    *,
    targets: Sequence[str] = (),
    overrides: Overrides | None = None,
    elsewhere: Collection[str] = (),
) -> Plan:
    """Return the plan: changes, blocked entries, guard violations and warnings.

    ``targets``, and the creates and takeovers that ``overrides`` permit, are keys of entries. An unknown
    one raises :class:`~halo_iac.errors.UsageError`, unless it is one of ``elsewhere``, the keys in other project files
    of the command. Matching has considered all entries even so. The result does not depend on the order of the
    arguments.
    """
    overrides = overrides or Overrides()
    _check_keys(project, targets, overrides, elsewhere)
    chosen = frozenset(targets)
    decisions = decide_actions(project, differences, actual, chosen)
    changed = {decision.key for decision in decisions if isinstance(decision, Change)}
    blocked = {decision.key for decision in decisions if isinstance(decision, Blocked)}
    considered = (pair for pair in pairing.pairs if not chosen or pair.entry.key in chosen)
    # Of a blocked entry, the reason is reported instead.
    paused = paused_schedules(pair for pair in considered if pair.entry.key not in blocked)
    policy = resolved_policy(project, pairing)
    active = (each for each in actual.schedules if each.is_active and policy.covers(each.agent_id, each.title))
    readable = schedules_with_known_rate(active, differences)
    situation = _guard_input(project, pairing, decisions, readable, actual, targets=sorted(chosen), overrides=overrides)
    rate = total_runs_per_month(readable, situation.changes)
    return Plan(
        host=host,
        policy=policy,
        targets=situation.targets,
        changes=situation.changes,
        blocked=tuple(entry for entry in situation.blocked if not chosen or entry.key in chosen),
        undeclared=_unmanaged_schedules(situation),
        warnings=_warnings(project, pairing, situation.blocked, actual, chosen),
        refusals=guard(situation),
        unchanged=decisions.count(None) - sum(each.key not in changed for each in paused),
        paused=paused,
        runs_per_month=rate,
        cost_per_month=estimated_cost(project.cost_per_run, rate, situation.changes),
        agents=agent_names(situation.changes, actual),
        file=project.path,
    )


def _check_keys(project: Project, targets: Sequence[str], overrides: Overrides, elsewhere: Collection[str]) -> None:
    named = (
        *(("--target", key) for key in targets),
        *(("--allow-create", key) for key in sorted(overrides.allow_create)),
        *(("--allow-takeover", key) for key in sorted(overrides.allow_takeover)),
    )
    known = {*elsewhere, *(entry.key for entry in project.entries)} if named else set()
    for option, key in named:
        if key not in known:
            near = get_close_matches(key, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else keys_hint(sorted(known))
            raise UsageError(f"{option} {key}: the project has no entry with this key", hint=hint)


def _guard_input(
    project: Project,
    pairing: MatchResult,
    decisions: Sequence[Decision],
    readable: KnownRates,
    actual: PlatformState,
    *,
    targets: Sequence[str],
    overrides: Overrides,
) -> GuardInput:
    """Return the input of the guards: the decided changes, and the policy for undeclared schedules."""
    own = (decision for decision in decisions if isinstance(decision, Blocked))
    blocked = tuple(sorted((*pairing.blocked, *own), key=lambda entry: entry.key))
    undeclared = _undeclared(project, pairing)
    archives = _archives(project, undeclared)
    # An undeclared schedule may be the very one that a blocked entry is about.
    planned, withheld = ((), archives) if blocked else (archives, ())
    decided = (decision for decision in decisions if isinstance(decision, Change))
    changes = tuple(sorted((*decided, *planned), key=sort_key))
    return GuardInput(
        changes=changes,
        blocked=blocked,
        withheld=withheld,
        undeclared=undeclared,
        firing=firing_schedules(readable) if changes else frozenset(),
        traced=traced_agents(actual),
        declared=len(project.entries),
        targets=tuple(targets),
        protect=project.protect,
        gap=actual.gap,
        overrides=overrides,
    )


def sort_key(change: Change) -> tuple[bool, int, int, str, str]:
    """Return the sort key of a plan's changes."""
    is_plain = not (change.is_rename and change.action is Action.UPDATE)
    return (is_plain, change.wave, _ORDER.index(change.action), change.key or "\U0010ffff", change.id or "")


def _undeclared(project: Project, pairing: MatchResult) -> tuple[RemoteSchedule, ...]:
    policy = resolved_policy(project, pairing)
    in_scope = (remote for remote in pairing.unclaimed if policy.covers(remote.agent_id, remote.title))
    return tuple(sorted(in_scope, key=lambda remote: (remote.title, remote.id)))


def _archives(project: Project, undeclared: Iterable[RemoteSchedule]) -> tuple[Change, ...]:
    if project.undeclared is not UndeclaredPolicy.ARCHIVE or project.unread:
        return ()
    planned = (plan_archive(remote, Cause.UNDECLARED) for remote in undeclared)
    return tuple(change for change in planned if change is not None)


def _unmanaged_schedules(situation: GuardInput) -> tuple[UndeclaredSchedule, ...]:
    archived = {change.id for change in situation.undeclared_archives}
    kept = ((remote, remote.spec()) for remote in situation.undeclared if remote.id not in archived)
    return tuple(
        UndeclaredSchedule(
            remote.id, remote.title, is_firing(remote), spec.reason if isinstance(spec, UnreadableSchedule) else None
        )
        for remote, spec in kept
    )


def resolved_policy(project: Project, pairing: MatchResult) -> Policy:
    """Return the rules of a project whose scope has been resolved."""
    return Policy(project.undeclared, pairing.scope_agents, project.scope.title_prefix, project.protect)


def _warnings(
    project: Project,
    pairing: MatchResult,
    blocked: Iterable[Blocked],
    actual: PlatformState,
    chosen: Collection[str],
) -> tuple[PlanWarning, ...]:
    pairs = (pair for pair in pairing.pairs if not chosen or pair.entry.key in chosen)
    named = (warning for warning in pairing.warnings if not chosen or warning.key in chosen)
    concerned = (*named, *model_warnings(pairs, blocked, actual.models))
    gap = (PlanWarning(f"the list of schedules is incomplete: {actual.gap}"),) if actual.gap else ()
    return (
        *gap,
        *_unread_warnings(project),
        *sorted(concerned, key=lambda warning: (warning.key or "", warning.message)),
    )


def _unread_warnings(project: Project) -> Iterator[PlanWarning]:
    """Yield a warning for files outside the sparse checkout: schedules declared there look undeclared."""
    if project.unread:
        first, *others = project.unread
        files = f"{first} and {len(others):,} more files" if others else first
        left = {
            UndeclaredPolicy.ARCHIVE: "; undeclared schedules are not archived",
            UndeclaredPolicy.ERROR: "; undeclared schedules are no error",
        }.get(project.undeclared, "")
        yield PlanWarning(f"the sparse checkout excludes {files}, so the schedules declared there are unknown{left}")


def traced_agents(actual: PlatformState) -> frozenset[str]:
    """Return the ids of the agents that traces name, in lower case."""
    return frozenset(agent.id.lower() for agent in actual.agents)


def agent_names(changes: Iterable[Change], actual: PlatformState) -> tuple[AgentName, ...]:
    """Return the names of the agents that changes set or replace; a reviewer knows those, not the ids."""
    fields = (field for change in changes for field in change.fields if field.field == "agent")
    concerned = {id_ for field in fields for id_ in (field.before, field.after)}
    named = (agent for agent in actual.agents if agent.id in concerned and agent.identity is not None)
    return tuple(sorted((AgentName(agent.id, agent.identity or "") for agent in named), key=lambda each: each.id))
