"""Threads of our own, which keep no command from ending: an interrupted one waits for no socket."""

from __future__ import annotations

import _thread
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_TICK: Final = 0.1
"""Seconds between looks whether a thread is there at all."""


class Thread:
    """A thread that was started.

    :meth:`threading.Thread.start` waits until the thread says that it has started, which is for ever where memory is
    too short even for that. This one is over as soon as nothing of it is left, whether it has said so or not.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        life = _Life()
        self._life = weakref.ref(life)
        self._over = threading.Event()
        _thread.start_new_thread(_run, (work, self._over, life))

    def is_alive(self) -> bool:
        """Say whether it is still at it."""
        return not self._over.is_set() and self._life() is not None

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is over, or for so many seconds."""
        latest = None if timeout is None else time.monotonic() + timeout
        while self.is_alive():
            left = _TICK if latest is None else latest - time.monotonic()
            if left <= 0:
                return
            self._over.wait(min(left, _TICK))


class _Life:
    """What only a thread holds, and lets go of however it ends."""


def _run(work: Callable[[], object], over: threading.Event, _life: _Life) -> None:
    with suppress(BaseException):  # whoever waits for the work looks whether it came to an end
        work()
    over.set()


def start_thread(work: Callable[[], object]) -> Thread | None:
    """Start a thread and return it, or ``None`` where the system has none to give.

    A limit on processes or memory says so with RuntimeError or MemoryError; what can be done is done without it.
    """
    try:
        return Thread(work)
    except (RuntimeError, MemoryError):
        return None
