"""How long a command waits for the platform, and how many bytes it accepts.

See docs/security.md#bounds-of-answers.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

_MIB: Final = 1024 * 1024


class RequestLimits(NamedTuple):
    """Limits of a request: seconds to connect, between two reads, in all, and until a wait is reported; bytes.

    See docs/security.md#bounds-of-answers.

    ``answer`` is how many an answer may have, or a list over all its pages, and ``held`` how many it may take, by
    estimate, once it is decoded; ``error`` is how many of an error are read.
    """

    connect: float = 10.0
    read: float = 30.0
    operation: float = 120.0
    answer: int = 256 * _MIB
    held: int = 1024 * _MIB
    error: int = 64 * 1024
    slow: float = 10.0


class RetryPolicy(NamedTuple):
    """How one command retries: the limits of an attempt, the attempts of a call, and when creates are checked.

    ``throttled`` is the most seconds that a run waits in total while the platform throttles. ``check_after`` are the
    seconds after the last create at which the list is read again, ascending. ``sleep`` waits between two attempts, in
    seconds, and may return early; without it, a wait ends when it is over or the command is stopped. ``clock`` measures
    what attempts take, in instants of :func:`time.monotonic`.
    """

    bounds: RequestLimits = RequestLimits()
    attempts: int = 6
    throttled: float = 600.0
    check_after: tuple[float, ...] = (2.0, 8.0, 20.0)
    sleep: Callable[[float], None] | None = None
    clock: Callable[[], float] = monotonic


DEFAULT: Final = RetryPolicy()
"""What commands have; tests have less."""
