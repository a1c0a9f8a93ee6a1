"""Plan: pairs and policy → :class:`~halo_iac.model.change.Plan` (design §5).

``actions`` decides what would change, ``guards`` why it must not be applied as it is, ``saved`` whether a saved plan
still holds. Nothing here has a clock, writes, or knows how a plan looks.
"""

from halo_iac.plan.actions import plan
from halo_iac.plan.guards import Overrides
from halo_iac.plan.saved import check_saved

__all__ = ["Overrides", "check_saved", "plan"]
