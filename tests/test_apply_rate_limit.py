"""At most so many requests a second (docs/semantics.md#apply-order)."""

from __future__ import annotations

import threading

import pytest

from halo_iac.apply.context import RateLimiter


class Stop(threading.Event):
    """A stop signal on which a wait moves a clock instead of taking time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(round(timeout, 6))
        self.now += timeout
        return self.is_set()


def test_writes_are_evenly_spaced_and_the_first_does_not_wait() -> None:
    stop = Stop()
    pace = RateLimiter(50, stop, stop.clock)
    for _ in range(5):
        pace()
    assert (stop.waits, round(stop.now, 6)) == ([0.02] * 4, 100.08)


def test_elapsed_time_counts_towards_the_rate_limit() -> None:
    stop = Stop()
    pace = RateLimiter(50, stop, stop.clock)
    pace()
    stop.now += 0.015
    pace()
    stop.now += 0.5
    pace()
    assert stop.waits == [0.005]


def test_idle_time_saves_up_no_burst() -> None:
    stop = Stop()
    pace = RateLimiter(10, stop, stop.clock)
    stop.now += 60
    for _ in range(3):
        pace()
    assert stop.waits == [0.1, 0.1]


@pytest.mark.parametrize("per_second", [0.1, 1, 100])
def test_the_gap_is_the_inverse_of_the_rate(per_second: float) -> None:
    stop = Stop()
    pace = RateLimiter(per_second, stop, stop.clock)
    pace()
    pace()
    assert stop.waits == [1 / per_second]


def test_threads_share_one_rate_limit() -> None:
    class Frozen(Stop):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            self.waits.append(round(timeout, 6))
            return False

    stop = Frozen()
    pace = RateLimiter(50, stop, stop.clock)
    threads = [threading.Thread(target=pace) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stop.waits) == [round(0.02 * place, 6) for place in range(1, 8)]


def test_a_stop_ends_the_wait_and_what_waited_is_not_sent() -> None:
    class Pulled(Stop):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return super().wait(timeout)

    stop = Pulled()
    pace = RateLimiter(50, stop, stop.clock)
    assert (pace(), pace()) == (True, False)


def test_a_write_after_the_stop_is_sent_at_once() -> None:
    stop = threading.Event()
    pace = RateLimiter(0.001, stop)
    assert pace()
    stop.set()
    assert pace()
