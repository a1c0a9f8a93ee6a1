"""The plan: what would change and why, as data (docs/semantics.md#plan).

A plan goes to JSON and back, holds no function and nothing from the clock. Every rendering is drawn from it,
and ``apply FILE`` compares a saved one with a recomputed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

from halo_iac.model import Described, Document, document
from halo_iac.model.finding import Finding
from halo_iac.model.project import Entry
from halo_iac.model.remote import PlatformTarget, RemoteSchedule
from halo_iac.model.schedule import Spec, Value

PLAN_VERSION: Final = 1


class Action(StrEnum):
    """What a change does to one schedule."""

    CREATE = "create"
    UPDATE = "update"
    UNARCHIVE = "unarchive"
    ARCHIVE = "archive"


class Cause(StrEnum):
    """Why a change is in the plan."""

    DECLARED = "declared"
    RETIRED = "state: archived"
    UNDECLARED = "undeclared: archive"
    UNDONE = "undo"
    PAUSED = "halo pause"
    RESUMED = "halo resume"


PAUSING: Final = {Cause.PAUSED: "pause", Cause.RESUMED: "resume"}
"""Causes of an update of `enabled` alone, whatever is declared → the verb of the command that asks for it."""


class Attribution(StrEnum):
    """Where a change comes from, in a plan that is compared with a base (``plan --base REF``)."""

    BRANCH = "branch"
    """The branch's alone: at the base nothing is planned for the schedule."""
    BRANCH_AND_DRIFT = "both"
    """The branch edits the entry, and the platform differed from the base's entry already."""
    DRIFT = "before"
    """Not of this branch: the same is planned at the base, because the platform differed before."""
    INHERITED = "untouched"
    """Planned only now, although the branch does not touch the entry: a policy, a default or an alias has moved."""


@document
class Base(Document):
    """The base commit that a plan was compared with."""

    ref: Annotated[str, Described("The ref as given.")]
    commit: Annotated[str, Described("The commit that the ref resolved to.")]


@document
class FieldChange(Document):
    """One field before and after, and where the value after comes from."""

    field: Annotated[str, Described("The field, named as in the project file.")]
    before: Annotated[Value, Described("The platform's value.")]
    after: Annotated[Value, Described("The declared value.")]
    origin: Annotated[str, Described("File and line, defaults, overrides or built-in.")]


@document
class Change(Document):
    """One schedule's change; ``before`` is absent for a create, ``after`` for an archive that gives back no values."""

    action: Annotated[Action, Described("create, update, unarchive or archive.")]
    cause: Annotated[Cause, Described("Why the change is planned.")]
    key: Annotated[str | None, Described("The entry's key; null for an undeclared schedule.")]
    id: Annotated[str | None, Described("The platform's id; null for a create.")]
    title: Annotated[str, Described("The title after the change.")]
    fields: Annotated[tuple[FieldChange, ...], Described("The changed fields, in the order of the file.")] = ()
    before: Annotated[Spec | None, Described("The schedule on the platform.")] = None
    after: Annotated[Spec | None, Described("The schedule as declared.")] = None
    wave: Annotated[int, Described("Renames of a lower wave free the titles of a higher one.")] = 0
    origin: Annotated[str, Described("File and line of the entry; empty for an undeclared schedule.")] = ""
    share: Annotated[
        Attribution | None,
        Described("Whether the branch, or the platform, causes the change; null without --base."),
    ] = None

    @property
    def name(self) -> str:
        """Return what messages call the schedule: its key, or the id of an undeclared schedule."""
        return self.key or self.id or self.title

    @property
    def verb(self) -> str:
        """Return what messages call the change: its action, or ``pause`` and ``resume``."""
        return PAUSING.get(self.cause, self.action)

    @property
    def is_rename(self) -> bool:
        """Return whether the title changes."""
        return any(field.field == "title" for field in self.fields)

    @property
    def takes_title(self) -> bool:
        """Return whether the change gives an active schedule a title that it does not have now."""
        if self.action is Action.ARCHIVE:
            return False
        return self.is_rename or self.action in {Action.CREATE, Action.UNARCHIVE}

    @property
    def is_pause(self) -> bool:
        """Return whether it stops a schedule that fires from firing without archiving it."""
        return self._sets_enabled(on=False)

    @property
    def is_resumption(self) -> bool:
        """Return whether it lets a paused schedule fire again."""
        return self._sets_enabled(on=True)

    @property
    def is_removal(self) -> bool:
        """Return whether something stops firing: an archive or a pause (docs/semantics.md#guards)."""
        return self.action is Action.ARCHIVE or self.is_pause

    def _sets_enabled(self, *, on: bool) -> bool:
        return self.action is Action.UPDATE and any(
            field.field == "enabled" and bool(field.after) is on and bool(field.before) is not on
            for field in self.fields
        )


