"""Events folded into a summary and an exit code (docs/semantics.md#outcomes)."""

from __future__ import annotations

import pytest
from apply_harness import create

from halo_iac.model.apply_result import Event, Status, Summary, summarize

DONE, ALREADY, FAILED, CONFLICT = Status.DONE, Status.ALREADY, Status.FAILED, Status.CONFLICT
UNKNOWN, NOT_STARTED = Status.UNKNOWN, Status.NOT_STARTED
A, B = create("A"), create("B")


def summary_of(*statuses: Status, is_interrupted: bool = False) -> Summary:
    return Summary(tuple(Event(A, status) for status in statuses), is_interrupted)


@pytest.mark.parametrize(
    ("summary", "exit_code"),
    [
        (summary_of(), 0),
        (summary_of(DONE, ALREADY), 0),
        (summary_of(ALREADY), 0),
        (summary_of(FAILED), 1),
        (summary_of(CONFLICT), 1),
        (summary_of(NOT_STARTED), 1),
        (summary_of(ALREADY, FAILED), 1),
        (summary_of(DONE, FAILED), 4),
        (summary_of(DONE, CONFLICT), 4),
        (summary_of(DONE, NOT_STARTED), 4),
        (summary_of(DONE, FAILED, UNKNOWN), 5),
        (summary_of(UNKNOWN), 5),
        (summary_of(is_interrupted=True), 130),
        (summary_of(DONE, is_interrupted=True), 130),
        (summary_of(UNKNOWN, FAILED, is_interrupted=True), 130),
        (Summary((Event(A, FAILED, is_partial=True),)), 4),
        (Summary((Event(A, CONFLICT, is_partial=True),)), 4),
    ],
)
def test_the_most_serious_exit_code_wins(summary: Summary, exit_code: int) -> None:
    assert summary.exit_code == exit_code


def test_a_summary_has_the_last_event_of_each_change_in_the_order_of_the_plan() -> None:
    events = [
        Event(B, Status.STARTED),
        Event(A, Status.STARTED),
        Event(A, Status.RETRYING),
        Event(A, DONE, "s1"),
        Event(B, FAILED, message="no"),
        Event(A, CONFLICT, "s1", "a twin"),
    ]
    summary = summarize([A, B], events)
    assert summary == Summary((Event(A, CONFLICT, "s1", "a twin"), Event(B, FAILED, message="no")))


def test_equal_changes_are_distinguished() -> None:
    first, second = create("A"), create("A")
    summary = summarize([first, second], [Event(second, DONE)])
    assert [event.status for event in summary.events] == [NOT_STARTED, DONE]


def test_a_change_without_an_event_was_not_started() -> None:
    assert summarize([A], []) == Summary((Event(A, NOT_STARTED),))


@pytest.mark.parametrize("status", [Status.STARTED, Status.RETRYING])
def test_a_change_that_started_and_did_not_end_is_unknown(status: Status) -> None:
    summary = summarize([A], [Event(A, status, "s1")], is_interrupted=True)
    message, hint = "it was in progress when the run was interrupted", "run `halo plan` in a minute to see the result"
    assert summary == Summary((Event(A, UNKNOWN, "s1", message, hint),), is_interrupted=True)


def test_with_status_selects_events_in_the_order_of_the_plan() -> None:
    summary = summary_of(DONE, FAILED, ALREADY, DONE)
    assert [event.status for event in summary.with_status(DONE, ALREADY)] == [DONE, ALREADY, DONE]


def test_started_and_retrying_are_no_final_statuses() -> None:
    assert [status for status in Status if not status.is_final] == [Status.STARTED, Status.RETRYING]


@pytest.mark.parametrize(
    ("summary", "has_written"),
    [
        (summary_of(ALREADY, FAILED), False),
        (summary_of(DONE), True),
        (Summary((Event(A, FAILED, is_partial=True),)), True),
    ],
)
def test_a_summary_knows_whether_anything_was_written(summary: Summary, has_written: bool) -> None:
    assert summary.has_written is has_written
