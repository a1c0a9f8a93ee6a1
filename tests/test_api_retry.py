"""What is repeated, how long is waited, and when it ends (docs/semantics.md#retries); no test waits for real."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from halo_iac.api.retry import Retry
from halo_iac.api.throttling import ThrottleGate
from halo_iac.errors import Delivery, PlatformError


def api_error(
    status: int | None = 503,
    delivery: Delivery = Delivery.AMBIGUOUS,
    *,
    is_transient: bool = True,
    retry_after: float | None = None,
) -> PlatformError:
    return PlatformError(
        "no",
        procedure="a.b",
        delivery=delivery,
        status=status,
        is_transient=is_transient,
        retry_after=retry_after,
        hint="Do something.",
    )


@dataclass
class Clock:
    """Time that passes only in sleeps."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def retry(self, chance: float = 0.0, **options: object) -> Retry:
        return Retry(clock=self.read, sleep=self.sleep, chance=lambda: chance, **options)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def failing(*errors: Exception) -> Callable[[float], str]:
    left = list(errors)

    def attempt(_deadline: float) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def test_a_success_is_returned_at_once(clock: Clock) -> None:
    assert (clock.retry()(failing()), clock.waits) == ("done", [])


def test_waits_double_until_the_attempts_are_used_up(clock: Clock) -> None:
    errors = [api_error() for _ in range(6)]
    with pytest.raises(PlatformError) as caught:
        clock.retry()(failing(*errors))
    assert caught.value is errors[-1]
    assert clock.waits == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert caught.value.hint == "Tried 6 times in 16 s. Do something."


def test_chance_shortens_a_wait_by_up_to_half(clock: Clock) -> None:
    assert clock.retry(chance=1.0)(failing(api_error(), api_error())) == "done"
    assert clock.waits == [0.25, 0.5]


def test_no_wait_is_longer_than_twenty_seconds_and_all_end_within_two_minutes(clock: Clock) -> None:
    with pytest.raises(PlatformError):
        clock.retry(attempts=100)(failing(*[api_error() for _ in range(100)]))
    assert max(clock.waits) == 20.0
    assert 100.0 < sum(clock.waits) < 120.0


def test_the_duration_of_attempts_counts_towards_the_limit(clock: Clock) -> None:
    def slow(_deadline: float) -> str:
        clock.now += 50.0
        raise api_error()

    with pytest.raises(PlatformError, match="no"):
        clock.retry()(slow)
    assert clock.waits == [0.5, 1.0]


def test_the_platform_s_own_delay_is_honoured_to_the_letter(clock: Clock) -> None:
    assert clock.retry(chance=1.0)(failing(api_error(429, retry_after=7.0), api_error(503, retry_after=30.5))) == "done"
    assert clock.waits == [7.0, 30.5]


@pytest.mark.parametrize("asked", [0.0, 0.25])
def test_a_retry_after_of_zero_still_waits_between_attempts(clock: Clock, asked: float) -> None:
    """Each time another worker has a success in between, so that the gate stays open."""
    retried = [api_error(429, retry_after=asked) for _ in range(5)]
    gate = ThrottleGate(clock=lambda: clock.now)

    def attempt(_deadline: float) -> str:
        gate.record_attempt(None)
        if retried:
            raise retried.pop()
        return "done"

    assert clock.retry(gate=gate)(attempt) == "done"
    assert clock.waits == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_delay_longer_than_a_run_is_not_waited_for(clock: Clock) -> None:
    with pytest.raises(PlatformError) as caught:
        clock.retry()(failing(api_error(429, retry_after=3600.0)))
    assert clock.waits == []
    assert caught.value.hint == "The platform asks to wait 3600 s. Do something."


def test_a_permanent_error_is_raised_unchanged_without_a_retry(clock: Clock) -> None:
    with pytest.raises(PlatformError) as caught:
        clock.retry()(failing(api_error(404, Delivery.REFUSED, is_transient=False)))
    assert (clock.waits, caught.value.hint) == ([], "Do something.")


def test_a_permanent_error_after_a_transient_one_ends_the_attempts(clock: Clock) -> None:
    with pytest.raises(PlatformError) as caught:
        clock.retry()(failing(api_error(), api_error(401, Delivery.REFUSED, is_transient=False)))
    assert (clock.waits, caught.value.status) == ([0.5], 401)


def test_other_errors_are_not_retried(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        clock.retry()(failing(api_error(), ZeroDivisionError()))
    assert clock.waits == [0.5]


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (api_error(None, Delivery.NOT_SENT), True),
        (api_error(429, Delivery.REFUSED), True),
        (api_error(425, Delivery.REFUSED), True),
        (api_error(None, Delivery.AMBIGUOUS), False),
        (api_error(408, Delivery.AMBIGUOUS), False),
        (api_error(503, Delivery.AMBIGUOUS), False),
        (api_error(200, Delivery.AMBIGUOUS), False),
        (api_error(400, Delivery.REFUSED, is_transient=False), False),
        (api_error(None, Delivery.NOT_SENT, is_transient=False), False),
    ],
)
def test_a_create_that_may_have_happened_is_not_repeated(clock: Clock, error: PlatformError, is_repeated: bool) -> None:
    attempt = failing(error)
    if is_repeated:
        assert clock.retry()(attempt, creates=True) == "done"
    else:
        with pytest.raises(PlatformError) as caught:
            clock.retry()(attempt, creates=True)
        assert caught.value is error
    assert len(clock.waits) == is_repeated


def test_a_create_that_turns_ambiguous_is_not_repeated_again(clock: Clock) -> None:
    with pytest.raises(PlatformError) as caught:
        clock.retry()(failing(api_error(None, Delivery.NOT_SENT), api_error(503)), creates=True)
    assert (clock.waits, caught.value.status) == ([0.5], 503)


def test_every_wait_is_reported(clock: Clock) -> None:
    retried: list[tuple[int | None, float, int]] = []
    retry = clock.retry(on_retry=lambda error, wait, attempt: retried.append((error.status, wait, attempt)))
    assert retry(failing(api_error(500), api_error(429, retry_after=3.0))) == "done"
    assert retried == [(500, 0.5, 1), (429, 3.0, 2)]


def test_once_stopped_nothing_is_repeated(clock: Clock) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(PlatformError):
        clock.retry(stop=stop)(failing(api_error()))
    assert clock.waits == []


def test_a_stop_ends_the_wait_and_raises_the_last_error() -> None:
    stop = threading.Event()
    error = api_error(retry_after=60.0)
    retry = Retry(stop=stop, on_retry=lambda *_: stop.set())
    with pytest.raises(PlatformError) as caught:
        retry(failing(error))
    assert caught.value is error


def test_an_interrupt_during_a_repetition_passes_through(clock: Clock) -> None:
    def attempt(_deadline: float) -> str:
        if clock.waits:
            raise KeyboardInterrupt
        raise api_error()

    with pytest.raises(KeyboardInterrupt):
        clock.retry()(attempt)


def test_the_deadline_is_that_of_the_whole_operation(clock: Clock) -> None:
    deadlines: list[float] = []

    def attempt(deadline: float) -> str:
        deadlines.append(deadline)
        return failing(api_error())(deadline) if len(deadlines) < 3 else "done"

    assert clock.retry(seconds=5.0)(attempt) == "done"
    assert deadlines == [1005.0] * 3
