"""A sandbox on loopback that can go away and come back, and a command line whose waits take no time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from command_line import CommandLine, CommandResult
from sandbox_calls import PROJECT, Caller, Clock

from halo_iac.api.limits import RequestLimits, RetryPolicy
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Effect, Fault
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import Server, serve

ATTEMPTS = 3
"""How often a call is tried here."""
THROTTLED = 100.0
"""How many seconds a run waits here while it is throttled."""

PlatformContent = tuple[tuple[str, ...], int]
"""What the platform holds: a few words a schedule, sorted, and how many conversations."""


@dataclass
class SandboxServer:
    """A served sandbox, and the command line pointed at it."""

    sandbox: Sandbox
    halo: CommandLine
    waits: list[float] = field(default_factory=list)
    """What the commands would have waited between two attempts."""
    port: int = 0
    _server: Server | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Take connections; no harm where it does already."""
        with self._lock:
            if self._server is None:
                self._server = self._stack.enter_context(serve(self.sandbox, self.port))
                self.port = self._server.server_port

    def shut(self) -> None:
        """Let every new connection be refused; those that are open stay."""
        with self._lock:
            assert self._server is not None
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def close(self) -> None:
        """Close for good."""
        self.sandbox.closing.set()
        self._stack.close()

    def __call__(self, *argv: str, read: float = 30.0, comes_back: bool = True) -> CommandResult:
        """Run a command that waits ``read`` seconds for an answer; the place ``comes_back`` while it waits."""

        def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            if comes_back:
                self.open()

        began = monotonic()  # where a clock stands, what a slow machine takes is not counted as time spent throttled
        patience = RetryPolicy(
            *(RequestLimits(read_seconds=read), ATTEMPTS, THROTTLED),
            check_after=(0.0, 0.0, 0.0),
            sleep=sleep,
            clock=lambda: began,
        )
        env = {"INF_API_URL": f"http://127.0.0.1:{self.port}", "INF_API_KEY": demo.DEMO_KEY, "INF_PROJECT_ID": PROJECT}
        return replace(self.halo, env=self.halo.env | env, patience=patience)(*argv)

    def fault(self, match: str, effect: Effect, **how: Any) -> None:  # noqa: ANN401 - a fault's own fields
        self.sandbox.faults.add(Fault(match, effect, **how))

    def asked(self, procedure: str) -> int:
        """Return how often the platform was asked for a procedure."""
        return [seen.procedure for seen in self.sandbox.requests].count(procedure)

    @property
    def held(self) -> PlatformContent:
        """Return what the platform holds; duplicates are listed twice."""
        self.sandbox.faults.clear()
        words = (
            f"{wire['title']} archived"
            if wire["archivedAt"]
            else f"{wire['title']} {'at {hours[0]}' if wire['enabled'] else 'paused'}".format(**wire)
            for wire in self.sandbox.schedules()
        )
        conversations = Caller(self.sandbox).query("haloConversation.listForProject", {"projectId": PROJECT})
        return tuple(sorted(words)), len(conversations["conversations"])


@contextmanager
def serve_sandbox(halo: CommandLine, **settings: Any) -> Iterator[SandboxServer]:  # noqa: ANN401 - the sandbox's own
    """Serve a sandbox in memory, whose runs are over at once, until the block ends."""
    with Sandbox.open(None, clock=Clock(), pace=0.0, **settings) as sandbox:
        here = SandboxServer(sandbox, halo)
        here.open()
        with socket.create_connection(("127.0.0.1", here.port)):  # keeps the port reserved while no server listens
            try:
                yield here
            finally:
                here.close()
