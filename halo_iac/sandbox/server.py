"""The sandbox on a loopback port: the standard library's server, which can cut its connections for faults."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, cast
from urllib.parse import urlsplit

from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import (
    MAX_BODY,
    Answer,
    CloseConnection,
    NeverReply,
    Request,
    RequestRefused,
    SandboxError,
    fail,
    reason_phrase,
)

_HOST: Final = "127.0.0.1"
_RESET: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends a reset."""


_ANOTHER_HOST: Final = RequestRefused(
    "FORBIDDEN",
    "The sandbox accepts only requests for localhost; `halo sandbox serve --host NAME` adds a host name.",
)
_ACCEPT_PAUSE: Final = 0.05
_NO_THREAD: Final = "can't start new thread"
_MAX_CONNECTIONS: Final = 256
_DESCRIPTORS_PER_CONNECTION: Final = 4
"""File descriptors that a connection may need: its socket, and SQLite's file and journals."""


class Server(ThreadingHTTPServer):
    """A served sandbox; ``url`` is its base URL."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = os.name != "nt"  # Windows would let two servers share the port

    def __init__(
        self, sandbox: Sandbox, port: int, log: Callable[[str], None] | None, hosts: Iterable[str] = ()
    ) -> None:
        self.sandbox = sandbox
        self.log = log
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)
        self._max_connections = _max_connections()
        self._guard = threading.Lock()
        self._open: dict[socket.socket, bool] = {}
        super().__init__((_HOST, port), _Exchange)

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's full name, which may ask a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Return the base URL, with the port that is in use."""
        return f"http://{_HOST}:{self.server_port}"

    def stop(self, grace: float = 2.0) -> None:
        """Accept no more connections, wait up to ``grace`` seconds for requests being answered, and close the rest."""
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + grace
        while any(self._open.values()) and time.monotonic() < deadline:
            time.sleep(0.01)
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def is_own_host(self, host: str) -> bool:
        """Return whether a ``Host`` header names this machine or a host given with ``--host``.

        A web page elsewhere can point its own name here (DNS rebinding), and would be answered like a page of this
        machine.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return name in self._hosts or _is_loopback(name)

    def note_connection(self, connection: socket.socket, *, is_busy: bool) -> None:
        """Note whether a connection is being answered; connections are kept in the order in which they were noted."""
        with self._guard:
            self._open.pop(connection, None)
            self._open[connection] = is_busy

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept the next connection; at the limit, the connection idle for longest is closed."""
        with self._guard:
            idle = [connection for connection, is_busy in self._open.items() if not is_busy]
            is_full = len(self._open) >= self._max_connections
        if is_full and idle:
            with self._guard:
                self._open.pop(idle[0], None)
            with suppress(OSError):
                idle[0].shutdown(socket.SHUT_RDWR)  # its thread finds it closed
        try:
            return super().get_request()
        except OSError:
            time.sleep(_ACCEPT_PAUSE)  # no descriptor is left, and the base class would ask again at once
            raise

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the base class's types)
        """Note a new connection, and answer it in a thread."""
        self.note_connection(request, is_busy=False)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (the base class's type)
        """Forget a connection and close it."""
        with self._guard:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the base class's types)
        """Report unexpected errors, but neither clients that disconnect nor a lack of threads."""
        error = sys.exception()
        if not isinstance(error, OSError) and str(error) != _NO_THREAD:
            super().handle_error(request, client_address)


class _Exchange(BaseHTTPRequestHandler):
    """One connection: reads requests and sends answers until either side closes it."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a connection may be idle
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer one request, of any method."""
        server = cast("Server", self.server)
        server.note_connection(self.connection, is_busy=True)
        try:
            self._exchange(server)
        finally:
            server.note_connection(self.connection, is_busy=False)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_GET  # noqa: N815 (the base class's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Write a line to the log, if there is one."""
        log = cast("Server", self.server).log
        if log is not None:
            log(format % args)

    def _exchange(self, server: Server) -> None:
        request = self._request()
        if request is None:
            return
        try:
            answer = server.sandbox.answer(request)
        except CloseConnection as cut:
            self._cut(cut)
        except NeverReply:
            self._never_reply(server)
        else:
            self._send(answer)

    def _request(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(411)
            return None
        if int(length) > 2 * MAX_BODY:
            self._refuse(413)
            return None
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not cast("Server", self.server).is_own_host(hosts[0]):
            self._refuse(403, fail(_ANOTHER_HOST, self.path[1:]).body)
            return None
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, body)

    def _refuse(self, status: int, body: bytes = b"") -> None:
        self.close_connection = True
        about = {"content-type": "application/json"} if body else {}
        self._send(Answer(status, {**about, "connection": "close"}, body))

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _send_head(self, answer: Answer) -> None:
        self.log_request(answer.status)
        self.send_response_only(answer.status, reason_phrase(answer.status))
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def _cut(self, cut: CloseConnection) -> None:
        if cut.answer is not None and cut.sent:
            self._send_head(cut.answer)
            self.wfile.write(cut.answer.body[: cut.sent])
            self.wfile.flush()
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()  # before the base class closes it in order
        self.close_connection = True

    def _never_reply(self, server: Server) -> None:
        """Hold the connection until the client, which sends nothing meanwhile, closes it, or the sandbox closes."""
        self.close_connection = True
        server.note_connection(self.connection, is_busy=False)
        self.connection.settimeout(0.1)
        while not server.sandbox.closing.is_set():
            with suppress(TimeoutError):
                self.connection.recv(1)
                return


@contextmanager
def serve(
    sandbox: Sandbox, port: int = 0, log: Callable[[str], None] | None = None, hosts: Iterable[str] = ()
) -> Iterator[Server]:
    """Serve a sandbox on loopback in its own thread until the block ends; port 0 chooses a free one.

    ``log`` gets a line per request; ``hosts`` are accepted host names besides those of loopback. The sandbox stays
    open. Raises ``OSError`` if the port is in use.
    """
    server = Server(sandbox, port, log, hosts)
    ended = threading.Event()
    threads = (
        threading.Thread(target=server.serve_forever, args=(0.02,), name="halo-sandbox", daemon=True),
        threading.Thread(target=_advance, args=(sandbox, ended), name="halo-sandbox-clock", daemon=True),
    )
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        ended.set()
        server.stop()
        for thread in threads:
            thread.join()


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _max_connections() -> int:
    """Return the most connections at a time, which the limit on open files allows to answer."""
    try:
        import resource
    except ImportError:
        return _MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if soft < 0 else max(2, min(_MAX_CONNECTIONS, soft // _DESCRIPTORS_PER_CONNECTION))


def _advance(sandbox: Sandbox, ended: threading.Event) -> None:
    """Fire schedules on time, without requests."""
    while not ended.wait(1):
        with suppress(SandboxError):  # the next request reports it
            sandbox.advance()
