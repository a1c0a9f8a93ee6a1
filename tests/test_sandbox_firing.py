from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_calls import DAILY, NOON, PROJECT, Caller, Clock, error_of

from halo_iac.sandbox import demo
from halo_iac.sandbox.firing import Fire
from halo_iac.sandbox.handlers import schedules as cadences
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve


def runs_of(caller: Caller, schedule: dict[str, Any], limit: int = 100) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = caller.query("haloSchedule.listRuns", {"id": schedule["id"], "limit": limit})
    return runs


def instants(caller: Caller, schedule: dict[str, Any]) -> list[str]:
    return [run["scheduledForAt"] for run in reversed(runs_of(caller, schedule))]


# --- a fire and what it leaves behind


def test_a_schedule_fires_when_its_time_has_come(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13], lookbackHours=6, spanLimit=300, modelId="halo-small")
    clock.advance(minutes=59, seconds=59)
    assert runs_of(caller, schedule) == []
    clock.advance(seconds=1)
    [run] = runs_of(caller, schedule)
    at = "2026-11-02T13:00:00.000Z"
    expected = {
        "status": "pending_export",
        "origin": "scheduled",
        "scheduleId": schedule["id"],
        "scheduledForAt": at,
        "createdAt": at,
        "windowStartAt": "2026-11-02T07:00:00.000Z",
        "windowEndAt": at,
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": "Look.",
        "spanLimit": 300,
        "modelId": "halo-small",
        "maxSubagentDepth": 3,
        "maxTurns": 50,
    }
    assert {name: run[name] for name in expected} == expected
    clock.advance(minutes=1)
    assert [run["status"] for run in runs_of(caller, schedule)] == ["completed"]


def test_a_fire_has_a_conversation_of_its_own(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13, 14], title="Twice")
    clock.advance(hours=1)
    runs_of(caller, schedule)
    clock.advance(hours=2)
    second, first = runs_of(caller, schedule)
    listed = caller.query("haloConversation.listForProject", {"projectId": PROJECT, "scheduleId": schedule["id"]})
    found = [(each["latestRunId"], each["title"], each["scheduleId"]) for each in listed["conversations"]]
    assert found == [(second["id"], "Twice", schedule["id"]), (first["id"], "Twice", schedule["id"])]


def test_a_look_back_longer_than_time_begins_in_1970(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13], lookbackHours=2**31 - 1)
    clock.advance(hours=1)
    assert [run["windowStartAt"] for run in runs_of(caller, schedule)] == ["1970-01-01T00:00:00.000Z"]


def test_of_missed_fires_the_latest_is_made_up_for(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(frequency="hourly", minutes=[0, 30])
    clock.advance(hours=5, minutes=10)
    assert instants(caller, schedule) == ["2026-11-02T17:00:00.000Z"]
    clock.advance(days=400)
    assert instants(caller, schedule)[1:] == ["2027-12-07T17:00:00.000Z"]


def test_a_tick_leaves_no_fire_out_and_moves_the_clock(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(frequency="hourly", title="Hourly")
    fires = caller.sandbox.tick(NOON + timedelta(hours=3, minutes=30))
    hours = [f"2026-11-02T{hour}:00:00.000Z" for hour in (13, 14, 15)]
    runs = list(reversed(runs_of(caller, schedule)))
    assert fires == [Fire(schedule["id"], "Hourly", at, run["id"]) for at, run in zip(hours, runs, strict=True)]
    assert [run["createdAt"] for run in runs] == hours
    assert caller.create()["createdAt"] == "2026-11-02T15:30:00.000Z"
    clock.advance(minutes=30)
    assert instants(caller, schedule)[3:] == ["2026-11-02T16:00:00.000Z"]


def test_a_tick_to_nowhere_fires_what_is_due(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13])
    assert caller.sandbox.tick() == []
    clock.advance(hours=1)
    assert [fire.schedule_id for fire in caller.sandbox.tick()] == [schedule["id"]]
    assert caller.create()["createdAt"] == "2026-11-02T13:00:00.000Z"


def test_the_clock_cannot_be_put_back(caller: Caller) -> None:
    caller.sandbox.tick(NOON + timedelta(hours=1))
    with pytest.raises(ValueError, match=r"^The sandbox's clock is already at 2026-11-02T13:00:00\.000Z\.$"):
        caller.sandbox.tick(NOON)


def test_a_clock_that_is_ahead_stays_so_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox.open(path, clock=Clock()) as sandbox:
        sandbox.tick(NOON + timedelta(days=1))
    with Sandbox.open(path, clock=Clock(NOON + timedelta(minutes=1))) as sandbox:
        assert Caller(sandbox).create()["createdAt"] == "2026-11-03T12:01:00.000Z"


# --- what does not fire


def test_a_schedule_that_is_off_does_not_fire_and_makes_up_for_nothing(caller: Caller, clock: Clock) -> None:
    paused, archived = caller.create(hours=[13], enabled=False), caller.create(hours=[13])
    caller.mutate("haloSchedule.archive", {"id": archived["id"]})
    clock.advance(hours=2)
    caller.mutate("haloSchedule.update", {"id": paused["id"], "enabled": True})
    caller.mutate("haloSchedule.unarchive", {"id": archived["id"]})
    assert [runs_of(caller, paused), runs_of(caller, archived)] == [[], []]
    clock.advance(days=1)
    at = ["2026-11-03T13:00:00.000Z"]
    assert [instants(caller, paused), instants(caller, archived)] == [at, at]


def test_a_changed_cadence_holds_from_then_on(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13])
    clock.advance(hours=2)
    caller.mutate("haloSchedule.update", {"id": schedule["id"], "hours": [12, 15]})
    clock.advance(hours=2)
    assert instants(caller, schedule) == ["2026-11-02T13:00:00.000Z", "2026-11-02T15:00:00.000Z"]


