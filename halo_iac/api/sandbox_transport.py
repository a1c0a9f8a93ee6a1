"""A transport that calls a function instead of the network: the in-process sandbox (docs/architecture.md#sandbox)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx

Handler = Callable[[str, str, str, dict[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""``(method, path, query, headers by lower-case name, body)`` → ``(status, headers, body)``."""


class EmbeddedTransport(httpx.BaseTransport):
    """Hands requests to a function of this process instead of a socket.

    A ``ConnectionError`` from it is a connection that broke before the answer, a ``TimeoutError`` one that never came.
    """

    def __init__(self, answer: Handler) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the function's answer as httpx would have read it from the network."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            status, answered, body = self._answer(request.method, path, query, headers, request.read())
        except TimeoutError:
            raise httpx.ReadTimeout("no answer", request=request) from None
        except ConnectionError:
            raise httpx.ReadError("connection broken", request=request) from None
        return httpx.Response(status, headers=dict(answered), content=body)
