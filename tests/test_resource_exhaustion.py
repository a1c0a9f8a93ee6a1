"""How a run ends when the system runs out of threads, memory, open files or disk space.

It goes on with what there is; where it cannot, it ends with the summary, and with the code of what was written: 1 only
if nothing was.
"""

from __future__ import annotations

import _thread
import errno
import json
import os
import re
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bulk_project import ROOT
from command_line import CommandLine, CommandResult, schedules
from sandbox_calls import open_at_noon

from halo_iac.api.transport import Transport
from halo_iac.cli import progress as live
from halo_iac.model.apply_result import Event
from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve
from halo_iac.storage import receipt_file as receipts
from halo_iac.workers import Task, Thread, run_concurrently, start_thread

BEFORE = """\
version: 1
undeclared: archive
schedules:
  a: {title: Alpha, agent: checkout, frequency: daily, hours: 8}
  b: {title: Beta, agent: checkout, frequency: daily, hours: 8}
  c: {title: Gamma, agent: checkout, frequency: daily, hours: 8}
"""
AFTER = """\
version: 1
undeclared: archive
schedules:
  a: {title: Alpha, agent: checkout, frequency: daily, hours: 9}
  b: {title: Beta, agent: checkout, frequency: daily, hours: 9}
  d: {title: Delta, agent: checkout, frequency: daily, hours: 9}
  e: {title: Epsilon, agent: checkout, frequency: daily, hours: 9}
"""
START = _thread.start_new_thread
DONE = {"Alpha": 9, "Beta": 9, "Delta": 9, "Epsilon": 9}


@pytest.fixture
def project(halo: CommandLine, folder: Path) -> Path:
    open_at_noon(folder)
    (folder / "halo.yaml").write_text(BEFORE)
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text(AFTER)
    return folder


def hours_by_title(halo: CommandLine) -> dict[str, int]:
    return {each["title"]: each["hours"][0] for each in schedules(halo)}


def hold_to_what_is_there(halo: CommandLine, ended: CommandResult) -> None:
    """Hold what was said against what is there, and the exit code against both."""
    there = hours_by_title(halo)
    is_changed = there != {"Alpha": 8, "Beta": 8, "Gamma": 8}
    assert not re.search("Traceback|internal error", ended.text)
    assert "Applied" in ended.out
    assert ended.code in ({0, 4, 5} if is_changed else {1, 5})
    for status, title in re.findall(r"([a-z]+)\s+([abde])\b", ended.err):
        if status in {"created", "updated"}:
            name = {"a": "Alpha", "b": "Beta", "d": "Delta", "e": "Epsilon"}[title]
            assert there.get(name) == 9
    if "Receipt: " in ended.err:
        assert paste_undo(halo, ended).code in {0, 1}


def paste_undo(halo: CommandLine, ended: CommandResult) -> CommandResult:
    """Paste the way back as it was printed."""
    found = re.search("`(halo undo [^`]*)`", ended.err)
    if found is None:
        return CommandResult(0, "", "")
    result = halo(*shlex.split(found[1])[1:], "--yes")
    assert result.code != 3, result.text
    return result


# Threads ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[RuntimeError("can't start new thread"), MemoryError()], ids=["processes", "memory"])
def limit_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many threads start, and no more."""

    def allow(count: int) -> None:
        left = count

        def starting(work: Any, given: Any) -> int:  # noqa: ANN401 - a thread's own
            nonlocal left
            left -= 1
            if left < 0:
                raise request.param
            return START(work, given)

        monkeypatch.setattr("halo_iac.workers._thread.start_new_thread", starting)

    return allow


@pytest.mark.parametrize("count", range(6))
@pytest.mark.usefixtures("project")
def test_a_run_continues_with_few_threads(halo: CommandLine, limit_threads: Callable[[int], None], count: int) -> None:
    """Two are for observing, which takes none if need be; without one more nothing is begun."""
    limit_threads(count)
    ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1")
    limit_threads(100)
    hold_to_what_is_there(halo, ended) if count < 3 else None
    assert ended.code == (0 if count > 2 else 1)
    assert hours_by_title(halo) == (DONE if count > 2 else {"Alpha": 8, "Beta": 8, "Gamma": 8})
    assert ("the system permits no more threads; nothing was started" in ended.err) is (count < 3)


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.usefixtures("project", "instant_runs")
def test_other_commands_need_no_threads(
    halo: CommandLine, limit_threads: Callable[[int], None], is_terminal: bool
) -> None:
    limit_threads(0)
    assert halo("plan", "--sandbox", "--detailed-exitcode", is_terminal=is_terminal).code == 2
    assert halo("schedule", "list", "--sandbox", is_terminal=is_terminal).code == 0
    assert halo("import", "--sandbox", "--file", "new.yaml", is_terminal=is_terminal).code == 0
    assert halo("report", "pull", "--sandbox", "--dir", "reports", is_terminal=is_terminal).code == 0
    assert halo("report", "run", "checkout", "--sandbox", is_terminal=is_terminal).code == 0


def test_without_threads_a_terminal_shows_lines(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)  # what rich redraws with
    ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1", is_terminal=True)
    assert (ended.code, hours_by_title(halo)) == (0, DONE)
    assert (project / ".halo").exists()
    assert "created" in ended.err


@pytest.mark.parametrize("count", range(4))
def test_concurrent_tasks_all_finish_with_few_threads(limit_threads: Callable[[int], None], count: int) -> None:
    limit_threads(count)

    def more(number: int) -> Iterator[int | Task[int]]:
        yield number
        if number < 3:
            yield Task(lambda: more(number + 10))

    found = sorted(run_concurrently([Task(lambda number=number: more(number)) for number in range(5)], 8))
    assert found == [0, 1, 2, 3, 4, 10, 11, 12]


def test_an_error_of_a_job_without_a_thread_is_raised(limit_threads: Callable[[int], None]) -> None:
    limit_threads(0)
    with pytest.raises(ZeroDivisionError):
        list(run_concurrently([Task(lambda: iter([1 // 0]))], 2))


def test_a_thread_that_ends_before_it_begins_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where memory is too short for its first call; :meth:`threading.Thread.start` waits for ever then."""
    monkeypatch.setattr("halo_iac.workers._thread.start_new_thread", lambda _work, _given: 1)
    thread = start_thread(list)
    assert isinstance(thread, Thread)
    thread.join()
    assert not thread.is_alive()


