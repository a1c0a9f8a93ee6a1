"""Pull: the reports of many schedules, side by side, and only those that are not there yet.

See docs/semantics.md#pulled-reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from halo_iac.api.decode_runs import parse_conversation
from halo_iac.api.pagination import MAX_PAGE_SIZE
from halo_iac.api.runs import RunReader
from halo_iac.errors import NoReport, PlatformError
from halo_iac.model.runs import WITH_REPORT, Conversation, Report, Run
from halo_iac.runs.reports import fetch_of_conversation, missing_report_reason
from halo_iac.workers import Task, run_concurrently

_CONVERSATIONS: Final = "haloConversation.listForProject"


@dataclass(frozen=True, slots=True)
class PulledSchedule:
    """A schedule whose reports are pulled; ``key`` is its entry's."""

    key: str
    schedule_id: str


@dataclass(frozen=True, slots=True)
class PulledReport:
    """The result for one conversation: its report, why it has none, or why it could not be read.

    Without any of the three it existed already. ``conversation`` is ``None`` if a schedule's conversations could not be
    listed.
    """

    schedule: PulledSchedule
    conversation: Conversation | None
    report: Report | None = None
    absence: NoReport | None = None
    read_error: PlatformError | None = None


def pull(
    reader: RunReader,
    project_id: str,
    schedules: Sequence[PulledSchedule],
    has_report: Callable[[str], bool],
    *,
    since: str | None = None,
    at_once: int,
) -> Iterator[PulledReport]:
    """Yield every conversation of the schedules once, in no order, and read the missing reports.

    ``has_report`` returns whether the report of a conversation's id exists already. Conversations before the instant
    ``since``, as the platform writes it, are left out. What cannot be read is reported; an error after which nothing
    can succeed is raised.
    """
    pulling = _Pull(reader, project_id, has_report, since)
    yield from run_concurrently([Task(partial(pulling.list, each)) for each in schedules], at_once)


class _Pull:
    def __init__(
        self, reader: RunReader, project_id: str, has_report: Callable[[str], bool], since: str | None
    ) -> None:
        self._reader = reader
        self._project_id = project_id
        self._has_report = has_report
        self._since = since

    def list(self, schedule: PulledSchedule) -> Iterator[PulledReport | Task[PulledReport]]:
        """Go through a schedule's conversations, newest first, while others fetch what is missing."""
        without_report: dict[str, Run] | None = None
        try:
            for conversation in self._conversations(schedule.schedule_id):
                if self._has_report(conversation.id):
                    yield PulledReport(schedule, conversation)
                    continue
                if without_report is None:
                    without_report = self._runs_without_report(schedule.schedule_id)
                run = without_report.get(conversation.id)
                if run is not None and run.id == conversation.latest_run_id:
                    yield PulledReport(schedule, conversation, absence=missing_report_reason(run, None))
                else:
                    yield Task(partial(self.fetch, schedule, conversation))
        except PlatformError as error:
            if error.ends_the_run:
                raise
            yield PulledReport(schedule, None, read_error=error)

    def fetch(self, schedule: PulledSchedule, conversation: Conversation) -> Iterator[PulledReport]:
        try:
            yield PulledReport(schedule, conversation, fetch_of_conversation(self._reader, conversation.id))
        except NoReport as absence:
            yield PulledReport(schedule, conversation, absence=absence)
        except PlatformError as error:
            if error.ends_the_run:
                raise
            yield PulledReport(schedule, conversation, read_error=error)

    def _conversations(self, schedule_id: str) -> Iterator[Conversation]:
        """Yield each once: one that begins meanwhile comes first, and moves others to the next page again."""
        pages = self._reader.conversation_pages(self._project_id, schedule=schedule_id, page_size=MAX_PAGE_SIZE)
        seen: set[str] = set()
        for page in pages:
            found = [parse_conversation(row, _CONVERSATIONS) for row in page.rows]
            yield from (each for each in found if each.id not in seen and self._is_recent(each.created_at))
            seen.update(each.id for each in found)
            # Whether "newest first" goes by creation or by change is not documented: a page has to be old by both.
            if found and not any(
                self._is_recent(each.created_at) or self._is_recent(each.updated_at) for each in found
            ):
                return

    def _is_recent(self, instant: str | None) -> bool:
        return self._since is None or instant is None or instant >= self._since

    def _runs_without_report(self, schedule_id: str) -> dict[str, Run]:
        """Return the conversations whose only run has ended without a report, with that run.

        One request a schedule, instead of one for each of them in every pull to come.
        """
        runs = self._reader.schedule_runs(schedule_id, MAX_PAGE_SIZE)
        counts = Counter(run.conversation_id for run in runs)
        ended = [run for run in runs if run.is_over and run.status not in WITH_REPORT]
        return {run.conversation_id: run for run in ended if run.conversation_id and counts[run.conversation_id] == 1}
