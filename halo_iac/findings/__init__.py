"""Findings: the lint rules for declared schedules, which a project file can switch.

``rules`` has one small function a rule, and their table; ``engine`` runs them and makes findings of their violations,
each with its severity and position, and those about a plan. ``rule_input`` is what a rule gets and returns,
``intervals`` computes the gaps between the fires of a cadence and how many fire at once, ``prompts`` finds mistakes in
prompts, and ``today`` the effect of a change on the day of its apply.
Nothing here has a clock or knows the platform: what needs an instant is given one.
"""

from halo_iac.findings.engine import credentials_of, find_in_plan, find_undeclared, find_unused_globs, run_rules
from halo_iac.findings.rules import RULES

__all__ = ["RULES", "credentials_of", "find_in_plan", "find_undeclared", "find_unused_globs", "run_rules"]
