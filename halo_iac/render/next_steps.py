"""What to do about a run that did not end well, the same in every format (design §6)."""

from __future__ import annotations

from collections.abc import Iterator

from halo_iac.model.change import Action
from halo_iac.model.outcome import Status, Summary


def next_steps(summary: Summary, again: str = "halo apply") -> Iterator[str]:
    """Yield what is to be done about what did not end well; ``again`` is the command that goes on from there."""
    unknown = summary.having(Status.UNKNOWN)
    if any(event.change.action is Action.CREATE for event in unknown):
        yield "`halo schedule list` shows whether a create of unknown outcome happened."
    if unknown:
        yield "`halo plan` finds by its title what did happen, and plans only the rest."
    if summary.having(Status.CONFLICT):
        yield "`halo plan` shows what the platform holds now; decide whether the file or the platform is right."
    if summary.having(Status.FAILED):
        yield f"Mend what the reasons name, then run `{again}` again; what is done stays done."
    elif summary.having(Status.NOT_STARTED):
        yield f"Run `{again}` again: it goes on where this run ended."
