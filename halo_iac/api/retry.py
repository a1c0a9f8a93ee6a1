"""Repeats failed calls, with growing waits (docs/semantics.md#retries)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

from halo_iac.api.limits import DEFAULT
from halo_iac.api.throttling import ThrottleGate
from halo_iac.errors import Delivery, PlatformError, Unsent
from halo_iac.hints import join_hints

T = TypeVar("T")

_INITIAL_BACKOFF: Final = 0.5
_MAX_BACKOFF: Final = 20.0
_UNPROCESSED_STATUSES: Final = frozenset({425, 429})


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeats calls that are safe to repeat: ``retry(attempt)`` returns the attempt's result or raises its last error.

    ``attempt`` is called with its deadline, an instant of ``clock``. Waits grow 0.5, 1, 2, … 20 s, each
    shortened by up to half at random, and are never shorter than the platform's own Retry-After. It ends after
    ``attempts``, which bounds how long a mistyped host is tried, after ``seconds`` in all, or when ``stop`` is set,
    which also ends a wait. Waiting at the ``gate``, if there is one, counts neither as an attempt nor towards
    ``seconds``. ``on_retry`` is called with the error, the wait in seconds and the number of the failed attempt.
    ``sleep`` waits so many seconds and may return early.
    """

    seconds: float = DEFAULT.bounds.total_seconds
    attempts: int = DEFAULT.attempts
    stop: threading.Event = field(default_factory=threading.Event)
    on_retry: Callable[[PlatformError, float, int], None] | None = None
    clock: Callable[[], float] = monotonic
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] | None = None
    gate: ThrottleGate | None = None

    def __call__(self, attempt: Callable[[float], T], *, creates: bool = False) -> T:
        """Return the first success; ``creates`` means that a repetition could create something twice.

        See docs/semantics.md#creates.
        """
        call = _Call(self, self.clock() + self.seconds)
        while True:
            call.pass_gate()
            try:
                return call.attempt_once(attempt)
            except PlatformError as error:
                if not self._may_repeat(error, creates=creates) or not call.wait_after(error):
                    raise
                if self.stop.is_set():
                    raise

    def _may_repeat(self, error: PlatformError, *, creates: bool) -> bool:
        if not error.is_transient or self.stop.is_set():
            return False
        return not creates or error.delivery is Delivery.NOT_SENT or error.status in _UNPROCESSED_STATUSES


@dataclass(slots=True)
class _Call:
    """One call of :class:`Retry`: how often it was tried, and how long it still has."""

    retry: Retry
    deadline: float
    attempts: int = 0
    throttled: PlatformError | None = None
    """The error of the last attempt if it was throttled, so that the gate decides about the wait."""
    began: float = 0.0

    def pass_gate(self) -> None:
        """Wait at the gate, if it is closed; raises an error if the wait cannot succeed."""
        gate = self.retry.gate
        if gate is None or gate.closed_by is None:
            return
        since = self.retry.clock()
        is_open = gate.enter(self.retry.stop)
        self.deadline += self.retry.clock() - since
        if not is_open:
            raise self.throttled or _unsent_error(gate.closed_by)

    def attempt_once(self, attempt: Callable[[float], T]) -> T:
        """Make an attempt and tell the gate how it ended."""
        self.attempts += 1
        self.began = self.retry.clock()
        self.throttled = None
        gate, error = self.retry.gate, None
        if gate is None:
            return attempt(self.deadline)
        try:
            return attempt(self.deadline)
        except BaseException as caught:
            error = caught
            raise
        finally:
            if gate.record_attempt(error) and isinstance(error, PlatformError):
                self.throttled = error

    def wait_after(self, error: PlatformError) -> bool:
        """Wait before the next attempt; returns false if there is none."""
        if self.throttled is not None:
            return self._wait_at_gate(error)
        wait = self._wait(error)
        left = self.deadline - self.retry.clock()
        if self.attempts >= self.retry.attempts or wait >= left:
            spent = self.retry.seconds - left
            error.hint = join_hints(" ", (_describe_effort(self.attempts, spent, error), error.hint))
            return False
        self._report_wait(error, wait)
        (self.retry.sleep or self.retry.stop.wait)(wait)
        return True

    def _wait_at_gate(self, error: PlatformError) -> bool:
        """Do not count a throttled attempt; ``False`` if the gate was closed for as long as a run may wait."""
        gate = self.retry.gate
        self.attempts -= 1
        self.deadline += self.retry.clock() - self.began
        if gate is None or gate.is_exhausted:
            asked = error.retry_after
            effort = (
                f"The platform asks to wait {asked:.0f} s."
                if asked
                else "It has throttled requests for too long to keep waiting."
            )
            error.hint = join_hints(" ", (effort, error.hint))
            return False
        self._report_wait(error, gate.wait_seconds)
        return True

    def _wait(self, error: PlatformError) -> float:
        longest = min(_INITIAL_BACKOFF * 2.0 ** (self.attempts - 1), _MAX_BACKOFF)
        own = float(longest * (1.0 - self.retry.chance() / 2.0))
        # What is asked may be no time at all, and all attempts would be used up in it.
        return max(error.retry_after or 0.0, own)

    def _report_wait(self, error: PlatformError, wait: float) -> None:
        if self.retry.on_retry is not None:
            self.retry.on_retry(error, wait, self.attempts)


def _unsent_error(closed_by: PlatformError | None) -> Unsent:
    procedure = "" if closed_by is None else closed_by.procedure
    message = "not sent: the platform is throttling requests, or the run ended first"
    return Unsent(message, procedure=procedure, delivery=Delivery.NOT_SENT)


def _describe_effort(attempts: int, spent: float, error: PlatformError) -> str | None:
    if attempts == 1:
        asked = error.retry_after
        return f"The platform asks to wait {asked:.0f} s." if asked is not None else None
    return f"Tried {attempts} times in {spent:.0f} s."
