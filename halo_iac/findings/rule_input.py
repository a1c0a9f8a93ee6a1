"""The input of rules, and the violations that they return."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from halo_iac.model.project import Entry, Origin, Project
from halo_iac.model.schedule import Cadence, Spec

_CADENCE_AND_LOOKBACK: Final = attrgetter(
    "frequency", "days_of_week", "days_of_month", "hours", "minutes", "timezone", "lookback_hours"
)
"""A cadence part by part, then the look-back: ten thousand of these are faster to group than as many cadences."""


class Violation(NamedTuple):
    """A violation of a rule by one or more entries, with the same message for each, in one field.

    ``is_shared`` reports it once for all entries together; without entries, for the project. ``line`` is a line of the
    prompt, from 1; ``at`` is the position, if it is not that of the field.
    """

    entries: Sequence[Entry]
    field: str
    message: str
    hint: str | None
    is_shared: bool = False
    line: int = 1
    at: Origin | None = None


class RuleInput(NamedTuple):
    """The declared schedules, grouped by what rules judge: ten thousand of them have a few hundred cadences.

    ``entries`` are all of them, retired ones as well. ``by_cadence`` has those that fire, by cadence and look-back in
    hours, and ``prompts`` all that are not retired, paused ones as well, by prompt.
    """

    project: Project
    entries: Sequence[Entry]
    by_cadence: Mapping[tuple[Cadence, int], Sequence[Entry]]
    prompts: Mapping[str, Sequence[Entry]]

    @property
    def firing(self) -> Iterable[Entry]:
        """Return the schedules that fire according to the files."""
        return (entry for entries in self.by_cadence.values() for entry in entries)


def rule_input(project: Project, entries: Sequence[Entry]) -> RuleInput:
    """Return the input of rules for some entries; retired ones are in ``entries`` only."""
    by_cadence: defaultdict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    prompts: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        spec = entry.spec
        if spec is None:
            continue
        prompts[spec.prompt].append(entry)
        if spec.enabled is not False:
            by_cadence[_CADENCE_AND_LOOKBACK(spec)].append(entry)
    return RuleInput(
        project, entries, {(Cadence(*parts), hours): found for (*parts, hours), found in by_cadence.items()}, prompts
    )


def require_spec(entry: Entry) -> Spec:
    """Return the spec of an entry that is not retired."""
    assert entry.spec is not None  # noqa: S101 - a subject has no retired entries
    return entry.spec
