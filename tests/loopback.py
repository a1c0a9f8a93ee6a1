"""A server on loopback that records what it is asked and answers, or misbehaves, as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from halo_iac.api.trpc import Json


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; ``target`` is the raw path and query, ``input`` the decoded tRPC input."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def input(self) -> Json:
        if self.method == "POST":
            return json.loads(self.body)
        values = parse_qs(urlsplit(self.target).query).get("input")
        return json.loads(values[0]) if values else None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``claims`` is a Content-Length that differs from the body's."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    claims: int | None = None


def result(value: object) -> Reply:
    return Reply(200, json.dumps({"result": {"data": value}}).encode(), {"Content-Type": "application/json"})


def failure(status: int, message: str = "no", code: str = "NO", **headers: str) -> Reply:
    error = {"message": message, "code": -32000, "data": {"code": code, "httpStatus": status, "path": "p"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"error": error}).encode(), named)


class HangUp(Exception):  # noqa: N818 - what the server does
    """Raised by an answering function: the connection is closed, with a reset, before anything is answered."""


class Recorder:
    """The running server: ``url``, and every request so far in ``requests``."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._answer = answer
        self._lock = threading.Lock()
        self.url = ""

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        return self._answer(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body would wait until the headers, another packet, have been acknowledged
    recorder: Recorder

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = self.recorder.answer(Request(self.command, self.path, headers, body))
        except HangUp:
            self._hang_up()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.claims is None else reply.claims))
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.claims is not None:
            self.close_connection = True

    do_GET = _serve  # noqa: N815 - the standard library's spelling
    do_POST = _serve  # noqa: N815
    do_PUT = _serve  # noqa: N815
    do_PATCH = _serve  # noqa: N815
    do_CONNECT = _serve  # noqa: N815 - as a proxy

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's spelling
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = (
        128  # with the usual five, a client among many that connect at once waits a second for another try
    )

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is part of the tests."""


@contextmanager
def serving(answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> Iterator[Recorder]:
    """Serve until the block ends; ``tls`` makes it https."""
    recorder = Recorder(answer)
    handler = type("Handler", (_Handler,), {"recorder": recorder})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    recorder.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