@pytest.mark.usefixtures("project")
def test_a_plan_is_made_without_threads_that_cannot_begin(halo: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_iac.workers._thread.start_new_thread", lambda _work, _given: 1)
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 2


# Memory -------------------------------------------------------------------------------------------------------------


def failing_at(number: int, error: BaseException, work: Callable[..., Any]) -> Callable[..., Any]:
    left = number

    def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever is called
        nonlocal left
        left -= 1
        if left == 0:
            raise error
        return work(*given, **named)

    return call


@pytest.mark.parametrize("call", range(3, 13))
@pytest.mark.usefixtures("project")
def test_a_worker_without_memory_is_reported(halo: CommandLine, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Transport, "call", failing_at(call, MemoryError(), Transport.call))
        ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1", "--concurrency", "1")
    hold_to_what_is_there(halo, ended)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("x"), OSError(errno.EMFILE, "Too many open files")])
@pytest.mark.parametrize("line", [1, 2, 4, 5])
@pytest.mark.usefixtures("project")
def test_events_that_cannot_be_printed_are_in_the_summary(
    halo: CommandLine, monkeypatch: pytest.MonkeyPatch, line: int, error: Exception
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(live, "event_line", failing_at(line, error, live.event_line))
        ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1", "--concurrency", "1")
    assert "the run ended early" in ended.err
    hold_to_what_is_there(halo, ended)


def test_a_worker_that_cannot_report_does_not_block_the_run(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Event, "_replace", failing_at(2, MemoryError(), Event._replace))
        ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1")
    assert (ended.code, (project / ".halo").exists()) == (5, True)
    hold_to_what_is_there(halo, ended)


# Files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [6, 8, 10, 12])
def test_few_open_files_leave_no_traceback_and_no_wrong_word(folder: Path, limit: int) -> None:
    (folder / "halo.yaml").write_text(AFTER.replace("archive", "report"))
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "INF_API_URL": server.url,
            "INF_API_KEY": demo.DEMO_KEY,
            "INF_PROJECT_ID": demo.DEMO_PROJECT_ID,
        }
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "halo_iac", "apply", "--yes", "--json"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        )
        there = sorted(wire["title"] for wire in sandbox.schedules())
    assert not re.search("Traceback|internal error", ended.stdout + ended.stderr)
    assert (ended.returncode == 0) is (len(there) == 4)
    assert ended.returncode != 1 or not there
    if ended.stdout:
        outcomes = json.loads(ended.stdout)["summary"]["outcomes"]
        assert sorted(each["title"] for each in outcomes if each["status"] == "done") == there


# Disk ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", range(2, 14))
@pytest.mark.parametrize("kept", [0, 40], ids=["whole lines", "half a line"])
@pytest.mark.usefixtures("project")
def test_the_printed_undo_works_on_a_full_disk(
    halo: CommandLine, monkeypatch: pytest.MonkeyPatch, line: int, kept: int
) -> None:
    write, left = os.write, line

    def writing(descriptor: int, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left > 0:
            return write(descriptor, data)
        if left == 0 and kept:
            return write(descriptor, data[:kept])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(receipts.os, "write", writing)
        ended = halo("apply", "--sandbox", "--yes", "--allow-archive", "1", "--concurrency", "1")
    assert ("No space left on device" in ended.text) is (left <= 0)
    hold_to_what_is_there(halo, ended)


def test_the_way_back_that_a_protected_title_bars_says_so(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(BEFORE + "protect: [Beta]\n")
    ended = halo("apply", "--sandbox", "--yes")
    assert "to undo what was done, once `protect:` no longer covers 'Beta'." in ended.err
    found = re.search("`(halo undo [^`]*)`", ended.err)
    assert found is not None
    assert halo(*shlex.split(found[1])[1:], "--yes").code == 3
    (folder / "halo.yaml").write_text(BEFORE)
    assert halo(*shlex.split(found[1])[1:], "--yes").code == 0


def test_exhausted_memory_is_reported(halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "halo.yaml").write_text(BEFORE)
    monkeypatch.setattr("halo_iac.pipeline.match", failing_at(1, MemoryError(), list))
    ended = halo("plan", "--sandbox")
    assert (ended.code, ended.err.splitlines()[0]) == (1, "error: out of memory")
