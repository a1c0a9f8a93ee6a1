"""Two hundred changes, ended at any call by a signal, or made by two at once: nothing is doubled, the next converges.

``HALO_SOAK=1`` (``make soak``) ends them at every tenth call, otherwise at a few.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
from bulk_project import CALLS, DONE, GONE, NEW, active, bulk_document, bulk_schedules, start_apply, write_document
from conftest import IS_SOAK
from forked import HaloProcess
from sandbox_calls import PROJECT

from halo_iac.sandbox.faults import ChangeBetween, Cut, Fault, Pass
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks another process to stop")

LIST = "haloSchedule.listForProject"
EVERY_TENTH = range(10, CALLS + 1, 10)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
ENDINGS = [*product(SIGNALS, EVERY_TENTH)] if IS_SOAK else [*zip(cycle(SIGNALS), EVERY_TENTH[3::6], strict=False)]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.open(None) as sandbox:
        sandbox.seed(PROJECT, bulk_schedules())
        yield sandbox


@pytest.fixture
def url(sandbox: Sandbox) -> Iterator[str]:
    with serve(sandbox) as server:
        yield server.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    write_document(tmp_path, bulk_document())
    return tmp_path


def wait_for_end(process: HaloProcess) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code, and the reported outcome of every change."""
    out, err = process.communicate(timeout=120)
    summary = json.loads(out)["summary"] if out else None
    assert "Traceback" not in err
    return process.returncode, summary["outcomes"] if summary else []


def test_the_bulk_project_takes_the_expected_number_of_calls(sandbox: Sandbox, url: str, folder: Path) -> None:
    code, outcomes = wait_for_end(start_apply(url, folder))
    assert (code, {each["status"] for each in outcomes}, len(outcomes)) == (0, {"done"}, 200)
    assert (len(sandbox.requests), active(sandbox)) == (CALLS, DONE)


@pytest.mark.parametrize(("number", "call"), ENDINGS, ids=[f"{number.name}-{call}" for number, call in ENDINGS])
def test_a_run_that_a_signal_ends_is_taken_up_by_the_next(
    sandbox: Sandbox, url: str, folder: Path, number: signal.Signals, call: int
) -> None:
    """The signal comes while the call is under way; every other time the platform never gets to see the call."""
    processes: list[HaloProcess] = []
    is_lost = call % 20 == 0
    sandbox.faults.add(
        Fault("*", Pass(), times=call - 1),
        Fault("*", ChangeBetween(lambda: processes[0].send_signal(number))),
        Fault("*", Cut() if is_lost else Pass()),
    )
    processes.append(start_apply(url, folder))
    code, outcomes = wait_for_end(processes[0])
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 130)
    check_outcomes(outcomes, sandbox)
    assert all(len(hours) == 1 for hours in active(sandbox).values())

    assert wait_for_end(start_apply(url, folder))[0] == 0
    assert active(sandbox) == DONE
    assert len(sandbox.schedules()) == 60 + 140


def check_outcomes(outcomes: list[dict[str, Any]], sandbox: Sandbox) -> None:
    """Compare the outcomes with the platform: all that is reported done is in effect, nothing not started is."""
    claims = {"done": True, "already": True, "not started": False}
    by_id = {wire["id"]: wire for wire in sandbox.schedules()}
    for outcome in outcomes:
        if outcome["status"] in claims:
            assert is_in_effect(outcome, by_id.get(outcome["id"])) == claims[outcome["status"]], outcome


def is_in_effect(outcome: dict[str, Any], wire: dict[str, Any] | None) -> bool:
    if wire is None:
        return False
    if outcome["action"] == "archive":
        return wire["archivedAt"] is not None
    return (wire["archivedAt"], wire["title"], wire["hours"]) == (None, outcome["title"], [9])


# Two at once --------------------------------------------------------------------------------------------------------


def conflicts(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in outcomes if each["status"] == "conflict"]


def test_two_applies_of_one_file_leave_one_of_each(sandbox: Sandbox, url: str, folder: Path) -> None:
    """Both have listed the schedules, and found nothing new, before either creates: the worst moment there is."""
    both = threading.Barrier(2, timeout=60)
    sandbox.faults.add(Fault(LIST, ChangeBetween(both.wait), times=4, when="after"))
    processes = [start_apply(url, folder) for _ in range(2)]
    ends = [wait_for_end(process) for process in processes]
    assert {title: hours for title, hours in active(sandbox).items() if title not in GONE} == DONE

    made = [wire for wire in sandbox.schedules() if wire["title"] in NEW]
    retired = {wire["id"]: wire["title"] for wire in made if wire["archivedAt"] is not None}
    conflicting = [each for _, outcomes in ends for each in conflicts(outcomes)]
    assert {each["id"]: each["title"] for each in conflicting} == retired
    assert len(conflicting) == len(retired) > 0
    for each in conflicting:
        first = next(wire["id"] for wire in made if wire["title"] == each["title"] and wire["archivedAt"] is None)
        assert (
            each["message"]
            == f"another run created {first} with this title first; this run's, {each['id']}, was archived"
        )
    assert [code for code, _ in ends] == [4 if conflicts(outcomes) else 0 for _, outcomes in ends]
    for _, outcomes in ends:
        check_outcomes([each for each in outcomes if each["status"] in {"done", "already"}], sandbox)

    code, _ = wait_for_end(start_apply(url, folder))
    assert (code, active(sandbox)) == (0, DONE)


def test_two_files_with_scopes_of_their_own_do_not_meet(sandbox: Sandbox, url: str, folder: Path) -> None:
    """Each archives what its own file does not declare, and nothing of the other's."""
    for team in ("A: ", "B: "):
        sandbox.seed(PROJECT, bulk_schedules(team))
        write_document(folder, bulk_document(team), f"{team[0]}.yaml")
    untouched = active(sandbox)
    both = threading.Barrier(2, timeout=60)
    sandbox.faults.add(Fault(LIST, ChangeBetween(both.wait), times=4, when="after"))
    processes = [start_apply(url, folder, "--file", f"{team}.yaml") for team in "AB"]
    for process in processes:
        code, outcomes = wait_for_end(process)
        assert (code, {each["status"] for each in outcomes}, len(outcomes)) == (0, {"done"}, 200)
    theirs = {title: hours for title, hours in untouched.items() if title[:3] not in {"A: ", "B: "}}
    assert active(sandbox) == {
        **theirs,
        **{f"{team}: {title}": hours for team in "AB" for title, hours in DONE.items()},
    }
