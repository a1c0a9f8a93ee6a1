"""A platform that costs next to nothing, so that what is measured is the client.

A process of its own: ``python loopback.py N`` prints its port and answers until standard input ends. It holds N
schedules in memory, with some completed conversations each, answers after a latency that costs no thread, and counts
requests. The sandbox validates and stores its input; this one accepts everything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import workload

COUNTS: Final = "_counts"
"""Asked like a procedure: what was asked since it was last asked, by procedure."""
SEEN: Final = "_seen"
"""Likewise: the instants of all requests, how often each title was written, and how many schedules bear it."""

_FAILURES: Final = (
    (429, b"Retry-After: 1\r\n", b'{"error":{"message":"slow down","data":{"code":"TOO_MANY_REQUESTS"}}}'),
    (503, b"", b"<html>no</html>"),
)
"""In turn; the platform has done nothing by then."""
_BEGIN: Final = datetime(2025, 1, 1, 9, tzinfo=UTC)
_REPORT: Final = "# What went wrong\n\n" + "".join(
    f"{number}. `charge_card` timed out after 30 s in trace `{number:032x}`; set its deadline to 5 s and try again.\n"
    for number in range(1, 61)
)
"""6 KiB, as reports have."""


class Platform:
    """The schedules, and an answer to every procedure that a plan and an apply call."""

    def __init__(self, schedules: list[dict[str, Any]], page_size: int) -> None:
        self.instants: list[float] = []
        self._writes: Counter[str] = Counter()
        self._schedules = {schedule["id"]: schedule for schedule in schedules}
        self._encoded = {schedule["id"]: _encoded(schedule) for schedule in schedules}
        self._page_size = page_size
        self._pages: dict[int, bytes] = {}
        self._counts: Counter[str] = Counter()
        self._page(0)

    def answer(self, procedure: str, given: dict[str, Any]) -> bytes:
        """Return the answer's body."""
        if procedure == COUNTS:
            counts, self._counts = self._counts, Counter()
            return json.dumps(counts).encode()
        if procedure == SEEN:
            held = Counter(schedule["title"] for schedule in self._schedules.values())
            return json.dumps({"instants": self.instants, "writes": self._writes, "held": held}).encode()
        self._counts[procedure] += 1
        return b'{"result":{"data":' + self._result(procedure, given) + b"}}"

    def _result(self, procedure: str, given: dict[str, Any]) -> bytes:
        match procedure:
            case "haloSchedule.listForProject":
                page, project = self._page(int(given.get("cursor") or 0)), given.get("projectId", workload.PROJECT)
                return page.replace(workload.PROJECT.encode(), project.encode())  # every project holds the same
            case "agent.listForProject" | "haloSchedule.listEligibleModels":
                agents = [_agent(name, id_) for name, id_ in workload.AGENTS.items()]
                return _encoded(agents if procedure == "agent.listForProject" else [{"id": "halo-large"}])
            case "haloSchedule.getById":
                return self._encoded[given["id"]]
            case "haloSchedule.create":
                return self._put({**next(workload.schedules(1)), **given, "id": f"made-{len(self._schedules)}"})
            case "haloSchedule.update":
                return self._put({**self._schedules[given["id"]], **given})
            case _:
                return b"null"

    def _put(self, schedule: dict[str, Any]) -> bytes:
        self._writes[schedule["title"]] += 1
        self._schedules[schedule["id"]] = schedule
        self._encoded[schedule["id"]] = _encoded(schedule)
        self._pages.clear()
        return self._encoded[schedule["id"]]

    def _page(self, start: int) -> bytes:
        if start not in self._pages:
            end = start + self._page_size
            schedules = list(self._encoded.values())
            cursor = _encoded(str(end) if end < len(schedules) else None)
            self._pages[start] = b'{"schedules":[%b],"nextCursor":%b}' % (b",".join(schedules[start:end]), cursor)
        return self._pages[start]


class ReportPlatform(Platform):
    """The schedules and their reports, with an answer to every procedure that a pull calls."""

    def __init__(self, schedules: list[dict[str, Any]], reports: int) -> None:
        super().__init__(schedules, page_size=10_000)
        self._runs = {
            schedule["id"]: [_run(schedule, f"{place}-{number}", number) for number in reversed(range(reports))]
            for place, schedule in enumerate(self._schedules.values())
        }
        self._threads = {run["conversationId"]: _encoded(_thread(run)) for runs in self._runs.values() for run in runs}

    def _result(self, procedure: str, given: dict[str, Any]) -> bytes:
        match procedure:
            case "haloConversation.listForProject":
                start = int(given.get("cursor") or 0)
                end = start + given.get("limit", 50)
                runs = self._runs[given["scheduleId"]]
                cursor = str(end) if end < len(runs) else None
                return _encoded(
                    {"conversations": [_conversation(run) for run in runs[start:end]], "nextCursor": cursor}
                )
            case "haloSchedule.listRuns":
                return _encoded(self._runs[given["id"]][: given.get("limit", 50)])
            case "haloConversation.getDetails":
                return self._threads[given["id"]]
            case _:
                return super()._result(procedure, given)


