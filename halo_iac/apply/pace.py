"""Pace: at most so many requests a second, however many threads ask (design §6)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Hands out evenly spaced places; calling it waits for the next one, or until ``stop`` is set."""

    def __init__(self, per_second: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1 / per_second
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()

    def __call__(self) -> None:
        """Wait for a place."""
        with self._lock:
            now = self._clock()
            place = max(now, self._next)
            self._next = place + self._gap
        if place > now:
            self._stop.wait(place - now)
