"""Starting runs and waiting for them, as commands do: Ctrl-C loses no run that was started.

See docs/semantics.md#costly-calls and docs/semantics.md#one-off-runs.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader, RunWriter
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import WaitOptions
from halo_iac.cli.reports.output import format_fields
from halo_iac.cli.runs.progress import log_runs
from halo_iac.cli.runs.started import CostlyCall, StartedRuns, interrupted_runs_error
from halo_iac.cli.signals import Handler, ending_signals, is_repeated_by_itself
from halo_iac.errors import HaloError, InterruptedRun, PlatformError
from halo_iac.hints import Command, Hint
from halo_iac.render.json import document
from halo_iac.render.text.table import record
from halo_iac.runs.polling import Polling, start, wait
from halo_iac.workers import Task, run_concurrently

if TYPE_CHECKING:
    from halo_iac.model.runs import StartedRun
    from halo_iac.runs.polling import RunSnapshot

CANCEL_WINDOW: Final = 5.0
"""Seconds after Ctrl-C during which a second one cancels the runs."""

Attempt = Callable[["RunWriter"], "StartedRun"]


class RunSession:
    """A project on a platform, and the record of the runs that one command starts there.

    From its creation on, the record decides how the command ends.
    """

    def __init__(self, context: CommandContext, connection: Connection) -> None:
        self.context = context
        self.connection = connection
        self.started_runs = StartedRuns(context)


class RunStarter:
    """Starts runs one after the other; a context manager in which Ctrl-C waits for the response under way.

    Only the response has the id of a run that costs money. So the first Ctrl-C only prevents further runs, and a second
    one stops waiting. After the first, the block ends with the interrupt, unless ``ignores_interrupt`` is set.
    """

    def __init__(self, session: RunSession, *, ignores_interrupt: bool = False) -> None:
        self._stop = threading.Event()
        self._retry = session.connection.retry(self._stop)
        self._writer = RunWriter(session.connection.transport)
        self._console = session.context.console
        self._runs = session.started_runs
        self._ignores_interrupt = ignores_interrupt
        self._handlers: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        self._handlers = ending_signals()
        for number in self._handlers:
            signal.signal(number, self._defer)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if kind is None and self._stop.is_set() and not self._ignores_interrupt:
            raise KeyboardInterrupt

    def _defer(self, number: int, _frame: object) -> None:
        if self._stop.is_set():
            if is_repeated_by_itself(number):
                return
            raise KeyboardInterrupt
        self._stop.set()
        with suppress(RuntimeError):  # the signal interrupted the writing of a line, and a stream writes one at a time
            self._console.log("Waiting for the response, so that no run is lost. Press Ctrl-C again to stop waiting.")

    @property
    def is_stopped(self) -> bool:
        """Return whether no more runs are started."""
        return self._stop.is_set()

    def start(self, attempt: Attempt, call: CostlyCall) -> StartedRun:
        """Start one run in its own thread, since Ctrl-C does not interrupt a wait for a socket."""

        def work() -> Iterator[StartedRun]:
            if not self._stop.is_set():
                started = self._runs.make_call(
                    call, lambda: start(lambda: attempt(self._writer), self._retry, what=call.what, check=call.check)
                )
                yield from () if started is None else (started,)

        for started in run_concurrently([Task(work)], 1):
            return started
        raise KeyboardInterrupt  # it came before the request was sent


def start_one(session: RunSession, attempt: Attempt, call: CostlyCall) -> StartedRun:
    """Start a single run and return it, even after one Ctrl-C, so that its id is not lost."""
    with RunStarter(session, ignores_interrupt=True) as starter:
        return starter.start(attempt, call)


def show_started(context: CommandContext, started: StartedRun) -> int:
    """Write a run that was started, and how to wait for it."""
    console = context.console
    if console.wants_json:
        console.print(document(started.wire))
    else:
        console.print(record(format_fields(started.wire), console.out_style))
        console.log(Hint("Wait for it: {}", Command("run", "poll", started.run_id)))
    return 0


# Wait ---------------------------------------------------------------------------------------------------------------


def wait_for_runs(session: RunSession, names: Mapping[str, str], waiting: WaitOptions) -> Mapping[str, RunSnapshot]:
    """Wait for runs and show their progress; return the last snapshot of each.

    ``names`` maps run ids to names. Ctrl-C leaves them running and prints how to resume
    (:class:`~halo_iac.errors.InterruptedRun`); on a terminal a second one cancels them.
    """
    gc.enable()  # this may take half an hour
    console = session.context.console
    reader = RunReader(session.connection.transport, Retry(attempts=1))
    pace = Polling(*waiting, pause=console.retry_policy.sleep)
    last: dict[str, RunSnapshot] = {}
    try:
        for seen in log_runs(wait(reader, [*names], pace, with_events=console.shows_progress), console, names):
            last[seen.run_id] = seen
            if seen.is_over:
                session.started_runs.mark_ended(seen.run_id)
    except KeyboardInterrupt:
        going = [run_id for run_id in names if run_id not in last or not last[run_id].is_over]
        raise _stop_waiting(session, going) from None
    finally:
        pace.stop.set()
    return last


def unfinished_reason(seen: RunSnapshot, name: str | None = None) -> HaloError:
    """Return why watching a run stopped before it ended; ``name`` is the run's name in messages."""
    run = f"run {seen.run_id}{f' of {name}' if name else ''}"
    if seen.read_error is not None and not seen.read_error.is_transient:
        return HaloError(f"{run} cannot be watched: {seen.read_error.message}", hint=seen.read_error.hint)
    resume = Hint("run `{}` to keep waiting", Command("run", "poll", seen.run_id))
    if seen.read_error is not None:
        return HaloError(f"timed out waiting, and {run} cannot be read: {seen.read_error.message}", hint=resume)
    return HaloError(f"timed out waiting; {run} is still {seen.status} and continues", hint=resume)


def _stop_waiting(session: RunSession, going: Sequence[str]) -> InterruptedRun:
    console = session.context.console
    if going and console.shows_progress:
        many = "The run goes" if len(going) == 1 else f"{len(going)} runs go"
        try:
            console.log(f"{many} on. Press Ctrl-C again within {CANCEL_WINDOW:.0f} s to cancel.")
            threading.Event().wait(CANCEL_WINDOW)
        except KeyboardInterrupt:
            return _cancel(session, going)
    return interrupted_runs_error(going)


def _cancel(session: RunSession, going: Sequence[str]) -> InterruptedRun:
    writer, retry = RunWriter(session.connection.transport), session.connection.retry()
    failed = []
    check = Hint("run `{}` to check", Command("run", "poll", *going))
    session.started_runs.interrupt_error = InterruptedRun(
        "interrupted while cancelling runs; they may continue", hint=check
    )
    for run_id in going:
        try:
            retry(lambda _: writer.cancel(run_id))  # noqa: B023 - called at once
            session.started_runs.mark_ended(run_id)
        except PlatformError as error:
            failed.append(f"run {run_id} could not be cancelled and continues: {error.message}")
    if failed:
        return InterruptedRun("\n".join(failed), hint=Hint("run `{}` to try again", Command("run", "cancel", "ID")))
    return InterruptedRun(f"cancellation of {'the run' if len(going) == 1 else f'{len(going)} runs'} was requested")
