"""Runs in progress: a table on a terminal, a line for each change in a pipe."""

from __future__ import annotations

import pytest

from halo_iac.cli.runs.progress import RunTable, format_snapshot
from halo_iac.errors import Delivery, Rejected
from halo_iac.model.runs import Run, RunDetails, RunEvent
from halo_iac.render.style import PLAIN, Style
from halo_iac.runs.polling import RunSnapshot

TROUBLE = Rejected("no", procedure="p", status=503, delivery=Delivery.AMBIGUOUS, is_transient=True)


def run_snapshot(
    run_id: str, status: str, *events: str, is_final: bool = False, is_troubled: bool = False
) -> RunSnapshot:
    details = RunDetails({}, Run({"id": run_id, "status": status}))
    run_events = tuple(RunEvent({"sequence": n, "eventType": kind}) for n, kind in enumerate(events))
    return RunSnapshot(run_id, details, run_events, TROUBLE if is_troubled else None, is_final=is_final)


@pytest.mark.parametrize(
    ("sighting", "line"),
    [
        (run_snapshot("r-1", "running"), "checkout  running  r-1"),
        (run_snapshot("r-1", "dreaming\x1b[2J"), "checkout  dreaming␛[2J  r-1"),
        (run_snapshot("r-1", "completed", is_final=True), "checkout  completed  r-1"),
        (run_snapshot("r-1", "running", is_troubled=True), "checkout  running  r-1  (p (HTTP 503): no; retrying)"),
        (run_snapshot("r-1", "running", is_troubled=True, is_final=True), "checkout  running  r-1  (p (HTTP 503): no)"),
        (
            run_snapshot("r-1", "running", is_final=True),
            "checkout  running  r-1  (timed out waiting; the run continues)",
        ),
        (RunSnapshot("r-1", read_error=TROUBLE), "checkout  unknown  r-1  (p (HTTP 503): no; retrying)"),
    ],
)
def test_a_snapshot_of_a_run_is_one_line(sighting: RunSnapshot, line: str) -> None:
    assert format_snapshot(sighting, "checkout", PLAIN) == line


def test_the_table_shows_status_elapsed_time_and_the_latest_event() -> None:
    now = [0.0]
    board = RunTable({"r-1": "checkout", "r-2": "bot", "r-3": "new"}, PLAIN, lambda: now[0])
    board.show(run_snapshot("r-1", "running", "run.started", "analysis.progress"))
    board.show(run_snapshot("r-2", "queued", is_troubled=True))
    now[0] = 75.4
    assert board.lines(9, 80) == [
        "checkout  running           1:15  analysis.progress",
        "bot       queued            1:15  cannot be read, retrying",
        "new       started           1:15",
    ]


def test_ended_runs_leave_the_table_and_those_that_do_not_fit_are_counted() -> None:
    board = RunTable({f"r-{n}": f"agent-{n}" for n in range(6)}, Style(unicode=False), lambda: 0.0)
    board.show(run_snapshot("r-0", "completed", is_final=True))
    lines = board.lines(3, 20)
    assert (lines[0][:10], lines[2], max(map(len, lines))) == ("agent-1  s", "... and 3 more", 20)
