"""Which schedule of the platform is which declared one: the outcome of matching and resolving (design §3)."""

from __future__ import annotations

from dataclasses import dataclass

from halo_iac.model.change import Blocked, PlanWarning
from halo_iac.model.project import Entry, Scope
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry and its schedule; ``remote`` is ``None`` where there is none yet.

    ``spec`` is the entry's, with the agent's id in it once resolved; ``None`` for a retired entry. ``wave`` orders
    renames: a lower one frees the title that a higher one takes.
    """

    entry: Entry
    remote: RemoteSchedule | None
    spec: Spec | None
    wave: int = 0


@dataclass(frozen=True, slots=True)
class Pairing:
    """Every entry once, paired or blocked, and the active schedules that belong to no entry, inside the scope or not.

    ``scope_agents`` are agent ids once resolved; ``None`` where the scope names no agents.
    """

    pairs: tuple[Pair, ...]
    blocked: tuple[Blocked, ...]
    unclaimed: tuple[RemoteSchedule, ...]
    warnings: tuple[PlanWarning, ...] = ()
    scope_agents: tuple[str, ...] | None = None

    def is_in_scope(self, remote: RemoteSchedule, scope: Scope) -> bool:
        """Say whether the project answers for a schedule; only once the scope's agents are resolved."""
        is_of_agent = self.scope_agents is None or remote.agent_id in self.scope_agents
        return is_of_agent and (scope.title_prefix is None or remote.title.startswith(scope.title_prefix))