def test_an_instant_fires_once_even_if_the_cadence_comes_back_to_it(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13])
    clock.advance(hours=1)
    runs_of(caller, schedule)
    clock.now -= timedelta(minutes=1)
    caller.mutate("haloSchedule.update", {"id": schedule["id"], "hours": [13]})
    clock.advance(minutes=2)
    assert instants(caller, schedule) == ["2026-11-02T13:00:00.000Z"]


def test_a_vanished_agent_pauses_its_schedule_until_it_has_one_again(caller: Caller, clock: Clock) -> None:
    schedule = caller.create(hours=[13])
    caller.sandbox.forget_agent(PROJECT, demo.CHECKOUT_ID)
    clock.advance(hours=1, minutes=5)
    at = "2026-11-02T13:00:00.000Z"
    paused = {"enabled": False, "autoPausedAt": at, "autoPauseReason": "agent_not_found", "updatedAt": at}
    assert caller.listed() == [{**schedule, **paused}]
    clock.advance(days=3)
    assert runs_of(caller, schedule) == []
    caller.mutate("haloSchedule.update", {"id": schedule["id"], "agentUuid": demo.RESEARCH_ID, "enabled": True})
    clock.advance(days=1)
    assert instants(caller, schedule) == ["2026-11-06T13:00:00.000Z"]


def test_invalid_rows_fire_nothing(caller: Caller, clock: Clock) -> None:
    whole = {**caller.create(hours=[13]), "id": None}
    odd: list[dict[str, Any]] = [
        {"title": "No more than that", "enabled": True},
        {**whole, "frequency": "fortnightly"},
        {**whole, "hours": []},
        {**whole, "hours": "13"},
        {**whole, "timezone": "Mars/Base"},
        {**whole, "timezone": None},
        {**whole, "prompt": None},
        {**whole, "lookbackHours": "long"},
        {**whole, "frequency": "monthly", "daysOfMonth": [32]},
    ]
    caller.sandbox.seed(PROJECT, odd)
    clock.advance(days=2)
    assert [fire.title for fire in caller.sandbox.advance()] == ["Daily review"]


# --- by hand


def test_a_schedule_is_fired_by_hand_over_any_window(caller: Caller) -> None:
    schedule = caller.create(enabled=False)
    window = {"windowStartAt": "2026-11-01T00:00:00.000Z", "windowEndAt": "2026-11-02T00:00:00.000Z"}
    started = caller.mutate("haloSchedule.fireNow", {"id": schedule["id"], **window})
    [run] = runs_of(caller, schedule)
    expected = {"id": started["runId"], "origin": "manual_schedule", "scheduledForAt": None, **window}
    assert {name: run[name] for name in expected} == expected
    assert set(started) == {"runId", "conversationId", "haloExportDatasetId", "agentUuid", *window}


