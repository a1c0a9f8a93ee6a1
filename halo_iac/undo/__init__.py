"""Undo: a receipt and the platform's state → the plan that reverts the run (docs/semantics.md#undo).

``history`` reads from the receipt what a run did to each schedule; ``planner`` decides for each schedule what reverts
it, and assembles the plan.

A receipt is an untrusted file. It names schedules, their earlier values and the changes; their current state is read
from the platform, and the project file decides what may be changed. So a change is planned only for a schedule in the
project and in scope that is still as the run left it, and only with values that a file could declare. The plan passes
the same guards as every other plan.
"""

from halo_iac.undo.planner import check_same_target, undo

__all__ = ["check_same_target", "undo"]
