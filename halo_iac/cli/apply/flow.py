"""What ``apply`` and ``undo`` share: confirm, carry out the plan with a receipt, and report the outcome."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from halo_iac import exit_codes
from halo_iac.apply import apply
from halo_iac.apply.context import RateLimiter
from halo_iac.cli.apply.confirm import blocked_error, confirm
from halo_iac.cli.apply.outcome import apply_outcome
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.plan.request import ProjectRun, exit_code
from halo_iac.cli.progress import log_events
from halo_iac.cli.signals import STOPPING, ending_signals, is_repeated_by_itself
from halo_iac.errors import FileError, HaloError, InterruptedRun
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.model.apply_result import ApplyOutcome, Event, NextCommands, Status, Summary, summarize
from halo_iac.model.finding import errors
from halo_iac.model.plan import Change, Plan, combine_plans
from halo_iac.render.formats import ProjectPlan
from halo_iac.render.style import file_heading
from halo_iac.render.text.apply import summary_text
from halo_iac.render.text.plan import plan_text
from halo_iac.render.text.plans import outcomes_text, plans_text
from halo_iac.storage.receipt_file import ReceiptFile, new_receipt
from halo_iac.workers import StopSignal

_MAX_RATE_WAIT_SECONDS: Final = 10
"""The most seconds that a change may wait because of --max-rps; the wait counts towards its operation's time limit."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is carried out: the options of the command, and the words for messages about it.

    ``command`` has the words of the command that continues the run, ``plan_flags`` the options that limit its plan.
    ``question`` is the confirmation, ``reason`` is written to the receipt. ``on_end`` is called with the summary of the
    run, ``None`` if there was nothing to do; a :class:`~halo_iac.errors.HaloError` that it raises ends the run.
    ``receipt`` is a file, for several project files a folder; with ``keep_going``, the next file is started after one
    that failed.
    """

    yes: bool
    concurrency: int
    max_rps: float
    receipt: str | None
    question: str = "Apply {changes} to {platform}"
    command: Sequence[str] = ("apply",)
    plan_flags: Sequence[str] = ()
    reason: str | None = None
    on_end: Callable[[Summary | None], None] = lambda _: None
    keep_going: bool = False

    @property
    def next_commands(self) -> NextCommands:
        """Return the command that continues the run, and the one that shows what is left to do."""
        return NextCommands(Command(*self.command, *self.plan_flags), Command("plan", *self.plan_flags))


def show_plans(context: CommandContext, runs: Sequence[ProjectRun], *, unchanged_state: str = "as declared") -> None:
    """Write the plans as text; ``unchanged_state`` is the message about schedules without changes."""
    console = context.console
    style, now = console.out_style, console.clock()
    if context.is_list:
        plans = [ProjectPlan(run.planned, run.planned, format_command=run.context.format_command) for run in runs]
        console.print(plans_text(plans, style, now=now))
    else:
        console.print(plan_text(runs[0].planned, style, now=now, unchanged_state=unchanged_state))


def run_apply(context: CommandContext, results: OutputWriter, runs: Sequence[ProjectRun], options: ApplyOptions) -> int:
    """Ask for confirmation once, carry out the plans file by file, and return the exit code."""
    console, plans = context.console, [run.planned for run in runs]
    total = combine_plans(plans)
    if not total.blocking_violations and not total.changes and not errors(total.findings):
        options.on_end(None)
        return _finish(context, results, runs)
    if not confirm(console, plans, options.question, yes=options.yes, is_document=results.is_document):
        _write_result(context, results, runs)
        return exit_code(total, is_refused=True)
    console.final_error = _ending
    return _finish(context, results, _execute_all(context, runs, options))


def _execute_all(context: CommandContext, runs: Sequence[ProjectRun], options: ApplyOptions) -> Sequence[ProjectRun]:
    """Carry out one plan after the other; after a failure, start the next only with ``keep_going``."""
    ended: list[ProjectRun] = []
    is_over = False
    for run in runs:
        outcome = None
        if run.planned.changes and is_over:
            outcome = ApplyOutcome(summarize(run.planned.changes, ()), options.next_commands)
        elif run.planned.changes:
            outcome = _execute_one(context, run, options)
            try:
                options.on_end(outcome.summary)
            except HaloError as error:
                outcome = outcome._replace(failure=outcome.failure or error)
            is_over = outcome.summary.is_interrupted or (outcome.exit_code != 0 and not options.keep_going)
        ended.append(run._replace(outcome=outcome))
    return ended


def _execute_one(context: CommandContext, run: ProjectRun, options: ApplyOptions) -> ApplyOutcome:
    if not context.is_list:
        return _execute(context, run, options)
    console = context.console
    console.log(file_heading(run.planned.file, console.err_style))
    with _printing_commands_for(run.context):
        try:
            return _execute(context, run, options)
        except HaloError as error:  # before a request of it was sent; the outcomes of earlier files are reported
            return ApplyOutcome(summarize(run.planned.changes, ()), options.next_commands, failure=error)


@contextmanager
def _printing_commands_for(context: CommandContext) -> Iterator[None]:
    """Within the block, printed commands name this one of several project files."""
    console = context.console
    before, console.format_command = console.format_command, context.format_command
    try:
        yield
    finally:
        console.format_command = before


_SEE_REST: Final = Hint("run `{}` to see what is left to do", Command("plan"))


def _ending(error: HaloError | None) -> HaloError:
    """Return the error of a run that was interrupted a second time, even after its summary was written."""
    return error or InterruptedRun("interrupted while changes were being made", hint=_SEE_REST)


def _execute(around: CommandContext, run: ProjectRun, options: ApplyOptions) -> ApplyOutcome:
    context, planned = run.context, run.planned
    receipt = new_receipt(
        options.receipt,
        planned.host,
        private_folder=context.private_folder,
        cwd=context.cwd,
        now=context.console.clock(),
        redact=context.console.redacted,
        reason=options.reason,
        in_folder=around.is_list,
    )
    failure: HaloError | None = None
    try:
        summary, failure = _execute_recorded(context, planned, options, receipt)
    finally:
        try:
            receipt.close()
        except FileError as error:
            failure = error
    return apply_outcome(context, planned, summary, receipt, options.next_commands, failure)


def _execute_recorded(
    context: CommandContext, planned: Plan, options: ApplyOptions, receipt: ReceiptFile
) -> tuple[Summary, HaloError | None]:
    """Carry out the plan, and return its summary and the error that ended it early, if any."""
    stop_signal = StopSignal()
    connection = context.observed_connection.rate_limited(RateLimiter(options.max_rps, stop_signal.stopping))
    begun: list[Change] = []
    events: list[Event] = []
    failure = None

    def keep(event: Event) -> Event:
        """Keep an event before it is displayed, since the display may fail."""
        events.append(event)
        return event

    with _stopping_on_signals(stop_signal, context.console), suppress(KeyboardInterrupt):
        running = apply(
            planned,
            connection.single_attempt_reader(),
            connection.writer(),
            stop_signal=stop_signal,
            # Each wait is an event of its change, so none is logged besides.
            retry=replace(connection.retry(stop_signal.interrupted, is_run=True), on_retry=None),
            concurrency=min(options.concurrency, ceil(options.max_rps * _MAX_RATE_WAIT_SECONDS)),
            recorder=receipt,
            check_after=context.console.retry_policy.check_after,
            begun=begun.append,
        )
        running = map(keep, running)
        logged = log_events(running, context.console, len(planned.changes), is_stopping=stop_signal.interrupted.is_set)
        try:
            deque(logged, maxlen=0)
        except Exception as error:  # noqa: BLE001 - whatever ends the run, what was written is reported
            stop_signal.stop()
            failure = _early_end(error)
            with suppress(Exception):
                deque(running, maxlen=0)  # changes that have begun are completed
    # An interrupt may come before the event of a change that is under way.
    started = (Event(change, Status.STARTED, change.id) for change in begun)
    return summarize(planned.changes, (*started, *events), is_interrupted=stop_signal.interrupted.is_set()), failure


def _early_end(error: Exception) -> HaloError:
    if isinstance(error, HaloError):
        return error
    if isinstance(error, MemoryError):
        return HaloError("the run ended early: out of memory", hint="free some memory, then apply again")
    return HaloError(f"the run ended early: {_describe_error(error)}", hint=_SEE_REST)


def _describe_error(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def _stopping_on_signals(stop_signal: StopSignal, console: Console) -> Iterator[None]:
    """Within the block, Ctrl-C and similar signals let no new change start; a second one ends all waiting."""

    def handle(number: int, _frame: object) -> None:
        if stop_signal.interrupted.is_set():
            if is_repeated_by_itself(number):
                return
            raise KeyboardInterrupt
        stop_signal.interrupt()
        if not console.shows_progress:
            # The signal may have interrupted the writing of a line; a stream cannot be written to twice at once.
            with suppress(RuntimeError):
                console.log(STOPPING)

    before = ending_signals()
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(context: CommandContext, results: OutputWriter, runs: Sequence[ProjectRun]) -> int:
    """Write the outcome; if that fails, the exit code still tells how the run ended.

    A successful run whose outcome cannot be written counts as failed, since its reader needs to know.
    """
    console = context.console
    outcomes = [run.outcome for run in runs if run.outcome is not None]
    has_written = any(outcome.summary.has_written for outcome in outcomes)
    failure: HaloError | None = None
    try:
        _write_result(context, results, runs)
    except BrokenPipeError:
        pass  # the pipe was closed by its reader
    except (HaloError, OSError, MemoryError) as error:
        if not outcomes:
            raise
        failure = error if isinstance(error, HaloError) else FileError(f"the summary: {_describe_error(error)}")
    code = exit_codes.most_serious(map(_exit_code, runs))
    if has_written and code in {exit_codes.FAILED, exit_codes.REFUSED}:
        code = exit_codes.PARTLY_APPLIED
    if outcomes and failure is not None:
        code = code or (exit_codes.PARTLY_APPLIED if has_written else exit_codes.FAILED)
        console.print_error(failure, exit_code=code)
    plans = [run.planned for run in runs]
    if any(plan.blocked for plan in plans):
        console.print_error(blocked_error(plans, code))
    for run in runs:
        with _printing_commands_for(run.context):
            _print_receipt(console, run.outcome, code)
    return code


def _exit_code(run: ProjectRun) -> int:
    if run.outcome is None:
        return exit_code(run.planned)
    return run.outcome.exit_code or exit_code(run.planned, run.outcome.summary)


def _write_result(context: CommandContext, results: OutputWriter, runs: Sequence[ProjectRun]) -> None:
    """Write the plans and their outcomes; as text, only the outcomes, since the plans were shown already."""
    rest, style = None, context.console.out_style
    plans = [ProjectPlan(run.planned, run.planned, run.outcome, run.context.format_command) for run in runs]
    if not results.is_document and context.is_list:
        rest = outcomes_text(plans, style)
    elif not results.is_document:
        outcome = runs[0].outcome
        rest = "" if outcome is None else summary_text(outcome.summary, style, outcome.commands)
    results.write_applied(plans, rest=rest)


def _print_receipt(console: Console, outcome: ApplyOutcome | None, code: int) -> None:
    """Print the path of the receipt, which JSON output contains already."""
    if outcome is None:
        return
    if outcome.failure is not None:
        console.print_error(outcome.failure, exit_code=code)
    if outcome.receipt is None or console.wants_json:
        return
    receipt, once = f"Receipt: {outcome.receipt}", ""
    if outcome.held is not None:
        once = f", once `protect:` no longer covers {outcome.held!r}"
    way = Hint("; run `{}` to undo what was done{}", outcome.undo, once) if outcome.undo else ""
    console.log(console.err_style.safe(join_hints("", (receipt, way, "."))))