def test_an_invalid_fire_by_hand_is_refused(caller: Caller) -> None:
    window = {"windowStartAt": "2026-11-01T00:00:00.000Z", "windowEndAt": "2026-11-02T00:00:00.000Z"}
    schedule = caller.create()
    given = {"id": schedule["id"], **window}
    backwards = {**given, "windowEndAt": window["windowStartAt"]}
    assert (
        error_of(caller.send_mutation("haloSchedule.fireNow", backwards))[3]
        == "windowEndAt must be after windowStartAt."
    )
    reader = Caller(caller.sandbox, demo.DEMO_READ_KEY)
    assert error_of(reader.send_mutation("haloSchedule.fireNow", given))[2] == "FORBIDDEN"
    caller.mutate("haloSchedule.archive", {"id": schedule["id"]})
    assert error_of(caller.send_mutation("haloSchedule.fireNow", given))[2:] == (
        "PRECONDITION_FAILED",
        f"Schedule {schedule['id']} is archived.",
    )
    assert error_of(caller.send_mutation("haloSchedule.fireNow", {**given, "id": "x"}))[2] == "NOT_FOUND"


# --- several at once


def test_eight_threads_fire_an_instant_once(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    clock = Clock()
    with Sandbox.open(path, clock=clock) as sandbox:
        schedules = [Caller(sandbox).create(title=f"Number {number}", hours=[13]) for number in range(30)]
    clock.advance(hours=1)
    gate = threading.Barrier(8)

    def look(_: int) -> int:
        with Sandbox.open(path, clock=clock) as sandbox:
            gate.wait()
            return len(sandbox.advance())

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(look, range(8))) == 30
    with Sandbox.open(path, clock=clock) as sandbox:
        assert [len(runs_of(Caller(sandbox), schedule)) for schedule in schedules] == [1] * 30


def test_more_schedules_than_fit_a_batch_all_fire(caller: Caller, clock: Clock) -> None:
    caller.sandbox.seed(PROJECT, [{**DAILY, "hours": [13], "enabled": True} for _ in range(450)])
    clock.advance(hours=1)
    assert len(caller.sandbox.advance()) == 450
    assert caller.sandbox.advance() == []


