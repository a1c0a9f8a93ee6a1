"""How long a command waits for the platform, and how much it takes from it: every such number once.

See docs/security.md#bounds-of-answers.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

_MIB: Final = 1024 * 1024


class RequestLimits(NamedTuple):
    """How long and how much: seconds to connect, between two reads and in all; bytes.

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


class RetryPolicy(NamedTuple):
    """What one command has: bounds of an attempt, how many of them a call gets, and when a lost create is looked for.

    ``throttled`` is how many seconds a run waits in all while the platform throttles, ``looks`` are seconds after the
    last create, rising. ``sleep`` waits so many seconds between two attempts and may return early; where there is none,
    a wait lasts until it is over or the command is told to stop.
    """

    bounds: RequestLimits = RequestLimits()
    attempts: int = 6
    throttled: float = 600.0
    looks: tuple[float, ...] = (2.0, 8.0, 20.0)
    sleep: Callable[[float], None] | None = None


DEFAULT: Final = RetryPolicy()
"""What commands have; tests have less."""
