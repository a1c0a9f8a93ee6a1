"""Findings: what is odd about the declared schedules, by rules that a project file can switch.

``rules`` has the table of them, one small function a rule; ``judge`` makes findings of what they say, each with its
severity and its place. ``intervals`` knows how long a cadence leaves between two fires, ``prompts`` what no prompt
should hold, ``crowds`` who fires at once, ``today`` what a change does to the day on which it is applied. Nothing here
has a clock or knows the platform: what needs an instant is given one.
"""

from halo_iac.findings.engine import credentials_of, find_in_plan, find_unused_globs, run_rules
from halo_iac.findings.rules import RULES
from halo_iac.findings.today import find_clock_change_today

__all__ = ["RULES", "credentials_of", "find_clock_change_today", "find_in_plan", "find_unused_globs", "run_rules"]
