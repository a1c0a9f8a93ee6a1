"""The record of the runs that a command has started, which determines how an interrupted command ends.

Starting a run costs money, and only the response has the run's id. So the thread that sends a request records it here
before, and the response as soon as it arrives. A signal interrupts only the main thread, so it cannot prevent either.
Wherever a command is interrupted, its error is made from this record.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halo_iac.cli.signals import NOTHING_CHANGED
from halo_iac.errors import HaloError, InterruptedRun, UnknownOutcome
from halo_iac.hints import Command, Hint, join_hints

if TYPE_CHECKING:
    from halo_iac.cli.context import CommandContext
    from halo_iac.model.runs import RunRequest, StartedRun


@dataclass(eq=False, slots=True)
class CostlyCall:
    """A call that starts a run: ``what`` it starts, and ``check``, the command that shows whether it was started.

    ``result`` returns the command that shows what the started run has written.
    """

    what: str
    check: Command
    result: Callable[[StartedRun], Command] = lambda started: Command("report", "get", started.run_id)
    started: StartedRun | None = None
    error: HaloError | None = None
    is_over: bool = False

    @property
    def is_unknown(self) -> bool:
        """Return whether it may have started a run whose id is unknown."""
        return self.started is None and isinstance(self.error, UnknownOutcome | None)


def creation_call(request: RunRequest) -> CostlyCall:
    """Return the call that starts a one-off run."""
    return CostlyCall(f"a run of {request.name}", Command("report", "list", "--agent", request.agent))


class StartedRuns:
    """Every costly call of one command, in order; thread-safe."""

    def __init__(self, context: CommandContext) -> None:
        self._calls: list[CostlyCall] = []
        self._lock = threading.Lock()
        self._is_closed = False
        self.interrupt_error: InterruptedRun | None = None
        """The error that an interrupt ends with at this moment, if it is not about starting a run."""
        self._ending: HaloError | None = None
        self._context = context
        context.console.final_error = self.final_error

    def make_call(self, call: CostlyCall, attempt: Callable[[], StartedRun]) -> StartedRun | None:
        """Make a call and return the run that it started, or ``None`` if the command has ended; from any thread."""
        with self._lock:
            if self._is_closed:
                return None
            self._calls.append(call)
        try:
            call.started = attempt()
        except HaloError as error:
            if not self._context.closing.is_set():  # otherwise the command itself has closed the connection
                call.error = error
            raise
        return call.started

    def mark_ended(self, run_id: str) -> None:
        """Record that a run has finished or was cancelled."""
        for call in self._calls:
            if call.started is not None and call.started.run_id == run_id:
                call.is_over = True

    def final_error(self, error: HaloError | None) -> HaloError:
        """Return the error that a command ends with, given its cause: ``None`` for an interrupt.

        It names every call with an unknown outcome that was not reported yet, and every run that continues.
        """
        with self._lock:
            self._is_closed = True  # no further call is made
        if self._ending is not None:  # a second interrupt, while this was being printed
            return self._ending
        if not self._calls and self.interrupt_error is None:
            return error or InterruptedRun(NOTHING_CHANGED)
        failed = {id(call.error): call.error for call in self._calls if call.error is not None}
        messages = [*self._unknown_messages(), *(each for each in failed.values() if each is not error)]
        if error is None:
            messages += self._interrupt_messages()
        else:
            messages += [error, *self._running_messages(f"{error.message}\n{error.hint}")]
        ending = error or InterruptedRun("")
        ending.message = "\n".join(each.message for each in messages)
        ending.hint = join_hints("\n", (each.hint for each in messages)) or None
        self._ending = ending
        return ending

    def _unknown_messages(self) -> list[HaloError]:
        return [
            InterruptedRun(
                f"interrupted while starting {call.what}; it may or may not have been started",
                hint=Hint("run `{}` to check before you start another one", call.check),
            )
            for call in self._calls
            if call.is_unknown and call.error is None
        ]

    def _running_messages(self, messages: str = "") -> list[HaloError]:
        ids = [call.started.run_id for call in self._calls if call.started is not None and not call.is_over]
        going = [run_id for run_id in ids if run_id not in messages]
        return [interrupted_runs_error(going)] if going else []

    def _interrupt_messages(self) -> list[HaloError]:
        """Return the message for an interrupt: runs that continue, runs that have ended, or none."""
        if self.interrupt_error is not None:
            return [self.interrupt_error]
        left = self._running_messages()
        over = {call.started.run_id: call.result(call.started) for call in self._calls if call.started and call.is_over}
        if over:
            commands = join_hints(" and ", (Hint("`{}`", command) for command in over.values()))
            message = f"{'run' if len(over) == 1 else 'runs'} {' '.join(over)} ended before the interrupt"
            left.append(InterruptedRun(message, hint=Hint("to read the result, run {}", commands)))
        if left or any(call.is_unknown for call in self._calls):
            return left  # whether a run goes on is not known
        return [interrupted_runs_error(())]


def interrupted_runs_error(going: Sequence[str]) -> InterruptedRun:
    """Return the end of a command that stops waiting for runs, and how to resume."""
    if not going:
        return InterruptedRun("interrupted; no run is in progress")
    resume = Command("run", "poll", *going)
    many = "the run goes" if len(going) == 1 else f"{len(going)} runs go"
    return InterruptedRun(f"stopped waiting; {many} on", hint=Hint("run `{}` to resume", resume))
