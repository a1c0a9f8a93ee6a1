"""The platform's queries about runs and conversations; separate from schedules, since a plan reads no runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from halo_iac.api.decode import parse_list
from halo_iac.api.decode_runs import parse_run, parse_run_details, parse_started_run, parse_thread
from halo_iac.api.pagination import MAX_PAGE_SIZE, Cursor, Page, read_pages, read_rows, read_rows_up_to
from halo_iac.api.retry import Retry
from halo_iac.api.trpc import Json, RpcClient, without_none
from halo_iac.errors import PlatformError
from halo_iac.model.instants import format_instant
from halo_iac.model.runs import ConversationDetails, Run, RunDetails, RunRequest, StartedRun

DEFAULT_ROWS: Final = 50
"""How many conversations or runs are shown by default, as by the official client."""

_RUN: Final = "haloRun.getById"
_EVENTS: Final = "haloRun.getEvents"
_LOGS: Final = "haloRun.getLogs"
_SCHEDULE_RUNS: Final = "haloSchedule.listRuns"
_CONVERSATIONS: Final = "haloConversation.listForProject"
_DETAILS: Final = "haloConversation.getDetails"


class RunReader:
    """Reads runs and conversations; nothing here costs money or changes anything."""

    def __init__(self, caller: RpcClient, retry: Retry | None = None) -> None:
        self._caller = caller
        self._retry = retry or Retry()

    def run(self, run_id: str) -> RunDetails:
        """Return a run and its traces; ``Rejected`` with 404 if there is none."""
        return parse_run_details(self._read(_RUN, {"id": run_id}), _RUN)

    def events_page(self, run_id: str, cursor: Cursor | None = None, limit: int = MAX_PAGE_SIZE) -> Page:
        """Return one page of a run's events as sent."""
        query = _with_cursor({"runId": run_id, "limit": limit}, cursor)
        return read_rows(self._read(_EVENTS, query), "events", _EVENTS)

    def events(self, run_id: str, limit: int = MAX_PAGE_SIZE) -> Page:
        """Return a run's first events as sent, cursors followed up to ``limit``."""
        size = min(limit, MAX_PAGE_SIZE)
        return read_rows_up_to(limit, read_pages(lambda cursor: self.events_page(run_id, cursor, size), _EVENTS))

    def logs(
        self, run_id: str, *, limit: int | None = None, offset: int | None = None, log_level: str | None = None
    ) -> Json:
        """Return a run's logs as sent: their shape was never observed."""
        return self._read(_LOGS, {"runId": run_id} | without_none(limit=limit, logLevel=log_level, offset=offset))

    def schedule_runs(self, schedule_id: str, limit: int = DEFAULT_ROWS) -> tuple[Run, ...]:
        """Return a schedule's most recent runs: ``limit``, or the largest page where the platform refuses so many."""
        try:
            answer = self._read(_SCHEDULE_RUNS, {"id": schedule_id, "limit": limit})
        except PlatformError as error:
            if error.status != 400 or limit <= MAX_PAGE_SIZE:
                raise
            answer = self._read(_SCHEDULE_RUNS, {"id": schedule_id, "limit": MAX_PAGE_SIZE})
        return tuple(parse_run(value, _SCHEDULE_RUNS) for value in parse_list(answer, _SCHEDULE_RUNS))

    def conversations(
        self, project_id: str, *, limit: int | None = None, agent: str | None = None, schedule: str | None = None
    ) -> Page:
        """Return conversations as sent, newest first, cursors followed up to ``limit``.

        ``agent`` is a UUID, ``schedule`` an id. Without a limit none is sent, and fifty are returned.
        """
        found = self.conversation_pages(project_id, agent=agent, schedule=schedule, page_size=limit)
        return read_rows_up_to(limit or DEFAULT_ROWS, found)

    def conversation_pages(
        self, project_id: str, *, agent: str | None = None, schedule: str | None = None, page_size: int | None = None
    ) -> Iterator[Page]:
        """Yield pages of conversations as sent, newest first, each requested when it is needed."""

        def read_page(cursor: Cursor | None) -> Page:
            return self.conversations_page(project_id, cursor, agent=agent, schedule=schedule, page_size=page_size)

        return read_pages(read_page, _CONVERSATIONS)

    def conversations_page(
        self,
        project_id: str,
        cursor: Cursor | None = None,
        *,
        agent: str | None = None,
        schedule: str | None = None,
        page_size: int | None = None,
    ) -> Page:
        """Return one page of conversations as sent, newest first."""
        size = None if page_size is None else min(page_size, MAX_PAGE_SIZE)
        query = {"projectId": project_id} | without_none(limit=size, agentUuid=agent, scheduleId=schedule)
        return read_rows(self._read(_CONVERSATIONS, _with_cursor(query, cursor)), "conversations", _CONVERSATIONS)

    def conversation(self, conversation_id: str) -> ConversationDetails:
        """Return a whole conversation; ``Rejected`` with 404 if there is none."""
        return parse_thread(self._read(_DETAILS, {"id": conversation_id}), _DETAILS)

    def _read(self, procedure: str, query: dict[str, Any]) -> Json:
        return self._retry(lambda deadline: self._caller.call(procedure, "query", query, deadline=deadline))


