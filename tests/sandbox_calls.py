"""Calls into a sandbox as any client makes them, for the tests of the sandbox; nothing of our client is in here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import Answer, Request

Json = Any

PROJECT = demo.DEMO_PROJECT_ID
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)

DAILY: dict[str, Any] = {
    "projectId": PROJECT,
    "title": "Daily review",
    "prompt": "Look.",
    "agentUuid": demo.CHECKOUT_ID,
    "frequency": "daily",
    "hours": [9],
    "minutes": [0],
    "daysOfWeek": [],
    "daysOfMonth": [],
    "timezone": "UTC",
    "spanLimit": 10000,
    "lookbackHours": 24,
}
WINDOW = {"windowStartAt": "2026-11-01T12:00:00.000Z", "windowEndAt": "2026-11-02T12:00:00.000Z"}
WANTED: dict[str, Any] = {"projectId": PROJECT, "agentUuid": demo.CHECKOUT_ID, "prompt": "Look.\nClosely.", **WINDOW}
"""What starts a run."""


def demo_agents(days: int) -> list[dict[str, Any]]:
    """Return the demo agents as they are listed for a range of so many days."""
    counts = {agent_id: days * 24 * 60 // minutes for agent_id, minutes in demo.MINUTES_PER_TRACE.items()}
    return [{**agent, "stats": {"executionCount": counts[agent["id"]]}} for agent in demo.AGENTS]


class Clock:
    """A clock that moves only in ``advance``."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class RefusedError(AssertionError):
    """A procedure returned an error where a test expected a result."""


@dataclass
class Caller:
    """Calls a sandbox with a key."""

    sandbox: Sandbox
    key: str = ""
    """Empty: the sandbox's own."""

    def send_query(self, procedure: str, given: object = None) -> Answer:
        """Return the answer to a query."""
        query = "" if given is None else urlencode({"input": json.dumps(given)})
        return self.send("GET", procedure, query=query)

    def send_mutation(self, procedure: str, given: object) -> Answer:
        """Return the answer to a mutation."""
        return self.send("POST", procedure, body=json.dumps(given).encode())

    def send(self, method: str, procedure: str, *, query: str = "", body: bytes = b"") -> Answer:
        headers = {"authorization": f"Bearer {self.key or self.sandbox.key}", "content-type": "application/json"}
        return self.sandbox.answer(Request(method, f"/{procedure}", query, headers, body))

    def query(self, procedure: str, given: object = None) -> Json:
        """Return the result of a query."""
        return result_of(self.send_query(procedure, given))

    def mutate(self, procedure: str, given: object) -> Json:
        """Return the result of a mutation."""
        return result_of(self.send_mutation(procedure, given))

    def create(self, **fields: object) -> dict[str, Any]:
        """Create a daily schedule with some fields of one's own."""
        created: dict[str, Any] = self.mutate("haloSchedule.create", {**DAILY, **fields})
        return created

    def listed(self, **fields: object) -> list[dict[str, Any]]:
        """Return every schedule of a list, all pages joined."""
        schedules: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.query("haloSchedule.listForProject", {"projectId": PROJECT, **fields, **cursor})
            schedules += page["schedules"]
            if page["nextCursor"] is None:
                return schedules
            cursor = {"cursor": page["nextCursor"]}


def serialize(sandbox: Sandbox) -> bytes:
    """Return all that a sandbox in memory holds."""
    with sandbox._store._connection_lease() as connection:  # noqa: SLF001 - for tests alone: no user copies a sandbox in memory
        content: bytes = connection.serialize()
        return content


def restore(sandbox: Sandbox, content: bytes) -> None:
    """Let a sandbox in memory hold what another did; its clock, faults and requests stay its own."""
    with sandbox._store._connection_lease() as connection, closing(sqlite3.connect(":memory:")) as other:  # noqa: SLF001 - likewise
        other.deserialize(content)
        other.backup(connection)


def result_of(answer: Answer) -> Json:
    """Return what an answer holds, or fail with what the platform said instead."""
    envelope = json.loads(answer.body)
    if answer.status != 200:
        raise RefusedError(envelope)
    assert list(envelope) == ["result"]
    assert list(envelope["result"]) == ["data"]
    return envelope["result"]["data"]


def error_of(answer: Answer) -> tuple[int, int, str, str]:
    """Return status, JSON-RPC code, tRPC code and message of a refusal, having checked the rest of its envelope."""
    envelope = json.loads(answer.body)
    assert list(envelope) == ["error"]
    assert set(envelope["error"]) == {"message", "code", "data"}
    about = envelope["error"]["data"]
    assert about["httpStatus"] == answer.status
    assert set(about) == {"code", "httpStatus", "path"}
    return answer.status, envelope["error"]["code"], about["code"], envelope["error"]["message"]


def open_at_noon(folder: Path) -> None:
    """Create the sandbox of a folder at the instant of the tests' clock, however long ago that is.

    Its agents have traces from a month before the sandbox was created. A command takes the window of a run from the
    tests' clock and creates a sandbox by the real one, so a month later no agent would have traces in that window.
    """
    Sandbox.open(folder / ".halo" / "sandbox.db", clock=Clock()).close()


def start_run(caller: Caller, **fields: object) -> dict[str, Any]:
    """Start a run."""
    started: dict[str, Any] = caller.mutate("haloRun.create", {**WANTED, **fields})
    return started


def fire_now(sandbox: Sandbox) -> None:
    """Have the only schedule analyse the last day."""
    [schedule] = sandbox.schedules()
    now = datetime.now(UTC)
    window = {"windowStartAt": (now - timedelta(days=1)).isoformat(), "windowEndAt": now.isoformat()}
    Caller(sandbox).mutate("haloSchedule.fireNow", {"id": schedule["id"], **window})
