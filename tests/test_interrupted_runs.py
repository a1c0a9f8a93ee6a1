"""Every command that starts runs, interrupted at any step: the ids of all started runs are reported.

A step is a line of the commands, told apart by how many runs had been asked for by then. ``HALO_SOAK=1``
(``make soak``) tries each of them, otherwise a sample.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue
from types import FrameType, SimpleNamespace
from typing import Any, Final, NoReturn

import pytest
from command_line import CommandLine, CommandResult, Stream
from conftest import IS_SOAK
from served_runs import COSTLY, WAITING, Served, press_ctrl_c, served_runs

import halo_iac
from halo_iac.api.transport import Transport
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.runs.session import RunStarter
from halo_iac.cli.runs.started import CostlyCall, StartedRuns
from halo_iac.cli.signals import treat_signals_as_interrupt
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import Delivery, Unreachable
from halo_iac.hints import Command
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import ChangeBetween, Fault, Pass, PatchResponse, Refuse
from halo_iac.sandbox.store.runs import OnFinish

# What is interrupted does not wait for a socket's thirty seconds (workers.py): one may be left to the collector.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Exception ignored (in.|while finalizing socket) <socket:pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks another process to stop"),
]

PLACES: Final = tuple(str(Path(halo_iac.__file__).parent / name) for name in ("cli", "runs", "workers.py"))
DENIAL: Final = "nothing was changed on the platform"
TWO: Final = ("report", "run", "checkout", "support-bot")
COMMANDS: Final = {
    "report run": TWO,
    "report run --json": (*TWO, "--json"),
    "report run --no-wait": (*TWO, "--no-wait"),
    "report run --schedule": ("report", "run", "--schedule", "daily"),
    "run create": ("run", "create", "--agent-uuid", "checkout"),
    "run create --json": ("run", "create", "--agent-uuid", "checkout", "--json"),
    "run retry": ("run", "retry", "{run}"),
    "report ask": ("report", "ask", "{conversation}", "Why?"),
    "report ask --json": ("report", "ask", "{conversation}", "Why?", "--json"),
    "report ask --no-wait": ("report", "ask", "{conversation}", "Why?", "--no-wait"),
    "schedule fire": ("schedule", "fire", "daily"),
}
COSTLY_OF: Final = {
    "run retry": "haloRun.retry",
    "schedule fire": "haloSchedule.fireNow",
    "report ask": "haloRun.createFollowUp",
    "report ask --json": "haloRun.createFollowUp",
    "report ask --no-wait": "haloRun.createFollowUp",
}
"""The procedure of those that do not ask for ``haloRun.create``."""
SAMPLE: Final = 6
"""How many steps of each command are tried where not all of them are."""

PROJECT_FILE: Final = """\
version: 1
schedules:
  daily: {title: Daily review, agent: checkout, prompt: Look., frequency: daily, hours: [9]}
"""
Step = tuple[str, int, int]
"""A module, a line, and how many runs had been asked for."""


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_collector() -> Iterator[None]:
    """Collect what an interrupt has left, as the end of a process does, before a test that knows nothing of it."""
    yield
    gc.collect()


@pytest.fixture
def served(halo: CommandLine, folder: Path) -> Iterator[Served]:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    with served_runs(halo) as served:
        assert served("apply", "--yes").code == 0
        yield served


_state = SimpleNamespace(is_under_way=False)
"""Whether a command is being followed: a signal that comes after its end is not for the tests.

