"""How a run ended, the same in every format: how many changes how, and what to do next (docs/semantics.md#outcomes)."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from halo_iac.model.change import Action
from halo_iac.model.outcome import Status, Summary

DONE: Final = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNARCHIVE: "unarchived",
    Action.ARCHIVE: "archived",
}
_ENDED: Final = {
    Status.ALREADY: "already so",
    Status.FAILED: "failed",
    Status.CONFLICT: "in conflict",
    Status.UNKNOWN: "unknown",
    Status.NOT_STARTED: "not started",
}


class Commands(NamedTuple):
    """The commands that the steps name, ready to be pasted: what goes on from there, and what shows how things are."""

    again: str = "halo apply"
    plan: str = "halo plan"
    schedules: str = "halo schedule list"


HERE: Final = Commands()
"""Where nothing but the folder decides which project is meant."""


def run_counts(summary: Summary) -> str:
    """Return the last line of a run: how many changes ended how."""
    done = Counter(event.change.action for event in summary.having(Status.DONE))
    deeds = [f"{done[action]:,} {DONE[action]}" for action in Action if done[action]]
    statuses = Counter(event.status for event in summary.events)
    rest = [f"{statuses[status]:,} {_ENDED[status]}" for status in _ENDED if statuses[status]]
    return f"Applied: {'; '.join(filter(None, (', '.join(deeds) or 'nothing', ', '.join(rest))))}."


def next_steps(summary: Summary, commands: Commands = HERE) -> Iterator[str]:
    """Yield what is to be done about what did not end well."""
    unknown = summary.having(Status.UNKNOWN)
    if any(event.change.action is Action.CREATE for event in unknown):
        yield f"`{commands.schedules}` shows whether a create of unknown outcome happened."
    if unknown:
        yield f"`{commands.plan}` finds by its title what did happen, and plans only the rest."
    if summary.having(Status.CONFLICT):
        yield f"`{commands.plan}` shows what the platform holds now; decide whether the file or the platform is right."
    if summary.having(Status.FAILED):
        yield f"Mend what the reasons name, then run `{commands.again}` again; what is done stays done."
    elif summary.having(Status.NOT_STARTED):
        yield f"Run `{commands.again}` again: it goes on where this run ended."
