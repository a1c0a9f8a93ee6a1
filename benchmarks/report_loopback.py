"""A platform that holds reports and costs next to nothing: ``python report_loopback.py N`` as ``loopback.py`` does.

N schedules, each with so many completed conversations, a report in every one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import workload
from loopback import Platform, Trouble, serve

_BEGIN: Final = datetime(2025, 1, 1, 9, tzinfo=UTC)
_REPORT: Final = "# What went wrong\n\n" + "".join(
    f"{number}. `charge_card` timed out after 30 s in trace `{number:032x}`; set its deadline to 5 s and try again.\n"
    for number in range(1, 61)
)
"""6 KiB, as reports have."""


class Reports(Platform):
    """The schedules, and an answer to every procedure that a pull calls."""

    def __init__(self, schedules: int, reports: int) -> None:
        super().__init__(list(workload.schedules(schedules)), page_size=10_000)
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
    return json.dumps(value, separators=(",", ":")).encode()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schedules", type=int)
    parser.add_argument("--reports", type=int, default=50, help="of each schedule")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    asyncio.run(serve(Reports(options.schedules, options.reports), options.latency, Trouble(0)))


if __name__ == "__main__":
    main()
