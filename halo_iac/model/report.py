"""A report: the first answer of a conversation, and where it comes from (docs/semantics.md#report)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from halo_iac.model.run import Conversation, ConversationDetails, Dataset, Run


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
