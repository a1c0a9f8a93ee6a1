"""An apply against a platform that throttles or fails: how it ends, and how many requests it sends.

See docs/semantics.md#retries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from apply_harness import ARCHIVE, CREATE, LIST, READ, UPDATE, Harness, create, open_harness, unarchive, update

from halo_iac.api.throttling import ThrottleGate
from halo_iac.sandbox.faults import Effect, Pass, Refuse

SLOW_DOWN = Refuse("TOO_MANY_REQUESTS")
AT_ONCE = Refuse("TOO_MANY_REQUESTS", retry_after="0")
UNAVAILABLE = Refuse("SERVICE_UNAVAILABLE")
TROUBLE = Refuse()


@pytest.fixture
def harness() -> Iterator[Harness]:
    with open_harness() as opened:
        opened.gate = ThrottleGate(sleep=opened.waits.append)
        yield opened


def updates(harness: Harness, count: int) -> list[dict[str, object]]:
    return [harness.add(f"T{number:02}") for number in range(count)]


@pytest.mark.parametrize("effect", [SLOW_DOWN, AT_ONCE, UNAVAILABLE], ids=["429", "429 for no time", "503"])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_sixty_updates_outlast_two_minutes_of_throttling(harness: Harness, effect: Effect, concurrency: int) -> None:
    """Twenty answers of this kind are more than two minutes of waits."""
    changes = [update(wire, hours=(12,)) for wire in updates(harness, 60)]
    harness.fault(READ, effect, times=20)
    run = harness.run(*changes, concurrency=concurrency, attempts=6)
    assert (Counter(run.statuses), run.exit_code) == ({"done": 60}, 0)
    assert len(run.requests) == 20 + 120
    assert sum(harness.waits) > 120


def test_creates_outlast_throttling(harness: Harness) -> None:
    harness.fault(CREATE, SLOW_DOWN, times=20)
    run = harness.run(*(create(f"T{number}") for number in range(10)), concurrency=4)
    assert (Counter(run.statuses), len(harness.shown())) == ({"done": 10}, 10)


def test_a_listing_outlasts_throttling(harness: Harness) -> None:
    harness.fault(LIST, UNAVAILABLE, times=20)
    assert harness.run(create("A")).statuses == ["done"]


@pytest.mark.parametrize("effect", [SLOW_DOWN, UNAVAILABLE], ids=["429", "503"])
def test_a_platform_that_throttles_for_ever_ends_the_run(harness: Harness, effect: Effect) -> None:
    changes = [update(wire, hours=(12,)) for wire in updates(harness, 60)]
    harness.fault(READ, effect, times=None)
    run = harness.run(*changes, concurrency=8)
    assert Counter(run.statuses)["not started"] >= 52
    assert (set(run.statuses), run.exit_code) == ({"failed", "not started"}, 1)
    assert len(run.requests) < 60
    assert 500 < sum(wait for wait in harness.waits if wait >= 1) <= 600


def test_a_throttled_change_suggests_a_lower_rate(harness: Harness) -> None:
    harness.gate = ThrottleGate(5.0, sleep=harness.waits.append)
    harness.fault(READ, SLOW_DOWN, times=None)
    run = harness.run(*(update(wire, hours=(12,)) for wire in updates(harness, 1)))
    assert run.summary.events[0].hint == (
        "It has throttled requests for too long to keep waiting. "
        "Wait a little, then run the command again: there were too many requests. "
        "Use a lower --max-rps to send fewer requests."
    )


# The platform's own trouble -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", [READ, UPDATE])
@pytest.mark.parametrize("status", [500, 502, 504])
def test_three_changes_given_up_in_a_row_end_the_run(harness: Harness, procedure: str, status: int) -> None:
    changes = [update(wire, hours=(12,)) for wire in updates(harness, 60)]
    harness.fault(procedure, Refuse(status=status), times=None)
    run = harness.run(*changes, attempts=6)
    assert run.statuses[3:] == ["not started"] * 57
    assert len(run.requests) == 3 * 6 * (2 if procedure == UPDATE else 1)
    assert max(harness.waits) < 20


def test_three_creates_given_up_in_a_row_end_the_run(harness: Harness) -> None:
    harness.fault(CREATE, TROUBLE, times=None)
    run = harness.run(*(create(f"T{number}") for number in range(60)))
    assert (run.statuses, run.writes) == (["unknown"] * 3 + ["not started"] * 57, [CREATE] * 3)


def test_a_success_between_changes_given_up_keeps_the_run_going(harness: Harness) -> None:
    changes = [update(wire, hours=(12,)) for wire in updates(harness, 9)]
    for _ in range(3):
        harness.fault(UPDATE, TROUBLE, times=2)
        harness.fault(UPDATE, Pass())
    run = harness.run(*changes, attempts=1)
    assert run.statuses == ["unknown", "unknown", "done"] * 3


def test_a_refused_write_between_changes_given_up_keeps_the_run_going(harness: Harness) -> None:
    changes = [update(wire, hours=(12,)) for wire in updates(harness, 6)]
    for _ in range(2):
        harness.fault(UPDATE, TROUBLE, times=2)
        harness.fault(UPDATE, Refuse("BAD_REQUEST"))
    run = harness.run(*changes, attempts=1)
    assert run.statuses == ["unknown", "unknown", "failed"] * 2


def test_an_exposed_schedule_is_archived_again_without_waiting_at_the_throttle_gate() -> None:
    """A platform that unarchives first, and then throttles for longer than a run waits."""
    with open_harness() as harness:
        harness.gate = ThrottleGate(5.0, sleep=harness.waits.append)
        harness.fault(UPDATE, Refuse("BAD_REQUEST"))
        harness.fault(UPDATE, SLOW_DOWN, times=None)
        run = harness.run(unarchive(harness.add("A", archived=True), hours=(12,)))
        assert (run.statuses, run.writes[-1]) == (["failed"], ARCHIVE)
        assert run.message.endswith("it was archived again")
        assert harness.shown() == {"s1": ("A", False, [9])}
