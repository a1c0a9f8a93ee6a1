"""Plan: pairs and policy → :class:`~halo_iac.model.plan.Plan` (docs/semantics.md#plan).

``verdicts`` decides pair by pair what would change, ``titles`` which title is not free by then, ``actions`` puts the
plan together, ``guards`` says why it must not be applied as it is, ``monthly`` counts runs, ``saved`` holds a saved
plan against it. Nothing here has a clock, writes, or knows how a plan looks.
"""

from halo_iac.plan.guards import Overrides
from halo_iac.plan.planner import plan, policy_of
from halo_iac.plan.staleness import check_saved

__all__ = ["Overrides", "check_saved", "plan", "policy_of"]
