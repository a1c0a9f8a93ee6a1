"""The order of changes, their dependencies, how many run at once, and what an interrupt leaves behind.

See docs/semantics.md#apply-order and docs/semantics.md#interruption.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from apply_harness import (
    ARCHIVE,
    CREATE,
    LIST,
    READ,
    UNARCHIVE,
    UPDATE,
    Harness,
    archive,
    create,
    embedded,
    open_served_harness,
    unarchive,
    update,
)
from receipts import RecordedWrites

from halo_iac.api.sandbox_transport import EmbeddedTransport
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.api.trpc import Json, Kind
from halo_iac.apply import worker_pool
from halo_iac.apply.context import RateLimiter
from halo_iac.apply.worker_pool import ChangeTask, EventSink, ShutdownTimeoutError, WorkerPool
from halo_iac.errors import Delivery, Unanswered, Unreachable
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.plan import Change
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import ChangeBetween, Cut, NoReply, Pass, Refuse
from halo_iac.sandbox.protocol import Request
from halo_iac.workers import StopSignal, Thread, start_thread

SOON = 0.2
"""Seconds of grace in these tests."""


class Shaky:
    """A client that cannot connect for some schedules, and gets no answer for others."""

    def __init__(
        self, transport: Transport, is_lost: Callable[[str], bool], is_silent: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._transport = transport
        self._is_lost = is_lost
        self._is_silent = is_silent

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        if isinstance(value, dict) and self._is_lost(value.get("id", "")):
            raise Unreachable("nobody there", procedure=procedure, delivery=Delivery.NOT_SENT, is_transient=True)
        if isinstance(value, dict) and self._is_silent(value.get("id", "")):
            raise Unanswered("no answer", procedure=procedure, delivery=Delivery.AMBIGUOUS, is_transient=True)
        return self._transport.call(procedure, kind, value, deadline=deadline)


# Order --------------------------------------------------------------------------------------------------------------


def test_renames_creates_updates_unarchives_and_last_archives(harness: Harness) -> None:
    renamed, updated, gone = harness.add("Old"), harness.add("Plain"), harness.add("Gone")
    back = harness.add("Back", archived=True)
    run = harness.run(
        archive(gone),
        unarchive(back, hours=(12,)),
        update(updated, hours=(12,)),
        create("Fresh"),
        update(renamed, title="New"),
    )
    assert run.requests == [
        *(READ, UPDATE),
        *(LIST, CREATE, LIST),
        *(READ, UPDATE),
        *(READ, UPDATE, UNARCHIVE),
        *(READ, ARCHIVE),
    ]
    assert [event.id for event in run.events if event.status == "done"] == ["s1", "s5", "s2", "s4", "s3"]
    assert (run.statuses, run.exit_code) == (["done"] * 5, 0)
    assert harness.shown() == {
        "s1": ("New", True, [9]),
        "s2": ("Plain", True, [12]),
        "s3": ("Gone", False, [9]),
        "s4": ("Back", True, [12]),
        "s5": ("Fresh", True, [9]),
    }


def test_a_title_is_freed_before_it_is_taken(harness: Harness) -> None:
    wires = [harness.add(title) for title in ("A", "B", "C")]
    run = harness.run(
        update(wires[0], title="B", wave=2),
        update(wires[1], title="C", wave=1),
        update(wires[2], title="D", wave=0),
        create("A"),
        concurrency=4,
    )
    assert (run.statuses, run.exit_code) == (["done"] * 4, 0)
    updates = [seen.input for seen in harness.sandbox.requests if seen.procedure == UPDATE]
    assert updates == [{"id": "s3", "title": "D"}, {"id": "s2", "title": "C"}, {"id": "s1", "title": "B"}]
    assert [title for title, _, _ in harness.shown().values()] == ["B", "C", "D", "A"]


def test_a_title_that_was_not_freed_is_not_taken(harness: Harness) -> None:
    wires = [harness.add(title) for title in ("A", "B", "C")]
    back = harness.add("Back", archived=True)
    harness.fault(UPDATE, Refuse("BAD_REQUEST"), where={"id": "s3"})
    run = harness.run(
        update(wires[2], title="D", wave=0),
        update(wires[1], title="C", wave=1, hours=(12,)),
        create("B"),
        update(wires[0], hours=(12,)),
        unarchive(back, title="C"),
    )
    assert run.statuses == ["failed", "not started", "not started", "done", "not started"]
    assert [event.message for event in run.summary.events[1:]] == [
        "its title is still used by C, whose rename did not succeed",
        "its title is still used by B, whose rename did not succeed",
        "",
        "its title is still used by C, whose rename did not succeed",
    ]
    assert (run.requests, run.exit_code) == ([READ, UPDATE, READ, UPDATE], 4)
    assert [title for title, _, _ in harness.shown().values()] == ["A", "B", "C", "Back"]


def test_pinned_schedules_may_swap_their_titles(harness: Harness) -> None:
    first, second = harness.add("A"), harness.add("B")
    run = harness.run(update(first, title="B", wave=1), update(second, title="A", wave=0))
    assert (run.statuses, [title for title, _, _ in harness.shown().values()]) == (["done", "done"], ["B", "A"])


def test_one_failure_does_not_stop_what_does_not_depend_on_it(harness: Harness) -> None:
    wires = [harness.add(title) for title in ("A", "B", "C")]
    harness.fault(UPDATE, Refuse("BAD_REQUEST"), where={"id": "s1"})
    harness.fault(CREATE, Refuse("BAD_REQUEST"), where={"title": "D"})
    run = harness.run(*(update(wire, hours=(12,)) for wire in wires), create("D"), create("E"))
    assert (run.statuses, run.exit_code) == (["failed", "done", "done", "failed", "done"], 4)


@pytest.mark.parametrize(
    ("effect", "status", "exit_code"),
    [(Refuse("BAD_REQUEST"), "failed", 1), (Cut(), "unknown", 5)],
)
def test_nothing_is_archived_unless_every_earlier_change_is_done(
    harness: Harness, effect: Refuse | Cut, status: str, exit_code: int
) -> None:
    wire, gone = harness.add("A"), harness.add("Gone")
    harness.fault(UPDATE, effect, times=None)
    run = harness.run(update(wire, hours=(12,)), archive(gone))
    assert (run.statuses, run.exit_code) == ([status, "not started"], exit_code)
    assert run.summary.events[1].message == "archives run last, and only if everything before them succeeded"
    assert harness.shown()["s2"] == ("Gone", True, [9])


def test_a_change_already_in_effect_counts_as_done(harness: Harness) -> None:
    change, gone = update(harness.add("A"), hours=(12,)), archive(harness.add("Gone"))
    harness.caller.mutate(UPDATE, {"id": "s1", "hours": [12]})
    run = harness.run(change, gone)
    assert (run.statuses, run.exit_code) == (["already", "done"], 0)


def test_one_archive_that_fails_does_not_stop_the_others(harness: Harness) -> None:
    changes = [archive(harness.add(title)) for title in ("A", "B")]
    harness.fault(ARCHIVE, Refuse("BAD_REQUEST"), where={"id": "s1"})
    assert harness.run(*changes).statuses == ["failed", "done"]


def test_a_run_stopped_anywhere_and_repeated_converges(harness: Harness) -> None:
    """Ended by a lost key before every single request in turn, the run still gets there, without a second create."""
    renamed, updated, gone = harness.add("Old"), harness.add("Plain"), harness.add("Gone")
    back = harness.add("Back", archived=True)
    changes = (
        update(renamed, title="New"),
        update(updated, hours=(12,)),
        unarchive(back, hours=(12,)),
        archive(gone),
    )
    codes = []
    for ahead in range(20):
        harness.sandbox.faults.clear()
        harness.fault("*", Pass(), times=ahead)
        harness.fault("*", Refuse("UNAUTHORIZED"), times=None)
        harness.stop_signal = StopSignal()
        codes.append(harness.run(*changes).exit_code)
    assert codes[:2] == [1, 1]
    assert set(codes[-5:]) == {0}
    assert harness.shown() == {
        "s1": ("New", True, [9]),
        "s2": ("Plain", True, [12]),
        "s3": ("Gone", False, [9]),
        "s4": ("Back", True, [12]),
    }


# How many at a time -------------------------------------------------------------------------------------------------


class Crowd:
    """A platform that counts concurrent requests, and answers none before there are ``size`` or no more come."""

    def __init__(self, harness: Harness, size: int) -> None:
        self._one = harness
        self._barrier = threading.Barrier(size)
        self._lock = threading.Lock()
        self.inside = self.most = 0

    def answer(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self._barrier.wait(5)
        answered = self._one.sandbox.answer(Request(method, path, query, headers, body))
        with self._lock:
            self.inside -= 1
        return answered.status, answered.headers, answered.body


@pytest.mark.parametrize("size", [1, 3])
def test_at_most_concurrency_changes_are_in_progress(harness: Harness, size: int) -> None:
    changes = [archive(harness.add(f"A{number}")) for number in range(2 * size)]
    crowd = Crowd(harness, size)
    with Transport("http://localhost", Secret(demo.DEMO_KEY), http=EmbeddedTransport(crowd.answer)) as transport:
        harness.transport = transport
        run = harness.run(*changes, concurrency=size)
    assert (crowd.most, run.statuses) == (size, ["done"] * 2 * size)


def test_the_worker_threads_end_with_the_run(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    crew: list[Thread | None] = []

    def start(work: Callable[[], object]) -> Thread | None:
        crew.append(start_thread(work))
        return crew[-1]

    monkeypatch.setattr(worker_pool, "start_thread", start)
    harness.run(*(archive(harness.add(f"A{number}")) for number in range(4)), concurrency=4)
    for thread in crew:
        assert thread is not None
        thread.join(10)
    assert [thread is not None and thread.is_alive() for thread in crew] == [False] * 4


def test_an_internal_error_fails_only_its_change(harness: Harness) -> None:
    wires = [harness.add(title) for title in ("A", "B")]
    changes = [update(wire, hours=(12,)) for wire in wires]
    object.__setattr__(changes[0], "after", None)
    run = harness.run(*changes)
    assert (run.statuses, run.exit_code) == (["unknown", "done"], 5)
    assert run.message == "internal error (AssertionError) while this was in progress; please report it"


def test_a_platform_that_stays_unreachable_ends_the_run(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in "ABCDE"]
    with Transport("http://127.0.0.1:9", Secret(demo.DEMO_KEY)) as harness.transport:
        run = harness.run(*changes, attempts=1)
    assert (run.statuses, run.exit_code) == ([*["failed"] * 3, *["not started"] * 2], 1)


def test_a_platform_that_is_sometimes_reached_ends_no_run(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in "ABCDEF"]
    harness.transport = Shaky(harness.transport, lambda id_: id_ in {"s1", "s2", "s4", "s5"})  # type: ignore[assignment]
    assert harness.run(*changes, attempts=1).statuses == ["failed", "failed", "done", "failed", "failed", "done"]
    assert harness.run(*changes, attempts=1).statuses == ["failed", "failed", "already", "failed", "failed", "already"]


def test_unanswered_changes_in_between_do_not_reset_the_count(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in "ABCDEF"]
    harness.transport = Shaky(harness.transport, {"s1", "s3", "s4"}.__contains__, {"s2"}.__contains__)  # type: ignore[assignment]
    run = harness.run(*changes, attempts=1)
    assert run.statuses == [*["failed"] * 4, "not started", "not started"]


# Stopping -----------------------------------------------------------------------------------------------------------


def stopping(harness: Harness, *moments: tuple[str, str]) -> Callable[[Event], None]:
    """Set the stop signal once each of these has been told: a status, and the key of its change."""
    missing = set(moments)

    def during(event: Event) -> None:
        missing.discard((str(event.status), str(event.change.key)))
        if not missing:
            harness.stop_signal.interrupt()

    return during


def test_a_stop_starts_nothing_new_and_lets_what_is_in_flight_end(harness: Harness) -> None:
    changes = [update(harness.add(title), hours=(12,)) for title in ("A", "B", "C")]
    changes.append(archive(harness.add("D")))

    def answer_once_stopped(
        method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        assert harness.stop_signal.interrupted.wait(10)
        answered = harness.sandbox.answer(Request(method, path, query, headers, body))
        return answered.status, answered.headers, answered.body

    with Transport("http://localhost", Secret(demo.DEMO_KEY), http=EmbeddedTransport(answer_once_stopped)) as transport:
        harness.transport = transport
        run = harness.run(*changes, during=stopping(harness, ("started", "A")))
    assert run.event_lines == ["A started", "A done", "None not started"]
    assert run.statuses == ["done", "not started", "not started", "not started"]
    assert (run.requests, run.exit_code) == ([READ, UPDATE], 130)
    assert [hours for _, _, hours in harness.shown().values()] == [[12], [9], [9], [9]]


def interrupted_at(line: int, stop: StopSignal) -> bool:
    """Interrupt a pause at one of the lines that are executed in it; return whether there are so many."""
    left = line

    def trace(_frame: object, event: str, _: object) -> Any:  # noqa: ANN401 - itself
        nonlocal left
        left -= event == "line"
        if event == "line" and left == 0:
            stop.interrupt()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        stop.pause(0.001)
    finally:
        sys.settrace(before)
    return left <= 0


def test_a_wait_can_be_interrupted_by_its_own_thread_at_every_line() -> None:
    lines = count(1)
    while interrupted_at(next(lines), stop := StopSignal()):
        assert stop.interrupted.is_set()
    assert next(lines) > 3


class Queue(threading.Event):
    """A set stop signal on which requests wait for their turn; calls ``when_full`` once so many of them do."""

    def __init__(self, size: int, when_full: Callable[[], None]) -> None:
        super().__init__()
        self._free = size
        self._when_full = when_full
        self._lock = threading.Lock()

    def wait(self, timeout: float | None = None) -> bool:
        with self._lock:
            self._free -= 1
            is_full = self._free == 0
        if is_full:
            self._when_full()
        return super().wait(timeout)


@pytest.mark.parametrize(("end", "code"), [(StopSignal.interrupt, 130), (StopSignal.stop, 1)])
@pytest.mark.parametrize(("first", "verb"), [(READ, "update"), (LIST, "create")])
def test_changes_that_wait_for_the_rate_limit_are_not_started_after_a_stop(
    harness: Harness, first: str, verb: str, end: Callable[[StopSignal], None], code: int
) -> None:
    changes = [update(harness.add(title), hours=(12,)) if first == READ else create(title) for title in ("A", "B", "C")]
    harness.stop_signal.stopping = Queue(3, lambda: end(harness.stop_signal))
    kept = RecordedWrites()
    with embedded(harness.sandbox, RateLimiter(0.01, harness.stop_signal.stopping)) as harness.transport:
        run = harness.run(*changes, concurrency=3, recorder=kept)
    assert (run.statuses, run.requests, run.exit_code) == (["not started"] * 3, [first], code)
    intended = [intent.number for intent in kept.intents]
    assert sorted(kept.line_summaries) == sorted(
        f"{number} {what}" for number in intended for what in (verb, "not done")
    )


def test_a_started_change_is_completed_after_a_stop(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse("BAD_REQUEST"), times=1)  # it updates no archived schedule, so it is unarchived first
    change = unarchive(harness.add("A", archived=True), hours=(12,))
    # The read is free, the update, the unarchive, and the update wait.
    harness.stop_signal.stopping = Queue(3, harness.stop_signal.interrupt)
    with embedded(harness.sandbox, RateLimiter(20, harness.stop_signal.stopping, lambda: 0.0)) as harness.transport:
        run = harness.run(change)
    assert run.requests == [READ, UPDATE, UNARCHIVE, READ, UPDATE]
    assert (run.statuses, run.exit_code, harness.shown()) == (["done"], 130, {"s1": ("A", True, [12])})


def test_a_lost_answer_is_looked_for_after_a_stop(harness: Harness) -> None:
    harness.fault(UPDATE, Cut(), when="after")
    change = update(harness.add("A"), hours=(12,))
    # The read is free, the update and the read that settles it wait.
    harness.stop_signal.stopping = Queue(2, harness.stop_signal.interrupt)
    with embedded(harness.sandbox, RateLimiter(20, harness.stop_signal.stopping, lambda: 0.0)) as harness.transport:
        run = harness.run(change)
    assert run.requests == [READ, UPDATE, READ]
    assert (run.statuses, run.exit_code) == (["done"], 130)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_that_hangs_beyond_the_grace_period_is_unknown(when: str) -> None:
    with open_served_harness() as served:
        wires = [served.add(title) for title in ("A", "B", "C", "D")]
        served.fault(UPDATE, ChangeBetween(served.stop_signal.interrupt), when=when)
        served.fault(UPDATE, NoReply(), when=when)
        changes = [update(wires[0], title="New"), *(update(wire, hours=(12,)) for wire in wires[1:3])]
        changes += [unarchive(wires[3]), create("E")]
        run = served.run(*changes, grace=SOON)
        assert run.statuses == ["unknown", *["not started"] * 4]
        assert (run.message, run.exit_code) == ("it was in progress when the run was interrupted", 130)
        assert served.shown()["s1"][0] == {"before": "A", "after": "New"}[when]


def test_a_lost_create_is_not_looked_for_after_the_grace_period() -> None:
    with open_served_harness() as served:
        served.fault(CREATE, Cut(), where={"title": "Lost"}, when="after")
        served.fault(CREATE, NoReply(), where={"title": "Hung"})
        moments = (("started", "Hung"), ("retrying", "Lost"))
        run = served.run(create("Lost"), create("Hung"), during=stopping(served, *moments), grace=SOON, concurrency=2)
        assert (run.statuses, run.exit_code) == (["unknown", "unknown"], 130)
        assert [event.message for event in run.summary.events] == [
            "the answer was lost and it has not appeared; it may still be created",
            "it was in progress when the run was interrupted",
        ]
        assert run.requests.count(LIST) == 1


def test_the_grace_period_is_for_the_whole_run() -> None:
    stop_signal, released = StopSignal(), threading.Event()
    pool = WorkerPool(2, stop_signal, grace=SOON)
    stop_signal.interrupt()
    with pytest.raises(ShutdownTimeoutError):
        pool.run_one(released.wait)
    with pytest.raises(ShutdownTimeoutError):  # though the second of the pool would answer at once
        pool.run_one(lambda: True)
    assert list(pool.run([])) == []
    released.set()
    pool.shutdown()


@pytest.mark.parametrize(("count", "gathers"), [(9, True), (3, False)])
def test_events_are_batched_only_while_more_tasks_wait_than_there_are_threads(
    monkeypatch: pytest.MonkeyPatch, count: int, gathers: bool
) -> None:
    naps: list[float] = []
    released = threading.Event()

    def nap(seconds: float) -> None:
        naps.append(seconds)
        released.set()

    def work(_: EventSink) -> Event:
        assert not gathers or released.wait(5)
        return Event(change, Status.DONE)

    monkeypatch.setattr(worker_pool, "time", SimpleNamespace(sleep=nap, monotonic=time.monotonic))
    begun: list[Change] = []
    pool, change = WorkerPool(3, StopSignal(), begun=begun.append), create("A")
    events = list(pool.run([ChangeTask(change, work)] * count))
    pool.shutdown()
    assert [event.status for event in events].count(Status.DONE) == count
    assert (bool(naps), begun) == (gathers, [change] * count)


def test_a_stop_while_a_listing_hangs_does_not_wait_for_it() -> None:
    with open_served_harness() as served:
        served.fault(LIST, ChangeBetween(served.stop_signal.interrupt))
        served.fault(LIST, NoReply())
        run = served.run(create("A"), grace=SOON)
        assert (run.statuses, run.event_lines, run.requests, run.exit_code) == (["not started"], [], [LIST], 130)


def test_a_lost_create_is_looked_for_once_more_after_a_stop(harness: Harness) -> None:
    change = update(harness.add("B"), hours=(12,))
    harness.fault(CREATE, Cut(), when="after")
    run = harness.run(create("A"), change, during=stopping(harness, ("retrying", "A")))
    assert (run.statuses, run.exit_code) == (["done", "not started"], 130)
    assert run.requests == [LIST, CREATE, LIST]


def test_a_stop_ends_a_wait(harness: Harness) -> None:
    harness.fault(UPDATE, Refuse("SERVICE_UNAVAILABLE"), times=None)
    change = update(harness.add("A"), hours=(12,))
    run = harness.run(change, during=stopping(harness, ("retrying", "A")), attempts=50)
    assert len(run.writes) < 50
    assert (run.statuses, run.exit_code) == (["unknown"], 130)


def test_a_stop_before_the_first_change_starts_nothing(harness: Harness) -> None:
    changes = (update(harness.add("A"), hours=(12,)), create("B"), archive(harness.add("C")))
    harness.stop_signal.interrupt()
    run = harness.run(*changes)
    assert (run.statuses, run.requests, run.exit_code) == (["not started"] * 3, [], 130)


def test_a_stop_after_the_last_change_is_still_an_interruption(harness: Harness) -> None:
    run = harness.run(update(harness.add("A"), hours=(12,)), during=stopping(harness, ("done", "A")))
    assert (run.statuses, run.exit_code) == (["done"], 130)
