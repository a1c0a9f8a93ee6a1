"""Connections: one per thread to the platform, without httpx's pool, and a pooled one for proxies.

See docs/performance.md#requests. Imported on use, since only the network needs httpcore.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import httpcore
import httpx

_KEEPALIVE_SECONDS: Final = 5.0
"""Seconds for which an unused connection is kept, as httpx does."""

_MAPPED_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
"""Errors that httpx has under the same names."""


def read_within(seconds: float, read: Callable[[int, float], bytes], max_bytes: int) -> bytes | None:
    """Return what arrives within so many seconds; ``None`` if nothing does, after which it may be read again."""
    if seconds <= 0:
        return None
    try:
        return read(max_bytes, seconds)
    except httpcore.ReadTimeout:
        return None


class DirectTransport(httpx.BaseTransport):
    """Sends requests over one connection, which is opened again if it was closed; for one thread and one host."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._network = _Network()
        self._connection: httpcore.HTTPConnection | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, its body not read yet; raises what httpx's own transport does."""
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        try:
            response = self._reuse_or_open(sent.url.origin).handle_request(sent)
        except _MAPPED_ERRORS as error:
            raise _as_httpx(error) from error
        body = _Body(response)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    def close(self) -> None:
        """Close the connection; what is under way on it fails."""
        if self._connection is not None:
            self._connection.close()

    def _reuse_or_open(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        kept = self._connection
        if kept is not None and kept.is_available() and not kept.has_expired() and not _has_unread_data(kept):
            return kept
        self.close()
        self._connection = httpcore.HTTPConnection(
            origin, ssl_context=self._context, keepalive_expiry=_KEEPALIVE_SECONDS, network_backend=self._network
        )
        return self._connection


class PooledTransport(httpx.HTTPTransport):
    """httpx's own transport, for proxies and code hosts, which closes a connection that holds unrequested data."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, its body not read yet."""
        for connection in self._pool.connections:
            if connection.is_idle() and _has_unread_data(connection):
                connection.close()
        return super().handle_request(request)


def _has_unread_data(connection: object) -> bool:
    """Return whether an idle connection has received unrequested data, or whether that is unknown.

    h11 would take it for the answer to the next request before that is even sent, and httpcore does not check.
    """
    while (inner := getattr(connection, "_connection", None)) is not None:  # of a tunnel, and of a lazy connection
        connection = inner
    state = getattr(connection, "_h11_state", None)
    return state is None or state.trailing_data[0] != b""


class _Body(httpx.SyncByteStream):
    """The body of a response as it arrives."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except _MAPPED_ERRORS as error:
            raise _as_httpx(error) from error

    def close(self) -> None:
        self._response.close()


class _Network(httpcore.SyncBackend):
    """Opens connections that send the headers and the body of a request at once."""

    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:  # noqa: ANN401 - httpcore's own
        return _Stream(super().connect_tcp(*args, **options))


class _Stream(httpcore.NetworkStream):
    """Keeps written data until something is read, since each write lets the other threads run first."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._unsent = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            with suppress(httpcore.WriteError):  # as httpcore does: the platform may have answered and closed
                self._stream.write(unsent, timeout)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - that of the read counts
        self._unsent += buffer

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own
        return self._stream.get_extra_info(info)


def _as_httpx(error: Exception) -> httpx.TransportError:
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))
