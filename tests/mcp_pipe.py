"""``halo mcp`` as a process: by the SDK's own client, by the inspector, and by lines written to its pipe.

``make conformance`` installs what they need: HALO_TEST_MCP names an environment with halo and its extra `mcp`,
HALO_TEST_INSPECTOR the inspector.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MCP = os.environ.get("HALO_TEST_MCP")
INSPECTOR = os.environ.get("HALO_TEST_INSPECTOR")
HERE = Path(__file__).parent

needs_mcp = pytest.mark.skipif(
    MCP is None, reason="the MCP SDK is not installed: run `make conformance`, or name its environment in HALO_TEST_MCP"
)
needs_inspector = pytest.mark.skipif(
    MCP is None or INSPECTOR is None,
    reason="the MCP inspector is not installed: run `make conformance`, or name it in HALO_TEST_INSPECTOR",
)


def sdk_program(name: str) -> str:
    """Return a program of the environment that has the SDK."""
    folder = Path(MCP or "") / ("Scripts" if sys.platform == "win32" else "bin")
    return str(folder / name)


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: this one's without what halo reads, and ``env``."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith(("INF_", "HALO_"))}, **env}


# The SDK's client ---------------------------------------------------------------------------------------------------


@dataclass
class SdkClient:
    """A conversation with the server by the SDK's client."""

    process: subprocess.Popen[str]

    def __call__(self, method: str, *arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
        """Return a result, or ``{"error": …}``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the client ended: {self.process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer.get("result", answer)

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
        """Return the structured answer of a tool, which has to have one."""
        result = self("call_tool", name, arguments)
        assert not result.get("isError"), result
        found: dict[str, Any] = result["structuredContent"]
        return found


@contextmanager
def sdk_client(folder: Path, env: Mapping[str, str], *argv: str, mode: str = "auto") -> Iterator[SdkClient]:
    """Start ``halo mcp`` in a folder, and the SDK's client on it."""
    command = [sdk_program("python"), str(HERE / "mcp_sdk_client.py"), mode, sdk_program("halo"), "mcp", *argv]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment(env), text=True, **pipes) as process:  # type: ignore[call-overload]
        yield SdkClient(process)
        process.stdin.close()
        assert process.wait(30) == 0


def inspect(folder: Path, env: Mapping[str, str], *argv: str) -> dict[str, Any]:
    """Return what the inspector prints in its command-line mode."""
    assert INSPECTOR is not None
    server = [sdk_program("halo"), "mcp", "--sandbox"]
    ended = subprocess.run(
        [INSPECTOR, "--cli", *server, *argv],
        cwd=folder,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


# Lines --------------------------------------------------------------------------------------------------------------


class Pipe:
    """A conversation with the server line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr
        self._last = 0

    def send(self, method: str, **params: Any) -> int:  # noqa: ANN401 - as JSON
        """Send a request and return its number."""
        self._last += 1
        self.write({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._last

    def notify(self, method: str, **params: Any) -> None:  # noqa: ANN401 - as JSON
        self.write({"jsonrpc": "2.0", "method": method, "params": params})

    def write(self, message: object) -> None:
        self.stdin.write(json.dumps(message).encode() + b"\n")
        self.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Return the next message; standard output has nothing else."""
        message: dict[str, Any] = json.loads(self.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        return message

    def begin(self) -> dict[str, Any]:
        """Shake hands."""
        client = {"name": "test", "version": "1"}
        self.send("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        answer = self.read()
        self.notify("notifications/initialized")
        return answer

    def ended(self) -> tuple[int, bytes, str]:
        """Return how it ended: the code, what was left on standard output, and all of standard error."""
        code = self.process.wait(30)
        return code, self.stdout.read(), self.stderr.read().decode()


@contextmanager
def open_pipe(folder: Path, env: Mapping[str, str], *argv: str) -> Iterator[Pipe]:
    """Start ``halo mcp`` in a folder."""
    command = [sdk_program("halo"), "mcp", *argv]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment(env), **pipes) as process:  # type: ignore[call-overload]
        try:
            yield Pipe(process)
        finally:
            if process.poll() is None:
                process.kill()