@document
class Blocked(Document):
    """An entry for which no change can be planned, and why; its schedules still count as declared."""

    key: Annotated[str, Described("The entry's key.")]
    reason: Annotated[str, Described("Why no change can be planned for it.")]
    hint: Annotated[str | None, Described("What to do about it.")] = None
    origin: Annotated[str, Described("File and line of the entry.")] = ""
    ids: Annotated[tuple[str, ...], Described("The schedules concerned.")] = ()


@document
class UndeclaredSchedule(Document):
    """An active schedule in scope that no file declares; the plan leaves it alone."""

    id: Annotated[str, Described("The platform's id.")]
    title: Annotated[str, Described("Its title.")]
    is_firing: Annotated[bool, Described("Whether it is enabled.")]
    note: Annotated[str | None, Described("Why it cannot be read; null if it can.")] = None


@document
class PausedSchedule(Document):
    """A declared, active schedule that is paused although the file does not pause it; the plan leaves it paused."""

    key: Annotated[str, Described("The entry's key.")]
    id: Annotated[str, Described("The platform's id.")]
    title: Annotated[str, Described("Its title on the platform.")]
    reason: Annotated[str | None, Described("Why the platform paused it; null if it was paused by hand.")]
    hint: Annotated[str, Described("How to resume it.")]
    origin: Annotated[str, Described("File and line of the entry.")] = ""


@document
class PlanWarning(Document):
    """A warning that does not stop the plan."""

    message: Annotated[str, Described("The warning.")]
    key: Annotated[str | None, Described("The entry concerned; null if there is none.")] = None


@document
class GuardViolation(Document):
    """Why a plan is refused, and what would permit it."""

    guard: Annotated[str, Described("The guard's name.")]
    message: Annotated[str, Described("What it refuses and why.")]
    override: Annotated[str, Described("The option or the edit that permits it.")]
    names: Annotated[tuple[str, ...], Described("The entries or ids concerned.")] = ()
    withholds: Annotated[
        bool,
        Described("Whether only the named schedules are left out and the rest of the plan can be applied."),
    ] = False


@document
class Policy(Document):
    """The rules of the project file that a plan was made under."""

    undeclared: Annotated[str, Described("report, archive or error.")]
    scope_agents: Annotated[tuple[str, ...] | None, Described("Agent ids in scope; null for all.")] = None
    title_prefix: Annotated[str | None, Described("Title prefix in scope; null for all.")] = None
    protect: Annotated[
        tuple[str, ...], Described("Globs of titles that are never archived, paused or renamed away.")
    ] = ()

    def covers(self, agent: str | None, title: str) -> bool:
        """Return whether a schedule with this agent and title is in scope."""
        agents, prefix = self.scope_agents, self.title_prefix
        return (agents is None or agent in agents) and (prefix is None or title.startswith(prefix))


@document
class AgentName(Document):
    """The platform's name of an agent whose UUID is in a change."""

    id: Annotated[str, Described("The agent's UUID.")]
    name: Annotated[str, Described("Its agent.id or agent.name.")]


@document
class RunRate(Document):
    """Runs a month, a mean over the calendar, before and after."""

    before: Annotated[float, Described("Runs a month of the schedules in scope before the plan is applied.")]
    after: Annotated[float, Described("Runs a month of the schedules in scope after the plan is applied.")]


@document
class ChangeCost(Document):
    """The cost a month of one changed schedule."""

    name: Annotated[str, Described("The entry's key; the id of an undeclared schedule.")]
    before: Annotated[float, Described("The cost a month of the schedule before the change.")]
    after: Annotated[float, Described("The cost a month of the schedule after the change.")]


@document
class CostEstimate(Document):
    """What the runs cost a month, by a flat fee that the project file states; inference comes on top."""

    per_run: Annotated[float, Described("cost_per_run of the project file.")]
    before: Annotated[float, Described("The cost a month of the schedules in scope before the plan.")]
    after: Annotated[float, Described("The cost a month of the schedules in scope after the plan.")]
    changes: Annotated[tuple[ChangeCost, ...], Described("Each change of the plan that changes its cost.")] = ()


