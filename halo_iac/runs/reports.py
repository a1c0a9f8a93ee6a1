"""Fetches reports by any kind of id; raises ``NoReport`` if there is none (docs/semantics.md#report)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from halo_iac.api.pagination import MAX_PAGE_SIZE
from halo_iac.api.runs import RunReader
from halo_iac.errors import NoReport, PlatformError
from halo_iac.hints import LIST_AGENTS, Command, Hint
from halo_iac.model.runs import NO_TRACES, WITH_REPORT, ConversationDetails, Dataset, Report, Run

_FOLLOW_UP: Final = "follow_up"


def fetch(reader: RunReader, id_: str) -> Report:
    """Return the report of a run, a conversation or a schedule (its latest completed run), or raise ``NoReport``.

    Only the platform knows the kind of an id: each kind is requested until one exists.
    """
    kinds: Sequence[Callable[[RunReader, str], Report]] = (fetch_of_run, fetch_of_conversation, fetch_of_schedule)
    for kind in kinds:
        try:
            return kind(reader, id_)
        except PlatformError as error:
            if error.status != 404:
                raise
    advice = "run `{}` to see conversations, and `{}` to see the project and platform"
    raise NoReport(
        f"{id_} is not a run, conversation or schedule that this key can see",
        hint=Hint(advice, Command("report", "list"), Command("doctor")),
    )


def fetch_of_run(reader: RunReader, run_id: str) -> Report:
    """Return the report of the conversation that a run belongs to."""
    details = reader.run(run_id)
    if details.run.conversation_id is None:
        raise missing_report_reason(details.run, details.dataset)
    return fetch_of_conversation(reader, details.run.conversation_id)


def fetch_of_conversation(reader: RunReader, conversation_id: str) -> Report:
    """Return the first answer of a conversation."""
    thread = reader.conversation(conversation_id)
    run = _find_report_run(thread)
    if not thread.answers:
        raise _no_answer_error(reader, thread)
    dataset = _find_dataset(thread, run) or (reader.run(run.id).dataset if run is not None else None)
    return Report(thread.answers[0].content, thread, run, dataset)


def fetch_of_schedule(reader: RunReader, schedule_id: str, *, is_scheduled: bool = False) -> Report:
    """Return the report of a schedule's latest completed run; with ``is_scheduled`` of one that its cadence started."""
    runs = reader.schedule_runs(schedule_id, MAX_PAGE_SIZE)
    completed = [run for run in runs if run.is_completed]
    chosen = _latest(run for run in completed if run.is_scheduled or not is_scheduled)
    if chosen is not None:
        return _fetch_of_listed(reader, chosen)
    by_hand = _latest(completed)
    if by_hand is not None:
        advice = "run `{}` to print the report of the latest run fired by hand"
        raise NoReport(
            f"no scheduled run of schedule {schedule_id} has completed yet",
            hint=Hint(advice, Command("report", "get", by_hand.id)),
        )
    raise _no_report_error(schedule_id, _latest(runs))


def _latest(runs: Iterable[Run]) -> Run | None:
    return max(runs, key=lambda run: run.creation_order, default=None)


def _no_report_error(schedule_id: str, latest: Run | None) -> NoReport:
    """Return why a schedule without completed runs has no report, and what to do."""
    if latest is None:
        return NoReport(
            f"schedule {schedule_id} has no runs yet",
            hint=Hint("run `{}` to start one, which costs money", Command("schedule", "fire", schedule_id)),
        )
    message = f"schedule {schedule_id} has no completed run yet; its latest, {latest.id}, is {latest.status}"
    if not latest.is_over:
        return NoReport(message, hint=Hint("run `{}` to wait for it", Command("run", "poll", latest.id)))
    return NoReport(message, hint=Hint("run `{}` to list its runs", Command("schedule", "runs", schedule_id)))


def fetch_before(reader: RunReader, report: Report) -> Report:
    """Return the schedule's previous report; raises ``NoReport`` with the reason if there is none."""
    run = report.run
    if run is None or run.schedule_id is None:
        raise NoReport(
            f"the report of conversation {report.conversation.id} belongs to no schedule, so it has no earlier report",
            hint="name the report to compare it with as well",
        )
    earlier = _latest(
        each
        for each in reader.schedule_runs(run.schedule_id, MAX_PAGE_SIZE)
        if each.is_completed
        and each.creation_order < run.creation_order
        and each.conversation_id != report.conversation.id
    )
    if earlier is None:
        raise NoReport(
            f"schedule {run.schedule_id} has no completed run before {run.id}",
            hint=Hint("run `{}` to list its runs", Command("schedule", "runs", run.schedule_id)),
        )
    return _fetch_of_listed(reader, earlier)


def missing_report_reason(run: Run, dataset: Dataset | None, agent: str | None = None) -> NoReport:
    """Return why a run has no report, and what to do; ``agent`` is the agent's name."""
    if not run.is_over:
        message = f"run {run.id} has no report yet; it is {run.status}"
        return NoReport(message, hint=Hint("run `{}` to wait for it", Command("run", "poll", run.id)))
    if run.status == NO_TRACES:
        return _no_traces_error(run, dataset, agent)
    events = Command("run", "events", run.id)
    if run.status in WITH_REPORT:
        message = f"run {run.id} is {run.status}, but its conversation has no answer"
        return NoReport(message, hint=Hint("run `{}` to see what happened; the answer may still arrive", events))
    reason = f": {run.error}" if run.error else ""
    return NoReport(
        f"run {run.id} has no report; it ended as {run.status}{reason}",
        hint=Hint("run `{}` to see why, or `{}` to pay for another try", events, Command("run", "retry", run.id)),
    )


def _fetch_of_listed(reader: RunReader, run: Run) -> Report:
    if run.conversation_id is None:
        return fetch_of_run(reader, run.id)
    return fetch_of_conversation(reader, run.conversation_id)


def _no_traces_error(run: Run, dataset: Dataset | None, agent: str | None) -> NoReport:
    whose = agent or (dataset.agent_id if dataset is not None else None)
    start, end = dataset.window if dataset is not None else (None, None)
    where = f" between {start} and {end}" if start and end else " in its window"
    return NoReport(
        f"run {run.id} found no traces{f' of {whose}' if whose else ''}{where}",
        hint=Hint(
            "widen the window: --lookback-hours, an earlier --window-start-at, or lookback_hours in the project file; "
            "run `{}` to see which agents were seen",
            LIST_AGENTS,
        ),
    )


def _no_answer_error(reader: RunReader, thread: ConversationDetails) -> NoReport:
    run = _find_report_run(thread)
    if run is None:
        id_ = thread.conversation.id
        hint = Hint("run `{}` to check again", Command("conversation", "get", id_))
        return NoReport(f"conversation {id_} has no answer yet", hint=hint)
    dataset = _find_dataset(thread, run)
    if run.status == NO_TRACES and dataset is None:
        dataset = reader.run(run.id).dataset
    return missing_report_reason(run, dataset)


def _find_report_run(thread: ConversationDetails) -> Run | None:
    """Return the run that wrote the report, or the latest that could have."""
    writers = [run for run in thread.runs if run.wire.get("origin") != _FOLLOW_UP] or list(thread.runs)
    return next((run for run in writers if run.status in WITH_REPORT), writers[-1] if writers else None)


def _find_dataset(thread: ConversationDetails, run: Run | None) -> Dataset | None:
    named = run.wire.get("haloExportDatasetId") if run is not None else None
    only = thread.datasets[0] if len(thread.datasets) == 1 else None
    return next((dataset for dataset in thread.datasets if dataset.id == named), only)
