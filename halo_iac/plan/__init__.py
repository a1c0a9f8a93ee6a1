"""Plan: matches and policy → :class:`~halo_iac.model.plan.Plan` (docs/semantics.md#plan).

``planner`` decides on an action for each schedule and which titles are free, ``guards`` refuse plans that look like
accidents, ``run_rate`` counts runs a month, ``staleness`` compares a saved plan with the current one, and ``several``
checks the plans of several project files against each other. Nothing here has a clock, does I/O, or formats output.
"""

from halo_iac.plan.guards import Overrides
from halo_iac.plan.planner import plan, resolved_policy
from halo_iac.plan.staleness import check_saved

__all__ = ["Overrides", "check_saved", "plan", "resolved_policy"]
