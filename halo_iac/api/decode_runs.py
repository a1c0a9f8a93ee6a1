"""Parses and validates runs and conversations (docs/protocol.md#procedures).

Separate from :mod:`~halo_iac.api.decode`, since a plan reads no runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from halo_iac.api.decode import unreadable_response
from halo_iac.api.trpc import Json
from halo_iac.model.runs import (
    Conversation,
    ConversationDetails,
    Dataset,
    Message,
    Run,
    RunDetails,
    RunEvent,
    StartedRun,
)


def parse_run_details(value: Json, procedure: str) -> RunDetails:
    """Return the run in a result, with its traces where the answer has them."""
    if not isinstance(value, dict):
        raise unreadable_response(procedure, "answered without a run")
    dataset = value.get("haloExportDataset")
    return RunDetails(
        value, parse_run(value.get("run"), procedure), Dataset(dataset) if isinstance(dataset, dict) else None
    )


def parse_run(value: Json, procedure: str) -> Run:
    """Return one run; one without id is unreadable."""
    if not _has_id(value):
        raise unreadable_response(procedure, "answered with a run that has no id")
    return Run(value)


def parse_event(value: Json, procedure: str) -> RunEvent:
    """Return one event; raises for an event without a number, which could not be identified."""
    if not isinstance(value, dict) or not _is_number(value.get("sequence")):
        raise unreadable_response(procedure, "answered with an event that has no sequence")
    return RunEvent(value)


def parse_conversation(value: Json, procedure: str) -> Conversation:
    """Return one conversation; one without id is unreadable."""
    if not _has_id(value):
        raise unreadable_response(procedure, "answered with a conversation that has no id")
    return Conversation(value)


def parse_thread(value: Json, procedure: str) -> ConversationDetails:
    """Return a whole conversation: messages by their number, runs from oldest to latest."""
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        raise unreadable_response(procedure, "answered without a conversation's messages")
    messages = (_parse_message(message, procedure) for message in value["messages"])
    runs = value.get("runs")
    found = (parse_run(run, procedure) for run in (runs if isinstance(runs, list) else []))
    return ConversationDetails(
        wire=value,
        conversation=parse_conversation(value.get("conversation"), procedure),
        messages=tuple(sorted(messages, key=lambda message: message.sequence)),
        runs=tuple(sorted(found, key=lambda run: str(run.wire.get("createdAt") or ""))),
        datasets=tuple(_find_datasets(value)),
    )


def parse_started_run(value: Json, procedure: str) -> StartedRun:
    """Return the run that a costly call has started.

    Only run.create's answer was ever observed. The others are taken to be like it; one that is a run, or holds one
    under ``run``, is understood as well.
    """
    if isinstance(value, dict):
        run = value["run"] if isinstance(value.get("run"), dict) else value
        run_id = value.get("runId") or run.get("id")
        conversation = value.get("conversationId") or run.get("conversationId")
        if isinstance(run_id, str):
            return StartedRun(value, run_id, conversation if isinstance(conversation, str) else None)
    raise unreadable_response(procedure, "answered without a run's id")


def _parse_message(value: Json, procedure: str) -> Message:
    if not isinstance(value, dict) or not _is_number(value.get("sequence")):
        raise unreadable_response(procedure, "answered with a message that has no sequence")
    content = value.get("content")
    return Message(value["sequence"], str(value.get("role")), content if isinstance(content, str) else "")


def _find_datasets(value: Mapping[str, Any]) -> Iterator[Dataset]:
    """Find the trace datasets by their content, since their key is not documented."""
    for name, found in value.items():
        if name in {"conversation", "messages", "runs"}:
            continue
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, dict) and "windowStartAt" in each:
                yield Dataset(each)


def _has_id(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and bool(value["id"])


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
