"""Plan: matches and policy → :class:`~halo_iac.model.plan.Plan` (docs/semantics.md#plan).

``planner`` decides which action each schedule gets and which titles are free for it, ``guards`` why a plan must not be
applied as it is, ``run_rate`` counts runs a month, ``staleness`` compares a saved plan with the current one, and
``together`` holds the plans of several project files against each other. Nothing here has a clock, writes, or knows how
a plan looks.
"""

from halo_iac.plan.guards import Overrides
from halo_iac.plan.planner import plan, policy_of
from halo_iac.plan.staleness import check_saved

__all__ = ["Overrides", "check_saved", "plan", "policy_of"]
