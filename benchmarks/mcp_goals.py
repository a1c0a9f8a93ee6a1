"""The MCP server: how soon it answers, in the environment of ``make conformance`` that has its SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from goals import Bench, Line, ratio_line
from measure import HERE, Command, compare

_LIBRARIES: Final = "import anyio, mcp.server.lowlevel, mcp.server.stdio, pydantic, typer"
_INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}


def measure_start(bench: Bench) -> Iterator[Line]:
    """S5: the first answer costs little more than importing the libraries; whole processes, to their end."""
    programs = Path(os.environ.get("HALO_BENCH_MCP") or HERE.parent / ".mcp") / "bin"
    if not (programs / "halo").exists():
        return
    asked = bench.folder / "initialize.jsonl"
    asked.write_text(json.dumps(_INITIALIZE) + "\n", encoding="utf-8")
    server = Command([str(programs / "halo"), "mcp"], bench.env(None), asked)
    bare = Command([str(programs / "python"), "-c", _LIBRARIES], bench.env(None))
    yield ratio_line(
        "S5",
        "halo mcp until it has answered initialize / importing its libraries",
        compare(server, bare, bench.pairs),
        2.5,
    )


GOALS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {"S5": measure_start}