No event: a handler would wait for its lock in the middle of what holds it.
"""


@pytest.fixture
def every_signal_is_heard() -> Iterator[None]:
    """Hear the signals that the process of a command hears, as long as there is one, and repeat those that are lost."""

    def interrupt(*_: object) -> None:
        if _state.is_under_way:
            raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    hook = sys.unraisablehook
    treat_signals_as_interrupt()
    yield
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)


@dataclass
class Steps:
    """Follows the main thread through a command; at the step ``at`` it does ``then``, once.

    Steps count from where so many runs have been asked for as ``first`` says.
    """

    served: Served
    at: Step | None = None
    then: Callable[[], object] = lambda: None
    first: int = 1
    seen: dict[Step, None] = field(default_factory=dict)
    asked: int = 0

    def __post_init__(self) -> None:
        self.served.sandbox.faults.add(*(Fault(each, ChangeBetween(self.count), times=None) for each in COSTLY))

    def count(self) -> None:
        self.asked += 1

    def __call__(self, frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        return self.line if frame.f_code.co_filename.startswith(PLACES) else None

    def line(self, frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        step = (frame.f_code.co_filename, frame.f_lineno, self.asked)
        if event == "line" and self.asked >= self.first and step not in self.seen:
            self.seen[step] = None
            if step == self.at:
                self.then()
        return self.line


def run_with_steps(served: Served, argv: tuple[str, ...], steps: Steps) -> CommandResult:
    """Run a command as its process does, which takes an interrupt before and after it for the end."""
    out, err = Stream(), Stream()
    code = 130
    with suppress(KeyboardInterrupt):
        _state.is_under_way = True
        sys.settrace(steps)
        try:
            code = served.halo.run(argv, Stream(), out, err, {})
        finally:
            _state.is_under_way = False
    _state.is_under_way = False  # again, since an interrupt may have come before
    sys.settrace(None)
    return CommandResult(code, out.written, err.written)


@contextmanager
def runs_made(served: Served) -> Iterator[list[str]]:
    """Note the id of every run that the platform starts within the block."""
    ids: list[str] = []

    def note(answer: dict[str, Any]) -> dict[str, Any]:
        ids.append(answer["runId"])
        return answer

    faults = [Fault(procedure, PatchResponse(note), times=99) for procedure in COSTLY]
    served.sandbox.faults.add(*faults)
    yield ids
    served.sandbox.faults.clear()


def command_words(served: Served, name: str) -> tuple[str, ...]:
    """Return a command's words, about a run that failed and a conversation that has a report."""
    served.sandbox.end_next_runs(OnFinish("failed"))
    failed, done = (served.started() for _ in range(2))
    return tuple(word.format(run=failed["runId"], conversation=done["conversationId"]) for word in COMMANDS[name])


def assert_told(ended: CommandResult, ids: list[str]) -> None:
    assert ended.code in {0, 130}
    assert DENIAL not in ended.err or not ids
    assert [each for each in ids if each not in ended.text] == []
    assert "internal error" not in ended.err


