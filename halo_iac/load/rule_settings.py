"""The severities of lint rules as a project file sets them; :mod:`halo_iac.findings` has the rules themselves."""

from collections.abc import Mapping
from typing import Final

from halo_iac.model.finding import RuleSeverities, Severity

WORDS: Final = ("error", "warning", "off")

RULES: Final = {
    "coverage-gap": (
        "The look-back is shorter than the longest interval between fires, so that some traces are never "
        "analysed; default: warning."
    ),
    "coverage-gap-dst": "The look-back is too short only on the day on which clocks go back; default: off.",
    "paid-twice": (
        "The look-back is more than twice the shortest interval between fires, so that traces are analysed "
        "several times; default: warning."
    ),
    "missing-day": "Some months lack one of the days, and it does not fire in them; default: warning.",
    "crowded-minute": "More than ten schedules fire in the same minute; default: warning.",
    "declared-twice": "Several entries have the same agent and cadence; default: warning.",
    "unfinished-prompt": (
        "The prompt contains an unfilled placeholder or a merge conflict, or is a path; default: warning."
    ),
    "credential-in-prompt": "The prompt appears to contain a credential; default: error.",
    "cut-by-comment": "Unquoted text is cut off at ` #`, which begins a comment; default: warning.",
    "folded-list": "`prompt: >` joins the items of a list into one line; default: warning.",
    "special-glob": "A glob of `protect` contains `?`, `[` or `${`, which it takes literally; default: warning.",
    "unused-glob": "A glob of `protect` matches no declared or existing title; plan only; default: warning.",
    "too-many-runs": (
        "The schedules run more often than max_runs_per_month permits; default: error. Off in an entry: its "
        "runs are not counted."
    ),
    "skipped-fire": "Applied now, a change would skip a fire of today; plan only; default: warning.",
    "doubled-fire": "Applied now, a change would repeat a fire of today; plan only; default: warning.",
}
"""Rule → what it reports."""


def read_severities(written: Mapping[str, str]) -> RuleSeverities:
    """Return the written settings in the form that the rules use."""
    return {rule: None if word == "off" else Severity(word) for rule, word in written.items()}
