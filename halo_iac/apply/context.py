"""What the changes of a run share: reader, writer, retries, recorder, and the rate limiter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, Protocol

from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.apply.worker_pool import EventSink
from halo_iac.errors import Delivery, PlatformError, Unanswered, Unreachable
from halo_iac.hints import join_hints
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import Action, Change
from halo_iac.model.receipt import Result, WriteIntent, WriteOutcome
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec

_MAX_FAILURES: Final = 3
"""Changes in a row that may fail because the platform is unreachable or fails itself, before the run is stopped."""

_LOWER_RATE_HINT: Final = "Use a lower --max-rps to send fewer requests."


class Recorder(Protocol):
    """Writes the receipt of a run (docs/semantics.md#receipts); called from several threads at once."""

    def record_intent(self, intents: Sequence[WriteIntent]) -> None:
        """Record writes that are about to be sent; durable once it returns.

        Raises :class:`~halo_iac.errors.FileError` if it fails: then nothing is sent.
        """

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Record the outcome of a write; durable by the end of the run. Never raises."""


class NullRecorder:
    """Records nothing."""

    def record_intent(self, intents: Sequence[WriteIntent]) -> None:
        """Record nothing."""

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Record nothing."""


@dataclass(frozen=True, slots=True)
class ApplyContext:
    """What all changes share; the reader makes single attempts, since ``retry`` repeats a read with its write."""

    reader: Reader
    writer: Writer
    retry: Retry
    stop: Callable[[], None]
    recorder: Recorder = field(default_factory=NullRecorder)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _unreachable_failures: list[PlatformError] = field(default_factory=list)
    """The errors of the last changes that failed as unreachable, since the last answer."""
    _server_failures: list[PlatformError] = field(default_factory=list)
    """The errors of the last changes that failed with a 5xx, since the last success."""

    def note_response(self) -> None:
        """Record that the platform has answered."""
        self._unreachable_failures.clear()

    def note_success(self) -> None:
        """Record that a change has succeeded."""
        self._server_failures.clear()

    def note_failure(self, error: PlatformError) -> None:
        """Stop the run after a failure that predicts the same for all other changes (docs/semantics.md#apply-order).

        That is a key without permission, or a platform that for several changes in a row was unreachable, failed, or
        throttled longer than a run waits: otherwise each of thousands of changes would wait as long.
        """
        if error.status == 429:
            error.hint = join_hints(" ", (error.hint, _LOWER_RATE_HINT))
        if isinstance(error, Unreachable):
            self._unreachable_failures.append(error)
        elif not isinstance(error, Unanswered):
            self.note_response()
        if error.status is not None and error.status >= 500:
            self._server_failures.append(error)
        elif error.status is not None:
            self._server_failures.clear()
        failures = max(len(self._unreachable_failures), len(self._server_failures))
        is_exhausted = self.retry.gate is not None and self.retry.gate.is_exhausted
        if error.ends_the_run or is_exhausted or failures >= _MAX_FAILURES:
            self.stop()

    def retry_for(self, change: Change, emit: EventSink) -> Retry:
        """Return the retry policy for a change, which reports each wait as an event."""

        def report_wait(error: PlatformError, wait: float, _attempt: int) -> None:
            emit(Event(change, Status.RETRYING, change.id, f"{error.message}; retrying in {wait:.1f} s"))

        return replace(self.retry, on_retry=report_wait)

    def intent(
        self,
        change: Change,
        action: Action,
        *,
        id: str | None = None,  # noqa: A002 - the platform's word
        is_archived: bool = False,
        before: Spec | None = None,
        after: Spec | None = None,
    ) -> WriteIntent:
        """Return the intent of one write of a change, numbered; ``before`` is as last read from the platform."""
        return WriteIntent(
            number=next(self._numbers),
            action=action,
            key=change.key,
            id=id,
            title=change.title,
            is_archived=is_archived,
            before=before,
            after=after,
        )

    def write(self, intent: WriteIntent, call: Callable[[], RemoteSchedule]) -> RemoteSchedule:
        """Make one write whose intent is recorded, and record its outcome."""
        try:
            answer = call()
        except PlatformError as error:
            self.recorder.record_outcome(_not_done_outcome(intent, error))
            raise
        self.note_response()
        self.note_success()
        self.recorder.record_outcome(WriteOutcome(number=intent.number, result=Result.DONE, id=answer.id))
        return answer


def is_refusal(error: PlatformError) -> bool:
    """Return whether the platform declined a change of an existing schedule; 409 is only unclear for a create."""
    return error.delivery is Delivery.REFUSED or error.status == 409


def _not_done_outcome(intent: WriteIntent, error: PlatformError) -> WriteOutcome:
    is_unclear = error.delivery is Delivery.AMBIGUOUS and (intent.action is Action.CREATE or not is_refusal(error))
    result = Result.UNKNOWN if is_unclear else Result.NOT_DONE
    return WriteOutcome(number=intent.number, result=result, id=intent.id, message=error.message)


class RateLimiter:
    """Spaces requests evenly; calling it waits for the next slot and returns whether the request may be sent.

    It returns false if ``stop`` was set during the wait: waiting requests are not started. Later requests are sent at
    once, since they finish changes in progress.
    """

    def __init__(self, per_second: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1 / per_second
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._next_slot = clock()

    def __call__(self) -> bool:
        """Wait for the next slot; returns false if the run was stopped meanwhile."""
        if self._stop.is_set():
            return True
        with self._lock:
            now = self._clock()
            slot = max(now, self._next_slot)
            self._next_slot = slot + self._gap
        return slot <= now or not self._stop.wait(slot - now)
