"""What ``apply`` and ``undo`` share: confirm, carry out the plan with a receipt, and report the outcome."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from halo_iac.apply.context import RateLimiter
from halo_iac.cli.apply_outcome import apply_outcome
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.plan_request import exit_code
from halo_iac.cli.progress import log_events
from halo_iac.cli.signals import STOPPING, handling_signals, is_repeated_by_itself
from halo_iac.errors import BlockedError, FileError, FindingError, HaloError, InterruptedRun, RefusedError
from halo_iac.hints import Command, Hint, joined
from halo_iac.model.apply_result import ApplyOutcome, Event, NextCommands, Summary, summarize
from halo_iac.model.finding import Finding, errors
from halo_iac.pipeline import apply_plan
from halo_iac.render.style import PLAIN
from halo_iac.render.text.apply import summary_text
from halo_iac.render.text.plan import plan_text
from halo_iac.render.values import listed
from halo_iac.storage.receipt_file import ReceiptFile, new_receipt
from halo_iac.text import counted
from halo_iac.workers import StopSignal

if TYPE_CHECKING:
    from halo_iac.model.plan import Blocked, Plan

_LONGEST_TURN: Final = 10
"""Seconds that a change may wait for its turn under --max-rps: the wait counts towards what an operation may take."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is carried out: what the command line says, and what the command is called in what is said.

    ``again`` are the words of the command that goes on from there, ``limits`` the options that a plan of it needs too.
    ``question`` is what is asked first, ``reason`` is kept in the receipt. ``then`` is told how the run ended, ``None``
    where there was nothing to do; a :class:`~halo_iac.errors.HaloError` of it is one of the run.
    """

    yes: bool
    concurrency: int
    max_rps: float
    receipt: str | None
    question: str = "Apply {changes} to {platform}"
    again: Sequence[str] = ("apply",)
    limits: Sequence[str] = ()
    reason: str | None = None
    then: Callable[[Summary | None], None] = lambda _: None


def show_plan(console: Console, planned: Plan, *, as_wanted: str = "as declared") -> None:
    """Write the plan as text; ``as_wanted`` is what is said of schedules that nothing is planned for."""
    console.print(plan_text(planned, console.out_style, now=console.clock(), as_wanted=as_wanted))


def run_apply(context: CommandContext, results: OutputWriter, planned: Plan, options: ApplyOptions) -> int:
    """Ask, carry out a plan that was shown, and return the exit code."""
    console = context.console
    if not planned.blocking_violations and not planned.changes and not errors(planned.findings):
        options.then(None)
        return _finish(console, results, planned, None)
    if not _confirm(console, planned, options, is_document=results.is_document):
        _write_result(console, results, planned, None)
        return exit_code(planned, is_refused=True)
    console.final_error = _ending
    return _finish(console, results, planned, _followed(_execute(context, planned, options), options))


def _followed(outcome: ApplyOutcome, options: ApplyOptions) -> ApplyOutcome:
    try:
        options.then(outcome.summary)
    except HaloError as error:
        return outcome._replace(trouble=outcome.trouble or error)
    return outcome


_SEE_REST: Final = Hint("run `{}` to see what is left to do", Command("plan"))


def _ending(error: HaloError | None) -> HaloError:
    """Return what a run ends with that is interrupted once too often, even after its summary was written."""
    return error or InterruptedRun("interrupted while changes were being made", hint=_SEE_REST)


def _confirm(console: Console, planned: Plan, options: ApplyOptions, *, is_document: bool) -> bool:
    """Say whether the plan may be carried out; why not is said here, whether a rule, a guard or a person says no."""
    failing = errors(planned.findings)
    if failing:
        console.print_error(_failed(failing, is_above=not is_document))
        return False
    code = exit_code(planned, is_refused=True)
    if planned.blocking_violations:
        message = _refused(planned, is_above=not is_document)
        console.print_error(RefusedError(message, hint="nothing was changed"), exit_code=code)
        return False
    if options.yes:
        return True
    if is_document or not console.is_interactive:
        reason = "the output format is for programs" if is_document else "stdin is not a terminal"
        message = f"cannot ask for confirmation: {reason}; nothing was changed"
        console.print_error(RefusedError(message, hint="pass --yes once the plan has been reviewed"), exit_code=code)
        return False
    count = len(planned.changes)
    question = options.question.format(
        changes=counted(count, "change"), schedules=counted(count, "schedule"), platform=planned.host.base_url
    )
    question = console.err_style.safe(f"{question}? Only `yes` is accepted: ")
    is_agreed = console.prompt(f"\n{question}").lower() == "yes"
    if not is_agreed:
        console.log("Nothing was changed.")
    return is_agreed


def _failed(findings: Sequence[Finding], *, is_above: bool) -> FindingError:
    hint = "nothing was changed; fix each finding, or set its rule to `warning` under `findings:`"
    if not is_above:
        return FindingError("\n".join(f"{finding.rule}: {finding.message}" for finding in findings), hint=hint)
    count = len(findings)
    message = "a finding above is an error" if count == 1 else f"{count} findings above are errors"
    return FindingError(message, hint=hint)


def _refused(planned: Plan, *, is_above: bool) -> str:
    count = len(planned.blocking_violations)
    if is_above:
        return f"the plan is refused for the {'reason' if count == 1 else f'{count} reasons'} above"
    stopping = planned.blocking_violations
    return joined("\n", (Hint("{}; to permit it: {}", each.message, each.override) for each in stopping))


def _blocked(blocked: Sequence[Blocked], code: int) -> BlockedError:
    """Return why a run that went well for everything else has not: its last lines would say nothing of it."""
    names = listed([entry.key for entry in blocked], PLAIN)
    entries = counted(len(blocked), "entry is", "entries are")
    message = f"{entries} blocked; nothing was changed for {names}"
    hint = "fix the reasons that the plan shows, then run the command again"
    return BlockedError(message, exit_code=code, hint=hint)


def _execute(context: CommandContext, planned: Plan, options: ApplyOptions) -> ApplyOutcome:
    receipt = new_receipt(
        options.receipt,
        planned.host,
        private_folder=context.private_folder,
        cwd=context.cwd,
        now=context.console.clock(),
        redact=context.console.redacted,
        reason=options.reason,
    )
    trouble: HaloError | None = None
    try:
        summary, trouble = _execute_recorded(context, planned, options, receipt)
    finally:
        try:
            receipt.close()
        except FileError as error:
            trouble = error
    commands = NextCommands(Command(*options.again, *options.limits), Command("plan", *options.limits))
    return apply_outcome(context, planned, summary, receipt, commands, trouble)


def _execute_recorded(
    context: CommandContext, planned: Plan, options: ApplyOptions, receipt: ReceiptFile
) -> tuple[Summary, HaloError | None]:
    """Carry out the plan, and return its summary and the error that ended it early, if any."""
    stop_signal = StopSignal()
    connection = context.observed.rate_limited(RateLimiter(options.max_rps, stop_signal.stopping))
    events: list[Event] = []
    trouble = None

    def kept(event: Event) -> Event:
        """Keep an event before it is told: telling may fail, and what has happened has happened."""
        events.append(event)
        return event

    with _stopping_on_signals(stop_signal, context.console), suppress(KeyboardInterrupt):
        happening = apply_plan(
            planned,
            connection.single_attempt_reader(),
            connection.writer(),
            stop_signal=stop_signal,
            # Each wait is an event of its change, so none is logged besides.
            retry=replace(connection.retry(stop_signal.interrupted, is_run=True), on_retry=None),
            concurrency=min(options.concurrency, ceil(options.max_rps * _LONGEST_TURN)),
            recorder=receipt,
            looks=context.console.retry_policy.looks,
        )
        happening = map(kept, happening)
        told = log_events(happening, context.console, len(planned.changes), is_stopping=stop_signal.interrupted.is_set)
        try:
            deque(told, maxlen=0)
        except Exception as error:  # noqa: BLE001 - what was written is told, whatever ends the run
            stop_signal.stop()
            trouble = _early_end(error)
            with suppress(Exception):
                deque(happening, maxlen=0)  # what is under way comes to its end
    return summarize(planned.changes, events, is_interrupted=stop_signal.interrupted.is_set()), trouble


def _early_end(error: Exception) -> HaloError:
    if isinstance(error, HaloError):
        return error
    if isinstance(error, MemoryError):
        return HaloError("the run ended early: out of memory", hint="free some memory, then apply again")
    return HaloError(f"the run ended early: {_reason(error)}", hint=_SEE_REST)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def _stopping_on_signals(stop_signal: StopSignal, console: Console) -> Iterator[None]:
    """Let Ctrl-C, and what else asks to end, start nothing new; a second one does not wait for what is in flight."""

    def handle(number: int, _frame: object) -> None:
        if stop_signal.interrupted.is_set():
            if is_repeated_by_itself(number):
                return
            raise KeyboardInterrupt
        stop_signal.interrupt()
        if not console.shows_progress:
            with suppress(RuntimeError):  # it came in the middle of another line, and a stream takes one at a time
                console.log(STOPPING)

    before = handling_signals()
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(console: Console, results: OutputWriter, planned: Plan, outcome: ApplyOutcome | None) -> int:
    """Write how it ended; where that cannot be written, the code still says how the run ended.

    A run that went well but for that has not gone well: what reads its result has to know.
    """
    trouble: HaloError | None = None
    try:
        _write_result(console, results, planned, outcome)
    except BrokenPipeError:
        pass  # whoever read this has gone, and knows why
    except (HaloError, OSError, MemoryError) as error:
        if outcome is None:
            raise
        trouble = error if isinstance(error, HaloError) else FileError(f"the summary: {_reason(error)}")
    code = exit_code(planned) if outcome is None else outcome.exit_code or exit_code(planned, outcome.summary)
    if outcome is not None and trouble is not None:
        code = code or (4 if outcome.summary.has_written else 1)
        console.print_error(trouble, exit_code=code)
    if planned.blocked:
        console.print_error(_blocked(planned.blocked, code))
    if outcome is not None:
        _print_receipt(console, outcome, code)
    return code


def _write_result(console: Console, results: OutputWriter, planned: Plan, outcome: ApplyOutcome | None) -> None:
    """Write the plan and what came of it; as text, the plan has been shown already."""
    rest = None
    if not results.is_document:
        rest = "" if outcome is None else summary_text(outcome.summary, console.out_style, outcome.commands)
    results.put(lambda view: view.applied(planned, outcome), rest=rest)


def _print_receipt(console: Console, outcome: ApplyOutcome, code: int) -> None:
    """Tell of the receipt, which JSON has in it already."""
    if outcome.trouble is not None:
        console.print_error(outcome.trouble, exit_code=code)
    if outcome.receipt is None or console.wants_json:
        return
    receipt, once = f"Receipt: {outcome.receipt}", ""
    if outcome.held is not None:
        once = f", once `protect:` no longer covers {outcome.held!r}"
    way = Hint("; run `{}` to undo what was done{}", outcome.undo, once) if outcome.undo else ""
    console.log(console.err_style.safe(joined("", (receipt, way, "."))))
