"""The recent requests of a sandbox, to show what a client sends."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Final

from halo_iac.sandbox.protocol import Request, RequestRefused, parse_input

_MAX_REQUESTS: Final = 10_000
_MAX_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The procedure and the input of a request; the input is ``None`` if it is missing or not valid."""

    procedure: str
    input: Any


class RecentRequests:
    """The latest requests, kept unparsed: a parsed input can be thirty times as large."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: deque[tuple[str, Request]] = deque()
        self._size = 0

    def add(self, procedure: str, request: Request) -> None:
        """Add a request, and drop the oldest beyond the limits."""
        if _size(request) > _MAX_BYTES:
            return
        with self._guard:
            # The media type decides how an input is parsed; other headers, such as the key, are dropped.
            headers = {name: value for name, value in request.headers.items() if name == "content-type"}
            self._kept.append((procedure, replace(request, headers=headers)))
            self._size += _size(request)
            while len(self._kept) > _MAX_REQUESTS or self._size > _MAX_BYTES:
                self._size -= _size(self._kept.popleft()[1])

    def requests(self) -> list[RecordedRequest]:
        """Return the requests, oldest first."""
        with self._guard:
            kept = list(self._kept)
        return [RecordedRequest(name, _input(request)) for name, request in kept]


def _size(request: Request) -> int:
    return len(request.path) + len(request.query) + len(request.body)


def _input(request: Request) -> Any:  # noqa: ANN401 (JSON)
    try:
        return parse_input(request)
    except RequestRefused:
        return None
