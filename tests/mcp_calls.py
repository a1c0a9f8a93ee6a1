"""The tools of ``halo mcp`` without the protocol: arguments in, an answer out.

Every structured answer is held against the schema that its tool declares.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from command_line import NOW, CommandLine, Stream
from jsonschema import Draft202012Validator

from halo_iac.cli.console import Console
from halo_iac.cli.mcp_host import McpHost
from halo_iac.cli.target import TargetOptions
from halo_iac.mcp.calls import Outcome, call_tool
from halo_iac.mcp.schemas import output_schema
from halo_iac.mcp.tools import tools

FENCE = re.compile(r"<untrusted-([0-9a-f]{16})>\n(.*)\n</untrusted-\1>", re.DOTALL)


@dataclass
class Answered:
    """The answer of a call: its data with the fences taken off, what stood outside of them, and all of its text."""

    outcome: Outcome

    @property
    def structured(self) -> dict[str, Any]:
        assert self.outcome.structured is not None, self.outcome.text
        return self.outcome.structured

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = _without_fences(self.structured["untrusted_data"])
        return found

    @property
    def cursor(self) -> str | None:
        return self.structured.get("next_cursor")

    @property
    def ours(self) -> str:
        """The text without what others wrote, and without the number of its fence."""
        text = FENCE.sub("…", self.outcome.text, count=1)
        return re.sub(r"untrusted-[0-9a-f]{16}", "untrusted-N", text)

    @property
    def fenced(self) -> str:
        (found,) = FENCE.findall(self.outcome.text)
        return str(found[1])


def _without_fences(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, str):
        found = FENCE.fullmatch(value)
        return value if found is None else found[2]
    if isinstance(value, list):
        return [_without_fences(each) for each in value]
    return {name: _without_fences(each) for name, each in value.items()} if isinstance(value, dict) else value


@dataclass
class Assistant:
    """What calls tools: ``halo`` says which environment the server has, ``target`` what its command line says.

    ``stop`` is set for a call that is cancelled.
    """

    halo: CommandLine
    target: TargetOptions = field(default_factory=TargetOptions)
    allows_runs: bool = True
    stop: threading.Event | None = None
    log: Stream = field(default_factory=Stream)

    def __post_init__(self) -> None:
        console = Console(
            Stream(), Stream(), self.log, self.halo.env, clock=lambda: NOW, retry_policy=self.halo.patience
        )
        console.prepare(json=False, format_command=self.target.format_command)
        self.host = McpHost(console, self.target, allows_runs=self.allows_runs)

    def __call__(self, name: str, **arguments: Any) -> Answered:  # noqa: ANN401 - as a client sends them
        """Call a tool, which has to answer."""
        answered = self.tried(name, **arguments)
        assert not answered.outcome.is_error, answered.outcome.text
        return answered

    def failed(self, name: str, **arguments: Any) -> Answered:  # noqa: ANN401 - likewise
        """Call a tool, which has to say what is wrong."""
        answered = self.tried(name, **arguments)
        assert answered.outcome.is_error
        assert answered.outcome.structured is None
        assert "Traceback" not in answered.outcome.text
        return answered

    def tried(self, name: str, **arguments: Any) -> Answered:  # noqa: ANN401 - likewise
        tool = tools(allow_runs=True)[name]
        outcome = call_tool(self.host, tool, arguments, self.stop or threading.Event())
        if outcome.structured is not None:
            Draft202012Validator(output_schema(tool)).validate(outcome.structured)
        return Answered(outcome)

    def pages(self, name: str, **arguments: Any) -> Iterator[Answered]:  # noqa: ANN401 - likewise
        """Yield every answer of a call that goes on."""
        cursor = None
        while True:
            answered = self(name, **arguments, **({} if cursor is None else {"cursor": cursor}))
            yield answered
            cursor = answered.cursor
            if cursor is None:
                return