def _with_cursor(query: dict[str, Any], cursor: Cursor | None) -> dict[str, Any]:
    return query if cursor is None else {**query, "cursor": cursor}


CREATE: Final = "haloRun.create"
RETRY: Final = "haloRun.retry"
FOLLOW_UP: Final = "haloRun.createFollowUp"
FIRE: Final = "haloSchedule.fireNow"
_CANCEL: Final = "haloRun.cancel"

CANCEL_REASON: Final = "user-cancelled"
"""The reason that the official client gives by default."""

_OPTIONAL: Final = {
    "summarizationModelId": "summarization_model_id",
    "spanLimit": "span_limit",
    "maxSubagentDepth": "max_subagent_depth",
    "maxTurns": "max_turns",
    "reasoningEffort": "reasoning_effort",
}


def run_input(project_id: str, request: RunRequest) -> dict[str, Any]:
    """Return the input that starts a run, as the official client sends it: limits only if they are given."""
    return {
        "projectId": project_id,
        "agentUuid": request.agent,
        "prompt": request.prompt,
        "windowStartAt": format_instant(request.window.start),
        "windowEndAt": format_instant(request.window.end),
        "modelId": request.model_id,
        "subagentModelId": request.subagent_model_id,
        "debug": request.debug,
        **without_none(**{name: getattr(request, field) for name, field in _OPTIONAL.items()}),
    }


class RunWriter:
    """Starts and cancels runs, one attempt each: a call that starts a run must never be repeated blindly.

    See docs/semantics.md#costly-calls.
    """

    def __init__(self, caller: RpcClient) -> None:
        self._caller = caller

    def create(self, project_id: str, request: RunRequest) -> StartedRun:
        """Start a one-off run; costs money."""
        return self._start(CREATE, run_input(project_id, request))

    def retry(self, run_id: str) -> StartedRun:
        """Start a failed run again; costs money."""
        return self._start(RETRY, {"id": run_id})

    def follow_up(self, conversation_id: str, prompt: str) -> StartedRun:
        """Ask a question about a report; costs money."""
        return self._start(FOLLOW_UP, {"conversationId": conversation_id, "prompt": prompt})

    def fire(self, schedule_id: str, start: str, end: str) -> StartedRun:
        """Fire a schedule now over a window of two ISO 8601 instants, which are sent as they are; costs money."""
        return self._start(FIRE, {"id": schedule_id, "windowStartAt": start, "windowEndAt": end})

    def cancel(self, run_id: str, reason: str = CANCEL_REASON) -> Json:
        """Ask for a run to be cancelled, and return the answer as sent; harmless when repeated."""
        return self._caller.call(_CANCEL, "mutation", {"id": run_id, "reason": reason})

    def _start(self, procedure: str, fields: dict[str, Any]) -> StartedRun:
        return parse_started_run(self._caller.call(procedure, "mutation", fields), procedure)
