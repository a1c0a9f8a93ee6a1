"""Drives an MCP server with the SDK's own client, for tests that cannot import the SDK.

Run with the Python of the environment that has it, as ``mcp_sdk_client.py MODE COMMAND ARGUMENT…``. The server gets
this process's own environment. Each line of standard input is a request as JSON, ``[method, argument…]`` of
``mcp.Client``, and each line of standard output the answer to one: ``{"result": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import anyio
from mcp import Client, MCPError, StdioServerParameters


async def answer(client: Any, method: str, arguments: list[Any]) -> dict[str, Any]:  # noqa: ANN401 - of the SDK
    if method == "server":
        initialized = {"version": client.protocol_version, "instructions": client.instructions}
        return {"result": {**initialized, "name": client.server_info.name}}
    try:
        result = await getattr(client, method)(*arguments)
    except MCPError as error:
        return {"error": error.message}
    return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


async def main(mode: str, command: str, *arguments: str) -> None:
    server = StdioServerParameters(command=command, args=[*arguments], env=dict(os.environ))
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            method, *rest = json.loads(line)
            sys.stdout.write(json.dumps(await answer(client, method, rest)) + "\n")
            sys.stdout.flush()


anyio.run(main, *sys.argv[1:])
