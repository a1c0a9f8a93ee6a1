"""Findings: the lint rules for declared schedules, which a project file can switch.

``rules`` has the table of them, one small function a rule; ``engine`` runs them and makes findings of their violations,
each with its severity and position. ``rule_input`` is what a rule gets and returns, ``intervals`` knows the gaps
between the fires of a cadence and how many fire at once, ``prompts`` what no prompt should hold, ``globs`` which globs
of ``protect:`` mean something else than was intended, ``today`` what a change does on the day on which it is applied,
``undeclared`` what ``undeclared: error`` says of a plan.
Nothing here has a clock or knows the platform: what needs an instant is given one.
"""

from halo_iac.findings.engine import credentials_of, find_in_plan, find_unused_globs, run_rules
from halo_iac.findings.rules import RULES
from halo_iac.findings.undeclared import find_undeclared

__all__ = ["RULES", "credentials_of", "find_in_plan", "find_undeclared", "find_unused_globs", "run_rules"]
