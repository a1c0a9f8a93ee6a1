"""A process that gets a signal in the middle of an apply (docs/semantics.md#interruption, docs/cli.md#exit-codes)."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest
from apply_harness import CREATE, READ, UPDATE
from command_line import CommandLine, Stream
from forked import PIPE, HaloProcess
from sandbox_calls import PROJECT, Caller

from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Fault, Latency, NoReply, Refuse
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks another process to stop")

PROJECT_FILE = """\
version: 1
schedules:
  a: {title: Alpha, agent: checkout, frequency: daily, hours: 9}
  b: {title: Beta, agent: support-bot, frequency: daily, hours: 9}
  c: {title: Gamma, agent: research, frequency: daily, hours: 9}
"""
STOPPING = (
    "Stopping: no new changes are started; waiting up to 5 s for those in progress. "
    "Press Ctrl-C again to stop waiting.\n"
)
NEXT = "What to do next\n"
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]


@dataclass(frozen=True)
class Setting:
    """A served sandbox, and a folder with a project of three schedules."""

    sandbox: Sandbox
    url: str
    folder: Path
    may_create: threading.Event
    """No create gets its id while this is not set."""
    processes: list[HaloProcess] = field(default_factory=list)

    def start(self, *argv: str, stdout: int | IO[str] = PIPE, ignored: int | None = None) -> HaloProcess:
        """Start ``halo apply`` on it, one change at a time, deaf to one signal if need be."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "INF_API_URL": self.url,
            "INF_API_KEY": demo.DEMO_KEY,
            "INF_PROJECT_ID": PROJECT,
        }
        command = ("apply", "--yes", "--concurrency", "1", *argv)
        process = HaloProcess(*command, cwd=self.folder, env=env, stdout=stdout, ignored=ignored)
        self.processes.append(process)
        return process

    def wait_for(self, procedure: str, **given: object) -> None:
        """Wait until the platform has been asked for this."""
        self.wait_until(
            lambda: any(
                seen.procedure == procedure and given.items() <= seen.input.items() for seen in self.sandbox.requests
            )
        )

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, while the latest process runs."""
        for _ in range(3000):
            if is_so():
                return
            assert self.processes[-1].poll() is None, self.processes[-1].communicate()
            threading.Event().wait(0.01)
        raise AssertionError("it never came to that")

    @property
    def titles(self) -> list[str]:
        return [wire["title"] for wire in self.sandbox.schedules()]


@pytest.fixture
def applying(tmp_path: Path) -> Iterator[Setting]:
    (tmp_path / ".git").mkdir()
    (tmp_path / "halo.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    numbers, may_create = iter(range(1, 100)), threading.Event()
    may_create.set()

    def new_id() -> str:
        may_create.wait(30)
        return f"s{next(numbers)}"

    with Sandbox.open(None, ids=new_id) as sandbox, serve(sandbox) as server:
        setting = Setting(sandbox, server.url, tmp_path, may_create)
        yield setting
        may_create.set()
        for process in setting.processes:
            process.kill()  # where a test has failed half-way
            process.communicate()


def wait_for_end(process: HaloProcess) -> tuple[int, str, str]:
    """Return the exit code, what stdout says after the plan, and stderr."""
    out, err = process.communicate(timeout=30)
    _, _, summary = out.rpartition("Runs a month: ")
    return process.returncode, summary.partition("\n")[2], err


def test_the_next_command_names_the_same_file_and_platform(applying: Setting) -> None:
    (applying.folder / "halo.yaml").rename(applying.folder / "other.yaml")
    applying.may_create.clear()
    place = ("--file", "other.yaml", "--project", PROJECT)
    limits = ("--target", "a", "--target", "b", "--protect", "N*", "--undeclared", "report")
    process = applying.start(*place, *limits, "--also", "markdown=run.md")
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline()
    applying.may_create.set()
    _, out, _ = wait_for_end(process)
    command = " ".join(("halo apply --target a --target b --protect 'N*' --undeclared report", *place))
    assert f"Run `{command}` again to continue where this run ended." in out
    assert f"Run `{command}` again to continue where this run ended." in (applying.folder / "run.md").read_text()


def test_the_command_that_shows_the_outcome_names_the_same_file(applying: Setting) -> None:
    (applying.folder / "halo.yaml").rename(applying.folder / "other.yaml")
    applying.sandbox.faults.add(Fault(CREATE, NoReply()))
    process = applying.start("--file", "other.yaml")
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, out, _ = wait_for_end(process)
    assert (
        "  Run `halo schedule list --file other.yaml` to see whether a create with an unknown outcome happened.\n"
        in out
    )
    assert (
        "  Run `halo plan --file other.yaml`: it matches created schedules by title and plans only the rest.\n" in out
    )


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_lets_changes_end_and_lists_what_was_done(applying: Setting, number: signal.Signals) -> None:
    applying.may_create.clear()
    process = applying.start()
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(number)
    assert process.stderr is not None
    assert process.stderr.readline() == STOPPING
    applying.may_create.set()
    code, out, err = wait_for_end(process)
    assert out == (
        "Interrupted: no more changes were started.\n\n"
        "Done: 1\n  + created      a  s1\n\n"
        "Not started: 2\n  b, c\n\n"
        f"{NEXT}  Run `halo apply` again to continue where this run ended.\n\n"
        "Applied: 1 created; 2 not started.\n"
    )
    assert err.startswith("[1/3] + created      a  s1  (")
    assert (code, applying.titles) == (130, ["Alpha"])


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_second_signal_does_not_wait_for_changes(applying: Setting, when: str, second: signal.Signals) -> None:
    applying.sandbox.faults.add(Fault(CREATE, NoReply(), when=when))  # type: ignore[arg-type]
    process = applying.start()
    applying.wait_for(CREATE, title="Alpha")
    applying.wait_until(lambda: applying.titles == (["Alpha"] if when == "after" else []))
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == STOPPING
    process.send_signal(second)
    code, out, err = wait_for_end(process)
    assert out == (
        "Interrupted: no more changes were started.\n\n"
        "Unknown: it may or may not have happened: 1\n"
        "  ? unknown      a\n"
        "      │ it was in progress when the run was interrupted\n"
        "      │ hint: run `halo plan` in a minute to see the result\n\n"
        "Not started: 2\n  b, c\n\n"
        f"{NEXT}"
        "  Run `halo schedule list` to see whether a create with an unknown outcome happened.\n"
        "  Run `halo plan`: it matches created schedules by title and plans only the rest.\n"
        "  Run `halo apply` again to continue where this run ended.\n\n"
        "Applied: nothing; 1 unknown, 2 not started.\n"
    )
    assert err.startswith("Receipt: .halo/receipts/")
    assert (code, applying.titles) == (130, {"before": [], "after": ["Alpha"]}[when])


def test_a_signal_ends_a_wait_between_two_attempts(applying: Setting) -> None:
    wire = Caller(applying.sandbox).create(title="Alpha")
    applying.sandbox.faults.add(Fault(UPDATE, Refuse("TOO_MANY_REQUESTS", retry_after="100")))
    process = applying.start("--target", "a")
    applying.wait_for(UPDATE, id=wire["id"])
    assert process.stderr is not None
    assert process.stderr.readline() == ". retrying     a  s1\n"
    process.send_signal(signal.SIGINT)
    code, out, _ = wait_for_end(process)
    assert "Not done: 1\n  ! failed       a  s1\n" in out
    assert (code, applying.sandbox.schedules()) == (130, [wire])


def test_json_stays_one_document(applying: Setting) -> None:
    """Nothing says when the signal is noticed, so how much was done by then is left open."""
    applying.sandbox.faults.add(Fault(CREATE, Latency(0.5), times=None))
    applying.may_create.clear()
    process = applying.start("--json")
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(signal.SIGTERM)
    applying.may_create.set()
    out, err = process.communicate(timeout=30)
    summary = json.loads(out)["summary"]
    assert (summary["is_interrupted"], sum(summary["counts"].values())) == (True, 3)
    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_before_anything_was_written_writes_nothing(applying: Setting, number: signal.Signals) -> None:
    applying.sandbox.faults.add(Fault("haloSchedule.listForProject", NoReply()))
    process = applying.start()
    applying.wait_for("haloSchedule.listForProject")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "error: interrupted; nothing was changed on the platform\n")
    assert {seen.procedure for seen in applying.sandbox.requests}.isdisjoint({CREATE, UPDATE, READ})


LOST = """
import signal, threading, weakref
from halo_iac.cli import main
def interrupted_in_a_callback(*_):
    thing = threading.Event()
    callback = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
    del thing  # which calls back, as the end of an import does
    return threading.Event().wait(30)