def test_only_the_lease_holder_fires(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    clock = Clock()
    with Sandbox.open(path, clock=clock) as one, Sandbox.open(path, clock=clock) as other:
        Caller(one).create(hours=[13])
        with one._store.writing() as tables:  # noqa: SLF001 (as one that was killed at it would leave it)
            assert tables.take_lease(
                "another", format_instant(NOON), format_instant(NOON + timedelta(hours=1, seconds=30))
            )
        clock.advance(hours=1)
        assert [one.advance(), other.advance()] == [[], []]
        clock.advance(minutes=1)
        assert [len(one.advance()), len(other.advance())] == [1, 0]


def test_a_served_sandbox_fires_on_its_own() -> None:
    clock = Clock()
    with Sandbox.open(None, clock=clock) as sandbox:
        schedule = Caller(sandbox).create(hours=[13])
        with serve(sandbox):
            clock.advance(hours=1)
            for _ in range(600):
                with sandbox._store.reading() as tables:  # noqa: SLF001 (a request would fire it)
                    if tables.runs.of_schedule(schedule["id"], 5):
                        break
                threading.Event().wait(0.05)
            else:
                pytest.fail("nothing fired")


# --- the clocks change


@pytest.mark.parametrize(
    ("cadence", "day", "expected"),
    [
        ({"hours": [2], "minutes": [30]}, "2026-03-08", ["2026-03-08T10:00:00.000Z"]),
        ({"hours": [1, 3], "minutes": [30]}, "2026-03-08", ["2026-03-08T09:30:00.000Z", "2026-03-08T10:30:00.000Z"]),
        ({"hours": [1], "minutes": [30]}, "2026-11-01", ["2026-11-01T08:30:00.000Z"]),
        ({"hours": [9]}, "2026-03-07", ["2026-03-07T17:00:00.000Z"]),
        ({"hours": [9]}, "2026-03-08", ["2026-03-08T16:00:00.000Z"]),
        ({"hours": [9]}, "2026-11-01", ["2026-11-01T17:00:00.000Z"]),
        (
            {"frequency": "hourly"},
            "2026-11-01",
            [f"2026-11-01T{hour:02}:00:00.000Z" for hour in range(7, 24)]
            + [f"2026-11-02T{hour:02}:00:00.000Z" for hour in range(8)],
        ),
        (  # clocks go back by half an hour at 15:00, from 02:00 to 01:30
            {"frequency": "hourly", "minutes": [45], "timezone": "Australia/Lord_Howe"},
            "2026-04-05",
            [f"2026-04-04T{time}:00.000Z" for time in ("13:45", "14:45", "15:15", "16:15", "17:15", "18:15", "19:15")]
            + [f"2026-04-04T{hour}:15:00.000Z" for hour in range(20, 24)]
            + [f"2026-04-05T{hour:02}:15:00.000Z" for hour in range(14)],
        ),
    ],
)
def test_fires_of_a_day_on_which_clocks_change(cadence: dict[str, Any], day: str, expected: list[str]) -> None:
    cadence = {"timezone": "America/Los_Angeles", **cadence}
    zone = ZoneInfo(cadence["timezone"])
    start = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    clock = Clock(start - timedelta(seconds=1))
    with Sandbox.open(None, clock=clock) as sandbox:
        schedule = Caller(sandbox).create(**cadence)
        sandbox.tick(end - timedelta(seconds=1))
        assert instants(Caller(sandbox), schedule) == expected


ZONES = (
    *("UTC", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Australia/Adelaide", "America/Santiago"),
    *("Australia/Lord_Howe", "Antarctica/Troll"),
)
CHANGES = tuple(
    datetime(2026, month, day, tzinfo=UTC)
    for month, day in ((3, 8), (3, 29), (4, 5), (9, 6), (10, 4), (10, 25), (11, 1))
)


@st.composite
def cadence_wires(draw: st.DrawFn) -> dict[str, Any]:
    def some(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=1, max_size=3))

    return {
        "frequency": draw(st.sampled_from(("hourly", "daily", "weekly", "monthly"))),
        "hours": draw(st.one_of(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.just([12]))),
        "minutes": some(0, 59),
        "daysOfWeek": some(0, 6),
        "daysOfMonth": some(1, 31),
        "timezone": draw(st.sampled_from(ZONES)),
        "enabled": True,
    }


def naive_fires(wire: dict[str, Any], start: datetime, hours: int) -> list[datetime]:
    """Count a cadence's fires in the hours after an instant, looking at every minute of the wall clock."""
    zone = ZoneInfo(wire["timezone"])
    end = start + timedelta(hours=hours)
    if wire["frequency"] == "hourly":
        every = (start + timedelta(minutes=number) for number in range(1, hours * 60 + 1))
        return [at for at in every if at.astimezone(zone).minute in wire["minutes"]]
    fires = set()
    wall = start.astimezone(zone).replace(tzinfo=None) - timedelta(hours=3)
    for _ in range((hours + 6) * 60):
        wall += timedelta(minutes=1)
        if wall.hour in wire["hours"] and wall.minute in wire["minutes"] and _is_day(wire, wall):
            fires.add(_real(wall, zone))
    return sorted(at for at in fires if start < at <= end)


def _is_day(wire: dict[str, Any], wall: datetime) -> bool:
    if wire["frequency"] == "weekly":
        return wall.isoweekday() % 7 in wire["daysOfWeek"]
    return wire["frequency"] == "daily" or wall.day in wire["daysOfMonth"]


def _real(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which a clock shows a wall time, or the end of the gap that leaves it out."""
    while (at := wall.replace(tzinfo=zone).astimezone(UTC)).astimezone(zone).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
    return at


@settings(max_examples=60, deadline=None)
@given(cadence_wires(), st.sampled_from(CHANGES), st.integers(-600, 600))
def test_fires_are_those_that_a_naive_count_finds(wire: dict[str, Any], change: datetime, shift: int) -> None:
    start = change + timedelta(minutes=shift)
    found = []
    at: datetime | None = start
    while at is not None and (at := cadences.next_fire(wire, at)) is not None and at <= start + timedelta(hours=40):
        found.append(at)
    assert found == naive_fires(wire, start, 40)


@settings(max_examples=40, deadline=None)
@given(cadence_wires(), st.sampled_from(CHANGES), st.integers(-600, 600), st.integers(0, 100_000))
def test_the_latest_of_missed_fires_is_the_one_before_the_next(
    wire: dict[str, Any], change: datetime, shift: int, minutes: int
) -> None:
    first = cadences.next_fire(wire, change + timedelta(minutes=shift))
    assert first is not None
    now = first + timedelta(minutes=minutes)
    last = cadences.last_fire(wire, first, now)
    upcoming = cadences.next_fire(wire, last)
    assert upcoming is not None
    assert first <= last <= now < upcoming
