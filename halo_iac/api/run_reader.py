"""The platform's queries about runs and conversations; apart from the reader of schedules, which a plan starts with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from halo_iac.api.answers import list_of
from halo_iac.api.caller import Caller, Json
from halo_iac.api.paging import LARGEST_PAGE, Cursor, Rows, pages, read_rows, up_to
from halo_iac.api.retry import Retry
from halo_iac.api.run_answers import details_of, run_of, thread_of
from halo_iac.model.run import ConversationDetails, Run, RunDetails

USUAL_ROWS: Final = 50
"""How many conversations or runs are shown where nobody says; the official client's default."""

_RUN: Final = "haloRun.getById"
_EVENTS: Final = "haloRun.getEvents"
_LOGS: Final = "haloRun.getLogs"
_SCHEDULE_RUNS: Final = "haloSchedule.listRuns"
_CONVERSATIONS: Final = "haloConversation.listForProject"
_DETAILS: Final = "haloConversation.getDetails"


class RunReader:
    """Reads runs and conversations; nothing here costs money or changes anything."""

    def __init__(self, caller: Caller, retry: Retry | None = None) -> None:
        self._caller = caller
        self._retry = retry or Retry()

    def run(self, run_id: str) -> RunDetails:
        """Return a run and its traces; ``Rejected`` with 404 if there is none."""
        return details_of(self._read(_RUN, {"id": run_id}), _RUN)

    def events_page(self, run_id: str, cursor: Cursor | None = None, limit: int = LARGEST_PAGE) -> Rows:
        """Return one page of a run's events as sent."""
        query = _with_cursor({"runId": run_id, "limit": limit}, cursor)
        return read_rows(self._read(_EVENTS, query), "events", _EVENTS)

    def events(self, run_id: str, limit: int = LARGEST_PAGE) -> Rows:
        """Return a run's first events as sent, cursors followed up to ``limit``."""
        size = min(limit, LARGEST_PAGE)
        return up_to(limit, pages(lambda cursor: self.events_page(run_id, cursor, size), _EVENTS))

    def logs(
        self, run_id: str, *, limit: int | None = None, offset: int | None = None, log_level: str | None = None
    ) -> Json:
        """Return a run's logs as sent: their shape was never observed."""
        wanted = {"limit": limit, "logLevel": log_level, "offset": offset}
        return self._read(_LOGS, {"runId": run_id, **_given(wanted)})

    def schedule_runs(self, schedule_id: str, limit: int = USUAL_ROWS) -> tuple[Run, ...]:
        """Return a schedule's most recent runs, as many as one answer holds."""
        answer = self._read(_SCHEDULE_RUNS, {"id": schedule_id, "limit": min(limit, LARGEST_PAGE)})
        return tuple(run_of(value, _SCHEDULE_RUNS) for value in list_of(answer, _SCHEDULE_RUNS))

    def conversations(
        self, project_id: str, *, limit: int | None = None, agent: str | None = None, schedule: str | None = None
    ) -> Rows:
        """Return conversations as sent, newest first, cursors followed up to ``limit``.

        ``agent`` is a UUID, ``schedule`` an id. Without a limit none is sent, and fifty are enough.
        """
        found = self.conversation_pages(project_id, agent=agent, schedule=schedule, page_size=limit)
        return up_to(limit or USUAL_ROWS, found)

    def conversation_pages(
        self, project_id: str, *, agent: str | None = None, schedule: str | None = None, page_size: int | None = None
    ) -> Iterator[Rows]:
        """Yield pages of conversations as sent, newest first, each asked for when it is wanted."""
        size = None if page_size is None else min(page_size, LARGEST_PAGE)
        query = {"projectId": project_id, **_given({"limit": size, "agentUuid": agent, "scheduleId": schedule})}

        def read_page(cursor: Cursor | None) -> Rows:
            return read_rows(self._read(_CONVERSATIONS, _with_cursor(query, cursor)), "conversations", _CONVERSATIONS)

        return pages(read_page, _CONVERSATIONS)

    def conversation(self, conversation_id: str) -> ConversationDetails:
        """Return a whole conversation; ``Rejected`` with 404 if there is none."""
        return thread_of(self._read(_DETAILS, {"id": conversation_id}), _DETAILS)

    def _read(self, procedure: str, query: dict[str, Any]) -> Json:
        return self._retry(lambda deadline: self._caller.call(procedure, "query", query, deadline=deadline))


def _with_cursor(query: dict[str, Any], cursor: Cursor | None) -> dict[str, Any]:
    return query if cursor is None else {**query, "cursor": cursor}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
