"""Starting, polling and following runs: no run is paid for twice, and no failed poll loses one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count

import pytest

from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Delivery, PlatformError, Rejected, Unanswered, UnknownOutcome, Unreachable
from halo_iac.model.runs import TERMINAL, StartedRun
from halo_iac.runs.polling import Polling, RunSnapshot, poll, start, wait
from halo_iac.workers import Task, run_concurrently

ONCE = Retry(attempts=1)
STARTED = StartedRun({"runId": "r"}, "r", "c")


def platform_error(
    status: int, delivery: Delivery, *, is_transient: bool = True, retry_after: float | None = None
) -> PlatformError:
    return Rejected(
        "no", procedure="p", status=status, delivery=delivery, is_transient=is_transient, retry_after=retry_after
    )


BUSY = platform_error(503, Delivery.AMBIGUOUS)
LATER = platform_error(429, Delivery.REFUSED, retry_after=40)
FORBIDDEN = platform_error(403, Delivery.REFUSED, is_transient=False)
LOST = Unanswered("gone", procedure="haloRun.create", delivery=Delivery.AMBIGUOUS, is_transient=True)
UNSENT = Unreachable("no such host", procedure="haloRun.create", delivery=Delivery.NOT_SENT, is_transient=True)


# Start --------------------------------------------------------------------------------------------------------------


class Attempts:
    """Fails as told, then starts the run; counts."""

    def __init__(self, *errors: PlatformError) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> StartedRun:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return STARTED


def start_run(attempts: Attempts) -> StartedRun:
    return start(attempts, Retry(sleep=lambda _: None), what="a run of checkout", check="halo report list")


@pytest.mark.parametrize("errors", [[], [UNSENT, UNSENT], [platform_error(429, Delivery.REFUSED)], [UNSENT, LATER]])
def test_a_start_that_certainly_did_nothing_is_tried_again(errors: list[PlatformError]) -> None:
    attempts = Attempts(*errors)
    assert start_run(attempts) is STARTED
    assert attempts.made == len(errors) + 1


@pytest.mark.parametrize(
    "error", [LOST, BUSY, platform_error(408, Delivery.AMBIGUOUS), platform_error(409, Delivery.AMBIGUOUS)]
)
def test_a_lost_answer_is_never_tried_again_and_names_the_command_that_looks(error: PlatformError) -> None:
    attempts = Attempts(error)
    with pytest.raises(UnknownOutcome, match="a run of checkout may or may not have been started") as raised:
        start_run(attempts)
    assert (attempts.made, raised.value.exit_code) == (1, 5)
    assert raised.value.hint == "run `halo report list` to check before you try again"


def test_a_refusal_is_passed_on() -> None:
    attempts = Attempts(FORBIDDEN)
    with pytest.raises(Rejected):
        start_run(attempts)
    assert attempts.made == 1


# Wait ---------------------------------------------------------------------------------------------------------------


class Platform:
    """Answers each look at a run with the next status or error, and each read of events with the next page."""

    def __init__(self, looks: Sequence[str | PlatformError], pages: Callable[[int, Json], Json] | None = None) -> None:
        self.looks = list(looks)
        self.pages = pages
        self.events_asked = 0

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del kind, deadline
        if procedure == "haloRun.getEvents":
            assert self.pages is not None
            self.events_asked += 1
            return self.pages(self.events_asked, value)
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, PlatformError):
            raise look
        return {"run": {"id": value["id"], "status": look}, "haloExportDataset": None}


class Clock:
    """Seconds that pass only in waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def polling(clock: Clock, *, timeout: float = 1800, stop: threading.Event | None = None) -> Polling:
    return Polling(timeout=timeout, clock=clock, pause=clock.pause, stop=stop or threading.Event())


def watch_run(platform: Platform, clock: Clock, *, timeout: float = 1800) -> list[tuple[str, str | None, bool]]:
    seen = poll(RunReader(platform, ONCE), "r", polling(clock, timeout=timeout))
    return [(each.status, str(each.read_error.status) if each.read_error else None, each.is_final) for each in seen]


def test_a_run_is_polled_at_intervals_and_reported_on_change() -> None:
    clock = Clock()
    seen = watch_run(Platform(["queued", "queued", "running", "completed"]), clock)
    assert seen == [("queued", None, False), ("running", None, False), ("completed", None, True)]
    assert clock.pauses == [5, 5, 5]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_every_terminal_status_ends_the_wait(status: str) -> None:
    assert watch_run(Platform([status]), Clock()) == [(status, None, True)]


def test_an_unknown_status_is_in_flight() -> None:
    seen = watch_run(Platform(["dreaming", "completed"]), Clock())
    assert seen == [("dreaming", None, False), ("completed", None, True)]


