"""How long a command waits for the platform, and how many bytes it accepts.

See docs/security.md#bounds-of-answers.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

_MIB: Final = 1024 * 1024


class RequestLimits(NamedTuple):
    """Limits of a request (docs/security.md#bounds-of-answers).

    Seconds to connect, between two reads, in all, and until a wait is reported. Bytes of an answer, or of a list over
    all its pages; bytes of memory that it may take, by estimate, once it is decoded; bytes that are read of an error.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    answer_bytes: int = 256 * _MIB
    memory_bytes: int = 1024 * _MIB
    error_bytes: int = 64 * 1024
    slow_seconds: float = 10.0


class RetryPolicy(NamedTuple):
    """How one command retries: the limits of an attempt, the attempts of a call, and when creates are checked.

    ``throttled_seconds`` is the most that a run waits in total while the platform throttles. ``check_after`` are the
    seconds after the last create at which the list is read again, ascending. ``sleep`` waits between two attempts, in
    seconds, and may return early; without it, a wait ends when it is over or the command is stopped. ``clock`` measures
    what attempts take, in instants of :func:`time.monotonic`.
    """

    bounds: RequestLimits = RequestLimits()
    attempts: int = 6
    throttled_seconds: float = 600.0
    check_after: tuple[float, ...] = (2.0, 8.0, 20.0)
    sleep: Callable[[float], None] | None = None
    clock: Callable[[], float] = monotonic


DEFAULT: Final = RetryPolicy()
"""What commands have; tests have less."""