@document
class Plan(Document):
    """The whole plan, in one deterministic order: same inputs, same bytes."""

    __pydantic_config__ = Document.__pydantic_config__ | {"title": "HALO plan"}

    host: Annotated[PlatformTarget, Described("Platform and project the plan is for.")]
    policy: Annotated[Policy, Described("The policy it was made under.")]
    targets: Annotated[tuple[str, ...], Described("Keys the plan is limited to; empty for all.")]
    changes: Annotated[tuple[Change, ...], Described("What apply would do, in order.")]
    blocked: Annotated[tuple[Blocked, ...], Described("Entries for which no change can be planned.")]
    undeclared: Annotated[tuple[UndeclaredSchedule, ...], Described("Schedules in scope that no file declares.")]
    warnings: Annotated[tuple[PlanWarning, ...], Described("Warnings; none of them stops the plan.")]
    refusals: Annotated[tuple[GuardViolation, ...], Described("Refusals of guards.")]
    unchanged: Annotated[int, Described("How many schedules already match their entries, without those in paused.")]
    runs_per_month: Annotated[RunRate, Described("Runs a month before and after.")]
    paused: Annotated[
        tuple[PausedSchedule, ...],
        Described("Declared schedules that are paused while no file says `enabled: false`."),
    ] = ()
    agents: Annotated[tuple[AgentName, ...], Described("The names of the agents that changes set.")] = ()
    findings: Annotated[tuple[Finding, ...], Described("Findings in the declared schedules.")] = ()
    cost_per_month: Annotated[
        CostEstimate | None, Described("An estimate; null unless the project file has cost_per_run.")
    ] = None
    base: Annotated[Base | None, Described("The base that it was compared with; null without --base.")] = None
    file: Annotated[str, Described("The project file; empty where there is none.")] = ""
    version: Annotated[Literal[1], Described("The version of this document's format.")] = PLAN_VERSION

    @property
    def blocking_violations(self) -> tuple[GuardViolation, ...]:
        """Return the refusals that keep the whole plan from being applied."""
        return tuple(refusal for refusal in self.refusals if not refusal.withholds)


def combine_plans(plans: Sequence[Plan]) -> Plan:
    """Return several plans as one that can be counted: other values than numbers and lists are those of the first."""
    rates = [plan.runs_per_month for plan in plans]
    lists = ("changes", "blocked", "undeclared", "warnings", "refusals", "paused", "findings")
    joined: dict[str, Any] = {name: tuple(each for plan in plans for each in getattr(plan, name)) for name in lists}
    return replace(
        plans[0],
        **joined,
        unchanged=sum(plan.unchanged for plan in plans),
        runs_per_month=RunRate(sum(rate.before for rate in rates), sum(rate.after for rate in rates)),
        cost_per_month=None,  # of each file: their currencies may differ
    )


@document
class PlanList(Document):
    """The plans of several project files, as one document."""

    __pydantic_config__ = Document.__pydantic_config__ | {"title": "HALO plans of several project files"}

    version: Annotated[Literal[1], Described("The version of this document's format.")]
    projects: Annotated[tuple[Plan, ...], Described("A plan for each project file, in order.")]


class Match(NamedTuple):
    """An entry and its schedule; ``remote`` is ``None`` where there is none yet.

    ``spec`` is the entry's, with the agent's id in it once resolved; ``None`` for a retired entry. ``wave`` orders
    renames: a lower one frees the title that a higher one takes.
    """

    entry: Entry
    remote: RemoteSchedule | None
    spec: Spec | None
    wave: int = 0

    def block(self, reason: str, hint: str) -> Blocked:
        """Return why no change can be planned for the entry."""
        ids = (self.remote.id,) if self.remote else ()
        return Blocked(self.entry.key, reason, hint, str(self.entry.origins.entry), ids)


class MatchResult(NamedTuple):
    """Every entry once, paired or blocked, and the active schedules that belong to no entry, inside the scope or not.

    ``scope_agents`` are agent ids once resolved; ``None`` where the scope names no agents.
    """

    pairs: tuple[Match, ...]
    blocked: tuple[Blocked, ...]
    unclaimed: tuple[RemoteSchedule, ...]
    warnings: tuple[PlanWarning, ...] = ()
    scope_agents: tuple[str, ...] | None = None