class Trouble:
    """Lets a share of all requests fail, the same ones every time."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._chance = random.Random(5)
        self._count = 0

    def next(self) -> tuple[int, bytes, bytes] | None:
        """Return the failure that the next request meets, if it meets one."""
        if not self._share or self._chance.random() >= self._share:
            return None
        self._count += 1
        return _FAILURES[self._count % len(_FAILURES)]


class Exchange(asyncio.Protocol):
    """One connection: as much of HTTP/1.1 as clients that wait for each answer speak."""

    def __init__(self, platform: Platform, latency: float, trouble: Trouble) -> None:
        self._platform = platform
        self._latency = latency
        self._trouble = trouble
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        url = urlsplit(target)
        text = parse_qs(url.query).get("input", ["{}"])[0] if method == "GET" else body
        loop, procedure = asyncio.get_running_loop(), url.path[1:]
        if not procedure.startswith("_"):
            self._platform.instants.append(loop.time())
            failure = self._trouble.next()
            if failure is not None:
                loop.call_later(self._latency, self._send, *failure)
                return
        answer = self._platform.answer(procedure, json.loads(text or "{}"))
        loop.call_later(self._latency, self._send, 200, b"", answer)

    def _send(self, status: int, headers: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %d -\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.writelines((head % (status, headers, len(body)), body))


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _agent(name: str, id_: str) -> dict[str, Any]:
    return {"id": id_, "identitySource": "agent_name", "identityValue": name, "stats": {"executionCount": 1}}


def _run(schedule: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    at = _BEGIN + timedelta(days=number)
    return {
        "id": f"run-{name}",
        "conversationId": f"conversation-{name}",
        "status": "completed",
        "origin": "scheduled",
        "scheduleId": schedule["id"],
        "scheduledForAt": _instant(at),
        "haloExportDatasetId": f"dataset-{name}",
        "agentUuid": schedule["agentUuid"],
        "windowStartAt": _instant(at - timedelta(hours=24)),
        "windowEndAt": _instant(at),
        "modelId": schedule["modelId"],
        "createdAt": _instant(at),
        "completedAt": _instant(at + timedelta(minutes=4)),
    }


def _conversation(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["conversationId"],
        "projectId": workload.PROJECT,
        "agentUuid": run["agentUuid"],
        "scheduleId": run["scheduleId"],
        "title": f"Review of {run['scheduledForAt'][:10]}",
        "latestRunId": run["id"],
        "createdAt": run["createdAt"],
        "updatedAt": run["completedAt"],
    }


def _thread(run: dict[str, Any]) -> dict[str, Any]:
    said = (("user", "Look for tool calls that fail twice."), ("assistant", _REPORT))
    window = {name: run[name] for name in ("agentUuid", "windowStartAt", "windowEndAt", "createdAt")}
    return {
        "conversation": _conversation(run),
        "messages": [
            {"sequence": sequence, "role": role, "content": content} for sequence, (role, content) in enumerate(said, 1)
        ],
        "runs": [run],
        "haloExportDatasets": [
            {"id": run["haloExportDatasetId"], "lifecycleStatus": "ready", "spanCount": 9000, **window}
        ],
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


async def serve(platform: Platform, latency: float, trouble: Trouble) -> None:
    """Answer on a free port of loopback, printed first, until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(platform, latency, trouble), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until standard input ends, so that no server outlives the process that started it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schedules", type=int)
    parser.add_argument("--changed-every", type=int, default=workload.CHANGED_EVERY)
    parser.add_argument("--page-size", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--failing", type=float, default=0.0, help="the share of requests that get 429 or 503")
    parser.add_argument("--reports", type=int, default=0, help="the completed conversations of each schedule")
    options = parser.parse_args()
    schedules = list(workload.schedules(options.schedules, options.changed_every))
    platform = ReportPlatform(schedules, options.reports) if options.reports else Platform(schedules, options.page_size)
    asyncio.run(serve(platform, options.latency, Trouble(options.failing)))


if __name__ == "__main__":
    main()
