"""Undo: a receipt, and the platform as it is now → the plan of the way back (docs/semantics.md#undo).

``history`` reads what a run has made of each schedule; ``planner`` decides schedule by schedule what reverts it, and
puts the plan together.

A receipt is a file, and may have been written by anybody. It says which schedules, what they were and what was made of
them; what they *are* is the platform's word, and what may be touched the project file's. So a change is planned only
for a schedule that the project holds, that is in scope, and that still is what the run made of it; and what is written
is held to what a file could declare. The plan passes the guards that every plan passes.
"""

from halo_iac.undo.planner import check_same_target, undo

__all__ = ["check_same_target", "undo"]
