"""A gate that all requests of a run wait at while the platform throttles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from halo_iac.api.limits import DEFAULT
from halo_iac.errors import Delivery, PlatformError

_THROTTLING_STATUSES: Final = frozenset({429, 503})
_INITIAL_BACKOFF: Final = 1.0
_MAX_BACKOFF: Final = 20.0
_POLL_SECONDS: Final = 0.1
"""Seconds between looks whether the gate is open or the run is over."""


class ThrottleGate:
    """Closes at the second 429 or 503 without a success between them; safe to share between threads.

    While it is closed, one caller of :meth:`enter` waits as long as the platform asks, or 1 s, doubling to 20, and then
    tries; the others wait for its result. A success opens the gate, another 429 or 503 closes it again.
    It stays closed for ``seconds`` of a run at most: then it :attr:`is_exhausted`, and no request is sent any more.
    ``sleep`` waits so many seconds and may return early.
    """

    def __init__(
        self,
        seconds: float = DEFAULT.throttled_seconds,
        *,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._left = seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._throttles = 0
        """Responses that asked for a pause since the last success."""
        self.closed_by: PlatformError | None = None
        """What closed it; ``None`` while it is open."""
        self.wait_seconds = 0.0
        """Seconds between closing and the next attempt."""
        self._next_backoff = _INITIAL_BACKOFF
        self._opens_at = 0.0
        self._trying_thread: int | None = None
        """The thread whose turn it is to wait and try."""
        self._turn_began = 0.0

    @property
    def is_exhausted(self) -> bool:
        """Return whether it has been closed for as long as a run may wait."""
        return self.closed_by is not None and self._left < 0

    def enter(self, stop: threading.Event) -> bool:
        """Wait until it is open, or it is this thread's turn to try; false if it stays closed, or ``stop`` was set.

        If ``stop`` is set already, the caller may go on at once, because it finishes something that is under way.
        """
        if stop.is_set():
            return True
        while self.closed_by is not None:
            if self.is_exhausted or stop.is_set():
                return False
            if self._claim_turn():
                return self._wait_in_turn(stop)
            stop.wait(_POLL_SECONDS)
        return True

    def _claim_turn(self) -> bool:
        with self._lock:
            is_free = self.closed_by is not None and self._trying_thread is None
            if is_free:
                self._trying_thread = threading.get_ident()
            return is_free

    def _wait_in_turn(self, stop: threading.Event) -> bool:
        if self._sleep is not None:
            self._sleep(self.wait_seconds)
        else:
            while self.closed_by is not None and not stop.is_set() and self._clock() < self._opens_at:
                stop.wait(min(_POLL_SECONDS, max(self._opens_at - self._clock(), 0.0)))
        with self._lock:
            self._turn_began = self._clock()
            if stop.is_set():
                self._trying_thread = None
        return not stop.is_set()

    def record_attempt(self, error: BaseException | None) -> bool:
        """Record how an attempt of this thread ended; return whether it was throttled and the gate is closed."""
        if error is None and not self._throttles:
            return False  # nearly always: no lock
        with self._lock:
            is_trying = self._trying_thread == threading.get_ident()
            if is_trying:
                self._trying_thread = None
                self._left -= self._clock() - self._turn_began
            if not isinstance(error, PlatformError) or error.status not in _THROTTLING_STATUSES:
                if error is None or _was_processed(error):
                    self._open()
                return False
            self._throttles += 1
            if is_trying or self.closed_by is None:
                self._close(error)
            return self.closed_by is not None

    def _open(self) -> None:
        self._throttles, self.closed_by, self._next_backoff, self._trying_thread = 0, None, _INITIAL_BACKOFF, None

    def _close(self, error: PlatformError) -> None:
        """Close it, except after a first throttled request, which is retried like any failure."""
        asked = error.retry_after or 0.0
        if self._throttles < 2 and asked <= _MAX_BACKOFF:
            return
        self.closed_by = error
        # With a Retry-After of 0, requests would be sent as fast as they are answered.
        self.wait_seconds = asked if asked >= _INITIAL_BACKOFF else self._next_backoff
        self._next_backoff = min(self._next_backoff * 2, _MAX_BACKOFF)
        self._opens_at = self._clock() + self.wait_seconds
        self._left -= self.wait_seconds


def _was_processed(error: BaseException) -> bool:
    """Return whether the platform processed the request, although it declined it."""
    return isinstance(error, PlatformError) and error.delivery is Delivery.REFUSED and not error.is_transient
