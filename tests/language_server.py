"""yaml-language-server, which editors run: one process, asked by this small client over standard input and output.

It is a test dependency only. ``make conformance`` installs it; HALO_TEST_YAML_SERVER names it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

SERVER = os.environ.get("HALO_TEST_YAML_SERVER")

needs_server = pytest.mark.skipif(
    SERVER is None,
    reason="yaml-language-server is not installed: run `make conformance`, or name it in HALO_TEST_YAML_SERVER",
)

_CAPABILITIES = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}

_ERROR = 1
"""All that an editor marks; an anchor that is not used is a mere hint."""


@dataclass
class LanguageServer:
    """A running server, told which schema is for the files of which folder."""

    process: subprocess.Popen[bytes]
    folder: Path
    _settings: dict[str, object] = field(default_factory=dict)
    _last_id: int = 0
    _opened: int = 0
    _reports: dict[str, list[str]] = field(default_factory=dict)

    def start(self, schemas: Mapping[str, str]) -> None:
        """Open the conversation; ``schemas`` has the address of each schema, and a glob of the files that it is for."""
        self._ask("initialize", {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": _CAPABILITIES})
        self._send("initialized", {})
        self._settings = {"schemas": schemas, "schemaStore": {"enable": False}, "hover": True, "completion": True}
        self._send("workspace/didChangeConfiguration", {"settings": {}})

    def complaints(self, texts: Iterable[str], kind: str = "project") -> list[list[str]]:
        """Return what an editor shows as wrong in each text: all opened at once, then waited for."""
        opened = [self._open(kind, text) for text in texts]
        while not self._reports.keys() >= set(opened):
            self._take()
        return [self._reports[uri] for uri in opened]

    def offers(self, text: str) -> dict[str, dict[str, Any]]:
        """Return the completions at the place of ``|`` in a project file, by label."""
        return {item["label"]: item for item in self._at_cursor("completion", text)["items"]}

    def hover(self, text: str) -> str:
        """Return what the editor shows of the place of ``|`` in a project file."""
        found = self._at_cursor("hover", text)
        return str(found["contents"]["value"]) if found else ""

    def _at_cursor(self, what: str, text: str) -> Any:  # noqa: ANN401 - whatever the server answers
        before, _, after = text.partition("|")
        uri = self._open("project", before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return self._ask(f"textDocument/{what}", {"textDocument": {"uri": uri}, "position": position})

    def _open(self, kind: str, text: str) -> str:
        """Open a text as a file of its own in the folder of its kind, and return its address."""
        self._opened += 1
        uri = (self.folder / kind / f"{self._opened}.yaml").as_uri()
        self._send(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
        return uri

    def _ask(self, method: str, parameters: object) -> Any:  # noqa: ANN401 - whatever the server answers
        self._last_id += 1
        self._write({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": parameters})
        while True:
            message = self._take()
            if message.get("id") == self._last_id and "method" not in message:
                return message["result"]

    def _send(self, method: str, parameters: object) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": parameters})

    def _take(self) -> dict[str, Any]:
        """Read one message; note what is reported, and answer what is asked: settings, and nothing else."""
        message = self._read()
        if message.get("method") == "textDocument/publishDiagnostics":
            reported = message["params"]
            errors = [each for each in reported["diagnostics"] if each["severity"] == _ERROR]
            self._reports[reported["uri"]] = [_line(each) for each in errors]
        elif "method" in message and "id" in message:
            is_settings = message["method"] == "workspace/configuration"
            answer = [self._settings if each["section"] == "yaml" else None for each in _items(message)]
            self._write({"jsonrpc": "2.0", "id": message["id"], "result": answer if is_settings else None})
        return message

    def _write(self, message: Mapping[str, object]) -> None:
        body = json.dumps(message).encode()
        pipe = _pipe(self.process.stdin)
        pipe.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        pipe.flush()

    def _read(self) -> dict[str, Any]:
        pipe = _pipe(self.process.stdout)
        length = 0
        while (header := pipe.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(pipe.read(length))
        return message


def _items(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = message["params"].get("items", [])
    return items


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _line(diagnostic: Mapping[str, Any]) -> str:
    start = diagnostic["range"]["start"]
    return f"{start['line'] + 1}:{start['character'] + 1}: {diagnostic['message']}"


@contextmanager
def run_server(folder: Path, globs: Mapping[str, str]) -> Iterator[LanguageServer]:
    """Run a server in a folder; ``globs`` has the files that each schema in it is for. It ends with its input."""
    assert SERVER is not None
    with subprocess.Popen(
        [SERVER, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            server = LanguageServer(process, folder)
            server.start({(folder / name).as_uri(): glob for name, glob in globs.items()})
            yield server
        finally:
            process.kill()
