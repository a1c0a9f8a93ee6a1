"""A sandbox served on loopback for the commands about runs: its clock stands still, and its runs are over at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from command_line import CommandLine, CommandResult
from sandbox_calls import Clock

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

QUIET = ("--window-start-at", "2020-01-01", "--window-end-at", "2020-01-02")
"""A window in which no agent has traces."""

WAITING = "Waiting for the response"
"""What is said once Ctrl-C has been noticed while a run is being started."""

COSTLY = frozenset({"haloRun.create", "haloRun.retry", "haloRun.createFollowUp", "haloSchedule.fireNow"})


def press_ctrl_c() -> None:
    """Interrupt the command that runs in this process."""
    os.kill(os.getpid(), signal.SIGINT)


@dataclass
class Served:
    """The sandbox, its clock, and the command line pointed at it."""

    sandbox: Sandbox
    clock: Clock
    halo: CommandLine

    def __call__(
        self,
        *argv: str,
        answer: str | None = None,
        is_terminal: bool = False,
        reactions: Mapping[str, Callable[[], object]] | None = None,
        **env: str,
    ) -> CommandResult:
        return self.halo(*argv, answer=answer, is_terminal=is_terminal, reactions=reactions, **env)

    @property
    def asked(self) -> list[str]:
        """The procedures asked for so far, in order."""
        return [request.procedure for request in self.sandbox.requests]

    @property
    def paid(self) -> list[str]:
        """The costly procedures asked for so far."""
        return [procedure for procedure in self.asked if procedure in COSTLY]

    @contextmanager
    def once_asked(self, procedure: str, react: Callable[[], object]) -> Iterator[None]:
        """Do something as soon as the platform is asked for a procedure within the block."""
        over, before = threading.Event(), self.asked.count(procedure)

        def watch() -> None:
            while not over.wait(0.01):
                if self.asked.count(procedure) > before:
                    react()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def started(self, *options: str, agent: str = "checkout") -> dict[str, str]:
        """Start a run and return the platform's answer."""
        answer: dict[str, str] = self("run", "create", "--agent-uuid", agent, *options, "--json").json
        return answer


@contextmanager
def served_runs(halo: CommandLine, *, pace: float = 0.0) -> Iterator[Served]:
    """Serve a sandbox in memory until the block ends."""
    clock = Clock()
    with Sandbox.open(None, clock=clock, pace=pace) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": demo.DEMO_KEY, "INF_PROJECT_ID": demo.DEMO_PROJECT_ID}
        yield Served(sandbox, clock, CommandLine({**halo.env, **env}))