@pytest.mark.usefixtures("every_signal_is_heard")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_step_neither_loses_a_run_nor_denies_it(served: Served, name: str) -> None:
    argv = command_words(served, name)
    whole = Steps(served)
    assert run_with_steps(served, argv, whole).code == 0
    assert len(whole.seen) > SAMPLE
    steps = [*whole.seen][:: 1 if IS_SOAK else max(1, len(whole.seen) // SAMPLE)]
    for step, number in zip(steps, cycle((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)), strict=False):
        interrupted = Steps(served, step, partial(signal.raise_signal, number))
        with runs_made(served) as ids:
            ended = run_with_steps(served, argv, interrupted)
        assert_told(ended, ids)


@pytest.mark.usefixtures("every_signal_is_heard")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_signal_at_any_step_neither_loses_nor_denies_a_run(served: Served, name: str) -> None:
    argv = command_words(served, name)
    whole = Steps(served)
    run_with_steps(served, argv, whole)
    steps = [*whole.seen][:: 1 if IS_SOAK else 2 * max(1, len(whole.seen) // SAMPLE)]
    for step, delay in zip(steps, cycle((0.0, 0.001, 0.004)), strict=False):
        second = threading.Timer(delay, press_ctrl_c)

        def twice(second: threading.Timer = second) -> None:
            second.start()
            press_ctrl_c()

        interrupted = Steps(served, step, twice)
        with runs_made(served) as ids:
            ended = run_with_steps(served, argv, interrupted)
            with suppress(RuntimeError):  # not begun where the step did not come about this time
                second.join()
        assert_told(ended, [] if "may or may not" in ended.err else ids)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_whose_answer_is_given_up_is_unknown(served: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both signals come while the request is under way, and the platform goes on to start the run."""
    argv = command_words(served, name)
    before = len(served.paid)
    over = threading.Event()
    heard: SimpleQueue[None] = SimpleQueue()
    defer = RunStarter._defer  # noqa: SLF001 - what hears the first signal, which --json does not show

    def deferred(starter: RunStarter, number: int, frame: object) -> None:
        heard.put(None)
        defer(starter, number, frame)

    def press_twice() -> None:
        press_ctrl_c()
        heard.get(timeout=10)  # two signals that come before would count as one
        press_ctrl_c()
        over.wait(10)

    monkeypatch.setattr(RunStarter, "_defer", deferred)
    procedure = COSTLY_OF.get(name, "haloRun.create")
    served.sandbox.faults.add(Fault(procedure, ChangeBetween(press_twice)))
    ended = served(*argv)
    over.set()
    assert (ended.code, ended.out, served.paid[before:]) == (130, "", [procedure])
    assert "interrupted while starting " in ended.err
    assert "; it may or may not have been started" in ended.err
    assert "run `halo " in ended.err
    assert "` to check before you start another one" in ended.err
    assert DENIAL not in ended.err


def test_every_interrupted_run_is_reported_with_its_state(served: Served) -> None:
    """The first was started, the second was refused, and of the third the answer is given up."""
    over = threading.Event()

    def press() -> None:
        press_ctrl_c()
        over.wait(10)

    effects = (Pass(), Refuse("BAD_REQUEST"), ChangeBetween(press))
    served.sandbox.faults.add(*(Fault("haloRun.create", effect) for effect in effects))
    ended = served("report", "run", "checkout", "support-bot", "research", reactions={WAITING: press_ctrl_c})
    over.set()
    (first,) = re.findall(r"Started run (\S+) of checkout", ended.err)
    third = demo.RESEARCH_ID
    assert (ended.code, ended.out) == (130, "")
    told = ended.err.replace("│ ", "")
    assert told.endswith(
        "error: interrupted while starting a run of research; it may or may not have been started\n"
        "haloRun.create (HTTP 400): A fault of the sandbox, as asked for.\n"
        "stopped waiting; the run goes on\n"
        f"hint: run `halo report list --agent {third}` to check before you start another one\n"
        "Correct the input: the platform rejected it, and nothing was done.\n"
        f"run `halo run poll {first}` to resume\n"
    )


def test_a_signal_before_the_request_starts_nothing(served: Served) -> None:
    """It is noted while the command is about to start a run, and so was no run."""
    argv = command_words(served, "run create")
    whole = Steps(served, first=0)
    run_with_steps(served, argv, whole)
    steps = [step for step in whole.seen if step[0].endswith("runs/session.py") and not step[2]]
    assert len(steps) > 10
    for step in steps[:: 1 if IS_SOAK else 3]:
        before = len(served.paid)
        ended = run_with_steps(served, argv, Steps(served, step, press_ctrl_c, first=0))
        assert (ended.code, DENIAL in ended.err) in {(0, False), (130, len(served.paid) == before)}, step


class Full(Stream):
    """Standard output on a disk that is full."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_run_whose_ids_cannot_be_written_is_named_where_errors_are(served: Served) -> None:
    err = Stream()
    code = served.halo.run(command_words(served, "run create --json"), Stream(), Full(), err, {})
    (run_id,) = re.findall(r"halo run poll ([^`]+)`", err.written)
    assert (code, served("run", "get", run_id).code) == (1, 0)
    assert "standard output: No space left on device\\nstopped waiting; the run goes on" in err.written


def test_a_cancellation_that_is_interrupted_may_or_may_not_have_been_requested(served: Served) -> None:
    run_id = served.started()["runId"]
    over = threading.Event()

    def press() -> None:
        press_ctrl_c()
        over.wait(10)

    served.sandbox.faults.add(Fault("haloRun.cancel", ChangeBetween(press)))
    ended = served("run", "cancel", run_id, "--json")
    over.set()
    assert (ended.code, ended.error["message"], ended.error["hint"]) == (
        130,
        f"interrupted while requesting the cancellation of run {run_id}; it may or may not have been requested",
        f"run `halo run get {run_id}` to check",
    )


def test_a_started_apply_never_reports_that_nothing_was_changed(served: Served, folder: Path) -> None:
    """Not even where the signal comes after its summary, once the command has closed what it opened."""
    (folder / "halo.yaml").write_text(PROJECT_FILE.replace("Look.", "Look again."))

    def at_the_end(frame: FrameType, event: str, _argument: object) -> Callable[..., Any] | None:
        if not (frame.f_code.co_filename.endswith("context.py") and frame.f_code.co_name == "__exit__"):
            return None
        if event == "return":
            press_ctrl_c()
        return at_the_end

    sys.settrace(at_the_end)
    try:
        ended = served("apply", "--yes")
    finally:
        sys.settrace(None)
    assert (ended.code, "Applied: 1 updated" in ended.out) == (130, True)
    assert "error: interrupted while changes were being made\n" in ended.err
    assert DENIAL not in ended.err


def test_an_interrupt_at_the_end_leaves_no_connection_open(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Transport] = []
    close = Transport.close

    def note(transport: Transport) -> None:
        closed.append(transport)
        close(transport)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transport, "close", note)
    monkeypatch.setattr(CommandContext, "drop_observation", interrupt)
    assert (served("agent", "list").code, len(closed)) == (130, 1)


def test_an_error_that_comes_once_a_command_has_ended_leaves_its_call_unknown() -> None:
    """The command has closed its connections, and the thread of the call may meet that before the command reports."""
    console = Console(Stream(), Stream(), Stream(), {})
    call = CostlyCall("a run of checkout", Command("report", "list"))

    def attempt() -> NoReturn:
        context.__exit__(None, None, None)
        raise Unreachable("closed", procedure="haloRun.create", delivery=Delivery.AMBIGUOUS)

    context = CommandContext(console, TargetOptions())
    with pytest.raises(Unreachable):
        StartedRuns(context).make_call(call, attempt)
    assert call.is_unknown
    assert console.final_error(None).message.startswith("interrupted while starting a run of checkout; it may or")
