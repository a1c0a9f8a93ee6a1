"""Starts runs: the same way for one-off runs, retries, follow-ups and schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from halo_iac.sandbox import demo
from halo_iac.sandbox.call import Settings
from halo_iac.sandbox.demo import history as demo_history
from halo_iac.sandbox.handlers.datasets import select_traces
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.protocol import encode_json
from halo_iac.sandbox.run_state import set_duration
from halo_iac.sandbox.store import AgentRow, Tables
from halo_iac.sandbox.store.runs import ConversationRow, OnFinish, RunRow

_MAX_TITLE_LENGTH: Final = 80
DEFAULTS: Final = {
    "modelId": demo.DEFAULT_MODEL_ID,
    "subagentModelId": None,
    "summarizationModelId": None,
    "spanLimit": 10_000,
    "maxSubagentDepth": 1,
    "maxTurns": 20,
    "reasoningEffort": "medium",
    "debug": False,
}
"""The defaults of a one-off run (docs/protocol.md#one-off-runs); a schedule has all of its limits."""

_FIRST_ATTEMPT: Final[Mapping[str, Any]] = {
    "retryOfRunId": None,
    "rootRunId": None,
    "runAttempt": 1,
    "inputPreviousRunId": None,
}
"""The attempt fields of a run that is not a retry."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """The request for a run of one agent over one window."""

    project_id: str
    agent: AgentRow
    prompt: str
    start: datetime
    end: datetime
    limits: Mapping[str, Any]
    """Models and limits by the platform's field names; null and missing ones get the default."""
    origin: str
    created_at: str
    schedule_id: str | None = None
    scheduled_for: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class RunStarter:
    """Starts runs in one transaction."""

    tables: Tables
    new_id: Callable[[], str]
    settings: Settings

    def start(self, order: RunOrder) -> RunRow:
        """Start a run in a new conversation."""
        conversation = ConversationRow(
            self.new_id(),
            order.project_id,
            order.agent.id,
            order.schedule_id,
            order.title or _title(order.prompt),
            order.created_at,
        )
        self.tables.runs.add_conversation(conversation)
        return self._add_analysis(order, conversation.id, _FIRST_ATTEMPT)

    def retry(self, row: RunRow, order: RunOrder) -> RunRow:
        """Start a run again in its conversation, over the traces that its window has by now."""
        return self._add_analysis(order, row.conversation_id, _attempt_fields(row))

    def follow_up(self, row: RunRow, prompt: str, created_at: str, *, is_retry: bool = False) -> RunRow:
        """Start a run that answers a question about the traces of an earlier one."""
        attempt = _attempt_fields(row) if is_retry else {**_FIRST_ATTEMPT, "inputPreviousRunId": row.id}
        again = replace(
            row,
            id=self.new_id(),
            schedule_id=None,
            scheduled_for=None,
            created_at=created_at,
            asked={**row.asked, "prompt": prompt, "origin": "follow_up", **attempt},
            cancelled_at=None,
            cancel_reason=None,
            answer=None,
        )
        return self._add(again)

    def _add_analysis(self, order: RunOrder, conversation_id: str, attempt: Mapping[str, Any]) -> RunRow:
        limits = DEFAULTS | {name: value for name, value in order.limits.items() if value is not None}
        demo_history.ensure_traces(self.tables, order.project_id, order.agent, order.start, order.end, order.created_at)
        selected = select_traces(self.tables, order.agent.row_id, order.start, order.end, limits["spanLimit"])
        row = RunRow(
            id=self.new_id(),
            conversation_id=conversation_id,
            schedule_id=order.schedule_id,
            scheduled_for=order.scheduled_for,
            created_at=order.created_at,
            asked={**_request_fields(order, limits), **attempt},
            dataset_id=self.new_id(),
            **selected._asdict(),
        )
        return self._add(row)

    def _add(self, row: RunRow) -> RunRow:
        """Add a run with its ending: the one set in advance, even without traces, unless that is to complete."""
        ending = self.tables.runs.take_next_ending() or OnFinish()
        if not row.span_count and ending.status == "completed":
            ending = OnFinish("no_traces", after=ending.after)
        row = replace(row, pace=self.settings.pace, ending=ending.status, error=ending.error)
        row = set_duration(row, ending.after)
        self.tables.runs.add(row)
        return row


def encode_started_run(row: RunRow) -> bytes:
    """Return the answer of every procedure that starts a run."""
    return encode_json(
        {
            "runId": row.id,
            "conversationId": row.conversation_id,
            "haloExportDatasetId": row.dataset_id,
            **{name: row.asked[name] for name in ("agentUuid", "windowStartAt", "windowEndAt")},
        }
    )


def _request_fields(order: RunOrder, limits: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "agentUuid": order.agent.id,
        "prompt": order.prompt,
        "windowStartAt": format_instant(order.start),
        "windowEndAt": format_instant(order.end),
        "origin": order.origin,
        **_FIRST_ATTEMPT,
        **{name: limits[name] for name in DEFAULTS},
    }


def _attempt_fields(row: RunRow) -> dict[str, Any]:
    """Return the attempt fields of a run that retries another."""
    root = row.asked.get("rootRunId") or row.asked["retryOfRunId"] or row.id
    return {"retryOfRunId": row.id, "rootRunId": root, "runAttempt": row.asked.get("runAttempt", 1) + 1}


def _title(prompt: str) -> str:
    line = prompt.strip().splitlines()[0]
    return line if len(line) <= _MAX_TITLE_LENGTH else f"{line[: _MAX_TITLE_LENGTH - 1]}…"
