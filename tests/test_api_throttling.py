"""The throttle gate: all requests of a run wait together while the platform throttles, and waiting is no attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from halo_iac.api.retry import Retry
from halo_iac.api.throttling import ThrottleGate
from halo_iac.errors import Delivery, PlatformError, Unsent

LIMIT = 600.0


@dataclass
class Platform:
    """A platform that throttles for so many seconds from the first call on; time passes only in waits."""

    seconds: float
    status: int = 429
    retry_after: float | None = None
    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    calls: int = 0
    takes: float = 0.0
    """Seconds that each answer takes."""

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def attempt(self, deadline: float) -> str:
        self.calls += 1
        self.now += self.takes
        assert self.now < deadline
        if self.now < 1000.0 + self.seconds:
            raise api_error(self.status, self.retry_after)
        return "done"

    def retry(self, **how: object) -> Retry:
        gate = ThrottleGate(LIMIT, clock=lambda: self.now, sleep=self.sleep)
        return Retry(clock=lambda: self.now, sleep=self.sleep, chance=lambda: 0.0, gate=gate, **how)  # type: ignore[arg-type]


def api_error(status: int | None = 429, retry_after: float | None = None) -> PlatformError:
    return PlatformError(
        "no",
        procedure="a.b",
        delivery=Delivery.REFUSED if status == 429 else Delivery.AMBIGUOUS,
        status=status,
        is_transient=True,
        retry_after=retry_after,
    )


@pytest.mark.parametrize("status", [429, 503])
def test_two_minutes_without_a_retry_after_are_waited_for(status: int) -> None:
    platform = Platform(120.0, status)
    assert platform.retry()(platform.attempt) == "done"
    assert platform.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0, 20.0, 20.0]


def test_a_retry_after_of_zero_is_not_retried_at_once() -> None:
    platform = Platform(120.0, retry_after=0.0)
    assert platform.retry()(platform.attempt) == "done"
    assert platform.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0, 20.0, 20.0]


def test_a_retry_after_is_waited_for_to_the_letter() -> None:
    platform = Platform(60.0, retry_after=30.5)
    assert (platform.retry()(platform.attempt), platform.waits) == ("done", [30.5, 30.5])


def test_a_retry_after_longer_than_an_operation_is_waited_for() -> None:
    platform = Platform(150.0, retry_after=150.0)
    assert (platform.retry()(platform.attempt), platform.waits) == ("done", [150.0])


def test_a_retry_after_beyond_the_limit_of_a_run_is_not_waited_for() -> None:
    platform = Platform(9000.0, retry_after=3600.0)
    retry = platform.retry()
    with pytest.raises(PlatformError) as caught:
        retry(platform.attempt)
    assert (platform.waits, caught.value.hint) == ([], "The platform asks to wait 3600 s.")
    assert retry.gate is not None
    assert retry.gate.is_exhausted
    with pytest.raises(Unsent):  # nor is anything else sent
        retry(platform.attempt)
    assert platform.calls == 1


@pytest.mark.parametrize("takes", [0.0, 25.0])
def test_a_run_waits_for_throttling_at_most_ten_minutes(takes: float) -> None:
    platform = Platform(1e6, takes=takes)
    with pytest.raises(PlatformError) as caught:
        platform.retry()(platform.attempt)
    assert caught.value.hint == "It has throttled requests for too long to keep waiting."
    assert 560.0 < platform.now - 1000.0 - takes < 660.0


def test_slow_refusals_do_not_use_up_the_time_of_an_operation() -> None:
    platform = Platform(500.0, takes=25.0)
    assert platform.retry()(platform.attempt) == "done"


def test_a_success_resets_the_count_of_refusals_in_a_row() -> None:
    platform = Platform(0.0)
    retry, errors = (
        platform.retry(),
        [
            api_error(),
            None,
            api_error(),
            api_error(),
            api_error(),
            None,
            api_error(),
            api_error(),
        ],
    )

    def attempt(_deadline: float) -> str:
        error = errors.pop(0) if errors else None
        if error is not None:
            raise error
        return "done"

    assert [retry(attempt) for _ in range(3)] == ["done"] * 3
    assert platform.waits == [0.5, 0.5, 1.0, 2.0, 0.5, 1.0]


@pytest.mark.parametrize("status", [500, 502, 504, 425, 408, None])
def test_other_failures_never_close_the_throttle_gate(status: int | None) -> None:
    platform = Platform(1e6, 500)

    def attempt(_deadline: float) -> str:
        platform.calls += 1
        raise api_error(status)

    with pytest.raises(PlatformError):
        platform.retry()(attempt)
    assert (platform.calls, platform.waits) == (6, [0.5, 1.0, 2.0, 4.0, 8.0])


def test_a_probe_that_fails_otherwise_lets_the_next_request_try() -> None:
    platform, errors = Platform(0.0), [api_error(), api_error(), api_error(500), api_error(None)]

    def attempt(_deadline: float) -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert platform.retry()(attempt) == "done"


# Side by side -------------------------------------------------------------------------------------------------------


def closed_gate(sleep: Callable[[float], None] | None = None) -> ThrottleGate:
    """Return a gate that does not open by itself while a test goes on."""
    gate = ThrottleGate(LIMIT, sleep=sleep)
    assert [gate.record_attempt(api_error()), gate.record_attempt(api_error(retry_after=300.0))] == [
        False,
        True,
    ]
    return gate


def run_in_threads(count: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_one_request_probes_while_the_others_wait_for_its_result() -> None:
    gate, stop, lock = closed_gate(lambda _: None), threading.Event(), threading.Lock()
    trying, most, done = 0, 0, 0

    def work() -> None:
        nonlocal trying, most, done
        retry = Retry(gate=gate, stop=stop, sleep=lambda _: None)

        def attempt(_deadline: float) -> None:
            nonlocal trying, most, done
            with lock:
                trying += 1
                most = max(most, trying if gate.closed_by else 0)
                done += 1
                count = done
            threading.Event().wait(0.01)
            with lock:
                trying -= 1
            if count < 4:
                raise api_error()

        retry(attempt)

    run_in_threads(8, work)
    assert (most, done, gate.closed_by) == (1, 3 + 8, None)


class Awaited(threading.Event):
    """A stop that comes once so many threads wait for it."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._all_wait = threading.Barrier(threads, action=self.set, timeout=30)

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._all_wait.wait()
        return super().wait(timeout)


def test_a_stop_ends_every_wait_without_a_request() -> None:
    gate, stop, unsent = closed_gate(), Awaited(4), []

    def work() -> None:
        try:
            Retry(gate=gate, stop=stop)(lambda _: unsent.append("sent"))
        except Unsent as error:
            unsent.append(error.procedure)

    run_in_threads(4, work)
    assert unsent == ["a.b"] * 4


def test_a_request_after_the_stop_is_sent_at_once() -> None:
    gate, stop = closed_gate(), threading.Event()
    stop.set()
    assert Retry(gate=gate, stop=stop)(lambda _: "put back") == "put back"


def test_a_success_of_an_earlier_request_wakes_those_that_wait() -> None:
    gate, stop, reported = ThrottleGate(LIMIT), threading.Event(), threading.Event()
    gate.record_attempt(api_error())
    gate.record_attempt(api_error(retry_after=300.0))

    def work() -> None:
        reported.set()
        Retry(gate=gate, stop=stop)(lambda _: "done")

    thread = threading.Thread(target=work)
    thread.start()
    assert reported.wait(10)
    gate.record_attempt(None)
    thread.join(10)
    assert not thread.is_alive()
