"""Runs, and the datasets exported for them, as they go over the wire (docs/protocol.md#fields)."""

from __future__ import annotations

from typing import Any

from halo_iac.sandbox.life import Life


def run_wire(standing: Life) -> dict[str, Any]:
    """Return a run as it goes over the wire."""
    row, asked = standing.row, standing.row.asked
    return {
        "id": row.id,
        "conversationId": row.conversation_id,
        "status": standing.status,
        "scheduleId": row.schedule_id,
        "scheduledForAt": row.scheduled_for,
        "haloExportDatasetId": row.dataset_id,
        **asked,
        "resolvedRouteId": "sandbox" if standing.started_at else None,
        "createdAt": row.created_at,
        "updatedAt": standing.updated_at,
        "startedAt": standing.started_at,
        "completedAt": standing.completed_at,
        "errorMessage": standing.error,
        "resultR2Key": f"halo/{row.id}.md" if standing.status == "completed" else None,
    }


def dataset_wire(standing: Life) -> dict[str, Any]:
    """Return a run's dataset as it goes over the wire; nothing is counted before the export is done."""
    row = standing.row
    names = {moment.event for _, moment in standing.past}
    is_whole = "export.completed" in names or row.asked["origin"] == "follow_up"
    status = (
        "ready" if is_whole else {"no_traces": "empty", "export_failed": "failed"}.get(standing.status, "exporting")
    )
    return {
        "id": row.dataset_id,
        "lifecycleStatus": "cancelled" if status == "exporting" and standing.is_over else status,
        "agentUuid": row.asked["agentUuid"],
        "spanCount": row.span_count if is_whole else 0 if standing.is_over else None,
        "windowStartAt": row.asked["windowStartAt"],
        "windowEndAt": row.asked["windowEndAt"],
        "createdAt": row.created_at,
    }
