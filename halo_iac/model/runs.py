"""Runs, conversations and messages, in the platform's own format (docs/protocol.md#fields, docs/semantics.md#report).

Each is the plain mapping it arrived as, seen through properties: what the platform left out is ``None``, what it adds
tomorrow is kept in ``wire`` for ``--json``, and a status it invents counts as in flight and is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from halo_iac.model.wire_field import WireField, read_text

TERMINAL: Final = frozenset(
    {"completed", "incomplete", "failed", "export_failed", "cancelled", "timed_out", "no_traces"}
)
"""The statuses after which nothing more happens; every other one, unknown ones too, is in flight.

See docs/protocol.md#run-status.
"""

COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"
NO_TRACES: Final = "no_traces"

WITH_REPORT: Final = frozenset({COMPLETED, INCOMPLETE})
"""The terminal statuses that may have left a report behind."""

LOOKBACK_HOURS: Final = 24
"""The default length of a one-off run's window."""

PROMPT: Final = (
    "Analyze the traces in this window. Understand the agent's activity and identify anomalies, errors, "
    "inefficiencies, and opportunities to improve reliability, latency, cost, and tool usage. Highlight the top "
    "recurring failures, notable tool-call patterns, wasted or redundant work, slow or high-cost paths, and concrete "
    "fixes you'd recommend. Cite specific trace IDs for every key finding."
)
"""The default prompt of a one-off run, which is that of the official client."""

ASSISTANT: Final = "assistant"


@dataclass(frozen=True, slots=True)
class Run:
    """One run; ``wire`` always has a string ``id``."""

    wire: Mapping[str, Any]

    id = WireField("id", str)
    conversation_id = WireField("conversationId", read_text)
    """The conversation its report goes to."""
    schedule_id = WireField("scheduleId", read_text)
    """The schedule that started it; ``None`` for a one-off run."""
    status = WireField("status", lambda value: read_text(value) or "unknown")
    """The platform's word for its status."""
    is_scheduled = WireField("origin", lambda value: value == "scheduled")
    """Whether a cadence started it."""
    error = WireField("errorMessage", read_text)
    """The platform's reason where it failed."""
    model_id = WireField("modelId", read_text)
    """The analysis model."""

    @property
    def is_over(self) -> bool:
        """Return whether nothing more will happen."""
        return self.status in TERMINAL

    @property
    def is_completed(self) -> bool:
        """Return whether it ended with a whole report."""
        return self.status == COMPLETED

    @property
    def creation_order(self) -> tuple[str, str]:
        """Return a sort key from the oldest run to the latest: when it was due or made, then the id."""
        due = read_text(self.wire.get("scheduledForAt"))
        return (due or read_text(self.wire.get("createdAt")) or "", self.id)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The traces a run was given."""

    wire: Mapping[str, Any]

    id = WireField("id", read_text)
    agent_id = WireField("agentUuid", read_text)
    """The UUID of the agent whose traces they are."""

    @property
    def window(self) -> tuple[str | None, str | None]:
        """Return when the traces begin and end, as the platform writes instants."""
        return (read_text(self.wire.get("windowStartAt")), read_text(self.wire.get("windowEndAt")))


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run and its traces; ``wire`` is the whole answer."""

    wire: Mapping[str, Any]
    run: Run
    dataset: Dataset | None = None


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One step in the life of a run."""

    wire: Mapping[str, Any]

    @property
    def sequence(self) -> int:
        """Return its number, rising within a run."""
        return int(self.wire["sequence"])

    kind = WireField("eventType", lambda value: read_text(value) or "unknown")
    """The platform's word for what happened."""
    created_at = WireField("createdAt", lambda value: read_text(value) or "")
    """When it happened."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread of runs: the first one's report, then answers to follow-ups; ``wire`` always has a string ``id``."""

    wire: Mapping[str, Any]

    id = WireField("id", str)
    title = WireField("title", lambda value: read_text(value) or "")
    """Its title; empty where it has none."""
    latest_run_id = WireField("latestRunId", read_text)
    """The run that came last."""
    agent_id = WireField("agentUuid", read_text)
    """The UUID of the agent that it is about, if the platform returns it."""
    schedule_id = WireField("scheduleId", read_text)
    """The schedule that started it, if the platform returns it."""
    created_at = WireField("createdAt", read_text)
    """When it began."""
    updated_at = WireField("updatedAt", read_text)
    """When anything last happened in it."""

    @property
    def latest_run(self) -> Run | None:
        """Return the run that came last where the platform lists it with the conversation."""
        run = self.wire.get("latestRun")
        return Run(run) if isinstance(run, Mapping) and isinstance(run.get("id"), str) else None


@dataclass(frozen=True, slots=True)
class Message:
    """What a person asked or the platform answered; ``content`` is markdown, exactly as the platform holds it."""

    sequence: int
    role: str
    content: str

    @property
    def is_answer(self) -> bool:
        """Return whether the platform wrote it."""
        return self.role == ASSISTANT


@dataclass(frozen=True, slots=True)
class ConversationDetails:
    """A whole thread, messages and runs from first to last; ``wire`` is the answer itself."""

    wire: Mapping[str, Any]
    conversation: Conversation
    messages: tuple[Message, ...]
    runs: tuple[Run, ...]
    datasets: tuple[Dataset, ...] = ()

    @property
    def answers(self) -> tuple[Message, ...]:
        """Return what the platform wrote: the report, then the answers to follow-ups."""
        return tuple(message for message in self.messages if message.is_answer and message.content)


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that was started; ``wire`` is the platform's answer."""

    wire: Mapping[str, Any]
    run_id: str
    conversation_id: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """Which traces a run reads: from ``start`` until ``end``, both with a zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a one-off run is asked to do (docs/semantics.md#one-off-runs).

    ``None`` leaves a value to the platform, which is then not sent. ``name`` is what people call the agent, ``agent``
    its UUID.
    """

    agent: str
    prompt: str
    window: Window
    name: str
    model_id: str | None = None
    subagent_model_id: str | None = None
    summarization_model_id: str | None = None
    span_limit: int | None = None
    max_subagent_depth: int | None = None
    max_turns: int | None = None
    reasoning_effort: str | None = None
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the platform holds it; ``run`` and ``dataset`` are those it was written from, as far as known."""

    markdown: str
    thread: ConversationDetails
    run: Run | None = None
    dataset: Dataset | None = None

    @property
    def conversation(self) -> Conversation:
        """Return the conversation it began."""
        return self.thread.conversation

    def facts(self) -> Mapping[str, Any]:
        """Return where it comes from, in the platform's own field names."""
        run = self.run.wire if self.run is not None else {}
        traces = self.dataset.wire if self.dataset is not None else run
        return {
            "runId": run.get("id"),
            "conversationId": self.conversation.id,
            "title": self.conversation.title,
            "scheduleId": run.get("scheduleId"),
            "agentUuid": traces.get("agentUuid"),
            "windowStartAt": traces.get("windowStartAt"),
            "windowEndAt": traces.get("windowEndAt"),
            "modelId": run.get("modelId"),
            "status": run.get("status"),
        }
