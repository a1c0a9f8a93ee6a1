"""Results of the platform, checked as far as we rely on them.

See docs/protocol.md#fields and docs/security.md#unreadable-schedules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from halo_iac.api.trpc import Json
from halo_iac.errors import Delivery, Unreadable
from halo_iac.model.ids import canonical_id
from halo_iac.model.remote import Agent, ModelCatalog, RemoteSchedule
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

_IDS: Final = ("id", "projectId", "agentUuid")


def unreadable_response(procedure: str, reason: str) -> Unreadable:
    """Return the error for a tRPC result that is not what docs/protocol.md says."""
    return Unreadable(
        reason,
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        status=200,
        is_transient=True,
        hint="Try a newer version of halo, which may understand the answer; `halo --version` shows yours.",
    )


def parse_schedule(value: Json, procedure: str, expected_id: str | None = None) -> RemoteSchedule:
    """Return the schedule in a result; one without id or title, or with another id than asked for, is unreadable."""
    if not isinstance(value, dict):
        raise unreadable_response(procedure, "answered without a schedule")
    for name in ("id", "title"):
        if not isinstance(value.get(name), str) or (name == "id" and not value["id"]):
            raise unreadable_response(procedure, f"answered with a schedule that has no {name}")
    if expected_id is not None and value["id"].casefold() != expected_id.casefold():
        raise unreadable_response(procedure, "answered with a different schedule from the one requested")
    return RemoteSchedule(_with_canonical_ids(value))


def parse_models(values: Iterable[Json]) -> ModelCatalog:
    """Return the models of a list, whose form is not documented: of one that cannot be read nothing is concluded."""
    names: dict[str, str] = {}
    for value in values:
        model = value if isinstance(value, dict) else {"id": value}
        if not isinstance(model.get("id"), str):
            return ModelCatalog({}, "halo cannot read the platform's list of models")
        names[model["id"]] = str(model.get("name", ""))
    return ModelCatalog(names, None if names else "the platform's list of models is empty")


def _with_canonical_ids(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schedule whose ids compare: all but a platform that writes them in capital letters have it as it is."""
    canonical = {
        name: small for name in _IDS if isinstance(id_ := wire.get(name), str) and (small := canonical_id(id_)) != id_
    }
    return {**wire, **canonical} if canonical else wire


def parse_agent(value: Json, procedure: str) -> Agent:
    """Return the agent in a result; one without id is unreadable, everything else about it may be missing."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise unreadable_response(procedure, "answered with an agent that has no id")
    stats = value.get("stats")
    executions = stats.get("executionCount") if isinstance(stats, dict) else None
    return Agent(
        id=canonical_id(value["id"]),
        identity=_text(value, "identityValue"),
        source=_text(value, "identitySource"),
        executions=executions if isinstance(executions, int) and not isinstance(executions, bool) else None,
    )


def parse_list(value: Json, procedure: str) -> list[Any]:
    """Return the list a result has to be."""
    if not isinstance(value, list):
        raise unreadable_response(procedure, "answered without a list")
    return value


def _text(value: Mapping[str, Any], name: str) -> str | None:
    text = value.get(name)
    return text if isinstance(text, str) else None


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
    """Return one event; one without a number cannot be told from the others."""
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
    messages = (_message_of(message, procedure) for message in value["messages"])
    runs = value.get("runs")
    found = (parse_run(run, procedure) for run in (runs if isinstance(runs, list) else []))
    return ConversationDetails(
        wire=value,
        conversation=parse_conversation(value.get("conversation"), procedure),
        messages=tuple(sorted(messages, key=lambda message: message.sequence)),
        runs=tuple(sorted(found, key=lambda run: str(run.wire.get("createdAt") or ""))),
        datasets=tuple(_datasets_in(value)),
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


def _message_of(value: Json, procedure: str) -> Message:
    if not isinstance(value, dict) or not _is_number(value.get("sequence")):
        raise unreadable_response(procedure, "answered with a message that has no sequence")
    content = value.get("content")
    return Message(value["sequence"], str(value.get("role")), content if isinstance(content, str) else "")


def _datasets_in(value: Mapping[str, Any]) -> Iterator[Dataset]:
    """Find the trace datasets by what they hold: under which name they come is not documented."""
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
