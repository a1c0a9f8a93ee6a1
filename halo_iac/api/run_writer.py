"""The calls that start or cancel runs: apart from every reader, so that a command which only reads costs nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from halo_iac.api.caller import Caller, Json
from halo_iac.api.run_answers import started_of
from halo_iac.model.run import Order, Started

CREATE: Final = "haloRun.create"
RETRY: Final = "haloRun.retry"
FOLLOW_UP: Final = "haloRun.createFollowUp"
FIRE: Final = "haloSchedule.fireNow"
_CANCEL: Final = "haloRun.cancel"

CANCEL_REASON: Final = "user-cancelled"
"""The reason the official client gives where nobody does."""

_OPTIONAL: Final = {
    "summarizationModelId": "summarization_model_id",
    "spanLimit": "span_limit",
    "maxSubagentDepth": "max_subagent_depth",
    "maxTurns": "max_turns",
    "reasoningEffort": "reasoning_effort",
}


def order_input(project_id: str, order: Order) -> dict[str, Any]:
    """Return what starts this run, as the official client sends it: models and ``debug`` always, limits when given."""
    given = {name: getattr(order, ours) for name, ours in _OPTIONAL.items()}
    return {
        "projectId": project_id,
        "agentUuid": order.agent,
        "prompt": order.prompt,
        "windowStartAt": instant(order.window.start),
        "windowEndAt": instant(order.window.end),
        "modelId": order.model_id,
        "subagentModelId": order.subagent_model_id,
        "debug": order.debug,
        **{name: value for name, value in given.items() if value is not None},
    }


def instant(value: datetime) -> str:
    """Return an instant as the platform writes it: UTC with milliseconds and ``Z``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RunWriter:
    """Starts and cancels runs, exactly one attempt each: what starts one is never to be repeated blindly.

    See docs/semantics.md#costly-calls.

    ``deadline`` is an instant of :func:`time.monotonic`; default: 120 s from now.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, project_id: str, order: Order, *, deadline: float | None = None) -> Started:
        """Start a one-off run; costs money."""
        return self._start(CREATE, order_input(project_id, order), deadline)

    def retry(self, run_id: str, *, deadline: float | None = None) -> Started:
        """Start a failed run again; costs money."""
        return self._start(RETRY, {"id": run_id}, deadline)

    def follow_up(self, conversation_id: str, prompt: str, *, deadline: float | None = None) -> Started:
        """Ask a question about a report; costs money."""
        return self._start(FOLLOW_UP, {"conversationId": conversation_id, "prompt": prompt}, deadline)

    def fire(self, schedule_id: str, start: str, end: str, *, deadline: float | None = None) -> Started:
        """Fire a schedule now over a window of two ISO 8601 instants, which are sent as they are; costs money."""
        return self._start(FIRE, {"id": schedule_id, "windowStartAt": start, "windowEndAt": end}, deadline)

    def cancel(self, run_id: str, reason: str = CANCEL_REASON, *, deadline: float | None = None) -> Json:
        """Ask for a run to be cancelled, and return the answer as sent; harmless when repeated."""
        return self._caller.call(_CANCEL, "mutation", {"id": run_id, "reason": reason}, deadline=deadline)

    def _start(self, procedure: str, fields: dict[str, Any], deadline: float | None) -> Started:
        return started_of(self._caller.call(procedure, "mutation", fields, deadline=deadline), procedure)
