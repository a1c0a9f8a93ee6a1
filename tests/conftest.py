"""Fixtures of all tests: an empty environment, no network but loopback, hypothesis profiles, a command line.

``HYPOTHESIS_PROFILE=thorough pytest tests/test_laws.py`` tries twenty times as many examples, other ones each time.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import socket
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from apply_harness import Harness, open_harness
from command_line import CommandLine
from hypothesis import settings
from repositories import Git, repository
from sandbox_calls import Caller, Clock
from served_runs import Served, served_runs

from halo_iac.sandbox.platform import Sandbox

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# No example database: a test run leaves the tree as it was. No deadline: tests are not timed.
settings.register_profile("default", deadline=None, database=None, print_blob=True, max_examples=25)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=600)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))

_FOR_TESTS = {"HALO_SOAK", "HALO_TEST_INF", "HALO_TEST_INSPECTOR", "HALO_TEST_MCP", "HALO_UPDATE_GOLDEN"}
"""Variables that are read by the tests, not by halo."""

IS_SOAK = bool(os.environ.get("HALO_SOAK"))
"""Whether to try every case instead of a sample: minutes instead of seconds."""


def pytest_xdist_auto_num_workers() -> int:
    """Take three workers for two processors with ``-n auto``: tests wait for sockets and for what they start."""
    return 3 * (os.cpu_count() or 1) // 2 or 1


def pytest_collection() -> None:
    """Collect no garbage while ten thousand tests are being collected."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Let one worker at a time import a test module, so that only the first one compiles it."""
    if fcntl is None or not isinstance(collector, pytest.Module) or not hasattr(collector.config, "workerinput"):
        return (yield)
    with collector.path.open("rb") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Let a worker report a passed test once, without its setup and teardown."""
    if not hasattr(item.config, "workerinput") or item.config.option.durations is not None:
        return None
    hooks = item.ihook
    hooks.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            hooks.pytest_runtest_logreport(report=report)
    hooks.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session", autouse=True)
def signals_are_heard() -> None:
    """Restore signal handlers that a shell ignores for background jobs and nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGQUIT", "SIGTERM"):  # Windows lacks two of them
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def signed_out_environment() -> Iterator[None]:
    """Unset what halo and inf read from the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("INF_", "HALO_")) and name not in _FOR_TESTS:
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def network_off() -> Iterator[None]:
    """Let host names other than localhost be unknown, and connections to other machines fail."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def look_up_here(host: str | bytes | None, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - as socket has it
        if not _is_here(host):
            raise socket.gaierror(socket.EAI_NONAME, "the network is off in tests")
        return look_up(host, *rest, **more)

    def connect_here(connecting: socket.socket, address: Any) -> None:  # noqa: ANN401 - likewise
        if connecting.family in {socket.AF_INET, socket.AF_INET6} and not _is_here(address[0]):
            raise OSError("the network is off in tests")
        connect(connecting, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up_here)
        patch.setattr(socket.socket, "connect", connect_here)
        yield


def _is_here(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory; the search for a project file ends above it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def halo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Return the command line in an empty folder, signed in nowhere, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine({"INF_CONFIG_DIR": str(folder.parent / "inf"), "TERM": "xterm"})


@pytest.fixture
def instant_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runs of a sandbox in this process end at once, not after three seconds and the next poll."""
    open_sandbox = Sandbox.open
    monkeypatch.setattr(Sandbox, "open", lambda path, **options: open_sandbox(path, **{**options, "pace": 0}))


@pytest.fixture
def git(folder: Path) -> Git:
    """Return the working directory as a git repository that ignores the sandbox."""
    git = repository(folder)
    (folder / ".gitignore").write_text(".halo/\n")
    return git


@pytest.fixture
def harness() -> Iterator[Harness]:
    """Return a sandbox in this process with a client that applies plans."""
    with open_harness() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    """Return the clock of :func:`sandbox`; it only moves when told to."""
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """Return a sandbox in memory."""
    with Sandbox.open(None, clock=clock) as opened:
        yield opened


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    """Return what calls the procedures of the sandbox in memory."""
    return Caller(sandbox)


@pytest.fixture
def quick_runs(halo: CommandLine) -> Iterator[Served]:
    """Return the command line on a platform whose runs end at once."""
    with served_runs(halo) as served:
        yield served


@pytest.fixture
def slow_runs(halo: CommandLine) -> Iterator[Served]:
    """Return the command line on a platform whose runs go on until its clock is moved."""
    with served_runs(halo, pace=1.0) as served:
        yield served
