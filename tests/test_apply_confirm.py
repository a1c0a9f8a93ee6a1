"""A create counts as done only once the platform lists the schedule as it was sent.

See docs/semantics.md#creates.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apply_harness import CREATE, LIST, READ, Harness, Run, create, plan_of
from command_line import CommandLine
from receipts import RecordedWrites
from sandbox_calls import DAILY, PROJECT
from sandbox_server import serve_sandbox

from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.apply import apply
from halo_iac.model.apply_result import summarize
from halo_iac.sandbox.faults import ChangeBetween, Cut, Effect, Pass, PatchResponse, Refuse, Reply

ELSEWHERE = "5a4db0c5-0000-4000-8000-00000000dead"
HIDDEN = PatchResponse(
    lambda page: {**page, "schedules": [each for each in page["schedules"] if each["title"] != "Review"]}
)


def patched_with(**fields: object) -> PatchResponse:
    return PatchResponse(lambda wire: {**wire, **fields})


def hide_from_listings(harness: Harness, times: int | None) -> None:
    """Leave what is made out of so many of the lists that are read after it was."""
    harness.fault(LIST, Pass())
    harness.fault(LIST, HIDDEN, times=times)


def answer_without_keeping(harness: Harness, **fields: object) -> None:
    wire = {**DAILY, "id": "s9", "title": "Review", "maxSubagentDepth": 3, "maxTurns": 50, "enabled": True, **fields}
    body = json.dumps({"result": {"data": {**wire, "archivedAt": None}}}).encode()
    harness.fault(CREATE, Reply(200, body))


def status_message_code(run: Run) -> tuple[list[str], str, int]:
    return run.statuses, run.message, run.exit_code


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_create_that_is_listed_late_is_waited_for(harness: Harness, times: int) -> None:
    hide_from_listings(harness, times)
    run = harness.run(create("Review"))
    assert status_message_code(run) == (["done"], "", 0)
    assert run.event_lines == ["Review started", "Review done", "Review retrying", "Review done"]
    assert run.requests == [LIST, CREATE, *[LIST] * (times + 1)]


def test_creates_that_are_listed_at_once_cost_one_request(harness: Harness) -> None:
    run = harness.run(*(create(title) for title in "ABC"))
    assert run.requests == [LIST, *[CREATE] * 3, LIST]


def test_creates_are_looked_for_at_once_and_after_two_eight_and_twenty_seconds(harness: Harness) -> None:
    waits: list[float] = []
    harness.stop_signal.pause = waits.append  # type: ignore[method-assign]
    hide_from_listings(harness, None)
    change = create("Review")
    events = list(
        apply(
            plan_of(change),
            Reader(harness.transport, Retry(attempts=1)),
            Writer(harness.transport),
            stop_signal=harness.stop_signal,
            concurrency=8,
            retry=Retry(stop=harness.stop_signal.interrupted),
            check_after=(2.0, 8.0, 20.0),
        )
    )
    assert (waits, summarize([change], events).exit_code) == ([2.0, 6.0, 12.0], 0)


def test_a_create_that_exists_but_is_never_listed_is_done_with_a_warning(harness: Harness) -> None:
    hide_from_listings(harness, None)
    run = harness.run(create("Review"))
    message = "it exists, but is not listed yet; wait until `halo schedule list` shows it before the next apply"
    assert status_message_code(run) == (["done"], message, 0)
    assert run.requests == [LIST, CREATE, *[LIST] * 4, READ]


def test_a_create_that_is_missing_is_unknown(harness: Harness) -> None:
    answer_without_keeping(harness)
    kept = RecordedWrites()
    run = harness.run(create("Review"), recorder=kept)
    assert status_message_code(run) == (["unknown"], "the platform answered that it created s9, but cannot find it", 5)
    assert kept.line_summaries == ["1 create", "1 done", "1 unknown"]


def test_only_missing_creates_are_unknown(harness: Harness) -> None:
    answer_without_keeping(harness)
    run = harness.run(create("Review"), create("Other"))
    assert (run.statuses, run.exit_code) == (["unknown", "done"], 5)


@pytest.mark.parametrize("procedure", [CREATE, READ])
def test_a_create_in_another_project_has_failed(harness: Harness, procedure: str) -> None:
    hide_from_listings(harness, None)
    harness.fault(procedure, patched_with(projectId=ELSEWHERE))
    run = harness.run(create("Review"))
    assert status_message_code(run) == (["failed"], f"it was created in another project, {ELSEWHERE}", 4)
    assert run.summary.events[0].hint == (
        "archive s1 there, and run `halo doctor` to see which projects the key is for"
    )


def test_a_project_in_capitals_is_the_same(harness: Harness) -> None:
    harness.fault(CREATE, patched_with(projectId=PROJECT.upper()))
    assert harness.run(create("Review")).statuses == ["done"]


def test_a_create_with_another_title_by_now_is_a_conflict(harness: Harness) -> None:
    hide_from_listings(harness, None)
    harness.fault(READ, patched_with(title="Another"))
    assert status_message_code(harness.run(create("Review"))) == (["conflict"], "its title is now 'Another'", 4)


def test_a_create_that_differs_from_what_was_sent_has_failed(harness: Harness) -> None:
    hide_from_listings(harness, None)
    harness.fault(READ, patched_with(hours=[17]))
    message = "it was created, but the platform answered with another hours than was sent"
    assert status_message_code(harness.run(create("Review"))) == (["failed"], message, 4)


LISTED_OTHERWISE = {
    "archived": ({"archivedAt": "2026-11-01T00:00:00.000Z"}, "conflict", "it is now archived"),
    "title": ({"title": "Another"}, "conflict", "its title is now 'Another'"),
    "disabled": ({"enabled": False}, "failed", "it was created, but the platform answered with another enabled than "),
    "prompt": ({"prompt": "Else."}, "failed", "it was created, but the platform answered with another prompt than "),
}


@pytest.mark.parametrize(("fields", "status", "message"), LISTED_OTHERWISE.values(), ids=LISTED_OTHERWISE)
def test_a_create_stored_differently_fails(
    harness: Harness, fields: dict[str, object], status: str, message: str
) -> None:
    harness.fault(LIST, Pass())
    harness.fault(
        LIST,
        PatchResponse(lambda page: {**page, "schedules": [each | fields for each in page["schedules"]]}),
        times=None,
    )
    harness.fault(READ, patched_with(**fields), times=None)
    run = harness.run(create("Review"))
    assert (run.statuses, run.exit_code) == ([status], 4)
    assert run.message.startswith(message)


def test_a_create_that_is_listed_with_other_values_for_a_while_is_waited_for(harness: Harness) -> None:
    harness.fault(LIST, Pass())
    harness.fault(
        LIST, PatchResponse(lambda page: {**page, "schedules": [each | {"hours": [1]} for each in page["schedules"]]})
    )
    run = harness.run(create("Review"))
    assert status_message_code(run) == (["done"], "", 0)
    assert run.event_lines == ["Review started", "Review done", "Review retrying", "Review done"]


def test_a_create_answered_as_archived_has_failed(harness: Harness) -> None:
    harness.fault(CREATE, patched_with(archivedAt="2026-11-01T00:00:00.000Z"))
    assert status_message_code(harness.run(create("Review"))) == (["failed"], "it was created, but it is archived", 4)


NO_LIST: dict[str, Effect] = {"refused": Refuse("BAD_REQUEST"), "trouble": Refuse(), "cut": Cut()}


@pytest.mark.parametrize("effect", NO_LIST.values(), ids=NO_LIST)
def test_without_a_listing_each_create_is_read_by_id(harness: Harness, effect: Effect) -> None:
    harness.fault(LIST, Pass())
    harness.fault(LIST, effect, times=None)
    answer_without_keeping(harness)
    run = harness.run(create("Review"), create("Other"))
    assert (run.statuses, run.exit_code) == (["unknown", "done"], 5)
    assert run.summary.events[1].message.startswith("could not check whether another run created the same schedule: ")


def test_without_a_readable_platform_the_answer_counts(harness: Harness) -> None:
    harness.fault(LIST, Pass())
    harness.fault(LIST, Refuse("FORBIDDEN"), times=None)
    run = harness.run(create("Review"), create("Other"))
    assert (run.statuses, run.exit_code, run.requests[-1]) == (["done", "done"], 0, LIST)


def test_an_unlisted_create_that_cannot_be_read_is_unknown(harness: Harness) -> None:
    hide_from_listings(harness, None)
    harness.fault(READ, Refuse("BAD_REQUEST"))
    run = harness.run(create("Review"))
    assert (run.statuses, run.exit_code) == (["unknown"], 5)
    assert run.message.startswith(f"it is not listed, and could not be read: {READ} (HTTP 400)")


def test_a_duplicate_is_found_although_the_create_is_not_listed(harness: Harness) -> None:
    hide_ours = PatchResponse(
        lambda page: {**page, "schedules": [each for each in page["schedules"] if each["id"] != "s2"]}
    )
    harness.fault(LIST, ChangeBetween(lambda: harness.add("Review")), when="after")
    harness.fault(LIST, Pass())
    harness.fault(LIST, hide_ours, times=None)
    harness.fault(LIST, hide_ours, times=None)
    run = harness.run(create("Review"))
    assert (run.statuses, run.exit_code) == (["conflict"], 4)
    assert run.message == "another run created s1 with this title first; this run's, s2, was archived"


def _once(status: str, happens: Callable[[], object]) -> Callable[[Any], None]:
    def during(event: Any) -> None:  # noqa: ANN401 - an event
        if str(event.status) == status:
            happens()

    return during


def test_a_stop_ends_the_wait_for_a_create_to_be_listed(harness: Harness) -> None:
    hide_from_listings(harness, None)
    run = harness.run(create("Review"), during=_once("retrying", harness.stop_signal.interrupt))
    assert (run.statuses, run.exit_code) == (["done"], 130)
    assert run.requests == [LIST, CREATE, LIST, LIST, READ]


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_undo_printed_for_an_unknown_create_works(halo: CommandLine, folder: Path, *, is_kept: bool) -> None:
    """Nothing was made, or it has another id than was answered."""
    with serve_sandbox(halo) as place:
        (folder / "halo.yaml").write_text(
            "version: 1\nschedules:\n  a: {title: Review, agent: checkout, frequency: daily, hours: 9, prompt: Look.}\n"
        )
        body = json.dumps({"result": {"data": {**DAILY, "id": "s9", "title": "Review", "archivedAt": None}}}).encode()
        place.fault(CREATE, patched_with(id="s9") if is_kept else Reply(200, body))
        ended = place("apply", "--yes")
        assert (ended.code, place.held[0]) == (5, ("Review at 9",) if is_kept else ())
        command = ended.err.partition("`halo undo ")[2].partition("`")[0]
        ended = place("undo", *shlex.split(command), "--yes")
        assert (ended.code, place.held[0]) == (0, ("Review archived",) if is_kept else ()), ended.text


def test_two_applies_in_a_row_create_one_schedule_though_the_list_lags(halo: CommandLine, folder: Path) -> None:
    with serve_sandbox(halo) as place:
        (folder / "halo.yaml").write_text(
            "version: 1\nschedules:\n  a: {title: Review, agent: checkout, frequency: daily, hours: 9, prompt: Look.}\n"
        )
        place.fault(LIST, Pass(), times=2)
        place.fault(LIST, HIDDEN, times=3)
        first, second = place("apply", "--yes"), place("apply", "--yes")
        assert (first.code, second.code, place.held[0]) == (0, 0, ("Review at 9",))
        assert "not listed yet; checking again" in first.err