def test_failing_polls_are_survived_with_growing_pauses() -> None:
    clock = Clock()
    seen = watch_run(Platform(["running", BUSY, BUSY, BUSY, BUSY, BUSY, "completed"]), clock)
    assert seen == [("running", None, False), ("running", "503", False), ("completed", None, True)]
    assert clock.pauses == [5, 10, 20, 40, 60, 60]


def test_a_poll_honours_retry_after() -> None:
    clock = Clock()
    watch_run(Platform([LATER, "completed"]), clock)
    assert clock.pauses == [40]


def test_polling_ends_after_a_fatal_error() -> None:
    assert watch_run(Platform(["running", FORBIDDEN]), Clock()) == [("running", None, False), ("running", "403", True)]


def test_a_timeout_ends_after_one_last_poll() -> None:
    clock = Clock()
    assert watch_run(Platform(["running"]), clock, timeout=12) == [("running", None, False), ("running", None, True)]
    assert clock.pauses == [5, 5, 2]


def test_a_run_that_ends_with_the_last_poll_has_ended() -> None:
    final = [*poll(RunReader(Platform(["running", "completed"]), ONCE), "r", polling(Clock(), timeout=3))][-1]
    assert (final.is_over, final.is_final) == (True, True)


def test_a_stopped_watch_says_nothing_more() -> None:
    stop = threading.Event()
    clock = Clock()
    seen = poll(RunReader(Platform(["running", "completed"]), ONCE), "r", polling(clock, stop=stop))
    assert next(seen).status == "running"
    stop.set()
    assert [*seen] == []


def test_several_runs_are_watched_side_by_side() -> None:
    seen = [*wait(RunReader(Platform(["completed"]), ONCE), ["a", "b", "c"])]
    assert {each.run_id: (each.status, each.is_final) for each in seen} == dict.fromkeys("abc", ("completed", True))


# Follow -------------------------------------------------------------------------------------------------------------


def page(*numbers: int, cursor: int | None) -> Json:
    return {"events": [{"sequence": n, "eventType": f"e{n}"} for n in numbers], "nextCursor": cursor}


def follow_run(platform: Platform) -> list[tuple[str, list[int]]]:
    seen: list[RunSnapshot] = [*poll(RunReader(platform, ONCE), "r", polling(Clock()), with_events=True)]
    return [(each.status, [event.sequence for event in each.events]) for each in seen]


def test_new_events_are_reported_once_with_either_kind_of_cursor() -> None:
    """A page that was the last one is read again; it may have grown, and may have a successor by now."""

    def pages(asked: int, query: Json) -> Json:
        if query.get("cursor") == 2:
            return page(3, cursor=None) if asked < 4 else page(3, 4, cursor=None)
        return page(1, cursor=None) if asked == 1 else page(1, 2, cursor=2)

    assert follow_run(Platform(["running", "running", "completed"], pages)) == [
        ("running", [1]),
        ("running", [2, 3]),
        ("completed", [4]),
    ]


def test_a_cursor_that_never_ends_does_not_hang() -> None:
    assert follow_run(Platform(["completed"], lambda *_: page(1, cursor=1))) == [("completed", [1])]


def test_events_that_cannot_be_read_are_asked_for_again_and_none_is_lost() -> None:
    def pages(asked: int, query: Json) -> Json:
        if asked == 2:
            raise BUSY
        return page(1, cursor=1) if "cursor" not in query else page(2, cursor=None)

    assert follow_run(Platform(["completed"], pages)) == [("completed", []), ("completed", [1, 2])]


def test_a_run_ends_even_where_its_events_never_come() -> None:
    def pages(*_: Json) -> Json:
        raise BUSY

    seen = follow_run(Platform(["running", "completed"], pages))
    assert seen == [("running", []), ("completed", []), ("completed", [])]


# Abreast ------------------------------------------------------------------------------------------------------------


def test_tasks_can_add_further_tasks() -> None:
    def fan_out() -> list[int | Task[int]]:
        return [1, Task(lambda: [2]), Task(lambda: [3, 4])]

    assert sorted(run_concurrently([Task(fan_out), Task(lambda: [5])], 2)) == [1, 2, 3, 4, 5]


def test_concurrent_tasks_stay_within_their_bound() -> None:
    under_way, most = count(), 0
    lock = threading.Lock()
    now = 0

    def work() -> list[int]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.002)
        with lock:
            now -= 1
        return [next(under_way)]

    assert len([*run_concurrently([Task(work) for _ in range(20)], 3)]) == 20
    assert most <= 3


def test_the_first_error_is_raised_where_the_results_are_read() -> None:
    def work() -> list[int]:
        raise FORBIDDEN

    with pytest.raises(Rejected):
        list(run_concurrently([Task(work)], 4))
