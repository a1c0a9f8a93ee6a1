"""Pace: at most so many requests a second, however many threads ask (docs/semantics.md#apply-order)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Hands out evenly spaced places; calling it waits for the next one and says whether the request may be sent.

    It may not where ``stop`` was set during the wait: what was still waiting by then is not started. What asks later
    goes at once, because it puts an end to something that is under way.
    """

    def __init__(self, per_second: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1 / per_second
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()

    def __call__(self) -> bool:
        """Wait for a place; ``False`` if there is none any more."""
        if self._stop.is_set():
            return True
        with self._lock:
            now = self._clock()
            place = max(now, self._next)
            self._next = place + self._gap
        return place <= now or not self._stop.wait(place - now)
