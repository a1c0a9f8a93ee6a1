"""Resolve: agent names → agent ids, or the reason why not (docs/semantics.md#agent-names, docs/semantics.md#scope).

A name is looked for among the aliases, then among the agents of the widest window. Nothing is guessed: none
or several blocks the entry, with what to paste instead.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final, NamedTuple

from halo_iac.errors import Problem, ProjectError
from halo_iac.hints import LIST_AGENTS, Command, Hint
from halo_iac.model.ids import is_uuid
from halo_iac.model.plan import Blocked, Match, MatchResult, PlanWarning
from halo_iac.model.project import Project
from halo_iac.model.remote import Agent, PlatformState

_MAX_GUESSES, _MAX_KNOWN = 20, 2_000
"""For how many names a similar one is looked for, and among how many: each comparison takes some 20 µs."""

_TO_WIDEN: Final = "widen `scope:` or move the entry"
_TO_TAKE_OVER: Final = "widen `scope:`; or, once no other file declares the schedule, run `{}` to take it over"
_TO_NAME: Final = "widen `scope:`; or add `id: {}` to the entry, which may then take it over"


class Unresolved(NamedTuple):
    """Why a reference has no agent, and what to do."""

    reason: str
    hint: str


def resolve(
    project: Project, pairing: MatchResult, actual: PlatformState, *, takeovers: Collection[str] = ()
) -> MatchResult:
    """Return the pairing with agent ids in its specs and scope; entries that cannot be resolved are blocked.

    ``takeovers`` are the keys of entries that may name a schedule outside the scope. Raises
    :class:`~halo_iac.errors.ProjectError` where an agent of ``scope`` does not resolve: what is undeclared is unknown.
    """
    catalog = Catalog(project, actual)
    in_scope = _resolve_scope(project, catalog)
    resolved = [_resolve_pair(pair, catalog, project, in_scope, takeovers) for pair in pairing.pairs]
    blocked = {outcome.key: outcome for outcome in (*pairing.blocked, *resolved) if isinstance(outcome, Blocked)}
    pairs = tuple(outcome for outcome in resolved if isinstance(outcome, Match))
    unseen = (
        PlanWarning(f"agent {pair.spec.agent} has no traces in the last 90 days and no schedule yet", pair.entry.key)
        for pair in pairs
        if pair.spec is not None and not catalog.knows(pair.spec.agent)
    )
    return pairing._replace(
        pairs=pairs,
        blocked=tuple(blocked[entry.key] for entry in project.entries if entry.key in blocked),
        warnings=(*pairing.warnings, *unseen, *map(PlanWarning, catalog.unused_alias_clashes())),
        scope_agents=in_scope,
    )


def scope_agents(project: Project, actual: PlatformState) -> tuple[str, ...] | None:
    """Return the ids of the agents in scope, ``None`` for all agents; raises the errors of :func:`resolve`."""
    return _resolve_scope(project, Catalog(project, actual))


class Catalog:
    """The aliases of a project and the agents of its platform, answering references; each answer is computed once."""

    def __init__(self, project: Project, actual: PlatformState) -> None:
        self._aliases = project.aliases
        self._by_identity: defaultdict[str, list[Agent]] = defaultdict(list)
        for agent in actual.agents:
            if agent.identity is not None:
                self._by_identity[agent.identity].append(agent)
        listed = (agent.id for agent in actual.agents)
        scheduled = (remote.agent_id for remote in actual.schedules)
        self._ids = {id_.lower(): id_ for id_ in (*listed, *scheduled) if id_}
        self._guesses = 0
        self._answers: dict[str, str | Unresolved] = {}

    def find(self, reference: str) -> str | Unresolved:
        """Return the id of the agent that an alias, an agent.id, an agent.name or a UUID refers to."""
        if reference not in self._answers:
            alias = self._aliases.get(reference)
            found = self._by_name(reference if alias is None else alias)
            clash = None if alias is None else self._clash(reference, found)
            self._answers[reference] = clash or found
        return self._answers[reference]

    def unused_alias_clashes(self) -> Iterable[str]:
        """Yield why aliases are ambiguous that nothing has referred to so far (docs/semantics.md#agent-names)."""
        for alias, target in self._aliases.items():
            if alias not in self._answers:
                clash = self._clash(alias, self._by_name(target))
                if clash is not None:
                    yield f"{clash.reason}; {clash.hint}"

    def knows(self, id_: str) -> bool:
        """Return whether an agent with this id is listed or already has a schedule."""
        return id_.lower() in self._ids

    def _clash(self, alias: str, found: str | Unresolved) -> Unresolved | None:
        """Return why an alias is ambiguous: it is also the id or the name of an agent other than the one found."""
        other = self._ids.get(alias.lower(), found)
        if other != found:
            return _ambiguous(alias, "id", other)
        others = sorted(agent.id for agent in self._by_identity.get(alias, ()) if agent.id != found)
        return _ambiguous(alias, "name", others[0]) if others else None

    def _by_name(self, name: str) -> str | Unresolved:
        if name.lower() in self._ids:
            return self._ids[name.lower()]
        ids = sorted(agent.id for agent in self._by_identity.get(name, ()))
        if len(ids) == 1:
            return ids[0]
        if ids:
            reason = f"{len(ids)} agents are named {name!r}: {', '.join(ids)}"
            return Unresolved(reason, f"use the UUID: `agent: {ids[0]}`")
        if is_uuid(name):
            return name.lower()
        return Unresolved(f"no agent named {name!r} was seen in the last 90 days", self._near(name))

    def _near(self, name: str) -> str:
        self._guesses += 1
        known = sorted({*self._by_identity, *self._aliases} - {name}) if self._guesses <= _MAX_GUESSES else []
        same = [each for each in known[:_MAX_KNOWN] if each.casefold() == name.casefold()]
        near = same or get_close_matches(name, known[:_MAX_KNOWN], n=3, cutoff=0.5)
        if near:
            return "did you mean " + " or ".join(map(repr, near)) + "?"
        return Hint("run `{}` to see the agents, or use a UUID", LIST_AGENTS)


def _ambiguous(alias: str, what: str, other: str | Unresolved) -> Unresolved:
    return Unresolved(
        f"the alias {alias!r} is also the {what} of another agent, {other}", "give the alias another name"
    )


def _resolve_scope(project: Project, catalog: Catalog) -> tuple[str, ...] | None:
    if project.scope.agents is None:
        return None
    found = {reference: catalog.find(reference) for reference in project.scope.agents}
    origin = project.origin("scope")
    problems = [
        Problem(
            origin.path or project.path,
            origin.line,
            origin.column,
            f"scope: {outcome.reason}; undeclared schedules cannot be determined",
            outcome.hint,
        )
        for outcome in found.values()
        if isinstance(outcome, Unresolved)
    ]
    if problems:
        raise ProjectError(problems)
    return tuple(sorted({outcome for outcome in found.values() if isinstance(outcome, str)}))


def _resolve_pair(
    pair: Match, catalog: Catalog, project: Project, in_scope: Collection[str] | None, takeovers: Collection[str]
) -> Match | Blocked:
    outside = _outside_scope(pair, project, in_scope, takeovers)
    if outside is not None:
        return outside
    if pair.spec is None:
        return pair
    found = catalog.find(pair.spec.agent)
    if isinstance(found, Unresolved):
        current = None if pair.remote is None else pair.remote.agent_id
        hint = found.hint if current is None else f"use `agent: {current}`, the agent of its schedule"
        return pair.block(found.reason, hint)
    if in_scope is not None and found not in in_scope:
        return pair.block(
            f"its agent {found} is outside the project's scope", "widen `scope: agents:` or move the entry"
        )
    return pair if found == pair.spec.agent else Match(pair.entry, pair.remote, pair.spec.with_agent(found), pair.wave)


def _outside_scope(
    pair: Match, project: Project, in_scope: Collection[str] | None, takeovers: Collection[str]
) -> Blocked | None:
    remote, prefix = pair.remote, project.scope.title_prefix
    if prefix is not None and pair.entry.title is not None and not pair.entry.title.startswith(prefix):
        # Files are held to their own prefix when they are loaded; this one is that of a base
        # (docs/semantics.md#base-comparison).
        return pair.block(
            f"its title does not start with {prefix!r}, the `title_prefix` of the project's scope", _TO_WIDEN
        )
    if remote is None:
        return None
    if in_scope is not None and remote.agent_id not in in_scope:
        what = f"belongs to agent {remote.agent_id}"
    elif prefix is not None and not remote.title.startswith(prefix):
        what = f"has a title that does not start with {prefix!r}"
    else:
        return None
    key = pair.entry.key
    is_named = pair.entry.id is not None or remote.title != pair.entry.title
    if is_named and key in takeovers:
        return None
    hint = Hint(_TO_TAKE_OVER, Command("plan", "--allow-takeover", key)) if is_named else _TO_NAME.format(remote.id)
    return pair.block(f"its schedule {remote.id} {what} and is outside the project's scope", hint)
