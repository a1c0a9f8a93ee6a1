"""Brake: what keeps a run from starting anything new: a signal, or a failure that all else would share.

See docs/semantics.md#interruption.
"""

from __future__ import annotations

import threading


class Brake:
    """Pulled at most once; safe to share between threads, and to pull from a signal handler.

    ``interrupted`` is set by whoever wants the run to end, ``pulled`` by that and by :meth:`halt`.
    """

    def __init__(self) -> None:
        self.interrupted = threading.Event()
        self.pulled = threading.Event()

    def interrupt(self) -> None:
        """Start nothing new, and wait for nothing that takes long."""
        self.interrupted.set()
        self.pulled.set()

    def halt(self) -> None:
        """Start nothing new: nothing else can succeed either."""
        self.pulled.set()
