"""The outcomes of past fires: runs of the platform and pulled reports, joined by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from typing import Final, NamedTuple

from halo_iac.model.instants import utc_instant
from halo_iac.model.report_diff import ReportDiff
from halo_iac.model.runs import NO_TRACES, WITH_REPORT, Run
from halo_iac.model.stored_report import StoredReport

_STOPPED: Final = "cancelled"
"""The status of a run that a person ended, which says nothing about the next ones."""


class Outcome(StrEnum):
    """How a run ended, in the categories of the page."""

    REPORT = "report"
    FAILED = "failed"
    EMPTY = "no traces"
    STOPPED = "cancelled"
    UNDER_WAY = "under way"


class PageReport(NamedTuple):
    """A pulled report: its ``number`` on the page, from 1, and the differences from the schedule's previous one.

    ``diff`` is ``None`` without a previous report, or if one of the two is not on the page.
    """

    number: int
    report: StoredReport
    diff: ReportDiff | None = None


class PastRun(NamedTuple):
    """A run that was due at an instant, its status in the platform's word, and its report if that was pulled."""

    at: datetime
    outcome: Outcome
    status: str
    error: str | None = None
    report: PageReport | None = None


def past_runs(runs: Iterable[Run], reports: Sequence[PageReport]) -> tuple[PastRun, ...]:
    """Return the runs of a schedule, latest first; a report without a known run counts as a run."""
    by_id = {each.report.run or each.report.path: each for each in reports}
    by_conversation = {each.report.conversation: each for each in reports if each.report.conversation}
    found: list[PastRun] = []
    for run in runs:
        report = by_id.get(run.id) or by_conversation.get(run.conversation_id or "")
        at = utc_instant(run.creation_order[0]) or (report.report.at if report else None)
        if at is not None:
            found.append(PastRun(at, _outcome(run.status), run.status, run.error, report))
    joined = {each.report.number for each in found if each.report is not None}
    for each in reports:
        if each.number not in joined and each.report.at is not None:
            status = each.report.status or "completed"
            found.append(PastRun(each.report.at, Outcome.REPORT, status, None, each))
    return tuple(sorted(found, key=lambda run: run.at, reverse=True))


def failures_in_a_row(past: Sequence[PastRun]) -> Sequence[PastRun]:
    """Return the latest runs if they failed one after the other; runs in progress and cancelled ones are ignored."""
    over = [run for run in past if run.outcome not in {Outcome.UNDER_WAY, Outcome.STOPPED}]
    return [*takewhile(lambda run: run.outcome is Outcome.FAILED, over)]


def _outcome(status: str) -> Outcome:
    if status in WITH_REPORT:
        return Outcome.REPORT
    if status == NO_TRACES:
        return Outcome.EMPTY
    if status == _STOPPED:
        return Outcome.STOPPED
    return Outcome.FAILED if Run({"id": "", "status": status}).is_over else Outcome.UNDER_WAY
