"""The recent requests of a sandbox, within bounds, to show what a client sends."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Final

from halo_iac.sandbox.protocol import Request, RequestRefused, input_of

_MAX_REQUESTS: Final = 10_000
_MAX_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came: the procedure it named, and its input; ``None``: there was none, or none to understand."""

    procedure: str
    input: Any


class RecentRequests:
    """The latest requests, kept as they came: what is parsed can be thirty times as large."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: deque[tuple[str, Request]] = deque()
        self._size = 0

    def add(self, name: str, request: Request) -> None:
        """Remember one request, and forget the oldest that there is no more room for."""
        if _size(request) > _MAX_BYTES:
            return
        with self._guard:
            self._kept.append((name, replace(request, headers=_without_key(request))))
            self._size += _size(request)
            while len(self._kept) > _MAX_REQUESTS or self._size > _MAX_BYTES:
                self._size -= _size(self._kept.popleft()[1])

    def seen(self) -> list[RecordedRequest]:
        """Return them, oldest first."""
        with self._guard:
            kept = list(self._kept)
        return [RecordedRequest(name, _input(request)) for name, request in kept]


def _size(request: Request) -> int:
    return len(request.path) + len(request.query) + len(request.body)


def _without_key(request: Request) -> dict[str, str]:
    """Return the only header that decides how an input is parsed."""
    return {name: value for name, value in request.headers.items() if name == "content-type"}


def _input(request: Request) -> Any:  # noqa: ANN401 (JSON)
    try:
        return input_of(request)
    except RequestRefused:
        return None
