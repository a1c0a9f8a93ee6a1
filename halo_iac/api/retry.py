"""When a call is repeated, and how long is waited before (design §6, Retries and Creates)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar, cast

from halo_iac.api.patience import USUAL
from halo_iac.errors import Delivery, PlatformError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 20.0
_NOT_NOW: Final = frozenset({425, 429})


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeats what may be repeated: ``retry(attempt)`` returns the attempt's result or raises its last error.

    Waits grow 0.5, 1, 2, … 20 s, each shortened by up to half at random; the platform's own Retry-After stands as it
    is. It ends after ``attempts``, which bounds how long a mistyped host is tried, after ``seconds`` in all, or when
    ``stop`` is set, which also ends a wait. ``on_retry`` is told the error, the wait and the number of the attempt that
    failed. ``sleep`` waits so many seconds and may return early.
    """

    seconds: float = USUAL.bounds.operation
    attempts: int = USUAL.attempts
    stop: threading.Event = field(default_factory=threading.Event)
    on_retry: Callable[[PlatformError, float, int], None] | None = None
    clock: Callable[[], float] = monotonic
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] | None = None

    def deadline(self) -> float:
        """Return the instant by which an operation that starts now has to end."""
        return self.clock() + self.seconds

    def __call__(self, attempt: Callable[[], T], *, creates: bool = False) -> T:
        """Return the first success; ``creates`` if a repetition could make a second one of something (design §6)."""
        started = self.clock()
        try:
            return attempt()
        except PlatformError as error:
            if not self._may_repeat(error, creates=creates):
                raise
            return self._again(_after(error, attempt, self.stop), started, creates=creates)

    def _may_repeat(self, error: BaseException, *, creates: bool) -> bool:
        if not isinstance(error, PlatformError) or not error.is_transient or self.stop.is_set():
            return False
        return not creates or error.delivery is Delivery.NOT_SENT or error.status in _NOT_NOW

    def _again(self, attempt: Callable[[], T], started: float, *, creates: bool) -> T:
        """Go on after the first failure; only now is tenacity imported, since most runs never need it."""
        from tenacity import Retrying, retry_if_exception, sleep_using_event  # noqa: PLC0415 - see above

        retrying = Retrying(
            retry=retry_if_exception(lambda error: self._may_repeat(error, creates=creates)),
            wait=self._wait,
            stop=lambda call: self._is_exhausted(call, started),
            sleep=self.sleep or sleep_using_event(self.stop),
            before_sleep=self._narrate,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, call: RetryCallState) -> float:
        error = _error_of(call)
        if error.retry_after is not None:
            return error.retry_after
        longest = min(_FIRST_WAIT * 2.0 ** (call.attempt_number - 1), _LONGEST_WAIT)
        return float(longest * (1.0 - self.chance() / 2.0))

    def _is_exhausted(self, call: RetryCallState, started: float) -> bool:
        spent = self.clock() - started
        is_over = call.attempt_number >= self.attempts or spent + call.upcoming_sleep >= self.seconds
        if is_over:
            error = _error_of(call)
            error.hint = " ".join(filter(None, (_effort(call.attempt_number, spent, error), error.hint)))
        return is_over

    def _narrate(self, call: RetryCallState) -> None:
        if self.on_retry is not None:
            self.on_retry(_error_of(call), call.upcoming_sleep, call.attempt_number)


def _after(first: PlatformError, attempt: Callable[[], T], stop: threading.Event) -> Callable[[], T]:
    """Return the attempt with its first failure put before it, so that tenacity counts it and waits before the next.

    A wait that ``stop`` has ended leads to the last error again, not to another attempt.
    """
    last, has_replayed = first, False

    def next_attempt() -> T:
        nonlocal last, has_replayed
        if not has_replayed or stop.is_set():
            has_replayed = True
            raise last
        try:
            return attempt()
        except PlatformError as error:
            last = error
            raise

    return next_attempt


def _effort(attempts: int, spent: float, error: PlatformError) -> str | None:
    if attempts == 1:
        asked = error.retry_after
        return f"The platform asks to wait {asked:.0f} s." if asked is not None else None
    return f"Tried {attempts} times in {spent:.0f} s."


def _error_of(call: RetryCallState) -> PlatformError:
    """Return what the attempt failed with; nothing else passes :meth:`Retry._may_repeat`."""
    return cast("PlatformError", call.outcome.exception() if call.outcome is not None else None)
