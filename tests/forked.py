"""``halo`` in processes of their own that are forked from one which has imported it already.

Such a process has its own id, streams, folder, environment and signals, and takes a tenth of the processor time of one
that starts Python and imports halo. Tests of that start, such as of what is imported from where, need a real one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final, NoReturn, Self

ROOT: Final = Path(__file__).parents[1]
PIPE: Final = subprocess.PIPE
COMMANDS: Final = ("apply", "plan", "rename", "validate")
"""What is ready to run when a process begins, besides all of the libraries; others are built by the process itself."""
LIBRARIES: Final = ("httpx", "httpcore", "h11", "deepdiff", "rich.console", "halo_iac.sandbox.server", "cronsim")


class HaloProcess:
    """A process that runs ``halo``, with what tests use of :class:`subprocess.Popen`.

    ``before`` is code that it runs first, and ``ignored`` a signal that it does not hear.
    """

    def __init__(
        self,
        *argv: str,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int | IO[str] | None = None,
        stdout: int | IO[str] = PIPE,
        stderr: int | IO[str] = PIPE,
        before: str = "",
        ignored: int | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._over, ends = os.pipe()
        self.stdin, read = _pipe_to() if stdin == PIPE else (None, _descriptor(stdin))
        self.stdout, out = _pipe_from() if stdout == PIPE else (None, _descriptor(stdout))
        self.stderr, err = _pipe_from() if stderr == PIPE else (None, _descriptor(stderr))
        request = {"argv": argv, "cwd": str(cwd), "env": dict(env), "before": before, "ignored": ignored}
        self.pid = _ask(request, (read, out, err, ends))
        for each, given in ((read, stdin), (out, stdout), (err, stderr), (ends, PIPE)):
            if given in {PIPE, None}:
                os.close(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close()
        self.wait()

    def poll(self) -> int | None:
        """Return how it ended, or ``None`` while it runs."""
        if self.returncode is None and select.select([self._over], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code, or less than zero by the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._over], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("halo", timeout or 0)
            os.close(self._over)
            self.returncode = os.waitstatus_to_exitcode(_ask({"reap": self.pid}, ()))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what it writes until it is over; of a stream that is no pipe, nothing."""
        latest = None if timeout is None else time.monotonic() + timeout
        read = {"out": "", "err": ""}

        def drain(name: str, stream: IO[str] | None) -> None:
            if stream is not None and not stream.closed:
                read[name] = stream.read()

        threads = [Thread(target=drain, args=each) for each in (("out", self.stdout), ("err", self.stderr))]
        if self.stdin is not None:
            self.stdin.close()
        for thread in threads:
            thread.start()
        try:
            self.wait(None if latest is None else max(0, latest - time.monotonic()))
        finally:
            self.kill()  # in a test that has failed: what it holds open ends with it
            for thread in threads:
                thread.join()
            self._close()
        return read["out"], read["err"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _close(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def _pipe_to() -> tuple[IO[str], int]:
    read, write = os.pipe()
    return open(write, "w", encoding="utf-8"), read  # noqa: PTH123 - a descriptor; closed with the process


def _pipe_from() -> tuple[IO[str], int]:
    read, write = os.pipe()
    return open(read, encoding="utf-8"), write  # noqa: PTH123 - likewise


def _descriptor(stream: int | IO[str] | None) -> int:
    if stream is None:
        return os.open(os.devnull, os.O_RDWR)
    return stream if isinstance(stream, int) else stream.fileno()


# The process that forks ---------------------------------------------------------------------------------------------


@cache
def _server() -> socket.socket:
    """Start it, once for all tests of this process, and return what it is asked by."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", __file__, str(theirs.fileno())]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYDANTIC_DISABLE_PLUGINS": "1"}
    # In a session of its own: Ctrl-C at a terminal ends the tests, and with them, when the socket closes, this.
    process = subprocess.Popen(command, env=env, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _ask(request: Mapping[str, Any], descriptors: Sequence[int]) -> int:
    """Have it fork, or reap, and return the number that it answers."""
    server = _server()
    body = json.dumps(request).encode()
    socket.send_fds(server, [len(body).to_bytes(4, "big")], descriptors)
    server.sendall(body)
    return int.from_bytes(_received(server, 4), "big")


def _received(channel: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += (part := channel.recv(count - len(data)))
        assert part, "the process that forks has ended"
    return data


def _serve(channel: socket.socket) -> None:
    gc.freeze()
    while True:
        head, descriptors, _, _ = socket.recv_fds(channel, 4, 4)
        if not head:
            return
        request = json.loads(_received(channel, int.from_bytes(head, "big")))
        if "reap" in request:
            answer = os.waitpid(request["reap"], 0)[1]
        else:
            answer = os.fork()
            if answer == 0:
                channel.close()
                _become(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.sendall(answer.to_bytes(4, "big"))


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Be a process as a shell would have started it; its end is told by the last descriptor, which closes with it."""
    try:
        *streams, ends = descriptors
        os.set_inheritable(ends, False)  # noqa: FBT003 - positional only
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if request["ignored"] is not None:
            signal.signal(request["ignored"], signal.SIG_IGN)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        time.tzset()
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", errors=errors, buffering=buffering)  # noqa: PTH123, SIM115
            for number, mode, errors, buffering in (
                (0, "r", None, -1),
                (1, "w", None, -1),
                (2, "w", "backslashreplace", 1),
            )
        )
        sys.argv = ["halo", *request["argv"]]
        exec(request["before"], {})
        import_module("halo_iac.cli.main").run()
    except BaseException:  # noqa: BLE001 - nothing may get back to the loop of the process that forks
        traceback.print_exc()
    finally:
        os._exit(99)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    from halo_iac.cli.app import built_command
    from halo_iac.sandbox.platform import Sandbox

    for name in COMMANDS:
        built_command(name)
    for name in LIBRARIES:
        import_module(name)
    with TemporaryDirectory() as empty:
        Sandbox.open(Path(empty) / "sandbox.db").close()  # so that the tables of a new one are known
    _serve(socket.socket(fileno=int(sys.argv[1])))
