"""Findings: lint rules for declared schedules, configurable in the project file.

``rules`` has one small function per rule, and their table; ``engine`` runs them and converts their violations to
findings with severity and position, including those about a plan. ``rule_input`` has the input and output of a rule,
``intervals`` computes the gaps between fires of a cadence and how many fire at once, ``prompts`` finds mistakes in
prompts, and ``today`` the effect of a change on the day of its apply.

Nothing here has a clock or knows the platform; instants are passed in.
"""

from halo_iac.findings.engine import find_credentials, find_in_plan, find_undeclared, find_unused_globs, run_rules
from halo_iac.findings.rules import RULES

__all__ = ["RULES", "find_credentials", "find_in_plan", "find_undeclared", "find_unused_globs", "run_rules"]
