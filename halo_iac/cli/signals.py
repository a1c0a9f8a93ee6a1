"""Ctrl-C and the other signals that ask a command to end, and what is printed then.

A signal that was ignored at the start, as with ``nohup``, stays ignored.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

Handler = Callable[[int, FrameType | None], object]

NOTHING_CHANGED: Final = "interrupted; nothing was changed on the platform"
"""The error of an interrupted command, unless the command has started something."""
STOPPING: Final = (
    "Stopping: no new changes are started; waiting up to 5 s for those in progress. Press Ctrl-C again to stop waiting."
)
"""Printed immediately after Ctrl-C: by the live display if it is shown, else by the signal handler."""

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
"""The signals that end a command; not every system has all of them."""

_UNTIL_REPEATED: Final = 0.05
"""Seconds until a lost interrupt is repeated, for the code that swallowed it to end."""


def treat_signals_as_interrupt() -> None:
    """Treat a cancelled pipeline or a closed terminal like Ctrl-C."""
    for number in _numbers():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    sys.unraisablehook = _repeat_lost_interrupt


def ending_signals() -> dict[int, Handler]:
    """Return the signals that end a command, except ignored ones: number → handler."""
    handlers = {number: signal.getsignal(number) for number in _numbers()}
    return {number: handler for number, handler in handlers.items() if callable(handler)}


def _repeat_lost_interrupt(lost: sys.UnraisableHookArgs) -> None:
    """Interrupt again if an interrupt was lost.

    Python raises KeyboardInterrupt wherever the main thread is. In a destructor, or in the callback at the end of every
    import, it is reported but stops nothing: a cancelled apply would continue to write.
    """
    if isinstance(lost.exc_value, KeyboardInterrupt):
        _thread.start_new_thread(_interrupt_soon, (_thread.get_ident(),))
    else:
        sys.__unraisablehook__(lost)


def _interrupt_soon(thread: int) -> None:
    time.sleep(_UNTIL_REPEATED)
    for number in list(ending_signals())[:1]:
        if hasattr(signal, "pthread_kill"):  # this also wakes a waiting main thread
            signal.pthread_kill(thread, number)
        else:
            signal.raise_signal(number)


def is_repeated_by_itself(number: int) -> bool:
    """Return whether one cause sends a signal repeatedly: a closed terminal and its shell both send theirs."""
    return number == getattr(signal, "SIGHUP", None)


def _numbers() -> list[signal.Signals]:
    return [number for name in _ENDING if (number := getattr(signal, name, None)) is not None]
