"""Which schedule of the platform is which declared one: the outcome of matching and resolving.

See docs/semantics.md#matching.
"""

from typing import NamedTuple

from halo_iac.model.change import Blocked, PlanWarning
from halo_iac.model.project import Entry
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec


class Pair(NamedTuple):
    """An entry and its schedule; ``remote`` is ``None`` where there is none yet.

    ``spec`` is the entry's, with the agent's id in it once resolved; ``None`` for a retired entry. ``wave`` orders
    renames: a lower one frees the title that a higher one takes.
    """

    entry: Entry
    remote: RemoteSchedule | None
    spec: Spec | None
    wave: int = 0


class Pairing(NamedTuple):
    """Every entry once, paired or blocked, and the active schedules that belong to no entry, inside the scope or not.

    ``scope_agents`` are agent ids once resolved; ``None`` where the scope names no agents.
    """

    pairs: tuple[Pair, ...]
    blocked: tuple[Blocked, ...]
    unclaimed: tuple[RemoteSchedule, ...]
    warnings: tuple[PlanWarning, ...] = ()
    scope_agents: tuple[str, ...] | None = None