main.main = interrupted_in_a_callback
"""


def test_an_interrupt_that_python_swallows_in_a_callback_is_raised_again(tmp_path: Path) -> None:
    process = HaloProcess(cwd=tmp_path, env={}, before=LOST)
    assert (process.communicate(timeout=25), process.returncode) == (("", ""), 130)


def test_the_next_run_completes_an_interrupted_apply(applying: Setting) -> None:
    applying.sandbox.faults.add(Fault(CREATE, NoReply(), when="after"))
    process = applying.start()
    applying.wait_until(lambda: applying.titles == ["Alpha"])
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert wait_for_end(process)[0] == 130
    again = applying.start()
    code, out, _ = wait_for_end(again)
    assert (code, out, applying.titles) == (0, "Applied: 2 created.\n", ["Alpha", "Beta", "Gamma"])


class Impatient(Stream):
    """A terminal at which Ctrl-C is pressed while the end of the run is written."""

    def write(self, text: str) -> int:
        if text.startswith("Applied"):
            raise KeyboardInterrupt
        return super().write(text)


class Gone(Stream):
    """A pipe whose reader leaves before the end of the run is written."""

    def write(self, text: str) -> int:
        if text.startswith("Applied"):
            raise BrokenPipeError
        return super().write(text)


def test_a_signal_while_the_end_is_written_does_not_claim_that_nothing_was(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    err = Stream()
    assert halo.run(("apply", "--yes", "--sandbox"), Stream(), Impatient(), err, {}) == 130
    assert err.written.endswith(
        "error: interrupted while changes were being made\nhint: run `halo plan --sandbox` to see what is left to do\n"
    )


def test_a_closed_pipe_does_not_change_how_the_run_ended(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    assert halo.run(("apply", "--yes", "--sandbox"), Stream(), Gone(), Stream(), {}) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("is_again", [False, True])
def test_a_run_whose_result_cannot_be_written_fails(applying: Setting, *, is_again: bool) -> None:
    if is_again:
        assert applying.start().wait(30) == 0
    with Path("/dev/full").open("w") as full:
        process = applying.start("--json", stdout=full)
    _, err = process.communicate(timeout=30)
    code = 1 if is_again else 4
    assert (process.returncode, json.loads(err)["error"]["exit_code"]) == (code, code)
    assert applying.titles == ["Alpha", "Beta", "Gamma"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_interrupted_run_that_cannot_print_its_result_exits_as_interrupted(applying: Setting) -> None:
    applying.may_create.clear()
    with Path("/dev/full").open("w") as full:
        process = applying.start("--json", stdout=full)
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    threading.Event().wait(0.3)
    applying.may_create.set()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, json.loads(err)["error"]["exit_code"], applying.titles) == (130, 130, ["Alpha"])


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(applying: Setting, number: signal.Signals) -> None:
    """As ``nohup`` has it for SIGHUP, and a shell without job control for Ctrl-C in the background."""
    applying.may_create.clear()
    process = applying.start(ignored=number)
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(number)
    threading.Event().wait(0.3)
    applying.may_create.set()
    code, out, _ = wait_for_end(process)
    assert (code, out, applying.titles) == (0, "Applied: 3 created.\n", ["Alpha", "Beta", "Gamma"])


def test_a_second_hangup_signal_still_waits_for_changes_in_progress(applying: Setting) -> None:
    applying.may_create.clear()
    process = applying.start()
    applying.wait_for(CREATE, title="Alpha")
    process.send_signal(signal.SIGHUP)
    assert process.stderr is not None
    assert process.stderr.readline() == STOPPING
    process.send_signal(signal.SIGHUP)
    threading.Event().wait(0.3)
    applying.may_create.set()
    code, out, _ = wait_for_end(process)
    assert "Applied: 1 created; 2 not started.\n" in out
    assert (code, applying.titles) == (130, ["Alpha"])
