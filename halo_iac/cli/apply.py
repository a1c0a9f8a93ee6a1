"""``halo apply``: carry out the plan."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.command import at_work
from halo_iac.cli.console import Console
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import DocumentError, FileError, FindingError, HaloError, InterruptedRun, RefusedError
from halo_iac.model.finding import Finding, errors
from halo_iac.render.words import counted

if TYPE_CHECKING:
    from halo_iac.cli.results import Results
    from halo_iac.model.change import Plan
    from halo_iac.model.outcome import Event, Summary
    from halo_iac.render.style import Style

_PATIENCE: Final = 10
"""Seconds that a change may wait for its turn under --max-rps: the wait counts towards what an operation may take."""


@at_work
def apply(
    workplace: Workplace,
    plan_file: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A plan saved by `halo plan --out`: do that and nothing else."),
    ] = None,
    target: options.Target = None,
    yes: options.Yes = False,
    allow_archive: options.AllowArchive = 0,
    allow_create: options.AllowCreate = None,
    protect: options.Protect = None,
    undeclared: options.Undeclared = None,
    require_head: options.RequireHead = None,
    concurrency: options.Concurrency = 8,
    max_rps: options.MaxRps = 50,
    also: options.Also = None,
    format: options.ReviewFormatOption = options.ReviewFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show the plan, ask, and carry it out.

    Afterwards the platform is what the files say. Without a terminal it needs --yes.

    Exit codes: 0 done or nothing to do, 1 failed, 3 refused or declined, 4 partly applied, 5 an outcome is unknown,
    130 interrupted.

    \b
    Examples:
      halo apply
      halo apply --yes
      halo apply plan.json --yes
      halo apply --yes --also json=applied.json
    """
    from halo_iac.cli.planning import as_shown, exit_code, make_plan, show_plan, wish
    from halo_iac.cli.results import Results

    saved = _read_saved(plan_file) if plan_file is not None else None
    workplace.tighten(protect, undeclared)
    with Results(workplace, format, also) as results:
        if require_head is not None:
            from halo_iac.cli.base import require_head as check

            check(workplace, require_head)
        planned = as_shown(workplace, make_plan(workplace, wish(target, allow_archive, allow_create, saved=saved)))
        if not results.is_document:
            show_plan(workplace, planned, as_json=False)
        if not planned.stopping and not planned.changes and not errors(planned.findings):
            return _finish(workplace.console, results, planned, None)
        if not _is_agreed(workplace.console, planned, yes=yes, is_document=results.is_document):
            _put(results, planned, None)
            return exit_code(planned, is_refused=True)
        try:
            return _finish(workplace.console, results, planned, _carry_out(workplace, planned, concurrency, max_rps))
        except KeyboardInterrupt:  # one too many, while the summary was written
            hint = "`halo plan` shows what is left to do"
            raise InterruptedRun("interrupted while changes were being made", hint=hint) from None


def _read_saved(name: str) -> Plan:
    from halo_iac.cli.files import read_bytes
    from halo_iac.render.json import MAX_PLAN_BYTES, read_plan

    hint = "PLAN is what `halo plan --out` saved; a project file goes with --file, an entry with --target"
    try:
        return read_plan(read_bytes(Path(name), MAX_PLAN_BYTES))
    except DocumentError as error:
        raise DocumentError(f"{name}: {error.message}", hint=error.hint or hint) from None
    except FileError as error:
        raise FileError(error.message, hint=hint) from None


def _is_agreed(console: Console, planned: Plan, *, yes: bool, is_document: bool) -> bool:
    """Say whether the plan may be carried out; why not is said here, whether a rule, a guard or a person says no."""
    failing = errors(planned.findings)
    if failing:
        console.tell(_failed(failing, is_above=not is_document))
        return False
    if planned.stopping:
        message = _refused(planned, is_above=not is_document)
        console.tell(RefusedError(message, hint="nothing was changed"))
        return False
    if yes:
        return True
    if is_document or not console.is_interactive:
        message = "nobody is there to be asked, so nothing was changed"
        console.tell(RefusedError(message, hint="run with --yes where the plan was reviewed"))
        return False
    question = f"Apply {counted(len(planned.changes), 'change')} to {planned.host.base_url}? Only `yes` goes on: "
    is_agreed = console.ask(f"\n{console.err_style.safe(question)}").lower() == "yes"
    if not is_agreed:
        console.say("Nothing was changed.")
    return is_agreed


def _failed(findings: Sequence[Finding], *, is_above: bool) -> FindingError:
    hint = "nothing was changed; mend what was found, or make its rule a `warning` under `findings:`"
    if not is_above:
        return FindingError("\n".join(f"{finding.rule}: {finding.message}" for finding in findings), hint=hint)
    count = len(findings)
    message = "a finding above is an error" if count == 1 else f"{count} findings above are errors"
    return FindingError(message, hint=hint)


def _refused(planned: Plan, *, is_above: bool) -> str:
    count = len(planned.stopping)
    if is_above:
        return f"the plan is refused for the {'reason' if count == 1 else f'{count} reasons'} above"
    return "\n".join(f"{refusal.message}; {refusal.override} permits it" for refusal in planned.stopping)


def _carry_out(workplace: Workplace, planned: Plan, concurrency: int, max_rps: float) -> Summary:
    from halo_iac.api.retry import Retry
    from halo_iac.apply.pace import Pace
    from halo_iac.cli.live import narrated
    from halo_iac.model.outcome import summarize
    from halo_iac.pipeline import apply_plan

    stop = threading.Event()
    retry = Retry(stop=stop)
    connection = workplace.observed.paced(Pace(max_rps, stop))
    events: list[Event] = []
    with _stopping_on_signals(stop, workplace.console), suppress(KeyboardInterrupt):
        happening = apply_plan(
            planned,
            connection.single_attempt_reader(),
            connection.writer(),
            stop=stop,
            retry=retry,
            concurrency=min(concurrency, ceil(max_rps * _PATIENCE)),
        )
        told = narrated(happening, workplace.console, len(planned.changes), is_stopping=stop.is_set)
        events.extend(told)  # what was told before a second Ctrl-C stays in the list
    return summarize(planned.changes, events, is_interrupted=stop.is_set())


@contextmanager
def _stopping_on_signals(stop: threading.Event, console: Console) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM start nothing new; a second one does not wait for what is in flight."""
    from halo_iac.cli.live import STOPPING

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        if not console.shows_progress:
            with suppress(RuntimeError):  # it came in the middle of another line, and a stream takes one at a time
                console.say(STOPPING)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(console: Console, results: Results, planned: Plan, summary: Summary | None) -> int:
    """Write how it ended; where that cannot be written, the code still says how the run ended."""
    from halo_iac.cli.planning import exit_code

    try:
        _put(results, planned, summary)
    except BrokenPipeError:
        pass  # whoever read this has gone, and knows why
    except (HaloError, OSError) as error:
        if summary is None:
            raise
        console.tell(error if isinstance(error, HaloError) else FileError(f"the summary: {error.strerror}"))
    return exit_code(planned, summary)


def _put(results: Results, planned: Plan, summary: Summary | None) -> None:
    """Write the plan and what came of it; as text, the plan has been shown already."""
    from halo_iac.cli.drawing import drawing_of_run

    def rest(_format: options.ReviewFormat, style: Style) -> str:
        if summary is None:
            return ""
        from halo_iac.render.text import summary_text

        return summary_text(summary, style)

    results.put(drawing_of_run(planned, summary, results.place), shown=None if results.is_document else rest)
