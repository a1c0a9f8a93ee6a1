"""The result of an apply: its events, and the summary made from them (docs/semantics.md#outcomes)."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from halo_iac import exit_codes
from halo_iac.errors import HaloError
from halo_iac.hints import Command, Hint
from halo_iac.model.plan import Change


class Status(StrEnum):
    """How one change stands."""

    STARTED = "started"
    RETRYING = "retrying"
    DONE = "done"
    ALREADY = "already"
    """It was so already, perhaps through an earlier run."""
    FAILED = "failed"
    CONFLICT = "conflict"
    """The platform no longer shows what the plan was made from; it was left alone."""
    UNKNOWN = "unknown"
    """It may or may not have happened."""
    NOT_STARTED = "not started"

    @property
    def is_final(self) -> bool:
        """Return whether this is the last event of its change."""
        return self not in {Status.STARTED, Status.RETRYING}

    @property
    def is_success(self) -> bool:
        """Return whether the change is in effect, through this run or before it."""
        return self in {Status.DONE, Status.ALREADY}


class Event(NamedTuple):
    """One step of one change; ``id`` as soon as it is known, ``elapsed`` in seconds once it is final.

    ``is_partial`` if something of it was, or may have been, written even though it did not end done.
    """

    change: Change
    status: Status
    id: str | None = None
    message: str = ""
    hint: str | None = None
    elapsed: float | None = None
    is_partial: bool = False


class Summary(NamedTuple):
    """The last event of every change; ``is_interrupted`` if the run was stopped."""

    events: tuple[Event, ...]
    is_interrupted: bool = False

    def with_status(self, *statuses: Status) -> tuple[Event, ...]:
        """Return the final events with one of these statuses, in the order of the plan."""
        return tuple(event for event in self.events if event.status in statuses)

    @property
    def has_written(self) -> bool:
        """Return whether the platform was changed, as far as known."""
        return any(event.status is Status.DONE or event.is_partial for event in self.events)

    @property
    def exit_code(self) -> int:
        """Return the most serious exit code (docs/cli.md#exit-codes)."""
        if self.is_interrupted:
            return exit_codes.INTERRUPTED
        if self.with_status(Status.UNKNOWN):
            return exit_codes.UNKNOWN_OUTCOME
        if self.with_status(Status.FAILED, Status.CONFLICT, Status.NOT_STARTED):
            return exit_codes.PARTLY_APPLIED if self.has_written else exit_codes.FAILED
        return exit_codes.OK


class NextCommands(NamedTuple):
    """The commands that continue a run and that show the current state."""

    again: Command = Command("apply")
    plan: Command = Command("plan")
    schedules: Command = Command("schedule", "list")


DEFAULT_COMMANDS: Final = NextCommands()
"""Commands for a project that only the working directory determines."""


class ApplyOutcome(NamedTuple):
    """The outcome of a run, and the commands to run next.

    ``receipt`` is the file's name in messages, ``undo`` the command that undoes the run, ``held`` a title that
    ``protect:`` keeps from being undone, and ``failure`` what ended the run early, or why its receipt is incomplete.
    """

    summary: Summary
    commands: NextCommands = DEFAULT_COMMANDS
    receipt: str | None = None
    undo: Command | None = None
    failure: HaloError | None = None
    held: str | None = None

    @property
    def exit_code(self) -> int:
        """Return the code of the run; one that went well but for its receipt has not gone well."""
        return self.summary.exit_code or (exit_codes.PARTLY_APPLIED if self.failure else exit_codes.OK)


def total_summary(summaries: Iterable[Summary]) -> Summary:
    """Return several runs as one."""
    found = tuple(summaries)
    events = tuple(event for summary in found for event in summary.events)
    return Summary(events, is_interrupted=any(summary.is_interrupted for summary in found))


def summarize(changes: Iterable[Change], events: Iterable[Event], *, is_interrupted: bool = False) -> Summary:
    """Fold the events of a run: how each change ended, in plan order.

    A change without an event was not started; one that was started and has not ended is unknown.
    """
    last = {id(event.change): event for event in events}
    outcomes = (last.get(id(change), Event(change, Status.NOT_STARTED)) for change in changes)
    return Summary(tuple(map(_settled, outcomes)), is_interrupted=is_interrupted)


_LATER: Final = Hint("run `{}` in a minute to see the result", Command("plan"))


def _settled(event: Event) -> Event:
    if event.status.is_final:
        return event
    message = "it was in progress when the run was interrupted"
    return event._replace(status=Status.UNKNOWN, message=message, hint=_LATER)
